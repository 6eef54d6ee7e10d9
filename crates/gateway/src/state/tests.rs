use super::*;
use serde_json::{Value, json};

fn catalogue(service: &str) -> Option<Vec<String>> {
    let roles: &[&str] = match service {
        "registry" => &["viewer", "user", "admin"],
        "catalog" => &["read"],
        "public_api_endpoints" => &["user"],
        _ => return None,
    };
    Some(roles.iter().map(|role| (*role).to_owned()).collect())
}

/// The contract's example, as JSON; the YAML spelling is read by the server's tests.
fn example() -> Value {
    json!({
        "version": 1,
        "operators": [{"name": "ci", "token": "cdao_x"}],
        "accounts": [{
            "name": "acme",
            "owner": {"email": "owner@acme.test", "password": "secret-1"},
            "recovery_email": "it@acme-recovery.test",
            "org": {
                "name": "acme", "kind": "enterprise",
                "services": ["catalog", "registry", "public_api_endpoints"],
                "teams": [{"name": "vision", "description": "Computer vision"}]
            },
            "connections": [
                {
                    "name": "okta", "kind": "oidc", "issuer": "http://127.0.0.1:4010", "client_id": "gw",
                    "client_secret": "secret-2", "token_auth": "basic",
                    "scopes": ["openid", "profile", "email", "groups"],
                    "groups": {"claim": "groups", "from": "claims", "on_missing": "treat_as_empty"},
                    "subject_claim": "sub", "trust_email": "never", "domains": ["corp.example"], "jit": true,
                    "stage": "live"
                },
                {
                    "name": "adfs", "kind": "saml", "metadata": "<EntityDescriptor/>",
                    "attributes": {"subject": "name_id", "email": "mail", "given_name": "givenName", "family_name": "sn", "groups": "memberOf"},
                    "idp_initiated": false, "domains": ["a.example"], "stage": "live"
                }
            ],
            "directories": [{"connection": "okta", "tokens": [{"name": "primary", "secret": "secret-3"}]}],
            "signals": [{
                "name": "okta-events", "connection": "okta", "delivery": "push", "issuer": "http://127.0.0.1:9400",
                "jwks_url": "http://127.0.0.1:9400/jwks.json", "audience": "http://127.0.0.1:8700/signals/okta-events",
                "profile": "final", "authorization": "Bearer secret-4"
            }],
            "rules": [{
                "name": "AIE admins", "connection": "okta", "any_of": [{"equals": "NGC_AIE_PR_Admin"}],
                "account_role": "member",
                "grants": [{"service": "registry", "role": "admin"}, {"team": "vision", "service": "catalog", "role": "read"}]
            }],
            "rules_state": "active",
            "clients": [{
                "client_id": "portal", "name": "Portal", "secret": "secret-5", "redirect_uris": ["http://127.0.0.1:9/cb"],
                "grants": ["authorization_code", "refresh_token"], "resource_server": true,
                "services": ["registry", "catalog"], "token_format": "opaque"
            }]
        }]
    })
}

fn read(document: Value) -> State {
    serde_json::from_value(document).unwrap()
}

/// The example with the value at `pointer` replaced or added.
fn changed(pointer: &str, value: Value) -> Value {
    let mut document = example();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    if key == "-" {
        parent.as_array_mut().unwrap().push(value);
    } else {
        parent.as_object_mut().unwrap().insert(key.to_owned(), value);
    }
    document
}

fn said(document: Value) -> Vec<String> {
    problems(&read(document), &catalogue).iter().map(ToString::to_string).collect()
}

#[test]
fn the_example_has_no_problem_and_withholds_nothing() {
    assert_eq!(said(example()), Vec::<String>::new());
    assert_eq!(read(example()).withheld(), []);
}

#[test]
fn an_export_reads_back_as_itself_and_holds_no_secret() {
    let exported = serde_json::to_string(&read(example())).unwrap();
    assert!(!exported.contains("secret-") && !exported.contains("cdao_"), "{exported}");
    let again: State = serde_json::from_str(&exported).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), exported);
    assert_eq!(problems(&again, &catalogue), []);
}

