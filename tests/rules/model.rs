//! Random histories of sign-ins, rules, activations, undoes and roles by hand, held against a model that is written from the
//! words of the specification: it keeps every consequence at once, where the gateway works them out when asked.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use cardea_testkit::{Browser, Engine, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{RULES, activate, add, in_groups, preview, roles, rule, unruled, words};

stories! {
    whatever_happens_people_have_what_the_specification_says,
}

const PEOPLE: [&str; 3] = ["ana", "bo", "dana"];
/// A claim, empty for the connection's own, and a group that it says.
type Group = (&'static str, &'static str);
const GROUPS: [Group; 4] = [("", "red"), ("", "green"), ("colours", "red"), ("colours", "blue")];
const ROLES: [(&str, &str); 3] = [("registry", "viewer"), ("registry", "admin"), ("catalog", "read")];
const HISTORIES: u64 = 6;
const STEPS: usize = 28;

/// A rule: the group and the role that it gives.
type Given = (Group, (&'static str, &'static str));

#[derive(Clone, Default)]
struct Someone {
    groups: BTreeSet<Group>,
    by_hand: BTreeSet<(&'static str, &'static str)>,
    /// The activation since which only rules give their roles.
    managed: Option<usize>,
}

/// What was put in force, and what undoing it brings back: the rules, and whom they managed if these were set free.
#[derive(Clone, Default)]
struct Force {
    rules: BTreeSet<Given>,
    active: bool,
    number: usize,
    before: Option<(BTreeSet<Given>, BTreeMap<&'static str, usize>)>,
}

#[derive(Default)]
struct Model {
    people: BTreeMap<&'static str, Someone>,
    draft: BTreeMap<String, Given>,
    force: Force,
    count: usize,
}

impl Model {
    /// A claim that no rule names, as edited or in force, is not asked for: what was known of it stays.
    fn signs_in(&mut self, name: &'static str, groups: &BTreeSet<Group>) {
        let named: BTreeSet<&str> =
            self.draft.values().chain(&self.force.rules).map(|((claim, _), _)| *claim).chain([""]).collect();
        let someone = self.people.entry(name).or_default();
        someone.groups.retain(|(claim, _)| !named.contains(claim));
        someone.groups.extend(groups.iter().filter(|(claim, _)| named.contains(claim)));
        self.manage();
    }

    /// Whoever matches a rule in force is managed by rules from then on.
    fn manage(&mut self) {
        for someone in self.people.values_mut() {
            let matches = self.force.rules.iter().any(|(group, _)| someone.groups.contains(group));
            if matches && someone.managed.is_none() {
                someone.managed = Some(self.force.number);
            }
        }
    }

    fn activates(&mut self) {
        self.count += 1;
        let before = Some((self.force.rules.clone(), BTreeMap::new()));
        self.force = Force { rules: self.draft.values().copied().collect(), active: true, number: self.count, before };
        self.manage();
    }

    /// Takes the rules out of force; whether there were any. Whom they managed keeps what they have, by hand, or nothing.
    fn deactivates(&mut self, keep: bool) -> bool {
        if !self.force.active {
            return false;
        }
        self.count += 1;
        let mut free = BTreeMap::new();
        let rules = std::mem::take(&mut self.force.rules);
        for (name, someone) in self.people.iter_mut().filter(|_| keep) {
            if let Some(managed) = someone.managed.take() {
                free.insert(*name, managed);
                let earned = rules.iter().filter(|(group, _)| someone.groups.contains(group));
                someone.by_hand = earned.map(|(_, role)| *role).collect();
            }
        }
        let before = Some((rules, free));
        self.force = Force { rules: BTreeSet::new(), active: false, number: self.count, before };
        true
    }

    /// Whether there was something to undo.
    fn undoes(&mut self) -> bool {
        let Some((rules, free)) = self.force.before.take() else { return false };
        for (name, someone) in &mut self.people {
            if someone.managed == Some(self.force.number) {
                someone.managed = None;
            }
            if let Some(managed) = free.get(name) {
                someone.managed = Some(*managed);
            }
        }
        self.count += 1;
        self.force = Force { active: !rules.is_empty(), rules, number: self.count, before: None };
        self.manage();
        true
    }

    fn roles(&self, name: &str) -> Vec<String> {
        let someone = &self.people[name];
        let given = self.force.rules.iter().filter(|(group, _)| someone.groups.contains(group)).map(|(_, role)| *role);
        let all: BTreeSet<_> =
            if someone.managed.is_some() { given.collect() } else { someone.by_hand.iter().copied().collect() };
        all.into_iter().map(|(service, role)| format!("/{service}:{role}")).collect()
    }
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(most).unwrap()).unwrap()
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// The gateway and the model side by side.
struct Both {
    world: World,
    owner: Browser,
    browsers: BTreeMap<&'static str, Browser>,
    model: Model,
    told: Vec<String>,
}

impl Both {
    async fn signs_in(&mut self, name: &'static str, groups: BTreeSet<Group>) -> Result<()> {
        self.told.push(format!("{name} signs in with {groups:?}"));
        let of = |wanted: &str| -> Vec<&str> {
            groups.iter().filter(|(claim, _)| *claim == wanted).map(|(_, group)| *group).collect()
        };
        in_groups(&self.world, name, &of(""));
        let colours = json!(of("colours"));
        self.world.provider.person(name, |person| drop(person.claims.insert("colours".to_owned(), colours)));
        self.browsers.insert(name, self.world.sign_in(name).await?);
        self.model.signs_in(name, &groups);
        Ok(())
    }

