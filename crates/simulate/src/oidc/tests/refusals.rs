//! What a provider that behaves refuses.

use tokio::net::TcpListener;

use super::super::{OidcProvider, SimulateError};
use super::harness::{CALLBACK, VERIFIER, basic, body, challenge, sent_back, start, start_with, value};

#[tokio::test]
async fn an_unregistered_client_or_address_gets_a_page_and_no_redirect() {
    let rp = start().await;
    for changes in [
        ("client_id", "somebody"),
        ("redirect_uri", "http://evil.example/cb"),
        ("redirect_uri", "http://127.0.0.1:9/oidc/okta/callback/"),
        ("redirect_uri", "http://127.0.0.1:9/oidc/okta/callback?x=1"),
        ("redirect_uri", ""),
    ] {
        let response = rp.authorize(&[changes, ("simulate_user", "ana")]).await;
        assert_eq!(response.status(), 400, "{changes:?}");
        assert!(response.headers().get("location").is_none());
    }
    rp.provider.register_redirect_uri("http://127.0.0.1:9/late");
    let late = [("redirect_uri", "http://127.0.0.1:9/late"), ("simulate_user", "ana")];
    assert_eq!(rp.authorize(&late).await.status(), 303);
}

#[tokio::test]
async fn a_bad_request_is_told_to_the_client_with_state_and_issuer() {
    let rp = start().await;
    for (changes, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "profile"), "invalid_scope"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("prompt", "none"), "login_required"),
    ] {
        let back = sent_back(&rp.authorize(&[changes]).await);
        assert_eq!(value(&back, "error").unwrap(), error, "{changes:?}");
        assert!(value(&back, "state").is_some() && value(&back, "iss").is_some());
        assert!(value(&back, "code").is_none());
    }
}

#[tokio::test]
async fn nobody_by_that_name_signs_nobody_in() {
    let rp = start().await;
    assert_eq!(rp.authorize(&[("simulate_user", "eve")]).await.status(), 200);
    let fields = rp.parameters(&[("person", "eve")]);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(rp.post("/authorize/choose", None, &fields).await.status(), 400);
}

#[tokio::test]
async fn a_redemption_that_differs_from_the_request_fails_and_spends_the_code() {
    let rp = start().await;
    let other = "another-verifier-of-at-least-forty-three-characters";
    let challenge = challenge(VERIFIER);
    for change in [
        ("code_verifier", other),
        ("code_verifier", ""),
        ("code_verifier", challenge.as_str()),
        ("redirect_uri", "http://127.0.0.1:9/other"),
        ("redirect_uri", ""),
    ] {
        let code = rp.code_for("ana").await;
        let response = rp.redeem(&code, &[change]).await;
        assert_eq!(response.status(), 400, "{change:?}");
        assert_eq!(body(response).await["error"], "invalid_grant");
        assert_eq!(rp.redeem(&code, &[]).await.status(), 400, "spent by {change:?}");
    }
}

#[tokio::test]
async fn a_short_verifier_is_refused_even_if_it_fits() {
    let rp = start().await;
    let short = challenge("short");
    let asked = [("code_challenge", short.as_str()), ("simulate_user", "ana")];
    let code = value(&sent_back(&rp.authorize(&asked).await), "code").unwrap();
    assert_eq!(rp.redeem(&code, &[("code_verifier", "short")]).await.status(), 400);
}

