//! From the configuration to a node that serves nobody yet: database, pepper, catalogue, the way out.
//!
//! `serve` and every command that writes bring the schema up to date first and make the pepper file where there is none;
//! commands that only look demand both.

use crate::catalogue;
use crate::chance::OsRandom;
use crate::clock::SystemClock;
use crate::complaint::Complaint;
use crate::config::{Config, Transport};
use crate::pepper;
use anyhow::Context as _;
use cardea_gateway::ground::{
    self, Db, DbError, DbSettings, Fetch, Mail, MailWay, OutboundPolicy, Outside, Peppers, SchemaState,
};
use cardea_gateway::leaks::github::{self, KeySource};
use cardea_gateway::pause::Never;
use cardea_gateway::{App, Given, Settings};
use cardea_model::Clock;
use cardea_model::catalogue::Catalogue;
use cardea_model::name::Email;
use secrecy::ExposeSecret as _;
use std::path::Path;
use std::sync::Arc;

/// What brings a database to this release's schema.
const MIGRATE: &str = "run `cardea migrate`; `cardea serve` does it too";

/// Whether this is a throw-away instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It stays.
    Lasting,
    /// `cardea demo`.
    Demo,
}

/// What a node needs besides its database. It is read before the database is touched, so that a mistake in a file
/// changes nothing.
pub(crate) struct Opening<'c> {
    config: &'c Config,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    catalogue: Arc<Catalogue>,
    outside: Outside,
    mail: Mail,
    github_keys: KeySource,
    purpose: Purpose,
}

impl<'c> Opening<'c> {
    /// Reads catalogue, authorities and the way out for mail.
    pub(crate) fn read(config: &'c Config, purpose: Purpose) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let catalogue = catalogue::load(config)?;
        let outside = outside(config, Arc::clone(&clock))?;
        Ok(Self { config, clock, catalogue, outside, mail: mail(config)?, github_keys: github_keys(config)?, purpose })
    }

    /// A node over a migrated database; makes the pepper if none was ever made.
    pub(crate) async fn node(self, db: Db) -> anyhow::Result<App> {
        let path = &self.config.keys.pepper_file;
        let peppers = match pepper::read(path)? {
            Some(peppers) => peppers,
            // A second pepper would not open what the first one shut; it would only hide that the first is gone.
            None if ground::has_pepper(&db).await? => return Err(missing_pepper(self.config).into()),
            None => pepper::create(path, &OsRandom)?,
        };
        self.node_with(db, peppers).await
    }

    async fn node_with(self, db: Db, peppers: Peppers) -> anyhow::Result<App> {
        let given = Given {
            db,
            clock: self.clock,
            random: Arc::new(OsRandom),
            peppers,
            catalogue: self.catalogue,
            outside: self.outside,
            mail: self.mail,
            settings: Settings { github_keys: self.github_keys, ..settings(self.config, self.purpose) },
            pause: Arc::new(Never),
        };
        Ok(App::open(given).await?)
    }
}

/// A node to write with: migrated, its pepper made if this is the first start.
pub(crate) async fn to_write(config: &Config) -> anyhow::Result<App> {
    let opening = Opening::read(config, Purpose::Lasting)?;
    let db = database(config).await?;
    db.migrate(opening.clock.now()).await?;
    opening.node(db).await
}

/// A node to look with; changes no schema and makes no pepper.
pub(crate) async fn to_look(config: &Config) -> anyhow::Result<App> {
    let opening = Opening::read(config, Purpose::Lasting)?;
    // Opening a file that is not there would make it.
    if let Some(path) = absent_file(config) {
        return Err(Complaint::new(path, "the database is not there").hint(MIGRATE).into());
    }
    let db = database(config).await?;
    demand_schema(&db).await?;
    let peppers = pepper::read(&config.keys.pepper_file)?.ok_or_else(|| missing_pepper(config))?;
    opening.node_with(db, peppers).await
}

/// The database, as it is.
pub(crate) async fn database(config: &Config) -> Result<Db, DbError> {
    let section = &config.database;
    let settings = DbSettings {
        url: section.url.expose_secret().to_owned(),
        sqlite_cache_bytes: section.cache_bytes,
        sqlite_mmap_bytes: section.mmap_bytes,
        readers: section.readers,
        pool: section.pool,
    };
    Db::open(&settings).await
}

/// The database's file, if it is one and is not there yet.
pub(crate) fn absent_file(config: &Config) -> Option<&str> {
    let url = config.database.url.expose_secret().strip_prefix("sqlite:")?;
    Some(url.strip_prefix("//").unwrap_or(url)).filter(|path| !Path::new(path).exists())
}

