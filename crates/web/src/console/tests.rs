//! Every page with sample data: well-formed, nothing inline, nothing unescaped, its ids unique and found.

mod browser;
mod sample;

use std::collections::BTreeSet;

use super::person::Blast;
use super::{Part, assets, prose};
use sample::{Author, MARKUP, Rendered, Sample};

/// Elements that have no end tag (HTML, 13.1.2).
const VOID: &[&str] = &["br", "hr", "img", "input", "link", "meta"];

/// A start tag: its name and attributes.
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, Option<&'a str>)>,
}

/// Reads `html`, checking that every element is closed where it should be; strict enough for what our templates write.
fn tags<'a>(page: &str, html: &'a str) -> Vec<Tag<'a>> {
    let mut found = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html.trim_start().strip_prefix("<!doctype html>").unwrap_or_else(|| panic!("{page}: no doctype"));
    while let Some((_, after)) = rest.split_once('<') {
        let (inside, next) = end_of_tag(after).unwrap_or_else(|| panic!("{page}: a tag does not end: {after:.60}"));
        rest = next;
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name.trim()), "{page}: </{name}> closes another element, before {next:.60}");
            continue;
        }
        let closed = inside.ends_with('/');
        let inside = inside.trim_end_matches('/');
        let (name, attributes) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{page}: <{name}>");
        if !closed && !VOID.contains(&name) {
            open.push(name);
        }
        found.push(Tag { name, attributes: read_attributes(page, attributes) });
    }
    assert!(open.is_empty(), "{page}: never closed: {open:?}");
    found
}

fn end_of_tag(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (None, '>') => return Some((&text[..at], &text[at + 1..])),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    None
}

fn read_attributes<'a>(page: &str, mut text: &'a str) -> Vec<(&'a str, Option<&'a str>)> {
    let mut attributes: Vec<(&str, Option<&str>)> = Vec::new();
    while !text.trim_start().is_empty() {
        text = text.trim_start();
        let end = text.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(text.len());
        let (name, after) = text.split_at(end);
        assert!(!attributes.iter().any(|(other, _)| *other == name), "{page}: `{name}` stands twice in one tag");
        let Some(value) = after.strip_prefix('=') else {
            attributes.push((name, None));
            text = after;
            continue;
        };
        let quote = value
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\''))
            .unwrap_or_else(|| panic!("{page}: {text:.60} is not quoted"));
        let (value, after) = value[1..].split_once(quote).unwrap();
        attributes.push((name, Some(value)));
        text = after;
    }
    attributes
}

fn everything() -> Vec<Rendered> {
    [Author::Honest, Author::Hostile].into_iter().flat_map(|author| Sample::by(author).pages()).collect()
}

#[test]
fn every_page_is_well_formed_and_has_nothing_inline() {
    for (page, html) in everything() {
        for tag in tags(page, &html) {
            assert_ne!(tag.name, "style", "{page}");
            for (name, value) in &tag.attributes {
                assert!(
                    !name.starts_with("on") && !name.starts_with("hx-on") && *name != "style",
                    "{page}: `{name}` on <{}>",
                    tag.name
                );
                assert!(!value.is_some_and(|value| value.trim_start().starts_with("javascript:")), "{page}: {value:?}");
            }
            if tag.name == "script" {
                let source = tag.attributes.iter().find(|(name, _)| *name == "src").and_then(|(_, value)| *value);
                assert!(
                    source.is_some_and(|source| assets::asset(source).is_some()),
                    "{page}: a script from {source:?}"
                );
            }
        }
    }
}

#[test]
fn markup_in_any_field_stays_text() {
    for (page, html) in Sample::by(Author::Hostile).pages() {
        assert!(!html.contains("<script>"), "{page}");
        assert!(!html.contains(MARKUP), "{page}");
        assert!(html.contains("&#60;script&#62;"), "{page} shows no field of the enemy: the sample is empty");
    }
}

