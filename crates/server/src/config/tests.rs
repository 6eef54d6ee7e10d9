use super::*;
use secrecy::ExposeSecret as _;
use std::time::Duration;

const EXAMPLE: &str = include_str!("../../../../config/example.toml");

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, Complaints> {
    Config::read("cardea.toml", text, &variables.iter().copied().collect())
}

/// The only complaint about `text`: its text and its hint.
fn refused(text: &str, variables: &[(&str, &str)]) -> (String, String) {
    let mut complaints = read(text, variables).unwrap_err().0;
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    let complaint = complaints.remove(0);
    (complaint.to_string(), complaint.hint.unwrap_or_default())
}

#[test]
fn the_example_is_the_default() {
    let example = read(EXAMPLE, &[]).unwrap();
    assert_eq!(format!("{example:#?}"), format!("{:#?}", Config::default()));
    assert_eq!(example.database.url.expose_secret(), Config::default().database.url.expose_secret());
}

#[test]
fn every_key_stands_in_the_example() {
    let uncommented: String =
        EXAMPLE.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).flat_map(|line| [line, "\n"]).collect();
    let table: toml::Table = uncommented.parse().unwrap();
    let sections = known_keys("");
    for key in &sections {
        let value = table.get(key).unwrap_or_else(|| panic!("`{key}` is not in config/example.toml"));
        let Some(section) = value.as_table() else {
            continue;
        };
        for inner in known_keys(key) {
            assert!(section.contains_key(&inner), "`{key}.{inner}` is not in config/example.toml");
        }
    }
    read(&uncommented, &[]).unwrap();
}

/// What may be set in `section`, as a misspelt key is told.
fn known_keys(section: &str) -> Vec<String> {
    let header = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
    let error = toml::from_str::<Config>(&format!("{header}no_such_key = 1")).unwrap_err();
    let known: Vec<String> = error.message().split('`').skip(3).step_by(2).map(str::to_owned).collect();
    assert!(!known.is_empty(), "{error}");
    known
}

#[test]
fn a_file_overrides_the_defaults_and_the_environment_the_file() {
    let text = "public_url = \"https://gate.example/\"\n[revocation]\nbound = \"500ms\"\n[sessions]\nidle = \"30m\"";
    let config =
        read(text, &[("CARDEA__REVOCATION__BOUND", "250ms"), ("CARDEA_TOOLS", "x"), ("HOME", "/root")]).unwrap();
    assert_eq!(config.public_url, "https://gate.example");
    assert_eq!(config.revocation.bound, Duration::from_millis(250));
    assert_eq!(config.sessions.idle, Duration::from_secs(1_800));
    assert_eq!(config.sessions.max_age, Duration::from_secs(43_200));
}

