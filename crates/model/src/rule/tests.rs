use super::*;
use crate::chance::Random;
use crate::time::Timestamp;
use proptest::prelude::*;
use serde_json::json;

struct Numbered(u8);
impl Random for Numbered {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn rule(number: u8, body: serde_json::Value) -> Rule {
    let id = RuleId::new(Timestamp::from_seconds(1), &Numbered(number));
    Rule { id, name: format!("rule {number}"), body: serde_json::from_value(body).unwrap() }
}

fn grants(rules: &[Rule], groups: &[&str]) -> Grants {
    let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
    evaluate(&CompiledRules::compile(rules).unwrap(), &groups)
}

/// Whether one matcher meets one group.
fn meets(matcher: serde_json::Value, group: &str) -> bool {
    let body = json!({"any_of": [matcher], "grants": [{"service": "registry", "role": "user"}]});
    !grants(&[rule(1, body)], &[group]).roles.is_empty()
}

#[test]
fn each_operation_meets_what_it_says() {
    let decomposed = "Ecole\u{301}";
    for (matcher, group, expected) in [
        (json!({"equals": "NGC_AIE_PR_Admin"}), "NGC_AIE_PR_Admin", true),
        (json!({"equals": "NGC_AIE_PR_Admin"}), "NGC_AIE_PR_admin", false),
        (json!({"equals": "NGC_AIE_PR_Admin"}), " NGC_AIE_PR_Admin", false),
        (json!({"equals": "NGC_AIE_PR_Admin"}), "NGC_AIE_PR_Admin,other", false),
        (json!({"equals": "Ecolé"}), decomposed, true),
        (json!({"equals": "ÉCOLE", "ignore_case": true}), "e\u{301}cole", true),
        (json!({"equals": "ÉCOLE"}), "école", false),
        (json!({"one_of": ["a", "b"]}), "b", true),
        (json!({"one_of": ["a", "b"]}), "c", false),
        (json!({"one_of": ["A"], "ignore_case": true}), "a", true),
        (json!({"external_id": "5f0c-11"}), "5f0c-11", true),
        (json!({"external_id": "5f0c-11"}), "5f0c-1", false),
        (json!({"starts_with": "ml-"}), "ml-vision", true),
        (json!({"starts_with": "ml-"}), "ML-vision", false),
        (json!({"starts_with": "ML-", "ignore_case": true}), "ml-vision", true),
        (json!({"ends_with": "-admins"}), "ml-admins", true),
        (json!({"ends_with": "-admins"}), "ml-admins-not", false),
        (json!({"ends_with": "-ADMINS", "ignore_case": true}), "ml-admins", true),
        (json!({"regex": "ml-\\w+"}), "ml-vision", true),
        (json!({"regex": "admin"}), "not-admins", false),
        (json!({"regex": "a|b"}), "ab", false),
        (json!({"regex": "a|b"}), "b", true),
        (json!({"regex": "admin"}), "admin\n", false),
        (json!({"regex": "(?m)admin"}), "x\nadmin", false),
        (json!({"regex": "ADMIN", "ignore_case": true}), "admin", true),
        (json!({"regex": "Ecolé"}), decomposed, true),
    ] {
        assert_eq!(meets(matcher.clone(), group), expected, "{matcher} {group:?}");
    }
}

#[test]
fn rules_are_written_as_in_the_declarative_state() {
    let text = "{any_of: [{equals: NGC_AIE_PR_Admin}], account_role: member,
                 grants: [{service: registry, role: admin}, {team: vision, service: catalog, role: read}]}";
    let body: RuleBody = serde_saphyr::from_str(text).unwrap();
    assert_eq!(body.any_of, [Matcher { operation: Operation::Equals("NGC_AIE_PR_Admin".into()), ignore_case: false }]);
    assert_eq!(body.grants[1].team.as_deref(), Some("vision"));
    let written = json!({
        "any_of": [{"equals": "NGC_AIE_PR_Admin"}],
        "account_role": "member",
        "grants": [{"service": "registry", "role": "admin"}, {"team": "vision", "service": "catalog", "role": "read"}],
    });
    assert_eq!(serde_json::to_value(&body).unwrap(), written);
    let folded = json!({"one_of": ["a"], "ignore_case": true});
    let matcher: Matcher = serde_json::from_value(folded.clone()).unwrap();
    assert_eq!(serde_json::to_value(matcher).unwrap(), folded);
}

