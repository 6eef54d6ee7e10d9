//! Membership rules: what an admin edits, and the frozen generations of it that give roles.
//!
//! ```text
//! table rule ──preview──► difference ──activate──► generation n+1, frozen ──► org.generation = n+1
//! ```
//! What rules give is copied nowhere: [`crate::roles`] works it out from the groups that connections last said and the
//! generation in force. So activation is one row, undo the rules before, and nothing stale can be left behind.

mod activate;
pub(crate) mod bounds;
mod bulk;
mod comparison;
mod deactivate;
mod digest;
mod draft;
mod error;
mod explain;
pub(crate) mod frozen;
mod plan;
mod settle;
mod standing;
mod tried;

pub use activate::{Activated, activate, preview, preview_rows, undo};
pub use deactivate::{Deactivation, before_deactivating, deactivate};
pub use digest::Previewed;
pub(crate) use draft::is_linked;
pub use draft::{RuleView, RulesView, Written, list, put, remove};
pub use error::RulesError;
pub use explain::{Asked, Explanation, GroupView, NearMiss, SaidView, explain};
pub(crate) use frozen::{Earlier, Frozen, Held, RuleSet, Sets, Shelf};
pub use plan::{Changed, Counts, Guard, Named, Preview, Rows, Unasked};
pub(crate) use settle::{finish, keep, settle};
pub use standing::{Choices, InForce, choices, in_force};
pub use tried::{Tried, TriedClaim, try_out};

use std::collections::BTreeSet;
use std::sync::Arc;

use cardea_model::catalogue::GrantedRole;
use cardea_model::id::{ConnectionId, JobId, OrgId};
use cardea_model::numbers::Numbers;
use cardea_model::rule::{CompiledRules, Matcher, RuleBody, RuleGrant};
use cardea_store::account::{self, Account};
use cardea_store::connection;
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::feed::{self, Kind};
use cardea_store::generation::{self, Generation};
use cardea_store::grant;
use cardea_store::job;

use crate::app::App;
use crate::context::Ctx;
use crate::error::GatewayError;

/// The job that writes what a change of the rules in force has left to be written.
pub(crate) const SETTLE: &str = "rules.settle";

/// The rules of an org as an admin edits them.
pub(crate) async fn drafted(conn: &mut Conn, org: OrgId) -> Result<Vec<Frozen>, GatewayError> {
    let stored = connection::rules(conn, org).await?;
    let read = |rule: connection::Rule| {
        let body: RuleBody = serde_json::from_str(&rule.document).map_err(|_| GatewayError::Corrupt("rule"))?;
        Ok(Frozen { id: rule.id, connection: rule.connection, name: rule.name, body })
    };
    stored.into_iter().map(read).collect()
}

/// Where to look for the claims besides a connection's own that rules read.
#[derive(Clone)]
pub(crate) struct Claims {
    org: OrgId,
    generation: i64,
    /// Those that the rules read as they are edited: a preview of what nobody has activated yet knows what it would find.
    edited: BTreeSet<String>,
}

impl Claims {
    /// Reads what can be read in a transaction.
    pub(crate) async fn read(conn: &mut Conn, of: &connection::Connection) -> Result<Option<Self>, DbError> {
        let Some(row) = account::find(conn, of.account).await? else { return Ok(None) };
        let mut edited = BTreeSet::new();
        for document in connection::documents_with_claims(conn, row.org, of.id).await? {
            // What a newer release has written is no reason to let nobody in.
            let Ok(body) = serde_json::from_str::<RuleBody>(&document) else { continue };
            edited.extend(body.any_of.iter().flat_map(Matcher::claims).map(str::to_owned));
        }
        Ok(Some(Self { org: row.org, generation: row.rules.generation, edited }))
    }

    /// All of them; those of the rules in force are read by whoever comes first after a change, outside of transactions.
    pub(crate) async fn all(self, app: &App, of: ConnectionId) -> Result<Vec<String>, DbError> {
        let mut all = self.edited;
        if self.generation > 0 {
            let sets = Arc::clone(&app.memory()).rules.kept(app, self.org, self.generation).await?;
            let in_force = sets.giving.rules.get(&of).into_iter().flat_map(CompiledRules::claims);
            all.extend(in_force.map(str::to_owned));
        }
        all.remove("");
        Ok(all.into_iter().collect())
    }
}

