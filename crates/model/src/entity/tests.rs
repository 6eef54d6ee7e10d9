use super::TeamWildcard::{TeamsAndRoot, TeamsOnly};
use super::*;
use Verdict::{Allow, BadEntity as BadEntityRow, Deny, RejectPattern};
use proptest::prelude::*;

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Allow,
    Deny,
    BadEntity,
    RejectPattern,
}

fn verdict(pattern: &str, entity: &str, team_wildcard: TeamWildcard) -> Verdict {
    let Ok(pattern) = EntityPattern::parse(pattern) else {
        return RejectPattern;
    };
    let Ok(entity) = Entity::parse(entity) else {
        return BadEntityRow;
    };
    if pattern.matches(&entity, team_wildcard) { Allow } else { Deny }
}

/// The table of the specification, row by row.
#[rustfmt::skip]
const TABLE: [(u8, &str, &str, TeamWildcard, Verdict); 56] = [
    (1, "acme/*", "acme/app", TeamsOnly, Allow),
    (2, "acme/*", "acme/team1/app", TeamsOnly, Deny),
    (3, "acme/*/*", "acme/team1/app", TeamsOnly, Allow),
    (4, "acme/*/*", "acme/app", TeamsOnly, Deny),
    (5, "acme/*/*", "acme/app", TeamsAndRoot, Allow),
    (6, "acme/*", "acme", TeamsOnly, BadEntityRow),
    (7, "acme/*", "acme/", TeamsOnly, BadEntityRow),
    (8, "acme/*/*", "acme/t/app/extra", TeamsOnly, BadEntityRow),
    (9, "acme/team1/*", "acme/team1/app", TeamsOnly, Allow),
    (10, "acme/team1/*", "acme/team2/app", TeamsOnly, Deny),
    (11, "acme/team1/*", "acme/team1", TeamsOnly, Deny),
    (12, "acme/team1/*", "acme/team1x/app", TeamsOnly, Deny),
    (13, "acme/team1", "acme/team1", TeamsOnly, Allow),
    (14, "acme/team1", "acme/team1/app", TeamsOnly, Deny),
    (15, "acme/team1/app", "acme/team1/app", TeamsOnly, Allow),
    (16, "acme/team1/app", "acme/team1/app2", TeamsOnly, Deny),
    (17, "nim/*/*", "nim/meta/llama-3.1-8b-instruct", TeamsOnly, Allow),
    (18, "nim/*/*", "nvidia/ace/x", TeamsOnly, Deny),
    (19, "nim/*/*", "nim-evil/meta/x", TeamsOnly, Deny),
    (20, "nvidia/ace/nemovision-4b-v2-instruct", "nvidia/ace/nemovision-4b-v2-instruct", TeamsOnly, Allow),
    (21, "nvidia/ace/nemovision-4b-v2-instruct", "nvidia/ace/nemovision-4b-v2", TeamsOnly, Deny),
    (22, "nvidia/*/*", "nvidia/pytorch", TeamsOnly, Deny),
    (23, "nvidia/*/*", "nvidia/pytorch", TeamsAndRoot, Allow),
    (24, "*", "acme/app", TeamsOnly, RejectPattern),
    (25, "*/*", "acme/app", TeamsOnly, RejectPattern),
    (26, "*/*/*", "acme/t/app", TeamsOnly, RejectPattern),
    (27, "acme/*/app", "acme/t/app", TeamsOnly, RejectPattern),
    (28, "acme/te*", "acme/team1", TeamsOnly, RejectPattern),
    (29, "acme/**", "acme/t/app", TeamsOnly, RejectPattern),
    (30, "acme", "acme/app", TeamsOnly, RejectPattern),
    (31, "", "acme/app", TeamsOnly, RejectPattern),
    (32, "/acme/*", "acme/app", TeamsOnly, RejectPattern),
    (33, "acme/", "acme/app", TeamsOnly, RejectPattern),
    (34, "acme//*", "acme//app", TeamsOnly, RejectPattern),
    (35, "Acme/*", "acme/app", TeamsOnly, RejectPattern),
    (36, "acme/*", "Acme/app", TeamsOnly, BadEntityRow),
    (37, "acme/*", "acme/App", TeamsOnly, BadEntityRow),
    (38, "acme/*", "acme/..", TeamsOnly, BadEntityRow),
    (39, "acme/*/*", "acme/../victim", TeamsOnly, BadEntityRow),
    (40, "acme/*/*", "acme/t/../../victim/x", TeamsOnly, BadEntityRow),
    (41, "acme/*", "acme/.", TeamsOnly, BadEntityRow),
    (42, "acme/*", "acme/%2e%2e", TeamsOnly, BadEntityRow),
    (43, "acme/*", "acme/a%2fb", TeamsOnly, BadEntityRow),
    (44, "acme/*", "acme/a\\b", TeamsOnly, BadEntityRow),
    (45, "acme/*", "acme/app\n", TeamsOnly, BadEntityRow),
    (46, "acme/*", "acme/app\x00", TeamsOnly, BadEntityRow),
    (47, "acme/*", "acme/\u{430}pp", TeamsOnly, BadEntityRow),
    (48, "acme/*", "", TeamsOnly, BadEntityRow),
    (49, "acme/*", " acme/app", TeamsOnly, BadEntityRow),
    (50, "acme/*", "acme/app:1.0", TeamsOnly, BadEntityRow),
    (51, "acme/*", "acme/app@sha256:ab", TeamsOnly, BadEntityRow),
    (52, "acme/*", "acme/-app", TeamsOnly, BadEntityRow),
    (53, "acme/*", "acme/a..b", TeamsOnly, BadEntityRow),
    (54, "acme/*", "acme/a_b.c-d", TeamsOnly, Allow),
    (55, "acme/?", "acme/a", TeamsOnly, RejectPattern),
    (56, "acme/[a-z]*", "acme/app", TeamsOnly, RejectPattern),
];

