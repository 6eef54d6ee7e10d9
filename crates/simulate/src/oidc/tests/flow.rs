//! A provider that behaves.

use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::super::{Algorithm, GroupsIn, OldKeys};
use super::harness::{CALLBACK, NONCE, START, STATE, VERIFIER, body, challenge, sent_back, start, start_with, value};
use super::judge::{Expected, faults, part};
use crate::people::{REGISTRY_ADMINS, RESEARCH, STAFF};

#[tokio::test]
async fn a_login_in_rs256_from_metadata_to_userinfo() {
    let rp = start_with(|_| {}).await;
    let metadata = rp.json("/.well-known/openid-configuration").await;
    assert_eq!(metadata["issuer"], rp.provider.issuer());
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["jwks_uri"], format!("{}/jwks", rp.base));

    let back = rp.sign_in("ana").await;
    assert_eq!(value(&back, "state").unwrap(), STATE);
    assert_eq!(value(&back, "iss").unwrap(), rp.provider.issuer());
    let response = rp.redeem(&value(&back, "code").unwrap(), &[]).await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    let tokens = body(response).await;
    assert_eq!(tokens["token_type"], "Bearer");

    let jwks = rp.json("/jwks").await;
    let token = tokens["id_token"].as_str().unwrap();
    let header = decode_header(token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("JWT"));
    assert_eq!(header.kid.as_deref(), jwks["keys"][0]["kid"].as_str());
    let jwk: Jwk = serde_json::from_value(jwks["keys"][0].clone()).unwrap();
    assert_eq!(header.kid.unwrap(), jwk.thumbprint(ThumbprintHash::SHA256).unwrap());
    let mut validation = Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&["gw"]);
    validation.set_issuer(&[rp.provider.issuer()]);
    // The provider lives at a time of its own.
    validation.validate_exp = false;
    let key = DecodingKey::from_jwk(&jwk).unwrap();
    let mut claims = decode::<Value>(token, &key, &validation).unwrap().claims;
    for once in ["sid", "at_hash"] {
        assert!(claims.as_object_mut().unwrap().remove(once).unwrap().is_string());
    }
    assert_eq!(
        claims,
        json!({
            "iss": rp.provider.issuer(), "aud": "gw", "sub": "00u00000000000000ana",
            "iat": START, "exp": START + 300, "auth_time": START, "nonce": NONCE,
            "amr": ["pwd", "otp"], "name": "Ana Ruiz", "given_name": "Ana", "family_name": "Ruiz",
            "preferred_username": "ana@corp.example", "email": "ana@corp.example",
            "email_verified": true, "groups": [REGISTRY_ADMINS, RESEARCH, STAFF],
        })
    );

    let access_token = tokens["access_token"].as_str().unwrap();
    let userinfo = body(rp.bearer("/userinfo", access_token).await).await;
    assert_eq!(userinfo["sub"], claims["sub"]);
    assert_eq!(userinfo["groups"], claims["groups"]);
    assert!(userinfo["nonce"].is_null());
    let posted = rp.post("/userinfo", None, &[("access_token", access_token)]).await;
    assert_eq!(body(posted).await, userinfo);
}

#[tokio::test]
async fn es256_and_client_secret_post_please_a_strict_judge() {
    let rp = start().await;
    let code = rp.code_for("bo@corp.example").await;
    let response = rp
        .post(
            "/token",
            None,
            &[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", CALLBACK),
                ("code_verifier", VERIFIER),
                ("client_id", "gw"),
                ("client_secret", "s3cret+/ &"),
            ],
        )
        .await;
    let tokens = body(response).await;
    let expected = Expected {
        issuer: rp.provider.issuer(),
        nonce: NONCE,
        access_token: tokens["access_token"].as_str().unwrap(),
        now: START,
    };
    let jwks = rp.json("/jwks").await;
    assert_eq!(jwks["keys"][0]["alg"], "ES256");
    assert!(faults(tokens["id_token"].as_str().unwrap(), &jwks, &expected).is_empty());
}

