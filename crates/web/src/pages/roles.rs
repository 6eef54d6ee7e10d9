//! Roles and states of people, as the console says them.

use cardea_gateway::App;
use cardea_gateway::members::Offer;
use cardea_gateway::people::{BecauseView, RoleView, Source, UserView};
use cardea_model::rule::{CONTROL_PLANE, RuleGrant};

use crate::console::people::{Because, Origin, PersonLink, PersonRow, PersonState, RoleRow};
use crate::login::sentence;

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

/// Where somebody's roles come from.
pub(super) const fn origin(source: Source) -> Origin {
    match source {
        Source::Owner => Origin::Owner,
        Source::Left => Origin::Left,
        Source::Manual => Origin::Hand,
        Source::Rules => Origin::Rules,
    }
}

/// Roles that rows show; ownership is a standing and no service's role.
pub(super) fn rows(app: &App, roles: &[RoleView]) -> Vec<RoleRow> {
    roles.iter().filter(|role| role.service != "*").map(|role| row(app, role)).collect()
}

fn row(app: &App, role: &RoleView) -> RoleRow {
    let reasons = role.because.iter().filter(|because| because.source == "rule").map(reason);
    RoleRow {
        team: role.team.clone(),
        title: title(app, &role.service, &role.role),
        because: reasons.collect(),
        take: None,
    }
}

/// As [`rows`], each with the way to take it away, if it was given by hand and is the reader's to take.
pub(super) fn takeable(app: &App, roles: &[RoleView], offer: &Offer) -> Vec<RoleRow> {
    let with_take = |role: &RoleView| {
        let theirs = offer.reaches(role.team.as_deref()) && (role.service != CONTROL_PLANE || offer.user_admin);
        let by_hand = role.because.iter().any(|because| because.source == "manual");
        RoleRow { take: (theirs && by_hand).then(|| query(role)), ..row(app, role) }
    };
    roles.iter().filter(|role| role.service != "*").map(with_take).collect()
}

fn query(role: &RoleView) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    pairs.append_pair("service", &role.service).append_pair("role", &role.role);
    if let Some(team) = &role.team {
        pairs.append_pair("team", team);
    }
    pairs.finish()
}

/// Roles that were promised and not given yet.
pub(super) fn promised(app: &App, roles: &[RuleGrant]) -> Vec<RoleRow> {
    let row = |role: &RuleGrant| RoleRow {
        team: role.team.clone(),
        title: title(app, &role.service, &role.role),
        because: Vec::new(),
        take: None,
    };
    roles.iter().map(row).collect()
}

/// A user in the list.
pub(super) fn person_row(app: &App, user: UserView) -> PersonRow {
    PersonRow {
        person: link(user.id, &user.name, user.email.as_deref()),
        standing: standing(&user).to_owned(),
        state: state(&user),
        origin: origin(user.source),
        roles: rows(app, &user.roles),
        keys: usize::try_from(user.keys).unwrap_or_default(),
        last_sign_in: user.last_login_at,
    }
}

fn reason(because: &BecauseView) -> Because {
    let source = match &because.claim {
        Some(claim) => format!("the claim {claim} at sign-in"),
        None => "groups at sign-in".to_owned(),
    };
    Because { rule: because.rule.clone(), source, value: because.value.clone() }
}

/// A role in words, where it counts among them.
pub(super) fn in_words(role: &RoleRow) -> String {
    let place = role.team.as_ref().map_or_else(|| "in the org".to_owned(), |team| format!("in team {team}"));
    format!("{} {place}", role.title)
}

/// What people call a service.
pub(super) fn service_title(app: &App, name: &str) -> String {
    let service = app.catalogue.service_named(name).and_then(|index| app.catalogue.service(index));
    service.map_or_else(|| name.to_owned(), |service| service.title.to_string())
}

/// What people call a role, with its service.
pub(super) fn title(app: &App, service: &str, name: &str) -> String {
    let title = match service {
        CONTROL_PLANE => role_named(app, service, name),
        other => format!("{} {}", service_title(app, other), role_named(app, other, name)),
    };
    sentence(&title)
}

/// What people call the role of this name.
pub(super) fn role_named(app: &App, service: &str, name: &str) -> String {
    let known = app.catalogue.role_named(service, name);
    known.map_or_else(|| name.replace('_', " "), |known| known.title.to_string())
}
