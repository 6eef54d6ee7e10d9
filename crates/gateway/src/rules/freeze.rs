//! Out of force without anybody's loss: what rules give becomes roles by hand.
//!
//! Whom rules manage does not see roles by hand, so these are written beforehand, a few people at a time, and count from the
//! one moment at which the rules do not. Whoever was told about meanwhile is written again in that last transaction.

use cardea_model::id::{AccountId, MemberId};
use cardea_model::{Permission, Timestamp};
use cardea_store::account::{self, Account, Team};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::{grant, group, member};

use super::activate::{flip_to, locked};
use super::error::RulesError;
use super::{Change, Flip};
use crate::app::App;
use crate::context::Ctx;
use crate::roles::{self, Effective, Source};

/// So many people are written in one transaction.
const CHUNK: i64 = 200;
/// Who gave these roles, as it is noted.
const BY: &str = "rules";

/// Takes the rules out of force and leaves everybody what they have, as roles by hand.
///
/// # Errors
/// [`RulesError`].
pub async fn freeze(app: &App, ctx: &Ctx, account: AccountId) -> Result<i64, RulesError> {
    ctx.may(Permission::ManageRules, account)?;
    let row = account::find(&mut app.db.read().await?, account).await?.ok_or(RulesError::Missing("org"))?;
    if !row.rules.active {
        return Err(RulesError::NotActive);
    }
    let mut after = String::new();
    loop {
        let page = group::page(&mut app.db.read().await?, account, &after, CHUNK).await?;
        let Some(last) = page.last() else { break };
        after = last.member.to_string();
        let mut members: Vec<MemberId> = page.iter().map(|told| told.member).collect();
        members.dedup();
        let mut tx = app.db.write().await?;
        write(app, &mut tx, &row, &members, ctx.now).await?;
        tx.commit().await?;
    }
    let (mut tx, ctx_now, standing) = locked(app, ctx, account).await?;
    if standing.rules.generation != row.rules.generation {
        return Err(RulesError::Stale);
    }
    let told = group::told_since(&mut tx, account, ctx.now).await?;
    write(app, &mut tx, &standing, &told, ctx.now).await?;
    let flip = Flip { change: Change::Freeze, rules: &[], active: false, digest: "", summary: "{}" };
    flip_to(app, tx, &ctx_now, &standing, flip, "rules.frozen").await
}

async fn write(app: &App, tx: &mut Tx, row: &Account, members: &[MemberId], now: Timestamp) -> Result<(), DbError> {
    let teams = account::teams(tx, row.org).await?;
    for id in members {
        let Some(held) = managed(app, tx, *id, now).await? else { continue };
        grant::remove_all(tx, *id).await?;
        for role in &held.roles {
            let Some(team_id) = team_id(&teams, role.team.as_deref()) else { continue };
            let stored = grant::Role { team_id: &team_id, service: &role.service, role: &role.role };
            grant::add(tx, *id, stored, BY, now).await?;
        }
        member::set_account_role(tx, *id, held.account_role.as_str()).await?;
    }
    Ok(())
}

/// What the rules give a member, if rules manage them.
async fn managed(app: &App, conn: &mut Conn, id: MemberId, now: Timestamp) -> Result<Option<Effective>, DbError> {
    let Some(member) = member::find(conn, id).await? else { return Ok(None) };
    let held = roles::of(app, conn, &member, now).await?;
    Ok((held.source == Source::Rules).then_some(held))
}

/// The id of a team, empty for the whole org; nothing for a team that does not stand.
fn team_id(teams: &[Team], name: Option<&str>) -> Option<String> {
    let Some(name) = name else { return Some(String::new()) };
    teams.iter().find(|team| team.name == name).map(|team| team.id.to_string())
}
