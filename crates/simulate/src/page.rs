//! The pages that a simulated provider shows to people: plain, without anything from elsewhere.

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use axum::response::{Html, IntoResponse as _, Response};

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

/// The question who signs in: one button a person in a form to `action`, with `hidden` fields; whoever
/// `hint` names stands first. `client` is what asks.
pub(crate) fn choose(
    mut people: Vec<Person>,
    hint: &str,
    client: &str,
    action: &str,
    hidden: impl Iterator<Item = (String, String)>,
) -> Response {
    people.sort_by_key(|person| !person.is_called(hint));
    let hidden: String = hidden.map(|(name, value)| hidden_field(&name, &value)).collect();
    let buttons: String = people.iter().map(button).collect();
    let (client, action) = (escaped(client), escaped(action));
    let body = format!(
        r#"<h1>Who is signing in?</h1>
<p>To continue to <code>{client}</code>. This identity provider is simulated: it asks for no password.</p>
<form method="post" action="{action}">{hidden}<ul>{buttons}</ul></form>"#
    );
    page(StatusCode::OK, "Sign in to corp.example", &body)
}

/// A form field that nobody sees.
pub(crate) fn hidden_field(name: &str, value: &str) -> String {
    format!(r#"<input type="hidden" name="{}" value="{}">"#, escaped(name), escaped(value))
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

/// A page without scripts. No `form-action`: browsers apply it to the redirect that follows the form, too.
pub(crate) fn page(status: StatusCode, title: &str, body: &str) -> Response {
    written(status, title, body, "default-src 'none'; style-src 'unsafe-inline'")
}

/// A page that runs the one script at `address`, which is of the same origin.
pub(crate) fn page_with_script(title: &str, body: &str, address: &str) -> Response {
    let body = format!(r#"{body}<script src="{}" defer></script>"#, escaped(address));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'";
    written(StatusCode::OK, title, &body, policy)
}

fn written(status: StatusCode, title: &str, body: &str, policy: &'static str) -> Response {
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
    (status, [(CACHE_CONTROL, "no-store"), (CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
}

/// Text that becomes no markup.
pub(crate) fn escaped(text: &str) -> String {
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
