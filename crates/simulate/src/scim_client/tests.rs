//! The clients against a server that writes down what it hears, and against one that behaves.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Dialect, ScimClient, ScimClientError};
use crate::people::Person;

const DIALECTS: [Dialect; 3] = [Dialect::Okta, Dialect::EntraDefault, Dialect::EntraCompliant];

/// A request as it stood on the wire.
struct Heard {
    line: String,
    headers: HeaderMap,
    body: String,
}

struct Server {
    base: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Server {
    /// Answers everything with this status and body.
    async fn answering(status: u16, body: &'static str) -> Server {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let service = Router::new().fallback(hear).with_state((heard.clone(), status, body));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/scim/v2/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, service).await });
        Server { base, heard }
    }

    fn client(&self, dialect: Dialect) -> ScimClient {
        ScimClient::new(dialect, &self.base, "cdad_token").unwrap()
    }

    fn only(&self) -> Heard {
        let mut heard = self.heard.lock().unwrap();
        assert_eq!(heard.len(), 1);
        heard.remove(0)
    }
}

type Told = (Arc<Mutex<Vec<Heard>>>, u16, &'static str);

async fn hear(State((heard, status, body)): State<Told>, request: Request) -> impl axum::response::IntoResponse {
    let (parts, sent) = request.into_parts();
    let sent: Bytes = to_bytes(sent, 100_000).await.unwrap();
    heard.lock().unwrap().push(Heard {
        line: format!("{} {}", parts.method, parts.uri),
        headers: parts.headers,
        body: String::from_utf8(sent.to_vec()).unwrap(),
    });
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

fn ana() -> Person {
    Person::new("ana", "Ana", "Ruiz")
}

fn patch(operations: &str) -> String {
    format!(r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operations}]}}"#)
}

