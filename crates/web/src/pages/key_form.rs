//! Keys as the console lists them, and the form for a new one: what was typed, what it asks for, what was wrong with it.

use cardea_gateway::App;
use cardea_gateway::keys::{Choice, KeyError, KeyView, Wanted};
use cardea_gateway::people::{MeOrg, RoleView};
use cardea_model::Timestamp;
use cardea_model::key::{BadExpiry, Expiry, GrantSpec, KeyKind, KeyState as Stored};
use std::time::Duration;

use super::fields::Fields;
use super::roles;
use crate::console::keys::{KeyForm, KeyRow, KeyState, ServiceChoice};
use crate::console::{Problem as FieldProblem, Problems};
use crate::login::sentence;

const DAY: Duration = Duration::from_secs(86_400);

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
    expiry: String,
    expires_on: String,
    services: Vec<String>,
}

impl Typed {
    /// A form nobody has touched.
    pub(super) fn nothing() -> Self {
        Self { name: String::new(), expiry: "30d".to_owned(), expires_on: String::new(), services: Vec::new() }
    }

    /// What was posted.
    pub(super) fn of(fields: &Fields) -> Self {
        Self {
            name: fields.one("name").to_owned(),
            expiry: fields.one("expiry").to_owned(),
            expires_on: fields.one("expires_on").to_owned(),
            services: fields.all("service").map(str::to_owned).collect(),
        }
    }

    /// The key that is asked for.
    pub(super) fn wanted(&self) -> Result<Wanted, KeyError> {
        let expiry = match self.expiry.as_str() {
            "custom" => end_of_day(&self.expires_on)?,
            other => Expiry::parse(other)?,
        };
        let grants = self.services.iter().map(|service| GrantSpec::whole(service)).collect();
        Ok(Wanted { name: self.name.clone(), expiry, grants, org: None, kind: KeyKind::Personal, once: None })
    }

    /// What the error means for the form; nothing for those that no typing mends.
    pub(super) fn problems(&self, error: &KeyError) -> Option<Problems> {
        let custom = self.expiry == "custom";
        let (field, text) = match error {
            KeyError::Name if self.name.trim().is_empty() => ("name", "Enter a name".to_owned()),
            KeyError::Name | KeyError::NameTaken | KeyError::Limit(_) => ("name", sentence(&error.to_string())),
            KeyError::Expiry(BadExpiry::Unreadable) if custom => ("expires_on", "Choose the last day".to_owned()),
            KeyError::Expiry(BadExpiry::Short(_)) if custom => {
                ("expires_on", "Choose a day that is not over".to_owned())
            }
            KeyError::Expiry(_) if custom => ("expires_on", sentence(&error.to_string())),
            KeyError::Expiry(_) => ("expiry", sentence(&error.to_string())),
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
        KeyForm { name: self.name, expiry: self.expiry, expires_on: self.expires_on, services, problems }
    }
}

/// The end of a day, `2026-12-31`, in UTC.
fn end_of_day(date: &str) -> Result<Expiry, BadExpiry> {
    let start = Timestamp::parse(&format!("{date}T00:00:00Z")).ok_or(BadExpiry::Unreadable)?;
    Ok(Expiry::At(start.after(DAY)))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(expiry: &str, expires_on: &str) -> Typed {
        Typed { expiry: expiry.to_owned(), expires_on: expires_on.to_owned(), ..Typed::nothing() }
    }

    #[test]
    fn the_last_day_counts_to_its_end() {
        let wanted = typed("custom", "2026-12-31").wanted().unwrap();
        assert_eq!(Some(wanted.expiry), Timestamp::parse("2027-01-01T00:00:00Z").map(Expiry::At));
    }

    #[test]
    fn every_choice_of_the_form_is_understood() {
        for (value, _) in crate::console::keys::EXPIRIES.iter().filter(|(value, _)| *value != "custom") {
            assert!(typed(value, "").wanted().is_ok(), "{value}");
        }
    }

    #[test]
    fn a_date_that_is_none_is_a_problem_of_its_field() {
        for text in ["", "tomorrow", "2026-02-30", "2026-12-31T00:00:00Z"] {
            let typed = typed("custom", text);
            let error = typed.wanted().map(drop).unwrap_err();
            assert_eq!(typed.problems(&error).unwrap().of("expires_on"), Some("Choose the last day"), "{text}");
        }
    }
}
