//! The pepper: the secret of the instance, from which all its keys derive, and the codes by which secrets are kept.
//!
//! The pepper file has a line for each version, `1:` and 32 bytes in base 64; the highest number is the current one and
//! the others stay for what was made with them. From each version derive (HKDF-SHA-256, RFC 5869, one `info` each):
//!
//! | info | what for |
//! |---|---|
//! | `cardea issued` | codes of secrets that we made, over their whole text |
//! | `cardea supplied` | codes of secrets that an operator supplied, over whose they are and their text |
//! | `cardea seal` | sealing, see [`crate::seal`] |
//! | `cardea fingerprint` | nothing else: its SHA-256 tells two files apart without telling anything of the pepper |
//!
//! A stolen database alone can so not even confirm a leaked secret. What was made with a version that the file no
//! longer has is refused.

use std::fmt;

use aws_lc_rs::{constant_time, hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cardea_model::chance::{self, Random};
use zeroize::Zeroizing;

use crate::hash::{fixed, sha256};
use crate::seal::Sealer;

/// All versions of the pepper, with the keys that derive from them. It prints only their numbers.
pub struct Peppers {
    current: Pepper,
    older: Vec<Pepper>,
    sealer: Sealer,
}

struct Pepper {
    id: u16,
    issued: hmac::Key,
    supplied: hmac::Key,
    fingerprint: [u8; 32],
}

/// The code of a secret: what is stored of it. Two are compared by [`Peppers::verify`], in constant time.
#[derive(Clone, Copy)]
pub struct Mac {
    /// The version of the pepper that made it.
    pub pepper_id: u16,
    /// HMAC-SHA-256.
    pub bytes: [u8; 32],
}

/// Why a pepper file cannot be used. The text of the file is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPepper {
    /// No line, or bytes that are no text.
    #[error("the pepper file holds no pepper")]
    Empty,
    /// A line of another form.
    #[error("line {0} of the pepper file is not a number from 1 to 65535, `:` and 32 bytes in base 64")]
    Line(usize),
    /// Two lines with one number.
    #[error("line {0} of the pepper file repeats a number")]
    Repeated(usize),
}

impl Peppers {
    /// The text of a new pepper file, to be written where only the instance can read it.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Zeroizing<String> {
        let pepper = Zeroizing::new(chance::bytes::<32>(random));
        let text = Zeroizing::new(STANDARD.encode(pepper.as_slice()));
        Zeroizing::new(format!("1:{}\n", text.as_str()))
    }

    /// Reads a pepper file.
    ///
    /// # Errors
    /// [`BadPepper`] says which line cannot be used.
    pub fn read(file: &[u8]) -> Result<Self, BadPepper> {
        let text = std::str::from_utf8(file).map_err(|_| BadPepper::Empty)?;
        let mut versions: Vec<(u16, Zeroizing<[u8; 32]>)> = Vec::new();
        for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
            let (id, pepper) = version(line.trim()).ok_or(BadPepper::Line(number))?;
            if versions.iter().any(|(known, _)| *known == id) {
                return Err(BadPepper::Repeated(number));
            }
            versions.push((id, pepper));
        }
        versions.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        let derived = |(id, pepper): &(u16, Zeroizing<[u8; 32]>)| Pepper::derive(*id, pepper);
        let mut peppers = versions.iter().map(derived);
        let current = peppers.next().ok_or(BadPepper::Empty)?;
        let sealing = versions.iter().map(|(id, pepper)| (*id, expand(pepper, "cardea seal")));
        Ok(Self { current, older: peppers.collect(), sealer: Sealer::of(sealing) })
    }

    /// The versions with a fingerprint of each, the current one first. A node whose file lacks a version that the
    /// database knows, or has it with another fingerprint, has the wrong file.
    pub fn fingerprints(&self) -> impl Iterator<Item = (u16, [u8; 32])> {
        self.all().map(|pepper| (pepper.id, pepper.fingerprint))
    }

    /// What seals and opens secrets at rest.
    #[must_use]
    pub const fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// The code of a secret that we made, by the current version; over its whole text. Allocates nothing.
    #[must_use]
    pub fn mac(&self, text: &str) -> Mac {
        self.current.mac(text)
    }

    /// Whether the code is that of the text, in constant time; never if its version is missing. Allocates nothing.
    #[must_use]
    pub fn verify(&self, mac: &Mac, text: &str) -> bool {
        self.all()
            .find(|pepper| pepper.id == mac.pepper_id)
            .is_some_and(|pepper| constant_time::verify_slices_are_equal(&pepper.mac(text).bytes, &mac.bytes).is_ok())
    }

    /// The codes that a secret we made may be stored under, one a version, the current one first:
    /// for secrets that are looked up by their code.
    pub fn macs(&self, text: &str) -> impl Iterator<Item = Mac> {
        self.all().map(move |pepper| pepper.mac(text))
    }

    /// The code of a secret that an operator supplied, by the current version. `domain` says what it opens
    /// (`client`, `directory`, …) and `client_id` whose it is, so that one secret in two places has two codes.
    #[must_use]
    pub fn mac_secret(&self, domain: &str, client_id: &str, secret: &str) -> Mac {
        self.current.mac_secret(domain, client_id, secret)
    }

    /// Whether the code is that of the supplied secret, in constant time; never if its version is missing.
    #[must_use]
    pub fn verify_secret(&self, mac: &Mac, domain: &str, client_id: &str, secret: &str) -> bool {
        self.all().find(|pepper| pepper.id == mac.pepper_id).is_some_and(|pepper| {
            let expected = pepper.mac_secret(domain, client_id, secret);
            constant_time::verify_slices_are_equal(&expected.bytes, &mac.bytes).is_ok()
        })
    }

    /// The codes that a supplied secret may be stored under, the current version first:
    /// for secrets that are looked up by their code.
    pub fn macs_secret(&self, domain: &str, client_id: &str, secret: &str) -> impl Iterator<Item = Mac> {
        self.all().map(move |pepper| pepper.mac_secret(domain, client_id, secret))
    }

    fn all(&self) -> impl Iterator<Item = &Pepper> {
        std::iter::once(&self.current).chain(&self.older)
    }
}