/// How rules come in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// By an admin who has previewed them.
    Activate,
    /// By a declaration.
    Apply,
    /// The rules of an earlier generation, after the last one was undone.
    Undo,
    /// None: what they gave is gone.
    Revoke,
    /// None: what they gave stays, by hand.
    Freeze,
}

impl Change {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::Apply => "apply",
            Self::Undo => "undo",
            Self::Revoke => "revoke",
            Self::Freeze => "freeze",
        }
    }
}

/// What is put in force, and what is said about it.
pub(crate) struct Flip<'a> {
    pub(crate) change: Change,
    pub(crate) rules: &'a [Frozen],
    /// Whether they give roles.
    pub(crate) active: bool,
    pub(crate) digest: &'a str,
    pub(crate) summary: &'a str,
}

/// Puts rules in force, in the caller's transaction, which holds the lock of the org and has read `account` under it. The
/// feed's counter is taken by [`tell`], last.
pub(crate) async fn put_in_force(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    account: &Account,
    flip: Flip<'_>,
) -> Result<i64, GatewayError> {
    let standing = account.rules;
    let number = standing.generation + 1;
    let before = Sets::marks(tx, account.org, standing.generation).await?;
    // Whoever is about to write what rules left by hand does so in a moment: until then that generation is needed.
    let is_open = before.freeze(standing.generation).is_some() && standing.settled + 1 < standing.generation;
    if is_open && flip.change != Change::Undo {
        return Err(DbError::Busy.into());
    }
    let marks = before.following(&standing, flip.change);
    let written = |error: serde_json::Error| {
        tracing::error!(%error, "rules cannot be written");
        GatewayError::Corrupt("rule")
    };
    let row = Generation {
        number,
        kind: flip.change.as_str().to_owned(),
        rules: serde_json::to_string(flip.rules).map_err(written)?,
        marks: serde_json::to_string(&marks).map_err(written)?,
        previous: standing.generation,
        digest: flip.digest.to_owned(),
        summary: flip.summary.to_owned(),
        activated_at: ctx.now,
        activated_by: ctx.actor(),
    };
    generation::put_in_force(tx, account.org, &row, flip.active).await?;
    if !marks.also.is_empty() {
        let subject = format!("{} {number}", account.org);
        job::add(tx, JobId::new(ctx.now, &*app.random), SETTLE, &subject, ctx.now).await?;
    }
    Ok(number)
}

/// Every role that somebody has by hand or a rule in force gives, so that a catalogue can say which it has forgotten.
///
/// # Errors
/// The database's.
pub async fn granted(app: &App) -> Result<Vec<GrantedRole>, GatewayError> {
    let mut conn = app.db.read().await?;
    let by_hand = grant::counted(&mut conn).await?.into_iter().map(|counted| GrantedRole {
        service: counted.service,
        role: counted.role,
        by_rules: 0,
        by_hand: u64::try_from(counted.count).unwrap_or(0),
    });
    let mut granted: Vec<GrantedRole> = by_hand.collect();
    for rules in generation::all_in_force(&mut conn).await? {
        let frozen: Vec<Frozen> = serde_json::from_str(&rules).map_err(|_| GatewayError::Corrupt("generation"))?;
        let given = frozen.into_iter().flat_map(|rule| rule.body.grants);
        granted.extend(given.map(|RuleGrant { service, role, .. }| GrantedRole {
            service,
            role,
            by_rules: 1,
            by_hand: 0,
        }));
    }
    Ok(granted)
}

/// Tells every node that the org has changed; the last write of its transaction.
pub(crate) async fn tell(app: &App, tx: &mut Tx, org: OrgId) -> Result<(), DbError> {
    feed::append(tx, Kind::Org, &org.to_string(), Numbers::default(), app.clock.now()).await.map(drop)
}
