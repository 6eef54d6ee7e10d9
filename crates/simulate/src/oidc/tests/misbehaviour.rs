//! Each mode breaks exactly the rule that it names, and nothing is left of it after `behave`.

use serde_json::{Value, json};

use super::super::{
    Algorithm, Answer, ClaimsMode, DiscoveryMode, Endpoint, HeaderMode, JwksMode, Mode, ResponseMode, TokenMode,
    UserinfoMode,
};
use super::harness::{NONCE, Rp, START, STATE, body, start, start_with, value};
use super::judge::{Expected, faults, part, signed_by, signed_with_secret};

async fn verdict(rp: &Rp) -> Vec<&'static str> {
    let tokens = rp.tokens_of("ana").await;
    let jwks = rp.json("/jwks").await;
    faults(id_token(&tokens), &jwks, &expected(rp, &tokens))
}

fn expected<'a>(rp: &'a Rp, tokens: &'a Value) -> Expected<'a> {
    let access_token = tokens["access_token"].as_str().unwrap();
    Expected { issuer: rp.provider.issuer(), nonce: NONCE, access_token, now: START }
}

fn id_token(tokens: &Value) -> &str {
    tokens["id_token"].as_str().unwrap()
}

#[tokio::test]
async fn each_claims_mode_breaks_its_claim_alone() {
    let rp = start().await;
    for (mode, broken) in [
        (ClaimsMode::WrongNonce, vec!["nonce"]),
        (ClaimsMode::NoNonce, vec!["nonce"]),
        (ClaimsMode::WrongIssuer, vec!["iss"]),
        (ClaimsMode::WrongAudience, vec!["aud"]),
        (ClaimsMode::ExtraAudience, vec!["aud"]),
        (ClaimsMode::WrongAzp, vec!["azp"]),
        (ClaimsMode::ExpiredBy(20), vec![]),
        (ClaimsMode::ExpiredBy(90), vec!["exp"]),
        (ClaimsMode::ExpiresAsText, vec!["exp"]),
        (ClaimsMode::IssuedAheadBy(3_600), vec!["iat"]),
        (ClaimsMode::IssuedAheadBy(-3_600), vec!["iat"]),
        (ClaimsMode::NotBeforeAheadBy(3_600), vec!["nbf"]),
        (ClaimsMode::WrongAtHash, vec!["at_hash"]),
        (ClaimsMode::NoAtHash, vec!["no at_hash"]),
        (ClaimsMode::Without("sub".to_owned()), vec!["sub"]),
        (ClaimsMode::Set("sub".to_owned(), json!("")), vec!["sub"]),
    ] {
        rp.provider.misbehave(mode.clone());
        assert_eq!(verdict(&rp).await, broken, "{mode:?}");
        rp.provider.behave();
        assert!(verdict(&rp).await.is_empty(), "after {mode:?}");
    }
}

#[tokio::test]
async fn each_header_mode_breaks_its_rule_alone() {
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let rp = start_with(|settings| settings.algorithm = algorithm).await;
        for (mode, broken) in [
            (HeaderMode::AlgNone, vec!["alg", "signature"]),
            (HeaderMode::AlgNoneOddCase, vec!["alg", "signature"]),
            (HeaderMode::AlgName("PS256".to_owned()), vec!["alg"]),
            (HeaderMode::Hs256WithPublicKey, vec!["alg", "signature"]),
            (HeaderMode::Hs256WithClientSecret, vec!["alg", "signature"]),
            (HeaderMode::UnknownKid, vec!["unknown kid"]),
            (HeaderMode::Kid("../../dev/null".to_owned()), vec!["unknown kid"]),
            (HeaderMode::KnownKidOtherKey, vec!["signature"]),
            (HeaderMode::NoKid, vec!["no kid"]),
            (HeaderMode::Jku, vec!["key in header", "unknown kid", "signature"]),
            (HeaderMode::X5u, vec!["key in header", "unknown kid", "signature"]),
            (HeaderMode::EmbeddedJwk, vec!["key in header", "no kid", "signature"]),
            (HeaderMode::Crit, vec!["crit"]),
            (HeaderMode::TypAtJwt, vec!["typ"]),
            (HeaderMode::TypLogoutJwt, vec!["typ"]),
            (HeaderMode::BrokenSignature, vec!["signature"]),
        ] {
            rp.provider.misbehave(mode.clone());
            assert_eq!(verdict(&rp).await, broken, "{algorithm:?} {mode:?}");
            rp.provider.behave();
        }
        assert!(verdict(&rp).await.is_empty());
    }
}

