use super::*;

#[test]
fn a_pair_signs_after_it_was_stored_and_another_does_not() {
    for algorithm in Algorithm::ALL {
        let stored = SigningKey::generate(algorithm).unwrap();
        let (key, again) =
            (SigningKey::read(algorithm, &stored).unwrap(), SigningKey::read(algorithm, &stored).unwrap());
        assert_eq!((key.kid(), key.jwk(), key.algorithm()), (again.kid(), again.jwk(), algorithm));
        let token = key.token("at+jwt", r#"{"sub":"x"}"#).unwrap();
        assert_eq!(again.payload(&token).as_deref(), Some(&br#"{"sub":"x"}"#[..]));
        let other = SigningKey::read(algorithm, &SigningKey::generate(algorithm).unwrap()).unwrap();
        assert_eq!(other.payload(&token), None);
        let mut parts: Vec<&str> = token.split('.').collect();
        let forged = base64url(br#"{"sub":"y"}"#);
        parts[1] = &forged;
        assert_eq!(key.payload(&parts.join(".")), None);
        assert!(key.jwk().contains(&format!(r#""kid":"{}""#, key.kid())), "{}", key.jwk());
        assert!(!format!("{key:?}").contains("private"));
    }
}

#[test]
fn the_thumbprint_is_that_of_the_published_example() {
    // RFC 7638 §3.1.
    let members = concat!(
        r#""e":"AQAB","kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc"#,
        "_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8",
        "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44",
        r#"-csFCur-kEgU8awapJzKnqDKgw""#
    );
    let thumbprint = base64url(&sha256(format!("{{{members}}}").as_bytes()));
    assert_eq!(thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn only_the_form_of_a_key_is_read_as_one() {
    let members = rsa_members(&[0x30, 8, 2, 1, 5, 2, 3, 1, 0, 1]).unwrap();
    assert_eq!(members, r#""e":"AQAB","kty":"RSA","n":"BQ""#);
    for bad in [&[][..], &[0x30], &[0x30, 9, 2, 1, 5], &[0x31, 8, 2, 1, 5, 2, 3, 1, 0, 1], &[0x30, 0x89, 1]] {
        assert_eq!(rsa_members(bad), None, "{bad:?}");
    }
    assert_eq!(ec_members(&[4; 64]), None);
    assert!(SigningKey::read(Algorithm::Rs256, b"x").is_err());
    assert_eq!((payload("a.b"), payload("a.b.c.d"), payload("a.!.c")), (None, None, None));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40)) {
        let _ = rsa_members(&bytes);
        let _ = ec_members(&bytes);
        let _ = payload(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn a_fingerprint_is_twelve_groups_of_the_digest_and_stands_where_it_is_asked_for() {
    let key = SigningKey::read(Algorithm::Es256, &SigningKey::generate(Algorithm::Es256).unwrap()).unwrap();
    let groups: Vec<String> = key.fingerprint().split(':').map(str::to_owned).collect();
    assert!(groups.len() == 12 && groups.iter().all(|group| group.len() == 4), "{groups:?}");
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String = groups.concat().chars().map(|c| format!("{:05b}", alphabet.find(c).unwrap())).collect();
    let digest: String = sha256(key.spki())[..30].iter().map(|byte| format!("{byte:08b}")).collect();
    assert_eq!(bits, digest);
    let token = key.token_as("JWT", (&key.fingerprint(), Some(&[1, 2, 3])), "{}").unwrap();
    let header = token.split('.').next().unwrap();
    let expected = format!(r#"{{"alg":"ES256","typ":"JWT","kid":"{}","x5c":["AQID"]}}"#, key.fingerprint());
    assert_eq!(URL_SAFE_NO_PAD.decode(header).unwrap(), expected.as_bytes());
    assert!(key.payload(&token).is_some());
}