/// The certificate authorities that the operator trusts besides the system's.
fn authorities(config: &Config) -> Result<Vec<Vec<u8>>, Complaint> {
    let Some(path) = &config.outbound.ca_file else { return Ok(Vec::new()) };
    let text = std::fs::read(path).map_err(|error| {
        Complaint::new(path.display().to_string(), format!("cannot be read: {error}"))
            .hint("`outbound.ca_file` names this file")
    })?;
    Ok(vec![text])
}

/// Where the keys are with which GitHub signs.
fn github_keys(config: &Config) -> Result<KeySource, Complaint> {
    let Some(path) = &config.leaks.github_keys_file else {
        return Ok(KeySource::At(config.leaks.github_keys_url.clone()));
    };
    let wrong = |what: String| {
        Complaint::new(path.display().to_string(), what).hint("`leaks.github_keys_file` names this file")
    };
    let text = std::fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let keys = github::read(&text).ok_or_else(|| wrong("has no current keys of GitHub's".to_owned()))?;
    Ok(KeySource::These(keys))
}

/// The way out, to identity providers.
pub(crate) fn outside(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Outside> {
    let policy = OutboundPolicy {
        allow: config.outbound.allow_cidrs.clone(),
        // Loopback must stand in `allow_cidrs` besides; nothing that leaves this machine goes in the clear.
        allow_plain_http_loopback: true,
        authorities: authorities(config)?,
        ..OutboundPolicy::default()
    };
    let fetch = Fetch::new(policy).context("the client for identity providers could not be made")?;
    Ok(Outside::new(fetch, clock))
}

/// The way out for mail.
fn mail(config: &Config) -> anyhow::Result<Mail> {
    let section = &config.mail;
    let way = match (section.transport, &section.url) {
        (Transport::Smtp, Some(url)) => MailWay::Server { url: url.clone(), authorities: authorities(config)? },
        // `smtp` without an address is refused when the configuration is read.
        (Transport::File | Transport::Smtp, _) => MailWay::Folder(section.path.clone()),
    };
    let from = Email::parse(&section.from).context("`mail.from` is no e-mail address")?;
    Mail::new(&way, &from).context("`mail.url` or `mail.from` cannot be used")
}

/// How this node is called on receipts: as configured, else as its host.
fn node_name(config: &Config) -> String {
    let host = || std::fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).ok();
    config.node.name.clone().or_else(host).filter(|name| !name.is_empty()).unwrap_or_else(|| "node".to_owned())
}

/// What an absent pepper file means.
fn missing_pepper(config: &Config) -> Complaint {
    Complaint::new(config.keys.pepper_file.display().to_string(), "the pepper file is not there")
        .hint("put it back from its copy, or set `keys.pepper_file`; on a new instance `cardea migrate` makes it")
}

async fn demand_schema(db: &Db) -> anyhow::Result<()> {
    let (what, hint) = match db.schema_state().await? {
        SchemaState::UpToDate => return Ok(()),
        SchemaState::Behind(1) => ("lacks a migration of this release".to_owned(), MIGRATE),
        SchemaState::Behind(count) => (format!("lacks {count} migrations of this release"), MIGRATE),
        SchemaState::Newer => ("was migrated by a newer release".to_owned(), "use the newer release's `cardea`"),
    };
    Err(Complaint::new("the database", what).hint(hint).into())
}

fn settings(config: &Config, purpose: Purpose) -> Settings {
    Settings {
        public_url: config.public_url.clone(),
        demo: purpose == Purpose::Demo,
        node_name: node_name(config),
        bound: config.revocation.bound,
        session_max_age: config.sessions.max_age,
        session_idle: config.sessions.idle,
        claims_max_age: config.keys.claims_max_age,
        org_owners: usize::try_from(config.limits.org_owners).unwrap_or(usize::MAX),
        user_admin_may_grant_user_admin: config.roles.user_admin_may_grant_user_admin,
        password_grant: config.auth.password_grant,
        sign_up: config.auth.sign_up,
        personal_keys_per_user: i64::from(config.limits.personal_keys_per_user),
        service_keys_per_org: i64::from(config.limits.service_keys_per_org),
        link_life: config.limits.invitation_default,
        invitation_min: config.limits.invitation_min,
        invitation_max: config.limits.invitation_max,
        sign_ins_per_minute: config.limits.sign_ins_per_minute,
        trusted_proxies: config.http.trusted_proxies.clone(),
        hashers: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        ..Settings::default()
    }
}
