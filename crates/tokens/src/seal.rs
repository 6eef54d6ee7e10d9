//! Secrets that we must be able to read again, such as the client secret at an identity provider, at rest.
//!
//! ```text
//! 01 │ pepper id, 2 bytes │ nonce, 12 bytes │ AES-256-GCM of the secret │ tag, 16 bytes
//! ```
//! The first three bytes and the *purpose* (the table, row and column that it stands in) are authenticated with it: a
//! sealed secret that is copied to another row does not open.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use cardea_model::chance::{self, Random};
use zeroize::Zeroizing;

/// Seals and opens secrets, by every version of the pepper. It prints only their numbers.
pub struct Sealer {
    /// The current version first.
    keys: Vec<(u16, LessSafeKey)>,
}

/// Why a sealed secret does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not something that was sealed by this program or an earlier one.
    #[error("the sealed secret has an unknown form")]
    Form,
    /// The version of the pepper that sealed it is not in the pepper file.
    #[error("the secret was sealed with pepper {0}, which the pepper file does not have")]
    MissingPepper(u16),
    /// It was changed, belongs elsewhere, or was sealed with another pepper of that number.
    #[error("the sealed secret was changed, moved, or sealed with another pepper")]
    Broken,
}

const VERSION: u8 = 1;
const HEADER: usize = 3;

impl Sealer {
    /// From the keys of all versions, the current one first.
    pub(crate) fn of(keys: impl Iterator<Item = (u16, Zeroizing<[u8; 32]>)>) -> Self {
        let key = |bytes: &[u8; 32]| {
            #[expect(clippy::expect_used, reason = "AES-256 takes 32 bytes (FIPS 197)")]
            LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).expect("32 bytes"))
        };
        Self { keys: keys.map(|(id, bytes)| (id, key(&bytes))).collect() }
    }

    /// Seals a secret for one purpose, such as `connection/idp_0198…/secret`.
    #[must_use]
    pub fn seal(&self, random: &dyn Random, purpose: &str, plain: &[u8]) -> Vec<u8> {
        #[expect(clippy::expect_used, reason = "a pepper file has at least one version, or it is refused")]
        let (id, key) = self.keys.first().expect("a version");
        // Random nonces are safe for 2³² secrets a version (NIST SP 800-38D §8.3).
        let nonce: [u8; NONCE_LEN] = chance::bytes(random);
        let header = header(*id);
        let mut body = Zeroizing::new(plain.to_vec());
        #[expect(clippy::expect_used, reason = "AES-GCM refuses only texts above 64 GiB (NIST SP 800-38D §5.2.1.1)")]
        let tag = key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), associated(header, purpose), &mut body)
            .expect("a secret is shorter than 64 GiB");
        [&header[..], &nonce, &body, tag.as_ref()].concat()
    }

    /// Opens what was sealed for the same purpose.
    ///
    /// # Errors
    /// [`SealError`]; a secret that does not open is not there.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (head, rest) = sealed.split_first_chunk::<HEADER>().ok_or(SealError::Form)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Form)?;
        let [VERSION, high, low] = *head else {
            return Err(SealError::Form);
        };
        let id = u16::from_be_bytes([high, low]);
        let (_, key) = self.keys.iter().find(|(known, _)| *known == id).ok_or(SealError::MissingPepper(id))?;
        let mut plain = Zeroizing::new(body.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length =
            key.open_in_place(nonce, associated(*head, purpose), &mut plain).map_err(|_| SealError::Broken)?.len();
        plain.truncate(length);
        Ok(plain)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sealer").field(&self.keys.iter().map(|(id, _)| *id).collect::<Vec<_>>()).finish()
    }
}

const fn header(id: u16) -> [u8; HEADER] {
    let [high, low] = id.to_be_bytes();
    [VERSION, high, low]
}

fn associated(header: [u8; HEADER], purpose: &str) -> Aad<Vec<u8>> {
    Aad::from([&header[..], purpose.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::tests::Seeded;
    use proptest::prelude::*;

    fn sealer(ids: &[u16]) -> Sealer {
        Sealer::of(ids.iter().map(|id| (*id, Zeroizing::new([u8::try_from(*id).unwrap(); 32]))))
    }

    #[test]
    fn one_secret_sealed_twice_looks_different() {
        let (sealer, random) = (sealer(&[1]), Seeded::new(1));
        let one = sealer.seal(&random, "connection/a/secret", b"hunter2");
        let two = sealer.seal(&random, "connection/a/secret", b"hunter2");
        assert_ne!(one, two);
        assert_eq!(one.len(), HEADER + NONCE_LEN + 7 + 16);
        assert!(!one.windows(7).any(|part| part == b"hunter2"));
    }

    #[test]
    fn an_older_version_opens_until_it_is_gone() {
        let sealed = sealer(&[1]).seal(&Seeded::new(1), "p", b"hunter2");
        assert_eq!(sealer(&[2, 1]).open("p", &sealed).unwrap().as_slice(), b"hunter2");
        assert_eq!(sealer(&[2]).open("p", &sealed), Err(SealError::MissingPepper(1)));
        assert_eq!(sealer(&[2, 1]).seal(&Seeded::new(1), "p", b"")[..HEADER], [1, 0, 2]);
        let other = Sealer::of([(1, Zeroizing::new([9; 32]))].into_iter());
        assert_eq!(other.open("p", &sealed), Err(SealError::Broken));
    }

    #[test]
    fn a_foreign_form_is_named() {
        let sealer = sealer(&[1]);
        for sealed in [&[][..], &[1, 0], &[1, 0, 1, 5, 5], &[2; 60], &[0; 60]] {
            assert_eq!(sealer.open("p", sealed), Err(SealError::Form));
        }
        assert_eq!(sealer.open("p", &[&[1, 0, 1][..], &[0; 12]].concat()), Err(SealError::Broken));
    }

    #[test]
    fn nothing_secret_prints() {
        assert_eq!(format!("{:?}", sealer(&[2, 1])), "Sealer([2, 1])");
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_for_its_purpose_only(
            plain in proptest::collection::vec(any::<u8>(), 0..200),
            purpose in ".{0,40}",
            other in ".{0,40}",
            seed in any::<u64>(),
        ) {
            let sealer = sealer(&[3, 2]);
            let sealed = sealer.seal(&Seeded::new(seed), &purpose, &plain);
            prop_assert_eq!(sealer.open(&purpose, &sealed).map(|opened| opened.to_vec()), Ok(plain));
            prop_assert_eq!(sealer.open(&other, &sealed).is_ok(), other == purpose);
        }

        #[test]
        fn any_change_of_a_bit_or_the_length_is_noticed(
            plain in proptest::collection::vec(any::<u8>(), 0..40),
            place in any::<prop::sample::Index>(),
            bit in 0..8_u32,
            cut in any::<prop::sample::Index>(),
        ) {
            let sealer = sealer(&[3, 2]);
            let sealed = sealer.seal(&Seeded::new(7), "p", &plain);
            let mut changed = sealed.clone();
            let index = place.index(changed.len());
            changed[index] ^= 1 << bit;
            prop_assert!(sealer.open("p", &changed).is_err());
            prop_assert!(sealer.open("p", &sealed[..cut.index(sealed.len())]).is_err());
            prop_assert!(sealer.open("p", &[&sealed[..], &[0]].concat()).is_err());
        }

        #[test]
        fn any_bytes_are_opened_or_refused(sealed in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(sealer(&[1]).open("p", &sealed).is_err());
        }
    }
}
