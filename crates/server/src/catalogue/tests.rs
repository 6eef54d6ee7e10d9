use super::*;
use proptest::prelude::*;

/// What is wrong with the built-in catalogue after some changes of its text: complaint and hint.
fn refused(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut text = BUILT_IN.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let complaints = compile("mine.yaml", &text).unwrap_err().0;
    complaints.into_iter().map(|it| (it.to_string(), it.hint.unwrap_or_default())).collect()
}

/// The line of the built-in catalogue on which `text` first stands.
fn line_of(text: &str) -> usize {
    1 + BUILT_IN.lines().position(|line| line.contains(text)).unwrap()
}

#[test]
fn the_built_in_catalogue_compiles_and_its_limits_are_the_configurations() {
    let catalogue = load(&Config::default()).unwrap();
    assert!(catalogue.service_named("registry").is_some());
    assert_eq!(unused_limits(&Config::default(), &catalogue), Vec::<&str>::new());
}

#[test]
fn the_example_of_the_page_is_good() {
    let page = include_str!("../../../../docs/catalogue.md");
    let example = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let catalogue = compile("the page", example).unwrap();
    assert!(catalogue.role_named("press", "foreman").is_some());
}

#[test]
fn a_limit_that_does_not_hold_is_named() {
    let text = BUILT_IN.replacen("personal_keys_per_user: 8", "personal_keys_per_user: 9", 1).replacen(
        "share_max: 24h",
        "share_max: 25h",
        1,
    );
    let catalogue = compile("x", &text).unwrap();
    assert_eq!(unused_limits(&Config::default(), &catalogue), ["personal_keys_per_user", "share_max"]);
}

const GLOB: &str = "scopes: ['get_*', 'list_*', 'download_*']";

/// What is changed to what, and the column, complaint and hint that follow.
const MISTAKES: [(&str, &str, usize, &str, &str); 10] = [
    ("version: 1", "version: 2", 10, "version: is 2; this program reads 1", ""),
    (
        GLOB,
        "scopes: ['get_*', 'lst_*', 'download_*']",
        27,
        "services.registry.roles.viewer.scopes[1]: is `lst_*`, which is no scope of this service",
        "did you mean `list_*`?",
    ),
    (GLOB, "scopes: ['get_*', 7]", 27, "services.registry.roles.viewer.scopes[1]: must be text: put it in quotes", ""),
    (
        "personal_keys_per_user: 8",
        "personal_keys_per_usr: 8",
        3,
        "limits.personal_keys_per_usr: unknown key `personal_keys_per_usr`",
        "did you mean `personal_keys_per_user`?",
    ),
    ("invitation_min: 5m", "invitation_min: 5 minutes", 19, "limits.invitation_min: ", ""),
    (
        "default_on: [individual]",
        "default_on: [indvidual]",
        18,
        "services.catalog.default_on[0]: `indvidual` is none of `individual`, `enterprise`",
        "did you mean `individual`?",
    ),
    ("external_ok: true", "external_ok: yes", 18, "services.catalog.external_ok: must be `true` or `false`", ""),
    (
        "docker: [pull], requires",
        "docker: [pul], requires",
        64,
        "services.catalog.scopes.download_container.docker[0]: is `pul`, which is no docker action",
        "did you mean `pull`?",
    ),
    (
        "unlocks: {service: catalog, label: nvaie}",
        "unlocks: {service: catalog}",
        14,
        "services.ai_enterprise.unlocks: `label` is missing",
        "",
    ),
    (
        "premium: true",
        "premium: true\n    premium: false",
        5,
        "services.ai_enterprise.premium: `premium` stands here twice",
        "",
    ),
];

#[test]
fn each_mistake_names_its_line_its_path_and_what_was_meant() {
    for (from, to, column, said, hint) in MISTAKES {
        let line = line_of(from) + usize::from(to.contains('\n'));
        let all = refused(&[(from, to)]);
        let [(complaint, meant)] = all.as_slice() else { panic!("{to}: {all:?}") };
        let place = format!("mine.yaml:{line}:{column}: {said}");
        assert!(complaint.starts_with(&place), "{to}: {complaint}\n{place}");
        assert_eq!(meant, hint, "{to}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let all = refused(&[
        ("personal_keys_per_user: 8", "personal_keys_per_user: many"),
        ("publisher_orgs: [nim, nvidia]", "publisher_orgs: [nim, NVIDIA]"),
        ("inherits: viewer", "inherits: viewr"),
        ("docker: [delete]", "dokcer: [delete]"),
        ("key_kinds: [personal]", "key_kinds: [persnal, legacy]"),
        ("confers: {catalog: read}", "confers: {catalog: write, katalog: read}"),
    ]);
    let places: Vec<_> = all.iter().map(|(text, _)| text.split(": ").nth(1).unwrap()).collect();
    // What else is wrong in a service that could not be read whole is told when that is mended.
    assert_eq!(
        places,
        [
            "limits.personal_keys_per_user",
            "services.catalog.publisher_orgs[1]",
            "services.registry.scopes.delete_container.dokcer",
            "services.secrets_manager.key_kinds[0]",
            "services.ai_enterprise.roles.viewer.confers.catalog",
            "services.ai_enterprise.roles.viewer.confers.katalog",
        ]
    );
}