#[test]
fn something_new_misses_the_secrets_of_an_export() {
    let exported = serde_json::to_value(read(example())).unwrap();
    let state = read(exported);
    let missed: Vec<(String, Thing<'_>)> =
        state.withheld().into_iter().map(|secret| (secret.path, secret.of)).collect();
    let expected = [
        ("operators[0].token", Thing::Operator("ci")),
        ("accounts[0].owner.password", Thing::Owner("acme")),
        ("accounts[0].connections[0].client_secret", Thing::Connection("okta")),
        ("accounts[0].directories[0].tokens[0].secret", Thing::DirectoryToken { connection: "okta", token: "primary" }),
        ("accounts[0].signals[0].authorization", Thing::Signal("okta-events")),
        ("accounts[0].clients[0].secret", Thing::Client("portal")),
    ];
    assert_eq!(missed, expected.map(|(path, thing)| (path.to_owned(), thing)));
}

#[test]
fn a_thing_that_needs_no_secret_may_be_new_without_one() {
    let mut document = changed("/accounts/0/owner", json!({"email": "owner@acme.test"}));
    document["accounts"][0]["connections"][0]["token_auth"] = json!("private_key_jwt");
    document["accounts"][0]["clients"][0]["resource_server"] = json!(false);
    for path in ["connections/0/client_secret", "signals/0/authorization", "clients/0/secret"] {
        let (parent, key) = path.rsplit_once('/').unwrap();
        document.pointer_mut(&format!("/accounts/0/{parent}")).unwrap().as_object_mut().unwrap().remove(key);
    }
    assert_eq!(read(document).withheld(), []);
}

#[test]
fn absent_and_empty_sections_differ() {
    let state = read(json!({"version": 1, "accounts": [{"name": "acme", "rules": []}]}));
    assert_eq!(state.accounts[0].rules, Some(vec![]));
    assert_eq!(state.accounts[0].connections, None);
    assert_eq!(
        serde_json::to_value(&state).unwrap(),
        json!({"version": 1, "accounts": [{"name": "acme", "rules": []}]})
    );
}

#[test]
fn the_protocol_of_a_connection_has_its_defaults() {
    let minimal = json!({"name": "x", "kind": "oidc", "issuer": "https://idp.example", "client_id": "gw"});
    let connection: Connection = serde_json::from_value(minimal).unwrap();
    assert_eq!((connection.stage, connection.jit, connection.trust_email), (Stage::Draft, None, TrustEmail::Never));
    let Some(Protocol::Oidc(oidc)) = connection.protocol() else { panic!("{connection:?}") };
    assert_eq!((oidc.token_auth, oidc.subject_claim.as_str()), (TokenAuth::Basic, "sub"));
    assert_eq!(oidc.scopes, ["openid", "profile", "email"]);
    let saml: Connection =
        serde_json::from_value(json!({"name": "x", "kind": "saml", "metadata_url": "https://idp.example/m"})).unwrap();
    let Some(Protocol::Saml(saml)) = saml.protocol() else { panic!("{saml:?}") };
    assert_eq!(saml.metadata, Metadata::Url("https://idp.example/m".into()));
    assert_eq!((saml.attributes.subject.as_str(), saml.idp_initiated), ("name_id", false));
    let broken: Connection = serde_json::from_value(json!({"name": "x", "kind": "saml"})).unwrap();
    assert_eq!(broken.protocol(), None);
}

#[test]
fn only_version_1_is_read() {
    for document in [json!({}), json!({"version": 2}), json!({"version": "1"})] {
        assert!(serde_json::from_value::<State>(document).is_err());
    }
}

/// A place of the example, what is put there, and what is said of it.
const CASES: &[(&str, &str, &str)] = &[
    ("/operators/-", r#"{"name": "ci"}"#, "operators[1].name: `ci` is taken by `operators[0].name`"),
    ("/operators/0/name", r#"" ""#, "operators[0].name: must be 1 to 63 characters of one line"),
    ("/accounts/-", r#"{"name": "acme"}"#, "accounts[1].name: `acme` is taken by `accounts[0].name`"),
    ("/accounts/0/name", r#""ac me""#, "accounts[0].name: must be 1 to 63 characters without spaces"),
    ("/accounts/0/owner/email", r#""owner""#, "accounts[0].owner.email: `owner` is no e-mail address"),
    (
        "/accounts/0/recovery_email",
        r#""Owner@ACME.test""#,
        "accounts[0].recovery_email: must not be the owner's own address",
    ),
    (
        "/accounts/0/org/name",
        r#""Acme""#,
        "accounts[0].org.name: `Acme` must be 1 to 63 of `a-z0-9`, with `.`, `_` and `-` inside",
    ),
    (
        "/accounts/0/org/services/-",
        r#""registri""#,
        "accounts[0].org.services[3]: the catalogue has no service `registri`",
    ),
    (
        "/accounts/0/org/services/-",
        r#""catalog""#,
        "accounts[0].org.services[3]: `catalog` is taken by `accounts[0].org.services[0]`",
    ),
    ("/accounts/0/org/teams/-", r#"{"name": "Blue"}"#, "accounts[0].org.teams[1].name: `Blue` must be lower case"),
    (
        "/accounts/0/org/teams/-",
        r#"{"name": "vision"}"#,
        "accounts[0].org.teams[1].name: `vision` is taken by `accounts[0].org.teams[0].name`",
    ),
    (
        "/accounts/0/org/teams/0/description",
        r#""a\u0000""#,
        "accounts[0].org.teams[0].description: must be at most 1000 bytes of one line",
    ),
    (
        "/accounts/0/connections/0/issuer",
        r#""idp""#,
        "accounts[0].connections[0].issuer: must be an https address without user name and fragment",
    ),
    (
        "/accounts/0/connections/0/scopes",
        r#"["email"]"#,
        "accounts[0].connections[0].scopes: must have `openid`, without which there is no ID token",
    ),
    ("/accounts/0/connections/0/scopes/-", r#""a b""#, "accounts[0].connections[0].scopes[4]: `a b` is no scope"),
    (
        "/accounts/0/connections/0/groups/pointer",
        r#""/x""#,
        "accounts[0].connections[0].groups.pointer: stands beside `claim`; give one of them",
    ),
    (
        "/accounts/0/connections/0/groups",
        r#"{"pointer": "x"}"#,
        "accounts[0].connections[0].groups.pointer: `x` must begin with `/`, like `/realm_access/roles`",
    ),
    (
        "/accounts/0/connections/0/domains",
        r#"["nodot"]"#,
        "accounts[0].connections[0].domains[0]: `nodot` is no domain",
    ),
    (
        "/accounts/0/connections/0/domains",
        r#"["A.example."]"#,
        "accounts[0].connections[1].domains[0]: `a.example` is taken by `accounts[0].connections[0].domains[0]`",
    ),
    (
        "/accounts/0/connections/0/idp_initiated",
        r#"true"#,
        "accounts[0].connections[0].idp_initiated: belongs to `kind: saml`",
    ),
    (
        "/accounts/0/connections/1/name",
        r#""okta""#,
        "accounts[0].connections[1].name: `okta` is taken by `accounts[0].connections[0].name`",
    ),
    (
        "/accounts/0/connections/1/name",
        r#""ad_fs""#,
        "accounts[0].connections[1].name: `ad_fs` must be 1 to 63 of `a-z0-9`, with `-` inside",
    ),
    (
        "/accounts/0/connections/1/metadata_url",
        r#""https://x.example""#,
        "accounts[0].connections[1].metadata_url: stands beside `metadata`; give one of them",
    ),
    ("/accounts/0/connections/1/metadata", r#""idp.xml""#, "accounts[0].connections[1].metadata: is no XML"),
    (
        "/accounts/0/connections/0/issuer",
        r#""https://login.microsoftonline.com/common/v2.0""#,
        "accounts[0].connections[0].issuer: is shared by all of Entra ID's tenants; use your own, like `https://login.microsoftonline.com/{tenant id}/v2.0`",
    ),
    ("/accounts/0/connections/1/client_id", r#""gw""#, "accounts[0].connections[1].client_id: belongs to `kind: oidc`"),
    (
        "/accounts/0/directories/0/connection",
        r#""oktta""#,
        "accounts[0].directories[0].connection: `oktta` is no connection of this account; there is `okta`, `adfs`",
    ),
    (
        "/accounts/0/directories/-",
        r#"{"connection": "okta"}"#,
        "accounts[0].directories[1].connection: `okta` is taken by `accounts[0].directories[0].connection`",
    ),
    (
        "/accounts/0/directories/0/tokens/-",
        r#"{"name": "primary", "secret": "x"}"#,
        "accounts[0].directories[0].tokens[1].name: `primary` is taken by `accounts[0].directories[0].tokens[0].name`",
    ),
    (
        "/accounts/0/signals/0/connection",
        r#""none""#,
        "accounts[0].signals[0].connection: `none` is no connection of this account; there is `okta`, `adfs`",
    ),
    ("/accounts/0/signals/0/issuer", r#"null"#, "accounts[0].signals[0].issuer: is needed for `delivery: push`"),
    (
        "/accounts/0/signals/0/delivery",
        r#""poll""#,
        "accounts[0].signals[0].transmitter: is needed for `delivery: poll`",
    ),
    (
        "/accounts/0/rules/0/connection",
        r#""entra""#,
        "accounts[0].rules[0].connection: `entra` is no connection of this account; there is `okta`, `adfs`",
    ),
    (
        "/accounts/0/rules/0/any_of",
        r#"[]"#,
        "accounts[0].rules[0]: `any_of` has no matcher, so nobody would ever match",
    ),
    (
        "/accounts/0/rules/0/grants/0/role",
        r#""boss""#,
        "accounts[0].rules[0].grants[0].role: `registry` has no role `boss`; there is `viewer`, `user`, `admin`",
    ),
    (
        "/accounts/0/rules/0/grants/0/service",
        r#""none""#,
        "accounts[0].rules[0].grants[0].service: the catalogue has no service `none`",
    ),
    (
        "/accounts/0/rules/0/grants/1/team",
        r#""audio""#,
        "accounts[0].rules[0].grants[1].team: `audio` is no team of this org",
    ),
    (
        "/accounts/0/clients/0/client_id",
        r#""a:b""#,
        "accounts[0].clients[0].client_id: must be 1 to 128 printable ASCII characters without spaces and colons",
    ),
    (
        "/accounts/0/clients/0/redirect_uris",
        r#"["javascript:alert(1)"]"#,
        "accounts[0].clients[0].redirect_uris[0]: `javascript:alert(1)` must begin with `https://`, or with a scheme like `com.example.app:`",
    ),
    (
        "/accounts/0/clients/0/redirect_uris",
        r#"[]"#,
        "accounts[0].clients[0].redirect_uris: is needed for the grant `authorization_code`",
    ),
    (
        "/accounts/0/clients/0/grants",
        r#"["refresh_token"]"#,
        "accounts[0].clients[0].grants: `refresh_token` continues `authorization_code` or `password`, and neither is here",
    ),
    (
        "/clients",
        r#"[{"client_id": "portal", "name": "Other"}]"#,
        "clients[0].client_id: `portal` is taken by `accounts[0].clients[0].client_id`",
    ),
    (
        "/accounts/0/rules/-",
        r#"{"name": "aie ADMINS", "connection": "okta", "any_of": [{"equals": "x"}]}"#,
        "accounts[0].rules[1].name: `aie admins` is taken by `accounts[0].rules[0].name`",
    ),
    (
        "/accounts/0/clients/0/webhooks",
        r#"[{"url": "https://u:hunter2@hook.example"}]"#,
        "accounts[0].clients[0].webhooks[0].url: must be an https address without user name and fragment",
    ),
    (
        "/accounts/0/clients/0/webhooks",
        r#"[{"url": "https://hook.example"}, {"url": "https://hook.example"}]"#,
        "accounts[0].clients[0].webhooks[1].url: `https://hook.example` is taken by `accounts[0].clients[0].webhooks[0].url`",
    ),
];

#[test]
fn every_problem_names_its_place() {
    for (pointer, value, expected) in CASES {
        let value = serde_json::from_str(value).unwrap();
        let said = said(changed(pointer, value));
        assert!(said.iter().any(|problem| problem == expected), "{pointer}: expected\n{expected}\nin {said:#?}");
    }
}

#[test]
fn what_a_connection_needs_depends_on_its_kind() {
    let said = said(json!({"version": 1, "accounts": [{"name": "acme", "connections": [
        {"name": "a", "kind": "oidc"}, {"name": "b", "kind": "saml"}]}]}));
    let expected = [
        "accounts[0].connections[0].issuer: is needed for `kind: oidc`",
        "accounts[0].connections[0].client_id: is needed for `kind: oidc`",
        "accounts[0].connections[1].metadata: `metadata`, `metadata_file` or `metadata_url` is needed for `kind: saml`",
    ];
    assert_eq!(said, expected);
}

#[test]
fn an_individual_org_has_its_owner_only() {
    let said = said(changed("/accounts/0/org/kind", json!("individual")));
    let sections: Vec<&str> = said.iter().map(|problem| problem.split(':').next().unwrap()).collect();
    let expected =
        ["org.teams", "connections", "directories", "signals", "rules"].map(|section| format!("accounts[0].{section}"));
    assert_eq!(sections, expected);
}

#[test]
fn a_grant_must_be_of_a_service_that_the_org_has() {
    let said = said(changed("/accounts/0/org/services", json!(["registry"])));
    assert_eq!(said, ["accounts[0].rules[0].grants[1].service: `catalog` is not among the org's services"]);
}

#[test]
fn rules_may_name_connections_and_teams_that_the_document_does_not_list() {
    let document = json!({"version": 1, "accounts": [{"name": "acme", "rules": [
        {"name": "x", "connection": "okta", "any_of": [{"equals": "g"}], "grants": [{"team": "vision", "service": "registry", "role": "user"}]},
        {"name": "y", "connection": "okta", "any_of": [{"equals": "a"}], "grants": [{"role": "user_admin"}]}]}]});
    assert_eq!(said(document), Vec::<String>::new());
}
