//! Rules out of force, with what they gave or without.

use std::sync::Arc;

use cardea_model::Permission;
use cardea_model::id::AccountId;
use cardea_store::generation;
use serde::{Deserialize, Serialize};

use super::activate::{flip_to, held, read};
use super::error::RulesError;
use super::plan::{Draft, Guard, Preview, compare};
use super::{Change, Flip, Frozen};
use crate::app::App;
use crate::context::Ctx;

/// What becomes of the roles that rules gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deactivation {
    /// They stay with those who have them, as if given by hand.
    Freeze,
    /// They are gone.
    #[default]
    Revoke,
}

/// What taking the rules out of force would do: whoever they manage loses every role, or keeps what they have. Whose groups
/// were said too long ago to act on keeps nothing.
///
/// # Errors
/// [`RulesError`].
pub async fn before_deactivating(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    how: Deactivation,
) -> Result<Preview, RulesError> {
    ctx.may(Permission::ManageRules, account)?;
    let standing = read(app, account).await?;
    let row = &standing.account;
    if !row.rules.active {
        return Err(RulesError::NotActive);
    }
    let (rules, most): (Vec<Frozen>, _) = match how {
        Deactivation::Revoke => (Vec::new(), None),
        Deactivation::Freeze => {
            let current = generation::find(&mut app.db.read().await?, row.org, row.rules.generation).await?;
            let text = current.ok_or(RulesError::NotActive)?.rules;
            let frozen = serde_json::from_str(&text).map_err(|_| RulesError::Corrupt("generation"))?;
            (frozen, Some(app.settings.claims_max_age))
        }
    };
    Ok(compare(app, ctx, Draft { rules, ..standing }, most).await?.0)
}

/// Takes the rules out of force. With [`Deactivation::Revoke`] every role that they gave is gone, and roles by hand of those
/// whom they managed do not come back; with [`Deactivation::Freeze`] everybody keeps what they have, by hand.
///
/// # Errors
/// [`RulesError`].
pub async fn deactivate(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    how: Deactivation,
    confirm: Option<&str>,
) -> Result<i64, RulesError> {
    ctx.may(Permission::ManageRules, account)?;
    let (held, tx, ctx, row) = held(app, ctx, account).await?;
    if !row.rules.active {
        return Err(RulesError::NotActive);
    }
    if confirm != Some(row.org_name.as_str()) {
        let guard = match how {
            Deactivation::Revoke => Guard::ManyLoseEverything,
            Deactivation::Freeze => Guard::RolesStay,
        };
        return Err(RulesError::Confirm(vec![guard]));
    }
    let (change, action) = match how {
        Deactivation::Revoke => (Change::Revoke, "rules.deactivated"),
        Deactivation::Freeze => (Change::Freeze, "rules.frozen"),
    };
    let flip = Flip { change, rules: &[], active: false, digest: "", summary: "{}" };
    flip_to(app, (held, tx), &ctx, &row, flip, (action, Some(Arc::default()))).await
}
