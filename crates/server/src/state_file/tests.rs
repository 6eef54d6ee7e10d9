use super::*;
use cardea_gateway::state::{Delivery, Groups, Kind, Metadata, Protocol, RulesState, Secret, problems};
use secrecy::ExposeSecret as _;

/// The example of the outer contract, with its dots filled in.
const EXAMPLE: &str = r#"
version: 1
operators: [{name: ci, token: cdao_x}]                 # a token made by `cardea operator create --print-only`
accounts:
  - name: acme
    owner: {email: owner@acme.test, password: "secret-1"}     # local owner, break-glass; password_file/_env too
    recovery_email: it@acme-recovery.test
    org:
      name: acme
      kind: enterprise                                  # individual | enterprise
      services: [catalog, registry, public_api_endpoints]
      teams: [{name: vision, description: Computer vision}]
    connections:
      - name: okta                                      # unique in the instance, [a-z0-9-]; it is in the URLs below
        kind: oidc
        issuer: http://127.0.0.1:4010
        client_id: gw
        client_secret: "secret-2"
        token_auth: basic                               # basic | post | private_key_jwt
        scopes: [openid, profile, email, groups]
        groups: {claim: groups, from: claims, on_missing: treat_as_empty}   # or pointer: /realm_access/roles; from: claims | scim | scim_then_claims
        subject_claim: sub
        trust_email: never                              # never | domain_verified
        domains: [corp.example]                         # an operator's apply counts as proof, and is audited
        jit: true
        stage: live                                     # draft | tested | live | off
      - name: adfs
        kind: saml
        metadata_file: idp.xml                          # or metadata_url, or metadata: "<xml>"
        attributes: {subject: name_id, email: mail, given_name: givenName, family_name: sn, groups: memberOf}
        idp_initiated: false
        domains: [a.example]
        stage: live
    directories: [{connection: okta, tokens: [{name: primary, secret: "secret-3"}]}]       # SCIM
    signals:                                            # security events in
      - {name: okta-events, connection: okta, delivery: push, issuer: "http://127.0.0.1:9400", jwks_url: "http://127.0.0.1:9400/jwks.json",
         audience: "http://127.0.0.1:8700/signals/okta-events", profile: final, authorization: "Bearer secret-4"}
    rules:
      - {name: AIE admins, connection: okta, any_of: [{equals: NGC_AIE_PR_Admin}], account_role: member,
         grants: [{service: registry, role: admin}, {team: vision, service: catalog, role: read}]}
    rules_state: active                                 # draft | active
    clients:                                            # the services behind the gateway
      - {client_id: portal, name: Portal, secret: "secret-5", redirect_uris: ["http://127.0.0.1:9/cb"], grants: [authorization_code, refresh_token],
         resource_server: true, services: [registry, catalog], token_format: opaque}
"#;

const XML: &str = "<EntityDescriptor entityID=\"https://idp\">\n  <a/>\n</EntityDescriptor>\n";

/// The state in `text`, or what is wrong, in a file `state.yaml` beside `idp.xml`.
fn parsed(text: &str) -> Result<State, Complaint> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("idp.xml"), XML).unwrap();
    std::fs::write(folder.path().join("state.yaml"), text).unwrap();
    let environment = Environment::from_iter([("OWNER", "from-env")]);
    load(&folder.path().join("state.yaml"), &environment).map_err(|complaints| {
        let [mut complaint] = <[Complaint; 1]>::try_from(complaints.0).unwrap();
        let folder = format!("{}/", folder.path().display());
        complaint.place = complaint.place.replace(&folder, "");
        complaint.what = complaint.what.replace(&folder, "");
        complaint
    })
}

fn refused(text: &str) -> (String, String) {
    let complaint = parsed(text).unwrap_err();
    (complaint.to_string(), complaint.hint.unwrap_or_default())
}

