//! Random rules and claims, held against an oracle.

use super::*;
use proptest::prelude::*;

/// The oracle: each rule, each matcher, each group, by the words of the specification.
fn naive(rules: &[Rule], lists: &[Told]) -> Grants {
    let lower = |text: &str| text.to_lowercase();
    let plain = |matcher: &Matcher, group: &str| {
        let same = |one: &str, other: &str| {
            if matcher.ignore_case { lower(one) == lower(other) } else { one == other }
        };
        let edge = |whole: &str, part: &str, start: bool| {
            let (whole, part) =
                if matcher.ignore_case { (lower(whole), lower(part)) } else { (whole.into(), part.into()) };
            if start { whole.starts_with(&part) } else { whole.ends_with(&part) }
        };
        match &matcher.operation {
            Operation::Equals(value) | Operation::ExternalId(value) => same(value, group),
            Operation::OneOf(values) => values.iter().any(|value| same(value, group)),
            Operation::StartsWith(part) => edge(group, part, true),
            Operation::EndsWith(part) => edge(group, part, false),
            // The generated expressions are a letter and a dot: any two-letter group that starts so.
            Operation::Regex(text) => group.chars().count() == 2 && edge(group, text.trim_end_matches('.'), true),
            Operation::Compound { .. } => panic!("a compound inside another"),
        }
    };
    let claim = |part: &Matcher, whole: &Matcher| part.claim.clone().or(whole.claim.clone()).unwrap_or_default();
    let said: Vec<(&str, &str)> =
        lists.iter().flat_map(|told| told.groups.iter().map(|group| (told.claim.as_str(), group.as_str()))).collect();
    let is =
        |part: &Matcher, whole: &Matcher, (of, group): (&str, &str)| claim(part, whole) == of && plain(part, group);
    let some = |part: &Matcher, whole: &Matcher| said.iter().any(|one| is(part, whole, *one));
    // A list of which nothing is known says nothing of what it lacks, unless some other group of it is there.
    let known = |of: &str, all_of: &[Matcher], whole: &Matcher| {
        lists.iter().any(|told| told.claim == of && told.known) || all_of.iter().any(|part| claim(part, whole) == of)
    };
    let meets = |matcher: &Matcher, one: (&str, &str)| {
        let Operation::Compound { all_of, none_of } = &matcher.operation else { return is(matcher, matcher, one) };
        all_of.iter().all(|part| some(part, matcher))
            && none_of.iter().all(|part| known(&claim(part, matcher), all_of, matcher) && !some(part, matcher))
            && all_of.iter().any(|part| is(part, matcher, one))
    };
    let mut earned = Grants::default();
    let mut highest = None;
    let mut accounts = Vec::new();
    for rule in rules {
        for (claim, group) in &said {
            if rule.body.enabled && rule.body.any_of.iter().any(|matcher| meets(matcher, (claim, group))) {
                let (claim, value) = ((*claim).to_owned(), (*group).to_owned());
                let because = Because { rule: rule.id, rule_name: rule.name.clone(), claim, value };
                highest = highest.max(Some(rule.body.account_role));
                accounts.push((rule.body.account_role, because.clone()));
                for grant in &rule.body.grants {
                    earned.roles.entry(grant.clone()).or_default().insert(because.clone());
                }
            }
        }
    }
    earned.account = highest
        .map(|top| (top, accounts.into_iter().filter(|(role, _)| *role == top).map(|(_, because)| because).collect()));
    earned
}

fn any_claim() -> impl Strategy<Value = Option<String>> {
    prop_oneof![2 => Just(None), 1 => Just(Some("x".to_owned())), 1 => Just(Some("y".to_owned()))]
}

/// One list of the connection's own claim, and perhaps one of each other.
fn any_lists() -> impl Strategy<Value = Vec<Told>> {
    let list = |claim: &'static str| {
        (any_groups(), any::<bool>()).prop_map(move |(groups, told)| {
            let known = told || !groups.is_empty();
            Told { claim: claim.to_owned(), groups, known }
        })
    };
    let other = |claim| proptest::option::of(list(claim));
    (list(""), other("x"), other("y")).prop_map(|(own, x, y)| [Some(own), x, y].into_iter().flatten().collect())
}

