//! Passwords of local people: argon2id, one computation per core at once, and a bounded queue before it; and those that are
//! made for somebody until they choose one.

mod policy;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use cardea_model::{Kind, Random, chance};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

pub use policy::{LONGEST, SHORTEST, Weakness};

/// 19 MiB, two passes, one lane: the second recommended setting of OWASP's password storage cheat sheet.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// Why no password could be computed or taken.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum PasswordError {
    /// The queue is full (503).
    #[error("too many people sign in at this moment; try again in a few seconds")]
    Busy,
    /// The password is not good enough to be one (422).
    #[error(transparent)]
    Weak(#[from] Weakness),
    /// The computation failed: a mistake of ours (500).
    #[error("the password could not be hashed")]
    Failed,
}

impl PasswordError {
    /// What the outside may know about it.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Busy => Kind::Unavailable,
            Self::Weak(_) => Kind::Unprocessable,
            Self::Failed => Kind::Internal,
        }
    }

    /// A stable word for it.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Weak(_) => "weak_password",
            Self::Failed => "internal",
        }
    }
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

    /// The hash of a new password, in PHC string format. `about` is what is known of its person: a password made of that
    /// is no good one.
    ///
    /// # Errors
    /// [`PasswordError`]; a password of the wrong form is refused before anything is computed.
    pub async fn hash(
        &self,
        random: &dyn Random,
        password: SecretString,
        about: &[String],
    ) -> Result<String, PasswordError> {
        policy::form(password.expose_secret())?;
        let own = policy::own_words(about);
        let salt = chance::bytes::<16>(random);
        self.compute(move || {
            policy::strength(password.expose_secret(), &own)?;
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
        // Nobody has one of this length, so whoever sends it learns nothing from how soon they hear it.
        if password.expose_secret().len() > LONGEST {
            return Ok(false);
        }
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

/// 16 letters each without vowels, which make no words, and digits, none of which is taken for another.
const CAPITALS: &[u8; 16] = b"BCDFGHJKMNPQRTWX";
const LETTERS: &[u8; 16] = b"bcdfghjkmnpqrtwx";
const DIGITS: &[u8; 8] = b"23456789";
/// Groups of six: 92 bits of chance in all.
const GROUPS: usize = 4;

/// A password for somebody who is to choose another one, such as `Bkt4wq-Xhn7cf-Mrd2gp-Tjw9bk`.
pub(crate) fn temporary(random: &dyn Random) -> String {
    let group = || {
        let drawn = chance::bytes::<6>(random);
        let alphabets: [&[u8]; 6] = [CAPITALS, LETTERS, LETTERS, DIGITS, LETTERS, LETTERS];
        // Each alphabet's length divides 256, so that every character is equally likely.
        let letters = drawn
            .iter()
            .zip(alphabets)
            .filter_map(|(byte, alphabet)| alphabet.get(usize::from(*byte) % alphabet.len()).copied().map(char::from));
        letters.collect::<String>()
    };
    [(); GROUPS].map(|()| group()).join("-")
}

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|_| PasswordError::Failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests;
