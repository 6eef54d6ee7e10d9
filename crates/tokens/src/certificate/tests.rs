//! Certificates, byte by byte where that is short, and by another's eyes in the stories of registries.

use std::time::Duration;

use super::*;
use crate::hash::tests::Seeded;
use crate::jose::Algorithm;

const YEAR: Duration = Duration::from_secs(365 * 86_400);

#[test]
fn lengths_are_short_where_they_can_be() {
    for (length, head) in
        [(0, &[0x04, 0x00][..]), (127, &[0x04, 0x7f]), (128, &[0x04, 0x81, 0x80]), (256, &[0x04, 0x82, 0x01, 0x00])]
    {
        let der = element(OCTET_STRING, &vec![0; length]);
        assert_eq!((&der[..head.len()], der.len()), (head, head.len() + length));
    }
}

#[test]
fn years_have_two_digits_until_2050() {
    let told = |text| time(Timestamp::parse(text).unwrap());
    assert_eq!(told("2026-11-21T10:00:00.5Z"), element(UTC_TIME, b"261121100000Z"));
    assert_eq!(told("2049-12-31T23:59:59Z"), element(UTC_TIME, b"491231235959Z"));
    assert_eq!(told("2050-01-01T00:00:00Z"), element(GENERALIZED_TIME, b"20500101000000Z"));
}

#[test]
fn a_serial_number_is_positive_whatever_chance_gives() {
    struct Fixed(u8);
    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }
    for byte in [0, 0x7f, 0x80, 0xff] {
        let [first, ..] = serial(&Fixed(byte));
        assert!((0x40..0x80).contains(&first), "{first:x}");
    }
}

#[test]
fn an_authority_is_read_as_it_was_founded_and_vouches_for_keys() {
    let (random, now) = (Seeded::new(7), Timestamp::from_seconds(1_795_255_200));
    let pkcs8 = SigningKey::generate(Algorithm::Es256).unwrap();
    let founded = Authority::found(&pkcs8, "the root", (now, now.after(30 * YEAR)), &random).unwrap();
    let read = Authority::read(&pkcs8, "the root", founded.certificate().to_vec()).unwrap();
    let key = SigningKey::read(Algorithm::Es256, &SigningKey::generate(Algorithm::Es256).unwrap()).unwrap();
    let leaf = read.certify(&key, (now, now.after(YEAR)), &random).unwrap();
    let holds = |der: &[u8], part: &[u8]| der.windows(part.len()).any(|window| window == part);
    assert!(holds(&leaf, key.spki()) && holds(&leaf, &read.key_id()) && holds(&leaf, &common_name("the root")));
    assert!(!holds(&leaf, IS_AUTHORITY) && holds(founded.certificate(), IS_AUTHORITY));
    assert_ne!(leaf, read.certify(&key, (now, now.after(YEAR)), &random).unwrap());
}

#[test]
fn a_lone_key_vouches_for_itself() {
    let (random, now) = (Seeded::new(8), Timestamp::from_seconds(1_795_255_200));
    let span = (now, now.after(3 * YEAR));
    let key = SigningKey::read(Algorithm::Rs256, &SigningKey::generate(Algorithm::Rs256).unwrap()).unwrap();
    let der = of_itself(&key, "the gateway", (Use::Encryption, span), &random).unwrap();
    let holds = |part: &[u8]| der.windows(part.len()).any(|window| window == part);
    assert!(holds(key.spki()) && holds(ENCIPHERS_KEYS) && !holds(SIGNS));
    // What is signed is the first element of the outer one; both headers are four bytes at this size.
    let length = 4 + usize::from(u16::from_be_bytes([der[6], der[7]]));
    let signature = &der[der.len() - 256..];
    assert_eq!(key.sign(&der[4..4 + length]).unwrap(), signature);
    let other = SigningKey::read(Algorithm::Es256, &SigningKey::generate(Algorithm::Es256).unwrap()).unwrap();
    assert_eq!(of_itself(&other, "the gateway", (Use::Signing, span), &random), Err(JoseError::Form));
}

#[test]
fn text_has_lines_of_64() {
    for length in [0, 47, 48, 49, 96, 300] {
        let text = pem(&vec![0xa5; length]);
        let lines: Vec<&str> = text.lines().collect();
        let [first, body @ .., last] = lines.as_slice() else { panic!("{text}") };
        assert_eq!((*first, *last), ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"));
        assert!(body.iter().all(|line| (1..=64).contains(&line.len())), "{text}");
        assert_eq!(STANDARD.decode(body.concat()).unwrap(), vec![0xa5; length]);
    }
}