#[tokio::test]
async fn forgeries_would_fool_whoever_follows_them() {
    let rp = start().await;
    rp.provider.misbehave(HeaderMode::Hs256WithClientSecret);
    assert!(signed_with_secret(id_token(&rp.tokens_of("ana").await), b"s3cret+/ &"));
    rp.provider.behave();

    rp.provider.misbehave(HeaderMode::Hs256WithPublicKey);
    let pem = rp.provider.public_key_pem().unwrap();
    assert!(signed_with_secret(id_token(&rp.tokens_of("ana").await), pem.as_bytes()));
    rp.provider.behave();
    let good = rp.tokens_of("ana").await;
    let key = jsonwebtoken::DecodingKey::from_ec_pem(pem.as_bytes()).unwrap();
    let (message, signature) = id_token(&good).rsplit_once('.').unwrap();
    let es256 = jsonwebtoken::Algorithm::ES256;
    assert!(jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, es256).unwrap());

    rp.provider.misbehave(HeaderMode::Jku);
    let forged = rp.tokens_of("ana").await;
    assert_eq!(part(id_token(&forged), 0)["jku"], format!("{}/rogue-jwks", rp.base));
    assert_eq!(rp.provider.count("/rogue-jwks"), 0);
    assert!(signed_by(id_token(&forged), &rp.json("/rogue-jwks").await));
    rp.provider.behave();

    rp.provider.misbehave(HeaderMode::EmbeddedJwk);
    let forged = rp.tokens_of("ana").await;
    let embedded = json!({ "keys": [part(id_token(&forged), 0)["jwk"]] });
    assert!(signed_by(id_token(&forged), &embedded));
}

#[tokio::test]
async fn unknown_kids_differ_each_time() {
    let rp = start().await;
    rp.provider.misbehave(HeaderMode::UnknownKid);
    let first = part(id_token(&rp.tokens_of("ana").await), 0);
    let second = part(id_token(&rp.tokens_of("ana").await), 0);
    assert_ne!(first["kid"], second["kid"]);
}

#[tokio::test]
async fn each_response_mode_spoils_the_redirect() {
    let rp = start().await;
    let issuer = rp.provider.issuer().to_owned();
    let good = rp.sign_in("ana").await;
    assert_eq!(good.len(), 3);

    let spoilt = async |mode: ResponseMode| {
        rp.provider.misbehave(mode);
        let back = rp.sign_in("ana").await;
        rp.provider.behave();
        back
    };
    let back = spoilt(ResponseMode::NoState).await;
    assert!(value(&back, "state").is_none() && value(&back, "code").is_some());
    let back = spoilt(ResponseMode::WrongState).await;
    assert!(value(&back, "state").is_some_and(|state| state != STATE));
    let back = spoilt(ResponseMode::NoIss).await;
    assert!(value(&back, "iss").is_none() && value(&back, "state").is_some());
    let back = spoilt(ResponseMode::WrongIss).await;
    assert!(value(&back, "iss").is_some_and(|iss| iss != issuer));
    let back = spoilt(ResponseMode::DuplicateCode).await;
    assert_eq!(back.iter().filter(|(name, _)| name == "code").count(), 2);
    let description = "<script>alert(1)</script>".to_owned();
    let error = "access_denied".to_owned();
    let back = spoilt(ResponseMode::Error { error, description: description.clone() }).await;
    assert!(value(&back, "code").is_none());
    assert_eq!(value(&back, "error").unwrap(), "access_denied");
    assert_eq!(value(&back, "error_description").unwrap(), description);
    assert_eq!(value(&back, "state").unwrap(), STATE);
}

