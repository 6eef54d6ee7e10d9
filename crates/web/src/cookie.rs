//! Our two cookies: the session's, and the one that binds a sign-in to the browser that began it.
//!
//! Over https both have the `__Host-` prefix and `Secure`. A plain-http address is accepted for loopback only, and there
//! they go without, so that every client works in a demo or test; there both are `Lax`, since `None` needs `Secure`.

use axum::http::{HeaderMap, HeaderValue, header};
use cardea_gateway::App;

/// Which cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// The signed-in session.
    Session,
    /// A sign-in on its way.
    Attempt,
}

impl Cookie {
    fn name(self, app: &App) -> &'static str {
        match (self, is_secure(app)) {
            (Self::Session, true) => "__Host-cardea",
            (Self::Session, false) => "cardea",
            (Self::Attempt, true) => "__Host-cardea-login",
            (Self::Attempt, false) => "cardea-login",
        }
    }

    /// Its value in a request; nothing if it comes twice, because then somebody has planted one.
    pub(crate) fn read<'h>(self, app: &App, headers: &'h HeaderMap) -> Option<&'h str> {
        let name = self.name(app);
        let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut found = all
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter_map(|(key, value)| (key == name).then_some(value));
        match (found.next(), found.next()) {
            (Some(value), None) => Some(value),
            _ => None,
        }
    }

    /// Sets it for so many seconds; none of its characters needs quoting.
    pub(crate) fn set(self, app: &App, value: &str, seconds: u64) -> Option<HeaderValue> {
        let rest = match (self, is_secure(app)) {
            (Self::Session, true) => "SameSite=Lax; Secure",
            // A provider that answers with a form posts it from its own site: `Lax` would keep the cookie back.
            (Self::Attempt, true) => "SameSite=None; Secure",
            (Self::Session | Self::Attempt, false) => "SameSite=Lax",
        };
        let text = format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; {rest}", self.name(app));
        HeaderValue::from_str(&text).ok()
    }

    /// Removes it.
    pub(crate) fn clear(self, app: &App) -> Option<HeaderValue> {
        self.set(app, "", 0)
    }
}

fn is_secure(app: &App) -> bool {
    app.settings.public_url.starts_with("https://")
}
