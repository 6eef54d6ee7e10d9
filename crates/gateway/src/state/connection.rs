//! One identity provider in the declarative state.
//!
//! The document is flat: `kind` decides which settings belong, [`super::check`] says which are missing or strange,
//! and [`Connection::protocol`] is the typed view of what is left.

use super::Secret;
use serde::{Deserialize, Serialize};

/// An identity provider of an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Unique in the instance, `[a-z0-9-]`; it stands in the addresses of its callbacks.
    pub name: String,
    /// The protocol.
    pub kind: Kind,
    /// OIDC: the issuer, exactly as its discovery document states it. SAML: the entity id, where the metadata describes
    /// several providers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// OIDC: who we are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// OIDC: our secret there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// OIDC: how we authenticate at its token endpoint; `basic` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_auth: Option<TokenAuth>,
    /// OIDC: the scopes we ask for; `openid profile email` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// OIDC: how the provider's answer comes back; `query` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_mode: Option<ResponseMode>,
    /// OIDC: the claim that identifies a person; `sub` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_claim: Option<String>,
    /// SAML: the identity provider's metadata, XML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// SAML: where its metadata is fetched and kept fresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_url: Option<String>,
    /// SAML: which attribute says what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Attributes>,
    /// SAML: whether a response that we did not ask for is accepted; no unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idp_initiated: Option<bool>,
    /// Where a person's groups come from.
    #[serde(default)]
    pub groups: Groups,
    /// What an e-mail address without a verdict of the provider is worth.
    #[serde(default)]
    pub trust_email: TrustEmail,
    /// Mail domains whose people sign in here; an operator's word counts as proof.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Whether a person is created at the first sign-in; unless given, only where no directory creates them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jit: Option<bool>,
    /// How far it has come.
    #[serde(default)]
    pub stage: Stage,
}

/// The protocol that a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// OpenID Connect.
    Oidc,
    /// SAML 2.0.
    Saml,
}

/// How we authenticate at a token endpoint (OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenAuth {
    /// The secret in the Authorization header.
    #[default]
    Basic,
    /// The secret in the form.
    Post,
    /// An assertion signed with our key; no secret.
    PrivateKeyJwt,
}

/// How a provider's answer comes back (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the address.
    #[default]
    Query,
    /// In a form that the browser posts, so that no log of addresses holds a code.
    FormPost,
}

/// How far a connection has come on its way to deciding who gets in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Being configured, at most under test.
    #[default]
    Draft,
    /// The login test passed.
    Tested,
    /// People of its domains must use it.
    Live,
    /// Suspended.
    Off,
}

/// When the e-mail address that a provider sends is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustEmail {
    /// Only with the provider's own `email_verified`.
    #[default]
    Never,
    /// Also without a verdict, if its domain is verified for this connection; `false` is never overridden.
    DomainVerified,
}

/// Where a person's groups come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// The claim's literal name, which may hold `/` and `:`. Without claim and pointer it is `groups`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// A pointer into the claims (RFC 6901), such as `/realm_access/roles`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The one authority.
    #[serde(default)]
    pub from: GroupsFrom,
    /// What an absent claim means.
    #[serde(default)]
    pub on_missing: OnMissing,
    /// At what character each value is split; at none unless given, since names of groups contain commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<char>,
}

/// The one authority over a connection's groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupsFrom {
    /// What the person's sign-in carries.
    #[default]
    Claims,
    /// What the directory provisions.
    Scim,
    /// The directory where it knows the person, else the sign-in.
    ScimThenClaims,
}

/// What a sign-in without the groups claim means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnMissing {
    /// No groups: new rights fail closed.
    #[default]
    TreatAsEmpty,
    /// The last known groups, for at most 24 hours.
    KeepLast,
}

/// Which SAML attribute says what; `name_id` stands for the subject's NameID.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attributes {
    /// Identifies the person.
    #[serde(default = "name_id")]
    pub subject: String,
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The given name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// The family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// The groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
}

fn name_id() -> String {
    "name_id".to_owned()
}

/// What a checked connection says in its protocol.
#[derive(Clone, Debug, PartialEq)]
pub enum Protocol {
    /// OpenID Connect.
    Oidc(Oidc),
    /// SAML 2.0.
    Saml(Saml),
}

/// The settings of an OpenID Connect connection, with their defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Oidc {
    /// The issuer, compared exactly.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// Our secret there, unless it is left as it is.
    pub client_secret: Option<Secret>,
    /// How we authenticate at its token endpoint.
    pub token_auth: TokenAuth,
    /// The scopes we ask for; `openid` is among them.
    pub scopes: Vec<String>,
    /// How the provider's answer comes back.
    pub response_mode: ResponseMode,
    /// The claim that identifies a person.
    pub subject_claim: String,
}

/// The settings of a SAML connection, with their defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saml {
    /// Where the metadata comes from.
    pub metadata: Metadata,
    /// Which of the providers in it; none needs naming where it describes one.
    pub entity: Option<String>,
    /// Which attribute says what.
    pub attributes: Attributes,
    /// Whether a response that we did not ask for is accepted.
    pub idp_initiated: bool,
}

/// Where an identity provider's metadata comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metadata {
    /// This XML.
    Text(String),
    /// This address.
    Url(String),
}

impl Connection {
    /// The typed view of the protocol's settings; nothing while a needed one is missing, which
    /// [`super::check::problems`] has named.
    #[must_use]
    pub fn protocol(&self) -> Option<Protocol> {
        match self.kind {
            Kind::Oidc => Some(Protocol::Oidc(Oidc {
                issuer: self.issuer.clone()?,
                client_id: self.client_id.clone()?,
                client_secret: self.client_secret.clone(),
                token_auth: self.token_auth.unwrap_or_default(),
                scopes: self
                    .scopes
                    .clone()
                    .unwrap_or_else(|| ["openid", "profile", "email"].map(str::to_owned).to_vec()),
                response_mode: self.response_mode.unwrap_or_default(),
                subject_claim: self.subject_claim.clone().unwrap_or_else(|| "sub".to_owned()),
            })),
            Kind::Saml => Some(Protocol::Saml(Saml {
                entity: self.issuer.clone(),
                metadata: match (&self.metadata, &self.metadata_url) {
                    (Some(text), _) => Metadata::Text(text.clone()),
                    (None, Some(url)) => Metadata::Url(url.clone()),
                    (None, None) => return None,
                },
                attributes: self
                    .attributes
                    .clone()
                    .unwrap_or_else(|| Attributes { subject: name_id(), ..Attributes::default() }),
                idp_initiated: self.idp_initiated.unwrap_or(false),
            })),
        }
    }
}