#[test]
fn ids_are_unique_and_every_reference_finds_its_own() {
    const REFERENCES: &[&str] = &["for", "aria-labelledby", "aria-describedby", "popovertarget", "data-filter"];
    for (page, html) in Sample::by(Author::Honest).pages() {
        let tags = tags(page, &html);
        let attributes = || tags.iter().flat_map(|tag| &tag.attributes);
        let mut ids = BTreeSet::new();
        for (_, value) in attributes().filter(|(name, _)| *name == "id") {
            assert!(ids.insert(value.unwrap_or_default()), "{page}: the id {value:?} stands twice");
        }
        for (name, value) in attributes() {
            let value = value.unwrap_or_default();
            if REFERENCES.contains(name) {
                for id in value.split_whitespace() {
                    assert!(ids.contains(id), "{page}: {name} names `{id}`");
                }
            }
            if let Some(id) = value.strip_prefix('#').filter(|_| *name == "href") {
                assert!(ids.contains(id), "{page}: a link to `#{id}`");
            }
        }
    }
}

#[test]
fn pages_say_what_they_are_for() {
    let pages = Sample::by(Author::Honest).pages();
    let says = |page: &str, words: &[&str]| {
        let (_, html) = pages.iter().find(|(name, _)| *name == page).unwrap_or_else(|| panic!("no page {page}"));
        for word in words {
            assert!(html.contains(word), "{page} does not say `{word}`");
        }
    };
    says("login", &["E-mail address", "name=\"return_to\" value=\"/me/keys\"", "action=\"/login\""]);
    says("login-wrong", &["There is a problem", "value=\"mei.tanaka\"", "aria-invalid=\"true\"", "href=\"#email\""]);
    says("login-failed", &["trc_0198f2c1a9b37d10b3f24a7e5c119d02"]);
    says(
        "keys",
        &["cdap_Ab3dEf6hIj9L…", "2 minutes ago", "2026-11-21 09:58:00 UTC", "Disable", "Enable", "4 of 8 keys"],
    );
    says("keys-created", &["cdap_Ab3dEf6hIj9L_q8Zk", "I have stored it", "data-download"]);
    says("keys-first", &["You have no role there", "30 days", "Never"]);
    says(
        "security",
        &[
            "This one",
            "End all other sessions",
            "action=\"/me/security/password\"",
            "cursor=def",
            "session through okta",
        ],
    );
    says("security-federated", &["through your identity provider, which keeps your password"]);
    says("people", &["Mei Tanaka", "NGC_AIE_PR_Admin", "given by hand", "cursor=def"]);
    says("people-found", &["q=mei&#38;show=by_rules&#38;cursor=def"]);
    says("person", &["Deactivate and end 3 keys and 2 sessions", "AIE admins", "okta, groups claim"]);
    says("person-held", &["Only the same source can lift it.", "Nothing lifts it."]);
    says(
        "deactivate",
        &["Deactivate and end 3 keys and 2 sessions", "nightly build", "okta, Firefox on Linux", "northwind"],
    );
    says_of_people(&says);
    says(
        "connections",
        &[
            "https://gate.acme.test/oidc/okta/callback",
            "Redirect URI",
            "corp.example, corp.test",
            "<code>migration</code>",
        ],
    );
    says(
        "receipt",
        &["Applied on 4 nodes", "31 ms", "PATCH active: false", "2026-11-21 09:58:25.218 UTC", "northwind"],
    );
    says("receipt-live", &["Applied on 2 of 4 nodes", "hx-trigger=\"every 1s\"", "waiting"]);
    says_of_rules(&says);
    says_of_the_org(&says);
    says_of_machines(&says);
    says("failure-404", &["The link has been used"]);
    says("failure-503", &["503", "req_0198f2c1a9b37d10b3f24a7e5c119d02"]);
}

