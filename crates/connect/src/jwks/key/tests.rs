//! Against the library's own key, which is written apart from aws-lc.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use serde_json::json;

use super::*;

const MESSAGE: &[u8] = b"header.claims";
const ALGORITHMS: [Algorithm; 8] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
    Algorithm::HmacSha256,
    Algorithm::None,
];

/// A published key, and what it has signed [`MESSAGE`] with.
struct Signed {
    jwk: Value,
    algorithm: Algorithm,
    signature: Vec<u8>,
}

#[expect(clippy::disallowed_methods, reason = "the library signs with its own random bytes only")]
fn random() -> SystemRandom {
    SystemRandom::new()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn rsa_signed(algorithm: Algorithm, how: &'static dyn RsaEncoding) -> Signed {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(how, &random(), MESSAGE, &mut signature).unwrap();
    // RFC 8017 A.1.1: two headers of 4 bytes, a zero, the modulus; a header of 2 bytes, the exponent.
    let der = pair.public_key().as_ref();
    Signed { jwk: json!({"kty": "RSA", "n": encode(&der[9..265]), "e": encode(&der[267..])}), algorithm, signature }
}

fn ec_signed(curve: &str, algorithm: Algorithm, how: &'static EcdsaSigningAlgorithm) -> Signed {
    let pair = EcdsaKeyPair::generate(how).unwrap();
    let signature = pair.sign(&random(), MESSAGE).unwrap().as_ref().to_vec();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(signature.len() / 2);
    Signed { jwk: json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)}), algorithm, signature }
}

fn everybody() -> Vec<Signed> {
    let okp = Ed25519KeyPair::generate().unwrap();
    vec![
        rsa_signed(Algorithm::RsaSsaPkcs1V15Sha256, &RSA_PKCS1_SHA256),
        rsa_signed(Algorithm::RsaSsaPssSha256, &RSA_PSS_SHA256),
        ec_signed("P-256", Algorithm::EcdsaP256Sha256, &ECDSA_P256_SHA256_FIXED_SIGNING),
        ec_signed("P-384", Algorithm::EcdsaP384Sha384, &ECDSA_P384_SHA384_FIXED_SIGNING),
        Signed {
            jwk: json!({"kty": "OKP", "crv": "Ed25519", "x": encode(okp.public_key().as_ref())}),
            algorithm: Algorithm::EdDsa,
            signature: okp.sign(MESSAGE).as_ref().to_vec(),
        },
    ]
}

fn key<K: JsonWebKey>(jwk: &Value) -> K {
    serde_json::from_value(jwk.clone()).unwrap()
}

/// What our key says; the library's must say the same.
fn verifies(jwk: &Value, algorithm: &Algorithm, message: &[u8], signature: &[u8]) -> bool {
    let ours = key::<VerifyingKey>(jwk).verify_signature(algorithm, message, signature).is_ok();
    let theirs = key::<CoreJsonWebKey>(jwk).verify_signature(algorithm, message, signature).is_ok();
    assert_eq!(ours, theirs, "{jwk} {algorithm:?}");
    ours
}

#[test]
fn each_kind_of_key_verifies_what_it_signed_and_nothing_else() {
    for Signed { jwk, algorithm, signature } in everybody() {
        assert!(verifies(&jwk, &algorithm, MESSAGE, &signature), "{jwk}");
        assert!(!verifies(&jwk, &algorithm, b"header.others", &signature));
        for other in ALGORITHMS.iter().filter(|other| **other != algorithm) {
            assert!(!verifies(&jwk, other, MESSAGE, &signature), "{jwk} {other:?}");
        }
        for at in [0, signature.len() / 2, signature.len() - 1] {
            let mut spoilt = signature.clone();
            spoilt[at] ^= 1;
            assert!(!verifies(&jwk, &algorithm, MESSAGE, &spoilt), "{jwk} {at}");
        }
        for length in [0, 1, signature.len() - 1] {
            assert!(!verifies(&jwk, &algorithm, MESSAGE, &signature[..length]), "{jwk} {length}");
        }
        assert!(!verifies(&jwk, &algorithm, MESSAGE, &[&signature[..], &[0]].concat()), "{jwk}");
        assert!(!verifies(&jwk, &algorithm, MESSAGE, &vec![0; signature.len()]), "{jwk}");
    }
}

#[test]
fn nobodys_key_of_the_same_kind_verifies() {
    for (one, other) in everybody().iter().zip(everybody()) {
        assert!(!verifies(&one.jwk, &other.algorithm, MESSAGE, &other.signature));
    }
}

#[test]
fn zeros_before_a_modulus_are_passed_over() {
    let Signed { mut jwk, algorithm, signature } = rsa_signed(Algorithm::RsaSsaPkcs1V15Sha256, &RSA_PKCS1_SHA256);
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    jwk["n"] = json!(encode(&[&[0, 0], &modulus[..]].concat()));
    assert!(verifies(&jwk, &algorithm, MESSAGE, &signature));
}

#[test]
fn numbers_that_are_no_key_verify_nothing() {
    for Signed { jwk, algorithm, signature } in everybody() {
        for member in ["n", "e", "crv", "x", "y"].into_iter().filter(|member| jwk.get(member).is_some()) {
            for bad in [json!(""), json!("not base64!"), json!(7), json!(encode(&[0; 32])), json!(encode(&[2]))] {
                let mut spoilt = jwk.clone();
                spoilt[member] = bad;
                // The library cannot even read some of these.
                let Ok(spoilt) = serde_json::from_value::<VerifyingKey>(spoilt) else { continue };
                assert!(spoilt.verify_signature(&algorithm, MESSAGE, &signature).is_err(), "{jwk} {member}");
            }
        }
    }
}

#[test]
fn a_secret_verifies_nothing() {
    use aws_lc_rs::hmac;
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"secret"), MESSAGE);
    let (ours, theirs) =
        (VerifyingKey::new_symmetric(b"secret".to_vec()), CoreJsonWebKey::new_symmetric(b"secret".to_vec()));
    assert!(theirs.verify_signature(&Algorithm::HmacSha256, MESSAGE, mac.as_ref()).is_ok());
    assert!(ours.verify_signature(&Algorithm::HmacSha256, MESSAGE, mac.as_ref()).is_err());
}
