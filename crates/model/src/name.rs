//! Names and addresses as people type them, normalised once, in Rust, for both database engines.

use unicode_normalization::UnicodeNormalization as _;

/// An e-mail address that was understood.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email {
    /// As it was given, trimmed; shown to people.
    pub shown: String,
    /// For comparing: NFC, local part folded to lower case, domain in IDNA ASCII.
    pub normal: String,
    /// The domain in IDNA ASCII, lower case.
    pub domain: String,
}

impl Email {
    /// Reads an address: one `@`, a non-empty local part, a domain that IDNA accepts, at most 254 bytes (RFC 5321 §4.5.3).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let shown = text.trim();
        let (local, domain) = shown.rsplit_once('@')?;
        let plain = |c: char| !c.is_control() && !c.is_whitespace() && !matches!(c, '<' | '>' | '@' | ',' | ';' | '"');
        if shown.len() > 254 || local.is_empty() || local.len() > 64 || !local.chars().all(plain) {
            return None;
        }
        let domain = self::domain(domain)?;
        let normal = format!("{}@{domain}", fold(local));
        Some(Self { shown: shown.to_owned(), normal, domain })
    }
}

/// A domain in IDNA ASCII, lower case and without a final dot; nothing if it is none.
#[must_use]
pub fn domain(text: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii_strict(text.trim().trim_end_matches('.')).ok()?;
    let known = ascii.len() <= 253 && ascii.contains('.') && !ascii.split('.').any(str::is_empty);
    known.then_some(ascii)
}

/// Text folded for comparing without case: NFC of the lower-case form (Unicode, not only ASCII).
#[must_use]
pub fn fold(text: &str) -> String {
    text.nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// Whether `text` may name a team, connection or other thing that appears in addresses:
/// lower-case letters and digits, with `.`, `_` and `-` inside, 1 to 63 characters.
#[must_use]
pub fn is_slug(text: &str) -> bool {
    let edge = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let inner = |b: u8| edge(b) || matches!(b, b'.' | b'_' | b'-');
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes.first().is_some_and(|b| edge(*b))
        && bytes.last().is_some_and(|b| edge(*b))
        && bytes.iter().all(|b| inner(*b))
}

/// Whether `text` can be shown and stored: no control characters (NUL is refused by PostgreSQL), 1 to `most` bytes after trimming.
#[must_use]
pub fn is_label(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.len() <= most && !text.chars().any(char::is_control)
}

/// Text that may be anything, fit for one line of a message: at most 64 characters, none of them a control character.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let safe = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    let start: String = text.chars().take(64).map(safe).collect();
    if text.chars().nth(64).is_some() { format!("{start}…") } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_compare_without_case_and_with_idna() {
        let email = Email::parse(" Ana.Ruiz@Bücher.Example ").unwrap();
        assert_eq!(email.shown, "Ana.Ruiz@Bücher.Example");
        assert_eq!(email.normal, "ana.ruiz@xn--bcher-kva.example");
        assert_eq!(email.domain, "xn--bcher-kva.example");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "ana",
            "@corp.example",
            "ana@",
            "a na@corp.example",
            "ana@corp",
            "a@b@corp.example",
            "ana@corp..example",
            "ana@co\u{0}rp.example",
        ] {
            assert_eq!(Email::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_excerpt_is_short_and_of_one_line() {
        assert_eq!(excerpt("a\0b\nc"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(excerpt(&"é".repeat(64)), "é".repeat(64));
        assert_eq!(excerpt(&"é".repeat(65)), format!("{}…", "é".repeat(64)));
    }

    #[test]
    fn slugs_are_lower_case_and_do_not_start_or_end_with_a_mark() {
        assert!(is_slug("vision") && is_slug("a") && is_slug("team-1.x_y"));
        for text in ["", "Vision", "-a", "a-", "a b", "é", &"a".repeat(64)] {
            assert!(!is_slug(text), "{text:?}");
        }
    }
}
