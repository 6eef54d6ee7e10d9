//! Who comes out of a good sign-in.

use super::world::World;
use crate::*;
use cardea_model::Clock as _;
use cardea_simulate::oidc::{Algorithm, Answer, Endpoint, GroupsIn, Mode, UserinfoMode};
use serde_json::json;

#[tokio::test]
async fn an_honest_provider_gives_the_whole_identity() {
    let world = World::with(|provider| provider.algorithm = Algorithm::Rs256).await;
    let ana = world.sign_in("ana").await.unwrap();
    assert_eq!(ana.subject, "00u00000000000000ana");
    assert_eq!(ana.issuer, world.settings.issuer);
    assert_eq!(ana.email, Some(ClaimedEmail { address: "ana@corp.example".into(), verified: Some(true) }));
    assert_eq!(ana.name.as_deref(), Some("Ana Ruiz"));
    assert_eq!((ana.given_name.as_deref(), ana.family_name.as_deref()), (Some("Ana"), Some("Ruiz")));
    assert_eq!(ana.preferred_username.as_deref(), Some("ana@corp.example"));
    let groups = ["NGC_AIE_PR_Admin", "ml-research", "corp-staff"].map(str::to_owned);
    assert_eq!(ana.groups, GroupClaims::Present(groups.into()));
    assert_eq!(ana.amr, ["pwd", "otp"]);
    assert_eq!(ana.issued_at.as_seconds(), world.clock.now().as_seconds());
    assert_eq!(ana.auth_time, Some(ana.issued_at));
    assert!(ana.sid.is_some() && ana.upn.is_none());
    assert_eq!(ana.remarks, Vec::<String>::new());
}

#[tokio::test]
async fn the_request_is_a_code_flow_with_pkce_state_and_nonce_of_256_bits() {
    let mut world = World::new().await;
    world.settings.scopes = vec!["groups".into()];
    let mut flows = std::collections::HashSet::new();
    for _ in 0..50 {
        let (flow, _) = world.visit("ana").await.unwrap();
        let seen = world.provider.requests().pop().unwrap();
        let sent = |name| seen.parameter(name).unwrap_or_default().to_owned();
        assert_eq!((sent("response_type"), sent("code_challenge_method")), ("code".into(), "S256".into()));
        assert_eq!((sent("state"), sent("nonce")), (flow.state.clone(), flow.nonce.clone()));
        assert_eq!(sent("scope"), "openid groups");
        assert_eq!(sent("redirect_uri"), world.settings.redirect_uri);
        assert!(flow.state.len() == 43 && flow.nonce.len() == 43);
        assert!(flows.insert(flow.state) && flows.insert(flow.nonce));
    }
}

#[tokio::test]
async fn the_hint_travels_and_the_secret_goes_as_configured() {
    let mut world = World::with(|provider| provider.auto_sign_in = true).await;
    for (auth, scheme) in [(TokenAuth::Basic, Some("basic")), (TokenAuth::Post, None)] {
        world.settings.token_auth = auth;
        let (mut flow, _) = world.visit("bo").await.unwrap();
        flow.login_hint = Some("bo@corp.example".into());
        flow.prompt = Some("login");
        let url = world.depart(&flow).await.unwrap();
        assert!(url.query_pairs().any(|(name, value)| name == "login_hint" && value == "bo@corp.example"));
        assert!(url.query_pairs().any(|(name, value)| name == "prompt" && value == "login"));
        world.sign_in("bo").await.unwrap();
        let seen = world.provider.requests().into_iter().rfind(|r| r.path == "/token").unwrap();
        assert_eq!(seen.authorization.as_deref(), scheme);
        assert_eq!(seen.parameter("client_secret").is_some(), scheme.is_none());
    }
}

#[tokio::test]
async fn issuers_with_a_path_and_a_final_slash_work() {
    for end in ["/", "/realms/acme", "/application/o/acme/"] {
        let world = World::with(|provider| provider.issuer.push_str(end)).await;
        let ana = world.sign_in("ana").await.unwrap();
        assert!(ana.issuer.ends_with(end));
    }
}

#[tokio::test]
async fn groups_are_taken_from_wherever_they_are() {
    for place in [GroupsIn::Both, GroupsIn::IdToken, GroupsIn::Userinfo] {
        let world = World::with(|provider| provider.groups_in = place).await;
        let ana = world.sign_in("ana").await.unwrap();
        assert!(matches!(ana.groups, GroupClaims::Present(groups) if groups.len() == 3), "{place:?}");
    }
}

