use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::error::ScimType;
use crate::schema::{Type, USER_TYPE};

fn user() -> serde_json::Map<String, Value> {
    let value = json!({
        "id": "u1", "externalId": "Ext-1", "userName": "Ana@Acme.test", "displayName": "50% Ána_R", "active": true,
        "name": {"familyName": "Ruiz", "givenName": "Ana"},
        "emails": [{"value": "ana@acme.test", "type": "work", "primary": true}, {"value": "a@home.test", "type": "home"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D", "manager": {"value": "m1"}},
        "meta": {"resourceType": "User", "created": "2026-01-01T00:00:00Z", "lastModified": "2026-03-01T10:00:00.5Z"}
    });
    value.as_object().cloned().unwrap()
}

fn parsed(text: &str) -> Filter {
    Filter::parse(&USER_TYPE, text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn assert_matches(rows: &[(&str, bool)]) {
    let resource = user();
    for (text, expected) in rows {
        assert_eq!(parsed(text).matches(&resource), *expected, "{text}");
    }
}

#[test]
fn every_operator_by_the_type_and_case_rule_of_its_attribute() {
    assert_matches(&[
        (r#"userName eq "ana@acme.test""#, true),
        (r#"USERNAME EQ "ANA@ACME.TEST""#, true),
        (r#"externalId eq "Ext-1""#, true),
        (r#"externalId eq "ext-1""#, false),
        (r#"id eq "U1""#, false),
        (r#"userName ne "ana@acme.test""#, false),
        (r#"title ne "x""#, true),
        (r#"title eq null"#, true),
        (r#"userName ne null"#, true),
        (r#"userName co "@acme""#, true),
        (r#"userName sw "ana""#, true),
        (r#"userName ew ".TEST""#, true),
        (r#"displayName sw "50%""#, true),
        (r#"userName co "%""#, false),
        (r#"displayName co "_r""#, true),
        (r#"userName co "_""#, false),
        (r#"displayName co "ÁNA""#, true),
        (r#"userName gt "aaa""#, true),
        (r#"userName lt "aaa""#, false),
        (r#"userName ge "ana@acme.test""#, true),
        (r#"userName le "ana@acme.test""#, true),
        (r#"title gt "a""#, false),
        ("active eq true", true),
        (r#"active eq "False""#, false),
        ("name pr", true),
        ("name.givenName pr", true),
        ("name.middleName pr", false),
        ("emails pr", true),
        ("phoneNumbers pr", false),
        (r#"meta.lastModified gt "2026-03-01T11:30:00+02:00""#, true),
        (r#"meta.lastModified eq "2026-03-01T10:00:00.5000000Z""#, true),
    ]);
}

#[test]
fn every_form_that_clients_send() {
    assert_matches(&[
        (r#"emails co "home.test""#, true),
        (r#"emails.value eq "A@HOME.test""#, true),
        (r#"emails[type eq "work" and value eq "ana@acme.test"]"#, true),
        (r#"emails[type eq "work" and value eq "a@home.test"]"#, false),
        (r#"emails.type eq "work" and emails.value eq "a@home.test""#, true),
        (r#"emails[type eq "work"].value eq "ana@acme.test""#, true),
        (r#"emails[type eq "work"].value eq "a@home.test""#, false),
        (r#"emails[type eq "work" or type eq "home"].value eq "a@home.test""#, true),
        (r#"emails[primary eq true].value ew "test""#, true),
        (r#"emails[primary eq "True"].value pr"#, true),
        (r#"emails[not (type eq "work")]"#, true),
        (r#"emails ne "ana@acme.test""#, false),
        (r#"name[familyName eq "ruiz"]"#, true),
        (r#"manager eq "m1""#, true),
        (r#"id eq "u1" and manager eq "m1""#, true),
        (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "r&d""#, true),
        (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager.value eq "m1""#, true),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "ana""#, true),
        (
            r#"ActiVe eq true and (meta.lastModified ge "2026-01-01T00:00:00.0000000Z" and meta.lastModified le "2026-12-01T00:00:00.0000000Z")"#,
            true,
        ),
        // not binds tighter than and, and tighter than or
        (r#"userName eq "x" and title pr or active eq true"#, true),
        (r#"userName eq "x" and (title pr or active eq true)"#, false),
        (r#"not (userName eq "x") and active eq true"#, true),
        (r#"not(title pr)and(active eq true)"#, true),
        (r#"userName eq "\u0061na@acme.test""#, true),
        (r#"  userName   eq   "ana@acme.test"  "#, true),
    ]);
}

#[test]
fn a_quote_in_a_value_is_escaped() {
    let mut resource = user();
    resource.insert("displayName".into(), json!(r#"a "b" \ c"#));
    assert!(parsed(r#"displayName eq "a \"b\" \\ c""#).matches(&resource));
}

#[test]
fn bad_filters_are_refused_with_their_position() {
    for (text, needle) in [
        ("", "character 1: an attribute name"),
        ("userName", "character 9: an operator"),
        ("userName like \"x\"", "character 10: an operator"),
        ("userName eq", "character 12: `userName` compares with text"),
        ("userName eq x", "character 13: `userName` compares with text"),
        ("userName eq 5", "character 13"),
        ("userName eq \"x", "character 13: the text in double quotes"),
        ("userName eq \"\\u0000\"", "U+0000"),
        ("nonsense eq \"x\"", "character 1: attribute `nonsense` is not known"),
        ("active gt true", "character 11: `active` takes only"),
        ("active eq \"maybe\"", "`active` takes only"),
        ("active co \"t\"", "`active` takes only"),
        ("meta.created co \"2026\"", "`created` takes eq"),
        ("meta.created gt \"yesterday\"", "an instant such as"),
        ("userName gt null", "compares with text"),
        ("x509Certificates.value gt \"a\"", "takes only"),
        ("name eq \"x\"", "is an object"),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr", "is not known"),
        ("not title pr", "character 5: `not` needs parentheses"),
        ("(title pr", "character 10: `)`"),
        ("title pr)", "character 9: nothing more"),
        ("title pr and", "character 13: an attribute name"),
        ("emails[type eq \"work\"", "character 22: `]`"),
        ("emails[nonsense pr]", "character 8"),
        ("emails[type pr].nonsense pr", "character 17"),
        ("emails[value[type pr]]", "no parts"),
        ("userName[value pr]", "no parts"),
        ("naïve pr", "character 1"),
        ("title eq \"é\" xx", "character 14"),
    ] {
        let error = Filter::parse(&USER_TYPE, text).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)), "{text}");
        assert!(error.detail.contains(needle), "{text}: {}", error.detail);
    }
}

#[test]
fn passwords_cannot_be_searched_for() {
    for text in ["password eq \"x\"", "password pr", "active eq true and not (PassWord sw \"a\")"] {
        let error = Filter::parse(&USER_TYPE, text).unwrap_err();
        assert_eq!((error.status, error.scim_type), (403, Some(ScimType::Sensitive)));
    }
}

#[test]
fn length_depth_and_terms_are_bounded() {
    let deep = |levels: usize| format!("{}title pr{}", "(".repeat(levels), ")".repeat(levels));
    assert!(Filter::parse(&USER_TYPE, &deep(MAX_FILTER_DEPTH)).is_ok());
    assert!(Filter::parse(&USER_TYPE, &deep(MAX_FILTER_DEPTH + 1)).is_err());
    assert!(Filter::parse(&USER_TYPE, &deep(2000)).is_err());
    let beside = |groups: usize| vec!["(title pr)"; groups].join(" and ");
    assert!(Filter::parse(&USER_TYPE, &beside(MAX_FILTER_DEPTH * 2)).is_ok());
    let wide = |terms: usize| vec!["title pr"; terms].join(" or ");
    assert!(Filter::parse(&USER_TYPE, &wide(MAX_TERMS)).is_ok());
    assert!(Filter::parse(&USER_TYPE, &wide(MAX_TERMS + 1)).is_err());
    let long = format!("title eq \"{}\"", "x".repeat(MAX_FILTER));
    assert!(Filter::parse(&USER_TYPE, &long).unwrap_err().detail.contains("longer than"));
}

#[test]
fn index_keys_are_recognised() {
    let id = || Lookup::Id("u1".into());
    let email = || Lookup::Email("n@acme.test".into());
    for (text, keys, complete) in [
        (r#"userName eq "Ana""#, vec![Lookup::UserName("Ana".into())], true),
        (r#"externalId eq "e""#, vec![Lookup::ExternalId("e".into())], true),
        (r#"id eq "u1""#, vec![id()], true),
        (r#"emails eq "n@acme.test""#, vec![email()], true),
        (r#"emails.value eq "n@acme.test""#, vec![email()], true),
        (r#"emails[value eq "n@acme.test"]"#, vec![email()], true),
        (r#"emails[type eq "work"].value eq "n@acme.test""#, vec![email()], false),
        (r#"emails[type eq "work" and value eq "n@acme.test"]"#, vec![email()], false),
        (r#"emails[value eq "n@acme.test" and value eq "n@acme.test"]"#, vec![email(), email()], false),
        (r#"id eq "u1" and emails.value eq "n@acme.test""#, vec![id(), email()], true),
        (r#"id eq "u1" and manager eq "m1""#, vec![id()], false),
        (r#"id eq "u1" and (active eq true and emails.value eq "n@acme.test")"#, vec![id(), email()], false),
        (r#"id eq "u1" and (title pr or userName eq "x")"#, vec![id()], false),
    ] {
        let narrowing = parsed(text).narrowing().unwrap();
        assert_eq!(narrowing, Narrowing { keys, complete }, "{text}");
    }
    for text in [
        r#"userName sw "a""#,
        r#"userName ne "a""#,
        r#"not (userName eq "a")"#,
        r#"userName eq "a" or userName eq "b""#,
        "active eq true",
        "userName eq null",
        r#"phoneNumbers.value eq "n@acme.test""#,
        r#"emails.type eq "work""#,
    ] {
        assert_eq!(parsed(text).narrowing(), None, "{text}");
    }
}

fn within(attribute: &'static crate::schema::Attribute) -> AttributePath {
    AttributePath { extension: None, attribute, sub: None }
}

/// Every comparison that the grammar allows for `path`.
fn tests_of(path: AttributePath) -> BoxedStrategy<Filter> {
    let equality = prop_oneof![Just(Operator::Equal), Just(Operator::NotEqual)];
    let any_operator = proptest::sample::select(Operator::ALL.map(|(operator, _)| operator).to_vec());
    let instants =
        (-62_000_000_000_i64..=250_000_000_000).prop_map(|s| Literal::Instant(Timestamp::from_second(s).unwrap()));
    let present = Just(Filter::Present(path)).boxed();
    let compare = move |(operator, literal)| Filter::Compare { path, operator, literal };
    let null = (equality.clone(), Just(Literal::Null)).prop_map(compare).boxed();
    let typed = match path.leaf().kind {
        Type::Complex => return present,
        Type::String | Type::Reference => {
            (any_operator, "[^\0]{0,6}".prop_map(Literal::Text)).prop_map(compare).boxed()
        }
        Type::Binary => (equality, "[A-Z]{0,6}".prop_map(Literal::Text)).prop_map(compare).boxed(),
        Type::Boolean => (equality, any::<bool>().prop_map(Literal::Boolean)).prop_map(compare).boxed(),
        Type::DateTime => (
            proptest::sample::select(vec![
                Operator::Equal,
                Operator::NotEqual,
                Operator::Greater,
                Operator::GreaterOrEqual,
                Operator::Less,
                Operator::LessOrEqual,
            ]),
            instants,
        )
            .prop_map(compare)
            .boxed(),
    };
    prop_oneof![present, null, typed].boxed()
}

fn tree(leaf: BoxedStrategy<Filter>) -> BoxedStrategy<Filter> {
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
    .boxed()
}

fn filters() -> BoxedStrategy<Filter> {
    let paths = [
        "userName",
        "externalId",
        "active",
        "name",
        "name.givenName",
        "emails",
        "emails.primary",
        "meta.created",
        "profileUrl",
        "x509Certificates.value",
        "manager.value",
        "department",
        "schemas",
    ];
    let tests =
        proptest::sample::select(paths.to_vec()).prop_flat_map(|text| match crate::path::resolve(&USER_TYPE, text) {
            Some(crate::path::Named::Attribute(path)) => tests_of(path),
            other => panic!("{text}: {other:?}"),
        });
    let elements = proptest::sample::select(vec!["emails", "photos", "name"]).prop_flat_map(|name| {
        let attribute = USER_TYPE.attribute(name).unwrap();
        let inner = proptest::sample::select(attribute.sub_attributes)
            .prop_flat_map(|sub| tests_of(within(USER_TYPE.attribute(name).unwrap().sub(sub.name).unwrap())));
        tree(inner.boxed())
            .prop_map(move |filter| Filter::Element { path: within(attribute), filter: Box::new(filter) })
    });
    tree(prop_oneof![3 => tests, 1 => elements].boxed())
}

proptest! {
    #[test]
    fn printed_and_read_again_is_equal(filter in filters()) {
        let text = filter.to_string();
        prop_assume!(text.len() <= MAX_FILTER);
        prop_assert_eq!(Filter::parse(&USER_TYPE, &text).unwrap(), filter, "{}", text);
    }

    #[test]
    fn any_text_is_answered(text in ".{0,120}") {
        let _ = Filter::parse(&USER_TYPE, &text);
    }

    #[test]
    fn near_misses_are_answered(words in proptest::collection::vec(proptest::sample::select(vec![
        "userName", "emails", "[", "]", ".value", "(", ")", "and", "or", "not", "eq", "pr", "\"x\"", "true", "null", "\"", "\\", " "]), 0..16)) {
        let text = words.join(" ");
        if let Ok(filter) = Filter::parse(&USER_TYPE, &text) {
            prop_assert_eq!(Filter::parse(&USER_TYPE, &filter.to_string()).unwrap(), filter);
        }
    }

    #[test]
    fn keys_are_necessary_and_if_complete_sufficient(filter in filters()) {
        // The oracle reads the document by hand, apart from the evaluator.
        let resource = user();
        if let Some(narrowing) = filter.narrowing() {
            let found = narrowing.keys.iter().all(|key| match key {
                Lookup::Id(id) => id == "u1",
                Lookup::UserName(name) => name.eq_ignore_ascii_case("ana@acme.test"),
                Lookup::ExternalId(id) => id == "Ext-1",
                Lookup::Email(email) => ["ana@acme.test", "a@home.test"].iter().any(|known| email.eq_ignore_ascii_case(known)),
            });
            let matched = filter.matches(&resource);
            prop_assert!(!matched || found);
            prop_assert!(!narrowing.complete || matched == found);
        }
    }
}
