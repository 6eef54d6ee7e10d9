//! The page on which a person chooses which product the provider imitates and what it does wrong.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::modes::{MetadataMode, Mode, ResponseMode};
use super::provider::Shared;
use super::router::{Fields, value};
use super::shapes::Shape;
use crate::page;

/// The form field of a product.
const SHAPE: &str = "shape";
/// The form field of a misbehaviour.
const MODE: &str = "mode";

/// Every misbehaviour that needs no explanation: its name in a form, and in words.
fn modes() -> Vec<(&'static str, &'static str, Mode)> {
    let response: [(_, _, ResponseMode); 15] = [
        ("unsigned", "Responses are not signed", ResponseMode::Unsigned),
        ("rogue-key", "A key signs that nobody published", ResponseMode::RogueKey),
        ("sha1", "Signatures use SHA-1", ResponseMode::Sha1),
        ("tampered", "The NameID is changed after signing", ResponseMode::TamperedNameId),
        ("issuer", "Another issuer is named", ResponseMode::WrongIssuer),
        ("audience", "The assertion is for another service", ResponseMode::WrongAudience),
        ("recipient", "The assertion is to be shown elsewhere", ResponseMode::WrongRecipient),
        ("destination", "The response is addressed elsewhere", ResponseMode::WrongDestination),
        ("request", "The response answers another request", ResponseMode::WrongInResponseTo),
        ("unsolicited", "The response answers no request", ResponseMode::Unsolicited),
        ("hour-behind", "The clock is an hour behind", ResponseMode::ClockBehindBy(3_600)),
        ("hour-ahead", "The clock is an hour ahead", ResponseMode::ClockBehindBy(-3_600)),
        ("no-name-id", "There is no NameID", ResponseMode::NoNameId),
        ("no-groups", "There are no groups", ResponseMode::NoGroups),
        ("overage", "There are too many groups to be told", ResponseMode::Overage),
    ];
    let metadata: [(_, _, MetadataMode); 6] = [
        ("no-keys", "Metadata without a key", MetadataMode::NoKeys),
        ("weak-key", "Metadata with a key of 1024 bits", MetadataMode::WeakKey),
        ("expired", "Metadata that expired yesterday", MetadataMode::Expired),
        ("script", "Metadata whose sign-on address is a script", MetadataMode::ScriptUrl),
        ("aggregate", "Metadata of two entities", MetadataMode::Aggregate),
        ("unavailable", "Metadata that cannot be had", MetadataMode::Status(503)),
    ];
    let response = response.map(|(name, words, mode)| (name, words, Mode::Response(mode)));
    let metadata = metadata.map(|(name, words, mode)| (name, words, Mode::Metadata(mode)));
    response.into_iter().chain(metadata).collect()
}

/// `GET /switches`.
pub(crate) async fn show(State(shared): State<Arc<Shared>>) -> Response {
    let (shape, on) = {
        let memory = shared.memory();
        (memory.shape, memory.modes.clone())
    };
    let mut body = format!(
        "<h1>What this provider does</h1><p>It is simulated: its people need no password.</p>\
         <form method=\"post\" action=\"{}\"><h2>It imitates</h2><ul>",
        page::escaped(&shared.settings.endpoint("/switches"))
    );
    for other in Shape::ALL {
        let _ = write!(body, "{}", button(SHAPE, other.name(), other.name(), other == shape));
    }
    body.push_str("</ul><h2>It does wrong</h2><ul>");
    for (name, words, mode) in modes() {
        let _ = write!(body, "{}", button(MODE, name, words, on.contains(&mode)));
    }
    body.push_str("</ul></form>");
    page::page(StatusCode::OK, "Switches of the simulated provider", &body)
}

/// `POST /switches`: a product is chosen, or a misbehaviour turned over.
pub(crate) async fn press(State(shared): State<Arc<Shared>>, Form(fields): Fields) -> Response {
    let shape = value(&fields, SHAPE).and_then(|name| Shape::ALL.into_iter().find(|shape| shape.name() == name));
    let mode = value(&fields, MODE).and_then(|name| modes().into_iter().find(|(known, ..)| *known == name));
    {
        let mut memory = shared.memory();
        memory.shape = shape.unwrap_or(memory.shape);
        if let Some((_, _, mode)) = mode {
            let before = memory.modes.len();
            memory.modes.retain(|on| *on != mode);
            if memory.modes.len() == before {
                memory.modes.push(mode);
            }
        }
    }
    Redirect::to(&shared.settings.endpoint("/switches")).into_response()
}

fn button(field: &str, name: &str, words: &str, is_on: bool) -> String {
    format!(
        "<li><button name=\"{field}\" value=\"{}\" aria-pressed=\"{is_on}\">{}{}</button></li>",
        page::escaped(name),
        if is_on { "<strong>On</strong>" } else { "" },
        page::escaped(words),
    )
}
