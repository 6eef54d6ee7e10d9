//! The text form of every secret that we issue.
//!
//! ```text
//! cdap_Ab3dEf6hIj9L_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz0ELgto     67 characters
//! │    │            │                                          └ 6: CRC-32/IEEE of all before it, base 62, padded with 0
//! │    │            └ 43: the secret, uniform base 62, 256 bits
//! │    └ 12: the kid, a public id to look the secret up by
//! └ 4: what it is
//! ```
//! The checksum is no security: it lets garbage be refused without a look at the database and gives scanners of
//! repositories hardly a false alarm. Prefixes never change: another prefix would revoke every secret at once.

use std::fmt;

use cardea_model::chance::{BASE62, Random, base62};
use cardea_model::key::KeyKind;
use zeroize::Zeroizing;

/// The length of every secret in bytes, all of them ASCII.
pub const LENGTH: usize = 67;

const KID: usize = 12;
const SECRET: usize = 43;
const CHECKSUM: usize = 6;

/// What a secret is; the first four characters say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// `cdap`: a personal key.
    Personal,
    /// `cdas`: a service key.
    Service,
    /// `cdal`: a legacy key.
    Legacy,
    /// `cdat`: an access token.
    Access,
    /// `cdar`: a refresh token.
    Refresh,
    /// `cdad`: a directory's token.
    Directory,
    /// `cdac`: a client secret.
    Client,
    /// `cdai`: a one-time link.
    Link,
    /// `cdao`: an operator's token.
    Operator,
}

impl Prefix {
    const ALL: [Self; 9] = [
        Self::Personal,
        Self::Service,
        Self::Legacy,
        Self::Access,
        Self::Refresh,
        Self::Directory,
        Self::Client,
        Self::Link,
        Self::Operator,
    ];

    /// The four characters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "cdap",
            Self::Service => "cdas",
            Self::Legacy => "cdal",
            Self::Access => "cdat",
            Self::Refresh => "cdar",
            Self::Directory => "cdad",
            Self::Client => "cdac",
            Self::Link => "cdai",
            Self::Operator => "cdao",
        }
    }

    /// The prefix of keys of a kind.
    #[must_use]
    pub const fn of_key(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Personal => Self::Personal,
            KeyKind::Service => Self::Service,
            KeyKind::Legacy => Self::Legacy,
        }
    }

    /// The kind of key, if it is a key at all.
    #[must_use]
    pub const fn key_kind(self) -> Option<KeyKind> {
        match self {
            Self::Personal => Some(KeyKind::Personal),
            Self::Service => Some(KeyKind::Service),
            Self::Legacy => Some(KeyKind::Legacy),
            Self::Access | Self::Refresh | Self::Directory | Self::Client | Self::Link | Self::Operator => None,
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The public id of a secret: 12 characters of base 62, 71 bits. Safe to show.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kid([u8; KID]);

impl Kid {
    /// Reads a stored kid.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = <[u8; KID]>::try_from(text.as_bytes()).ok()?;
        bytes.iter().all(u8::is_ascii_alphanumeric).then_some(Self(bytes))
    }

    /// Its 12 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only letters and digits come in; a kid that somehow were none would be the kid of nothing.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Its 12 bytes, for a table in memory.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KID] {
        &self.0
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A secret that we just made: its whole text, wiped when it is dropped. It prints without its secret part.
pub struct Secret {
    prefix: Prefix,
    kid: Kid,
    text: Zeroizing<String>,
}

impl Secret {
    /// A fresh secret.
    #[must_use]
    pub fn generate(prefix: Prefix, random: &dyn Random) -> Self {
        let mut kid = Kid([b'0'; KID]);
        kid.0.iter_mut().zip(base62(random, KID).bytes()).for_each(|(to, from)| *to = from);
        let secret = Zeroizing::new(base62(random, SECRET));
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        for part in [prefix.as_str(), "_", kid.as_str(), "_", &secret] {
            text.push_str(part);
        }
        let checksum = checksum(text.as_bytes());
        text.extend(checksum.map(char::from));
        Self { prefix, kid, text }
    }

    /// What it is.
    #[must_use]
    pub const fn prefix(&self) -> Prefix {
        self.prefix
    }

    /// The id to look it up by.
    #[must_use]
    pub const fn kid(&self) -> Kid {
        self.kid
    }

    /// The whole text, to be shown once and to be authenticated; nothing else may see it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}_…", self.prefix, self.kid)
    }
}

/// A text that has the form of a secret; whether it is one, only its code tells. It prints without its secret part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// What it says it is.
    pub prefix: Prefix,
    /// The id to look it up by.
    pub kid: Kid,
    /// The whole text.
    pub text: &'a str,
}

impl fmt::Debug for Parsed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}_…", self.prefix, self.kid)
    }
}

/// Why text has not the form of a secret; checked in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFormat {
    /// Not 67 bytes.
    #[error("a secret of ours has 67 characters")]
    Length,
    /// Not one of our prefixes.
    #[error("it does not start with one of our prefixes")]
    Prefix,
    /// Something other than letters and digits, or `_` elsewhere than where it belongs.
    #[error("it has a character that our secrets do not have there")]
    Alphabet,
    /// The checksum is that of another text: it was mistyped, cut or made up.
    #[error("its checksum does not fit")]
    Checksum,
}