#[test]
fn variables_become_what_their_key_is() {
    let variables = [
        ("CARDEA__NODE__NAME", "7"),
        ("CARDEA__DATABASE__READERS", "7"),
        ("CARDEA__AUTH__PASSWORD_GRANT", "true"),
        ("CARDEA__OUTBOUND__ALLOW_CIDRS", "127.0.0.0/8, 10.0.0.0/8"),
    ];
    let config = read("", &variables).unwrap();
    assert_eq!(config.node.name.as_deref(), Some("7"));
    assert_eq!(config.database.readers, 7);
    assert!(config.auth.password_grant);
    assert_eq!(config.outbound.allow_cidrs.len(), 2);
    let toml = read("", &[("CARDEA__OUTBOUND__ALLOW_CIDRS", r#"["127.0.0.0/8"]"#)]).unwrap();
    assert_eq!(toml.outbound.allow_cidrs.len(), 1);
}

#[test]
fn a_secret_comes_from_a_file_or_a_variable_and_the_environment_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("url");
    std::fs::write(&path, "postgres://file/db\n").unwrap();
    let text = format!("[database]\nurl_file = {:?}", path.display().to_string());
    assert_eq!(read(&text, &[]).unwrap().database.url.expose_secret(), "postgres://file/db");
    let direct = read(&text, &[("CARDEA__DATABASE__URL", "postgres://direct/db")]).unwrap();
    assert_eq!(direct.database.url.expose_secret(), "postgres://direct/db");
    let named = read(&text, &[("CARDEA__DATABASE__URL_ENV", "DB"), ("DB", "postgres://named/db")]).unwrap();
    assert_eq!(named.database.url.expose_secret(), "postgres://named/db");
}

#[test]
fn a_secret_does_not_print() {
    let config =
        read("[database]\nurl = \"postgres://u:hunter2@localhost/db\"\n[mail]\nurl = \"smtps://u:hunter2@mail\"", &[])
            .unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn unknown_keys_name_their_line_and_the_nearest() {
    let unknown = refused("listen = \"127.0.0.1:1\"\n\n[databse]\nurl = \"x\"", &[]);
    assert_eq!(unknown, ("cardea.toml:3: unknown key `databse`".into(), "did you mean `database`?".into()));
    let unknown = refused("[sessions]\nidle = \"1h\"\nmax_ages = \"2h\"", &[]);
    assert_eq!(unknown, ("cardea.toml:3: unknown key `max_ages`".into(), "did you mean `max_age`?".into()));
    let unknown = refused("", &[("CARDEA__SESSIONS__IDLEE", "1h")]);
    assert_eq!(unknown, ("CARDEA__SESSIONS__IDLEE: unknown key `idlee`".into(), "did you mean `idle`?".into()));
    let unknown = refused("[log]\nformat = \"jsn\"", &[]);
    assert_eq!(
        unknown,
        (
            "cardea.toml:2: unknown variant `jsn`, expected one of `auto`, `text`, `json`".into(),
            "did you mean `json`?".into()
        )
    );
}

#[test]
fn wrong_types_and_spans_name_their_line() {
    for (text, expected) in [
        ("[database]\nreaders = \"four\"", "cardea.toml:2: invalid type: string \"four\", expected u32"),
        ("[revocation]\nbound = 1", "cardea.toml:2: invalid type: integer `1`, expected a string"),
        (
            "[revocation]\nbound = \"1 s\"",
            "cardea.toml:2: `1 s` is no span of time; write one like `500ms`, `1s`, `5m`, `12h` or `30d`",
        ),
        (
            "[database]\ncache_bytes = \"64MB\"",
            "cardea.toml:2: `64MB` is no size; write one like `512KiB`, `64MiB`, `1GiB` or `0B`",
        ),
        ("\nlisten = \"here\"", "cardea.toml:2: invalid socket address syntax"),
        (
            "[onboarding]\nresolver = \"here\"",
            "cardea.toml:2: `here` is no name server; write `system` or an address like `127.0.0.1:5353`",
        ),
        ("[mail]\nurl_env = \"SMTP\"", "cardea.toml:2: the environment variable `SMTP` is not set"),
        (
            "[mail]\nurl = \"smtps://a\"\nurl_env = \"SMTP\"",
            "cardea.toml:3: `url` is given twice; `url`, `url_file` and `url_env` mean the same",
        ),
        ("listen = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:2\"", "cardea.toml:2: duplicate key"),
        ("[database", "cardea.toml:1: unclosed table, expected `]`"),
    ] {
        assert_eq!(refused(text, &[]).0, expected, "{text}");
    }
    assert_eq!(
        refused("", &[("CARDEA__LISTEN__PORT", "1")]).0,
        "CARDEA__LISTEN__PORT: invalid type: map, expected socket address"
    );
}

#[test]
fn values_that_cannot_be_are_refused_where_they_stand() {
    for (text, expected) in [
        (
            "public_url = \"http://gate.example\"",
            "cardea.toml:1: `public_url` `http://gate.example` must begin with `https://`; plain http is for 127.0.0.1, ::1 and localhost only",
        ),
        ("[revocation]\nbound = \"99ms\"", "cardea.toml:2: `revocation.bound` must be between 100ms and 1m, not 99ms"),
        ("[revocation]\nbound = \"2m\"", "cardea.toml:2: `revocation.bound` must be between 100ms and 1m, not 2m"),
        (
            "[mail]\ntransport = \"smtp\"",
            "cardea.toml:1: `mail.url` is needed for `transport = \"smtp\"`, like `smtps://user:password@mail.example`",
        ),
        (
            "[database]\nurl = \"mysql://x\"",
            "cardea.toml:2: `database.url` must begin with `sqlite://` or `postgres://`",
        ),
        ("[limits]\norg_owners = 0", "cardea.toml:2: `limits.org_owners` must be between 1 and 1000000, not 0"),
        ("[sessions]\nidle = \"13h\"", "cardea.toml:2: `sessions.idle` must be between 1s and 12h, not 13h"),
        (
            "[log]\nlevel = \"cardea=loud\"",
            "cardea.toml:2: `log.level` is no filter: error parsing level filter: expected one of \"off\", \"error\", \"warn\", \"info\", \"debug\", \"trace\", or a number 0-5",
        ),
    ] {
        assert_eq!(refused(text, &[]).0, expected, "{text}");
    }
    let variable = refused("[revocation]\nbound = \"1s\"", &[("CARDEA__REVOCATION__BOUND", "1d")]).0;
    assert_eq!(variable, "CARDEA__REVOCATION__BOUND: `revocation.bound` must be between 100ms and 1m, not 1d");
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let complaints = read("[revocation]\nbound = \"2m\"\n[mail]\nfrom = \"me\"", &[]).unwrap_err();
    assert_eq!(complaints.0.len(), 2);
}

#[test]
fn a_file_that_is_named_must_exist() {
    let complaints = Config::load(Some(Path::new("/nowhere/cardea.toml")), &Environment::default()).unwrap_err();
    assert!(complaints.to_string().starts_with("/nowhere/cardea.toml: cannot be read"), "{complaints}");
}
