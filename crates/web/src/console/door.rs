//! The door: signing in, coming in by a one-time link, and having gone.

use askama::Template;

use super::Problems;
use super::frame::Environment;

/// `GET /login`: the e-mail address first. Posts `email` and `return_to` to `/login`.
#[derive(Template)]
#[template(path = "door/login.html")]
pub struct LoginPage {
    /// What was typed before, or the hint of the address.
    pub email: String,
    /// Where to go afterwards; empty for the console.
    pub return_to: String,
    /// Whether anybody may make an account.
    pub sign_up: bool,
    /// What is wrong with what was typed (`email`).
    pub problems: Problems,
    /// Live or demo.
    pub environment: Environment,
}

/// The second step for a local sign-in. Posts `email`, `password` and `return_to` to `/login/password`.
///
/// It is shown alike for known and unknown addresses, so that nobody can be looked up here.
#[derive(Template)]
#[template(path = "door/password.html")]
pub struct PasswordPage {
    /// The address that was typed.
    pub email: String,
    /// Where to go afterwards; empty for the console.
    pub return_to: String,
    /// What is wrong (`password`).
    pub problems: Problems,
    /// Live or demo.
    pub environment: Environment,
}

/// On the way to an identity provider that is asked by a form. The browser posts it by itself where it runs scripts.
#[derive(Template)]
#[template(path = "door/departure.html")]
pub struct DeparturePage<'a> {
    /// The provider's address.
    pub to: &'a str,
    /// The provider's host, for people.
    pub host: &'a str,
    /// Name and value of each field.
    pub fields: Vec<(&'a str, &'a str)>,
    /// Live or demo.
    pub environment: Environment,
}

/// `GET /link/{token}` of the very first start. Posts `account`, `email` and `password` to `/link/{token}`.
#[derive(Template)]
#[template(path = "door/first_start.html")]
pub struct FirstStartPage {
    /// The one-time link's token, for the form's address.
    pub token: String,
    /// The name of the account and its org, as typed before.
    pub account: String,
    /// The owner's address, as typed before.
    pub email: String,
    /// What is wrong (`account`, `email`, `password`).
    pub problems: Problems,
    /// Live or demo.
    pub environment: Environment,
}

/// `GET /sign-up`: the address of somebody who wants an account of their own. Posts `email` to `/sign-up`.
#[derive(Template)]
#[template(path = "door/sign_up.html")]
pub struct SignUpPage {
    /// What was typed before.
    pub email: String,
    /// Whether a message is on its way to that address. Nothing tells whom it greets.
    pub sent: bool,
    /// What is wrong with what was typed (`email`).
    pub problems: Problems,
    /// Live or demo.
    pub environment: Environment,
}

/// `GET /link/{token}` of somebody who asked for an account. Posts `account` and `password` to `/link/{token}`.
#[derive(Template)]
#[template(path = "door/new_account.html")]
pub struct NewAccountPage {
    /// The one-time link's token, for the form's address.
    pub token: String,
    /// The name of the account and its org, as typed before.
    pub account: String,
    /// The address that the link proves.
    pub email: String,
    /// What is wrong (`account`, `password`).
    pub problems: Problems,
    /// Live or demo.
    pub environment: Environment,
}

/// `GET /link/{token}` of an invited owner. Posts `password` to `/link/{token}`.
#[derive(Template)]
#[template(path = "door/owner_invite.html")]
pub struct OwnerInvitePage {
    /// The one-time link's token, for the form's address.
    pub token: String,
    /// The account that the person will own.
    pub account: String,
    /// The invited address.
    pub email: String,
    /// What is wrong (`password`).
    pub problems: Problems,
    /// Live or demo.
    pub environment: Environment,
}

/// `GET /link/{token}` of somebody who is known here and chooses a password. Posts `password` and `return_to` to
/// `/link/{token}`.
#[derive(Template)]
#[template(path = "door/choose_password.html")]
pub struct ChoosePasswordPage {
    /// The one-time link's token, for the form's address.
    pub token: String,
    /// The address that they sign in with.
    pub email: String,
    /// Where to go afterwards; empty for the console.
    pub return_to: String,
    /// What is wrong (`password`).
    pub problems: Problems,
    /// Live or demo.
    pub environment: Environment,
}

/// A sign-in that failed: one text for every cause. The cause stands in the trace, which only an admin can read.
#[derive(Template)]
#[template(path = "door/login_failed.html")]
pub struct LoginFailedPage {
    /// The trace's id, to give to the admin.
    pub trace: String,
    /// Where the person wanted to go; empty for the console.
    pub return_to: String,
    /// Live or demo.
    pub environment: Environment,
}

/// `GET /oauth2/logout`, where it is not certain that the person wants it. Posts `client_id`, `post_logout_redirect_uri` and
/// `state` to `/logout`.
#[derive(Template)]
#[template(path = "door/sign_out.html")]
pub struct SignOutPage {
    /// The service that asks; empty if it does not say.
    pub client_id: String,
    /// Where it wants the person back; empty for nowhere.
    pub post_logout_redirect_uri: String,
    /// What it wants back with them; empty for nothing.
    pub state: String,
    /// Live or demo.
    pub environment: Environment,
}

/// After `POST /logout`.
#[derive(Template)]
#[template(path = "door/signed_out.html")]
pub struct SignedOutPage {
    /// The connection that the session came through, where a session there may live on.
    pub connection: Option<String>,
    /// Live or demo.
    pub environment: Environment,
}
