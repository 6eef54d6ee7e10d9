//! What single values cannot say about themselves.

use super::sections::{Config, Limits, Transport};
use super::units::written;
use cardea_model::name::Email;
use secrecy::ExposeSecret as _;
use std::time::Duration;
use url::{Host, Url};

/// A key, such as `revocation.bound`, and what is wrong with its value.
pub(super) type Wrong = (&'static str, String);

/// Everything that is wrong with `config`.
pub(super) fn check(config: &Config) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    if let Err(what) = public_url(&config.public_url) {
        wrong.push(("public_url", what));
    }
    database(config, &mut wrong);
    counted("http.max_connections", config.http.max_connections, 16, 1_000_000, &mut wrong);
    within(
        "revocation.bound",
        config.revocation.bound,
        Duration::from_millis(100),
        Duration::from_secs(60),
        &mut wrong,
    );
    let sessions = &config.sessions;
    within("sessions.max_age", sessions.max_age, Duration::from_secs(1), Duration::from_secs(30 * 86_400), &mut wrong);
    within("sessions.idle", sessions.idle, Duration::from_secs(1), sessions.max_age, &mut wrong);
    mail(config, &mut wrong);
    if Url::parse(&config.leaks.github_keys_url).is_err() {
        wrong.push(("leaks.github_keys_url", "is no address".to_owned()));
    }
    limits(&config.limits, &mut wrong);
    if config.node.name.as_deref().is_some_and(|name| !cardea_model::name::is_label(name, 63)) {
        wrong.push(("node.name", "must be 1 to 63 characters of one line".to_owned()));
    }
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&config.log.level) {
        wrong.push(("log.level", format!("is no filter: {error}")));
    }
    wrong
}

/// The origin of `text`, without a trailing slash; or why it may not be the public address.
pub(super) fn public_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| format!("`{text}` is no address: {error}"))?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("`{text}` must be a scheme and a host, like `https://gate.example`"));
    }
    match url.scheme() {
        "https" => Ok(url.origin().ascii_serialization()),
        // Without TLS, session cookies would cross the network in the clear.
        "http" if is_loopback(&url) => Ok(url.origin().ascii_serialization()),
        "http" => {
            Err(format!("`{text}` must begin with `https://`; plain http is for 127.0.0.1, ::1 and localhost only"))
        }
        scheme => Err(format!("`{scheme}` is no scheme for it; write `https://…`")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn database(config: &Config, wrong: &mut Vec<Wrong>) {
    let database = &config.database;
    let schemes = ["sqlite://", "postgres://", "postgresql://"];
    if !schemes.iter().any(|scheme| database.url.expose_secret().starts_with(scheme)) {
        wrong.push(("database.url", "must begin with `sqlite://` or `postgres://`".to_owned()));
    }
    counted("database.readers", database.readers, 1, 64, wrong);
    counted("database.pool", database.pool, 2, 1_000, wrong);
    if database.cache_bytes < 1 << 20 {
        wrong.push(("database.cache_bytes", "must be at least `1MiB`".to_owned()));
    }
}

fn mail(config: &Config, wrong: &mut Vec<Wrong>) {
    let mail = &config.mail;
    let server = mail.url.as_ref().map(|url| url.expose_secret());
    match (mail.transport, server) {
        (Transport::Smtp, None) => wrong.push((
            "mail.url",
            "is needed for `transport = \"smtp\"`, like `smtps://user:password@mail.example`".to_owned(),
        )),
        (_, Some(url)) if !url.starts_with("smtp://") && !url.starts_with("smtps://") => {
            wrong.push(("mail.url", "must begin with `smtps://` or `smtp://`".to_owned()));
        }
        (Transport::File | Transport::Smtp, _) => {}
    }
    if Email::parse(&mail.from).is_none() {
        wrong.push(("mail.from", format!("`{}` is no e-mail address", mail.from)));
    }
}

fn limits(limits: &Limits, wrong: &mut Vec<Wrong>) {
    let counts = [
        ("limits.org_owners", limits.org_owners),
        ("limits.sign_ins_per_minute", limits.sign_ins_per_minute),
        ("limits.personal_keys_per_user", limits.personal_keys_per_user),
        ("limits.service_keys_per_org", limits.service_keys_per_org),
    ];
    for (key, count) in counts {
        counted(key, count, 1, 1_000_000, wrong);
    }
    let ever = Duration::from_secs(366 * 86_400);
    let second = Duration::from_secs(1);
    within("limits.invitation_max", limits.invitation_max, limits.invitation_min, ever, wrong);
    within("limits.invitation_min", limits.invitation_min, second, ever, wrong);
    within("limits.invitation_default", limits.invitation_default, limits.invitation_min, limits.invitation_max, wrong);
}

fn within(key: &'static str, value: Duration, least: Duration, most: Duration, wrong: &mut Vec<Wrong>) {
    if value < least || value > most {
        wrong.push((key, format!("must be between {} and {}, not {}", written(least), written(most), written(value))));
    }
}

fn counted(key: &'static str, value: u32, least: u32, most: u32, wrong: &mut Vec<Wrong>) {
    if value < least || value > most {
        wrong.push((key, format!("must be between {least} and {most}, not {value}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_address_is_an_origin() {
        for (given, kept) in [
            ("http://127.0.0.1:8700/", "http://127.0.0.1:8700"),
            ("HTTPS://Gate.Example:443", "https://gate.example"),
            ("http://[::1]:80", "http://[::1]"),
            ("http://localhost:8700", "http://localhost:8700"),
        ] {
            assert_eq!(public_url(given).as_deref(), Ok(kept));
        }
        for given in [
            "gate.example",
            "http://gate.example",
            "http://10.0.0.1",
            "ftp://gate.example",
            "https://a@gate.example",
            "https://gate.example/x",
            "https://gate.example?x",
        ] {
            assert!(public_url(given).is_err(), "{given}");
        }
    }

    #[test]
    fn the_defaults_are_sane() {
        assert_eq!(check(&Config::default()), []);
    }
}
