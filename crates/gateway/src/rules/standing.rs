//! What is in force, since when and by whom; and what a rule can name.

use cardea_model::id::{AccountId, UserId};
use cardea_model::{Permission, Timestamp};
use cardea_store::account;
use cardea_store::db::{Conn, DbError};
use cardea_store::{generation, person};

use super::activate::UNDO_FOR;
use super::error::RulesError;
use super::plan::Counts;
use super::{Change, Frozen};
use crate::app::App;
use crate::context::Ctx;

/// What a rule of an org can name.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Its teams, by name.
    pub teams: Vec<String>,
    /// Its services, by name.
    pub services: Vec<String>,
}

/// The change after which the rules in force are what they are.
#[derive(Clone, Debug)]
pub struct InForce {
    /// Its number.
    pub generation: i64,
    /// Whether rules give roles since then.
    pub active: bool,
    /// `activate`, `apply`, `undo` or `revoke`.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// The name or address of the person who did it; none if it was nobody's hand.
    pub by: Option<String>,
    /// The names of its rules.
    pub rules: Vec<String>,
    /// How many people, by what became of them; none where nobody previewed it.
    pub counts: Option<Counts>,
    /// Until when it can be undone; none if it cannot.
    pub undo_until: Option<Timestamp>,
}

/// The teams and services that rules of the org can give roles in.
///
/// # Errors
/// [`RulesError`].
pub async fn choices(app: &App, ctx: &Ctx, account: AccountId) -> Result<Choices, RulesError> {
    ctx.may(Permission::ManageRules, account)?;
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(RulesError::Missing("org"))?;
    let teams = account::teams(&mut conn, row.org).await?.into_iter().map(|team| team.name).collect();
    Ok(Choices { teams, services: account::services(&mut conn, row.org).await? })
}

/// The last change of what is in force; nothing if there never was one.
///
/// # Errors
/// [`RulesError`].
pub async fn in_force(app: &App, ctx: &Ctx, account: AccountId) -> Result<Option<InForce>, RulesError> {
    ctx.may(Permission::ManageRules, account)?;
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(RulesError::Missing("org"))?;
    let Some(last) = generation::find(&mut conn, row.org, row.rules.generation).await? else { return Ok(None) };
    let rules: Vec<Frozen> = serde_json::from_str(&last.rules).map_err(|_| RulesError::Corrupt("generation"))?;
    let until = last.activated_at.after(UNDO_FOR);
    let can_be_undone = last.kind != Change::Undo.as_str() && until >= ctx.now;
    Ok(Some(InForce {
        generation: last.number,
        active: row.rules.active,
        at: last.activated_at,
        by: name_of(&mut conn, &last.activated_by).await?,
        rules: rules.into_iter().map(|rule| rule.name).collect(),
        counts: serde_json::from_str(&last.summary).ok(),
        undo_until: can_be_undone.then_some(until),
        kind: last.kind,
    }))
}

async fn name_of(conn: &mut Conn, actor: &str) -> Result<Option<String>, DbError> {
    let Some(user) = actor.strip_prefix("person:").and_then(|id| id.parse::<UserId>().ok()) else { return Ok(None) };
    let known = person::find(conn, user).await?;
    Ok(known.and_then(|person| Some(person.name).filter(|name| !name.is_empty()).or(person.email)))
}
