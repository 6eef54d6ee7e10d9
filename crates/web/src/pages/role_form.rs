//! The form that gives a role: what was chosen, what can be, and what was wrong with it.

use cardea_gateway::App;
use cardea_gateway::members::{MemberError, Offer, Role};
use cardea_model::rule::{CONTROL_PLANE, RuleGrant};

use super::fields::Fields;
use super::rule_form;
use crate::console::roles::RoleForm;
use crate::console::rules::ServiceRoles;
use crate::console::{Problem as FieldProblem, Problems};
use crate::login::sentence;

/// What is posted as `role` to ask for ownership instead of a role.
pub(super) const OWNER: &str = "owner";

/// What was chosen.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen {
    /// The team; empty for the whole org.
    pub(super) team: String,
    /// The service and the role, `registry/admin`.
    pub(super) role: String,
}

impl Chosen {
    /// What was posted.
    pub(super) fn of(fields: &Fields) -> Self {
        Self { team: fields.one("team").to_owned(), role: fields.one("role").to_owned() }
    }

    /// The role that is asked for.
    pub(super) fn grant(&self) -> Result<RuleGrant, Problems> {
        let (service, role) = self.role.split_once('/').ok_or_else(|| wrong("role", "Choose a role of the list"))?;
        let team = (!self.team.is_empty()).then(|| self.team.clone());
        Ok(RuleGrant { team, service: service.to_owned(), role: role.to_owned() })
    }

    /// As [`Chosen::grant`], to be given at once.
    pub(super) fn role(&self) -> Result<Role, Problems> {
        self.grant().map(|grant| Role { team: grant.team, service: grant.service, role: grant.role })
    }

    /// The form with what was chosen.
    pub(super) fn form(self, app: &App, offer: &Offer, problems: Problems) -> RoleForm {
        let org = offer.org.then(|| (String::new(), "Whole org".to_owned()));
        let teams = offer.teams.iter().map(|team| (team.clone(), format!("Team {team}")));
        let mut services = rule_form::services(app, &offer.services);
        if !offer.user_admin {
            let own = format!("{CONTROL_PLANE}/");
            services.retain(|service| !service.roles.iter().any(|(value, _)| value.starts_with(&own)));
        }
        RoleForm {
            places: org.into_iter().chain(teams).collect(),
            team: self.team,
            services,
            role: self.role,
            problems,
        }
    }
}

/// The roles with ownership before them, for those who can offer it.
pub(super) fn with_owner(mut form: RoleForm) -> RoleForm {
    let owner = (OWNER.to_owned(), "Owner: every role, and a new mail".to_owned());
    form.services.insert(0, ServiceRoles { title: "Organization".to_owned(), roles: vec![owner] });
    form
}

/// One thing that is wrong.
pub(super) fn wrong(field: &'static str, text: &str) -> Problems {
    Problems(vec![FieldProblem { field, text: text.to_owned() }])
}

/// What the error means for the form; nothing for those that no choice mends.
pub(super) fn problems(error: &MemberError) -> Option<Problems> {
    match error {
        MemberError::UnknownRole(text) => Some(wrong("role", &sentence(text))),
        MemberError::UnknownTeam(_) => Some(wrong("team", &sentence(&error.to_string()))),
        MemberError::Denied(_)
        | MemberError::Missing(_)
        | MemberError::Ownership
        | MemberError::OwnerImmutable
        | MemberError::Reauthenticate
        | MemberError::LastOwner
        | MemberError::AccountOwner
        | MemberError::RuleManaged(_)
        | MemberError::Individual
        | MemberError::LeftOrg
        | MemberError::LeftAccount
        | MemberError::InOrg
        | MemberError::InAccount
        | MemberError::Corrupt(_)
        | MemberError::Database(_) => None,
    }
}
