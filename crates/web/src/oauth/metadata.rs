//! What the endpoints can do, as machines read it: exactly what is served.

use axum::Json;
use axum::extract::State;
use cardea_gateway::App;
use serde_json::{Value, json};

/// How a client proves itself.
const AUTH_METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

/// RFC 8414 §2.
pub(super) async fn server(State(app): State<App>) -> Json<Value> {
    let issuer = &app.settings.public_url;
    Json(json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/oauth2/token"),
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "introspection_endpoint": format!("{issuer}/oauth2/introspect"),
        "introspection_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint": format!("{issuer}/oauth2/revoke"),
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "jwks_uri": format!("{issuer}/oauth2/jwks"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
    }))
}
