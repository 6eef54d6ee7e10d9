//! Clients with their webhooks: where they differ.

use std::collections::BTreeMap;

use super::super::change::{Action, ClientWork, Field, Kept, Work};
use super::super::secrets::{self, Vault};
use super::super::standing::{Services, WEBHOOKS, webhook_key};
use super::super::{DeclareError, canonical};
use super::{Comparison, fields, pairs};
use crate::state::{Client, Webhook};

/// The clients of an account, or the operator's own, if the document lists them; `list` is canonical.
pub(crate) fn clients(
    comparison: &mut Comparison<'_>,
    path: &str,
    list: Option<&[Client]>,
    standing: &Services,
) -> Result<(), DeclareError> {
    let Some(list) = list else { return Ok(()) };
    let before = standing.declared()?;
    for (was, client) in pairs(&before, list, |client| &client.client_id) {
        let id = was.or(client).map_or("", |client| &client.client_id);
        let path = format!("{path}[{id}]");
        let Some(client) = client else {
            comparison.step(("client", id), &path, Action::Removed, Vec::new(), Work::Client(ClientWork::Remove));
            continue;
        };
        let mac = standing.clients.iter().find(|row| row.client_id == id).and_then(|row| row.mac.as_deref());
        let secret = secrets::new_for_client(comparison.app, id, mac, client.secret.as_ref());
        let mut changed = match was {
            Some(was) => fields(was, client, &["secret", "webhooks"])?,
            None => Vec::new(),
        };
        if was.is_some() && secret.is_some() {
            changed.push(Field::secret("secret"));
        }
        if was.is_none() || !changed.is_empty() {
            let action = if was.is_some() { Action::Changed } else { Action::Added };
            let work = Work::Client(ClientWork::Put { declared: Box::new(client.clone()), secret });
            comparison.step(("client", id), &path, action, changed, work);
        }
    }
    webhooks(comparison, path, list, standing)
}

/// Webhooks: they are kept as one section, but told one by one. A client that says nothing of them keeps those it has.
fn webhooks(
    comparison: &mut Comparison<'_>,
    path: &str,
    list: &[Client],
    standing: &Services,
) -> Result<(), DeclareError> {
    let (mut all, mut vault, mut changed) = (BTreeMap::new(), Vault::default(), false);
    for client in list {
        let id = &client.client_id;
        let before = standing.webhooks.get(id).map(Vec::as_slice).unwrap_or_default();
        let hooks = client.webhooks.as_deref().unwrap_or(before);
        for (was, hook) in pairs(before, hooks, |hook| &hook.url) {
            let url = was.or(hook).map_or("", |hook| &hook.url);
            let path = format!("{path}[{id}].webhooks[{url}]");
            let Some(hook) = hook else {
                comparison.step(("webhook", url), &path, Action::Removed, Vec::new(), Work::InSection);
                changed = true;
                continue;
            };
            let replaced = vault.take(webhook_key(id, url), hook.secret.as_ref(), &standing.webhook_secrets);
            let mut differing = match was {
                Some(was) => fields(was, hook, &["secret"])?,
                None => Vec::new(),
            };
            if was.is_some() && replaced {
                differing.push(Field::secret("secret"));
            }
            if was.is_none() || !differing.is_empty() {
                let action = if was.is_some() { Action::Changed } else { Action::Added };
                comparison.step(("webhook", url), &path, action, differing, Work::InSection);
                changed = true;
            }
        }
        if !hooks.is_empty() {
            let bare = hooks.iter().map(|hook| Webhook { secret: None, ..hook.clone() });
            all.insert(id.clone(), bare.collect::<Vec<_>>());
        }
    }
    // Those of a client that went go with it.
    changed |= standing.webhooks.keys().any(|id| !all.contains_key(id));
    if changed {
        let document = canonical::json(&all)?.to_string();
        comparison.outcome.sections.push(Kept { name: WEBHOOKS, document, secrets: vault });
    }
    Ok(())
}
