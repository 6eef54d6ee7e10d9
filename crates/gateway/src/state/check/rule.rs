//! What is wrong with membership rules.

use super::report::{Name, Report};
use super::upstream::connection_exists;
use crate::rules::bounds;
use crate::state::{Account, Rule, RulesState};
use cardea_model::id::RuleId;
use cardea_model::name::fold;
use cardea_model::rule::{CONTROL_PLANE, CompiledRules, Rule as CompiledRule, RuleBody, RuleGrant};

pub(super) fn check(report: &mut Report<'_>, within: &str, account: &Account) {
    list(report, within, account, ("rules", Name::Rule, account.rules.as_deref()));
    list(report, within, account, ("rules_in_force", Name::RuleInForce, account.rules_in_force.as_deref()));
    if account.rules_in_force.is_some() && account.rules_state == Some(RulesState::Draft) {
        report.say(&format!("{within}.rules_in_force"), "needs `rules_state: active`");
    }
}

fn list(
    report: &mut Report<'_>,
    within: &str,
    account: &Account,
    (section, name, rules): (&str, Name, Option<&[Rule]>),
) {
    let bodies: Vec<RuleBody> = rules.into_iter().flatten().map(Rule::body).collect();
    if let Some(beyond) = bounds::exceeded(&bodies.iter().collect::<Vec<_>>()) {
        report.say(&format!("{within}.{section}"), beyond);
    }
    for (index, rule) in rules.into_iter().flatten().enumerate() {
        let path = format!("{within}.{section}[{index}]");
        connection_exists(report, &path, account, &rule.connection);
        report.unique_in(within, name, &fold(&rule.name), &format!("{path}.name"));
        in_itself(report, &path, rule);
        for (number, grant) in rule.grants.iter().enumerate() {
            of_grant(report, &format!("{path}.grants[{number}]"), account, grant);
        }
    }
}

/// What the rule's own compiler says.
fn in_itself(report: &mut Report<'_>, path: &str, rule: &Rule) {
    // Rules get their ids when they are stored; the compiler only carries it through.
    let Ok(id) = format!("{}_{:032}", RuleId::PREFIX, 0).parse() else {
        return;
    };
    let compiled = CompiledRules::compile(&[CompiledRule { id, name: rule.name.clone(), body: rule.body() }]);
    for error in compiled.err().unwrap_or_default() {
        report.say(path, error.problem.to_string());
    }
}

fn of_grant(report: &mut Report<'_>, path: &str, account: &Account, grant: &RuleGrant) {
    of_role(report, path, account, grant);
    let services = account.org.as_ref().and_then(|org| org.services.as_ref());
    let is_said = grant.service == CONTROL_PLANE || (report.catalogue)(&grant.service).is_none();
    if !is_said && services.is_some_and(|services| !services.iter().any(|given| given.service == grant.service)) {
        report.say(&format!("{path}.service"), format!("`{}` is not among the org's services", grant.service));
    }
}

/// A role that there is: of a team of the org, and of the catalogue.
pub(super) fn of_role(report: &mut Report<'_>, path: &str, account: &Account, grant: &RuleGrant) {
    let teams = account.org.as_ref().and_then(|org| org.teams.as_ref());
    if let (Some(team), Some(teams)) = (&grant.team, teams)
        && !teams.iter().any(|known| known.name == *team)
    {
        report.say(&format!("{path}.team"), format!("`{team}` is no team of this org"));
    }
    if grant.service == CONTROL_PLANE && grant.role == "user_admin" {
        return;
    }
    let Some(roles) = (report.catalogue)(&grant.service) else {
        return report.say(&format!("{path}.service"), format!("the catalogue has no service `{}`", grant.service));
    };
    if !roles.contains(&grant.role) {
        let known: Vec<String> = roles.iter().map(|role| format!("`{role}`")).collect();
        report.say(
            &format!("{path}.role"),
            format!("`{}` has no role `{}`; there is {}", grant.service, grant.role, known.join(", ")),
        );
    }
}