/// Reads a secret; allocates nothing and asks nobody.
///
/// # Errors
/// [`BadFormat`], the same for a forger and for somebody who mistyped.
pub fn parse(text: &str) -> Result<Parsed<'_>, BadFormat> {
    if text.len() != LENGTH {
        return Err(BadFormat::Length);
    }
    let prefix = Prefix::ALL.into_iter().find(|prefix| text.starts_with(prefix.as_str())).ok_or(BadFormat::Prefix)?;
    let rest = text.strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_prefix('_')).ok_or(BadFormat::Alphabet)?;
    let (kid, secret) = rest.split_once('_').ok_or(BadFormat::Alphabet)?;
    let kid = Kid::parse(kid).ok_or(BadFormat::Alphabet)?;
    if !secret.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(BadFormat::Alphabet);
    }
    let (body, given) = text.as_bytes().split_at_checked(LENGTH - CHECKSUM).ok_or(BadFormat::Length)?;
    if given != checksum(body) {
        return Err(BadFormat::Checksum);
    }
    Ok(Parsed { prefix, kid, text })
}

/// CRC-32/IEEE in base 62, six digits: 62⁶ is more than 2³².
fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    let mut rest = crc32fast::hash(body);
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        let value = usize::try_from(rest % 62).unwrap_or_default();
        *digit = BASE62.get(value).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::tests::Seeded;

    const VECTORS: [&str; 3] = [
        "cdap_000000000000_00000000000000000000000000000000000000000002JmOGF",
        "cdas_Ab3dEf6hIj9L_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz0ELgto",
        "cdal_0123456789AB_Cardea01111111111111111111111111111111111112vNKHI",
    ];

    #[test]
    fn the_published_vectors_are_read() {
        let kinds = [KeyKind::Personal, KeyKind::Service, KeyKind::Legacy];
        for (text, kind) in VECTORS.into_iter().zip(kinds) {
            let parsed = parse(text).unwrap();
            assert_eq!(parsed.prefix.key_kind(), Some(kind));
            assert_eq!(Prefix::of_key(kind), parsed.prefix);
            assert_eq!(parsed.kid.as_str(), &text[5..17]);
            assert_eq!(parsed.text, text);
        }
    }

    #[test]
    fn the_largest_checksum_has_six_digits() {
        // CRC-32 of these four bytes is 2³² − 1.
        assert_eq!(crc32fast::hash(&[0xff; 4]), u32::MAX);
        assert_eq!(&checksum(&[0xff; 4]), b"4gfFC3");
    }

    #[test]
    fn what_is_made_is_read_and_never_printed() {
        let random = Seeded::new(1);
        for prefix in Prefix::ALL {
            let secret = Secret::generate(prefix, &random);
            let parsed = parse(secret.expose()).unwrap();
            assert_eq!((parsed.prefix, parsed.kid, parsed.text.len()), (prefix, secret.kid(), LENGTH));
            assert_eq!(secret.prefix(), prefix);
            let shown = format!("{}_{}_…", prefix, secret.kid());
            assert_eq!((format!("{secret:?}"), format!("{parsed:?}")), (shown.clone(), shown));
        }
    }

    #[test]
    fn no_two_prefixes_are_the_same() {
        let words: std::collections::HashSet<_> = Prefix::ALL.iter().map(|prefix| prefix.as_str()).collect();
        assert_eq!(words.len(), Prefix::ALL.len());
        assert!(words.iter().all(|word| word.len() == 4 && word.starts_with("cda")));
    }

    /// 300 secrets × 65 letters, each replaced by another letter.
    #[test]
    fn none_of_19_500_single_corruptions_goes_unnoticed() {
        let random = Seeded::new(2);
        let mut noticed = 0;
        for _ in 0..300 {
            let secret = Secret::generate(Prefix::Personal, &random);
            let good = secret.expose().as_bytes();
            for place in (0..LENGTH).filter(|place| good[*place] != b'_') {
                let letter = loop {
                    let letter = base62(&random, 1).as_bytes()[0];
                    if letter != good[place] {
                        break letter;
                    }
                };
                let mut bad = good.to_vec();
                bad[place] = letter;
                assert!(parse(std::str::from_utf8(&bad).unwrap()).is_err());
                noticed += 1;
            }
        }
        assert_eq!(noticed, 19_500);
    }

    #[test]
    fn every_ascii_character_in_every_place_of_the_vectors_is_noticed() {
        for text in VECTORS {
            for place in 0..LENGTH {
                for byte in (0..128).filter(|byte| *byte != text.as_bytes()[place]) {
                    let mut bad = text.as_bytes().to_vec();
                    bad[place] = byte;
                    assert!(parse(std::str::from_utf8(&bad).unwrap()).is_err(), "{place} {byte}");
                }
            }
        }
    }

    #[test]
    fn each_fault_has_its_name() {
        let good = VECTORS[1];
        assert_eq!(parse(""), Err(BadFormat::Length));
        assert_eq!(parse(&good[1..]), Err(BadFormat::Length));
        assert_eq!(parse(&format!("{good} ")), Err(BadFormat::Length));
        assert_eq!(parse(&good.replace("cdas", "cdaz")), Err(BadFormat::Prefix));
        assert_eq!(parse(&good.replace("cdas", "CDAS")), Err(BadFormat::Prefix));
        assert_eq!(parse(&good.replace("cdas_", "cdas-")), Err(BadFormat::Alphabet));
        assert_eq!(parse(&good.replace("9L_z", "9Lzz")), Err(BadFormat::Alphabet));
        assert_eq!(parse(&good.replace("zz0", "z_0")), Err(BadFormat::Alphabet));
        // Two bytes in the place of two: the length holds, the alphabet does not.
        assert_eq!(parse(&good.replacen("zz", "é", 1)), Err(BadFormat::Alphabet));
        assert_eq!(parse(&good.replace("cdas", "cdap")), Err(BadFormat::Checksum));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}", tail in "[0-9A-Za-z_é]{60,64}") {
            let _ = parse(&text);
            let _ = parse(&format!("cdap_{tail}"));
        }
    }
}
