//! Connections with their domains, directories and streams: where they differ.

use super::super::DeclareError;
use super::super::canonical::{self, stored_connection};
use super::super::change::{Action, Field, Kept, Upstream, Work};
use super::super::secrets::{self, Vault};
use super::super::standing::{Linked, SIGNALS, Standing, signal_key};
use super::{Comparison, fields, pairs};
use crate::state::{Account, Connection, Directory, Secret, Signal, Stage};

/// The secrets of a stream.
const SIGNAL_SECRETS: [&str; 2] = ["authorization", "client_secret"];

pub(super) fn connections(
    comparison: &mut Comparison<'_>,
    declared: &Account,
    standing: &Standing,
) -> Result<(), DeclareError> {
    let Some(list) = &declared.connections else { return Ok(()) };
    let list: Vec<Connection> = list.iter().map(canonical::connection).collect();
    let wanted = |name: &str| list.iter().find(|connection| connection.name == name);
    // Domains are let go before any is taken, so that one can move from a connection to another.
    for linked in &standing.connections {
        let keeps = wanted(&linked.row.name).map(|connection| connection.domains.as_slice()).unwrap_or_default();
        for domain in linked.domains.iter().filter(|domain| !keeps.contains(domain)) {
            let path = format!("connections[{}].domains[{domain}]", linked.row.name);
            let work = Work::Upstream { connection: linked.row.name.clone(), work: Upstream::ReleaseDomain };
            comparison.step(("domain", domain), &path, Action::Removed, Vec::new(), work);
        }
    }
    for linked in standing.connections.iter().filter(|linked| wanted(&linked.row.name).is_none()) {
        turn_off(comparison, linked)?;
    }
    for connection in &list {
        put(comparison, connection, standing.connection(&connection.name))?;
    }
    for connection in &list {
        let has = standing.connection(&connection.name).map(|linked| linked.domains.as_slice()).unwrap_or_default();
        for domain in connection.domains.iter().filter(|domain| !has.contains(domain)) {
            let path = format!("connections[{}].domains[{domain}]", connection.name);
            let work = Work::Upstream { connection: connection.name.clone(), work: Upstream::TakeDomain };
            comparison.step(("domain", domain), &path, Action::Added, Vec::new(), work);
        }
    }
    Ok(())
}

/// What is left out is suspended: people are bound to it, and a new connection must never get its name and them with it.
fn turn_off(comparison: &mut Comparison<'_>, linked: &Linked) -> Result<(), DeclareError> {
    let before = stored_connection(&linked.row, &[])?;
    if before.stage == Stage::Off {
        return Ok(());
    }
    let path = format!("connections[{}]", linked.row.name);
    let after = Connection { stage: Stage::Off, ..before.clone() };
    let fields = fields(&before, &after, &[])?;
    let put = Upstream::Put { declared: Box::new(after), secret: None };
    let work = Work::Upstream { connection: linked.row.name.clone(), work: put };
    comparison.step(("connection", &linked.row.name), &path, Action::Changed, fields, work);
    comparison.warn(&path, "is not in the document any more: it is off and its domains are free; it is never deleted");
    Ok(())
}

fn put(comparison: &mut Comparison<'_>, connection: &Connection, linked: Option<&Linked>) -> Result<(), DeclareError> {
    let path = format!("connections[{}]", connection.name);
    let sealed = linked.and_then(|linked| linked.row.secret.as_deref());
    let secret = secrets::new_for_connection(comparison.app, sealed, connection.client_secret.as_ref());
    let (action, mut changed) = match linked {
        None => (Action::Added, Vec::new()),
        Some(linked) => {
            let before = stored_connection(&linked.row, &[])?;
            // Domains have steps of their own, and so has the secret its own comparison.
            (Action::Changed, fields(&before, connection, &["domains", "client_secret"])?)
        }
    };
    if linked.is_some() && secret.is_some() {
        changed.push(Field::secret("client_secret"));
    }
    if action == Action::Added || !changed.is_empty() {
        let put = Upstream::Put { declared: Box::new(connection.clone()), secret };
        let work = Work::Upstream { connection: connection.name.clone(), work: put };
        comparison.step(("connection", &connection.name), &path, action, changed, work);
    }
    Ok(())
}