#[tokio::test]
async fn the_log_shows_pkce_and_counts_key_fetches_but_prints_no_secret() {
    let rp = start().await;
    rp.tokens_of("ana").await;
    rp.get("/jwks").await;
    rp.get("/jwks").await;
    let seen = rp.provider.requests();
    let paths: Vec<&str> = seen.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["/authorize", "/token", "/jwks", "/jwks"]);
    assert_eq!(seen[0].parameter("code_challenge").unwrap(), challenge(VERIFIER));
    assert_eq!(seen[1].parameter("code_verifier").unwrap(), VERIFIER);
    assert_eq!(seen[1].authorization.as_deref(), Some("basic"));
    assert_eq!(rp.provider.count("/jwks"), 2);
    assert!(!format!("{seen:?}").contains(VERIFIER));
    rp.provider.forget_requests();
    assert!(rp.provider.requests().is_empty());
}

#[tokio::test]
async fn the_page_names_everyone_and_a_button_signs_in() {
    let rp = start().await;
    let page = rp.authorize(&[("login_hint", "Bo@Corp.Example"), ("state", "\"><script>")]).await;
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'"));
    let html = page.text().await.unwrap();
    assert!(html.contains("<html lang=\"en\">") && html.contains("<h1>"));
    for person in rp.provider.people() {
        assert!(html.contains(&format!("value=\"{}\"><strong>{}", person.name, person.display_name())));
    }
    assert!(html.find("Bo Chen").unwrap() < html.find("Ana Ruiz").unwrap());
    assert!(!html.contains("<script>"));

    let fields = rp.parameters(&[("person", "chika")]);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let back = sent_back(&rp.post("/authorize/choose", None, &fields).await);
    let tokens = body(rp.redeem(&value(&back, "code").unwrap(), &[]).await).await;
    assert_eq!(part(tokens["id_token"].as_str().unwrap(), 1)["name"], "Chika Obi");
}

#[tokio::test]
async fn a_known_hint_signs_in_at_once_only_where_that_is_switched_on() {
    let shown = start().await;
    assert_eq!(shown.authorize(&[("login_hint", "ana@corp.example")]).await.status(), 200);

    let auto = start_with(|settings| {
        settings.algorithm = Algorithm::Es256;
        settings.auto_sign_in = true;
    })
    .await;
    let hint = ("login_hint", "ana@corp.example");
    sent_back(&auto.authorize(&[hint]).await);
    assert_eq!(auto.authorize(&[hint, ("prompt", "login")]).await.status(), 200);
    assert_eq!(auto.authorize(&[("login_hint", "eve@corp.example")]).await.status(), 200);
    assert_eq!(auto.authorize(&[]).await.status(), 200);
}

#[tokio::test]
async fn scopes_and_settings_decide_which_claims_there_are() {
    let rp = start_with(|settings| {
        settings.algorithm = Algorithm::Es256;
        settings.groups_in = GroupsIn::IdToken;
        settings.groups_claim = "https://corp.example/groups".to_owned();
    })
    .await;
    rp.provider.person("ana", |ana| {
        ana.email_verified = None;
        ana.claims.insert("oid".to_owned(), json!("guid"));
        ana.claims.insert("amr".to_owned(), Value::Null);
    });
    rp.provider.person("bo", |bo| bo.groups_claim = Some("roles".to_owned()));
    assert!(!rp.provider.person("eve", |_| panic!("there is no eve")));

    let tokens = rp.tokens_of("ana").await;
    let claims = part(tokens["id_token"].as_str().unwrap(), 1);
    assert_eq!(claims["https://corp.example/groups"][0], REGISTRY_ADMINS);
    assert_eq!(claims["oid"], "guid");
    assert!(claims["email_verified"].is_null() && claims["amr"].is_null());
    let userinfo = body(rp.bearer("/userinfo", tokens["access_token"].as_str().unwrap()).await).await;
    assert!(userinfo["https://corp.example/groups"].is_null());
    assert_eq!(userinfo["oid"], "guid");

    let back = sent_back(&rp.authorize(&[("scope", "openid"), ("simulate_user", "bo")]).await);
    let tokens = body(rp.redeem(&value(&back, "code").unwrap(), &[]).await).await;
    let claims = part(tokens["id_token"].as_str().unwrap(), 1);
    assert!(claims["email"].is_null() && claims["name"].is_null());
    assert_eq!(claims["roles"], json!(["NGC_AIE_PR_Reader", STAFF]));
}

