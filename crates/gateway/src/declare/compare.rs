//! From the document and what stands to the steps between them. Pure: it reads nothing and writes nothing.

mod client;
mod people;
mod upstream;

use cardea_model::entitlement::Entitlement;
use cardea_model::name::Email;
use serde::Serialize;
use serde_json::Value;

use super::change::{
    Action, Change, Column, Field, Outcome, Ownership, ServiceWork, Step, TeamWork, Upstream, Warning, Work,
};
use super::secrets::Passwords;
use super::standing::Standing;
use super::{DeclareError, canonical};
use crate::app::App;
use crate::keys::Policy;
use crate::state::{Account, Operator, Org, Owner, Rule, RulesState, Secret, User};

pub(super) use client::clients;

/// Values longer than this are cut in a change's text.
const LONGEST: usize = 80;

/// A comparison under way.
pub(super) struct Comparison<'a> {
    app: &'a App,
    /// What every path of this comparison begins with.
    path: String,
    pub(super) outcome: Outcome,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(app: &'a App, path: String) -> Self {
        Self { app, path, outcome: Outcome::default() }
    }

    /// `rest` below this comparison's own path.
    fn at(&self, rest: &str) -> String {
        if self.path.is_empty() || rest.is_empty() {
            return format!("{}{rest}", self.path);
        }
        format!("{}.{rest}", self.path)
    }

    fn step(&mut self, (noun, name): (&'static str, &str), rest: &str, action: Action, fields: Vec<Field>, work: Work) {
        let change = Change { path: self.at(rest), action, fields };
        self.outcome.steps.push(Step { change, noun, name: name.to_owned(), work });
    }

    fn warn(&mut self, rest: &str, what: impl Into<String>) {
        let warning = Warning { path: self.at(rest), what: what.into() };
        self.outcome.warnings.push(warning);
    }

    /// An operator whose given token is not the one that stands.
    pub(super) fn operator(&mut self, operator: &Operator, exists: bool) {
        let Some(Secret::Given(token)) = &operator.token else { return };
        let path = format!("operators[{}]", operator.name);
        let (action, fields) =
            if exists { (Action::Changed, vec![Field::secret("token")]) } else { (Action::Added, Vec::new()) };
        self.step(("operator", &operator.name), &path, action, fields, Work::Operator(token.clone()));
    }
}

/// Everything in which an account differs from the document: sections that `declared` leaves out are not looked at.
pub(super) fn account(
    comparison: &mut Comparison<'_>,
    declared: &Account,
    (standing, before): (&Standing, &Account),
    after: &Account,
    passwords: &Passwords,
) -> Result<(), DeclareError> {
    if standing.row.is_none()
        && let Some(org) = &after.org
    {
        let work = Work::Account { org: org.name.clone(), kind: org.kind.as_str() };
        comparison.step(("account", &declared.name), "", Action::Added, Vec::new(), work);
    }
    if let Some(owner) = &declared.owner {
        self::owner(comparison, (declared, owner), standing, passwords);
    }
    if let Some(description) = after.description.as_deref().filter(|_| before.description != after.description) {
        let fields = vec![Field::moved("description", before.description.as_deref(), Some(description))];
        let work = Work::Column(Column::Description(description.to_owned()));
        comparison.step(("account", &declared.name), "", Action::Changed, fields, work);
    }
    if before.recovery_email != after.recovery_email {
        let fields =
            vec![Field::moved("recovery_email", before.recovery_email.as_deref(), after.recovery_email.as_deref())];
        let work = Work::Column(Column::Recovery(after.recovery_email.clone()));
        comparison.step(("account", &declared.name), "", Action::Changed, fields, work);
    }
    if let (Some(before), Some(after)) = (&before.org, &after.org) {
        org(comparison, before, after);
    }
    upstream::connections(comparison, declared, standing)?;
    upstream::directories(comparison, declared.directories.as_deref(), standing);
    rules(comparison, (declared, standing), before, after)?;
    people::users(comparison, declared, &standing.people, passwords);
    people::invitations(comparison, declared, &standing.people);
    clients(
        comparison,
        "clients",
        after.clients.as_deref().filter(|_| declared.clients.is_some()),
        &standing.services,
    )?;
    upstream::signals(comparison, declared.signals.as_deref(), standing)
}

