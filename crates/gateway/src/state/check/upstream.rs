//! What is wrong with directories and streams of security events.

use super::report::{Name, Report};
use crate::state::{Account, Delivery, Signal};
use cardea_model::name::is_label;

pub(super) fn check(report: &mut Report<'_>, path: &str, account: &Account) {
    directories(report, path, account);
    for (index, signal) in account.signals.iter().flatten().enumerate() {
        let path = format!("{path}.signals[{index}]");
        connection_exists(report, &path, account, &signal.connection);
        of_signal(report, &path, signal);
    }
}

/// A connection that the document lists; if it lists none, the instance may still have it.
pub(super) fn connection_exists(report: &mut Report<'_>, path: &str, account: &Account, name: &str) {
    let Some(connections) = &account.connections else {
        return;
    };
    if !connections.iter().any(|connection| connection.name == name) {
        let known: Vec<String> = connections.iter().map(|connection| format!("`{}`", connection.name)).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        report
            .say(&format!("{path}.connection"), format!("`{name}` is no connection of this account; there is {known}"));
    }
}

fn directories(report: &mut Report<'_>, within: &str, account: &Account) {
    for (index, directory) in account.directories.iter().flatten().enumerate() {
        let path = format!("{within}.directories[{index}]");
        connection_exists(report, &path, account, &directory.connection);
        report.unique_in(within, Name::Directory, &directory.connection, &format!("{path}.connection"));
        for (number, token) in directory.tokens.iter().flatten().enumerate() {
            let name_path = format!("{path}.tokens[{number}].name");
            if !is_label(&token.name, 63) {
                report.say(&name_path, "must be 1 to 63 characters of one line");
            }
            report.unique_in(&path, Name::DirectoryToken, &token.name, &name_path);
        }
    }
}

fn of_signal(report: &mut Report<'_>, path: &str, signal: &Signal) {
    let name_path = format!("{path}.name");
    report.label(&name_path, &signal.name);
    report.unique(Name::Signal, &signal.name, &name_path);
    for (field, url) in
        [("issuer", &signal.issuer), ("jwks_url", &signal.jwks_url), ("transmitter", &signal.transmitter)]
    {
        if let Some(url) = url {
            report.address(&format!("{path}.{field}"), url);
        }
    }
    for (field, text) in [("audience", &signal.audience), ("client_id", &signal.client_id)] {
        if let Some(text) = text {
            report.filled(&format!("{path}.{field}"), text);
        }
    }
    let mut need = |field: &str, given: bool, why: &str| {
        if !given {
            report.say(&format!("{path}.{field}"), format!("is needed for `delivery: {why}`"));
        }
    };
    match signal.delivery {
        // The transmitter's metadata names issuer and keys; without it they must be given.
        Delivery::Push => {
            need("issuer", signal.issuer.is_some() || signal.transmitter.is_some(), "push");
            need("jwks_url", signal.jwks_url.is_some() || signal.transmitter.is_some(), "push");
            need("audience", signal.audience.is_some(), "push");
        }
        Delivery::Poll => need("transmitter", signal.transmitter.is_some(), "poll"),
        Delivery::Managed => {
            need("transmitter", signal.transmitter.is_some(), "managed");
            need("client_id", signal.client_id.is_some(), "managed");
        }
    }
    if signal.authorization.is_some() && signal.delivery != Delivery::Push {
        report.say(&format!("{path}.authorization"), "belongs to `delivery: push`");
    }
}
