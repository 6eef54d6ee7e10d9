//! The groups among the claims. A list that is not there, one that is empty and one that was cut are three things.

use std::collections::HashSet;

use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization as _;

use super::GroupsClaim;
use crate::connector::GroupClaims;

/// More groups than this, or one longer than this many bytes, counts as overage.
const GROUPS_MOST: usize = 2_000;
const BYTES_MOST: usize = 512;
/// The claim of which `hasgroups` speaks.
const GROUPS: &str = "groups";

/// The groups in `claims`, as a connection that looks there reads them, and what was odd about them.
#[must_use]
pub fn groups_in(claims: &Map<String, Value>, at: &GroupsClaim) -> (GroupClaims, Vec<String>) {
    let mut remarks = Vec::new();
    let groups = read(claims, at, &mut remarks);
    (groups, remarks)
}

/// The groups in `claims`; what was odd goes to `remarks`.
pub(super) fn read(claims: &Map<String, Value>, at: &GroupsClaim, remarks: &mut Vec<String>) -> GroupClaims {
    let Some(value) = find(claims, at).filter(|value| !value.is_null()) else {
        return if is_cut(claims, at) { GroupClaims::Overage } else { GroupClaims::Missing };
    };
    let values = match value {
        Value::Array(values) => values.as_slice(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            std::slice::from_ref(value)
        }
    };
    gather(values.iter().map(name), at.split, remarks)
}

/// The groups of these names, composed (NFC), each once; a value that is no name is passed over. What was odd goes to
/// `remarks`.
pub(crate) fn gather<'a>(
    values: impl Iterator<Item = Option<&'a str>>,
    at: Option<char>,
    remarks: &mut Vec<String>,
) -> GroupClaims {
    let mut groups = Vec::new();
    let mut seen = HashSet::new();
    for value in values {
        let Some(text) = value else {
            remark(remarks, "a value of the groups claim is no name and was passed over");
            continue;
        };
        for group in split(text, at) {
            let group: String = group.nfc().collect();
            // No database keeps it, and no group of anybody's is called so.
            if group.contains('\0') {
                remark(remarks, "a value of the groups claim is no name and was passed over");
                continue;
            }
            if group.len() > BYTES_MOST || groups.len() == GROUPS_MOST && !seen.contains(&group) {
                remark(remarks, "there are more groups than 2,000, or one is longer than 512 bytes");
                return GroupClaims::Overage;
            }
            if !group.is_empty() && seen.insert(group.clone()) {
                groups.push(group);
            }
        }
    }
    GroupClaims::Present(groups)
}

fn find<'a>(claims: &'a Map<String, Value>, at: &GroupsClaim) -> Option<&'a Value> {
    let Some(pointer) = &at.pointer else {
        return claims.get(at.claim.as_ref()?);
    };
    let (first, rest) = pointer.strip_prefix('/')?.split_once('/').map_or((pointer.get(1..)?, ""), |(f, r)| (f, r));
    let value = claims.get(&first.replace("~1", "/").replace("~0", "~"))?;
    if rest.is_empty() { Some(value) } else { value.pointer(&format!("/{rest}")) }
}

/// Microsoft Entra leaves a claim out when there are too many groups for a token, and says so in one of two ways, the
/// second of which is about `groups` alone. The address that it names for the rest is never asked.
fn is_cut(claims: &Map<String, Value>, at: &GroupsClaim) -> bool {
    let claim = at.outermost().unwrap_or_else(|| GROUPS.to_owned());
    let elsewhere =
        claims.get("_claim_names").and_then(Value::as_object).is_some_and(|names| names.contains_key(&claim));
    let said = claims.get("hasgroups").is_some_and(|said| *said == Value::Bool(true) || said.as_str() == Some("true"));
    elsewhere || said && claim == GROUPS
}

/// The name of one group: text, or an object that has one.
fn name(value: &Value) -> Option<&str> {
    let of = |object: &'static str| value.get(object).and_then(Value::as_str);
    value.as_str().or_else(|| ["name", "id", "displayName", "value"].into_iter().find_map(of))
}

fn split(text: &str, at: Option<char>) -> Vec<&str> {
    match at {
        Some(at) => text.split(at).map(str::trim).collect(),
        None => vec![text],
    }
}