    async fn step(&mut self, dice: &mut Dice) -> Result<()> {
        let name = dice.one(&PEOPLE);
        match dice.below(11) {
            0 | 1 => {
                let groups = GROUPS.into_iter().filter(|_| dice.below(2) == 0).collect();
                self.signs_in(name, groups).await
            }
            2 | 3 => self.edits(dice).await,
            4 | 5 => {
                self.told.push("activates".to_owned());
                self.activates().await
            }
            6 => {
                self.told.push("undoes".to_owned());
                let answer = self.owner.send(Method::POST, &format!("{RULES}/undo"), &json!({})).await?;
                assert_eq!(answer.status == 200, self.model.undoes(), "{:#?}: {}", self.told, answer.body);
                Ok(())
            }
            7 => {
                self.told.push("marks are written".to_owned());
                self.world.node().finish_jobs().await
            }
            8 => self.deactivates(dice.below(3) > 0).await,
            _ => self.by_hand(name, dice.one(&ROLES), dice.below(2) == 0).await,
        }
    }

    /// What the preview says of each is what becomes of them.
    async fn activates(&mut self) -> Result<()> {
        let said = preview(&self.owner).await?;
        let mut before = BTreeMap::new();
        for (name, browser) in &self.browsers {
            before.insert(*name, roles(browser).await?);
        }
        activate(&self.owner).await?;
        self.model.activates();
        for (name, browser) in &self.browsers {
            let (had, has) = (&before[name], roles(browser).await?);
            let email = format!("{name}@corp.example");
            let changed =
                said["people"].as_array().context("people")?.iter().find(|one| one["email"] == email.as_str());
            let of =
                |field: &str| changed.and_then(|one| one[field].as_array()).map_or_else(Vec::new, |all| words(all));
            let without = |one: &[String], other: &[String]| -> Vec<String> {
                one.iter().filter(|role| !other.contains(role)).cloned().collect()
            };
            let moved = (without(&has, had), without(had, &has));
            assert_eq!((of("added"), of("removed")), moved, "{name} after {:#?}: {said}", self.told);
        }
        Ok(())
    }

    async fn deactivates(&mut self, keep: bool) -> Result<()> {
        let how = if keep { "freeze" } else { "revoke" };
        self.told.push(format!("takes the rules out of force: {how}"));
        let wanted = json!({"how": how, "confirm": "acme"});
        let answer = self.owner.send(Method::POST, &format!("{RULES}/deactivate"), &wanted).await?;
        assert_eq!(answer.status == 200, self.model.deactivates(keep), "{:#?}: {}", self.told, answer.body);
        Ok(())
    }

    async fn edits(&mut self, dice: &mut Dice) -> Result<()> {
        let listed = self.owner.get(RULES).await?.json();
        let listed = listed["rules"].as_array().context("rules")?.clone();
        if listed.len() >= 3 || (!listed.is_empty() && dice.below(3) == 0) {
            let gone: &Value = &listed[dice.below(listed.len())];
            let (id, name) = (gone["id"].as_str().context("id")?, gone["name"].as_str().context("name")?);
            self.told.push(format!("removes {name}"));
            self.model.draft.remove(name);
            assert_eq!(self.owner.send(Method::DELETE, &format!("{RULES}/{id}"), &json!({})).await?.status, 204);
            return Ok(());
        }
        let ((claim, value), (service, role)) = (dice.one(&GROUPS), dice.one(&ROLES));
        let name = format!("rule {}", self.told.len());
        self.told.push(format!("adds {name}: {claim}:{value} gives {service}/{role}"));
        let mut written = rule(&name, value, &json!([{"service": service, "role": role}]));
        if !claim.is_empty() {
            written["any_of"][0]["claim"] = json!(claim);
        }
        assert_eq!(add(&self.owner, &written).await?.status, 201);
        self.model.draft.insert(name, ((claim, value), (service, role)));
        Ok(())
    }

    /// Gives or takes a role by hand, of whom no rule manages.
    async fn by_hand(&mut self, name: &'static str, role: (&'static str, &'static str), gives: bool) -> Result<()> {
        let someone = self.model.people.entry(name).or_default();
        if someone.managed.is_some() {
            return Ok(());
        }
        self.told.push(format!("{name}: {role:?} by hand: {gives}"));
        let changed = if gives { someone.by_hand.insert(role) } else { someone.by_hand.remove(&role) };
        let (path, (service, role)) = (format!("/api/v1/orgs/acme/users/{name}@corp.example/roles"), role);
        let answer = match gives {
            true => self.owner.send(Method::POST, &path, &json!({"service": service, "role": role})).await?,
            false => {
                let path = format!("{path}?service={service}&role={role}");
                self.owner.send(Method::DELETE, &path, &json!({})).await?
            }
        };
        assert_eq!(answer.status, if gives || changed { 200 } else { 404 }, "{:#?}: {}", self.told, answer.body);
        Ok(())
    }

    async fn agree(&self) -> Result<()> {
        for (name, browser) in &self.browsers {
            assert_eq!(roles(browser).await?, self.model.roles(name), "{name} after {:#?}", self.told);
        }
        Ok(())
    }
}

async fn whatever_happens_people_have_what_the_specification_says(engine: Engine) -> Result<()> {
    for history in 1..=HISTORIES {
        let world = World::new(engine).await?;
        unruled(&world).await?;
        world.node().finish_jobs().await?;
        let owner = world.sign_in_owner().await?;
        let (mut both, mut dice) = (
            Both { world, owner, browsers: BTreeMap::new(), model: Model::default(), told: Vec::new() },
            Dice(0x9E37_79B9_7F4A_7C15 ^ history),
        );
        activate(&both.owner).await?;
        both.model.activates();
        for name in PEOPLE {
            both.signs_in(name, BTreeSet::new()).await?;
        }
        for _ in 0..STEPS {
            both.step(&mut dice).await?;
            both.agree().await?;
        }
    }
    Ok(())
}
