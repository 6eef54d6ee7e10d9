//! A person chooses a password of their own, by a one-time link: one that was mailed, or one that the door makes for whoever
//! has typed the password that was made for them.

use std::time::Duration;

use cardea_model::id::LinkId;
use cardea_model::name::Email;
use cardea_model::{ShownOnce, Timestamp};
use cardea_store::db::{DbError, Tx};
use cardea_store::link::{self, Link};
use cardea_store::member::{self, Member};
use cardea_store::{account, password as passwords, person};
use secrecy::SecretString;
use serde_json::json;

use crate::accounts::{self, AccountError};
use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::factors;
use crate::pause::Point;

/// The kind of links that are mailed, and so prove the address.
const MAILED: &str = "password";
/// The kind of links that a browser is sent to.
const SHOWN: &str = "temporary_password";
/// How long one of those is good.
const SHOWN_LIFE: Duration = Duration::from_secs(600);

/// The secret of a link for somebody who has typed the password that was made for them, in the caller's transaction, which
/// has touched the member. A link from before is over.
pub(crate) async fn shown_link(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    member: &Member,
) -> Result<ShownOnce<String>, DbError> {
    link::end_of(tx, member.user, ctx.now).await?;
    let known = person::find(tx, member.user).await?.and_then(|person| person.email);
    let email = known.ok_or(DbError::Reference)?;
    new_link(app, tx, ctx, (member, &email), (SHOWN, ctx.now.after(SHOWN_LIFE))).await
}

/// The secret of a link that is about to be mailed, and until when it is good.
pub(super) async fn mailed_link(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (member, email): (&Member, &Email),
) -> Result<(ShownOnce<String>, Timestamp), DbError> {
    let until = ctx.now.after(app.settings.link_life);
    Ok((new_link(app, tx, ctx, (member, &email.shown), (MAILED, until)).await?, until))
}

async fn new_link(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (member, email): (&Member, &str),
    (kind, expires_at): (&str, Timestamp),
) -> Result<ShownOnce<String>, DbError> {
    let link = Link {
        id: LinkId::new(ctx.now, &*app.random),
        kind: kind.to_owned(),
        account: Some(member.account),
        email: Some(email.to_owned()),
        person: Some((member.user, member.numbers.epoch)),
        expires_at,
    };
    accounts::put_link(app, tx, ctx, &link).await
}

/// Uses a link up: the password is the person's own from now on. Returns the address to sign in with.
///
/// # Errors
/// [`AccountError`]; then the link is still good, unless it is over.
pub(crate) async fn choose(app: &App, ctx: &Ctx, link: &Link, password: SecretString) -> Result<String, AccountError> {
    let (Some(account), Some((user, epoch))) = (link.account, link.person) else { return Err(AccountError::Link) };
    let email = link.email.as_deref().and_then(Email::parse).ok_or(AccountError::Link)?;
    let mut conn = app.db.read().await?;
    let member = member::of_user(&mut conn, account, user).await?.ok_or(AccountError::Link)?;
    let tenant = account::find(&mut conn, account).await?.ok_or(AccountError::Link)?;
    let about = factors::about(&mut conn, &email, Some(&tenant.name)).await?;
    let standing = passwords::find(&mut conn, user).await?;
    drop(conn);
    let made = standing.map(|standing| standing.hash);
    if made.is_some() && app.passwords.verify(made, password.clone()).await? {
        return Err(AccountError::SamePassword);
    }
    let hash = app.passwords.hash(&*app.random, password, &about).await?;
    app.pause.at(Point::Choice).await;
    let mut tx = app.db.write().await?;
    // What ended the member's access since the link was made has ended the link.
    if !member::touch(&mut tx, member.id, epoch).await? || !link::take(&mut tx, link.id, ctx.now).await? {
        return Err(AccountError::Link);
    }
    passwords::put(&mut tx, user, &hash, ctx.now).await?;
    link::end_of(&mut tx, user, ctx.now).await?;
    if link.kind == MAILED {
        person::prove(&mut tx, user).await?;
    }
    let detail = json!({"by_mail": link.kind == MAILED});
    audit::record(app, &mut tx, ctx, Some(account), "password.chosen", &user.to_string(), detail).await?;
    tx.commit().await?;
    Ok(email.shown)
}
