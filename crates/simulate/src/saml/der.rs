//! As much of DER (X.690) as certificates and keys need: a writer of nodes, a reader of children, and
//! the self-signed certificate made of them.

use super::time::{YEAR_2050, digits};

/// SEQUENCE.
const SEQUENCE: u8 = 0x30;
/// INTEGER.
const INTEGER: u8 = 0x02;
/// OBJECT IDENTIFIER.
const OBJECT: u8 = 0x06;
/// The version of a certificate, `[0] EXPLICIT`.
const VERSION: u8 = 0xa0;

/// `sha256WithRSAEncryption`, NULL.
pub(crate) const SHA256_WITH_RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00];
/// `ecdsa-with-SHA256`.
pub(crate) const ECDSA_WITH_SHA256: &[u8] = &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// `rsaEncryption`, NULL.
const RSA_ENCRYPTION: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// `id-at-commonName`.
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];

/// One node with its tag and length.
pub(crate) fn node(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut out = vec![tag];
    match length.as_slice() {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        long => {
            out.push(0x80 | u8::try_from(long.len()).unwrap_or_default());
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A SEQUENCE of nodes.
pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    node(SEQUENCE, &parts.concat())
}

/// An INTEGER that is not negative, from big-endian bytes.
pub(crate) fn integer(bytes: &[u8]) -> Vec<u8> {
    let mut content: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    if content.first().is_none_or(|first| *first >= 0x80) {
        content.insert(0, 0);
    }
    node(INTEGER, &content)
}

/// The content of each child of a constructed content, with its tag; ends at the first that is cut off.
pub(crate) fn children(mut content: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    while let Some((tag, inside, rest)) = first_child(content) {
        found.push((tag, inside));
        content = rest;
    }
    found
}

fn first_child(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, short], rest) = bytes.split_first_chunk::<2>()?;
    if short < 0x80 {
        let (inside, rest) = rest.split_at_checked(usize::from(short))?;
        return Some((tag, inside, rest));
    }
    let (length, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
    let length = length.iter().fold(0_usize, |sum, byte| sum.wrapping_shl(8) | usize::from(*byte));
    let (inside, rest) = rest.split_at_checked(length)?;
    Some((tag, inside, rest))
}

/// A SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) of an RSA key.
pub(crate) fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let mut bits = vec![0];
    bits.extend(sequence(&[&integer(modulus), &integer(exponent)]));
    sequence(&[RSA_ENCRYPTION, &node(0x03, &bits)])
}

/// The SubjectPublicKeyInfo of a certificate; what already is one is given back.
pub(crate) fn public_key_of(der: &[u8]) -> Option<Vec<u8>> {
    let (_, whole) = *children(der).first()?;
    let (_, to_be_signed) = *children(whole).first()?;
    let parts = children(to_be_signed);
    if parts.first()?.0 == OBJECT {
        return Some(der.to_vec());
    }
    let at = if parts.first()?.0 == VERSION { 6 } else { 5 };
    let (tag, content) = *parts.get(at)?;
    Some(node(tag, content))
}

/// What a self-signed certificate says.
pub(crate) struct Certificate<'a> {
    /// The common name of subject and issuer.
    pub(crate) name: &'a str,
    /// The SubjectPublicKeyInfo.
    pub(crate) public_key: &'a [u8],
    /// The AlgorithmIdentifier of the signature.
    pub(crate) algorithm: &'a [u8],
    /// Seconds since 1970.
    pub(crate) not_before: i64,
    /// Seconds since 1970.
    pub(crate) not_after: i64,
}

impl Certificate<'_> {
    /// The certificate (RFC 5280 §4.1); `sign` makes the signature as X.509 wants it.
    pub(crate) fn signed(&self, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let name = node(0x0c, self.name.as_bytes());
        let name = sequence(&[&node(0x31, &sequence(&[COMMON_NAME, &name]))]);
        let time = |seconds| node(if seconds < YEAR_2050 { 0x17 } else { 0x18 }, digits(seconds).as_bytes());
        let to_be_signed = sequence(&[
            &node(VERSION, &integer(&[2])),
            &integer(&self.not_before.to_be_bytes()),
            self.algorithm,
            &name,
            &sequence(&[&time(self.not_before), &time(self.not_after)]),
            &name,
            self.public_key,
        ]);
        let mut bits = vec![0];
        bits.extend(sign(&to_be_signed));
        sequence(&[&to_be_signed, self.algorithm, &node(0x03, &bits)])
    }
}

/// The signature r ‖ s of XML signatures as the SEQUENCE that X.509 wants (RFC 3279 §2.2.3).
pub(crate) fn ecdsa(fixed: &[u8]) -> Vec<u8> {
    let (r, s) = fixed.split_at(fixed.len() / 2);
    sequence(&[&integer(r), &integer(s)])
}