#[tokio::test]
async fn unknown_groups_are_told_apart_from_none() {
    let world = World::new().await;
    let groups = async |claims: serde_json::Value| {
        world.provider.person("ana", |ana| ana.claims = serde_json::from_value(claims).unwrap());
        world.sign_in("ana").await.unwrap().groups
    };
    assert_eq!(groups(json!({"groups": []})).await, GroupClaims::Present(Vec::new()));
    assert_eq!(groups(json!({"groups": null})).await, GroupClaims::Missing);
    assert_eq!(groups(json!({"groups": null, "hasgroups": true})).await, GroupClaims::Overage);
    let elsewhere = json!({"groups": null, "_claim_names": {"groups": "src1"}});
    assert_eq!(groups(elsewhere).await, GroupClaims::Overage);
    let many: Vec<_> = (0..2_001).map(|i| format!("g{i}")).collect();
    assert_eq!(groups(json!({ "groups": many })).await, GroupClaims::Overage);
}

#[tokio::test]
async fn the_subject_is_the_claim_that_the_connection_names() {
    let mut world = World::new().await;
    world.settings.subject_claim = "oid".into();
    assert_eq!(world.verdict().await, Err("subject_claim_missing"));
    let claims = json!({"oid": "7f9c…"}).as_object().unwrap().clone();
    world.provider.person("ana", |ana| ana.claims = claims);
    assert_eq!(world.sign_in("ana").await.unwrap().subject, "7f9c…");
}

#[tokio::test]
async fn whether_an_address_is_verified_has_three_values() {
    let world = World::new().await;
    let verified = async |claims: serde_json::Value| {
        world.provider.person("ana", |ana| {
            ana.email_verified = None;
            ana.claims = serde_json::from_value(claims).unwrap();
        });
        world.sign_in("ana").await.unwrap().email.unwrap().verified
    };
    assert_eq!(verified(json!({})).await, None);
    assert_eq!(verified(json!({"email_verified": "true"})).await, Some(true));
    assert_eq!(verified(json!({"email_verified": "false", "xms_edov": true})).await, Some(false));
    assert_eq!(verified(json!({"xms_edov": "1"})).await, Some(true));
    assert_eq!(verified(json!({"xms_edov": 0})).await, Some(false));
}

#[tokio::test]
async fn userinfo_about_somebody_else_is_refused() {
    for mode in [UserinfoMode::OtherSub, UserinfoMode::NoSub] {
        let world = World::new().await;
        world.provider.misbehave(mode);
        assert_eq!(world.verdict().await, Err("userinfo_subject"), "{mode:?}");
    }
}

#[tokio::test]
async fn without_userinfo_the_id_token_must_say_everything() {
    let answers = [Answer::Status(500), Answer::Html, Answer::Hang, Answer::Huge, Answer::Redirect];
    for answer in answers {
        let world = World::new().await;
        world.provider.misbehave(Mode::Answer(Endpoint::Userinfo, answer.clone()));
        let ana = world.sign_in("ana").await.unwrap();
        assert!(matches!(ana.groups, GroupClaims::Present(_)), "{answer:?}");
        assert_eq!(ana.remarks.len(), 1, "{answer:?}");
    }
    let world = World::with(|provider| provider.groups_in = GroupsIn::Userinfo).await;
    world.provider.misbehave(Mode::Answer(Endpoint::Userinfo, Answer::Status(500)));
    assert_eq!(world.verdict().await, Err("userinfo_unreachable"));
    world.provider.behave();
    world.provider.misbehave(Mode::Answer(Endpoint::Userinfo, Answer::Html));
    assert_eq!(world.verdict().await, Err("userinfo_unreadable"));
}

#[tokio::test]
async fn nothing_of_a_sign_in_is_printed() {
    let world = World::new().await;
    let (flow, arrival) = world.visit("ana").await.unwrap();
    let code = arrival.0.iter().find(|(name, _)| name == "code").unwrap().1.clone();
    let verifier = secrecy::ExposeSecret::expose_secret(&flow.pkce_verifier).to_owned();
    let printed = format!("{flow:?} {arrival:?} {:?} {:?}", world.connector(), world.settings);
    for secret in [code.as_str(), &verifier, "s3cr%t"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn sign_ins_may_move_between_threads() {
    fn moves<T: Send>(_: &T) {}
    let all = |connector: &Connector, flow: &Flow| {
        moves(&connector.begin(flow, cardea_model::Timestamp::default()));
        moves(&connector.finish(flow, Arrival::Parameters(Parameters::default()), cardea_model::Timestamp::default()));
    };
    let _ = all;
}
