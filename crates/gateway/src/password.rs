//! Passwords of local people: argon2id, one computation per core at once, and a bounded queue before it.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use cardea_model::{Random, chance};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

const SHORTEST: usize = 9;
const LONGEST: usize = 256;
/// 19 MiB, two passes, one lane: the second recommended setting of OWASP's password storage cheat sheet.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// Why no password could be computed or taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PasswordError {
    /// The queue is full (503).
    #[error("too many people sign in at this moment; try again in a few seconds")]
    Busy,
    /// Too short, too long, or missing a kind of character (422).
    #[error(
        "a password has 9 to 256 characters, with an upper-case and a lower-case letter, a digit and another character"
    )]
    Weak,
    /// The computation failed: a mistake of ours (500).
    #[error("the password could not be hashed")]
    Failed,
}

/// The queue of password computations.
pub struct Passwords {
    turns: Semaphore,
    places: Semaphore,
}

impl Passwords {
    /// `hashers` computations at once, `queue` more may wait.
    #[must_use]
    pub fn new(hashers: usize, queue: usize) -> Self {
        let places = hashers.saturating_add(queue);
        Self { turns: Semaphore::new(hashers.max(1)), places: Semaphore::new(places) }
    }

    /// The hash of a new password, in PHC string format.
    ///
    /// # Errors
    /// [`PasswordError`]; a weak password is refused before anything is computed.
    pub async fn hash(&self, random: &dyn Random, password: SecretString) -> Result<String, PasswordError> {
        if !is_strong(password.expose_secret()) {
            return Err(PasswordError::Weak);
        }
        let salt = chance::bytes::<16>(random);
        self.compute(move || {
            let hash = argon2()?.hash_password_with_salt(password.expose_secret().as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|_| PasswordError::Failed)
        })
        .await?
    }

    /// Whether the password fits the hash; without a hash the same time is spent and the answer is no.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] and [`PasswordError::Failed`].
    pub async fn verify(&self, hash: Option<String>, password: SecretString) -> Result<bool, PasswordError> {
        self.compute(move || {
            let text = hash.as_deref().unwrap_or(NOBODYS);
            let parsed = PasswordHash::new(text).map_err(|_| PasswordError::Failed)?;
            let fits = argon2()?.verify_password(password.expose_secret().as_bytes(), &parsed).is_ok();
            Ok(fits && hash.is_some())
        })
        .await?
    }

    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
        let _place = self.places.try_acquire().map_err(|_| PasswordError::Busy)?;
        let _turn = self.turns.acquire().await.map_err(|_| PasswordError::Busy)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| PasswordError::Failed)
    }
}

/// A hash that no password fits, with the cost of a real one.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|_| PasswordError::Failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn is_strong(password: &str) -> bool {
    let length = password.chars().count();
    (SHORTEST..=LONGEST).contains(&length)
        && password.chars().any(char::is_uppercase)
        && password.chars().any(char::is_lowercase)
        && password.chars().any(|c| c.is_ascii_digit())
        && password.chars().any(|c| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_needs_length_and_four_kinds_of_characters() {
        assert!(is_strong("Correct-horse-7"));
        for weak in
            ["Short-7a", "correct-horse-7", "CORRECT-HORSE-7", "Correct-horse-x", "CorrectHorse77", &"Aa1-".repeat(65)]
        {
            assert!(!is_strong(weak), "{weak}");
        }
    }

    #[tokio::test]
    async fn no_password_fits_nobody_and_it_takes_as_long_to_find_out() {
        let passwords = Passwords::new(1, 0);
        assert_eq!(passwords.verify(None, "Correct-horse-7".into()).await, Ok(false));
    }
}