#[tokio::test]
async fn okta_creates_with_a_password_and_empty_groups() {
    let server = Server::answering(201, r#"{"id":"u1"}"#).await;
    let exchange = server.client(Dialect::Okta).create(&ana()).await.unwrap();
    let heard = server.only();
    assert_eq!(heard.line, "POST /scim/v2/Users");
    assert_eq!(
        heard.body,
        concat!(
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"#,
            r#""userName":"ana@corp.example","name":{"givenName":"Ana","familyName":"Ruiz"},"#,
            r#""emails":[{"primary":true,"value":"ana@corp.example","type":"work"}],"#,
            r#""displayName":"Ana Ruiz","locale":"en-US","externalId":"00u00000000000000ana","#,
            r#""groups":[],"password":"k3x-placeholder","active":true}"#
        )
    );
    assert_eq!(heard.headers["user-agent"], "Okta SCIM Client 1.0.0");
    assert_eq!(heard.headers["accept"], "application/scim+json");
    assert_eq!(heard.headers["accept-charset"], "utf-8");
    assert_eq!(heard.headers["content-type"], "application/scim+json; charset=utf-8");
    assert_eq!(heard.headers["authorization"], "Bearer cdad_token");

    assert_eq!((exchange.method.as_str(), exchange.path.as_str()), ("POST", "/scim/v2/Users"));
    assert_eq!(exchange.request_body.as_deref(), Some(heard.body.as_str()));
    assert_eq!((exchange.status, exchange.resource_id().as_deref()), (201, Some("u1")));
}

#[tokio::test]
async fn entra_creates_with_nulls_and_the_enterprise_schema() {
    for dialect in [Dialect::EntraDefault, Dialect::EntraCompliant] {
        let server = Server::answering(201, "{}").await;
        server.client(dialect).create(&ana()).await.unwrap();
        let heard = server.only();
        assert_eq!(
            heard.body,
            concat!(
                r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","#,
                r#""urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"#,
                r#""externalId":"ana","userName":"ana@corp.example","active":true,"#,
                r#""displayName":"Ana Ruiz","#,
                r#""emails":[{"primary":true,"type":"work","value":"ana@corp.example"}],"#,
                r#""meta":{"resourceType":"User"},"#,
                r#""name":{"formatted":"Ana Ruiz","familyName":"Ruiz","givenName":"Ana"},"#,
                r#""roles":[],"addresses":null,"phoneNumbers":null,"title":null,"#,
                r#""department":null,"manager":null}"#
            )
        );
        assert!(!heard.headers.contains_key("user-agent"));
        assert_eq!(heard.headers["content-type"], "application/scim+json; charset=utf-8");
    }
}

#[tokio::test]
async fn everyone_deactivates_and_reactivates_in_their_own_words() {
    for (dialect, off, on) in [
        (Dialect::Okta, r#"{"op":"replace","value":{"active":false}}"#, r#"{"op":"replace","value":{"active":true}}"#),
        (
            Dialect::EntraDefault,
            r#"{"op":"Replace","path":"active","value":"False"}"#,
            r#"{"op":"Replace","path":"active","value":"True"}"#,
        ),
        (
            Dialect::EntraCompliant,
            r#"{"op":"replace","path":"active","value":false}"#,
            r#"{"op":"replace","path":"active","value":true}"#,
        ),
    ] {
        let server = Server::answering(204, "").await;
        let exchange = server.client(dialect).deactivate("u 1").await.unwrap();
        assert_eq!((exchange.status, exchange.response_body.as_str()), (204, ""));
        let heard = server.only();
        assert_eq!(heard.line, "PATCH /scim/v2/Users/u%201");
        assert_eq!(heard.body, patch(off));
        server.client(dialect).reactivate("u1").await.unwrap();
        assert_eq!(server.only().body, patch(on));
    }
}

#[tokio::test]
async fn lookups_are_encoded_as_each_client_encodes_them() {
    let list = r#"{"totalResults":1,"Resources":[{"id":"u7"}]}"#;
    let server = Server::answering(200, list).await;
    let found = server.client(Dialect::Okta).find("ana@corp.example").await.unwrap();
    assert_eq!(found.resource_id().as_deref(), Some("u7"));
    let heard = server.only();
    let filter = "userName%20eq%20%22ana%40corp.example%22";
    assert_eq!(heard.line, format!("GET /scim/v2/Users?filter={filter}&startIndex=1&count=100"));
    assert!(heard.body.is_empty() && !heard.headers.contains_key("content-type"));
    assert_eq!(found.path, format!("/scim/v2/Users?filter={filter}&startIndex=1&count=100"));

    server.client(Dialect::EntraDefault).find("a\"b").await.unwrap();
    assert_eq!(server.only().line, "GET /scim/v2/Users?filter=userName+eq+%22a%5C%22b%22");
}

#[tokio::test]
async fn probes_are_those_of_the_connection_tests() {
    let server = Server::answering(200, r#"{"totalResults":0,"Resources":[]}"#).await;
    server.client(Dialect::Okta).probe().await.unwrap();
    assert_eq!(server.only().line, "GET /scim/v2/Users?startIndex=1&count=2");
    let empty = server.client(Dialect::EntraDefault).probe().await.unwrap();
    assert!(empty.resource_id().is_none());
    let first = server.only().line;
    assert!(first.starts_with("GET /scim/v2/Users?filter=userName+eq+%22"));
    server.client(Dialect::EntraDefault).probe().await.unwrap();
    assert_ne!(server.only().line, first);
}

#[tokio::test]
async fn okta_reads_and_puts_back_what_it_read() {
    let stored = r#"{"id":"u1","meta":{"version":"W/\"1\""},"active":true,"name":{"formatted":"x"}}"#;
    let server = Server::answering(200, stored).await;
    let exchanges = server.client(Dialect::Okta).replace("u1", &ana()).await.unwrap();
    let methods: Vec<&str> = exchanges.iter().map(|exchange| exchange.method.as_str()).collect();
    assert_eq!(methods, ["GET", "PUT"]);
    let put: Value = serde_json::from_str(exchanges[1].request_body.as_ref().unwrap()).unwrap();
    assert_eq!(
        put,
        json!({
            "id": "u1", "meta": {"version": "W/\"1\""}, "active": true,
            "userName": "ana@corp.example", "displayName": "Ana Ruiz",
            "name": {"formatted": "x", "givenName": "Ana", "familyName": "Ruiz"},
            "emails": [{"primary": true, "value": "ana@corp.example", "type": "work"}],
        })
    );
}

#[tokio::test]
async fn entra_patches_one_by_one_or_all_at_once() {
    let server = Server::answering(200, "{}").await;
    server.client(Dialect::EntraDefault).replace("u1", &ana()).await.unwrap();
    assert_eq!(
        server.only().body,
        patch(concat!(
            r#"{"op":"Replace","path":"displayName","value":"Ana Ruiz"},"#,
            r#"{"op":"Replace","path":"emails[type eq \"work\"].value","value":"ana@corp.example"},"#,
            r#"{"op":"Replace","path":"name.givenName","value":"Ana"},"#,
            r#"{"op":"Replace","path":"name.familyName","value":"Ruiz"}"#
        ))
    );
    server.client(Dialect::EntraCompliant).replace("u1", &ana()).await.unwrap();
    let body: Value = serde_json::from_str(&server.only().body).unwrap();
    assert_eq!(body["Operations"][0]["path"], "emails[type eq \"work\"].value");
    assert_eq!(
        body["Operations"][1],
        json!({"op": "replace", "value": {
            "displayName": "Ana Ruiz", "name.givenName": "Ana", "name.familyName": "Ruiz"}})
    );
}

#[tokio::test]
async fn a_refusal_is_an_answer_like_any_other() {
    for dialect in DIALECTS {
        let server = Server::answering(404, r#"{"status":"404"}"#).await;
        let exchange = server.client(dialect).delete("gone").await.unwrap();
        assert_eq!(server.only().line, "DELETE /scim/v2/Users/gone");
        assert_eq!(exchange.status, 404);
        assert!(exchange.resource_id().is_none() && exchange.request_body.is_none());
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_an_error() {
    let refused = ScimClient::new(Dialect::Okta, "not a url", "t");
    assert!(matches!(refused, Err(ScimClientError::BaseUrl(_))));
    let refused = ScimClient::new(Dialect::Okta, "http://127.0.0.1:1", "a\nb");
    assert!(matches!(refused, Err(ScimClientError::Token)));

    let server = Server::answering(200, "[]").await;
    let unreadable = server.client(Dialect::Okta).replace("u1", &ana()).await;
    assert!(matches!(unreadable, Err(ScimClientError::NoObject)));

    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = ScimClient::new(Dialect::Okta, &format!("http://{closed}"), "t").unwrap();
    assert!(matches!(client.probe().await, Err(ScimClientError::Http(_))));
}

#[tokio::test]
async fn a_printed_exchange_shows_neither_token_nor_bodies() {
    let server = Server::answering(200, r#"{"userName":"secretive"}"#).await;
    let exchange = server.client(Dialect::Okta).create(&ana()).await.unwrap();
    let printed = format!("{exchange:?}");
    assert!(printed.starts_with("POST /scim/v2/Users → 200 in "));
    assert!(!printed.contains("secretive") && !printed.contains("cdad_token"));
}
