//! Invitations that a declaration asks for: an operator's, in the transaction of the account, which is locked.

use cardea_model::name::Email;
use cardea_model::rule::RuleGrant;
use cardea_store::account::Account;
use cardea_store::db::Tx;
use cardea_store::invitation::{self as rows};
use cardea_tokens::format::{Prefix, Secret};

use super::{InvitationError, InvitedAs, Wanted, fits, given, inviter, new, write_to};
use crate::app::App;
use crate::context::Ctx;
use crate::declare::Asking;

/// Does it. Whoever is asked gets a link of their own by mail; audited by the declaration.
pub(crate) async fn perform(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    org: &Account,
    work: &Asking,
) -> Result<(), InvitationError> {
    match work {
        Asking::Withdraw(id) => {
            rows::end(tx, *id, "revoked", None, ctx.now).await?;
        }
        Asking::Roles { id, roles } => {
            are_there(app, tx, org, roles).await?;
            rows::put_roles(tx, *id, (&given::written(roles)?, &inviter(ctx))).await?;
        }
        Asking::Send { wanted, instead } => {
            let wanted = Wanted {
                email: wanted.email.clone(),
                invited_as: if wanted.owner { InvitedAs::Owner } else { InvitedAs::Member },
                account_role: wanted.account_role,
                message: wanted.message.clone(),
                valid_for: wanted.valid_for,
                roles: wanted.roles.clone(),
            };
            if let Some(id) = instead {
                rows::end(tx, *id, "revoked", None, ctx.now).await?;
            }
            send(app, tx, ctx, org, &wanted).await?;
        }
    }
    Ok(())
}

async fn send(app: &App, tx: &mut Tx, ctx: &Ctx, org: &Account, wanted: &Wanted) -> Result<(), InvitationError> {
    let (row, email): (_, Email) = new(app, ctx, org, wanted)?;
    are_there(app, tx, org, &wanted.roles).await?;
    fits(app, tx, ctx, org, (&row, &email)).await?;
    // One that was not accepted in time.
    if let Some(standing) = rows::pending(tx, org.id, &email.normal).await? {
        rows::end(tx, standing.id, "revoked", None, ctx.now).await?;
    }
    let secret = Secret::generate(Prefix::Link, &*app.random);
    rows::add(tx, &row, &app.peppers.mac(secret.expose()).to_bytes()).await?;
    Ok(write_to(app, tx, ctx, org, (&row, &email), &secret).await?)
}

async fn are_there(app: &App, tx: &mut Tx, org: &Account, roles: &[RuleGrant]) -> Result<(), InvitationError> {
    let offer = given::Offer::read(tx, org).await?;
    roles.iter().try_for_each(|role| offer.find(app, role).map(drop).map_err(InvitationError::Role))
}
