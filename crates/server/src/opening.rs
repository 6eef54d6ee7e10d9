//! From the configuration to a node that serves nobody yet: database, pepper, catalogue, the way out.
//!
//! `serve` and every command that writes bring the schema up to date first and make the pepper file where there is none;
//! commands that only look demand both.

use crate::catalogue;
use crate::chance::OsRandom;
use crate::clock::SystemClock;
use crate::complaint::Complaint;
use crate::config::Config;
use crate::pepper;
use anyhow::Context as _;
use cardea_gateway::ground::{self, Db, DbError, DbSettings, Fetch, OutboundPolicy, Outside, Peppers, SchemaState};
use cardea_gateway::pause::Never;
use cardea_gateway::{App, Given, Settings};
use cardea_model::Clock;
use secrecy::ExposeSecret as _;
use std::sync::Arc;

/// Whether this is a throw-away instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It stays.
    Lasting,
    /// `cardea demo`.
    Demo,
}

/// A node to write with: migrated, its pepper made if this is the first start.
pub(crate) async fn to_write(config: &Config) -> anyhow::Result<App> {
    let db = database(config).await?;
    let clock = Arc::new(SystemClock::start());
    db.migrate(clock.now()).await?;
    prepared(config, db, clock, Purpose::Lasting).await
}

/// A node to look with; changes no schema and makes no pepper.
pub(crate) async fn to_look(config: &Config) -> anyhow::Result<App> {
    let db = database(config).await?;
    demand_schema(&db).await?;
    let peppers = pepper::read(&config.keys.pepper_file)?.ok_or_else(|| missing_pepper(config))?;
    node(config, db, Arc::new(SystemClock::start()), peppers, Purpose::Lasting).await
}

/// A node over a migrated database; makes the pepper if none was ever made.
pub(crate) async fn prepared(config: &Config, db: Db, clock: Arc<dyn Clock>, purpose: Purpose) -> anyhow::Result<App> {
    let path = &config.keys.pepper_file;
    let peppers = match pepper::read(path)? {
        Some(peppers) => peppers,
        // A second pepper would not open what the first one shut; it would only hide that the first is gone.
        None if ground::has_pepper(&db).await? => return Err(missing_pepper(config).into()),
        None => pepper::create(path, &OsRandom)?,
    };
    node(config, db, clock, peppers, purpose).await
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

/// The way out, to identity providers.
pub(crate) fn outside(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Outside> {
    let authorities = match &config.outbound.ca_file {
        None => Vec::new(),
        Some(path) => {
            let name = path.display().to_string();
            let text = std::fs::read(path).map_err(|error| {
                Complaint::new(name, format!("cannot be read: {error}")).hint("`outbound.ca_file` names this file")
            })?;
            vec![text]
        }
    };
    let policy = OutboundPolicy {
        allow: config.outbound.allow_cidrs.clone(),
        // Loopback must stand in `allow_cidrs` besides; nothing that leaves this machine goes in the clear.
        allow_plain_http_loopback: true,
        authorities,
        ..OutboundPolicy::default()
    };
    let fetch = Fetch::new(policy).context("the client for identity providers could not be made")?;
    Ok(Outside::new(fetch, clock))
}

/// How this node is called on receipts: as configured, else as its host.
pub(crate) fn node_name(config: &Config) -> String {
    let host = || std::fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).ok();
    config.node.name.clone().or_else(host).filter(|name| !name.is_empty()).unwrap_or_else(|| "node".to_owned())
}

/// What an absent pepper file means.
pub(crate) fn missing_pepper(config: &Config) -> Complaint {
    Complaint::new(config.keys.pepper_file.display().to_string(), "the pepper file is not there")
        .hint("put it back from its copy, or set `keys.pepper_file`; on a new instance `cardea migrate` makes it")
}

async fn demand_schema(db: &Db) -> anyhow::Result<()> {
    let migrations = match db.schema_state().await? {
        SchemaState::UpToDate => return Ok(()),
        SchemaState::Behind(count) => format!("lacks {count} of this release's migrations"),
        SchemaState::Newer => "was migrated by a newer release".to_owned(),
    };
    Err(Complaint::new("the database", migrations)
        .hint("run `cardea migrate` of the newest release that you have")
        .into())
}

async fn node(
    config: &Config,
    db: Db,
    clock: Arc<dyn Clock>,
    peppers: Peppers,
    purpose: Purpose,
) -> anyhow::Result<App> {
    let outside = outside(config, Arc::clone(&clock))?;
    let catalogue = catalogue::load(config)?;
    let settings = settings(config, purpose);
    let given =
        Given { db, clock, random: Arc::new(OsRandom), peppers, catalogue, outside, settings, pause: Arc::new(Never) };
    Ok(App::open(given).await?)
}

fn settings(config: &Config, purpose: Purpose) -> Settings {
    Settings {
        public_url: config.public_url.clone(),
        demo: purpose == Purpose::Demo,
        node_name: node_name(config),
        bound: config.revocation.bound,
        session_max_age: config.sessions.max_age,
        session_idle: config.sessions.idle,
        personal_keys_per_user: i64::from(config.limits.personal_keys_per_user),
        link_life: config.limits.invitation_default,
        hashers: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        ..Settings::default()
    }
}
