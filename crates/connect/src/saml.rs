//! Signing in at a SAML 2.0 identity provider, read by one strict reader of our own.
//!
//! | step | file | against |
//! |---|---|---|
//! | the gate | `gate.rs`, `tree.rs` | exhaustion, entities, text that two readers see differently |
//! | shape, then every signature, then the conditions | `response.rs`, `signature.rs`, `conditions.rs` | wrapping, stripping, replays elsewhere |
//! | encrypted assertions | `decrypt.rs` | old ciphers, answers that help to guess |
//! | from attributes to an identity | `identity.rs` | ambiguous people, a missing list read as an empty one |
//! | the provider's metadata and keys | `metadata.rs`, `certificate.rs` | weak keys, no keys, addresses that are scripts |
//! | signing out | `logout.rs`, `redirect.rs` | messages of nobody, queries written in two ways |
//! | what we send, and our keys | `request.rs`, `redirect.rs`, `writer.rs`, `published.rs`, `keys.rs` | |
//!
//! Verifying is pure and does not wait for anything: whoever calls does it where it may take a while. That an answer is
//! used once, by the browser that asked, and that an e-mail address belongs to the connection is for whoever calls.

use std::sync::Arc;

use cardea_model::Timestamp;
use url::Url;

use crate::connector::{Flow, Identity};

mod certificate;
mod conditions;
mod decrypt;
mod error;
mod gate;
mod identity;
mod keys;
mod logout;
mod look;
mod metadata;
mod metadata_error;
mod names;
mod published;
mod redirect;
mod remedy;
mod request;
mod response;
mod signature;
mod time;
mod tree;
mod writer;

pub use certificate::Certificate;
pub use error::SamlError;
pub use keys::SpKeys;
pub use logout::{LogoutMessage, LogoutOutcome, LogoutRequest, LogoutResponse};
pub use look::{Published, look};
pub use metadata::{Binding, Endpoint, IdpMetadata, Reach};
pub use metadata_error::MetadataError;
pub use published::sp_metadata;
pub use response::{Placement, Posted};

use conditions::Expected;
use redirect::{REQUEST, RESPONSE};

/// What an admin says about a SAML provider, and what we hold for it.
#[derive(Clone, Debug)]
pub struct SamlSettings {
    /// The connection's name, unique in the instance.
    pub connection: String,
    /// Our entity id for this connection.
    pub entity_id: String,
    /// Where the provider has the browser post its answer: compared to the letter.
    pub acs: String,
    /// Where logout messages for us go: compared to the letter.
    pub slo: String,
    /// The provider.
    pub idp: Arc<IdpMetadata>,
    /// Where in the assertion the person is.
    pub attributes: AttributeNames,
    /// At what each value of groups and claims is split. Usually at nothing: distinguished names contain commas.
    pub groups_split: Option<char>,
    /// Further attributes that are read as groups are, for membership rules.
    pub claims: Vec<String>,
    /// The format of the NameID that is asked for; none is the provider's choice.
    pub name_id_format: Option<String>,
    /// Our keys.
    pub keys: Arc<SpKeys>,
}

/// The names of attributes, to the letter; `name_id` is the NameID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeNames {
    /// What identifies a person for ever.
    pub subject: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The first name.
    pub given_name: Option<String>,
    /// The last name.
    pub family_name: Option<String>,
    /// The groups.
    pub groups: Option<String>,
}

/// What the provider stands for, every check made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedStatement {
    /// Who it is; `sid` is the SessionIndex.
    pub identity: Identity,
    /// The id of the assertion, to be accepted once.
    pub assertion_id: String,
    /// Until then the id has to be remembered.
    pub replay_until: Timestamp,
    /// A session of ours may not last longer.
    pub session_until: Option<Timestamp>,
    /// The name by which the provider logs the person out; it may be missing if an attribute is the subject.
    pub name_id: Option<NameId>,
    /// Not to be used again for anything (SAML core §2.5.1.5).
    pub one_time_use: bool,
    /// How the person proved who they are: the AuthnContextClassRef.
    pub authn_context: Option<String>,
    /// Where the signatures stood.
    pub placement: Placement,
    /// The certificate whose key signed; the assertion's, if both were signed.
    pub signed_by: Certificate,
    /// How many seconds after our now the assertion was made, by the provider's clock; below zero is before.
    pub clock_offset: i64,
    /// Every attribute as it was sent, for the login test.
    pub attributes: Vec<Attribute>,
}

/// A name of a person (SAML core §2.2.3).
#[derive(Clone, PartialEq, Eq)]
pub struct NameId {
    /// The name.
    pub value: String,
    /// Of what kind it is, a URI.
    pub format: Option<String>,
    /// Who gave it.
    pub name_qualifier: Option<String>,
    /// For whom.
    pub sp_name_qualifier: Option<String>,
}

impl NameId {
    /// As it is stored beside a session.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::json!({"value": self.value, "format": self.format, "name_qualifier": self.name_qualifier,
            "sp_name_qualifier": self.sp_name_qualifier})
        .to_string()
    }
}