impl fmt::Debug for Peppers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Peppers").field(&self.all().map(|pepper| pepper.id).collect::<Vec<_>>()).finish()
    }
}

impl Pepper {
    fn derive(id: u16, pepper: &[u8; 32]) -> Self {
        let key = |info| hmac::Key::new(hmac::HMAC_SHA256, expand(pepper, info).as_slice());
        Self {
            id,
            issued: key("cardea issued"),
            supplied: key("cardea supplied"),
            fingerprint: sha256(expand(pepper, "cardea fingerprint").as_slice()),
        }
    }

    fn mac(&self, text: &str) -> Mac {
        let tag = hmac::sign(&self.issued, text.as_bytes());
        Mac { pepper_id: self.id, bytes: fixed(tag.as_ref()) }
    }

    fn mac_secret(&self, domain: &str, client_id: &str, secret: &str) -> Mac {
        let mut context = hmac::Context::with_key(&self.supplied);
        for part in [domain, client_id, secret] {
            // Each part says its length first, so that no two triples run together into the same text.
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part.as_bytes());
        }
        Mac { pepper_id: self.id, bytes: fixed(context.sign().as_ref()) }
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mac(pepper {})", self.pepper_id)
    }
}

impl Mac {
    /// For a column of its own: the version in two bytes, big end first, and the code.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 34] {
        let mut out = [0; 34];
        let parts = self.pepper_id.to_be_bytes().into_iter().chain(self.bytes);
        out.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        out
    }

    /// Reads such a column.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, code) = bytes.split_first_chunk::<2>()?;
        Some(Self { pepper_id: u16::from_be_bytes(*id), bytes: code.try_into().ok()? })
    }
}

/// One line of the file.
fn version(line: &str) -> Option<(u16, Zeroizing<[u8; 32]>)> {
    let (id, pepper) = line.split_once(':')?;
    let id = id.parse().ok().filter(|id| *id >= 1)?;
    let pepper = Zeroizing::new(STANDARD.decode(pepper).ok()?);
    Some((id, Zeroizing::new(pepper.as_slice().try_into().ok()?)))
}

