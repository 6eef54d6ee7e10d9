//! What an invited person sees: who invites them to what, how to accept, and what has come of it.

use askama::Template;

use super::Problems;
use super::frame::Environment;

/// How the invitation can be accepted in this browser.
pub enum Step {
    /// With a click.
    Accept,
    /// Not as this one, who is signed in.
    SignOut(String),
    /// After signing in.
    SignIn,
    /// By choosing a password.
    ChoosePassword,
}

/// `GET /invitations/{token}`. Posts `password`, or nothing, to the same address.
#[derive(Template)]
#[template(path = "door/invitation.html")]
pub struct InvitationPage {
    /// The link's token, for the form's address.
    pub token: String,
    /// The account.
    pub account: String,
    /// Its org.
    pub org: String,
    /// Whether the person shall own the org.
    pub owner: bool,
    /// The invited address.
    pub email: String,
    /// Who invites.
    pub inviter: String,
    /// What they say, in plain text.
    pub message: Option<String>,
    /// Until when it can be accepted.
    pub until: String,
    /// How it can be accepted.
    pub step: Step,
    /// What is wrong (`password`).
    pub problems: Problems,
    /// Live or demo.
    pub environment: Environment,
}

/// After an invitation was accepted.
#[derive(Template)]
#[template(path = "door/invitation_accepted.html")]
pub struct AcceptedPage {
    /// The org.
    pub org: String,
    /// Whether the person is signed in there.
    pub signed_in: bool,
    /// The promised roles that there was no way to give any more, with the reason.
    pub dropped: Vec<String>,
    /// Live or demo.
    pub environment: Environment,
}
