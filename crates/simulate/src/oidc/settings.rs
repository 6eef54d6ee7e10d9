//! What a simulated provider is told at its start.

use std::fmt;
use std::sync::Arc;

use super::keys::Algorithm;
use crate::people::Person;

/// The clock of the provider: seconds since 1970.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Where the groups claim appears. Okta's org server puts it into the ID token only, others into
/// userinfo only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupsIn {
    /// In the ID token and in userinfo.
    Both,
    /// In the ID token only.
    IdToken,
    /// In userinfo only.
    Userinfo,
}

/// What a simulated provider is told at its start.
#[derive(Clone)]
pub struct ProviderSettings {
    /// The issuer, byte for byte as stated everywhere; may have a path or a trailing slash.
    pub issuer: String,
    /// The one registered client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Where codes may be sent; compared exactly (RFC 9700 §2.1).
    pub redirect_uris: Vec<String>,
    /// Where people may be sent after signing out; compared exactly.
    pub post_logout_redirect_uris: Vec<String>,
    /// Who can sign in.
    pub people: Vec<Person>,
    /// How ID tokens are signed at first.
    pub algorithm: Algorithm,
    /// The name of the groups claim.
    pub groups_claim: String,
    /// Where the groups claim appears.
    pub groups_in: GroupsIn,
    /// Whether a known `login_hint` signs in without a page.
    pub auto_sign_in: bool,
    /// The clock.
    pub now: Now,
}

impl ProviderSettings {
    /// An RS256 provider of [`crate::people::everyone`], with groups in `groups` everywhere and the
    /// page always shown.
    pub fn new(issuer: &str, client_id: &str, client_secret: &str, now: Now) -> ProviderSettings {
        ProviderSettings {
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            people: crate::people::everyone(),
            algorithm: Algorithm::Rs256,
            groups_claim: "groups".to_owned(),
            groups_in: GroupsIn::Both,
            auto_sign_in: false,
            now,
        }
    }

    /// The address of an endpoint under the issuer.
    pub(crate) fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.issuer.trim_end_matches('/'))
    }
}

impl fmt::Debug for ProviderSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ProviderSettings")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("redirect_uris", &self.redirect_uris)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
