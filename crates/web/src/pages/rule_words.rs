//! Rules, roles and differences, as the console says them.

use cardea_gateway::App;
use cardea_gateway::people::RoleView;
use cardea_gateway::roles::Source;
use cardea_gateway::rules::{
    Changed, Counts, Explanation, GroupView, Guard, Named, NearMiss, Preview, RuleView, SaidView, Tried, TriedClaim,
};
use cardea_model::rule::{AccountRole, Matcher, Operation};

use super::roles;
use crate::console::person::{SaidRow, Why};
use crate::console::rules::{
    Difference, Figure, GroupRow, NearRow, OPERATIONS, Outcome, PersonChange, RoleWords, RuleRow, Words,
};
use crate::console::{Part, Tone, count};

/// So many groups of one connection are named on a person's page.
const GROUPS: usize = 50;

/// A rule in the list.
pub(super) fn row(app: &App, rule: RuleView) -> RuleRow {
    let admin = (rule.body.account_role == AccountRole::Admin).then(|| role(app, None, "account", "admin"));
    let grants = rule.body.grants.iter().map(|grant| role(app, grant.team.as_deref(), &grant.service, &grant.role));
    RuleRow {
        id: rule.id.to_string(),
        conditions: rule.body.any_of.iter().map(condition).collect(),
        gives: grants.chain(admin).collect(),
        name: rule.name,
        connection: rule.connection,
        enabled: rule.body.enabled,
        broken: rule.broken,
    }
}

/// What a matcher says.
pub(super) fn condition(matcher: &Matcher) -> Words {
    let mut words = Words::default();
    describe(matcher, matcher, &mut words.0);
    words
}

fn describe(matcher: &Matcher, whole: &Matcher, into: &mut Vec<(Part, String)>) {
    let say = |into: &mut Vec<(Part, String)>, text: &str| into.push((Part::Words, text.to_owned()));
    match &matcher.operation {
        Operation::Compound { all_of, none_of } => {
            for (number, part) in all_of.iter().enumerate() {
                say(into, if number == 0 { "" } else { ", and a group " });
                describe(part, whole, into);
            }
            for part in none_of {
                say(into, ", and no group ");
                describe(part, whole, into);
            }
        }
        Operation::OneOf(_)
        | Operation::Equals(_)
        | Operation::StartsWith(_)
        | Operation::EndsWith(_)
        | Operation::Regex(_)
        | Operation::ExternalId(_) => {
            let (word, values) = plain(&matcher.operation);
            let title = OPERATIONS.iter().find(|(known, _)| *known == word).map_or(word, |(_, title)| title);
            for (number, value) in values.iter().enumerate() {
                say(into, &if number == 0 { format!("{title} ") } else { ", ".to_owned() });
                into.push((Part::Value, value.clone()));
            }
            if matcher.ignore_case {
                say(into, " in either case");
            }
            let claim = matcher.claim_in(whole);
            if !claim.is_empty() {
                say(into, " in the claim ");
                into.push((Part::Value, claim.to_owned()));
            }
        }
    }
}

/// The word of the form and the values of an operation; none for a compound, which has parts instead.
pub(super) fn plain(operation: &Operation) -> (&'static str, &[String]) {
    let one = std::slice::from_ref;
    match operation {
        Operation::Equals(value) => ("equals", one(value)),
        Operation::OneOf(values) => ("one_of", values),
        Operation::StartsWith(value) => ("starts_with", one(value)),
        Operation::EndsWith(value) => ("ends_with", one(value)),
        Operation::Regex(value) => ("regex", one(value)),
        Operation::ExternalId(value) => ("external_id", one(value)),
        Operation::Compound { .. } => (crate::console::rules::KEPT, &[]),
    }
}

