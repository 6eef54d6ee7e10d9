//! Signing in at an OpenID provider: authorization code flow with PKCE, nothing else, every check made.
//!
//! | step | file | against |
//! |---|---|---|
//! | metadata, cached; its addresses guarded | `discovery.rs`, `remembered.rs` | forged issuers, requests to private addresses |
//! | request to depart with, code for tokens | `exchange.rs` | code injection (PKCE S256), redirects |
//! | the answer's parameters | `callback.rs` | cross-site requests, mix-up (RFC 9207), repeated parameters |
//! | the ID token's header, then its signature and claims | `header.rs`, `verify.rs` | every forgery of RFC 8725 |
//! | userinfo, about the same person | `userinfo.rs` | swapped users |
//! | claims to an identity; groups | `identity.rs`, `groups.rs` | a missing list read as an empty one |

use cardea_model::Timestamp;
use secrecy::SecretString;
use url::Url;

use crate::connector::{Flow, Identity, Outside, Parameters};
use crate::error::{ConnectError, Step};
use crate::jwks::{JwksError, KeySet};

mod callback;
mod discovery;
mod exchange;
mod groups;
mod header;
mod identity;
mod logout;
mod remembered;
mod userinfo;
mod verify;

use discovery::Metadata;
use exchange::Tokens;
pub(crate) use groups::gather;
pub use groups::groups_in;
use identity::Claims;
pub use logout::LogoutToken;
pub use remembered::MetadataCache;
use verify::SKEW;

/// What an admin says about an OpenID provider.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// The connection's name, unique in the instance; what is remembered of the provider is kept under it.
    pub connection: String,
    /// The issuer, byte for byte as the provider states it; a final slash counts.
    pub issuer: String,
    /// Our client id there.
    pub client_id: String,
    /// Our client secret there; none for a public client.
    pub client_secret: Option<SecretString>,
    /// How we prove who we are.
    pub token_auth: TokenAuth,
    /// What signs where that is done by a key.
    pub assertion: Option<Assertion>,
    /// What is asked for; `openid` is asked for in any case.
    pub scopes: Vec<String>,
    /// Whether the browser posts the answer in a form, instead of carrying it in an address.
    pub answers: Answers,
    /// Where the provider sends the browser back to: `{public_url}/oidc/{connection}/callback`.
    pub redirect_uri: String,
    /// Where the groups are.
    pub groups: GroupsClaim,
    /// Further claims that are read as groups are, by name or pointer.
    pub claims: Vec<String>,
    /// The claim of the ID token that identifies a person for ever: `sub`, for Microsoft Entra `oid`.
    pub subject_claim: String,
}

/// How the browser brings the answer (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// In the address.
    Query,
    /// In a form that it posts.
    Form,
}

/// How a client authenticates at the token endpoint (OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenAuth {
    /// `client_secret_basic`
    Basic,
    /// `client_secret_post`
    Post,
    /// `private_key_jwt`
    PrivateKeyJwt,
}

/// Signs for us where we prove who we are by a key (RFC 7523 §2.2): given the audience and the algorithms that the provider
/// takes (any if none is named), the assertion; nothing if we have no key for any of them.
#[derive(Clone)]
pub struct Assertion(pub std::sync::Arc<Sign>);

/// See [`Assertion`].
pub type Sign = dyn Fn(&str, &[String]) -> Option<SecretString> + Send + Sync;

impl std::fmt::Debug for Assertion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Assertion")
    }
}

/// Where the groups are among the claims. Names of claims may contain `/` and `:`, hence two ways to say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupsClaim {
    /// The claim's literal name.
    pub claim: Option<String>,
    /// An RFC 6901 pointer, such as `/realm_access/roles`; stands above `claim`.
    pub pointer: Option<String>,
    /// At what each value is split. Usually at nothing: names of groups contain commas.
    pub split: Option<char>,
}

impl GroupsClaim {
    /// The place that one text names: a pointer, if it begins with a slash.
    #[must_use]
    pub fn named(text: &str) -> Self {
        let (claim, pointer) = if text.starts_with('/') { (None, Some(text)) } else { (Some(text), None) };
        Self { claim: claim.map(str::to_owned), pointer: pointer.map(str::to_owned), split: None }
    }

    /// The claim of the whole set in which it stands.
    fn outermost(&self) -> Option<String> {
        let Some(pointer) = &self.pointer else { return self.claim.clone() };
        let first = pointer.strip_prefix('/')?.split('/').next()?;
        Some(first.replace("~1", "/").replace("~0", "~"))
    }
}

/// One OpenID provider; cheap to make, as what is remembered of it is in [`Outside`].
#[derive(Debug)]
pub struct OidcConnector {
    settings: OidcSettings,
    outside: Outside,
}

impl OidcConnector {
    /// The connector of these settings. Nothing is fetched yet.
    #[must_use]
    pub const fn new(settings: OidcSettings, outside: Outside) -> Self {
        Self { settings, outside }
    }

    pub(crate) async fn begin(&self, flow: &Flow) -> Result<Url, ConnectError> {
        let metadata = self.metadata().await?;
        exchange::departure(&self.settings, &metadata, flow)
    }

    pub(crate) async fn finish(
        &self,
        flow: &Flow,
        arrival: &Parameters,
        now: Timestamp,
    ) -> Result<Identity, ConnectError> {
        let metadata = self.metadata().await?;
        let code = callback::code(arrival, flow, &self.settings.issuer, metadata.promises_issuer)?;
        let tokens = exchange::redeem(&self.settings, &metadata, &self.outside.fetch, flow, code).await?;
        let id_token = self.verified(&metadata, flow, &tokens, now).await?;
        let mut claims = Claims::new(id_token);
        if let Some(url) = &metadata.userinfo_endpoint {
            let answer = userinfo::ask(&self.outside.fetch, url, &tokens, claims.sub()).await;
            claims.add_userinfo(answer, &self.settings)?;
        }
        claims.identity(&self.settings)
    }

    async fn metadata(&self) -> Result<std::sync::Arc<Metadata>, ConnectError> {
        self.outside.metadata.of(&self.settings, &self.outside).await
    }

    /// What the provider signs with, the named key among it if it can be had.
    async fn keys(&self, metadata: &Metadata, kid: Option<&str>) -> Result<std::sync::Arc<KeySet>, ConnectError> {
        let keys = self.outside.jwks.keys(&self.settings.connection, &metadata.jwks_uri, kid).await;
        keys.map_err(|error| match error {
            JwksError::Fetch(source) => ConnectError::outward(Step::Keys, source),
            JwksError::Unreadable | JwksError::TooMany => ConnectError::KeysUnreadable,
        })
    }

    /// The claims of the ID token, if it is one, for us, now, and of this flow.
    async fn verified(
        &self,
        metadata: &Metadata,
        flow: &Flow,
        tokens: &Tokens,
        now: Timestamp,
    ) -> Result<verify::Verified, ConnectError> {
        let header = header::read(&tokens.id_token, &metadata.algorithms)?;
        let keys = self.keys(metadata, header.kid.as_deref()).await?;
        verify::verify(tokens, &keys, &verify::Expected { settings: &self.settings, metadata, nonce: &flow.nonce, now })
    }
}
