//! Roles and states of people, as the console says them.

use cardea_gateway::App;
use cardea_gateway::people::{BecauseView, RoleView, UserView};

use crate::console::people::{Because, PersonLink, PersonState, RoleRow};

/// A person where they are named.
pub(super) fn link(id: impl ToString, name: &str, email: Option<&str>) -> PersonLink {
    let email = email.unwrap_or_default();
    let name = if name.is_empty() { email } else { name };
    PersonLink { id: id.to_string(), name: name.to_owned(), email: email.to_owned() }
}

/// Whether a person may act.
pub(super) const fn state(user: &UserView) -> PersonState {
    match (user.deleted, user.active) {
        (true, _) => PersonState::Deleted,
        (false, true) => PersonState::Active,
        (false, false) => PersonState::Deactivated,
    }
}

/// What a person is in the org.
pub(super) fn standing(user: &UserView) -> &'static str {
    let admin = |role: &RoleView| role.team.is_none() && role.service == "gateway" && role.role == "user_admin";
    match (user.owner, user.roles.iter().any(admin)) {
        (true, _) => "owner",
        (false, true) => "user admin",
        (false, false) => "member",
    }
}

/// The service roles; ownership is a standing and no service's role.
pub(super) fn rows(app: &App, roles: &[RoleView]) -> Vec<RoleRow> {
    roles.iter().filter(|role| role.service != "*").map(|role| row(app, role)).collect()
}

fn row(app: &App, role: &RoleView) -> RoleRow {
    let reasons = role.because.iter().filter(|because| because.source == "rule").map(reason);
    RoleRow {
        team: role.team.clone(),
        service: service_title(app, &role.service),
        role: role_title(app, role),
        because: reasons.collect(),
    }
}

fn reason(because: &BecauseView) -> Because {
    Because { rule: because.rule.clone(), source: "groups at sign-in".to_owned(), value: because.value.clone() }
}

/// A role in words, where it counts among them.
pub(super) fn in_words(role: &RoleRow) -> String {
    let place = role.team.as_ref().map_or_else(|| "in the org".to_owned(), |team| format!("in team {team}"));
    format!("{} {} {place}", role.service, role.role)
}

/// What people call a service.
pub(super) fn service_title(app: &App, name: &str) -> String {
    let service = app.catalogue.service_named(name).and_then(|index| app.catalogue.service(index));
    service.map_or_else(|| name.to_owned(), |service| service.title.to_string())
}

/// What people call a role.
pub(super) fn role_title(app: &App, role: &RoleView) -> String {
    role_named(app, &role.service, &role.role)
}

/// What people call the role of this name.
pub(super) fn role_named(app: &App, service: &str, name: &str) -> String {
    let known = app.catalogue.role_named(service, name);
    known.map_or_else(|| name.replace('_', " "), |known| known.title.to_string())
}