fn role(app: &App, team: Option<&str>, service: &str, name: &str) -> RoleWords {
    if service == "account" {
        return RoleWords { title: format!("Account {name}"), place: String::new() };
    }
    let place = team.map_or_else(|| "in the org".to_owned(), |team| format!("in team {team}"));
    RoleWords { title: roles::title(app, service, name), place }
}

fn named(app: &App, roles: &[Named]) -> Vec<RoleWords> {
    roles.iter().map(|named| role(app, named.team.as_deref(), &named.service, &named.role)).collect()
}

fn viewed(app: &App, roles: &[RoleView]) -> Vec<RoleWords> {
    roles.iter().map(|view| role(app, view.team.as_deref(), &view.service, &view.role)).collect()
}

/// The figures of a preview, and those of an activation that is over.
pub(super) fn figures(counts: &Counts) -> Vec<Figure> {
    let figure = |number, words: &str, tone| Figure { number, words: words.to_owned(), tone };
    vec![
        figure(counts.people, "people in the org", Tone::Neutral),
        figure(counts.matched, "match a rule", Tone::Neutral),
        figure(counts.gaining, "gain a role", Tone::Good),
        figure(counts.losing, "lose a role", Tone::Danger),
        figure(counts.losing_everything, "lose every role", Tone::Danger),
        figure(counts.migrated, "from invitation to rules", Tone::Neutral),
    ]
}

/// What a preview says.
pub(super) fn difference(app: &App, preview: &Preview) -> Difference {
    let changing = preview.counts.people.saturating_sub(preview.counts.unchanged + preview.counts.owners);
    let shown = u64::try_from(preview.people.iter().filter(|one| moves(one)).count()).unwrap_or(u64::MAX);
    Difference {
        figures: figures(&preview.counts),
        notes: notes(&preview.counts),
        people: preview.people.iter().map(|one| change(app, one)).collect(),
        more: changing.saturating_sub(shown),
    }
}

fn moves(one: &Changed) -> bool {
    !(one.added.is_empty() && one.removed.is_empty())
}

fn change(app: &App, one: &Changed) -> PersonChange {
    PersonChange {
        person: roles::link(one.user, &one.name, one.email.as_deref()),
        migrated: one.migrated,
        added: named(app, &one.added),
        removed: named(app, &one.removed),
    }
}

fn notes(counts: &Counts) -> Vec<String> {
    let of = [
        (counts.owners, "owner is never changed by rules.", "owners are never changed by rules."),
        (
            counts.unmatched,
            "person has roles by hand and matches no rule; these roles stay.",
            "people have roles by hand and match no rule; these roles stay.",
        ),
        (
            counts.never_seen,
            "person has not signed in through an identity provider yet and stays as they are until then.",
            "people have not signed in through an identity provider yet and stay as they are until then.",
        ),
        (
            counts.unknown,
            "person's groups were left out or cut off at the last sign-in.",
            "people's groups were left out or cut off at the last sign-in.",
        ),
    ];
    of.into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| format!("{number} {}", if number == 1 { one } else { many }))
        .collect()
}

/// Why the org's name is asked for.
pub(super) const fn guard(guard: Guard) -> &'static str {
    match guard {
        Guard::ManyLoseEverything => "More than a fifth of the people with a role lose every role.",
        Guard::YouLoseUserAdmin => "You yourself would no longer manage users, and could not undo this.",
        Guard::NobodyMatches => {
            "No rule matches anybody. The groups may be spelt differently at the identity provider."
        }
        Guard::RolesStay => "Everybody keeps what the rules gave, whatever their groups become.",
    }
}

fn group(view: GroupView) -> GroupRow {
    GroupRow { value: view.value, rules: view.rules }
}

fn near(misses: Vec<NearMiss>) -> Vec<NearRow> {
    misses.into_iter().map(|miss| NearRow { rule: miss.rule, wanted: miss.wanted, group: miss.group }).collect()
}

