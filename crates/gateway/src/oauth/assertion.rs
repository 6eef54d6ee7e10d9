//! A client proves itself by what only its private key can have signed (RFC 7523 §2.2 and §3, `private_key_jwt`).
//!
//! | claim | must be |
//! |---|---|
//! | `iss`, `sub` | the client, both |
//! | `aud` | this issuer, its token endpoint or the one that is asked, and nobody besides |
//! | `exp` | to come, and not further away than five minutes |
//! | `iat`, `nbf` | if they are there: not to come |
//! | `jti` | one that this client has not shown before |

use std::sync::Arc;
use std::time::Duration;

use cardea_connect::KeySet;
use cardea_connect::jwks::{ALGORITHM_NAMES, Unproven};
use cardea_model::Timestamp;
use cardea_model::id::ClientId;
use cardea_store::client_assertion;
use cardea_tokens::hash::sha256;
use serde_json::{Map, Value};
use url::Url;

use super::OAuthError;
use crate::app::App;
use crate::check;
use crate::context::Ctx;
use crate::memory::ClientEntry;

/// How the form names this way to prove oneself.
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// What it may be signed with (RFC 7518 §3.1).
pub const ALGORITHMS: [&str; 5] = ALGORITHM_NAMES;
/// How long an assertion may be good.
const LIFE: Duration = Duration::from_secs(300);
/// By how much the client's clock may go wrong.
const SKEW: Duration = Duration::from_secs(60);
/// The longest id, in bytes.
const LONGEST_ID: usize = 256;

/// The client that signed this, for the endpoint of this path.
pub(super) async fn prove(app: &App, ctx: &Ctx, text: &str, path: &str) -> Result<Arc<ClientEntry>, OAuthError> {
    let token = Unproven::read(text).ok_or(OAuthError::Client)?;
    // RFC 8725 §3.11: what was signed for another purpose is no proof.
    let fits = |kind: &str| ["jwt", "client-authentication+jwt"].contains(&kind.to_ascii_lowercase().as_str());
    if !token.kind().is_none_or(fits) {
        return Err(OAuthError::Client);
    }
    let claim = |name: &str| token.claims().get(name).and_then(Value::as_str);
    let client_id = claim("sub").filter(|sub| claim("iss") == Some(sub)).ok_or(OAuthError::Client)?;
    let client = check::known_client(app, client_id).await?.ok_or(OAuthError::Client)?;
    let expires_at = in_time(token.claims(), ctx.now).ok_or(OAuthError::Client)?;
    let id = claim("jti").filter(|id| (1..=LONGEST_ID).contains(&id.len())).ok_or(OAuthError::Client)?;
    if !is_for_us(app, token.claims(), path) || !token.is_signed_by(&*keys(app, &client, token.kid()).await?) {
        return Err(OAuthError::Client);
    }
    if !once(app, client.id, id, expires_at).await? {
        return Err(OAuthError::Client);
    }
    Ok(client)
}

/// The keys of a client: those of its declaration, or what it publishes.
async fn keys(app: &App, client: &ClientEntry, kid: Option<&str>) -> Result<Arc<KeySet>, OAuthError> {
    let declared = &client.declared;
    if let Some(set) = &declared.jwks {
        return KeySet::read(set.to_string().as_bytes()).map(Arc::new).map_err(|_| OAuthError::Client);
    }
    let address = declared.jwks_uri.as_deref().and_then(|address| Url::parse(address).ok());
    let address = address.ok_or(OAuthError::Client)?;
    // Connections have plain names, and this is none.
    let shelf = format!("client {}", declared.client_id);
    app.outside.jwks.keys(&shelf, &address, kid).await.map_err(|error| {
        tracing::warn!(client.id = %client.id, error = %error, "the keys of a client cannot be had");
        OAuthError::Client
    })
}

/// Until when it is good, if that is now.
fn in_time(claims: &Map<String, Value>, now: Timestamp) -> Option<Timestamp> {
    let time = |name: &str| match claims.get(name) {
        None => Some(None),
        Some(value) => value.as_i64().map(|seconds| Some(Timestamp::from_seconds(seconds))),
    };
    let expires_at = time("exp")??;
    let soon = now.after(SKEW);
    let begun = time("iat")?.is_none_or(|at| at <= soon && expires_at <= at.after(LIFE));
    let valid = time("nbf")?.is_none_or(|at| at <= soon);
    (now < expires_at && expires_at <= soon.after(LIFE) && begun && valid).then_some(expires_at)
}

/// Whoever else it is for could show it to us.
fn is_for_us(app: &App, claims: &Map<String, Value>, path: &str) -> bool {
    let audience = match claims.get("aud") {
        Some(Value::Array(list)) => match list.as_slice() {
            [only] => only.as_str(),
            _ => None,
        },
        one => one.and_then(Value::as_str),
    };
    let issuer = &app.settings.public_url;
    let ours = |audience: &str| {
        audience == issuer.as_str() || ["/oauth2/token", path].iter().any(|path| audience == format!("{issuer}{path}"))
    };
    audience.is_some_and(ours)
}

/// Whether it is shown for the first time.
async fn once(app: &App, client: ClientId, id: &str, expires_at: Timestamp) -> Result<bool, OAuthError> {
    let mut tx = app.db.write().await?;
    let first = client_assertion::note(&mut tx, client, &sha256(id.as_bytes()), expires_at).await?;
    tx.commit().await?;
    Ok(first)
}
