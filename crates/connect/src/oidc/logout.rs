//! Logout tokens, by which a provider ends sessions (OpenID Connect Back-Channel Logout 1.0 §2.4 and §2.6).

use cardea_model::Timestamp;
use serde_json::{Map, Value};

use super::verify::{self, instant};
use super::{OidcConnector, SKEW};
use crate::error::ConnectError;
use crate::jwks::Unproven;

/// The event that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// A longer id, subject or session is nobody's.
const TEXT_MOST: usize = 255;

/// Whom a provider signs out, every check made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutToken {
    /// The token's id, to be accepted once.
    pub id: String,
    /// Until then the id has to be remembered.
    pub until: Timestamp,
    /// Whose sessions end, by the provider's subject. With [`Self::session`] both must fit.
    pub subject: Option<String>,
    /// Which session ends; none means all of the subject's.
    pub session: Option<String>,
}

impl OidcConnector {
    /// Whom this token signs out.
    ///
    /// # Errors
    /// A variant per cause; see [`ConnectError`].
    pub async fn logout_token(&self, token: &str, now: Timestamp) -> Result<LogoutToken, ConnectError> {
        let metadata = self.metadata().await?;
        let unproven = Unproven::read(token).ok_or(ConnectError::IdTokenUnreadable)?;
        // Providers from before the type was named send `JWT` or none; an access token is signed with the same keys
        // (RFC 8725 §3.11).
        let fits = |kind: &str| ["jwt", "logout+jwt"].contains(&kind.to_ascii_lowercase().as_str());
        if !unproven.kind().is_none_or(fits) {
            return Err(ConnectError::TokenKind);
        }
        if !metadata.algorithms.iter().any(|(name, _)| Some(*name) == unproven.algorithm()) {
            return Err(ConnectError::Algorithm);
        }
        if !unproven.is_signed_by(&*self.keys(&metadata, unproven.kid()).await?) {
            return Err(ConnectError::Signature);
        }
        self.said(unproven.claims(), now)
    }

    fn said(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<LogoutToken, ConnectError> {
        let text = |name| claims.get(name).and_then(Value::as_str).filter(|text| (1..=TEXT_MOST).contains(&text.len()));
        if text("iss") != Some(&self.settings.issuer) {
            return Err(ConnectError::Issuer);
        }
        let ours = |value: &Value| value.as_str() == Some(&self.settings.client_id);
        let audience = claims.get("aud").unwrap_or(&Value::Null);
        if !ours(audience) && !audience.as_array().is_some_and(|all| all.iter().any(ours)) {
            return Err(ConnectError::Audience);
        }
        // An ID token of the same provider has a nonce, and no event.
        let event = claims.get("events").and_then(|events| events.get(EVENT));
        if !event.is_some_and(Value::is_object) || claims.contains_key("nonce") {
            return Err(ConnectError::TokenKind);
        }
        verify::timely(claims, instant(claims, "iat")?, now)?;
        let expires_at = claims.contains_key("exp").then(|| instant(claims, "exp")).transpose()?;
        if expires_at.is_some_and(|end| end <= now.before(SKEW)) {
            return Err(ConnectError::Expired);
        }
        let (subject, session) = (text("sub").map(str::to_owned), text("sid").map(str::to_owned));
        if subject.is_none() && session.is_none() {
            return Err(ConnectError::Subject);
        }
        let id = text("jti").ok_or(ConnectError::IdTokenUnreadable)?.to_owned();
        // A token is taken for ten minutes after its issue, whatever it says of its end.
        Ok(LogoutToken { id, until: now.after(verify::AGE_MOST + SKEW), subject, session })
    }
}