#[tokio::test]
async fn modes_add_up_across_stages() {
    let rp = start().await;
    rp.provider.misbehave(DiscoveryMode::NoIssParameter);
    rp.provider.misbehave(ResponseMode::NoIss);
    rp.provider.misbehave(ClaimsMode::WrongNonce);
    rp.provider.misbehave(ClaimsMode::WrongAudience);
    let metadata = rp.json(Endpoint::Discovery.path()).await;
    assert!(metadata["authorization_response_iss_parameter_supported"].is_null());
    assert!(value(&rp.sign_in("ana").await, "iss").is_none());
    assert_eq!(verdict(&rp).await, ["aud", "nonce"]);
}

#[tokio::test]
async fn each_discovery_mode_spoils_the_metadata() {
    let rp = start().await;
    let path = "/.well-known/openid-configuration";
    let good = rp.json(path).await;
    for (mode, member, found) in [
        (DiscoveryMode::OtherIssuer("https://e".to_owned()), "issuer", json!("https://e")),
        (DiscoveryMode::NoIssParameter, "authorization_response_iss_parameter_supported", Value::Null),
        (DiscoveryMode::PrivateJwks, "jwks_uri", json!("http://169.254.169.254/jwks")),
        (
            DiscoveryMode::Member("authorization_endpoint".to_owned(), json!("javascript:x")),
            "authorization_endpoint",
            json!("javascript:x"),
        ),
        (DiscoveryMode::Without("jwks_uri".to_owned()), "jwks_uri", Value::Null),
    ] {
        rp.provider.misbehave(mode.clone());
        let mut spoilt = rp.json(path).await;
        rp.provider.behave();
        assert_eq!(spoilt[member], found, "{mode:?}");
        assert_ne!(good[member], found, "{mode:?}");
        spoilt[member] = good[member].clone();
        assert_eq!(spoilt, good, "{mode:?} changed more than {member}");
    }
}

#[tokio::test]
async fn each_jwks_mode_spoils_the_keys() {
    let rp = start().await;
    let kid = rp.provider.kid();
    let good = rp.json("/jwks").await;
    let token = rp.tokens_of("ana").await["id_token"].as_str().unwrap().to_owned();
    let spoilt = async |mode: JwksMode| {
        rp.provider.misbehave(mode);
        let jwks = rp.json("/jwks").await;
        rp.provider.behave();
        jwks
    };
    assert_eq!(spoilt(JwksMode::Empty).await, json!({ "keys": [] }));
    let jwks = spoilt(JwksMode::Poisoned).await;
    assert_eq!(jwks["keys"][0]["kid"], kid.as_str());
    assert!(!signed_by(&token, &jwks));
    let jwks = spoilt(JwksMode::JunkEntries).await;
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 6);
    assert!(signed_by(&token, &jwks));
    let jwks = spoilt(JwksMode::Many(20_000)).await;
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 20_001);
    assert_eq!(jwks["keys"][20_000], good["keys"][0]);
    let jwks = spoilt(JwksMode::DuplicateKid).await;
    assert_eq!(jwks["keys"][0]["kid"], jwks["keys"][1]["kid"]);
    assert_ne!(jwks["keys"][0]["x"], jwks["keys"][1]["x"]);
    assert_eq!(spoilt(JwksMode::ForEncryption).await["keys"][0]["use"], "enc");
    let jwks = spoilt(JwksMode::Symmetric).await;
    assert_eq!((&jwks["keys"][0]["kty"], &jwks["keys"][0]["kid"]), (&json!("oct"), &json!(kid)));
    assert!(spoilt(JwksMode::NoKids).await["keys"][0]["kid"].is_null());
    assert_eq!(rp.json("/jwks").await, good);
}

