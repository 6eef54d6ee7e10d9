//! Why somebody has the roles that they have, and why not others.

use std::collections::{BTreeSet, HashMap};

use cardea_model::entitlement::State;
use cardea_model::id::{AccountId, KeyId, UserId};
use cardea_model::name::fold;
use cardea_model::rule::{CompiledRules, Listed, Matcher, Operation, Rule, applying};
use cardea_model::{Permission, Timestamp};
use cardea_store::account::{self, Account};
use cardea_store::db::Conn;
use cardea_store::member::Member;
use cardea_store::{connection, entitlement};
use serde::Serialize;

use super::error::RulesError;
use crate::app::App;
use crate::check::{self, Ask, KeyVerdict};
use crate::context::Ctx;
use crate::people;
use crate::roles::{self, Known, RoleView, Source, listed};

/// Why somebody has their roles.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The user.
    pub user: UserId,
    /// Where their roles come from: `owner`, `left`, `manual` or `rules`.
    pub source: Source,
    /// `owner`, `admin` or `member` of the account.
    pub account_role: String,
    /// The generation of rules in force; 0 for none.
    pub generation: i64,
    /// Words for what decides: `owner_immutable`, `left`, `suspended`, `not_activated`, `unmatched`, `unknown_groups`,
    /// `never_seen`, `service_not_enabled`, `entitlement_expired`, `entitlement_suspended`.
    pub codes: Vec<&'static str>,
    /// Their roles, each with its reasons; those of one service only, if one was asked for.
    pub roles: Vec<RoleView>,
    /// What each claim of each connection last said about their groups.
    pub said: Vec<SaidView>,
    /// Rules that would match a group but for case or blanks.
    pub near_misses: Vec<NearMiss>,
    /// What a check of their key says, if one was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyVerdict>,
}

/// What is to be explained.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// Only roles of this service; with a key, the service that it is used at.
    pub service: Option<&'a str>,
    /// Why this key of theirs may or may not.
    pub key: Option<KeyId>,
    /// The scope.
    pub action: Option<&'a str>,
    /// The type of the entity, where the service has several.
    pub entity_type: Option<&'a str>,
    /// What is acted on.
    pub entity: Option<&'a str>,
}

/// What one claim of a connection last said.
#[derive(Clone, Debug, Serialize)]
pub struct SaidView {
    /// The connection.
    pub connection: String,
    /// The claim that said it; none for the connection's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// `present`, `missing` or `overage`.
    pub said: String,
    /// When the list was last told whole, to the hour.
    pub seen_at: Timestamp,
    /// The groups, each with the rules that it meets.
    pub groups: Vec<GroupView>,
}

/// A group of somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupView {
    /// As the connection says it.
    pub value: String,
    /// The rules in force that it meets.
    pub rules: Vec<String>,
}

/// A rule that nearly matches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NearMiss {
    /// The rule.
    pub rule: String,
    /// What it looks for.
    pub wanted: String,
    /// The group that nearly is it.
    pub group: String,
}

/// Why a user has the roles that they have, or has none of a service; and why a key of theirs may not.
///
/// # Errors
/// [`RulesError`].
pub async fn explain(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    user: &str,
    asked: Asked<'_>,
) -> Result<Explanation, RulesError> {
    ctx.may(Permission::ManageRules, account)?;
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(RulesError::Missing("org"))?;
    let member = people::member_of(&mut conn, account, user).await?;
    let held = roles::of(app, &mut conn, &member, ctx.now).await?;
    let known = Known::read(app, &mut conn, &member, ctx.now).await?;
    let connections = connection::of_account(&mut conn, account).await?;
    let (mut said, mut near) = (Vec::new(), BTreeSet::new());
    for told in known.identities() {
        let lists: Vec<Listed<'_>> = told.iter().map(listed).collect();
        for ((snapshot, _), list) in told.iter().zip(&lists) {
            let rules = known.rules_of(snapshot.connection);
            let name = connections.iter().find(|row| row.id == snapshot.connection).map(|row| row.name.clone());
            near.extend(rules.into_iter().flat_map(|rules| near_misses(rules.rules(), list)));
            said.push(SaidView {
                connection: name.unwrap_or_default(),
                claim: named(&snapshot.claim),
                said: snapshot.said.clone(),
                seen_at: snapshot.seen_at,
                groups: met(rules, &lists, list),
            });
        }
    }
    let service = asked.service;
    let seen = Seen { source: held.source, said: &said, is_unsure: known.is_unsure() };
    let codes = codes(&mut conn, (&row, &member), &seen, (service, ctx.now)).await?;
    let key = verdict(app, &mut conn, &member, asked).await?;
    let is_asked = |role: &RoleView| service.is_none_or(|service| role.service == service || role.service == "*");
    Ok(Explanation {
        user: member.user,
        source: held.source,
        account_role: held.account_role.as_str().to_owned(),
        generation: row.rules.generation,
        codes,
        roles: held.roles.into_iter().filter(is_asked).collect(),
        said,
        near_misses: near.into_iter().collect(),
        key,
    })
}

