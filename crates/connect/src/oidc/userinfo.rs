//! The userinfo answer (OpenID Connect Core §5.3): asked for whenever it is offered, as some providers put claims only there.

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use url::Url;

use super::exchange::Tokens;
use crate::error::{ConnectError, Step};
use crate::fetch::{Fetch, FetchError};

/// What the provider says about the person with this access token, who must be `subject`.
pub(super) async fn ask(
    fetch: &Fetch,
    url: &Url,
    tokens: &Tokens,
    subject: &str,
) -> Result<Map<String, Value>, ConnectError> {
    let unreachable = |source| ConnectError::outward(Step::Userinfo, source);
    let token = tokens.access_token.expose_secret();
    let answer = fetch.get_as(url, "application/json", token).await.map_err(unreachable)?;
    if answer.status != 200 {
        return Err(unreachable(FetchError::Status(answer.status)));
    }
    if !answer.is_json() {
        return Err(ConnectError::UserinfoUnreadable);
    }
    let claims: Map<String, Value> =
        serde_json::from_slice(&answer.body).map_err(|_| ConnectError::UserinfoUnreadable)?;
    // The access token may have been swapped for another person's (Core §5.3.2).
    if claims.get("sub").and_then(Value::as_str) != Some(subject) {
        return Err(ConnectError::UserinfoSubject);
    }
    Ok(claims)
}