fn says_of_people(says: &impl Fn(&str, &[&str])) {
    says("people", &["Add user", "/teams\"", "/invitations\"", "None yet: they can sign in and see nothing"]);
    says("people-nobody-so-far", &["Nobody so far", "show=suspended&#38;cursor=def"]);
    says("person", &["Read-only: the rules", "Remove from acme-vision"]);
    says("person-by-hand", &["Give this role", "/roles/take?service=registry&#38;role=user", "Team vision"]);
    says("person-left", &["left the org", "Add to acme-vision again"]);
    says(
        "take",
        &["Take NGC Catalog Read from Mei Tanaka", "They have it in team vision", "Their sessions, their keys"],
    );
    says("remove", &["Remove and end 3 keys and 2 sessions", "nightly build", "northwind", "Private Registry User"]);
    says("remove-owner", &["Sign in again first", "last 15 minutes", "The other owners are told"]);
    says("team-new", &["Lower-case letters", "never given again"]);
    says("team-new-wrong", &["value=\"Vision-Lab\"", "name-problem"]);
    says("team-conflict", &["Somebody else has changed it meanwhile", "Seeing machines", "Yours stands below"]);
    says("team-end", &["End vision and the roles of 3 people", "taken for good"]);
    says("team-end-many", &["the roles of more than 3 people", "name=\"confirm\""]);
    says("add-user", &["Rules are the better way here", "Owner of the org", "6 hours", "Add user and send invitation"]);
    says("add-user-sign-in", &["in a new tab", "value=\"nina@acme\""]);
    says("add-user-alone", &["This org is for one person"]);
    says("invitations", &["Withdraw", "Send again", "account admin", "cursor=def"]);
    says("invited", &["Add this role", "Remove<", "Send again, good for 6h"]);
    says("invited-owner", &["Every role: an owner may do everything in the org."]);
}

fn says_of_machines(says: &impl Fn(&str, &[&str])) {
    says("service-keys", &["3 service keys and 2 apps of 64", "acme-vision/vision/tracker and 2 more", "Expired"]);
    says("service-keys-empty", &["A machine in production takes a service key", "Create the first service key"]);
    says("service-keys-full", &["Every place is taken"]);
    says("service-keys-created", &["cdas_Tr4kPw0RtYbN_q8Zk", "href=\"/o/acme-vision/service-keys\">I have stored it"]);
    says(
        "service-key-new",
        &["As little as the job needs", "value=\"recipe-0\"", "Private Registry: list, push, pull"],
    );
    says("service-key-new-wrong", &["href=\"#parts\"", "value=\"0/upload_container\" checked", "acme-vision/*/*"]);
    says("service-key-edit", &["Somebody else has changed this key meanwhile", "name=\"version\" value=\"4\""]);
    says(
        "service-key-review",
        &[
            "Future ones too",
            "Everything in teams of acme-vision; now speech, vision",
            "name=\"confirm\"",
            "told by e-mail",
        ],
    );
    says("service-key-review-edit", &["What is not here it loses", "/service-keys/key_1/edit", "Nothing."]);
    says("service-key", &["Somebody has used it", "out of reach because", "is of no use without", "by Łucja Żak"]);
    says("service-key-rotated", &["The one before it works until", "2026-11-22 10:00:00 UTC"]);
    says("service-key-rotate", &["As now, in 49 days", "which still works, ends at once", "7 days"]);
    says(
        "service-key-revoke",
        &["on <code>acme-vision/*/*</code>", "The secret before the current one", "every other key"],
    );
    says("apps", &["2 apps and 3 service keys of 64", "New secret<span", "https://gate.acme.test/api/v1/token"]);
    says("apps-created", &["Store the secret of nightlyreport now", "Copy the client id", "works until"]);
    says("app-delete", &["Every token that the app was given"]);
    says("person-revoke-key", &["in every other org of theirs", "notes that it was you"]);
}