#[test]
fn the_table_of_the_specification_holds() {
    for (row, pattern, entity, team_wildcard, expected) in TABLE {
        assert_eq!(verdict(pattern, entity, team_wildcard), expected, "row {row}: {pattern:?} {entity:?}");
    }
}

#[test]
fn each_broken_rule_has_its_name() {
    let long = format!("acme/{}", "a".repeat(129));
    for (text, error) in [
        ("acme", BadEntity::Depth),
        ("", BadEntity::Depth),
        ("a/b/c/d", BadEntity::Depth),
        ("acme/", BadEntity::Empty),
        ("/acme", BadEntity::Empty),
        ("acme//x", BadEntity::Empty),
        (&long, BadEntity::Long),
        ("acme/App", BadEntity::Character),
        ("acme/app:1", BadEntity::Character),
        ("acme/a..b", BadEntity::Dots),
        ("acme/-app", BadEntity::Edge),
        ("acme/app.", BadEntity::Edge),
    ] {
        assert_eq!(Entity::parse(text), Err(error), "{text:?}");
        assert_eq!(EntityPattern::parse(text), Err(BadPattern::Entity(error)), "{text:?}");
    }
    assert!(Entity::parse(&long[..long.len() - 1]).is_ok());
    assert_eq!(Entity::parse("acme/*"), Err(BadEntity::Character));
    for (text, error) in [
        ("*/app", BadPattern::AnyOrg),
        ("acme/a*", BadPattern::PartOfSegment),
        ("acme/**", BadPattern::PartOfSegment),
        ("ac*me/app", BadPattern::PartOfSegment),
        ("acme/*/app", BadPattern::LiteralAfterWildcard),
    ] {
        assert_eq!(EntityPattern::parse(text), Err(error), "{text:?}");
    }
}

#[test]
fn a_team_s_wildcard_never_reaches_the_root() {
    for team_wildcard in [TeamsOnly, TeamsAndRoot] {
        for entity in ["acme/app", "acme/team1"] {
            assert_eq!(verdict("acme/team1/*", entity, team_wildcard), Deny);
            assert_eq!(verdict("acme/team1/app", entity, team_wildcard), Deny);
        }
    }
}

#[test]
fn an_entity_knows_its_org_and_team() {
    let entity = Entity::parse("acme/vision/app").unwrap();
    assert_eq!((entity.org(), entity.team(), entity.to_string().as_str()), ("acme", Some("vision"), "acme/vision/app"));
    let entity = Entity::parse("acme/app").unwrap();
    assert_eq!((entity.org(), entity.team(), entity.to_string().as_str()), ("acme", None, "acme/app"));
    let pattern = EntityPattern::parse("acme/vision/*").unwrap();
    assert_eq!((pattern.org(), pattern.to_string().as_str()), ("acme", "acme/vision/*"));
}

/// The grammar of the specification, as it is written there.
fn described(text: &str) -> bool {
    let segment = "[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?";
    let whole = regex::Regex::new(&format!("^{segment}(?:/{segment}){{1,2}}$")).unwrap();
    whole.is_match(text) && !text.contains("..") && !text.contains('\n')
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(pattern in "\\PC{0,40}", entity in "\\PC{0,40}") {
        verdict(&pattern, &entity, TeamsAndRoot);
    }

    #[test]
    fn entities_are_what_the_grammar_describes(text in "[a-bA0./_*-]{0,12}") {
        prop_assert_eq!(Entity::parse(&text).is_ok(), described(&text));
    }

    #[test]
    fn a_pattern_without_a_wildcard_names_itself_only(
        one in "[ab](/[ab]{1,2}){1,2}",
        other in "[ab](/[ab]{1,2}){1,2}",
    ) {
        let pattern = EntityPattern::parse(&one).unwrap();
        for team_wildcard in [TeamsOnly, TeamsAndRoot] {
            prop_assert_eq!(pattern.matches(&Entity::parse(&other).unwrap(), team_wildcard), one == other);
        }
    }

    #[test]
    fn a_pattern_never_leaves_its_org(
        pattern in "[ab](/[ab*]){1,2}",
        entity in "[ab](/[ab]){1,2}",
    ) {
        if let Ok(pattern) = EntityPattern::parse(&pattern) {
            let entity = Entity::parse(&entity).unwrap();
            prop_assert!(!pattern.matches(&entity, TeamsAndRoot) || pattern.org() == entity.org());
        }
    }
}
