//! What an authorization code and the access token made from it remember.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Seconds that a code lives.
pub(crate) const CODE_LIFE: i64 = 60;
/// Seconds that an access token lives.
pub(crate) const ACCESS_TOKEN_LIFE: i64 = 3_600;

/// What a person granted at the authorization endpoint.
#[derive(Clone)]
pub(crate) struct Grant {
    /// [`crate::people::Person::name`]; the claims are read when a token is made.
    pub(crate) person: String,
    pub(crate) redirect_uri: String,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    /// The S256 challenge (RFC 7636 §4.2).
    pub(crate) challenge: String,
    /// When the person signed in, seconds since 1970.
    pub(crate) auth_time: i64,
    /// The provider's session.
    pub(crate) sid: String,
}

impl Grant {
    pub(crate) fn covers(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|granted| granted == scope)
    }

    /// RFC 7636 §4.6; a verifier has 43 to 128 characters (§4.1).
    pub(crate) fn is_proved_by(&self, verifier: &str) -> bool {
        let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
        (43..=128).contains(&verifier.len()) && URL_SAFE_NO_PAD.encode(hash) == self.challenge
    }
}

/// A code or an access token in the provider's memory.
pub(crate) struct Issued {
    pub(crate) grant: Grant,
    /// Seconds since 1970.
    pub(crate) expires_at: i64,
}
