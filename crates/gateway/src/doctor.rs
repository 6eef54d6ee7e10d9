//! How a running installation is, as `cardea doctor` tells it: nothing is changed and nothing is guessed.

use std::time::Duration;

use cardea_connect::Flow;
use cardea_model::{Permission, Place, Timestamp};
use cardea_store::db::{Conn, DbError, Engine};
use cardea_store::{account, connection, feed, node, secret, setting};
use serde::Serialize;

use crate::app::{App, PEPPER};
use crate::context::Ctx;
use crate::error::GatewayError;
use crate::login::connector;

/// How many bounds a node may be silent before it counts as gone.
pub const SILENCE: u32 = 5;

/// How long a fresh connection may take until it hears of other nodes' commits.
const HEARING: Duration = Duration::from_secs(1);

/// The nodes, the feed and the clocks.
#[derive(Clone, Debug, Serialize)]
pub struct Examination {
    /// The number of the feed's last row.
    pub feed_end: i64,
    /// How long it took to read that, in microseconds.
    pub feed_read_micros: u64,
    /// How commits of other nodes are heard of: `notify` or `poll`.
    pub wake_up: &'static str,
    /// The nodes that said lately that they are alive.
    pub nodes: Vec<NodeView>,
    /// By how much the database's clock is ahead of this machine's, in milliseconds; the engine tells whole seconds or
    /// better. Nothing if it told no time that can be read.
    pub clock_ahead_millis: Option<i64>,
}

/// A node that is alive.
#[derive(Clone, Debug, Serialize)]
pub struct NodeView {
    /// The process.
    pub id: String,
    /// Its name on receipts.
    pub name: String,
    /// Its release.
    pub version: String,
    /// When it last said so.
    pub seen_at: Timestamp,
}

/// A connection whose provider was asked for its metadata.
#[derive(Clone, Debug, Serialize)]
pub struct Reached {
    /// The connection.
    pub connection: String,
    /// The account it belongs to.
    pub account: String,
    /// What went wrong, if nobody could begin to sign in there.
    pub problem: Option<String>,
}

/// Looks at the nodes, the feed and the clocks.
///
/// # Errors
/// Refusals and the database's.
pub async fn examine(app: &App, ctx: &Ctx) -> Result<Examination, GatewayError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let mut conn = app.db.read().await?;
    let began = app.clock.monotonic();
    let feed_end = feed::last(&mut conn).await?;
    let took = app.clock.monotonic().saturating_sub(began);
    let since = ctx.now.before(app.settings.bound.saturating_mul(SILENCE).max(Duration::from_secs(2)));
    let alive = node::alive(&mut conn, since).await?.into_iter();
    let nodes = alive.map(|node| NodeView {
        id: node.id.to_string(),
        name: node.name,
        version: node.version,
        seen_at: node.seen_at,
    });
    Ok(Examination {
        feed_end,
        feed_read_micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        wake_up: if hears(app).await { "notify" } else { "poll" },
        nodes: nodes.collect(),
        clock_ahead_millis: ahead(app, &mut conn).await?,
    })
}

/// Whether this process hears of other nodes' commits at once. A database that was opened a moment ago may begin to listen
/// only now, and rings when it does.
async fn hears(app: &App) -> bool {
    let mut wakes = app.db.wakes();
    if app.db.engine() == Engine::Postgres && !app.db.listening() {
        // An engine that passes no notifications on never rings.
        let _silent = tokio::time::timeout(HEARING, wakes.next()).await;
    }
    app.db.listening()
}

async fn ahead(app: &App, conn: &mut Conn) -> Result<Option<i64>, DbError> {
    let text = node::clock(conn).await?;
    let now = app.clock.now();
    Ok(read_clock(&text).map(|theirs| (theirs.as_micros() - now.as_micros()) / 1_000))
}

/// SQLite writes `2026-11-21 10:59:39`, PostgreSQL `2026-11-21 10:59:39.123456+00` with its session's offset.
fn read_clock(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(' ')?;
    let zone = if time.contains(['+', '-']) { "" } else { "Z" };
    Timestamp::parse(&format!("{date}T{time}{zone}"))
}

/// A version of the pepper that this database was made with, and that the pepper file no longer has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingPepper {
    /// Its number.
    pub version: u16,
    /// How many keys are refused because of that.
    pub keys: i64,
}

/// Looks for versions of the pepper that the file has lost: whatever was made with them is refused until they are back.
///
/// # Errors
/// Refusals and the database's.
pub async fn peppers(app: &App, ctx: &Ctx) -> Result<Vec<MissingPepper>, GatewayError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let mut conn = app.db.read().await?;
    let mut missing = Vec::new();
    for name in setting::names(&mut conn, PEPPER).await? {
        let Some(version) = name.strip_prefix(PEPPER).and_then(|text| text.parse::<u16>().ok()) else { continue };
        if app.peppers.fingerprints().all(|(known, _)| known != version) {
            let keys = secret::count_of_pepper(&mut conn, &version.to_be_bytes()).await?;
            missing.push(MissingPepper { version, keys });
        }
    }
    Ok(missing)
}

/// Asks the provider of every live connection for its metadata, as a sign-in would.
///
/// # Errors
/// Refusals and the database's; a provider that does not answer is told in the list.
pub async fn reach(app: &App, ctx: &Ctx) -> Result<Vec<Reached>, GatewayError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let mut connections = Vec::new();
    let mut conn = app.db.read().await?;
    for row in account::all(&mut conn).await? {
        let rows = connection::of_account(&mut conn, row.id).await?.into_iter();
        connections.extend(rows.filter(|row| row.stage == "live").map(|connection| (row.name.clone(), connection)));
    }
    drop(conn);
    let mut all = Vec::new();
    for (account, row) in connections {
        let begun = match connector::build(app, &row, Vec::new()).await {
            Ok(connector) => connector.begin(&Flow::fresh(&*app.random), ctx.now).await.map(drop).map_err(Into::into),
            Err(error) => Err(error),
        };
        all.push(Reached { connection: row.name, account, problem: begun.err().map(|error| chain(&error)) });
    }
    Ok(all)
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_of_both_engines_are_read() {
        let expected = Timestamp::parse("2026-11-21T10:59:39Z");
        for text in
            ["2026-11-21 10:59:39", "2026-11-21 10:59:39+00", "2026-11-21 12:59:39+02", "2026-11-21 05:29:39-05:30"]
        {
            assert_eq!(read_clock(text), expected, "{text}");
        }
        assert_eq!(read_clock("now"), None);
    }
}