impl std::fmt::Debug for NameId {
    /// The kind only: the name is a person's.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NameId({})", self.format.as_deref().unwrap_or_default())
    }
}

/// An attribute as it was sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its values; one that holds elements instead of text is nothing.
    pub values: Vec<Option<String>>,
}

impl std::fmt::Debug for Attribute {
    /// The name only: the values are a person's.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attribute({})", self.name)
    }
}

/// A form that the browser is to post by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostForm {
    /// Where to.
    pub url: Url,
    /// Name and value of each hidden field.
    pub fields: Vec<(&'static str, String)>,
}

/// One SAML provider; cheap to make.
#[derive(Debug)]
pub struct SamlConnector {
    settings: SamlSettings,
}

impl SamlConnector {
    /// The connector of these settings.
    #[must_use]
    pub const fn new(settings: SamlSettings) -> Self {
        Self { settings }
    }

    /// Where the browser goes to sign in, with a signed request in the query. `flow.state` names the request (its id is
    /// `_` and the state) and travels as RelayState; `flow.prompt` of `login` makes the person prove anew who they are.
    ///
    /// # Errors
    /// The provider offers no redirect, or our key cannot sign.
    pub fn redirect(&self, flow: &Flow, now: Timestamp) -> Result<Url, SamlError> {
        let endpoint = self.settings.idp.sso_by(Binding::Redirect)?;
        let message = request::authentication(&self.settings, flow, &endpoint.written, now);
        redirect::signed(&endpoint.location, REQUEST, &message, Some(&flow.state), &self.settings.keys)
    }

    /// The form that the browser posts to sign in, for a provider that offers no redirect; the request is signed.
    ///
    /// # Errors
    /// The provider offers no form, or our key cannot sign.
    pub fn post(&self, flow: &Flow, now: Timestamp) -> Result<PostForm, SamlError> {
        let endpoint = self.settings.idp.sso_by(Binding::Post)?;
        let message = request::authentication(&self.settings, flow, &endpoint.written, now);
        let message = writer::signed(&message, &request::id(flow), &self.settings.keys)?;
        let fields = vec![(REQUEST, gate::to_base64(&message)), ("RelayState", flow.state.clone())];
        Ok(PostForm { url: endpoint.location.clone(), fields })
    }

    /// What the provider stands for, if every check holds. `flow` is the one that [`SamlConnector::redirect`] was given.
    ///
    /// # Errors
    /// A variant per cause; see [`SamlError`].
    pub fn finish(&self, flow: &Flow, posted: &Posted, now: Timestamp) -> Result<SignedStatement, SamlError> {
        let expected = Expected {
            audience: &self.settings.entity_id,
            acs: &self.settings.acs,
            issuer: &self.settings.idp.entity_id,
            request: &request::id(flow),
            forced: request::is_forced(flow),
            now,
        };
        response::accept(&self.settings, &expected, posted)
    }

    /// A logout message in the raw query of a redirect, as the browser sent it, without the `?`.
    ///
    /// # Errors
    /// A variant per cause: it is not signed by the provider, not for us, not of now, or not understood.
    pub fn logout_by_redirect(&self, query: &str, now: Timestamp) -> Result<LogoutMessage, SamlError> {
        logout::by_redirect(&self.settings, query, now)
    }

    /// A logout message in the posted form field of this name, `SAMLRequest` or `SAMLResponse`.
    ///
    /// # Errors
    /// A variant per cause: it is not signed by the provider, not for us, not of now, or not understood.
    pub fn logout_by_post(
        &self,
        parameter: &str,
        field: &str,
        relay_state: Option<String>,
        now: Timestamp,
    ) -> Result<LogoutMessage, SamlError> {
        logout::by_post(&self.settings, parameter, field, relay_state, now)
    }

    /// Where the browser goes to be signed out at the provider too, of this session or of all. `state` is random and
    /// names the request (its id is `_` and the state); it travels as RelayState.
    ///
    /// # Errors
    /// The provider offers no redirect for signing out, or our key cannot sign.
    pub fn log_out(&self, state: &str, name: &NameId, session: Option<&str>, now: Timestamp) -> Result<Url, SamlError> {
        let endpoint = self.settings.idp.slo_by_redirect()?;
        let id = format!("_{state}");
        let message = logout::our_request(&self.settings, &id, (name, session), &endpoint.written, now);
        redirect::signed(&endpoint.location, REQUEST, &message, Some(state), &self.settings.keys)
    }

    /// Where the browser goes with our answer to a provider's request. `state` is random and names the answer.
    ///
    /// # Errors
    /// The provider offers no redirect for signing out, or our key cannot sign.
    pub fn logged_out(
        &self,
        state: &str,
        request: &LogoutRequest,
        outcome: LogoutOutcome,
        now: Timestamp,
    ) -> Result<Url, SamlError> {
        let (location, written) = self.settings.idp.slo_by_redirect()?.for_answers();
        let id = format!("_{state}");
        let message = logout::our_response(&self.settings, &id, &request.id, outcome, written, now);
        redirect::signed(location, RESPONSE, &message, request.relay_state.as_deref(), &self.settings.keys)
    }
}

#[cfg(test)]
mod tests;
