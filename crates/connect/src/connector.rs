//! What a sign-in needs of an identity provider, whatever protocol it speaks: two verbs, one [`Identity`] out.
//!
//! | step | who | what |
//! |---|---|---|
//! | 1 | gateway | makes a [`Flow`], stores it, single use |
//! | 2 | [`Connector::begin`] | says where the browser departs to |
//! | 3 | provider | signs the person in, sends the browser back |
//! | 4 | gateway | takes the flow, hands over the raw [`Arrival`] |
//! | 5 | [`Connector::finish`] | checks everything, gives the [`Identity`] |

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cardea_model::{Clock, Random, Timestamp, chance};
use secrecy::SecretString;
use url::Url;

use crate::error::ConnectError;
use crate::fetch::Fetch;
use crate::jwks::JwksCache;
use crate::oidc::{MetadataCache, OidcConnector};
use crate::saml::{NameId, Posted, SamlConnector, SamlError, SignedStatement};

/// One identity provider, ready to sign people in.
#[derive(Debug)]
pub enum Connector {
    /// OpenID Connect, authorization code flow.
    Oidc(Box<OidcConnector>),
    /// SAML 2.0, web browser SSO profile.
    Saml(Arc<SamlConnector>),
}

impl Connector {
    /// Where the browser goes to sign in.
    ///
    /// # Errors
    /// The provider's metadata cannot be read or is not acceptable.
    pub async fn begin(&self, flow: &Flow, now: Timestamp) -> Result<Departure, ConnectError> {
        match self {
            Self::Oidc(connector) => connector.begin(flow).await.map(Departure::Redirect),
            Self::Saml(connector) => Ok(depart(connector, flow, now)?),
        }
    }

    /// Who came back, if every check holds. `flow` is what [`Connector::begin`] was given, taken once.
    ///
    /// # Errors
    /// A variant per cause; see [`ConnectError`].
    pub async fn finish(&self, flow: &Flow, arrival: Arrival, now: Timestamp) -> Result<Identity, ConnectError> {
        match (self, arrival) {
            (Self::Oidc(connector), Arrival::Parameters(parameters)) => connector.finish(flow, &parameters, now).await,
            (Self::Saml(connector), Arrival::Response(posted)) => {
                let (connector, flow) = (Arc::clone(connector), flow.clone());
                // Signatures keep a processor busy, and a mistake in reading them ends there.
                let read = tokio::task::spawn_blocking(move || connector.finish(&flow, &posted, now));
                Ok(read.await.map_err(|_| ConnectError::FlowUnusable)??.into())
            }
            (Self::Oidc(_), Arrival::Response(_)) | (Self::Saml(_), Arrival::Parameters(_)) => {
                Err(ConnectError::FlowUnusable)
            }
        }
    }
}

/// By a redirect where the provider offers one, else by a form.
fn depart(connector: &SamlConnector, flow: &Flow, now: Timestamp) -> Result<Departure, SamlError> {
    if let Ok(to) = connector.redirect(flow, now) {
        return Ok(Departure::Redirect(to));
    }
    let form = connector.post(flow, now)?;
    Ok(Departure::Post { to: form.url, fields: form.fields })
}

/// What every connector shares: the way out, the keys of others, the time.
#[derive(Clone)]
pub struct Outside {
    /// The HTTP client.
    pub fetch: Fetch,
    /// The cache of signing keys.
    pub jwks: JwksCache,
    /// What providers say about themselves.
    pub metadata: MetadataCache,
    /// The time, for the age of what is remembered.
    pub clock: Arc<dyn Clock>,
}

impl Outside {
    /// The outside world through this client.
    #[must_use]
    pub fn new(fetch: Fetch, clock: Arc<dyn Clock>) -> Self {
        let jwks = JwksCache::new(fetch.clone(), Arc::clone(&clock));
        Self { fetch, jwks, metadata: MetadataCache::default(), clock }
    }

    /// Drops what is remembered of a connection (the caches only), after its settings changed.
    pub fn forget(&self, connection: &str) {
        self.jwks.forget(connection);
        self.metadata.forget(connection);
    }
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outside")
    }
}