#[tokio::test]
async fn each_token_mode_spoils_the_token_response() {
    let rp = start().await;
    let spoilt = async |mode: TokenMode| {
        rp.provider.misbehave(mode);
        let tokens = rp.tokens_of("ana").await;
        rp.provider.behave();
        tokens
    };
    assert_eq!(spoilt(TokenMode::TypeMac).await["token_type"], "mac");
    assert!(spoilt(TokenMode::NoIdToken).await["id_token"].is_null());
    assert!(spoilt(TokenMode::NoAccessToken).await["access_token"].is_null());
    let earlier = rp.tokens_of("ana").await;
    let replayed = spoilt(TokenMode::EarlierIdToken).await;
    assert_eq!(replayed["id_token"], earlier["id_token"]);
    assert_ne!(replayed["access_token"], earlier["access_token"]);
}

#[tokio::test]
async fn each_userinfo_mode_spoils_the_subject() {
    let rp = start().await;
    let tokens = rp.tokens_of("ana").await;
    let access_token = tokens["access_token"].as_str().unwrap();
    let subject = part(id_token(&tokens), 1)["sub"].clone();
    rp.provider.misbehave(UserinfoMode::OtherSub);
    let userinfo = body(rp.bearer("/userinfo", access_token).await).await;
    assert!(userinfo["sub"].is_string() && userinfo["sub"] != subject);
    rp.provider.behave();
    rp.provider.misbehave(UserinfoMode::NoSub);
    let userinfo = body(rp.bearer("/userinfo", access_token).await).await;
    assert!(userinfo["sub"].is_null() && userinfo["email"].is_string());
}

#[tokio::test]
async fn whole_answers_are_spoilt_at_their_endpoint_only() {
    let rp = start().await;
    let jwks = |answer| Mode::Answer(Endpoint::Jwks, answer);
    let good = rp.json("/jwks").await;

    rp.provider.misbehave(jwks(Answer::Status(500)));
    assert_eq!(rp.get("/jwks").await.status(), 500);
    assert_eq!(rp.get(Endpoint::Discovery.path()).await.status(), 200);
    rp.tokens_of("ana").await;
    rp.provider.behave();

    rp.provider.misbehave(jwks(Answer::Html));
    let page = rp.get("/jwks").await;
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    rp.provider.behave();

    rp.provider.misbehave(jwks(Answer::ContentType("text/plain".to_owned())));
    let plain = rp.get("/jwks").await;
    assert_eq!(plain.headers()["content-type"], "text/plain");
    assert_eq!(body(plain).await, good);
    rp.provider.behave();

    rp.provider.misbehave(jwks(Answer::Redirect));
    let redirect = rp.get("/jwks").await;
    assert_eq!(redirect.status(), 307);
    let trap = redirect.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(rp.json(trap.strip_prefix(&rp.base).unwrap()).await, good);
    rp.provider.behave();

    rp.provider.misbehave(jwks(Answer::Huge));
    let huge = rp.get("/jwks").await.text().await.unwrap();
    assert!(huge.len() > 50 * 1024 * 1024);
    assert_eq!(serde_json::from_str::<Value>(&huge).unwrap(), good);
}

#[tokio::test]
async fn every_endpoint_can_be_spoilt() {
    let rp = start().await;
    for endpoint in [Endpoint::Discovery, Endpoint::Jwks, Endpoint::Token, Endpoint::Userinfo] {
        rp.provider.misbehave(Mode::Answer(endpoint, Answer::Status(503)));
        let response = match endpoint {
            Endpoint::Token => rp.post("/token", None, &[]).await,
            Endpoint::Discovery | Endpoint::Jwks | Endpoint::Userinfo => rp.get(endpoint.path()).await,
        };
        assert_eq!(response.status(), 503, "{endpoint:?}");
        rp.provider.behave();
    }
}

#[tokio::test]
async fn a_hanging_endpoint_answers_only_when_the_provider_stops() {
    let rp = start().await;
    rp.provider.misbehave(Mode::Answer(Endpoint::Token, Answer::Hang));
    let asked = tokio::spawn(rp.http.post(format!("{}/token", rp.base)).send());
    while rp.provider.count("/token") == 0 {
        assert_eq!(rp.get("/jwks").await.status(), 200);
    }
    assert!(!asked.is_finished());
    rp.provider.stop().await;
    assert_eq!(asked.await.unwrap().unwrap().status(), 503);
}