/// Tokens of directories; one that has another secret is the same token with another secret.
pub(super) fn directories(comparison: &mut Comparison<'_>, list: Option<&[Directory]>, standing: &Standing) {
    let Some(list) = list else { return };
    for linked in &standing.connections {
        let directory = list.iter().find(|directory| directory.connection == linked.row.name);
        // A directory that is listed without `tokens` keeps those that it has.
        let Some(tokens) = directory.map_or(Some([].as_slice()), |directory| directory.tokens.as_deref()) else {
            continue;
        };
        for (name, _) in linked.tokens.iter().filter(|(name, _)| !tokens.iter().any(|token| token.name == *name)) {
            let path = format!("directories[{}].tokens[{name}]", linked.row.name);
            let work = Work::Upstream { connection: linked.row.name.clone(), work: Upstream::RemoveToken };
            comparison.step(("directory_token", name), &path, Action::Removed, Vec::new(), work);
        }
    }
    for directory in list {
        for token in directory.tokens.iter().flatten() {
            let Some(Secret::Given(secret)) = &token.secret else { continue };
            let linked = standing.connection(&directory.connection);
            let known = linked.and_then(|linked| linked.tokens.iter().find(|(name, _)| *name == token.name));
            if known.is_some_and(|(_, mac)| secrets::is_token(comparison.app, mac, secret)) {
                continue;
            }
            let path = format!("directories[{}].tokens[{}]", directory.connection, token.name);
            let put = Upstream::PutToken(secret.clone());
            let work = Work::Upstream { connection: directory.connection.clone(), work: put };
            let (action, fields) = match known {
                None => (Action::Added, Vec::new()),
                Some(_) => (Action::Changed, vec![Field::secret("secret")]),
            };
            comparison.step(("directory_token", &token.name), &path, action, fields, work);
        }
    }
}

/// Streams: they are kept as one section, but told one by one.
pub(super) fn signals(
    comparison: &mut Comparison<'_>,
    list: Option<&[Signal]>,
    standing: &Standing,
) -> Result<(), DeclareError> {
    let Some(list) = list else { return Ok(()) };
    let (before, list) = (standing.signals(), canonical::signals(list));
    let (steps, mut vault) = (comparison.outcome.steps.len(), Vault::default());
    for (was, signal) in pairs(before, &list, |signal| &signal.name) {
        let name = was.or(signal).map_or("", |signal| &signal.name);
        let path = format!("signals[{name}]");
        let Some(signal) = signal else {
            comparison.step(("signal", name), &path, Action::Removed, Vec::new(), Work::InSection);
            continue;
        };
        let mut changed = match was {
            Some(was) => fields(was, signal, &SIGNAL_SECRETS)?,
            None => Vec::new(),
        };
        for (field, given) in SIGNAL_SECRETS.into_iter().zip([&signal.authorization, &signal.client_secret]) {
            if vault.take(signal_key(name, field), given.as_ref(), &standing.signal_secrets) && was.is_some() {
                changed.push(Field::secret(field));
            }
        }
        let action = if was.is_some() { Action::Changed } else { Action::Added };
        if was.is_none() || !changed.is_empty() {
            comparison.step(("signal", name), &path, action, changed, Work::InSection);
        }
    }
    if comparison.outcome.steps.len() > steps {
        let bare: Vec<Signal> =
            list.iter().map(|signal| Signal { authorization: None, client_secret: None, ..signal.clone() }).collect();
        let document = canonical::json(&bare)?.to_string();
        comparison.outcome.sections.push(Kept { name: SIGNALS, document, secrets: vault });
    }
    Ok(())
}