#[tokio::test]
async fn a_code_works_once_and_its_reuse_ends_the_tokens() {
    let rp = start().await;
    let code = rp.code_for("ana").await;
    let tokens = body(rp.redeem(&code, &[]).await).await;
    let access_token = tokens["access_token"].as_str().unwrap();
    assert_eq!(rp.bearer("/userinfo", access_token).await.status(), 200);
    let again = rp.redeem(&code, &[]).await;
    assert_eq!(again.status(), 400);
    assert_eq!(body(again).await["error"], "invalid_grant");
    let refused = rp.bearer("/userinfo", access_token).await;
    assert_eq!(refused.status(), 401);
    assert!(refused.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
}

#[tokio::test]
async fn codes_live_a_minute_and_access_tokens_an_hour() {
    let rp = start().await;
    let (fresh, stale) = (rp.code_for("ana").await, rp.code_for("ana").await);
    rp.advance(60);
    let tokens = body(rp.redeem(&fresh, &[]).await).await;
    let access_token = tokens["access_token"].as_str().unwrap();
    rp.advance(1);
    assert_eq!(rp.redeem(&stale, &[]).await.status(), 400);
    rp.advance(3_599);
    assert_eq!(rp.bearer("/userinfo", access_token).await.status(), 200);
    rp.advance(1);
    assert_eq!(rp.bearer("/userinfo", access_token).await.status(), 401);
}

#[tokio::test]
async fn the_client_must_prove_itself_in_one_way() {
    let rp = start().await;
    let code = rp.code_for("ana").await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let raw = "Basic Z3c6czNjcmV0";
    for authorization in [None, Some(basic("gw", "wrong")), Some(basic("other", "s3cret+/ &")), Some(raw.to_owned())] {
        let response = rp.post("/token", authorization.as_deref(), &form).await;
        assert_eq!(response.status(), 401, "{authorization:?}");
        assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic"));
        assert_eq!(body(response).await["error"], "invalid_client");
    }
    let mut twice = form.to_vec();
    twice.push(("client_secret", "s3cret+/ &"));
    let response = rp.post("/token", Some(&basic("gw", "s3cret+/ &")), &twice).await;
    assert_eq!(body(response).await["error"], "invalid_request");
    // None of it reached the code.
    assert_eq!(rp.redeem(&code, &[]).await.status(), 200);
}

#[tokio::test]
async fn only_codes_are_redeemed_and_only_from_the_form() {
    let rp = start().await;
    let response = rp.redeem("x", &[("grant_type", "password")]).await;
    assert_eq!(body(response).await["error"], "unsupported_grant_type");
    let response = rp.redeem("", &[]).await;
    assert_eq!(body(response).await["error"], "invalid_request");
    let response = rp.redeem("never-issued", &[]).await;
    assert_eq!(body(response).await["error"], "invalid_grant");
    let secret = basic("gw", "s3cret+/ &");
    let response = rp.post("/token?grant_type=authorization_code", Some(&secret), &[]).await;
    assert_eq!(body(response).await["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn a_person_who_left_gets_no_tokens_and_no_userinfo() {
    let rp = start().await;
    let access_token = rp.tokens_of("ana").await["access_token"].as_str().unwrap().to_owned();
    let code = rp.code_for("ana").await;
    let others = rp.provider.people().into_iter().filter(|person| person.name != "ana").collect();
    rp.provider.set_people(others);
    assert_eq!(body(rp.redeem(&code, &[]).await).await["error"], "invalid_grant");
    assert_eq!(rp.bearer("/userinfo", &access_token).await.status(), 401);
}

#[tokio::test]
async fn an_issuer_that_is_no_plain_url_does_not_start() {
    for issuer in ["corp", "ftp://corp.example", "https://corp.example/?a=b", "https://a/:x"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let now = std::sync::Arc::new(|| 0);
        let settings = super::super::ProviderSettings::new(issuer, "gw", "secret", now);
        assert!(!format!("{settings:?}").contains("secret"));
        let refused = OidcProvider::start(listener, settings).await;
        assert!(matches!(refused, Err(SimulateError::Issuer(_))), "{issuer}");
    }
}

#[tokio::test]
async fn an_oversized_form_is_refused() {
    let rp = start_with(|settings| settings.algorithm = super::super::Algorithm::Es256).await;
    let huge = "x".repeat(70_000);
    assert_eq!(rp.post("/token", None, &[("code", &huge)]).await.status(), 413);
}
