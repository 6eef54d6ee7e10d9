//! Digests and comparisons.

use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// SHA-256 (FIPS 180-4). For values that nobody can guess; for those that people choose there is [`crate::pepper`].
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    fixed(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Base 64 for URLs, without padding (RFC 4648 §5).
#[must_use]
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Base 16 in small letters (RFC 4648 §8).
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that [`base64url`] has written.
#[must_use]
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Whether both are the same, in a time that depends on their length alone.
#[must_use]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// The 32 bytes of a SHA-256 or of a code made with it.
pub(crate) fn fixed(bytes: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "SHA-256 gives 32 bytes (FIPS 180-4)")]
    bytes.try_into().expect("32 bytes")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use cardea_model::chance::Random;
    use std::sync::Mutex;

    /// Bytes that are the same in every run: SplitMix64.
    pub(crate) struct Seeded(Mutex<u64>);

    impl Seeded {
        pub(crate) fn new(seed: u64) -> Self {
            Self(Mutex::new(seed))
        }
    }

    impl Random for Seeded {
        fn fill(&self, bytes: &mut [u8]) {
            let mut state = self.0.lock().unwrap();
            for chunk in bytes.chunks_mut(8) {
                *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut mixed = *state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
            }
        }
    }

    #[test]
    fn the_standard_s_example_comes_out() {
        // FIPS 180-4, "abc".
        assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn base_64_is_that_of_urls() {
        assert_eq!(base64url(&[0xfb, 0xff, 0xfe, 0x01]), "-__-AQ");
        assert_eq!(from_base64url("-__-AQ").as_deref(), Some(&[0xfb, 0xff, 0xfe, 0x01][..]));
        assert_eq!(from_base64url("+//+AQ"), None);
    }

    #[test]
    fn only_equal_bytes_are_the_same() {
        assert!(same(b"hinge", b"hinge") && same(b"", b""));
        assert!(!same(b"hinge", b"hingE") && !same(b"hinge", b"hing") && !same(b"", b"h"));
    }
}