fn owner(
    comparison: &mut Comparison<'_>,
    (declared, owner): (&Account, &Owner),
    standing: &Standing,
    passwords: &Passwords,
) {
    let Some(email) = Email::parse(&owner.email) else { return };
    let same = |text: &String| Email::parse(text).is_some_and(|known| known.normal == email.normal);
    let path = format!("owners[{}]", email.normal);
    let hash = passwords.hash(&email.normal).cloned();
    if standing.people.member(&email.normal).is_some_and(|known| known.is_out) {
        comparison.warn(&path, "has left, or their access was ended; a document changes nothing of that");
    } else if !standing.owners.iter().any(same) {
        let work = Work::Owner(Ownership::Added { email: owner.email.clone(), hash });
        comparison.step(("owner", &email.normal), &path, Action::Added, Vec::new(), work);
    } else if let Some(hash) = hash {
        let work = Work::Owner(Ownership::Password { email: email.normal.clone(), hash });
        comparison.step(("owner", &email.normal), &path, Action::Changed, vec![Field::secret("password")], work);
    }
    let others: Vec<String> = declared.users.iter().flatten().filter_map(User::normal).collect();
    let is_named = |text: &String| Email::parse(text).is_some_and(|known| others.contains(&known.normal));
    if standing.owners.iter().any(|text| !same(text) && !is_named(text)) {
        comparison.warn("owner", "the org has other owners too; nobody stops being one by being left out");
    }
}