fn remark(remarks: &mut Vec<String>, text: &str) {
    if !remarks.iter().any(|remark| remark == text) {
        remarks.push(text.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn named(claim: &str) -> GroupsClaim {
        GroupsClaim { claim: Some(claim.into()), ..GroupsClaim::default() }
    }

    fn pointed(pointer: &str) -> GroupsClaim {
        GroupsClaim { pointer: Some(pointer.into()), ..GroupsClaim::default() }
    }

    fn of(claims: Value, at: &GroupsClaim) -> GroupClaims {
        read(&serde_json::from_value(claims).unwrap(), at, &mut Vec::new())
    }

    fn present(groups: &[&str]) -> GroupClaims {
        GroupClaims::Present(groups.iter().map(|g| (*g).to_owned()).collect())
    }

    #[test]
    fn every_shape_that_providers_send_is_read() {
        let at = named("groups");
        assert_eq!(of(json!({"groups": ["b", "a"]}), &at), present(&["b", "a"]));
        assert_eq!(of(json!({"groups": "one, or two"}), &at), present(&["one, or two"]));
        assert_eq!(of(json!({"groups": []}), &at), present(&[]));
        assert_eq!(of(json!({"groups": ["", "a", "a"]}), &at), present(&["a"]));
        let objects = json!({"groups": [{"name": "n", "id": "i"}, {"id": "i"}, {"displayName": "d"}, {"value": "v"}]});
        assert_eq!(of(objects, &at), present(&["n", "i", "d", "v"]));
        assert_eq!(of(json!({"groups": {"name": "only"}}), &at), present(&["only"]));
    }

    #[test]
    fn names_are_kept_exactly_but_for_composition() {
        let at = named("groups");
        assert_eq!(of(json!({"groups": ["Caf\u{65}\u{301}", " x ", "X"]}), &at), present(&["Caf\u{e9}", " x ", "X"]));
        let split = GroupsClaim { split: Some(','), ..named("groups") };
        assert_eq!(of(json!({"groups": "a, b,,c"}), &split), present(&["a", "b", "c"]));
    }

    #[test]
    fn a_claim_is_found_by_its_literal_name_or_by_a_pointer() {
        let claims = json!({
            "https://acme.example/groups": ["n"], "a/b": ["s"], "t~x": {"y": ["t"]},
            "realm_access": {"roles": ["r"]}, "resource_access": {"c": {"roles": ["q"]}}, "": ["e"],
        });
        assert_eq!(of(claims.clone(), &named("https://acme.example/groups")), present(&["n"]));
        assert_eq!(of(claims.clone(), &named("a/b")), present(&["s"]));
        assert_eq!(of(claims.clone(), &pointed("/a~1b")), present(&["s"]));
        assert_eq!(of(claims.clone(), &pointed("/t~0x/y")), present(&["t"]));
        assert_eq!(of(claims.clone(), &pointed("/realm_access/roles")), present(&["r"]));
        assert_eq!(of(claims.clone(), &pointed("/resource_access/c/roles")), present(&["q"]));
        for nowhere in ["", "realm_access", "/realm_access/none", "/none/roles"] {
            assert_eq!(of(claims.clone(), &pointed(nowhere)), GroupClaims::Missing, "{nowhere}");
        }
        assert_eq!(of(claims, &GroupsClaim::default()), GroupClaims::Missing);
    }

    #[test]
    fn absent_is_not_empty_and_cut_is_neither() {
        let at = named("groups");
        assert_eq!(of(json!({}), &at), GroupClaims::Missing);
        assert_eq!(of(json!({"groups": null}), &at), GroupClaims::Missing);
        assert_eq!(of(json!({"_claim_names": {"groups": "src1"}}), &at), GroupClaims::Overage);
        assert_eq!(of(json!({"_claim_names": {"other": "src1"}}), &at), GroupClaims::Missing);
        assert_eq!(of(json!({"hasgroups": true}), &at), GroupClaims::Overage);
        assert_eq!(of(json!({"hasgroups": "true"}), &at), GroupClaims::Overage);
        assert_eq!(of(json!({"hasgroups": true, "groups": ["a"]}), &at), present(&["a"]));
        assert_eq!(of(json!({"hasgroups": true}), &named("roles")), GroupClaims::Missing);
        assert_eq!(of(json!({"_claim_names": {"realm": "src1"}}), &pointed("/realm/roles")), GroupClaims::Overage);
    }

    #[test]
    fn one_text_names_a_claim_or_a_pointer() {
        let claims = json!({"a/b": ["named"], "a": {"b": ["pointed"]}});
        assert_eq!(of(claims.clone(), &GroupsClaim::named("a/b")), present(&["named"]));
        assert_eq!(of(claims, &GroupsClaim::named("/a/b")), present(&["pointed"]));
    }

    #[test]
    fn too_many_or_too_long_is_overage() {
        let at = named("groups");
        let many = |count: usize| json!({"groups": (0..count).map(|i| format!("g{i}")).collect::<Vec<_>>()});
        assert!(matches!(of(many(2_000), &at), GroupClaims::Present(groups) if groups.len() == 2_000));
        assert_eq!(of(many(2_001), &at), GroupClaims::Overage);
        assert!(matches!(of(json!({"groups": ["x".repeat(512)]}), &at), GroupClaims::Present(_)));
        assert_eq!(of(json!({"groups": ["x".repeat(513)]}), &at), GroupClaims::Overage);
    }

    #[test]
    fn what_is_no_name_is_passed_over_and_remarked_once() {
        let mut remarks = Vec::new();
        let claims = serde_json::from_value(json!({"groups": [1, true, {"x": "y"}, ["z"], "a"]})).unwrap();
        assert_eq!(read(&claims, &named("groups"), &mut remarks), present(&["a"]));
        assert_eq!(remarks.len(), 1);
    }
}
