//! Teams: parts of an org whose roles reach nothing outside them.
//!
//! ```text
//! nothing ──create──► stands ──end──► ended, for good: its name is never given again, because keys may name it
//! ```
//! Roles in a team end with it, on every node: those by hand are removed, and rules give none there any more.

use cardea_model::id::{AccountId, TeamId};
use cardea_model::name::is_slug;
use cardea_model::{Denied, Permission};
use cardea_store::account::{self, Account, Team};
use cardea_store::db::Tx;
use cardea_store::grant;
use serde::Serialize;
use serde_json::json;

use super::{OrgError, text};
use crate::app::App;
use crate::context::Ctx;
use crate::{audit, feed, rules, session};

/// A team as the people of its org see it.
#[derive(Clone, Debug, Serialize)]
pub struct TeamView {
    /// The team.
    pub id: TeamId,
    /// Unique in the org for ever.
    pub name: String,
    /// For people.
    pub description: String,
    /// Raised by each change.
    pub version: i64,
}

impl From<Team> for TeamView {
    fn from(team: Team) -> Self {
        Self { id: team.id, name: team.name, description: team.description, version: team.version }
    }
}

/// The teams of an org that stand, by name.
///
/// # Errors
/// [`OrgError`].
pub async fn list(app: &App, ctx: &Ctx, account: AccountId) -> Result<Vec<TeamView>, OrgError> {
    ctx.may(Permission::SeeOrg, account)?;
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(OrgError::Missing("org"))?;
    Ok(account::teams(&mut conn, row.org).await?.into_iter().map(TeamView::from).collect())
}

/// A team that stands, by name or id.
///
/// # Errors
/// [`OrgError`].
pub async fn show(app: &App, ctx: &Ctx, account: AccountId, team: &str) -> Result<TeamView, OrgError> {
    let known = list(app, ctx, account).await?.into_iter();
    let id: Option<TeamId> = team.parse().ok();
    known.into_iter().find(|known| Some(known.id) == id || known.name == team).ok_or(OrgError::Missing("team"))
}

/// Makes a team.
///
/// # Errors
/// [`OrgError`].
pub async fn create(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    name: &str,
    description: &str,
) -> Result<TeamView, OrgError> {
    ctx.may(Permission::ManageTeams, account)?;
    nameable(name)?;
    let (name, description) = (name.to_owned(), text(description)?.to_owned());
    let (mut tx, ctx, row) = locked(app, ctx, account).await?;
    if row.org_kind == "individual" {
        return Err(OrgError::Individual);
    }
    if account::ended_teams(&mut tx, row.org).await?.contains(&name) {
        return Err(OrgError::TeamNameEnded);
    }
    let team = Team { id: TeamId::new(ctx.now, &*app.random), name, description, version: 1 };
    let added = account::add_team(&mut tx, row.org, &team).await;
    added.map_err(|error| error.or_on_conflict(OrgError::TeamNameTaken))?;
    finish(app, tx, &ctx, &row, ("team.created", &team)).await?;
    Ok(team.into())
}

fn nameable(name: &str) -> Result<(), OrgError> {
    let lower = name.to_lowercase();
    match (is_slug(name), is_slug(&lower)) {
        (true, _) => Ok(()),
        (false, true) => Err(OrgError::Capitals(lower)),
        (false, false) => Err(OrgError::TeamName),
    }
}

/// A transaction in which the caller changes the teams of an org, which is locked.
async fn locked(app: &App, ctx: &Ctx, account: AccountId) -> Result<(Tx, Ctx, Account), OrgError> {
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    ctx.may(Permission::ManageTeams, account)?;
    let row = account::find(&mut tx, account).await?.ok_or(OrgError::Missing("org"))?;
    account::lock_org(&mut tx, row.org).await?;
    Ok((tx, ctx, row))
}

/// Writes the change down, and tells every node that the org has changed.
async fn finish(
    app: &App,
    mut tx: Tx,
    ctx: &Ctx,
    row: &Account,
    (action, team): (&str, &Team),
) -> Result<(), OrgError> {
    let detail = json!({"name": team.name});
    audit::record(app, &mut tx, ctx, Some(row.id), action, &team.id.to_string(), detail).await?;
    rules::tell(app, &mut tx, row.org).await?;
    tx.commit().await?;
    // Whoever asks this node next is judged by the teams that stand now.
    Ok(feed::catch_up(app).await?)
}

/// Gives a team another description; `version` is the one that the caller read, none for any.
///
/// # Errors
/// [`OrgError`].
pub async fn describe(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    team: &str,
    (description, version): (&str, Option<i64>),
) -> Result<TeamView, OrgError> {
    ctx.may(Permission::ManageTeams, account)?;
    let description = text(description)?;
    let (mut tx, ctx, row) = locked(app, ctx, account).await?;
    let known = standing(&mut tx, &row, team, version).await?;
    account::describe_team(&mut tx, row.org, known.id, description).await?;
    finish(app, tx, &ctx, &row, ("team.described", &known)).await?;
    Ok(Team { description: description.to_owned(), version: known.version.saturating_add(1), ..known }.into())
}

/// The team, if it stands and is as the caller read it.
async fn standing(tx: &mut Tx, row: &Account, team: &str, version: Option<i64>) -> Result<Team, OrgError> {
    // No name has a NUL, and no database takes one.
    let known = if team.contains('\0') { None } else { account::team(tx, row.org, team).await? };
    let known = known.ok_or(OrgError::Missing("team"))?;
    if version.is_some_and(|version| version != known.version) { Err(OrgError::Stale) } else { Ok(known) }
}

/// Ends a team, and with it every role there; `version` is the one that the caller read, none for any.
///
/// # Errors
/// [`OrgError`].
pub async fn end(app: &App, ctx: &Ctx, account: AccountId, team: &str, version: Option<i64>) -> Result<(), OrgError> {
    ctx.may(Permission::ManageTeams, account)?;
    let (mut tx, ctx, row) = locked(app, ctx, account).await?;
    let known = standing(&mut tx, &row, team, version).await?;
    account::end_team(&mut tx, row.org, known.id, ctx.now).await?;
    grant::remove_of_team(&mut tx, known.id).await?;
    finish(app, tx, &ctx, &row, ("team.ended", &known)).await
}