fn org(comparison: &mut Comparison<'_>, before: &Org, after: &Org) {
    if before.kind != after.kind {
        let fields = vec![Field::moved("kind", Some(before.kind.as_str()), Some(after.kind.as_str()))];
        comparison.step(
            ("org", &after.name),
            "org",
            Action::Changed,
            fields,
            Work::Column(Column::OrgKind(after.kind.as_str())),
        );
    }
    services(comparison, before, after);
    keys(comparison, before, after);
    let (old, new) = (before.teams.as_deref().unwrap_or_default(), after.teams.as_deref().unwrap_or_default());
    for (old, new) in pairs(old, new, |team| &team.name) {
        let name = old.or(new).map_or("", |team| &team.name);
        let path = format!("org.teams[{name}]");
        match (old, new) {
            (Some(_), None) => {
                comparison.step(("team", name), &path, Action::Removed, Vec::new(), Work::Team(TeamWork::End))
            }
            (None, Some(team)) => {
                comparison.step(
                    ("team", name),
                    &path,
                    Action::Added,
                    Vec::new(),
                    Work::Team(TeamWork::Add(team.clone())),
                );
            }
            (Some(old), Some(team)) if old.description != team.description => {
                let fields = vec![Field::moved("description", Some(&old.description), Some(&team.description))];
                comparison.step(
                    ("team", name),
                    &path,
                    Action::Changed,
                    fields,
                    Work::Team(TeamWork::Describe(team.clone())),
                );
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
}

fn keys(comparison: &mut Comparison<'_>, before: &Org, after: &Org) {
    let (old, new) = (before.keys.unwrap_or_default(), after.keys.unwrap_or_default());
    let age = |policy: Policy| policy.max_age.map_or_else(|| "any".to_owned(), |age| age.to_string());
    let settings = [("max_age", age(old), age(new)), ("legacy", old.legacy.to_string(), new.legacy.to_string())];
    let moved = settings.into_iter().filter(|(_, old, new)| old != new);
    let fields: Vec<Field> = moved.map(|(name, old, new)| Field::moved(name, Some(&old), Some(&new))).collect();
    if !fields.is_empty() {
        comparison.step(("key_policy", &after.name), "org.keys", Action::Changed, fields, Work::KeyPolicy(new));
    }
}

fn services(comparison: &mut Comparison<'_>, before: &Org, after: &Org) {
    let (old, new) = (before.services.as_deref().unwrap_or_default(), after.services.as_deref().unwrap_or_default());
    for (old, new) in pairs(old, new, |given| &given.service) {
        let name = old.or(new).map_or("", |given| &given.service);
        let path = format!("org.services[{name}]");
        let Some(new) = new else {
            comparison.step(("service", name), &path, Action::Removed, Vec::new(), Work::Service(ServiceWork::Remove));
            continue;
        };
        let work = Work::Service(ServiceWork::Put(new.clone()));
        match old {
            None => comparison.step(("service", name), &path, Action::Added, Vec::new(), work),
            Some(old) if old != new => {
                comparison.step(("service", name), &path, Action::Changed, moves(old, new), work)
            }
            Some(_) => {}
        }
    }
}

/// In what two entitlements to the same service differ.
fn moves(old: &Entitlement, new: &Entitlement) -> Vec<Field> {
    let end = |given: &Entitlement| given.ends_at.map_or_else(|| "never".to_owned(), |end| end.to_string());
    let states = (old.state.as_str().to_owned(), new.state.as_str().to_owned());
    let differing =
        [("state", states), ("ends_at", (end(old), end(new)))].into_iter().filter(|(_, (old, new))| old != new);
    differing.map(|(name, (old, new))| Field::moved(name, Some(&old), Some(&new))).collect()
}

fn rules(
    comparison: &mut Comparison<'_>,
    (declared, standing): (&Account, &Standing),
    before: &Account,
    after: &Account,
) -> Result<(), DeclareError> {
    let steps = comparison.outcome.steps.len();
    let (old, new) = (before.rules.as_deref().unwrap_or_default(), after.rules.as_deref().unwrap_or_default());
    for (was, rule) in pairs(old, new, |rule| &rule.name) {
        let name = was.or(rule).map_or("", |rule| &rule.name);
        let path = format!("rules[{name}]");
        let Some(rule) = rule else {
            let connection = was.map(|rule| rule.connection.clone()).unwrap_or_default();
            comparison.step(
                ("rule", name),
                &path,
                Action::Removed,
                Vec::new(),
                Work::Upstream { connection, work: Upstream::RemoveRule },
            );
            continue;
        };
        let place = |list: &[Rule]| list.iter().position(|rule| rule.name == name).unwrap_or_default();
        let (from, to) = (place(old), place(new));
        let put = Upstream::PutRule { rule: rule.clone(), position: to };
        let work = Work::Upstream { connection: rule.connection.clone(), work: put };
        let Some(was) = was else {
            comparison.step(("rule", name), &path, Action::Added, Vec::new(), work);
            continue;
        };
        let mut fields = fields(was, rule, &[])?;
        if from != to {
            fields.push(Field::moved("position", Some(&(from + 1).to_string()), Some(&(to + 1).to_string())));
        }
        if !fields.is_empty() {
            comparison.step(("rule", name), &path, Action::Changed, fields, work);
        }
    }
    if before.rules_state != after.rules_state {
        let word = |state: Option<RulesState>| match state {
            Some(RulesState::Active) => "active",
            Some(RulesState::Draft) | None => "draft",
        };
        let fields = vec![Field::moved("rules_state", Some(word(before.rules_state)), Some(word(after.rules_state)))];
        comparison.step(("account", &after.name), "", Action::Changed, fields, Work::InSection);
    }
    let wanted = in_force(declared, standing, after);
    if wanted == standing.in_force {
        return Ok(());
    }
    if comparison.outcome.steps.len() == steps {
        let fields = vec![Field::moved("rules_in_force", Some("others"), Some("as the document says"))];
        comparison.step(("account", &after.name), "", Action::Changed, fields, Work::InSection);
    }
    comparison.outcome.in_force = Some(wanted);
    comparison.warn("rules", "whoever the rules match has what they give, and nothing else, from this moment");
    Ok(())
}

/// The rules that are to be in force: a document that says rules stands for their preview, unless it says which are in force
/// meanwhile.
fn in_force(declared: &Account, standing: &Standing, after: &Account) -> Option<Vec<Rule>> {
    if after.rules_state != Some(RulesState::Active) {
        return None;
    }
    let said = declared.rules_in_force.as_ref().or(declared.rules.as_ref());
    Some(said.or(standing.in_force.as_ref()).or(after.rules.as_ref()).cloned().unwrap_or_default())
}

/// What stood beside what is to stand, by name: first what goes, then the rest in its new order.
fn pairs<'a, T>(old: &'a [T], new: &'a [T], name: fn(&T) -> &String) -> Vec<(Option<&'a T>, Option<&'a T>)> {
    let find = |list: &'a [T], wanted: &T| list.iter().find(|item| name(item) == name(wanted));
    let gone = old.iter().filter(|item| find(new, item).is_none()).map(|item| (Some(item), None));
    gone.chain(new.iter().map(|item| (find(old, item), Some(item)))).collect()
}

/// The keys in which two things differ, but for these.
fn fields(before: &impl Serialize, after: &impl Serialize, except: &[&str]) -> Result<Vec<Field>, DeclareError> {
    let (before, after) = (object(before, except)?, object(after, except)?);
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    Ok(differing
        .map(|name| {
            let (old, new) = (before.get(name).map(shown), after.get(name).map(shown));
            Field::moved(name, Some(old.as_deref().unwrap_or("nothing")), new.as_deref())
        })
        .collect())
}

fn object(thing: &impl Serialize, except: &[&str]) -> Result<serde_json::Map<String, Value>, DeclareError> {
    let value = canonical::without(canonical::json(thing)?, except);
    value.as_object().cloned().ok_or(DeclareError::Corrupt("document"))
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= LONGEST {
        return text;
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{start}…")
}
