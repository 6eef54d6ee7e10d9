use super::*;
use crate::chance::Random;
use crate::time::Timestamp;
use serde_json::json;

mod generated;

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
    said(rules, &[("", groups)])
}

/// What claims earn that were all told whole.
fn said(rules: &[Rule], claims: &[(&str, &[&str])]) -> Grants {
    let lists = claims.iter().map(|(claim, groups)| {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        Told { claim: (*claim).to_owned(), groups, known: true }
    });
    told(&CompiledRules::compile(rules).unwrap(), &lists.collect::<Vec<_>>())
}

#[derive(Clone, Debug)]
struct Told {
    claim: String,
    groups: Vec<String>,
    known: bool,
}

fn listed(lists: &[Told]) -> Vec<Listed<'_>> {
    lists.iter().map(|told| Listed { claim: &told.claim, groups: &told.groups, known: told.known }).collect()
}

fn told(rules: &CompiledRules, lists: &[Told]) -> Grants {
    evaluate(rules, &listed(lists))
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
    assert_eq!(
        body.any_of,
        [Matcher { claim: None, operation: Operation::Equals("NGC_AIE_PR_Admin".into()), ignore_case: false }]
    );
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
    for claim in ["", " ", "/", "a\nb"] {
        let matcher = json!({"all_of": [{"claim": claim, "equals": "a"}]});
        assert_eq!(problem(json!({"any_of": [matcher], "grants": user})), RuleProblem::Claim, "{claim:?}");
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
        claim: String::new(),
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

#[test]
fn a_claim_is_looked_at_where_it_is_named() {
    let role = |role: &str| json!([{"service": "registry", "role": role}]);
    let rules = [
        rule(1, json!({"any_of": [{"equals": "a"}], "grants": role("own")})),
        rule(2, json!({"any_of": [{"claim": "roles", "equals": "a"}], "grants": role("named")})),
        rule(
            3,
            json!({"any_of": [{"claim": "roles", "all_of": [{"equals": "b"}, {"claim": "dept", "starts_with": "ml"}]}],
            "grants": role("both")}),
        ),
    ];
    let roles =
        |claims: &[(&str, &[&str])]| said(&rules, claims).roles.into_keys().map(|grant| grant.role).collect::<Vec<_>>();
    assert_eq!(roles(&[("", &["a", "b", "ml"])]), ["own"]);
    assert_eq!(roles(&[("roles", &["a"])]), ["named"]);
    assert_eq!(roles(&[("dept", &["a", "ml"]), ("roles", &["x"])]), [""; 0]);
    assert_eq!(roles(&[("", &["b"]), ("roles", &["a"]), ("dept", &["ml-vision"])]), ["named"]);
    assert_eq!(roles(&[("roles", &["b"]), ("dept", &["ml-vision"])]), ["both"]);
    let because = said(&rules, &[("roles", &["b"]), ("dept", &["ml-vision"])]).roles;
    let claims: Vec<_> =
        because.values().flatten().map(|because| (because.claim.as_str(), because.value.as_str())).collect();
    assert_eq!(claims, [("dept", "ml-vision"), ("roles", "b")]);
}

#[test]
fn of_a_claim_that_nobody_has_told_nobody_says_that_it_does_not_hold() {
    let none_of = json!({"all_of": [{"equals": "staff"}], "none_of": [{"claim": "status", "equals": "leaver"}]});
    let rules = [rule(1, json!({"any_of": [none_of], "grants": [{"service": "registry", "role": "user"}]}))];
    let compiled = CompiledRules::compile(&rules).unwrap();
    let staff = Told { claim: String::new(), groups: vec!["staff".to_owned()], known: true };
    let status = |groups: &[&str], known| Told {
        claim: "status".to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        known,
    };
    let applies = |lists: &[Told]| compiled.any_applies(&listed(lists));
    assert!(!applies(std::slice::from_ref(&staff)));
    assert!(!applies(&[staff.clone(), status(&[], false)]));
    assert!(applies(&[staff.clone(), status(&[], true)]));
    assert!(applies(&[staff.clone(), status(&["other"], true)]));
    assert!(!applies(&[staff, status(&["leaver"], true)]));
    assert!(!applies(&[status(&[], true)]));
}
