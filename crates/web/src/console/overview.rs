//! The overview of an org: who signed in lately, what was taken away, what needs me.

use askama::Template;
use cardea_model::Timestamp;

use super::frame::Frame;
use super::people::PersonLink;
use super::revocations::ReceiptRow;

/// A sign-in, as the overview shows it.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Who.
    pub person: PersonLink,
    /// The connection, or `password` for a local sign-in.
    pub through: String,
    /// When.
    pub at: Timestamp,
}

/// Something that waits for this person, with the link that leads to it.
#[derive(Clone, Debug)]
pub struct Need {
    /// What it is, as a sentence: `3 people of okta have no role`.
    pub text: String,
    /// Why it matters, in a sentence.
    pub why: String,
    /// What the link says, as an effect: `Review their groups`.
    pub action: String,
    /// Where it leads.
    pub href: String,
}

/// `GET /o/{org}`.
#[derive(Template)]
#[template(path = "overview.html")]
pub struct OverviewPage {
    /// The frame.
    pub frame: Frame,
    /// What needs this person; often nothing.
    pub needs: Vec<Need>,
    /// The last few sign-ins, newest first.
    pub sign_ins: Vec<SignIn>,
    /// The last few receipts, newest first.
    pub receipts: Vec<ReceiptRow>,
}