/// What one attempt to sign in must find again when the browser comes back. Stored, used once.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Binds the answer to the request (RFC 6749 §10.12); 256 random bits.
    pub state: String,
    /// Binds the ID token to the request (OpenID Connect Core §3.1.2.1); 256 random bits.
    pub nonce: String,
    /// Binds the code to us (RFC 7636); 256 random bits in 43 characters.
    pub pkce_verifier: SecretString,
    /// Whom the provider may offer to sign in; an e-mail address or user name as it was typed.
    pub login_hint: Option<String>,
    /// How the provider is to ask although it knows the person: `login` or `select_account` (OpenID Connect Core §3.1.2.1).
    pub prompt: Option<&'static str>,
}

impl Flow {
    /// A flow that nobody can guess.
    #[must_use]
    pub fn fresh(random: &dyn Random) -> Self {
        let draw = || URL_SAFE_NO_PAD.encode(chance::bytes::<32>(random));
        Self { state: draw(), nonce: draw(), pkce_verifier: draw().into(), login_hint: None, prompt: None }
    }
}

/// How the browser is sent to the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Departure {
    /// By a redirect to this address.
    Redirect(Url),
    /// By a form that it posts there.
    Post {
        /// The address.
        to: Url,
        /// Name and value of each field.
        fields: Vec<(&'static str, String)>,
    },
}

/// What the browser brought back.
#[derive(Debug)]
pub enum Arrival {
    /// What stood in the address or in a form.
    Parameters(Parameters),
    /// A SAML response, which nobody has vouched for yet.
    Response(Posted),
}

/// The parameters as they were sent: name and value, decoded, in the order of the request, repeated ones included.
#[derive(Clone, Default)]
pub struct Parameters(pub Vec<(String, String)>);

impl Arrival {
    /// The state of the sign-in that it says to answer; nothing if it says none or several.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        match self {
            Self::Parameters(Parameters(parameters)) => {
                let mut states = parameters.iter().filter(|(name, _)| name == "state").map(|(_, value)| value.as_str());
                states.next().filter(|_| states.next().is_none())
            }
            Self::Response(posted) => posted.in_response_to().and_then(|id| id.strip_prefix('_')),
        }
    }
}

impl std::fmt::Debug for Parameters {
    /// Names only: the values are codes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// A person as the provider vouches for them, each value checked for shape and size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The stable id of the person at this provider: the claim that the connection names, `sub` by default.
    pub subject: String,
    /// The issuer that vouches, byte for byte as the connection names it.
    pub issuer: String,
    /// The e-mail address that the provider states.
    pub email: Option<ClaimedEmail>,
    /// Full name.
    pub name: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// The name that the person signs in with, not stable.
    pub preferred_username: Option<String>,
    /// The user principal name of Microsoft's directories, not stable.
    pub upn: Option<String>,
    /// The groups, or why they are not known.
    pub groups: GroupClaims,
    /// What each further claim says that the connection was told to read, by its name.
    pub claims: BTreeMap<String, GroupClaims>,
    /// When the person last proved who they are to the provider.
    pub auth_time: Option<Timestamp>,
    /// When the provider issued this statement.
    pub issued_at: Timestamp,
    /// The provider's own session, by which it later logs out.
    pub sid: Option<String>,
    /// How the person proved who they are (RFC 8176).
    pub amr: Vec<String>,
    /// The statement itself, if it is one that signs in once only.
    pub once: Option<Once>,
    /// When the provider wants the session to end at the latest (SAML core §2.7.2).
    pub session_until: Option<Timestamp>,
    /// How the provider names the person in a logout, as JSON; none where the subject does.
    pub name_id: Option<String>,
    /// What was odd but no reason to refuse, for the admin's trace; no claim's value is in it.
    pub remarks: Vec<String>,
}

impl From<SignedStatement> for Identity {
    fn from(statement: SignedStatement) -> Self {
        Self {
            once: Some(Once { id: statement.assertion_id, until: statement.replay_until }),
            session_until: statement.session_until,
            name_id: statement.name_id.as_ref().map(NameId::to_json),
            ..statement.identity
        }
    }
}

/// A statement that signs somebody in once only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// Its id, unique at the provider.
    pub id: String,
    /// Until when anybody would take it.
    pub until: Timestamp,
}

/// An e-mail address as the provider states it, and whether it says to have checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedEmail {
    /// The address, as it was sent.
    pub address: String,
    /// Three-valued: the provider says yes, says no, or says nothing.
    pub verified: Option<bool>,
}

/// What the provider says about the person's groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupClaims {
    /// The complete list; may be empty. NFC, no repetition, in the order sent.
    Present(Vec<String>),
    /// The claim is not there: nothing is known.
    Missing,
    /// There are more than the provider sends or than we take: never to be read as "none".
    Overage,
}