#[test]
fn the_example_is_read_whole() {
    let state = parsed(EXAMPLE).unwrap();
    assert_eq!(problems(&state, &|_| Some(["admin", "read"].map(str::to_owned).to_vec())), []);
    let account = &state.accounts[0];
    let connections = account.connections.as_ref().unwrap();
    assert_eq!(connections[1].kind, Kind::Saml);
    let Some(Protocol::Saml(saml)) = connections[1].protocol() else { panic!("no SAML") };
    assert_eq!(saml.metadata, Metadata::Text(XML.trim_end().into()));
    assert_eq!(account.signals.as_ref().unwrap()[0].delivery, Delivery::Push);
    assert_eq!(account.rules.as_ref().unwrap()[0].grants[1].team.as_deref(), Some("vision"));
    assert_eq!(account.rules_state, Some(RulesState::Active));
    let secret = connections[0].client_secret.as_ref().and_then(Secret::given).unwrap();
    assert_eq!(secret.expose_secret(), "secret-2");
}

#[test]
fn an_export_reads_back_as_the_same_text_and_holds_no_secret() {
    let exported = write(&parsed(EXAMPLE).unwrap()).unwrap();
    assert!(!exported.contains("secret-") && !exported.contains("cdao_"), "{exported}");
    assert_eq!(write(&parsed(&exported).unwrap()).unwrap(), exported);
    assert!(
        exported.starts_with("version: 1\noperators:\n  - name: ci\n    token:\n      kept: true\naccounts:\n"),
        "{exported}"
    );
}

#[test]
fn text_that_looks_like_something_else_stays_text() {
    let state = parsed("version: 1\naccounts: [{name: 'null', org: {name: '007', teams: [{name: 'no', description: '1e3'}, {name: y, description: ''}]}}]").unwrap();
    let exported = write(&state).unwrap();
    assert_eq!(parsed(&exported).unwrap(), state, "{exported}");
}

#[test]
fn both_spellings_of_groups_are_read() {
    let connection = |groups: &str| {
        let text =
            format!("version: 1\naccounts: [{{name: a, connections: [{{name: x, kind: oidc, groups: {groups}}}]}}]");
        parsed(&text).unwrap().accounts[0].connections.as_ref().unwrap()[0].groups.clone()
    };
    assert_eq!(
        connection("{pointer: /realm_access/roles}"),
        Groups { pointer: Some("/realm_access/roles".into()), ..Groups::default() }
    );
    assert_eq!(
        connection("{claim: \"https://x/groups\"}"),
        Groups { claim: Some("https://x/groups".into()), ..Groups::default() }
    );
}

#[test]
fn a_secret_may_stand_elsewhere() {
    let state = parsed("version: 1\naccounts: [{name: a, owner: {email: o@a.test, password_env: OWNER}}]").unwrap();
    let password = state.accounts[0].owner.as_ref().unwrap().password.as_ref().and_then(Secret::given).unwrap().clone();
    assert_eq!(password.expose_secret(), "from-env");
}

