//! What a sign-in says about somebody's groups, noted: [`crate::roles`] works out from it what they may. Nothing here
//! fails a sign-in.

use std::collections::BTreeMap;
use std::sync::Arc;

use cardea_model::Timestamp;
use cardea_model::id::{ConnectionId, IdentityId};
use cardea_model::rule::GroupClaims;
use cardea_store::db::{DbError, Tx};
use cardea_store::group::{self, Snapshot};
use cardea_store::member::{self, Member};
use serde_json::json;

use crate::app::App;
use crate::audit;
use crate::check;
use crate::context::Ctx;
use crate::revocation;
use crate::roles::{self, Effective, Known, NOTED_TO, is_over};
use crate::rules;
use crate::state::{Groups, GroupsFrom, OnMissing};

/// How one list of groups of somebody who signs in was told, for the trace and the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// As a whole list.
    Claims,
    /// Not at all, which is taken for none.
    TreatedAsEmpty,
    /// Not at all, cut off, or not by this connection's authority; the last good list stands.
    Kept,
}

impl Sync {
    /// The word in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::TreatedAsEmpty => "treated_as_empty",
            Self::Kept => "kept",
        }
    }
}

/// Notes what a connection says about the groups of an identity, claim by claim, in the caller's transaction, which has
/// touched the member; the connection's own claim has the empty name. A change is told to every node: make this the last
/// write but for inserts.
pub(crate) async fn sync(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (member, identity): (&Member, IdentityId),
    (connection, settings): (ConnectionId, &Groups),
    said: &BTreeMap<String, GroupClaims>,
) -> Result<BTreeMap<String, Sync>, DbError> {
    if settings.from == GroupsFrom::Scim {
        return Ok(said.keys().map(|claim| (claim.clone(), Sync::Kept)).collect());
    }
    let standing = group::of_identity(tx, identity).await?;
    let (mut outcomes, mut fresh) = (BTreeMap::new(), Vec::new());
    for (claim, claims) in said {
        let last = standing.iter().find(|last| last.claim == *claim);
        let (groups, said, outcome) = match (claims, settings.on_missing) {
            (GroupClaims::Present(groups), _) => {
                (Some(numbers(app, tx, (connection, claim.clone()), groups).await?), "present", Sync::Claims)
            }
            (GroupClaims::Missing, OnMissing::TreatAsEmpty) => (Some(Vec::new()), "missing", Sync::TreatedAsEmpty),
            (GroupClaims::Missing, OnMissing::KeepLast) => (None, "missing", Sync::Kept),
            (GroupClaims::Overage, _) => (None, "overage", Sync::Kept),
        };
        let (groups, seen_at) = groups.map_or_else(|| kept(last, ctx.now), |groups| (groups, ctx.now));
        let (claim, said) = (claim.clone(), said.to_owned());
        let told = Snapshot { connection, identity, member: member.id, claim: claim.clone(), groups, said, seen_at };
        outcomes.insert(claim, outcome);
        if last.is_none_or(|last| !is_same(last, &told)) {
            fresh.push(told);
        }
    }
    if !fresh.is_empty() {
        note(app, tx, ctx, member, &fresh).await?;
    }
    Ok(outcomes)
}

/// The last good list. What had run out does not come back because a later answer was cut off.
fn kept(last: Option<&Snapshot>, now: Timestamp) -> (Vec<i64>, Timestamp) {
    match last {
        Some(last) if is_over(&last.said, last.seen_at, now) => (Vec::new(), last.seen_at),
        Some(last) => (last.groups.clone(), last.seen_at),
        None => (Vec::new(), now),
    }
}

/// The groups' numbers, ascending. Those that this node has seen are not looked up again.
async fn numbers(app: &App, tx: &mut Tx, of: (ConnectionId, String), groups: &[String]) -> Result<Vec<i64>, DbError> {
    let memory = Arc::clone(&app.memory());
    // A memory that has not followed the feed may be of another database, as after a backup was restored.
    let (mut numbers, unknown) = match check::is_fresh(app) {
        true => memory.numbers_of(&of, groups),
        false => (Vec::new(), groups.to_vec()),
    };
    if !unknown.is_empty() {
        let fresh = group::intern(tx, (of.0, &of.1), &unknown).await?;
        numbers.extend(fresh.values());
        // Only what is committed keeps its number.
        tx.after_commit(move || memory.keep_numbers(of, fresh));
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

fn is_same(last: &Snapshot, told: &Snapshot) -> bool {
    last.groups == told.groups && last.said == told.said && told.seen_at.since(last.seen_at) < NOTED_TO
}

async fn note(app: &App, tx: &mut Tx, ctx: &Ctx, member: &Member, fresh: &[Snapshot]) -> Result<(), DbError> {
    let member = rules::keep(app, tx, member.clone()).await?;
    let before = roles::of(app, tx, &member, ctx.now).await?;
    // Whom rules have managed until now they manage from now on, whatever the new list says.
    let old = Known::read(app, tx, &member, ctx.now).await?;
    for told in fresh {
        group::put_snapshot(tx, told).await?;
    }
    let new = Known::read(app, tx, &member, ctx.now).await?;
    let mut member = member;
    if let Some((since, void)) = old.to_note(&member).into_iter().chain(new.to_note(&member)).min()
        && member::manage(tx, member.id, since, void).await?
    {
        member.managed_since = Some(since);
    }
    let after = roles::of(app, tx, &member, ctx.now).await?;
    if before.roles != after.roles || before.account_role != after.account_role {
        record(app, tx, ctx, &member, (&before, &after)).await?;
    }
    revocation::roles_changed(app, tx, member.id).await
}

async fn record(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    member: &Member,
    (before, after): (&Effective, &Effective),
) -> Result<(), DbError> {
    let words = |one: &Effective, other: &Effective| -> Vec<String> {
        let lost = one.roles.iter().filter(|role| !other.roles.contains(role));
        lost.map(|role| format!("{}/{}", role.service, role.role)).collect()
    };
    let (added, removed) = (words(after, before), words(before, after));
    let detail = json!({"added": added, "removed": removed, "account_role": after.account_role.as_str()});
    audit::record(app, tx, ctx, Some(member.account), "roles.synced", &member.user.to_string(), detail).await
}
