//! Rules as they are evaluated.

use std::collections::{BTreeSet, HashMap};

use unicode_normalization::UnicodeNormalization as _;

use super::{AccountRole, Because, Grants, Matcher, Operation, Rule, RuleError, RuleProblem, matcher, problems};
use crate::name;

/// Rules that passed their checks, indexed by what they look for.
///
/// Each plain matcher has a number. What groups meet are such numbers, and a rule applies by them alone: so what a group
/// meets is found once, however many people are in it.
#[derive(Debug, Default)]
pub struct CompiledRules {
    rules: Vec<Rule>,
    /// By the number of a plain matcher: the rule that it makes apply, unless it is a part of a compound one.
    plain: Vec<Option<u32>>,
    compounds: Vec<Compound>,
    /// By the name of a claim, which is empty for the connection's own.
    claims: HashMap<String, Index>,
}

/// What is looked for in one claim.
#[derive(Debug, Default)]
struct Index {
    exact: HashMap<String, Vec<u32>>,
    folded: HashMap<String, Vec<u32>>,
    broad: Vec<(matcher::Broad, u32)>,
    /// The number that whoever's list is known meets, where a matcher asks for that.
    told: Option<u32>,
}

/// A matcher made of others, by their numbers.
#[derive(Debug)]
struct Compound {
    rule: u32,
    all: Vec<u32>,
    none: Vec<u32>,
}

/// What one claim says of somebody, as far as it counts now.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// The name of the claim; empty for the connection's own.
    pub claim: &'a str,
    /// The groups.
    pub groups: &'a [String],
    /// Whether they are known: an empty list that nobody has told is not.
    pub known: bool,
}

impl CompiledRules {
    /// Checks rules of one connection and indexes those that are enabled.
    ///
    /// # Errors
    /// All that is wrong in them.
    pub fn compile(rules: &[Rule]) -> Result<Self, Vec<RuleError>> {
        let mut compiled = Self { rules: rules.to_vec(), ..Self::default() };
        let mut errors = Vec::new();
        let mut names = BTreeSet::new();
        for (index, rule) in (0..).zip(rules) {
            let mut problems = problems(rule);
            if !names.insert(name::fold(&rule.name)) {
                problems.push(RuleProblem::Duplicate);
            }
            for matcher in &rule.body.any_of {
                if let Err(problem) = compiled.index(matcher, index, rule.body.enabled) {
                    problems.push(problem);
                }
            }
            errors.extend(problems.into_iter().map(|problem| RuleError { rule: rule.name.clone(), problem }));
        }
        if errors.is_empty() { Ok(compiled) } else { Err(errors) }
    }

    /// The rules, as they were given.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn index(&mut self, matcher: &Matcher, rule: u32, enabled: bool) -> Result<(), RuleProblem> {
        let Operation::Compound { all_of, none_of } = &matcher.operation else {
            return self.number(matcher, matcher.claim_in(matcher), enabled.then_some(rule)).map(drop);
        };
        let mut all = Vec::with_capacity(all_of.len());
        for part in all_of {
            all.push(self.number(part, part.claim_in(matcher), None)?);
        }
        let mut none = Vec::with_capacity(none_of.len());
        for part in none_of {
            let claim = part.claim_in(matcher);
            none.push(self.number(part, claim, None)?);
            // Of what nobody has told, nobody can say that it does not hold. A group of the same claim tells.
            if !all_of.iter().any(|part| part.claim_in(matcher) == claim) {
                all.push(self.told_number(claim)?);
            }
        }
        if enabled {
            self.compounds.push(Compound { rule, all, none });
        }
        Ok(())
    }

    fn next(&mut self, rule: Option<u32>) -> Result<u32, RuleProblem> {
        let number = u32::try_from(self.plain.len()).map_err(|_| RuleProblem::TooMany)?;
        self.plain.push(rule);
        Ok(number)
    }

    /// Gives a plain matcher its number.
    fn number(&mut self, matcher: &Matcher, claim: &str, rule: Option<u32>) -> Result<u32, RuleProblem> {
        let number = self.next(rule)?;
        let index = self.claims.entry(claim.to_owned()).or_default();
        match matcher.operation.exact_values() {
            Some(values) if matcher.ignore_case => {
                for value in values {
                    index.folded.entry(name::fold(value)).or_default().push(number);
                }
            }
            Some(values) => {
                for value in values {
                    index.exact.entry(value.nfc().collect()).or_default().push(number);
                }
            }
            None => index.broad.push((matcher::Broad::compile(matcher)?, number)),
        }
        Ok(number)
    }

    fn told_number(&mut self, claim: &str) -> Result<u32, RuleProblem> {
        if let Some(number) = self.told(claim) {
            return Ok(number);
        }
        let number = self.next(None)?;
        self.claims.entry(claim.to_owned()).or_default().told = Some(number);
        Ok(number)
    }

    /// The claims that the rules read, enabled or not; empty for the connection's own.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        self.claims.keys().map(String::as_str)
    }

    /// Whether a rule reads this claim.
    #[must_use]
    pub fn reads(&self, claim: &str) -> bool {
        self.claims.contains_key(claim)
    }

    /// The number that whoever's list of this claim is known meets, if anything asks for that.
    #[must_use]
    pub fn told(&self, claim: &str) -> Option<u32> {
        self.claims.get(claim)?.told
    }

    /// The numbers of the matchers that a group of this claim meets.
    #[must_use]
    pub fn met(&self, claim: &str, value: &str) -> Vec<u32> {
        let Some(index) = self.claims.get(claim) else { return Vec::new() };
        let normal: String = value.nfc().collect();
        let folded = name::fold(value);
        let exact = index.exact.get(&normal).into_iter().flatten();
        let loose = index.folded.get(&folded).into_iter().flatten();
        let broad = index.broad.iter().filter(|(broad, _)| broad.meets(&normal, &folded)).map(|(_, number)| number);
        exact.chain(loose).chain(broad).copied().collect()
    }

    /// Whether any rule applies to whoever has these lists.
    #[must_use]
    pub fn any_applies(&self, lists: &[Listed<'_>]) -> bool {
        self.applying(&Met::of(self, lists).all).next().is_some()
    }

    /// The places of the rules that apply to whoever's groups meet these matchers, which are ascending; a place may come
    /// twice.
    pub fn applying<'a>(&'a self, met: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
        let plain = met.iter().filter_map(|number| *self.plain.get(usize::try_from(*number).ok()?)?);
        plain.chain(self.compounds.iter().filter(|compound| compound.is_met(met)).map(|compound| compound.rule))
    }

    fn rule(&self, place: u32) -> Option<&Rule> {
        self.rules.get(usize::try_from(place).ok()?)
    }

    /// The groups that make a rule apply: those that meet one of its plain matchers, or a part of a compound one that is met.
    fn reasons(&self, place: u32, met: &[u32], of_group: &[u32]) -> bool {
        let plain = |number: &u32| usize::try_from(*number).ok().and_then(|at| *self.plain.get(at)?) == Some(place);
        let compound = |compound: &Compound| {
            compound.rule == place && compound.is_met(met) && compound.all.iter().any(|part| of_group.contains(part))
        };
        of_group.iter().any(plain) || self.compounds.iter().any(compound)
    }
}