fn says_of_rules(says: &impl Fn(&str, &[&str])) {
    says("rules", &["Edited, not activated", "Preview and activate", "Private Registry Admin</b> in the org", "Off"]);
    says("rules-not-linked", &["This org is not linked to an identity provider", "/o/acme-vision/connections"]);
    says(
        "rule-form",
        &[
            "name=\"edit\" value=\"add-group\"",
            "Gone/Admin, which this org does not have",
            "in speech, which has ended",
        ],
    );
    says(
        "rules-preview",
        &["Activate 3 rules", "Loses ", "Gains ", "from invitation to rules", "value=\"q8ZkdGVzdA\""],
    );
    says("rules-preview-guarded", &["You yourself would no longer manage users", "name=\"confirm\"", "names a team"]);
    says("rules-receipt", &["Undo change 7", "Take the rules out of force"]);
    says("rules-test", &["Nearly.", "<code>ngc_aie_pr_admin</code>"]);
    says("person", &["Managed by rules <code>Platform</code>", "Vision readers, Platform", "And 12 more"]);
}

fn says_of_the_org(says: &impl Fn(&str, &[&str])) {
    says("profile", &["3 of 3", "Every place is taken", "Remove<span class=\"unseen\"> Jonas Weber", "Access ended"]);
    says("profile-conflict", &["What Jonas wrote meanwhile.", "Replace the description", "value=\"7\""]);
    says("profile-member", &["with its first premium service: AI Enterprise"]);
    says("owner-add", &["here <code>acme.test</code>", "One place is free", "within the last 15 minutes"]);
    says("owner-add-again", &["Sign in and come back", "value=\"olga@acme.example\""]);
    says("owner-remove-heir", &["Who takes the account", "href=\"#account_owner\""]);
    says("subscriptions", &["premium", "Suspended", "Never by itself", "Roles: Private Registry Admin"]);
    says("account-users", &["Left the account", "Let in again", "Make admin", "Make member", "cursor=def"]);
    says("account-remove", &["Remove from the account and end 3 keys and 2 sessions", "Registry Admin in the org"]);
    says("accounts", &["<span class=\"tag\">owner</span>", "href=\"/login/northwind\"", "Switch<span"]);
    says("contact-team", &["name=\"team\" value=\"vision\"", "Choose another team"]);
    says("activation", &["becomes an enterprise org, for good", "Hand it on to somebody else", "A new account"]);
    says("activation-new", &["name=\"password\"", "Create the account and activate"]);
    says("transfer-confirm", &["This cannot be undone", "name=\"confirmed\" value=\"yes\""]);
}

#[test]
fn an_org_without_an_identity_provider_has_no_form_for_rules() {
    let pages = Sample::by(Author::Honest).pages();
    let (_, html) = pages.iter().find(|(name, _)| *name == "rules-not-linked").unwrap();
    assert!(!html.contains("/rules/new") && !html.contains("/rules/preview"));
}

#[test]
fn a_receipt_that_is_complete_asks_no_more() {
    let pages = Sample::by(Author::Honest).pages();
    let (_, html) = pages.iter().find(|(name, _)| *name == "receipt").unwrap();
    assert!(!html.contains("hx-get") && !html.contains("htmx"));
}

#[test]
fn a_member_sees_no_administration() {
    let pages = Sample::by(Author::Honest).pages();
    let (_, html) = pages.iter().find(|(name, _)| *name == "keys").unwrap();
    assert!(!html.contains("/people\"") && !html.contains("/revocations\""));
}

#[test]
fn values_in_sentences_are_code_and_stay_escaped() {
    let parts = prose("a key named `<b>`.");
    assert_eq!(parts, [(Part::Words, "a key named "), (Part::Value, "<b>"), (Part::Words, ".")]);
    assert_eq!(prose("none"), [(Part::Words, "none")]);
}

#[test]
fn the_button_says_what_it_ends_and_nothing_more() {
    let names = |number| vec![String::new(); number];
    let button = |keys, sessions| {
        Blast { keys: names(keys), sessions: names(sessions), ..Blast::default() }.button("Deactivate")
    };
    assert_eq!(button(3, 2), "Deactivate and end 3 keys and 2 sessions");
    assert_eq!(button(1, 0), "Deactivate and end 1 key");
    assert_eq!(button(0, 1), "Deactivate and end 1 session");
    assert_eq!(button(0, 0), "Deactivate");
}
