use super::change::{Action, Change, Field};
use super::*;
use crate::state::{Client, Connection};
use cardea_store::client::Client as ClientRow;
use cardea_store::connection::Connection as ConnectionRow;
use serde_json::json;

const ID: &str = "00000000000000000000000000000001";

#[test]
fn a_change_reads_as_a_line() {
    let change = Change {
        path: "accounts[acme].connections[okta]".to_owned(),
        action: Action::Changed,
        fields: vec![Field::moved("stage", Some("\"live\""), Some("\"off\"")), Field::secret("client_secret")],
    };
    assert_eq!(
        change.to_string(),
        r#"~ accounts[acme].connections[okta]  stage: "live" → "off", client_secret: given anew"#
    );
    let added = Change { action: Action::Added, fields: Vec::new(), ..change };
    assert_eq!(added.to_string(), "+ accounts[acme].connections[okta]");
}

fn minimal() -> Connection {
    let written = json!({"name": "okta", "kind": "oidc", "issuer": "https://idp.example", "client_id": "gw",
        "client_secret": "hunter2", "domains": ["Z.example", "Bücher.example.", "a.example"], "stage": "live"});
    serde_json::from_value(written).unwrap()
}

#[test]
fn a_canonical_connection_has_its_defaults_and_stays_itself() {
    let once = canonical::connection(&minimal());
    assert_eq!(once.domains, ["a.example", "xn--bcher-kva.example", "z.example"]);
    assert_eq!(once.groups.claim.as_deref(), Some("groups"));
    assert_eq!(once.subject_claim.as_deref(), Some("sub"));
    assert_eq!(canonical::connection(&once), once);
}

#[test]
fn a_connection_reads_back_from_its_row_and_its_settings_hold_no_secret() {
    let declared = canonical::connection(&minimal());
    let settings = canonical::connection_settings(&declared).unwrap();
    assert!(!settings.contains("hunter2") && !settings.contains("kept") && !settings.contains("live"), "{settings}");
    let row = ConnectionRow {
        id: format!("idp_{ID}").parse().unwrap(),
        account: format!("acc_{ID}").parse().unwrap(),
        name: "okta".to_owned(),
        kind: "oidc".to_owned(),
        stage: "live".to_owned(),
        settings,
        secret: None,
        last_login_at: None,
        version: 1,
    };
    let stored = canonical::stored_connection(&row, &declared.domains).unwrap();
    assert_eq!(stored, Connection { client_secret: None, ..declared });
    let broken = ConnectionRow { settings: "{".to_owned(), ..row };
    assert!(matches!(canonical::stored_connection(&broken, &[]), Err(DeclareError::Corrupt("connection"))));
}

#[test]
fn a_client_reads_back_from_its_row() {
    let written = json!({"client_id": "portal", "name": "Portal", "secret": "hunter2", "resource_server": true,
        "services": ["registry", "catalog"], "token_format": "jwt", "webhooks": [{"url": "https://b.example"}]});
    let declared: Client = serde_json::from_value(written).unwrap();
    let declared = canonical::clients(&[declared]).remove(0);
    assert_eq!(declared.services, ["catalog", "registry"]);
    let document = canonical::client_document(&declared).unwrap();
    assert!(!document.contains("hunter2") && !document.contains("portal"), "{document}");
    let row = ClientRow {
        id: format!("cli_{ID}").parse().unwrap(),
        account: None,
        client_id: "portal".to_owned(),
        name: "Portal".to_owned(),
        mac: None,
        resource_server: true,
        services: r#"["registry","catalog"]"#.to_owned(),
        document,
        app: None,
    };
    assert_eq!(stored_client(&row).unwrap(), Client { secret: None, webhooks: None, ..declared });
}

#[test]
fn what_is_not_served_yet_warns_by_name() {
    let written = json!({"version": 1, "accounts": [{
        "name": "acme",
        "connections": [
            {"name": "adfs", "kind": "saml", "metadata": "<EntityDescriptor/>"},
            {"name": "okta", "kind": "oidc", "token_auth": "private_key_jwt", "groups": {"from": "scim"}},
            {"name": "plain", "kind": "oidc"}],
        "signals": [{"name": "events", "connection": "okta", "delivery": "push"}],
        "clients": [{"client_id": "a", "name": "A", "grants": ["client_credentials"]}]}],
        "clients": [{"client_id": "b", "name": "B", "webhooks": [{"url": "https://b.example"}]}]});
    let state: State = serde_json::from_value(written).unwrap();
    let paths: Vec<String> = served::not_yet(&state).into_iter().map(|warning| warning.path).collect();
    let expected =
        ["accounts[acme].connections[okta].groups.from", "accounts[acme].signals[events]", "clients[b].webhooks"];
    assert_eq!(paths, expected);
}