impl Compound {
    fn is_met(&self, met: &[u32]) -> bool {
        let is_met = |part: &u32| met.binary_search(part).is_ok();
        self.all.iter().all(is_met) && !self.none.iter().any(is_met)
    }
}

/// What the groups of one identity meet, one by one and together.
struct Met<'a> {
    groups: Vec<(&'a str, &'a String, Vec<u32>)>,
    /// Ascending.
    all: Vec<u32>,
}

impl<'a> Met<'a> {
    fn of(rules: &CompiledRules, lists: &[Listed<'a>]) -> Self {
        let groups_of = |list: &Listed<'a>| {
            let (claim, groups) = (list.claim, list.groups);
            groups.iter().map(move |value| (claim, value, rules.met(claim, value)))
        };
        let groups: Vec<(&str, &String, Vec<u32>)> = lists.iter().flat_map(groups_of).collect();
        let told = lists.iter().filter(|list| list.known).filter_map(|list| rules.told(list.claim));
        let mut all: Vec<u32> = groups.iter().flat_map(|(_, _, numbers)| numbers).copied().chain(told).collect();
        all.sort_unstable();
        all.dedup();
        Self { groups, all }
    }
}

/// What the groups of one identity earn: the union over all rules that they meet. Pure, and the same in any order.
#[must_use]
pub fn evaluate(rules: &CompiledRules, lists: &[Listed<'_>]) -> Grants {
    let mut grants = Grants::default();
    each_applying(rules, lists, |rule, because| {
        grants.add_account(rule.body.account_role, because);
        for grant in &rule.body.grants {
            grants.roles.entry(grant.clone()).or_default().insert(because.clone());
        }
    });
    grants
}

/// The rules that apply to whoever has these groups, each with every group that makes it.
#[must_use]
pub fn applying(rules: &CompiledRules, lists: &[Listed<'_>]) -> BTreeSet<Because> {
    let mut all = BTreeSet::new();
    each_applying(rules, lists, |_, because| {
        all.insert(because.clone());
    });
    all
}

fn each_applying(rules: &CompiledRules, lists: &[Listed<'_>], mut tell: impl FnMut(&Rule, &Because)) {
    let met = Met::of(rules, lists);
    for place in rules.applying(&met.all).collect::<BTreeSet<u32>>() {
        let Some(rule) = rules.rule(place) else { continue };
        for (claim, value, _) in met.groups.iter().filter(|(_, _, numbers)| rules.reasons(place, &met.all, numbers)) {
            let (claim, value) = ((*claim).to_owned(), (*value).clone());
            tell(rule, &Because { rule: rule.id, rule_name: rule.name.clone(), claim, value });
        }
    }
}

impl Grants {
    /// Adds what another evaluation earned.
    pub fn join(&mut self, other: Self) {
        for (role, reasons) in other.roles {
            self.roles.entry(role).or_default().extend(reasons);
        }
        if let Some((role, reasons)) = other.account {
            for because in reasons {
                self.add_account(role, &because);
            }
        }
    }

    /// Whether a group of this claim earned any of it.
    #[must_use]
    pub fn rests_on(&self, claim: &str) -> bool {
        let account = self.account.iter().map(|(_, reasons)| reasons);
        account.chain(self.roles.values()).flatten().any(|because| because.claim == claim)
    }

    /// The highest account role wins; its reasons are those of the rules that give it.
    fn add_account(&mut self, role: AccountRole, because: &Because) {
        match &mut self.account {
            Some((held, _)) if *held > role => {}
            Some((held, reasons)) if *held == role => {
                reasons.insert(because.clone());
            }
            lower => *lower = Some((role, BTreeSet::from([because.clone()]))),
        }
    }
}
