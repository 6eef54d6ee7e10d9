//! The only source of chance in this crate: the operating system's, through aws-lc-rs. A simulator
//! depends on nothing of ours, so it cannot be handed ours; nothing it draws decides a test.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 256 random bits as base64url: codes, tokens and session ids.
pub(crate) fn random_text() -> Result<String, Unspecified> {
    let mut bytes = [0_u8; 32];
    fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A random version 4 UUID (RFC 9562 §5.4), which Entra ID asks for when it tests a connection.
pub(crate) fn random_uuid() -> Result<String, Unspecified> {
    let mut bytes = [0_u8; 16];
    fill(&mut bytes)?;
    let free = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0b11 << 62);
    let hex = format!("{:032x}", free | (0x4 << 76) | (0b10 << 62));
    let (time_low, rest) = hex.split_at(8);
    let (time_mid, rest) = rest.split_at(4);
    let (time_high, rest) = rest.split_at(4);
    let (clock, node) = rest.split_at(4);
    Ok(format!("{time_low}-{time_mid}-{time_high}-{clock}-{node}"))
}

/// The source that signing functions demand.
#[expect(clippy::disallowed_methods, reason = "aws-lc-rs signs with its own source only")]
pub(crate) fn source() -> SystemRandom {
    SystemRandom::new()
}

/// Random bytes, all of them.
#[expect(clippy::disallowed_methods, reason = "the one door for chance of this crate")]
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), Unspecified> {
    aws_lc_rs::rand::fill(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_carries_its_version_and_variant() {
        let uuid = random_uuid().unwrap();
        let parts: Vec<&str> = uuid.split('-').collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('4'));
        assert!(parts[3].starts_with(['8', '9', 'a', 'b']));
        assert_ne!(uuid, random_uuid().unwrap());
    }
}
