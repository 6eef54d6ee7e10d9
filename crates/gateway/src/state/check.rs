//! What is wrong with a document that could be read: all of it at once, each with its place in the document.

mod client;
mod connection;
mod person;
mod report;
mod rule;
mod upstream;

use super::{Account, Org, OrgKind, State};
use cardea_model::name::{Email, is_label, is_slug};

pub use report::{Catalogue, Problem};
use report::{Name, Report};

/// Everything that is wrong with `state`; `catalogue` says which services there are.
#[must_use]
pub fn problems(state: &State, catalogue: Catalogue<'_>) -> Vec<Problem> {
    let mut report = Report::new(catalogue);
    for (index, operator) in state.operators.iter().enumerate() {
        let path = format!("operators[{index}].name");
        if !is_label(&operator.name, 63) {
            report.say(&path, "must be 1 to 63 characters of one line");
        }
        report.unique(Name::Operator, &operator.name, &path);
    }
    for (index, account) in state.accounts.iter().enumerate() {
        of_account(&mut report, &format!("accounts[{index}]"), account);
    }
    client::check(&mut report, "clients", state.clients.as_deref());
    report.problems
}

fn of_account(report: &mut Report<'_>, path: &str, account: &Account) {
    let name_path = format!("{path}.name");
    if !is_label(&account.name, 63) || account.name.contains(char::is_whitespace) {
        report.say(&name_path, "must be 1 to 63 characters without spaces");
    }
    report.unique(Name::Account, &account.name, &name_path);
    addresses(report, path, account);
    if let Some(description) = &account.description {
        report.text(&format!("{path}.description"), description, 1_000);
    }
    if let Some(org) = &account.org {
        of_org(report, &format!("{path}.org"), org);
        only_the_owner(report, path, account, org);
    }
    for (index, connection) in account.connections.iter().flatten().enumerate() {
        connection::check(report, &format!("{path}.connections[{index}]"), connection);
    }
    upstream::check(report, path, account);
    rule::check(report, path, account);
    person::check(report, path, account);
    client::check(report, &format!("{path}.clients"), account.clients.as_deref());
}

fn addresses(report: &mut Report<'_>, path: &str, account: &Account) {
    let mut read = |text: &str, field: &str| {
        let email = Email::parse(text);
        if email.is_none() {
            report.say(&format!("{path}.{field}"), format!("`{text}` is no e-mail address"));
        }
        email
    };
    let owner = account.owner.as_ref().and_then(|owner| read(&owner.email, "owner.email"));
    let recovery = account.recovery_email.as_ref().and_then(|text| read(text, "recovery_email"));
    // An address that recovers itself is no recovery.
    if let (Some(owner), Some(recovery)) = (owner, recovery)
        && owner.normal == recovery.normal
    {
        report.say(&format!("{path}.recovery_email"), "must not be the owner's own address");
    }
}

fn of_org(report: &mut Report<'_>, path: &str, org: &Org) {
    let name_path = format!("{path}.name");
    report.slug(&name_path, &org.name);
    report.unique(Name::Org, &org.name, &name_path);
    let services = org.services.iter().flatten().map(|given| given.service.as_str());
    report.services(&format!("{path}.services"), services);
    if org.keys.is_some_and(|policy| !policy.is_sane()) {
        report.say(&format!("{path}.keys.max_age"), "must lie between `1h` and `100y`");
    }
    for (index, team) in org.teams.iter().flatten().enumerate() {
        let team_path = format!("{path}.teams[{index}]");
        if !is_slug(&team.name) && is_slug(&team.name.to_lowercase()) {
            report.say(&format!("{team_path}.name"), format!("`{}` must be lower case", team.name));
        } else {
            report.slug(&format!("{team_path}.name"), &team.name);
        }
        report.unique_in(path, Name::Team, &team.name, &format!("{team_path}.name"));
        report.text(&format!("{team_path}.description"), &team.description, 1_000);
    }
}

/// An individual org has one person in it, and nothing through which others could come.
fn only_the_owner(report: &mut Report<'_>, path: &str, account: &Account, org: &Org) {
    let sections = [
        ("org.teams", org.teams.as_ref().is_some_and(|list| !list.is_empty())),
        ("connections", account.connections.as_ref().is_some_and(|list| !list.is_empty())),
        ("directories", account.directories.as_ref().is_some_and(|list| !list.is_empty())),
        ("signals", account.signals.as_ref().is_some_and(|list| !list.is_empty())),
        ("rules", account.rules.as_ref().is_some_and(|list| !list.is_empty())),
        ("invitations", account.invitations.as_ref().is_some_and(|list| !list.is_empty())),
    ];
    if org.kind == OrgKind::Individual {
        for (section, _) in sections.into_iter().filter(|(_, used)| *used) {
            report.say(&format!("{path}.{section}"), "needs an org of `kind: enterprise`");
        }
    }
}
