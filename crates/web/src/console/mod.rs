//! The console's rooms as view models: what a page shows, as plain fields that a handler fills in, and its template.
//!
//! | module | pages |
//! |---|---|
//! | [`door`] | `/login`, `/login/password`, `/link/{token}`, a sign-in that failed, signed out |
//! | [`activation`] | `/activate/{token}`: a service that somebody may claim |
//! | [`overview`] | `/o/{org}` |
//! | [`people`], [`person`] | `/o/{org}/people`, `/o/{org}/people/{user}`, what is given and taken there and how it ends |
//! | [`teams`] | `/o/{org}/teams…`, `/o/{org}/new-team` |
//! | [`invitations`] | `/o/{org}/people/add`, `/o/{org}/invitations…` |
//! | [`roles`] | the form that gives a role, on several of them |
//! | [`connections`] | `/o/{org}/connections` |
//! | [`rules`] | `/o/{org}/rules` and what leads from it: form, preview, what is in force, test |
//! | [`revocations`] | `/o/{org}/revocations` and the receipt |
//! | [`organization`] | `/o/{org}/profile`, `/o/{org}/owners/…`, `/o/{org}/subscriptions` |
//! | [`account`] | `/a/{account}/users…`: who is in it; `/me/accounts`: those that one is in |
//! | [`contact`] | `/o/{org}/contact`: a message to the owners |
//! | [`keys`] | `/me/keys`, `/me/keys/new`, `/me/keys/{id}/delete` |
//! | [`service_keys`] | `/o/{org}/service-keys…`: the keys of machines |
//! | [`apps`] | `/o/{org}/apps…`: clients of the account for its scripts |
//! | [`security`] | `/me/security`: sessions and password |
//! | [`failure`] | what came to nothing: 403, 404, 405, 500, 503 and others |
//! | [`docs`] | `/docs`: the API |
//! | [`assets`] | `/assets/…`: stylesheet, script, fonts, mark |
//!
//! Every page works without a script. A page never decides: who may see what was settled before it was filled in.

pub mod account;
pub mod activation;
pub mod apps;
pub mod assets;
pub mod connections;
pub mod contact;
pub mod docs;
pub mod door;
pub mod failure;
pub mod frame;
pub mod invitation;
pub mod invitations;
pub mod keys;
pub mod organization;
pub mod overview;
pub mod people;
pub mod person;
pub mod revocations;
pub mod roles;
pub mod rules;
pub mod security;
pub mod service_keys;
pub mod teams;
pub mod time;

#[cfg(test)]
mod tests;

/// The policy that every page of the console is sent with: nothing inline, nothing from elsewhere, never framed.
///
/// Scripts, styles, fonts, images and requests come from our own origin; `form-action` lets a form that we sent be
/// redirected on to an identity provider, whose origin is not known here, over https (and to loopback in a demo).
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; \
     img-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
     form-action 'self' https: http://127.0.0.1:* http://localhost:*";

/// What was wrong with one field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field's name, which is also its id on the page.
    pub field: &'static str,
    /// What happened, why, and the next step; a sentence.
    pub text: String,
}

/// What was wrong with a form; empty when it is shown for the first time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// The text for `field`, if something is wrong with it.
    #[must_use]
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|problem| problem.field == field).map(|problem| problem.text.as_str())
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How a badge or a message is coloured; the words always say it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing to say.
    Neutral,
    /// As it should be.
    Good,
    /// Wants a look.
    Warning,
    /// Something ended or failed.
    Danger,
    /// Good to know.
    Information,
}

impl Tone {
    /// The class of the stylesheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Good => "ok",
            Self::Warning => "warn",
            Self::Danger => "danger",
            Self::Information => "info",
        }
    }
}

/// A message on top of a page: what has just been done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its colour.
    pub tone: Tone,
    /// One sentence.
    pub text: String,
}

/// The addresses of the pages before and after this one, with their cursors; `None` where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    /// The opaque cursor of the page before.
    pub previous: Option<String>,
    /// The opaque cursor of the page after.
    pub next: Option<String>,
}

/// `one` or `many` with its count in front: `1 key`, `3 keys`, `no keys`.
#[must_use]
pub fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        0 => format!("no {many}"),
        1 => format!("1 {one}"),
        more => format!("{more} {many}"),
    }
}

/// Cuts a sentence at its backticks: what stood between two of them is a value and is shown as code.
#[must_use]
pub fn prose(text: &str) -> Vec<(Part, &str)> {
    let pieces = text.split('`').enumerate();
    pieces.map(|(at, piece)| (if at.is_multiple_of(2) { Part::Words } else { Part::Value }, piece)).collect()
}

/// A part of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Words.
    Words,
    /// A value, which stood in backticks.
    Value,
}

impl Part {
    /// Whether it is shown as code.
    #[must_use]
    pub fn is_value(self) -> bool {
        self == Self::Value
    }
}
