//! The form of a membership rule: what was typed, the rule it asks for, and what was wrong with it.

use cardea_gateway::App;
use cardea_gateway::rules::{Choices, RuleView, RulesError, RulesView, Written};
use cardea_model::rule::{AccountRole, CONTROL_PLANE, Matcher, Operation, RuleGrant, RuleProblem};

use super::fields::Fields;
use super::rule_words::{condition, plain};
use crate::console::rules::{GrantRow, KEPT, MatcherRow, RuleForm, ServiceRoles};
use crate::console::{Problem as FieldProblem, Problems};
use crate::login::sentence;

/// More rows than this are not read from a form.
const MOST_ROWS: usize = 200;

/// What was typed into the form.
#[derive(Debug, PartialEq)]
pub(super) struct Typed {
    name: String,
    connection: String,
    enabled: bool,
    matchers: Vec<MatcherRow>,
    account_role: String,
    grants: Vec<GrantRow>,
}

fn empty_matcher() -> MatcherRow {
    let (value, claim) = (String::new(), String::new());
    MatcherRow { operation: "equals".to_owned(), value, claim, ignore_case: false, kept: None }
}

impl Typed {
    /// A form nobody has touched.
    pub(super) fn nothing() -> Self {
        Self {
            name: String::new(),
            connection: String::new(),
            enabled: true,
            matchers: vec![empty_matcher()],
            account_role: "member".to_owned(),
            grants: vec![GrantRow::default()],
        }
    }

    /// A rule as it stands.
    pub(super) fn standing(rule: RuleView) -> Self {
        let grant = |grant: RuleGrant| GrantRow {
            team: grant.team.unwrap_or_default(),
            role: format!("{}/{}", grant.service, grant.role),
        };
        Self {
            name: rule.name,
            connection: rule.connection,
            enabled: rule.body.enabled,
            matchers: rule.body.any_of.iter().map(matcher_row).collect(),
            account_role: rule.body.account_role.as_str().to_owned(),
            grants: rule.body.grants.into_iter().map(grant).collect(),
        }
    }

    /// What was posted.
    pub(super) fn of(fields: &Fields) -> Self {
        let cases: Vec<&str> = fields.all("ignore_case").collect();
        let claims: Vec<&str> = fields.all("claim").collect();
        let rows = fields.all("operation").zip(fields.all("value")).take(MOST_ROWS).enumerate();
        let matcher = |(number, (operation, value)): (usize, (&str, &str))| MatcherRow {
            operation: operation.to_owned(),
            value: value.to_owned(),
            claim: claims.get(number).copied().unwrap_or_default().to_owned(),
            ignore_case: cases.contains(&number.to_string().as_str()),
            kept: (operation == KEPT).then(|| kept(value).as_ref().map(condition).unwrap_or_default()),
        };
        let grants = fields.all("role").zip(fields.all("team")).take(MOST_ROWS);
        Self {
            name: fields.one("name").to_owned(),
            connection: fields.one("connection").to_owned(),
            enabled: !fields.one("enabled").is_empty(),
            matchers: rows.map(matcher).collect(),
            account_role: fields.one("account_role").to_owned(),
            grants: grants.map(|(role, team)| GrantRow { team: team.to_owned(), role: role.to_owned() }).collect(),
        }
    }

    /// With a row more or less, as a button of the form asks: `add-group`, `remove-role-1`.
    pub(super) fn edited(mut self, edit: &str) -> Self {
        let number = |rest: &str| rest.parse::<usize>().unwrap_or(usize::MAX);
        if edit == "add-group" {
            self.matchers.push(empty_matcher());
        } else if edit == "add-role" {
            self.grants.push(GrantRow::default());
        } else if let Some(rest) = edit.strip_prefix("remove-group-") {
            remove(&mut self.matchers, number(rest));
        } else if let Some(rest) = edit.strip_prefix("remove-role-") {
            remove(&mut self.grants, number(rest));
        }
        self
    }

    /// The rule that is asked for.
    pub(super) fn wanted(&self) -> Result<Written, Problems> {
        let wrong = |field, text: &str| Problems(vec![FieldProblem { field, text: text.to_owned() }]);
        let typed = self.matchers.iter().filter(|row| !row.value.trim().is_empty());
        let any_of = typed
            .map(matcher)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| wrong("groups", "A row has several lines. Only “is one of” takes more than one name"))?;
        let chosen = self.grants.iter().filter(|row| !row.role.is_empty());
        let grants = chosen.map(grant).collect::<Option<Vec<_>>>();
        Ok(Written {
            name: self.name.clone(),
            connection: self.connection.clone(),
            enabled: self.enabled,
            any_of,
            account_role: AccountRole::parse(&self.account_role),
            grants: grants.ok_or_else(|| wrong("roles", "Choose a role of the list"))?,
        })
    }

    /// What the error means for the form; nothing for those that no typing mends.
    pub(super) fn problems(&self, error: &RulesError, connections: &[String]) -> Option<Problems> {
        let one = |field, text: String| Some(Problems(vec![FieldProblem { field, text }]));
        match error {
            RulesError::Rule(errors) => Some(Problems(errors.iter().map(|error| problem(&error.problem)).collect())),
            RulesError::NameTaken => one("name", sentence(&error.to_string())),
            RulesError::Unknown(text) if connections.contains(&self.connection) => one("roles", sentence(text)),
            RulesError::Unknown(text) => one("connection", sentence(text)),
            RulesError::Denied(_)
            | RulesError::Missing(_)
            | RulesError::NotLinked
            | RulesError::Stale(_)
            | RulesError::Confirm(_)
            | RulesError::NothingToUndo
            | RulesError::NotActive
            | RulesError::Corrupt(_)
            | RulesError::Database(_) => None,
        }
    }

    /// The form with what was typed.
    pub(super) fn form(mut self, app: &App, choices: Choices, standing: RulesView, problems: Problems) -> RuleForm {
        if self.matchers.is_empty() {
            self.matchers.push(empty_matcher());
        }
        RuleForm {
            name: self.name,
            connection: self.connection,
            connections: standing.connections,
            enabled: self.enabled,
            matchers: self.matchers,
            account_role: self.account_role,
            grants: self.grants,
            teams: choices.teams,
            services: services(app, &choices.services),
            problems,
        }
    }
}

