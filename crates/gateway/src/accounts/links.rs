//! One-time links: looked at as often as somebody likes, used once.

use cardea_model::ShownOnce;
use cardea_model::id::{AccountId, LinkId};
use cardea_model::name::Email;
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::link::{self, Link};
use cardea_store::password::{self as passwords, Password};
use cardea_store::{account, person};
use cardea_tokens::format::{Prefix, Secret, parse};
use secrecy::SecretString;

use super::{AccountError, FIRST_START, add_account, add_owner, sign_up, turn};
use crate::app::App;
use crate::context::Ctx;
use crate::factors::{self, NotAsked};
use crate::users;

/// The secret of a new one-time link of this kind.
pub(super) async fn add_link(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    kind: &str,
    account: Option<AccountId>,
    email: Option<&str>,
) -> Result<ShownOnce<String>, DbError> {
    let link = Link {
        id: LinkId::new(ctx.now, &*app.random),
        kind: kind.to_owned(),
        account,
        email: email.map(str::to_owned),
        person: None,
        expires_at: ctx.now.after(app.settings.link_life),
    };
    put_link(app, tx, ctx, &link).await
}

/// Writes a new one-time link and makes its secret.
pub(crate) async fn put_link(app: &App, tx: &mut Tx, ctx: &Ctx, link: &Link) -> Result<ShownOnce<String>, DbError> {
    let secret = Secret::generate(Prefix::Link, &*app.random);
    link::add(tx, link, &app.peppers.mac(secret.expose()).to_bytes(), ctx.now).await?;
    Ok(ShownOnce::new(secret.expose().to_owned()))
}

/// What a link is good for; looking at it does not use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkFor {
    /// The first account, its org and its owner.
    FirstStart,
    /// An account of one's own.
    SignUp {
        /// The address that the link proves.
        email: String,
    },
    /// An owner of this account.
    Owner {
        /// The account's name.
        account: String,
        /// The invited address.
        email: String,
    },
    /// A password of somebody who is known here.
    Password {
        /// The address that they sign in with.
        email: String,
    },
}

/// What the link with this secret is good for.
///
/// # Errors
/// [`AccountError::Link`] and the database's.
pub async fn look_at_link(app: &App, secret: &str) -> Result<LinkFor, AccountError> {
    let row = find_link(app, secret).await?;
    let Some(email) = row.email else { return Ok(LinkFor::FirstStart) };
    if row.person.is_some() {
        return Ok(LinkFor::Password { email });
    }
    let Some(id) = row.account else { return Ok(LinkFor::SignUp { email }) };
    let account = account::find(&mut app.db.read().await?, id).await?.ok_or(AccountError::Link)?;
    Ok(LinkFor::Owner { account: account.name, email })
}

async fn find_link(app: &App, secret: &str) -> Result<Link, AccountError> {
    parse(secret).ok().filter(|parsed| parsed.prefix == Prefix::Link).ok_or(AccountError::Link)?;
    let now = app.clock.now();
    let mut conn = app.db.read().await?;
    for mac in app.peppers.macs(secret) {
        if let Some(row) = link::find(&mut conn, &mac.to_bytes(), now).await? {
            return Ok(row);
        }
    }
    Err(AccountError::Link)
}

/// What a person fills in at a link.
pub struct Filled {
    /// The name of the account and its org; for a new account only.
    pub account: Option<String>,
    /// The address; at the first start only, an invitation has its own.
    pub email: Option<String>,
    /// The password that they choose.
    pub password: SecretString,
}

/// Uses the link up: the account, if it is to be new, and the owner are made, or a password is chosen. Returns the address
/// to sign in with.
///
/// # Errors
/// [`AccountError`]; then the link is still good.
pub async fn use_link(app: &App, ctx: &Ctx, secret: &str, filled: Filled) -> Result<String, AccountError> {
    let row = find_link(app, secret).await?;
    if row.person.is_some() {
        return users::choose(app, ctx, &row, filled.password).await;
    }
    let email = row.email.clone().or_else(|| filled.email.clone()).ok_or(AccountError::Email)?;
    let email = Email::parse(&email).ok_or(AccountError::Email)?;
    let hash = new_password(app, ctx, &email, (&row, &filled)).await?;
    let mut tx = turn(app).await?;
    // The first start's link makes the first account and no other: who has kept it must not get in beside the owners.
    let late = row.kind == FIRST_START && !account::all(&mut tx).await?.is_empty();
    if late || !link::take(&mut tx, row.id, ctx.now).await? {
        return Err(AccountError::Link);
    }
    // A link replaces no password, one that was set this moment neither.
    if hash.is_some() && standing_password(&mut tx, &email).await?.is_some() {
        return Err(AccountError::OtherPassword);
    }
    let account = match (row.account, filled.account) {
        (Some(id), _) => account::find(&mut tx, id).await?.ok_or(AccountError::Link)?,
        (None, Some(name)) if row.kind == sign_up::LINK => sign_up::make(app, &mut tx, ctx, &name, &email).await?,
        (None, Some(name)) => add_account(app, &mut tx, ctx, &name, &name, "enterprise").await?,
        (None, None) => return Err(AccountError::Name),
    };
    add_owner(app, &mut tx, ctx, &account, &email, hash.as_deref()).await?;
    tx.commit().await?;
    Ok(email.shown)
}

/// The hash of the password for somebody who has none yet; nothing for somebody who has typed the one that they have.
async fn new_password(
    app: &App,
    ctx: &Ctx,
    email: &Email,
    (link, filled): (&Link, &Filled),
) -> Result<Option<String>, AccountError> {
    let mut conn = app.db.read().await?;
    let standing = standing_password(&mut conn, email).await?;
    let Some(standing) = standing else {
        let invited = match link.account {
            Some(id) => account::find(&mut conn, id).await?.map(|account| account.name),
            None => filled.account.clone(),
        };
        let about = factors::about(&mut conn, email, invited.as_deref()).await?;
        drop(conn);
        return Ok(Some(app.passwords.hash(&*app.random, filled.password.clone(), &about).await?));
    };
    drop(conn);
    // Whoever holds the link must not try the owner's password more often than at the door.
    let fits = factors::prove(app, ctx, &email.normal, Some(standing.hash), filled.password.clone()).await;
    let fits = fits.map_err(|refusal| match refusal {
        NotAsked::TooMany(seconds) => AccountError::TooMany(seconds),
        NotAsked::Password(error) => AccountError::Password(error),
    })?;
    match (fits, standing.temporary) {
        (true, false) => Ok(None),
        (true, true) => Err(AccountError::TemporaryPassword),
        (false, _) => Err(AccountError::OtherPassword),
    }
}

async fn standing_password(conn: &mut Conn, email: &Email) -> Result<Option<Password>, DbError> {
    match person::with_email(conn, &email.normal).await? {
        Some(person) => passwords::find(conn, person.id).await,
        None => Ok(None),
    }
}
