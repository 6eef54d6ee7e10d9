//! The connections of an org: the identity providers that its people come through.

use askama::Template;
use cardea_model::Timestamp;

use super::Tone;
use super::frame::Frame;

/// How a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OpenID Connect.
    Oidc,
    /// SAML 2.0.
    Saml,
}

impl Protocol {
    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Oidc => "OIDC",
            Self::Saml => "SAML",
        }
    }

    /// What the identity provider calls the address that it sends people back to.
    #[must_use]
    pub const fn callback_word(self) -> &'static str {
        match self {
            Self::Oidc => "Redirect URI",
            Self::Saml => "ACS URL",
        }
    }
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not yet tested.
    Draft,
    /// Tested, and not yet enforced.
    Tested,
    /// Its domains sign in here and nowhere else.
    Live,
    /// Suspended.
    Off,
}

impl Stage {
    /// The word on the badge.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Tested => "Tested",
            Self::Live => "Live",
            Self::Off => "Off",
        }
    }

    /// What it means, beside the badge.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Draft => "nobody is sent there yet",
            Self::Tested => "not yet enforced for its domains",
            Self::Live => "enforced for its domains",
            Self::Off => "nobody can sign in through it",
        }
    }

    /// The badge's colour.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Draft => Tone::Neutral,
            Self::Tested => Tone::Information,
            Self::Live => Tone::Good,
            Self::Off => Tone::Warning,
        }
    }
}

/// The provisioning side of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directory {
    /// None: who has left is noticed only at their next sign-in.
    None,
    /// Set up; the names of its tokens.
    Provisions(Vec<String>),
}

/// One connection.
#[derive(Clone, Debug)]
pub struct ConnectionCard {
    /// Its name, unique in the instance.
    pub name: String,
    /// How it speaks.
    pub protocol: Protocol,
    /// The issuer or entity id of the identity provider.
    pub issuer: String,
    /// Our address to paste there.
    pub callback_url: String,
    /// The e-mail domains that it is for.
    pub domains: Vec<String>,
    /// How far it has come.
    pub stage: Stage,
    /// Its directory.
    pub directory: Directory,
    /// When someone last signed in through it; `None` is never.
    pub last_sign_in: Option<Timestamp>,
}

/// `GET /o/{org}/connections`.
#[derive(Template)]
#[template(path = "connections.html")]
pub struct ConnectionsPage {
    /// The frame.
    pub frame: Frame,
    /// The connections, by name.
    pub connections: Vec<ConnectionCard>,
}