#[test]
fn a_file_of_nothing_but_mistakes_is_told_in_part() {
    let services: String = (0..500).map(|number| format!("  UPPER{number}: {{}}\n")).collect();
    let complaints =
        compile("mine.yaml", &format!("version: 1\nnotifications: [{}]\nservices: {{}}\n", "A, ".repeat(500)));
    assert_eq!(complaints.unwrap_err().0.len(), 101);
    let complaints = compile("mine.yaml", &format!("version: 1\nservices:\n{services}")).unwrap_err();
    assert_eq!(complaints.to_string(), "mine.yaml:2:1: services: has more than 64 services");
}

#[test]
fn a_file_that_is_too_large_or_no_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.yaml");
    let config = Config { catalogue: Some(path.clone()), ..Config::default() };
    std::fs::write(&path, " ".repeat((1 << 20) + 1)).unwrap();
    assert!(load(&config).unwrap_err().to_string().ends_with("mine.yaml: is larger than 1 MiB"));
    std::fs::write(&path, [0xff, 0xfe, 0]).unwrap();
    assert!(load(&config).unwrap_err().to_string().contains("mine.yaml: cannot be read"));
}

#[test]
fn hostile_texts_are_errors_and_no_panic() {
    let mega = 1 << 20;
    let roles: String = (0..20_000).map(|number| format!("      r{number}: {{inherits: r{}}}\n", number + 1)).collect();
    for text in [
        String::new(),
        "\0".repeat(mega),
        "[".repeat(mega),
        "{a: ".repeat(mega / 4),
        "- ".repeat(mega / 2),
        "a".repeat(mega),
        format!("version: 1\nservices: {{\"{}\": {{}}}}", "\\0".repeat(mega / 2)),
        format!("version: 1\nservices: {{a: {{title: \"{}\"}}}}", "\\0".repeat(mega / 2)),
        format!("version: 1\nservices:\n  a:\n    roles:\n{roles}"),
        format!("version: 1\n{}", "version: 1\n".repeat(mega / 11)),
        format!("version: 1\nservices: {{a: &a {{scopes: {{s: {{requires: [{}]}}}}}}, b: *a}}", "x,".repeat(mega / 4)),
        format!("a: &a [x]\nb: &b [{}]\nc: [{}]", "*a,".repeat(500), "*b,".repeat(500)),
        "version: 1\nservices: {~: {}, 1: {}, true: {}, [a]: {}}".to_owned(),
        "version: 99999999999999999999999\nservices: -1".to_owned(),
        "version: 1\nservices: {a: {limits: .nan}}".to_owned(),
    ] {
        let complaints = compile("mine.yaml", &text).unwrap_err();
        let (said, start) = (complaints.to_string(), text.chars().take(60).collect::<String>());
        assert!(!complaints.0.is_empty() && complaints.0.len() <= 101, "{start}");
        assert!(said.len() < 50_000 && !said.contains('\0') && said.starts_with("mine.yaml"), "{start}: {said}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_is_a_catalogue_or_complaints(text in "(\\PC|[\\x00-\\x20{}\\[\\]:,&*!|>'\"#%@`-]){0,200}") {
        drop(compile("mine.yaml", &text));
    }

    /// A catalogue with some of its bytes changed is read or refused with places.
    #[test]
    fn a_damaged_catalogue_is_read_or_refused(
        wounds in proptest::collection::vec((any::<proptest::sample::Index>(), "[\\x00-\\x7f]{0,3}", 0usize..4), 1..5),
    ) {
        let mut text = BUILT_IN.to_owned();
        for (at, with, cut) in wounds {
            let at = at.index(text.len());
            let (from, to) = (text.floor_char_boundary(at), text.ceil_char_boundary(at + cut));
            text.replace_range(from..to, &with);
        }
        if let Err(complaints) = compile("mine.yaml", &text) {
            prop_assert!(!complaints.0.is_empty() && complaints.to_string().starts_with("mine.yaml"));
        }
    }
}
