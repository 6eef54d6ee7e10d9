//! What the endpoints can do, as machines read it: exactly what is served.

use axum::Json;
use axum::extract::State;
use cardea_gateway::App;
use cardea_gateway::oauth::assertion;
use cardea_gateway::oauth::authorize::SCOPES;
use serde_json::{Value, json};

/// How a client proves itself where it must.
const PROVEN: [&str; 3] = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
/// What a client signs to prove itself may be signed with.
const SIGNED: [&str; 5] = assertion::ALGORITHMS;
/// The same, and not at all: for public clients.
const PROVEN_OR_PUBLIC: [&str; 4] = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];

/// What we sign with for a client, as it chooses.
const SIGNS: [&str; 2] = ["RS256", "ES256"];

/// RFC 8414 §2.
pub(super) async fn server(State(app): State<App>) -> Json<Value> {
    Json(described(&app.settings.public_url))
}

/// OpenID Connect Discovery §3.
pub(super) async fn provider(State(app): State<App>) -> Json<Value> {
    let issuer = &app.settings.public_url;
    let mut said = described(issuer);
    let more = json!({
        "end_session_endpoint": format!("{issuer}/oauth2/logout"),
        "userinfo_endpoint": format!("{issuer}/oauth2/userinfo"),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": SIGNS,
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "name", "email",
            "email_verified", "groups", "org"],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
    });
    if let (Some(said), Value::Object(more)) = (said.as_object_mut(), more) {
        said.extend(more);
    }
    Json(said)
}

fn described(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth2/authorize"),
        "token_endpoint": format!("{issuer}/oauth2/token"),
        "token_endpoint_auth_methods_supported": PROVEN_OR_PUBLIC,
        "token_endpoint_auth_signing_alg_values_supported": SIGNED,
        "introspection_endpoint": format!("{issuer}/oauth2/introspect"),
        "introspection_endpoint_auth_methods_supported": PROVEN,
        "introspection_endpoint_auth_signing_alg_values_supported": SIGNED,
        "introspection_signing_alg_values_supported": SIGNS,
        "revocation_endpoint": format!("{issuer}/oauth2/revoke"),
        "revocation_endpoint_auth_methods_supported": PROVEN_OR_PUBLIC,
        "revocation_endpoint_auth_signing_alg_values_supported": SIGNED,
        "jwks_uri": format!("{issuer}/oauth2/jwks"),
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
}
