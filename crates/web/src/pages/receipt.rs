//! Receipts, as the console draws them.

use cardea_gateway::revocation::{EndedList, NodeTime, Shown};
use cardea_gateway::{App, GatewayError};
use cardea_model::Timestamp;
use cardea_model::numbers::{Cause, What};

use super::roles;
use crate::console::revocations::{CauseLine, Lines, NodeMark, Receipt, ReceiptRow, Thing};
use crate::console::time;

/// A receipt where it is only mentioned.
pub(super) fn row(shown: &Shown) -> Result<ReceiptRow, GatewayError> {
    let ended = shown.ended.as_ref();
    Ok(ReceiptRow {
        id: shown.id.to_string(),
        person: roles::link(shown.user, &shown.person, shown.email.as_deref()),
        cause: cause(shown)?,
        committed: shown.committed_at,
        nodes: shown.nodes.iter().map(mark).collect(),
        keys: ended.map_or(0, |ended| ended.keys.len()),
        sessions: ended.map_or(0, |ended| ended.sessions),
    })
}

/// A receipt as a whole.
pub(super) fn whole(app: &App, shown: &Shown) -> Result<Receipt, GatewayError> {
    Ok(Receipt {
        id: shown.id.to_string(),
        person: roles::link(shown.user, &shown.person, shown.email.as_deref()),
        what: read::<What>(&shown.what)?,
        cause: cause(shown)?,
        received: Some(shown.received_at),
        committed: shown.committed_at,
        feed: shown.seq,
        nodes: shown.nodes.iter().map(mark).collect(),
        deliveries: Vec::new(),
        ended: shown.ended.as_ref().map(ended).unwrap_or_default(),
        left: shown.ended.as_ref().map(left).unwrap_or_default(),
        lines: if shown.ended.is_some() { Lines::Complete } else { Lines::Writing },
        bound: app.settings.bound,
    })
}

fn mark(node: &NodeTime) -> NodeMark {
    NodeMark { name: node.name.clone(), applied: node.applied_at }
}

fn cause(shown: &Shown) -> Result<CauseLine, GatewayError> {
    let cause = read::<Cause>(&shown.cause)?;
    let named = |otherwise: &str| shown.by.clone().unwrap_or_else(|| otherwise.to_owned());
    let by = match cause {
        Cause::DirectoryDeactivated | Cause::DirectoryDeleted => source(&shown.source),
        Cause::AdminDeactivated
        | Cause::AdminSignedOut
        | Cause::PasswordReset
        | Cause::RemovedFromOrg
        | Cause::RemovedFromAccount => named("an admin"),
        Cause::OperatorDeactivated | Cause::PasswordChanged | Cause::ConnectionOff => named("an operator"),
        Cause::SignedOutEverywhere | Cause::LeftOrg => shown.person.clone(),
    };
    let message = Some(shown.message.clone()).filter(|message| !message.is_empty());
    Ok(CauseLine { cause, by, message })
}

/// Who holds or ended something, in words.
pub(super) fn source(source: &str) -> String {
    match source.split_once(':') {
        Some(("directory", name)) => format!("the directory of {name}"),
        _ if source == "admin" => "an admin".to_owned(),
        _ if source == "operator" => "an operator".to_owned(),
        _ if source == "account" => "the account's admins".to_owned(),
        _ => source.to_owned(),
    }
}

/// Reads a stored word.
fn read<T: serde::de::DeserializeOwned>(word: &str) -> Result<T, GatewayError> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(|_| GatewayError::Corrupt("receipt"))
}

fn ended(list: &EndedList) -> Vec<Thing> {
    let keys = list.keys.iter().map(|key| Thing {
        kind: "key".to_owned(),
        name: key.name.clone(),
        detail: format!("kid {}", key.kid),
    });
    let sessions = list.named_sessions.iter().map(|session| Thing {
        kind: "session".to_owned(),
        name: session.connection.as_ref().map_or("by password".to_owned(), |name| format!("through {name}")),
        detail: Timestamp::parse(&session.began_at).map_or(String::new(), |at| format!("since {}", time::exact(&at))),
    });
    keys.chain(sessions).collect()
}

/// What was left: each is a sentence with its reason after a comma.
fn left(list: &EndedList) -> Vec<Thing> {
    let cut = |sentence: &String| {
        let (name, why) = sentence.split_once(", ").unwrap_or((sentence, ""));
        Thing { kind: "kept".to_owned(), name: name.to_owned(), detail: why.to_owned() }
    };
    list.left.iter().map(cut).collect()
}