fn any_plain() -> impl Strategy<Value = Matcher> {
    let text = "[abAB]{1,2}";
    let operation = prop_oneof![
        text.prop_map(Operation::Equals),
        text.prop_map(Operation::ExternalId),
        proptest::collection::vec(text, 1..3).prop_map(Operation::OneOf),
        text.prop_map(Operation::StartsWith),
        text.prop_map(Operation::EndsWith),
        "[abAB]\\.".prop_map(Operation::Regex),
    ];
    (any_claim(), operation, any::<bool>()).prop_map(|(claim, operation, ignore_case)| Matcher {
        claim,
        operation,
        ignore_case,
    })
}

fn any_matcher() -> impl Strategy<Value = Matcher> {
    let parts = |least| proptest::collection::vec(any_plain(), least..3);
    let compound = (any_claim(), parts(1), parts(0)).prop_map(|(claim, all_of, none_of)| Matcher {
        claim,
        operation: Operation::Compound { all_of, none_of },
        ignore_case: false,
    });
    prop_oneof![3 => any_plain(), 1 => compound]
}

fn any_grant() -> impl Strategy<Value = RuleGrant> {
    let team = prop_oneof![Just(None), Just(Some("vision".to_owned()))];
    (team, prop_oneof![Just("registry"), Just("catalog")], prop_oneof![Just("user"), Just("admin")])
        .prop_map(|(team, service, role)| RuleGrant { team, service: service.to_owned(), role: role.to_owned() })
}

fn any_rules() -> impl Strategy<Value = Vec<Rule>> {
    rules_of(any_matcher())
}

fn rules_of(matcher: impl Strategy<Value = Matcher>) -> impl Strategy<Value = Vec<Rule>> {
    let matchers = proptest::collection::vec(matcher, 1..4);
    let body = (proptest::bool::weighted(0.8), matchers, any::<bool>(), proptest::collection::vec(any_grant(), 0..3))
        .prop_map(|(enabled, any_of, admin, grants)| RuleBody {
            enabled,
            any_of,
            account_role: if admin { AccountRole::Admin } else { AccountRole::Member },
            grants,
        });
    proptest::collection::vec(body, 0..6).prop_map(|bodies| {
        let empty = json!({"any_of": []});
        (1..).zip(bodies).map(|(number, body)| Rule { body, ..rule(number, empty.clone()) }).collect()
    })
}

fn any_groups() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[abAB]{1,3}", 0..6)
}

proptest! {
    #[test]
    fn the_index_finds_what_the_naive_loop_finds(rules in any_rules(), lists in any_lists()) {
        let compiled = CompiledRules::compile(&rules).unwrap();
        let earned = told(&compiled, &lists);
        prop_assert_eq!(&earned, &naive(&rules, &lists));
        prop_assert_eq!(compiled.any_applies(&listed(&lists)), earned.account.is_some());
    }

    #[test]
    fn the_order_of_rules_claims_and_groups_does_not_matter(
        (rules, shuffled) in any_rules().prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle())),
        (lists, mixed) in any_lists().prop_flat_map(|lists| (Just(lists.clone()), Just(lists).prop_shuffle())),
        turned in any::<bool>(),
    ) {
        let one = told(&CompiledRules::compile(&rules).unwrap(), &lists);
        let turn = |mut list: Told| {
            if turned { list.groups.reverse(); }
            list
        };
        let mixed: Vec<Told> = mixed.into_iter().map(turn).collect();
        let other = told(&CompiledRules::compile(&shuffled).unwrap(), &mixed);
        prop_assert_eq!(one, other);
    }

    #[test]
    fn another_group_never_takes_anything_away(
        rules in rules_of(any_plain()), lists in any_lists(), more in "[abAB]{1,3}",
    ) {
        let rules = CompiledRules::compile(&rules).unwrap();
        let before = told(&rules, &lists);
        let mut lists = lists;
        lists[0].groups.push(more);
        let after = told(&rules, &lists);
        for (grant, reasons) in &before.roles {
            prop_assert!(after.roles.get(grant).is_some_and(|all| all.is_superset(reasons)));
        }
        prop_assert!(after.account.map(|(role, _)| role) >= before.account.map(|(role, _)| role));
    }

    #[test]
    fn any_text_compiles_or_is_refused(expression in "\\PC{0,20}", group in "\\PC{0,20}") {
        let body = RuleBody {
            enabled: true,
            any_of: vec![Matcher { claim: None, operation: Operation::Regex(expression), ignore_case: true }],
            account_role: AccountRole::Member,
            grants: Vec::new(),
        };
        if let Ok(rules) = CompiledRules::compile(&[Rule { body, ..rule(1, json!({"any_of": []})) }]) {
            let list = Told { claim: String::new(), groups: vec![group], known: true };
            let _ = told(&rules, &[list]);
        }
    }
}
