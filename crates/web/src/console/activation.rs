//! What the link of an activation shows: what is offered, the choice of an account, handing it on, and what has come of it.

use askama::Template;

use super::Problems;
use super::frame::Environment;

/// What is offered to whom.
#[derive(Clone, Debug)]
pub struct Offered {
    /// The link's token, for the form's address.
    pub token: String,
    /// What people call the service.
    pub title: String,
    /// Whether it makes an individual org an enterprise.
    pub premium: bool,
    /// The address that it was sent to.
    pub email: String,
    /// Until when the link is good.
    pub until: String,
    /// When the service ends; nothing for never.
    pub ends: Option<String>,
    /// Whether it can be handed on.
    pub transferable: bool,
}

/// An account for which it can be activated.
#[derive(Clone, Debug)]
pub struct EligibleRow {
    /// The account's name, which is also the value of the choice.
    pub account: String,
    /// The number that account and org share.
    pub number: i64,
    /// Its org.
    pub org: String,
    /// Whether the org is an individual's and becomes an enterprise by it.
    pub converts: bool,
}

/// How it can be activated in this browser.
pub enum Step {
    /// After signing in.
    SignIn,
    /// By somebody new, who names an account and chooses a password.
    New,
    /// For one of these accounts or a new one.
    Choose(Vec<EligibleRow>),
}

/// `GET /activate/{token}`. Posts `account`, empty for a new one, `new_account` and `password` to the same address.
#[derive(Template)]
#[template(path = "door/activation.html")]
pub struct ActivationPage {
    /// What is offered.
    pub offered: Offered,
    /// How it can be activated.
    pub step: Step,
    /// The chosen account; empty for a new one.
    pub account: String,
    /// The name of the new one, as typed.
    pub new_account: String,
    /// What is wrong (`account`, `new_account`, `password`).
    pub problems: Problems,
    /// Live or demo.
    pub environment: Environment,
}

/// Where to go from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onward {
    /// To the org's subscriptions, in this session.
    Here,
    /// To the org, by moving the session there.
    Switch,
}

/// After an activation was claimed.
#[derive(Template)]
#[template(path = "door/activated.html")]
pub struct ActivatedPage {
    /// What people call the service.
    pub title: String,
    /// The account that has it.
    pub account: String,
    /// Its org.
    pub org: String,
    /// When it ends; nothing for never.
    pub ends: Option<String>,
    /// Whether the account was made for it.
    pub is_new: bool,
    /// Whether the org became an enterprise by it.
    pub converted: bool,
    /// Where to go from here.
    pub onward: Onward,
    /// Live or demo.
    pub environment: Environment,
}

/// `GET /activate/{token}/transfer`, and what it does, once the address is typed. Posts `email`, `message` and, to do it,
/// `confirmed` to the same address.
#[derive(Template)]
#[template(path = "door/transfer.html")]
pub struct TransferPage {
    /// What is handed on.
    pub offered: Offered,
    /// To whom, as typed.
    pub email: String,
    /// The words to them, as typed.
    pub message: String,
    /// Whether the reader is asked for the last time.
    pub confirm: bool,
    /// What is wrong (`email`, `message`).
    pub problems: Problems,
    /// Live or demo.
    pub environment: Environment,
}

/// After an activation was handed on.
#[derive(Template)]
#[template(path = "door/transferred.html")]
pub struct TransferredPage {
    /// What people call the service.
    pub title: String,
    /// Whose it is now.
    pub email: String,
    /// Live or demo.
    pub environment: Environment,
}

/// A link that is of no use, or not to this reader.
#[derive(Template)]
#[template(path = "door/activation_over.html")]
pub struct OverPage {
    /// What has become of it.
    pub title: &'static str,
    /// Why, and the next step.
    pub text: &'static str,
    /// Who is signed in, if somebody else should be.
    pub not_as: Option<String>,
    /// Live or demo.
    pub environment: Environment,
}