#[test]
fn mistakes_name_their_place() {
    for (text, expected, hint) in [
        ("version: 1\nacounts: []", "state.yaml:2:1: unknown key `acounts`", "did you mean `accounts`?"),
        (
            "version: 1\naccounts:\n  - name: a\n    connections:\n      - name: x\n        isuer: y\n        kind: oidc",
            "state.yaml:6:9: unknown key `isuer`",
            "did you mean `issuer`?",
        ),
        (
            "version: 1\naccounts:\n  - name: a\n    rules_state: activ",
            "state.yaml:4:18: `activ` is none of `draft`, `active`",
            "did you mean `active`?",
        ),
        (
            "version: 1\naccounts:\n  - name: a\n    rules:\n      - {name: r, connection: c, any_of: [{equal: x}]}",
            "state.yaml:5:44: unknown key `equal`",
            "did you mean `equals`?",
        ),
        ("version: 1\naccounts:\n  - name: a\n    name: b", "state.yaml:4:5: `name` stands here twice", ""),
        ("version: 1\naccounts: 7", "state.yaml:2:11: expected a list", ""),
        ("accounts: []", "state.yaml:1:1: `version` is missing", ""),
        ("version: 2", "state.yaml:1:10: version 2 is not known; this program reads `version: 1`", ""),
        (
            "version: 1\naccounts: [{name: a, owner: {email: o@a.test, password: 4711}}]",
            "state.yaml:2:57: a secret must be text: put it in quotes",
            "",
        ),
        (
            "version: 1\naccounts: [{name: a, owner: {email: o@a.test, password_env: NONE}}]",
            "state.yaml:2:61: the environment variable `NONE` is not set",
            "",
        ),
        (
            "version: 1\naccounts: [{name: a, owner: {email: o@a.test, password_file: none}}]",
            "state.yaml:2:62: cannot read `none`: No such file or directory (os error 2)",
            "",
        ),
        (
            "version: 1\naccounts: [{name: a, owner: {email: o@a.test, password: x, password_env: OWNER}}]",
            "state.yaml:2:60: `password` is given twice; `password`, `password_file` and `password_env` mean the same",
            "",
        ),
        ("version: 1\naccounts: [", "state.yaml:2:11: unclosed bracket '['", ""),
        ("version: 1\n---\nversion: 1", "state.yaml:3:1: a second document begins here; a file is one document", ""),
        ("", "state.yaml:1:1: the document ends too early", ""),
    ] {
        assert_eq!(refused(text), (expected.to_owned(), hint.to_owned()), "{text}");
    }
}

#[test]
fn a_complaint_never_quotes_a_secret() {
    let (what, hint) = refused("version: 1\naccounts: [{name: a, owner: {email: o@a.test, pasword: hunter2}}]");
    assert!(!format!("{what}{hint}").contains("hunter2"), "{what}");
}

#[test]
fn bombs_do_not_unfold() {
    // A thousand teams once, and five hundred accounts that each name them all: half a million teams in 30 kB.
    let teams: String = (0..1_000).map(|number| format!("{{name: t{number}}}, ")).collect();
    let accounts: String =
        (1..500).map(|number| format!(", {{name: a{number}, org: {{name: a{number}, teams: *t}}}}")).collect();
    let (what, _) =
        refused(&format!("version: 1\naccounts: [{{name: a, org: {{name: a, teams: &t [{teams}]}}}}{accounts}]"));
    assert!(what.contains("alias"), "{what}");
    let (what, _) = refused(&format!("version: 1\naccounts: {}", "[".repeat(10_000)));
    assert!(what.starts_with("state.yaml:2:"), "{what}");
}

#[test]
fn many_aliases_of_one_anchor_are_refused() {
    let many =
        format!("version: 1\naccounts: [{{name: a, org: {{name: a, services: [&s x{}]}}}}]", ", *s".repeat(2_000));
    let (what, _) = refused(&many);
    assert!(what.starts_with("state.yaml:2:") && what.contains("lias"), "{what}");
    let few = format!("version: 1\naccounts: [{{name: a, org: {{name: a, services: [&s x{}]}}}}]", ", *s".repeat(9));
    assert_eq!(parsed(&few).unwrap().accounts[0].org.as_ref().unwrap().services.as_ref().unwrap().len(), 10);
}

#[test]
fn a_document_over_16_mib_is_refused_unread() {
    let (what, hint) = refused(&format!("version: 1\n# {}", "x".repeat(16 << 20)));
    assert_eq!(what, "state.yaml: is larger than 16 MiB");
    assert!(hint.contains("split"));
}

#[test]
fn a_large_honest_document_is_read() {
    let teams: String = (0..20_000).map(|number| format!("        - {{name: t{number}, description: d}}\n")).collect();
    let state =
        parsed(&format!("version: 1\naccounts:\n  - name: a\n    org:\n      name: a\n      teams:\n{teams}")).unwrap();
    assert_eq!(state.accounts[0].org.as_ref().unwrap().teams.as_ref().unwrap().len(), 20_000);
}
