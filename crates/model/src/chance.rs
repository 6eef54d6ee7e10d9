//! Chance as the rest of the code sees it: injected; and what must be seen only once.

use std::fmt;

/// Where random bytes come from: the operating system, or a test.
pub trait Random: Send + Sync {
    /// Fills `bytes` with bytes that nobody can guess.
    fn fill(&self, bytes: &mut [u8]);
}

/// `N` random bytes.
#[must_use]
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// `length` characters chosen evenly from `0-9A-Za-z` (rejection sampling: no character is likelier).
#[must_use]
pub fn base62(random: &dyn Random, length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        for byte in bytes::<64>(random) {
            // 248 = 4 × 62 is the largest multiple of 62 that a byte can hold.
            if byte < 248
                && text.len() < length
                && let Some(letter) = BASE62.get(usize::from(byte % 62))
            {
                text.push(char::from(*letter));
            }
        }
    }
    text
}

/// The alphabet of keys and one-time links, in the order of their digits.
pub const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A value that may be revealed once: it cannot be copied, printed or serialised.
pub struct ShownOnce<T>(T);

impl<T> ShownOnce<T> {
    /// Wraps a fresh secret.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Gives the value away for the one response that shows it.
    pub fn reveal(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for ShownOnce<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownOnce")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU8, Ordering};

    struct Counting(AtomicU8);
    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn every_letter_is_equally_likely() {
        let text = base62(&Counting(AtomicU8::new(0)), 248 * 10);
        for letter in BASE62 {
            let count = text.bytes().filter(|b| b == letter).count();
            assert_eq!(count, 40, "{}", char::from(*letter));
        }
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", ShownOnce::new("hunter2")), "ShownOnce");
    }
}