/// 32 bytes for one purpose.
fn expand(pepper: &[u8; 32], info: &str) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0; 32]);
    // Without a salt: the pepper is uniform already (RFC 5869 §3.1).
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(pepper);
    #[expect(clippy::expect_used, reason = "HKDF-SHA-256 gives up to 8160 bytes, and 32 are wanted (RFC 5869 §2.3)")]
    key.expand(&[info.as_bytes()], hkdf::HKDF_SHA256).and_then(|okm| okm.fill(out.as_mut_slice())).expect("32 bytes");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::tests::Seeded;
    use proptest::prelude::*;

    /// A file with one line for each id.
    fn file(ids: &[u16]) -> String {
        ids.iter().map(|id| format!("{id}:{}\n", STANDARD.encode([u8::try_from(*id).unwrap(); 32]))).collect()
    }

    fn peppers(ids: &[u16]) -> Peppers {
        Peppers::read(file(ids).as_bytes()).unwrap()
    }

    #[test]
    fn a_new_file_is_read() {
        let text = Peppers::generate(&Seeded::new(1));
        assert!(text.starts_with("1:") && text.ends_with("=\n") && text.len() == 2 + 44 + 1);
        assert_eq!(format!("{:?}", Peppers::read(text.as_bytes()).unwrap()), "Peppers([1])");
    }

    #[test]
    fn the_highest_number_is_current_wherever_it_stands() {
        for text in [file(&[2, 1]), file(&[1, 2]), format!("\n{}\r\n\n", file(&[1, 2]))] {
            let read = Peppers::read(text.as_bytes()).unwrap();
            assert_eq!(read.mac("x").pepper_id, 2);
            assert_eq!(format!("{read:?}"), "Peppers([2, 1])");
        }
    }

    #[test]
    fn a_bad_file_is_refused_by_line_and_without_its_text() {
        let good = STANDARD.encode([7; 32]);
        let cases: [(Vec<u8>, BadPepper); 9] = [
            (Vec::new(), BadPepper::Empty),
            (b"\n \n".to_vec(), BadPepper::Empty),
            (vec![0xff; 32], BadPepper::Empty),
            (format!("0:{good}").into_bytes(), BadPepper::Line(1)),
            (format!("65536:{good}").into_bytes(), BadPepper::Line(1)),
            (format!("\n{good}").into_bytes(), BadPepper::Line(2)),
            (format!("1:{}", STANDARD.encode([7; 31])).into_bytes(), BadPepper::Line(1)),
            (format!("1:{good}\n2:{good}!").into_bytes(), BadPepper::Line(2)),
            (format!("1:{good}\n1:{good}").into_bytes(), BadPepper::Repeated(2)),
        ];
        for (bytes, expected) in cases {
            let error = Peppers::read(&bytes).unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.to_string().contains(&good));
        }
    }

    #[test]
    fn what_an_older_version_made_still_holds_until_that_version_is_gone() {
        let text = "cdap_000000000000_00000000000000000000000000000000000000000002JmOGF";
        let old = peppers(&[1]).mac(text);
        let both = peppers(&[1, 2]);
        assert!(both.verify(&old, text) && both.verify(&both.mac(text), text));
        assert_eq!(both.macs(text).map(|mac| mac.pepper_id).collect::<Vec<_>>(), [2, 1]);
        assert!(both.macs(text).any(|mac| mac.bytes == old.bytes));
        assert!(!peppers(&[2]).verify(&old, text));
        // The number alone does not help: the same number with another pepper is another version.
        let other = Peppers::read(format!("1:{}", STANDARD.encode([9; 32])).as_bytes()).unwrap();
        assert!(!other.verify(&old, text));
    }

    #[test]
    fn the_keys_of_one_pepper_differ_from_it_and_from_each_other() {
        let pepper = [3; 32];
        let infos = ["cardea issued", "cardea supplied", "cardea seal", "cardea fingerprint"];
        let mut keys: Vec<[u8; 32]> = infos.iter().map(|info| *expand(&pepper, info)).collect();
        keys.extend([pepper, sha256(&pepper), Pepper::derive(1, &pepper).fingerprint]);
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    /// RFC 5869 with SHA-256, no salt, computed apart with Python's `hmac`; then HMAC over the text.
    #[test]
    fn the_derivation_is_the_standard_s() {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hex(expand(&[1; 32], "cardea issued").as_slice()),
            "d0ce4f7ee2686bfd4a953a1f1ed56ef66c3ed5ad8a523a0f36fdce4f00f5482a"
        );
        assert_eq!(
            hex(&peppers(&[1]).mac("hinge").bytes),
            "eaa3fa38f9438ea06b156704a31349f838b3fbe2d7093e76c010d9ce1d1234ba"
        );
    }

    #[test]
    fn a_supplied_secret_has_another_code_in_another_place() {
        let peppers = peppers(&[1]);
        let mac = peppers.mac_secret("client", "portal", "hunter2");
        assert!(peppers.verify_secret(&mac, "client", "portal", "hunter2"));
        for (domain, id, secret) in [
            ("directory", "portal", "hunter2"),
            ("client", "shop", "hunter2"),
            ("client", "portal", "hunter3"),
            ("client", "portalh", "unter2"),
            ("clientp", "ortal", "hunter2"),
        ] {
            assert!(!peppers.verify_secret(&mac, domain, id, secret));
        }
        assert_ne!(peppers.mac("hunter2").bytes, peppers.mac_secret("", "", "hunter2").bytes);
        let missing = Mac { pepper_id: 2, ..mac };
        assert!(!peppers.verify_secret(&missing, "client", "portal", "hunter2"));
        assert!(peppers.macs_secret("client", "portal", "hunter2").map(|mac| mac.bytes).eq([mac.bytes]));
        assert_eq!(format!("{mac:?}"), "Mac(pepper 1)");
    }

    #[test]
    fn fingerprints_name_each_version() {
        let both: Vec<_> = peppers(&[1, 2]).fingerprints().collect();
        let one: Vec<_> = peppers(&[1]).fingerprints().collect();
        assert_eq!((both.len(), both[1]), (2, one[0]));
        assert_ne!(both[0].1, both[1].1);
    }

    proptest! {
        #[test]
        fn a_code_is_that_of_its_text_only(text in ".{0,100}", other in ".{0,100}", bit in 0..256_usize) {
            let peppers = peppers(&[1, 2]);
            let mac = peppers.mac(&text);
            prop_assert!(peppers.verify(&mac, &text));
            prop_assert_eq!(peppers.verify(&mac, &other), text == other);
            let mut wrong = mac;
            wrong.bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!peppers.verify(&wrong, &text));
            let read = Mac::from_bytes(&mac.to_bytes()).unwrap();
            prop_assert_eq!((read.pepper_id, read.bytes), (mac.pepper_id, mac.bytes));
        }

        #[test]
        fn a_stored_code_has_34_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(Mac::from_bytes(&bytes).is_some(), bytes.len() == 34);
        }
    }
}
