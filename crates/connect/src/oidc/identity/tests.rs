//! Claims from two places, and values that cannot be shown.

use super::*;
use crate::oidc::{Answers, GroupsClaim, TokenAuth};
use serde_json::json;

fn settings() -> OidcSettings {
    OidcSettings {
        connection: "okta".into(),
        issuer: "https://idp.example".into(),
        client_id: "gw".into(),
        client_secret: None,
        token_auth: TokenAuth::Basic,
        assertion: None,
        answers: Answers::Query,
        scopes: vec!["openid".into(), "email".into()],
        redirect_uri: "https://cardea.example/oidc/okta/callback".into(),
        groups: GroupsClaim::default(),
        claims: Vec::new(),
        subject_claim: "sub".into(),
    }
}

fn claims(id_token: Value, userinfo: Value) -> Claims {
    let map = |value| serde_json::from_value(value).unwrap();
    let mut id_token: Map<String, Value> = map(id_token);
    id_token.insert("sub".into(), json!("s"));
    let verified = Verified { claims: id_token, subject: "s".into(), issued_at: Timestamp::default() };
    Claims { userinfo: Some(map(userinfo)), ..Claims::new(verified) }
}

fn identity(id_token: Value, userinfo: Value) -> Identity {
    claims(id_token, userinfo).identity(&settings()).unwrap()
}

fn email(id_token: Value, userinfo: Value) -> (String, Option<bool>) {
    let email = identity(id_token, userinfo).email.unwrap();
    (email.address, email.verified)
}

#[test]
fn a_verification_speaks_of_its_own_address_only() {
    let ana = || "ana@corp.example".to_owned();
    let verified = |address: &str| json!({"email": address, "email_verified": true});
    assert_eq!(email(json!({"email": ana()}), json!({})), (ana(), None));
    assert_eq!(email(json!({"email": ana()}), verified("mallory@evil.example")), (ana(), None));
    assert_eq!(email(json!({"email": ana()}), verified("ana@corp.example")), (ana(), Some(true)));
    assert_eq!(email(json!({"email_verified": true}), json!({"email": ana()})), (ana(), None));
    let denied = json!({"email": ana(), "email_verified": false});
    assert_eq!(email(denied, verified("ana@corp.example")), (ana(), Some(false)));
}

#[test]
fn the_signed_value_stands_above_the_other() {
    let person = identity(json!({"name": "Signed"}), json!({"name": "Other", "upn": "ana@corp.example"}));
    assert_eq!(person.name.as_deref(), Some("Signed"));
    assert_eq!(person.upn.as_deref(), Some("ana@corp.example"));
}

#[test]
fn the_subject_is_never_taken_from_userinfo() {
    let settings = OidcSettings { subject_claim: "oid".into(), ..settings() };
    let error = claims(json!({}), json!({"oid": "x"})).identity(&settings).unwrap_err();
    assert_eq!(error.reason(), "subject_claim_missing");
    for bad in [json!(""), json!(7), json!("a\nb"), json!("x".repeat(256))] {
        assert!(claims(json!({ "oid": bad }), json!({})).identity(&settings).is_err());
    }
}

#[test]
fn what_cannot_be_shown_is_left_out_and_remarked_without_its_value() {
    let person =
        identity(json!({"name": "a\u{0}b", "given_name": 7, "family_name": "x".repeat(300), "upn": " "}), json!({}));
    assert_eq!((person.name, person.given_name, person.family_name, person.upn), (None, None, None, None));
    assert_eq!(person.remarks.len(), 4);
    assert!(person.remarks.iter().all(|remark| !remark.contains('\u{0}') && remark.len() < 80));
}

#[test]
fn groups_of_the_token_stand_above_those_of_userinfo() {
    let settings =
        OidcSettings { groups: GroupsClaim { claim: Some("groups".into()), ..GroupsClaim::default() }, ..settings() };
    let groups = |id_token, userinfo| claims(id_token, userinfo).identity(&settings).unwrap().groups;
    let present = |name: &str| GroupClaims::Present(vec![name.to_owned()]);
    assert_eq!(groups(json!({"groups": ["a"]}), json!({"groups": ["b"]})), present("a"));
    assert_eq!(groups(json!({}), json!({"groups": ["b"]})), present("b"));
    assert_eq!(groups(json!({"hasgroups": true}), json!({"groups": ["b"]})), present("b"));
    assert_eq!(groups(json!({"hasgroups": true}), json!({})), GroupClaims::Overage);
    assert_eq!(groups(json!({}), json!({})), GroupClaims::Missing);
}

#[test]
fn each_further_claim_is_judged_by_itself() {
    let settings = OidcSettings { claims: ["roles", "/realm/groups", "none"].map(str::to_owned).into(), ..settings() };
    let said = json!({"roles": "one", "realm": {"groups": []}, "other": ["x"]});
    let read = claims(json!({"_claim_names": {"groups": "src1"}}), said.clone()).identity(&settings).unwrap().claims;
    let expected = [
        ("/realm/groups", GroupClaims::Present(Vec::new())),
        ("none", GroupClaims::Missing),
        ("roles", GroupClaims::Present(vec!["one".to_owned()])),
    ];
    assert_eq!(read, expected.map(|(name, said)| (name.to_owned(), said)).into());
    // Without the userinfo nobody knows that something is missing.
    let mut claims = claims(said, json!({}));
    let (error, enough) = (ConnectError::SubjectClaim, OidcSettings { scopes: Vec::new(), ..settings.clone() });
    claims.add_userinfo(Err(error), &enough).unwrap();
    let read = claims.identity(&settings).unwrap().claims;
    assert_eq!((&read["none"], &read["/realm/groups"]), (&GroupClaims::Overage, &GroupClaims::Present(Vec::new())));
}