#[tokio::test]
async fn a_rotation_changes_the_signing_key_and_keeps_the_old_one_only_if_told() {
    let rp = start().await;
    let first = rp.provider.kid();
    rp.provider.rotate(Algorithm::Es256, OldKeys::Published).await.unwrap();
    let second = rp.provider.kid();
    let kids = |jwks: &Value| -> Vec<String> {
        let keys = jwks["keys"].as_array().unwrap();
        keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kids(&rp.json("/jwks").await), [second.clone(), first.clone()]);
    let tokens = rp.tokens_of("ana").await;
    assert_eq!(part(tokens["id_token"].as_str().unwrap(), 0)["kid"], second.as_str());

    rp.provider.rotate(Algorithm::Rs256, OldKeys::Dropped).await.unwrap();
    assert_eq!(kids(&rp.json("/jwks").await), [rp.provider.kid()]);
    let tokens = rp.tokens_of("ana").await;
    assert_eq!(part(tokens["id_token"].as_str().unwrap(), 0)["alg"], "RS256");
}

#[tokio::test]
async fn an_issuer_may_have_a_path_and_a_trailing_slash() {
    let rp = start_with(|settings| {
        settings.algorithm = Algorithm::Es256;
        settings.issuer.push_str("/realms/corp/");
    })
    .await;
    assert!(rp.provider.issuer().ends_with("/realms/corp/"));
    let metadata = rp.json("/.well-known/openid-configuration").await;
    assert_eq!(metadata["issuer"], rp.provider.issuer());
    assert_eq!(metadata["token_endpoint"], format!("{}/token", rp.base));
    let tokens = rp.tokens_of("ana").await;
    assert_eq!(part(tokens["id_token"].as_str().unwrap(), 1)["iss"], rp.provider.issuer());
    assert_eq!(rp.provider.count("/token"), 1);
}

#[tokio::test]
async fn signing_out_goes_back_to_registered_addresses_only() {
    let rp = start_with(|settings| {
        settings.algorithm = Algorithm::Es256;
        settings.post_logout_redirect_uris = vec!["http://127.0.0.1:9/bye".to_owned()];
    })
    .await;
    let good = "/end_session?post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fbye&state=x";
    let response = rp.get(good).await;
    assert_eq!(response.headers()["location"], "http://127.0.0.1:9/bye?state=x");
    let evil = rp.get("/end_session?post_logout_redirect_uri=http%3A%2F%2Fevil.example").await;
    assert_eq!(evil.status(), 400);
    assert_eq!(rp.get("/end_session").await.status(), 200);
}

#[tokio::test]
async fn logout_tokens_can_be_signed_and_stopping_frees_the_port() {
    let rp = start().await;
    let claims = json!({ "sub": "00u00000000000000ana", "jti": "1" });
    let token = rp.provider.sign("logout+jwt", claims.as_object().unwrap()).unwrap();
    assert_eq!(part(&token, 0)["typ"], "logout+jwt");
    assert_eq!(part(&token, 1), claims);
    assert!(super::judge::signed_by(&token, &rp.json("/jwks").await));

    let address = rp.base.trim_start_matches("http://").to_owned();
    rp.provider.stop().await;
    TcpListener::bind(address).await.unwrap();
}

#[tokio::test]
async fn a_dropped_provider_stops() {
    let rp = start().await;
    rp.get("/jwks").await;
    let address = rp.base.trim_start_matches("http://").to_owned();
    drop(rp);
    let freed = async {
        while TcpListener::bind(&address).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), freed).await.unwrap();
}