/// What the rules made of claims.
pub(super) fn outcome(app: &App, tried: Tried) -> Outcome {
    let said = match tried.said {
        "present" => format!("The claims say {}.", count(tried.groups.len(), "group", "groups")),
        "missing" => "The claims say nothing about groups: the claim is missing.".to_owned(),
        _ => "The claims cut the groups off: there are too many, or one is too long.".to_owned(),
    };
    let further = |claim: TriedClaim| {
        let said = match claim.said {
            "present" => format!("says {}", count(claim.groups.len(), "value", "values")),
            "missing" => "is missing".to_owned(),
            _ => "is cut off: there are too many values, or one is too long".to_owned(),
        };
        let name = claim.claim.replace('`', "'");
        (format!("The claim `{name}` {said}."), claim.groups.into_iter().map(group).collect())
    };
    let admin = (tried.account_role == "admin").then(|| role(app, None, "account", "admin"));
    Outcome {
        said,
        roles: viewed(app, &tried.roles).into_iter().chain(admin).collect(),
        groups: tried.groups.into_iter().map(group).collect(),
        claims: tried.claims.into_iter().map(further).collect(),
        near: near(tried.near_misses),
        remarks: tried.remarks,
    }
}

/// Why somebody has their roles.
pub(super) fn why(explained: Explanation) -> Why {
    let mut sentences: Vec<String> = Vec::new();
    sentences.extend(source(&explained));
    sentences.extend(explained.codes.iter().filter_map(|word| code(word)).map(str::to_owned));
    Why { sentences, said: explained.said.into_iter().map(said).collect(), near: near(explained.near_misses) }
}

/// Where the roles come from; what [`code`] says better is left to it.
fn source(explained: &Explanation) -> Option<String> {
    match explained.source {
        Source::Owner | Source::Left => None,
        Source::Manual => Some("Their roles are given by hand, and no rule in force manages them.".to_owned()),
        Source::Rules => {
            let met = explained.said.iter().flat_map(|said| said.groups.iter().flat_map(|group| &group.rules));
            let names: std::collections::BTreeSet<&String> = met.collect();
            let quoted: Vec<String> = names.into_iter().map(|name| format!("`{}`", name.replace('`', "'"))).collect();
            let by = match quoted.as_slice() {
                [] => "rules".to_owned(),
                [one] => format!("rule {one}"),
                more => format!("rules {}", more.join(", ")),
            };
            Some(format!("Managed by {by}: their roles change with their groups and cannot be edited by hand."))
        }
    }
}

/// What a code means; nothing for a code of a newer release.
fn code(word: &str) -> Option<&'static str> {
    Some(match word {
        "owner_immutable" => "An owner may do everything. No rule, directory or admin changes that.",
        "left" => "They have left the org and have no roles in it.",
        "suspended" => "They are held, so none of their roles counts until that is lifted.",
        "not_activated" => "No rules are in force in this org.",
        "unmatched" => "None of their groups meets a rule in force, so they can sign in and have no roles.",
        "unknown_groups" => "Their groups were left out or cut off at the last sign-in.",
        "never_seen" => "No identity provider has said anything about their groups yet.",
        "service_not_enabled" => "The org does not have this service.",
        _ => return None,
    })
}

fn said(view: SaidView) -> SaidRow {
    let remark = match view.said.as_str() {
        "missing" => "The last sign-in left them out.",
        "overage" => "The last sign-in cut them off, so this is the last whole list.",
        _ => "",
    };
    let (mut groups, others): (Vec<GroupView>, Vec<GroupView>) =
        view.groups.into_iter().partition(|group| !group.rules.is_empty());
    let more = others.len().saturating_sub(GROUPS);
    groups.extend(others.into_iter().take(GROUPS));
    SaidRow {
        connection: view.connection,
        claim: view.claim.unwrap_or_default(),
        remark: remark.to_owned(),
        seen: view.seen_at,
        groups: groups.into_iter().map(group).collect(),
        more,
    }
}
