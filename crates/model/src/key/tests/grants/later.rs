//! A scope that the catalogue gains later reaches personal keys through the holder's roles, and service keys never.

use proptest::prelude::*;

use super::*;
use crate::catalogue::Document;

const FIRST: [&str; 4] = ["read", "read_log", "write", "erase"];

/// A catalogue of one service; its role `all` has every scope and its role `reader` those that begin with `read`.
fn catalogue(scopes: &[&str], alias_of: &str) -> Catalogue {
    let scopes: serde_json::Map<_, _> = scopes
        .iter()
        .map(|scope| {
            let aliases = if *scope == alias_of { vec!["Other Name"] } else { Vec::new() };
            ((*scope).to_owned(), json!({"aliases": aliases}))
        })
        .collect();
    let document: Document = serde_json::from_value(json!({"version": 1, "services": {"printer": {
        "key_kinds": ["personal", "service"], "scopes": scopes,
        "roles": {"all": {"scopes": ["*"]}, "reader": {"scopes": ["read*"]}}
    }}}))
    .unwrap();
    Catalogue::compile(&document).unwrap()
}

fn allowed(catalogue: &Catalogue, specs: &[GrantSpec], holder: Holder<'_>, action: &str) -> bool {
    let question = Question::read(catalogue, "printer", action, None, None).unwrap();
    let org = OrgFacts { name: "acme", enabled: catalogue.services_named(["printer"]) };
    decide(&question, &KeyGrants::load(specs, catalogue), holder, &org).is_ok()
}

proptest! {
    #[test]
    fn a_later_scope_reaches_personal_keys_and_no_service_key(
        asked in proptest::collection::vec(
            proptest::sample::select(&["read", "read_log", "write", "erase", "Other Name", "*"][..]), 1..5),
        later in proptest::sample::select(&["a_first", "read_mail", "zap"][..]),
        role in proptest::sample::select(&["all", "reader"][..]),
    ) {
        let before = catalogue(&FIRST, "write");
        // The numbers of the scopes move, and so does an alias.
        let after = catalogue(&[&FIRST[..], &[later]].concat(), later);
        let asked: Vec<String> = asked.into_iter().map(str::to_owned).collect();
        let every = asked.iter().any(|scope| scope == "*");
        let spec = || vec![GrantSpec { scopes: Some(asked.clone()), ..GrantSpec::whole("printer") }];
        let make = |kind| KeyGrants::check(spec(), &before, "acme", kind).unwrap();

        let service = make(KeyKind::Service);
        prop_assert!(!service[0].scopes.iter().flatten().any(|scope| scope == "*"));
        prop_assert!(!allowed(&after, &service, Holder::Org, later));
        let held = [HeldRole { team: None, service: "printer", role }];
        let (then, now) = (Roles::of_member(&before, held), Roles::of_member(&after, held));
        let personal = make(KeyKind::Personal);
        let role_has_it = role == "all" || later.starts_with("read");
        prop_assert_eq!(allowed(&after, &personal, Holder::Person(&now), later), every && role_has_it);
        // A key of the whole service follows the roles.
        let whole = [GrantSpec::whole("printer")];
        prop_assert_eq!(allowed(&after, &whole, Holder::Person(&now), later), role_has_it);

        // What was there before is as it was.
        for scope in FIRST {
            let was = allowed(&before, &service, Holder::Org, scope);
            prop_assert_eq!(was, every || asked.iter().any(|name| name == scope || (name == "Other Name" && scope == "write")));
            prop_assert_eq!(allowed(&after, &service, Holder::Org, scope), was);
            let was = allowed(&before, &personal, Holder::Person(&then), scope);
            prop_assert_eq!(allowed(&after, &personal, Holder::Person(&now), scope), was);
            // Never more than the person, at any time.
            prop_assert!(!was || allowed(&before, &whole, Holder::Person(&then), scope));
        }
    }
}
