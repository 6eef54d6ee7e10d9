//! Sections that are parsed, kept and exported, and that nothing serves yet. Whoever serves one removes its line here.

use super::change::Warning;
use crate::state::{Account, Client, GroupsFrom, State};

const KEPT: &str = "is kept and exported, and not served yet: its addresses answer 404";

/// A warning for each of them.
pub(super) fn not_yet(state: &State) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for account in &state.accounts {
        of_account(&mut warnings, &format!("accounts[{}]", account.name), account);
    }
    of_clients(&mut warnings, "clients", state.clients.as_deref());
    warnings
}

fn of_account(warnings: &mut Vec<Warning>, path: &str, account: &Account) {
    let mut warn = |path: String, what: &str| warnings.push(Warning { path, what: what.to_owned() });
    for connection in account.connections.iter().flatten() {
        let path = format!("{path}.connections[{}]", connection.name);
        if connection.groups.from != GroupsFrom::Claims {
            warn(format!("{path}.groups.from"), "the directory's groups are not read yet");
        }
    }
    for signal in account.signals.iter().flatten() {
        warn(format!("{path}.signals[{}]", signal.name), &format!("the stream {KEPT}"));
    }
    of_clients(warnings, &format!("{path}.clients"), account.clients.as_deref());
}

fn of_clients(warnings: &mut Vec<Warning>, path: &str, clients: Option<&[Client]>) {
    for client in clients.into_iter().flatten() {
        if client.webhooks.as_ref().is_some_and(|list| !list.is_empty()) {
            let path = format!("{path}[{}].webhooks", client.client_id);
            warnings.push(Warning { path, what: "are kept and exported, and not sent yet".to_owned() });
        }
    }
}
