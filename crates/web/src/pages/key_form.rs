//! Keys as the console lists them, and the form for a new one: what was typed, what it asks for, what was wrong with it.

use cardea_gateway::App;
use cardea_gateway::keys::{Choice, KeyError, KeyView, Wanted};
use cardea_gateway::people::{MeOrg, RoleView};
use cardea_model::key::{GrantSpec, KeyKind, KeyState as Stored};

use super::fields::Fields;
use super::{expiry, roles};
use crate::console::keys::{ExpiryField, KeyForm, KeyRow, KeyState, ServiceChoice};
use crate::console::{Problem as FieldProblem, Problems};
use crate::login::sentence;

/// A key in a table.
pub(super) fn row(app: &App, key: KeyView) -> KeyRow {
    KeyRow {
        id: key.id.to_string(),
        name: key.name,
        shown: key.display.trim_end_matches("_…").to_owned(),
        services: key.grants.iter().map(|grant| roles::service_title(app, &grant.service)).collect(),
        state: state(key.state),
        created: key.created_at,
        expires: key.expires_at,
        last_used: key.last_used_at,
    }
}

const fn state(stored: Stored) -> KeyState {
    match stored {
        Stored::Active => KeyState::Active,
        Stored::Disabled => KeyState::Disabled,
        Stored::Suspended => KeyState::Suspended,
        Stored::Expired => KeyState::Expired,
        Stored::Revoked | Stored::Deleted => KeyState::Revoked,
    }
}

/// What was typed into the form.
pub(super) struct Typed {
    name: String,
    expiry: ExpiryField,
    services: Vec<String>,
}

impl Typed {
    /// A form nobody has touched.
    pub(super) fn nothing() -> Self {
        Self { name: String::new(), expiry: expiry::first(), services: Vec::new() }
    }

    /// What was posted.
    pub(super) fn of(fields: &Fields) -> Self {
        Self {
            name: fields.one("name").to_owned(),
            expiry: expiry::of(fields),
            services: fields.all("service").map(str::to_owned).collect(),
        }
    }

    /// The key that is asked for.
    pub(super) fn wanted(&self) -> Result<Wanted, KeyError> {
        let expiry = expiry::wanted(&self.expiry)?;
        let grants = self.services.iter().map(|service| GrantSpec::whole(service)).collect();
        Ok(Wanted { name: self.name.clone(), expiry, grants, org: None, kind: KeyKind::Personal, once: None })
    }

    /// What the error means for the form; nothing for those that no typing mends.
    pub(super) fn problems(&self, error: &KeyError) -> Option<Problems> {
        let (field, text) = match error {
            KeyError::Name if self.name.trim().is_empty() => ("name", "Enter a name".to_owned()),
            KeyError::Name | KeyError::NameTaken | KeyError::Limit(_) => ("name", sentence(&error.to_string())),
            KeyError::Expiry(error) => return Some(Problems(vec![expiry::problem(&self.expiry, error)])),
            KeyError::Grant(_) if self.services.is_empty() => ("service", "Choose at least one service".to_owned()),
            KeyError::Grant(_) | KeyError::NoRole(_) | KeyError::NotEnabled(_) => {
                ("service", sentence(&error.to_string()))
            }
            KeyError::Denied(_)
            | KeyError::Ended
            | KeyError::Missing
            | KeyError::State(_)
            | KeyError::LegacyOff
            | KeyError::LegacyRotation
            | KeyError::NeedsExpiry
            | KeyError::Grace
            | KeyError::NoGrace
            | KeyError::MaxAge
            | KeyError::Token
            | KeyError::Replayed(_)
            | KeyError::OtherRequest
            | KeyError::User(_)
            | KeyError::Stale
            | KeyError::Database(_) => return None,
        };
        Some(Problems(vec![FieldProblem { field, text }]))
    }

    /// The form with what was typed.
    pub(super) fn form(self, app: &App, choices: Vec<Choice>, orgs: &[MeOrg], problems: Problems) -> KeyForm {
        let services = choices
            .into_iter()
            .map(|choice| ServiceChoice {
                allows: allows(app, &choice.service, orgs),
                unavailable: (!choice.assignable).then(|| "You have no role there".to_owned()),
                chosen: choice.assignable && self.services.contains(&choice.service),
                title: choice.title,
                name: choice.service,
            })
            .collect();
        KeyForm { name: self.name, expiry: self.expiry, services, problems }
    }
}

/// What the roles allow in a service, in words.
fn allows(app: &App, service: &str, orgs: &[MeOrg]) -> String {
    let roles = || orgs.iter().flat_map(|org| &org.roles);
    if roles().any(|role| role.service == "*") {
        return "Everything, as owner".to_owned();
    }
    let words = |role: &RoleView| match &role.team {
        Some(team) => format!("{} in team {team}", roles::role_named(app, &role.service, &role.role)),
        None => roles::role_named(app, &role.service, &role.role),
    };
    roles().filter(|role| role.service == service).map(words).collect::<Vec<_>>().join(", ")
}
