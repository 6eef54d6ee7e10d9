//! The two pages that a person may see at the provider.

use std::fmt::Write as _;

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use axum::response::{Html, IntoResponse as _, Response};

use super::requests::RequestSeen;
use super::state::Shared;
use crate::people::Person;

/// The form field that names the chosen person.
pub(crate) const PERSON: &str = "person";

const STYLE: &str = "\
:root{color-scheme:light dark;font:14px/20px Inter,system-ui,sans-serif}\
body{margin:0;background:Canvas;color:CanvasText}\
main{max-width:25rem;margin:12vh auto;padding:0 1rem}\
h1{font-size:20px;line-height:28px;margin:0 0 4px}\
p{margin:0 0 16px}\
ul{list-style:none;margin:0;padding:0}\
li{margin:0 0 8px}\
button{width:100%;padding:12px 16px;font:inherit;text-align:left;color:inherit;cursor:pointer;\
background:Field;border:1px solid GrayText;border-radius:6px}\
button:hover{border-color:currentColor}\
button:focus-visible{outline:2px solid Highlight;outline-offset:2px}\
strong,span,small{display:block}";

/// One button a person; whoever `login_hint` names stands first.
pub(crate) fn choose(shared: &Shared, seen: &RequestSeen) -> Response {
    let mut people = shared.memory().people.clone();
    let hint = seen.parameter("login_hint").unwrap_or_default();
    people.sort_by_key(|person| !person.is_called(hint));
    let mut hidden = String::new();
    for (name, value) in seen.parameters().filter(|(name, _)| name != PERSON) {
        let (name, value) = (escaped(name), escaped(value));
        let _ = write!(hidden, r#"<input type="hidden" name="{name}" value="{value}">"#);
    }
    let buttons: String = people.iter().map(button).collect();
    let action = escaped(&shared.settings.endpoint("/authorize/choose"));
    let client = escaped(&shared.settings.client_id);
    let body = format!(
        r#"<h1>Who is signing in?</h1>
<p>To continue to <code>{client}</code>. This identity provider is simulated: it asks for no password.</p>
<form method="post" action="{action}">{hidden}<ul>{buttons}</ul></form>"#
    );
    page(StatusCode::OK, "Sign in to corp.example", &body)
}

/// A refusal that must not be redirected anywhere.
pub(crate) fn error(status: StatusCode, why: &str) -> Response {
    let body = format!("<h1>This sign-in cannot go on</h1><p>{}.</p>", escaped(why));
    page(status, "Sign-in refused", &body)
}

/// What is shown after signing out when there is nowhere to go back to.
pub(crate) fn signed_out() -> Response {
    let body = "<h1>You are signed out</h1><p>You can close this page.</p>";
    page(StatusCode::OK, "Signed out", body)
}

fn button(person: &Person) -> String {
    format!(
        r#"<li><button name="{PERSON}" value="{}"><strong>{}</strong><span>{}</span><small>{}</small></button></li>"#,
        escaped(&person.name),
        escaped(&person.display_name()),
        escaped(&person.email),
        escaped(&person.groups.join(", ")),
    )
}

/// No `form-action`: browsers apply it to the redirect that follows the form, too.
fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{STYLE}</style>
<main>{body}</main>
</html>
"#
    );
    let headers =
        [(CACHE_CONTROL, "no-store"), (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'")];
    (status, headers, Html(html)).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_person_becomes_markup() {
        let mut person = Person::new("x\"><script>", "<b>", "O'Hara & Sons");
        person.groups = vec!["</button>".to_owned()];
        let html = button(&person);
        assert!(!html.contains("<script>") && !html.contains("<b>"));
        assert_eq!(html.matches("</button>").count(), 1);
        assert!(html.contains("O&#39;Hara &amp; Sons"));
    }
}
