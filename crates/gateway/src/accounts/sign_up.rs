//! Somebody new makes an account of their own, where the operator lets them: what they type is sent a link, and whoever
//! opens that makes the account with an org for one person.
//!
//! Whoever asks hears the same, whoever the address is of. An address that has a way in already, here or at the provider
//! of its domain, is told so in the message instead.

use std::time::Duration;

use cardea_model::name::Email;
use cardea_store::account::Account;
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::{connection, person};
use serde_json::json;

use super::{AccountError, add_account, add_link, org_name};
use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::mail::{self, Message, Proof};
use crate::tries::{network, seconds};

/// The kind of its links.
pub(super) const LINK: &str = "sign_up";
/// In which time one address is written to so often, and one network may ask so often.
const SPAN: Duration = Duration::from_secs(3600);
const LETTERS: u32 = 3;
const ASKED: u32 = 30;

/// Writes to somebody who asks for an account: a link with which to make it, or that they have a way in.
///
/// # Errors
/// [`AccountError::SignUpOff`], [`AccountError::Email`], [`AccountError::TooMany`] and the database's.
pub async fn sign_up(app: &App, ctx: &Ctx, email: &str) -> Result<(), AccountError> {
    if !app.settings.sign_up {
        return Err(AccountError::SignUpOff);
    }
    let email = Email::parse(email).ok_or(AccountError::Email)?;
    for (name, most) in [(network(ctx.ip), ASKED), (email.normal.clone(), LETTERS)] {
        let taken = app.tries.take(&format!("{LINK} {name}"), most, SPAN, ctx.now);
        taken.map_err(|wait| AccountError::TooMany(seconds(wait)))?;
    }
    let mut tx = app.db.write().await?;
    let message = match is_known(&mut tx, &email).await? {
        true => Message::KnownAlready { link: format!("{}/login", app.settings.public_url) },
        false => {
            let secret = add_link(app, &mut tx, ctx, LINK, None, Some(&email.shown)).await?.reveal();
            let proof = Proof::Link(format!("{}/link/{secret}", app.settings.public_url));
            Message::VerifyAddress { proof, expires_at: ctx.now.after(app.settings.link_life) }
        }
    };
    mail::send(app, &mut tx, ctx, &email, &message, &format!("{LINK}:{}", ctx.request)).await?;
    let detail = json!({});
    audit::record(app, &mut tx, ctx, None, "sign_up.asked", &email.domain, detail).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether somebody with this address can sign in already, here or at the provider of their domain.
pub(crate) async fn is_known(conn: &mut Conn, email: &Email) -> Result<bool, DbError> {
    let routed = connection::of_domain(conn, &email.domain).await?.is_some_and(|row| row.stage == "live");
    Ok(routed || person::with_email(conn, &email.normal).await?.is_some())
}

/// The account that a link makes, in the caller's transaction.
pub(super) async fn make(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    name: &str,
    email: &Email,
) -> Result<Account, AccountError> {
    if !app.settings.sign_up || is_known(tx, email).await? {
        return Err(AccountError::Link);
    }
    let org = org_name(name)?;
    if publishes(app, &org) {
        return Err(AccountError::NameTaken);
    }
    let made = add_account(app, tx, ctx, name, &org, "individual").await?;
    registered(app, tx, ctx, email, &made).await?;
    Ok(made)
}

/// Whether the catalogue has this org publish for all others: nobody is that by naming themselves so.
pub(crate) fn publishes(app: &App, org: &str) -> bool {
    app.catalogue.services().any(|(_, service)| service.publisher_orgs.iter().any(|publisher| &**publisher == org))
}

/// Writes to whoever has made an account.
pub(crate) async fn registered(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    email: &Email,
    made: &Account,
) -> Result<(), DbError> {
    let link = format!("{}/login", app.settings.public_url);
    let message = Message::RegistrationConfirmed { account: made.name.clone(), org: made.org_name.clone(), link };
    mail::send(app, tx, ctx, email, &message, &format!("registered:{}", made.id)).await
}
