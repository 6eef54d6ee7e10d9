//! The peer of a key check: axum with one route that hashes the key, looks it up in a map and answers in JSON. It does
//! not authenticate who asks, and checks nothing about the key.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use cardea_tokens::hash::sha256;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::process::Serving;

/// What it is told.
#[derive(Deserialize, Serialize)]
pub(crate) struct Orders {
    /// The secrets that it knows.
    pub(crate) keys: Vec<String>,
}

type Known = Arc<HashMap<[u8; 32], (String, String)>>;

#[derive(Deserialize)]
struct Question<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
}

/// As long as the gateway's own yes.
#[derive(Serialize)]
struct Yes<'a> {
    allowed: bool,
    key_id: &'a str,
    kind: &'static str,
    org: &'static str,
    user: &'a str,
}

/// Serves until it is dropped.
pub(crate) async fn serve(orders: Orders) -> Result<Serving> {
    let entry = |(key, number): (&String, u64)| {
        (sha256(key.as_bytes()), (format!("key_{number:032x}"), format!("usr_{number:032x}")))
    };
    let known: Known = Arc::new(orders.keys.iter().zip(0..).map(entry).collect());
    let router = Router::new().route("/api/v1/keys/check", post(answer)).with_state(known);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(Serving { address, _alive: Box::new(serving) })
}

async fn answer(State(known): State<Known>, body: Bytes) -> Response {
    let Ok(question) = serde_json::from_slice::<Question<'_>>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Some((key_id, user)) = known.get(&sha256(question.key.as_bytes())) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let yes = Yes { allowed: true, key_id, kind: "personal", org: "acme", user };
    let json = serde_json::to_vec(&yes).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
}
