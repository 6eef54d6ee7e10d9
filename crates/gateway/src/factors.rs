//! What local people prove themselves with: today their password. A second factor will be asked for after [`prove`], and
//! will be set up and taken away beside [`change_password`].

use std::collections::BTreeSet;

use cardea_model::id::MemberId;
use cardea_model::name::Email;
use cardea_model::numbers::Cause;
use cardea_model::{Denied, Fault, Kind, Person};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::{account, member, password as passwords, person};
use cardea_tokens::hash::same;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::mail::{self, Message};
use crate::password::PasswordError;
use crate::pause::Point;
use crate::session::{self, Opened, own};
use crate::tries::{Guesses, seconds};

/// Why a factor was not proven or not changed.
#[derive(Debug, thiserror::Error)]
pub enum FactorError {
    /// The caller may not, or speaks no more.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The person signs in through a provider and has no password here (409).
    #[error("you have no password here: you sign in through an identity provider, and your password is kept there")]
    NoPassword,
    /// The password that was asked for again is not theirs, or is theirs no more (403).
    #[error("this is not your password; type the one that you sign in with")]
    Wrong,
    /// The new password is the old one (422).
    #[error("this is the password that you have; choose another one")]
    Same,
    /// Too many wrong passwords from here or for this address; in so many seconds again (429).
    #[error("too many wrong passwords; wait {0} s and try again")]
    TooMany(u32),
    /// The password could not be checked, or the new one cannot be.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

impl From<DbError> for FactorError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl Fault for FactorError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::NoPassword => Kind::Conflict,
            Self::Wrong => Kind::Refused,
            Self::Same => Kind::Unprocessable,
            Self::TooMany(seconds) => Kind::TooMany(*seconds),
            Self::Password(error) => error.kind(),
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::NoPassword => "no_password",
            Self::Wrong => "wrong_password",
            Self::Same => "same_password",
            Self::TooMany(_) => "rate_limited",
            Self::Password(error) => error.code(),
            Self::Database(error) => error.code(),
        }
    }
}

/// Why nobody looked at a password.
#[derive(Debug)]
pub(crate) enum NotAsked {
    /// Too many wrong ones before; in so many seconds again.
    TooMany(u32),
    /// It could not be computed.
    Password(PasswordError),
}

impl From<NotAsked> for FactorError {
    fn from(refusal: NotAsked) -> Self {
        match refusal {
            NotAsked::TooMany(seconds) => Self::TooMany(seconds),
            NotAsked::Password(error) => Self::Password(error),
        }
    }
}

/// Whether the password typed for this address fits the hash: with the tries of this address wherever it is typed, and
/// with the same work whether there is a hash or not.
pub(crate) async fn prove(
    app: &App,
    ctx: &Ctx,
    address: &str,
    hash: Option<String>,
    typed: SecretString,
) -> Result<bool, NotAsked> {
    let guesses = Guesses::of(address, ctx);
    guesses.take(app, ctx.now).map_err(|wait| NotAsked::TooMany(seconds(wait)))?;
    let fits = app.passwords.verify(hash, typed).await;
    match &fits {
        Ok(true) => guesses.was_right(app),
        Ok(false) => {}
        Err(_) => guesses.was_none(app),
    }
    fits.map_err(NotAsked::Password)
}

/// What whoever knows the person with this address would try first: the address, the name, the account's name.
pub(crate) async fn about(conn: &mut Conn, email: &Email, account: Option<&str>) -> Result<Vec<String>, DbError> {
    let name = person::with_email(conn, &email.normal).await?.map(|person| person.name);
    Ok([Some(email.shown.clone()), name, account.map(str::to_owned)].into_iter().flatten().collect())
}

/// A person's password as it stands.
struct Standing {
    email: Email,
    account: String,
    hash: String,
}

/// Whether the person who speaks has a password here.
///
/// # Errors
/// [`FactorError`].
pub async fn has_password(app: &App, ctx: &Ctx) -> Result<bool, FactorError> {
    let person = session::speaker(ctx)?;
    Ok(passwords::find(&mut app.db.read().await?, person.user).await?.is_some())
}

/// Gives the person who speaks another password, if they type the one that they have. Every other session of theirs ends,
/// in every account; the one that speaks goes on under another secret, which is returned. Keys live on.
///
/// # Errors
/// [`FactorError`].
pub async fn change_password(
    app: &App,
    ctx: &Ctx,
    current: SecretString,
    new: SecretString,
) -> Result<Opened, FactorError> {
    let person = session::speaker(ctx)?;
    let standing = standing(app, person).await?;
    if !prove(app, ctx, &standing.email.normal, Some(standing.hash.clone()), current.clone()).await? {
        return Err(FactorError::Wrong);
    }
    if same(current.expose_secret().as_bytes(), new.expose_secret().as_bytes()) {
        return Err(FactorError::Same);
    }
    let about = about(&mut app.db.read().await?, &standing.email, Some(&standing.account)).await?;
    let hash = app.passwords.hash(&*app.random, new, &about).await?;
    app.pause.at(Point::Speaking).await;
    let mut tx = app.db.write().await?;
    let opened = replace(app, &mut tx, ctx, person, (&standing, &hash)).await?;
    tx.commit().await?;
    Ok(opened)
}

async fn standing(app: &App, who: &Person) -> Result<Standing, FactorError> {
    let mut conn = app.db.read().await?;
    let hash = passwords::find(&mut conn, who.user).await?.ok_or(FactorError::NoPassword)?.hash;
    let person = person::find(&mut conn, who.user).await?.ok_or(Denied::Unknown)?;
    let email = person.email.filter(|_| person.email_trusted).and_then(|email| Email::parse(&email));
    let account = account::find(&mut conn, who.account).await?.ok_or(Denied::Unknown)?;
    Ok(Standing { email: email.ok_or(FactorError::NoPassword)?, account: account.name, hash })
}

/// A password is the person's in every account, so whoever signed in under the old one is sent away from all of them.
async fn replace(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    who: &Person,
    (standing, hash): (&Standing, &str),
) -> Result<Opened, FactorError> {
    let members = member::all_of_user(tx, who.user).await?;
    let members: BTreeSet<MemberId> = members.into_iter().map(|member| member.id).collect();
    for id in &members {
        member::lock(tx, *id).await?;
    }
    let ctx = session::speaks(app, tx, ctx, &[]).await?.ok_or(Denied::Unknown)?;
    // The password that was typed must be the one that is replaced: of two who change it at once, one comes too late.
    if !passwords::stands(tx, who.user, &standing.hash).await? {
        return Err(FactorError::Wrong);
    }
    passwords::put(tx, who.user, hash, ctx.now).await?;
    let letter = Message::PasswordChanged { address: standing.email.shown.clone(), at: ctx.now };
    mail::send(app, tx, &ctx, &standing.email, &letter, &format!("password_changed:{}", ctx.request)).await?;
    let user = who.user.to_string();
    audit::record(app, tx, &ctx, Some(who.account), "password.changed", &user, json!({})).await?;
    let why = (Cause::PasswordChanged, "changed the password");
    let opened = own::start_over(app, tx, &ctx, &members, why).await?;
    Ok(opened.ok_or(Denied::Unknown)?)
}
