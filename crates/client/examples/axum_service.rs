//! A service that hands out containers to whoever shows a key that may download them.
//!
//! ```sh
//! CARDEA_URL=http://127.0.0.1:8700 CARDEA_CLIENT=portal CARDEA_SECRET=… cargo run -p cardea-client --example axum_service
//! curl -H "Authorization: Bearer $KEY" http://127.0.0.1:9000/v1/acme/app
//! ```

use std::error::Error;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::get;
use cardea_client::{Client, ClientError, Question, Settings, Verdict};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::new(&setting("CARDEA_URL")?, &setting("CARDEA_CLIENT")?, &setting("CARDEA_SECRET")?);
    let listener = TcpListener::bind("127.0.0.1:9000").await?;
    axum::serve(listener, service(Client::new(settings)?)).await?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a service has settings of its own")]
fn setting(name: &str) -> Result<String, Box<dyn Error>> {
    std::env::var(name).map_err(|_| format!("{name} is not set").into())
}

/// The whole service; the client is made once and shared.
pub(crate) fn service(client: Client) -> Router {
    Router::new().route("/v1/{org}/{container}", get(pull)).with_state(client)
}

async fn pull(
    State(client): State<Client>,
    Path((org, container)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<String, StatusCode> {
    let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let key = key.ok_or(StatusCode::UNAUTHORIZED)?;
    let question = Question {
        key,
        service: "registry",
        action: "download_container",
        entity_type: Some("container"),
        entity: Some(&format!("{org}/{container}")),
        ..Question::default()
    };
    match client.check(&question).await {
        Ok(Verdict::Allowed(who)) => Ok(format!("{container} for {}", who.user.unwrap_or(who.key_id))),
        // Whether the key or the right is missing is the service's to know: the reason is not for whoever holds the key.
        Ok(Verdict::Refused { .. }) => Err(StatusCode::FORBIDDEN),
        Err(ClientError::Question(_)) => Err(StatusCode::BAD_REQUEST),
        // No answer is no yes.
        Err(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}