fn remove<T>(rows: &mut Vec<T>, number: usize) {
    if number < rows.len() {
        rows.remove(number);
    }
}

fn matcher_row(matcher: &Matcher) -> MatcherRow {
    let (operation, values) = plain(&matcher.operation);
    let kept = (operation == KEPT).then(|| condition(matcher));
    let whole = || serde_json::to_string(matcher).unwrap_or_default();
    MatcherRow {
        operation: operation.to_owned(),
        value: if kept.is_some() { whole() } else { values.join("\n") },
        claim: matcher.claim.clone().filter(|_| kept.is_none()).unwrap_or_default(),
        ignore_case: matcher.ignore_case,
        kept,
    }
}

fn kept(value: &str) -> Option<Matcher> {
    serde_json::from_str(value).ok()
}

/// The matcher of a row; nothing if several lines were typed where one is meant.
fn matcher(row: &MatcherRow) -> Option<Matcher> {
    if row.operation == KEPT {
        return kept(&row.value);
    }
    let lines: Vec<String> =
        row.value.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let operation = match (row.operation.as_str(), lines.as_slice()) {
        ("one_of", _) => Operation::OneOf(lines),
        ("starts_with", [one]) => Operation::StartsWith(one.clone()),
        ("ends_with", [one]) => Operation::EndsWith(one.clone()),
        ("regex", [one]) => Operation::Regex(one.clone()),
        ("external_id", [one]) => Operation::ExternalId(one.clone()),
        (_, [one]) => Operation::Equals(one.clone()),
        (_, _) => return None,
    };
    let claim = Some(row.claim.trim()).filter(|claim| !claim.is_empty()).map(str::to_owned);
    Some(Matcher { claim, operation, ignore_case: row.ignore_case })
}

fn grant(row: &GrantRow) -> Option<RuleGrant> {
    let (service, role) = row.role.split_once('/')?;
    let team = (!row.team.is_empty()).then(|| row.team.clone());
    Some(RuleGrant { team, service: service.to_owned(), role: role.to_owned() })
}

/// Every role that a rule of the org can give, by service; the gateway's own last.
pub(super) fn services(app: &App, names: &[String]) -> Vec<ServiceRoles> {
    let known = names.iter().filter_map(|name| app.catalogue.service(app.catalogue.service_named(name)?));
    let of = |service: &cardea_model::catalogue::Service| {
        let given = service.roles.iter().filter(|(_, role)| role.replaced_by.is_none());
        let roles = given
            .map(|(name, role)| (format!("{}/{name}", service.name), format!("{} {}", service.title, role.title)))
            .collect();
        ServiceRoles { title: service.title.to_string(), roles }
    };
    let admin = (format!("{CONTROL_PLANE}/user_admin"), "User admin".to_owned());
    let own = ServiceRoles { title: "Administration".to_owned(), roles: vec![admin] };
    known.map(of).filter(|service| !service.roles.is_empty()).chain([own]).collect()
}

fn problem(wrong: &RuleProblem) -> FieldProblem {
    let (field, text) = match wrong {
        RuleProblem::Name => ("name", "Enter a name of at most 200 letters, on one line".to_owned()),
        RuleProblem::NoMatcher | RuleProblem::EmptyValue => {
            ("groups", "Enter a group, as the identity provider says it".to_owned())
        }
        RuleProblem::Duplicate => ("name", sentence(&wrong.to_string())),
        RuleProblem::Claim | RuleProblem::Unbounded | RuleProblem::Regex(..) | RuleProblem::TooMany => {
            ("groups", sentence(&wrong.to_string()))
        }
        RuleProblem::BroadUserAdmin => (
            "groups",
            "User admin is given by whole names only: choose “equals”, “is one of” or “has the id”".to_owned(),
        ),
        RuleProblem::EmptyGrant | RuleProblem::Owner | RuleProblem::UserAdminService => {
            ("roles", sentence(&wrong.to_string()))
        }
    };
    FieldProblem { field, text }
}

#[cfg(test)]
mod tests;