#[test]
fn what_is_written_otherwise_is_refused() {
    for (text, expected) in [
        (json!({"any_of": [{}]}), "exactly one of"),
        (json!({"any_of": [{"equals": "a", "regex": "b"}]}), "exactly one of"),
        (json!({"any_of": [{"contains": "a"}]}), "contains"),
        (json!({"any_of": [], "grant": []}), "grant"),
        (json!({"any_of": [], "grants": [{"service": "registry"}]}), "role"),
        (json!({"grants": []}), "any_of"),
    ] {
        let error = serde_json::from_value::<RuleBody>(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn every_fault_of_a_rule_is_named() {
    let user = json!([{"service": "registry", "role": "user"}]);
    let admin = json!([{"role": "user_admin"}]);
    let problem = |body| match CompiledRules::compile(&[rule(1, body)]) {
        Ok(_) => panic!("it compiled"),
        Err(errors) => errors.into_iter().next().unwrap().problem,
    };
    assert_eq!(problem(json!({"any_of": [], "grants": user})), RuleProblem::NoMatcher);
    assert_eq!(problem(json!({"any_of": [{"starts_with": ""}], "grants": user})), RuleProblem::EmptyValue);
    assert_eq!(problem(json!({"any_of": [{"one_of": []}], "grants": user})), RuleProblem::EmptyValue);
    assert_eq!(
        problem(json!({"any_of": [{"equals": "a"}], "grants": [{"service": "registry", "role": ""}]})),
        RuleProblem::EmptyGrant
    );
    assert_eq!(
        problem(json!({"any_of": [{"equals": "a"}], "grants": [{"service": "registry", "role": "owner"}]})),
        RuleProblem::Owner
    );
    assert_eq!(
        problem(json!({"any_of": [{"equals": "a"}], "grants": [{"service": "registry", "role": "user_admin"}]})),
        RuleProblem::UserAdminService
    );
    assert_eq!(
        problem(json!({"any_of": [{"equals": "a"}], "account_role": "owner", "grants": user})),
        RuleProblem::Owner
    );
    for unbounded in
        [json!({"none_of": [{"equals": "a"}]}), json!({"all_of": [{"equals": "a"}, {"all_of": [{"equals": "b"}]}]})]
    {
        assert_eq!(problem(json!({"any_of": [unbounded], "grants": user})), RuleProblem::Unbounded);
    }
    for broad in [
        json!({"all_of": [{"equals": "a"}], "none_of": [{"starts_with": "b"}]}),
        json!({"starts_with": "a"}),
        json!({"ends_with": "a"}),
        json!({"regex": "a"}),
    ] {
        // One broad matcher beside an exact one suffices to make admins of strangers.
        assert_eq!(problem(json!({"any_of": [{"equals": "b"}, broad], "grants": admin})), RuleProblem::BroadUserAdmin);
    }
    for expression in ["(", "a)|(?:b", "\\w{1000}{1000}", "(?<x>a)(?<x>b)"] {
        assert!(
            matches!(problem(json!({"any_of": [{"regex": expression}], "grants": user})), RuleProblem::Regex(..)),
            "{expression}"
        );
    }
    let exact = json!({"any_of": [{"equals": "a"}, {"one_of": ["b"]}, {"external_id": "c"}], "grants": admin});
    let made = grants(&[rule(1, exact)], &["c"]);
    assert_eq!(
        made.roles.keys().map(|grant| (grant.service.as_str(), grant.role.as_str())).collect::<Vec<_>>(),
        [("gateway", "user_admin")]
    );
}

#[test]
fn two_rules_of_one_name_are_refused_and_all_faults_are_listed() {
    let one = rule(1, json!({"any_of": [{"equals": "a"}]}));
    let two = Rule { name: "Rule 1".to_owned(), ..rule(2, json!({"any_of": [{"regex": "("}]})) };
    let errors = CompiledRules::compile(&[one, two]).unwrap_err();
    let problems: Vec<_> = errors.iter().map(|error| (error.rule.as_str(), &error.problem)).collect();
    assert!(
        matches!(problems.as_slice(), [("Rule 1", RuleProblem::Duplicate), ("Rule 1", RuleProblem::Regex(..))]),
        "{problems:?}"
    );
    assert!(errors[0].to_string().contains("another rule has this name"));
}

#[test]
fn the_union_says_why() {
    let rules = [
        rule(
            1,
            json!({"any_of": [{"equals": "a"}, {"starts_with": "a"}], "grants": [{"service": "registry", "role": "user"}]}),
        ),
        rule(
            2,
            json!({"any_of": [{"equals": "b"}], "account_role": "admin",
                       "grants": [{"service": "registry", "role": "user"}, {"team": "vision", "service": "registry", "role": "admin"}]}),
        ),
    ];
    let earned = grants(&rules, &["a", "b", "a", "ab", "c"]);
    let because = |rule: usize, value: &str| Because {
        rule: rules[rule].id,
        rule_name: rules[rule].name.clone(),
        value: value.to_owned(),
    };
    let grant = |team: Option<&str>, role: &str| RuleGrant {
        team: team.map(str::to_owned),
        service: "registry".into(),
        role: role.into(),
    };
    assert_eq!(earned.account, Some((AccountRole::Admin, BTreeSet::from([because(1, "b")]))));
    assert_eq!(
        earned.roles,
        BTreeMap::from([
            (grant(None, "user"), BTreeSet::from([because(0, "a"), because(0, "ab"), because(1, "b")])),
            (grant(Some("vision"), "admin"), BTreeSet::from([because(1, "b")])),
        ])
    );
    assert_eq!(grants(&rules, &[]), Grants::default());
    assert_eq!(grants(&rules, &["registry", "user", "A"]), Grants::default());
}

#[test]
fn too_many_or_too_long_groups_are_no_complete_list() {
    let groups = |count, length| vec!["g".repeat(length); count];
    assert_eq!(GroupClaims::of(groups(2_000, 512)), GroupClaims::Present(groups(2_000, 512)));
    assert_eq!(GroupClaims::of(groups(2_001, 1)), GroupClaims::Overage);
    assert_eq!(GroupClaims::of(groups(1, 513)), GroupClaims::Overage);
    assert_eq!(GroupClaims::of(Vec::new()), GroupClaims::Present(Vec::new()));
}

/// The oracle: each rule, each matcher, each group, by the words of the specification.
fn naive(rules: &[Rule], groups: &[String]) -> Grants {
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
    let some = |matcher: &Matcher| groups.iter().any(|group| plain(matcher, group));
    let meets = |matcher: &Matcher, group: &str| {
        let Operation::Compound { all_of, none_of } = &matcher.operation else { return plain(matcher, group) };
        all_of.iter().all(some) && !none_of.iter().any(some) && all_of.iter().any(|part| plain(part, group))
    };
    let mut earned = Grants::default();
    let mut highest = None;
    let mut accounts = Vec::new();
    for rule in rules {
        for group in groups {
            if rule.body.enabled && rule.body.any_of.iter().any(|matcher| meets(matcher, group)) {
                let because = Because { rule: rule.id, rule_name: rule.name.clone(), value: group.clone() };
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
    (operation, any::<bool>()).prop_map(|(operation, ignore_case)| Matcher { operation, ignore_case })
}

fn any_matcher() -> impl Strategy<Value = Matcher> {
    let parts = |least| proptest::collection::vec(any_plain(), least..3);
    let compound = (parts(1), parts(0)).prop_map(|(all_of, none_of)| Matcher {
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
    fn the_index_finds_what_the_naive_loop_finds(rules in any_rules(), groups in any_groups()) {
        let compiled = CompiledRules::compile(&rules).unwrap();
        prop_assert_eq!(evaluate(&compiled, &groups), naive(&rules, &groups));
    }

    #[test]
    fn the_order_of_rules_and_groups_does_not_matter(
        (rules, shuffled) in any_rules().prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle())),
        (groups, mixed) in any_groups().prop_flat_map(|groups| (Just(groups.clone()), Just(groups).prop_shuffle())),
    ) {
        let one = evaluate(&CompiledRules::compile(&rules).unwrap(), &groups);
        let other = evaluate(&CompiledRules::compile(&shuffled).unwrap(), &mixed);
        prop_assert_eq!(one, other);
    }

    #[test]
    fn another_group_never_takes_anything_away(
        rules in rules_of(any_plain()), groups in any_groups(), more in "[abAB]{1,3}",
    ) {
        let rules = CompiledRules::compile(&rules).unwrap();
        let before = evaluate(&rules, &groups);
        let after = evaluate(&rules, &[groups, vec![more]].concat());
        for (grant, reasons) in &before.roles {
            prop_assert!(after.roles.get(grant).is_some_and(|all| all.is_superset(reasons)));
        }
        prop_assert!(after.account.map(|(role, _)| role) >= before.account.map(|(role, _)| role));
    }

    #[test]
    fn any_text_compiles_or_is_refused(expression in "\\PC{0,20}", group in "\\PC{0,20}") {
        let body = RuleBody {
            enabled: true,
            any_of: vec![Matcher { operation: Operation::Regex(expression), ignore_case: true }],
            account_role: AccountRole::Member,
            grants: Vec::new(),
        };
        if let Ok(rules) = CompiledRules::compile(&[Rule { body, ..rule(1, json!({"any_of": []})) }]) {
            let _ = evaluate(&rules, &[group]);
        }
    }
}