async fn verdict(
    app: &App,
    conn: &mut Conn,
    member: &Member,
    asked: Asked<'_>,
) -> Result<Option<KeyVerdict>, RulesError> {
    let Some(key) = asked.key else { return Ok(None) };
    let (service, action) = (asked.service.unwrap_or_default(), asked.action.unwrap_or_default());
    let ask = Ask {
        key: "",
        service,
        action,
        entity_type: asked.entity_type,
        entity: asked.entity,
        labels: &[],
        operation: None,
    };
    let verdict = check::why(app, conn, member, (key, &ask)).await?;
    Ok(Some(verdict.ok_or(RulesError::Missing("key of this user"))?))
}

/// What decides, as far as groups do.
struct Seen<'a> {
    source: Source,
    said: &'a [SaidView],
    is_unsure: bool,
}

async fn codes(
    conn: &mut Conn,
    (row, member): (&Account, &Member),
    Seen { source, said, is_unsure }: &Seen<'_>,
    (service, now): (Option<&str>, Timestamp),
) -> Result<Vec<&'static str>, RulesError> {
    let given = match service {
        Some(service) => entitlement::find(conn, row.org, service).await?,
        None => None,
    };
    let ended = given.as_ref().is_some_and(|given| given.has_ended(now));
    let held_back = given.as_ref().is_some_and(|given| given.state == State::Suspended);
    let matched = said.iter().any(|said| said.groups.iter().any(|group| !group.rules.is_empty()));
    let source = *source;
    let applies = [
        (source == Source::Owner, "owner_immutable"),
        (source == Source::Left, "left"),
        (member.numbers.held, "suspended"),
        (!row.rules.active && source == Source::Manual, "not_activated"),
        (source == Source::Rules && !matched, "unmatched"),
        (*is_unsure, "unknown_groups"),
        (said.is_empty() && source != Source::Owner, "never_seen"),
        (service.is_some() && given.is_none(), "service_not_enabled"),
        (ended, "entitlement_expired"),
        (held_back, "entitlement_suspended"),
    ];
    Ok(applies.into_iter().filter_map(|(applies, code)| applies.then_some(code)).collect())
}

fn named(claim: &str) -> Option<String> {
    (!claim.is_empty()).then(|| claim.to_owned())
}

/// The groups of one list with the rules that apply because of them. All lists are judged together: a rule may ask for
/// several groups, or against some.
pub(super) fn met(rules: Option<&CompiledRules>, lists: &[Listed<'_>], list: &Listed<'_>) -> Vec<GroupView> {
    let applying = rules.map_or_else(BTreeSet::new, |rules| applying(rules, lists));
    let of = |group: &String| {
        let reasons = applying.iter().filter(|because| because.claim == list.claim && because.value == *group);
        let names: BTreeSet<String> = reasons.map(|because| because.rule_name.clone()).collect();
        GroupView { value: group.clone(), rules: names.into_iter().collect() }
    };
    list.groups.iter().map(of).collect()
}

/// Rules whose whole value is a group of the list but for case or blanks.
pub(super) fn near_misses(rules: &[Rule], list: &Listed<'_>) -> Vec<NearMiss> {
    let loose = |text: &str| fold(text).split_whitespace().collect::<String>();
    let groups: HashMap<String, &String> = list.groups.iter().map(|group| (loose(group), group)).collect();
    let mut near = Vec::new();
    for rule in rules.iter().filter(|rule| rule.body.enabled) {
        for wanted in rule.body.any_of.iter().flat_map(|matcher| wanted(matcher, matcher, list.claim)) {
            if let Some(group) = groups.get(&loose(wanted)).filter(|group| **group != wanted) {
                let (wanted, group) = (wanted.to_owned(), (*group).clone());
                near.push(NearMiss { rule: rule.name.clone(), wanted, group });
            }
        }
    }
    near
}

/// The whole values that a matcher, which is a part of `whole` or all of it, looks for in a claim.
fn wanted<'a>(matcher: &'a Matcher, whole: &Matcher, claim: &str) -> Vec<&'a str> {
    if matcher.ignore_case {
        return Vec::new();
    }
    let here = matcher.claim.as_deref().or(whole.claim.as_deref()).unwrap_or_default() == claim;
    match &matcher.operation {
        Operation::Equals(value) | Operation::ExternalId(value) if here => vec![value.as_str()],
        Operation::OneOf(values) if here => values.iter().map(String::as_str).collect(),
        Operation::Compound { all_of, .. } => all_of.iter().flat_map(|part| wanted(part, whole, claim)).collect(),
        Operation::Equals(_)
        | Operation::ExternalId(_)
        | Operation::OneOf(_)
        | Operation::StartsWith(_)
        | Operation::EndsWith(_)
        | Operation::Regex(_) => Vec::new(),
    }
}
