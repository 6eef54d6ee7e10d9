//! My sessions and my password: where I am signed in, end it, and change what I sign in with.

use askama::Template;
use cardea_model::Timestamp;

use super::frame::Frame;
use super::{Pages, Problems};

/// One session in the table.
#[derive(Clone, Debug)]
pub struct SessionLine {
    /// Its id.
    pub id: String,
    /// The connection that it came through, or `password`.
    pub through: String,
    /// When it was opened.
    pub began: Timestamp,
    /// When it was last used, to the minute.
    pub last_used: Timestamp,
    /// Whether the page is read in it.
    pub current: bool,
}

/// The form for another password. Posts `current` and `new` to `/me/security/password`.
#[derive(Clone, Debug)]
pub struct PasswordForm {
    /// The address that goes with the password, for password managers.
    pub email: String,
    /// What is wrong (`current`, `new`).
    pub problems: Problems,
}

/// `GET /me/security`, and the answer to a password that was not taken.
///
/// Buttons post to `/me/security/sessions/{id}/end` and `/me/security/sessions/end-others`.
#[derive(Template)]
#[template(path = "security/index.html")]
pub struct SecurityPage {
    /// The frame.
    pub frame: Frame,
    /// The sessions, newest first.
    pub sessions: Vec<SessionLine>,
    /// The pages of sessions.
    pub pages: Pages,
    /// The form; none for somebody whose password is kept by their identity provider.
    pub password: Option<PasswordForm>,
}

impl SecurityPage {
    /// Whether there is another session than this one.
    #[must_use]
    pub fn has_others(&self) -> bool {
        self.pages != Pages::default() || self.sessions.iter().any(|session| !session.current)
    }
}
