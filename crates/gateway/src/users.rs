//! Local people, as an account's admins make them: they sign in here and not at an identity provider.
//!
//! ```text
//!                ┌─ made ───► a password that is shown once ─► the door ─► a link of a few minutes ─┐
//! create, reset ─┼─ mailed ─► a link by mail, which proves the address ────────────────────────────┼─► a password of their own
//!                └─ later ──► nothing, until a reset
//! ```
//! Until a mailed link was used, only an admin says that the address is theirs: they sign in with it, and no service is told
//! that it is verified.

mod choose;
mod error;
mod reset;

pub(crate) use choose::{choose, shown_link};
pub use error::UserError;
pub use reset::{log_out, reset};

use cardea_model::id::{AccountId, MemberId, UserId};
use cardea_model::name::Email;
use cardea_model::{Denied, Permission, Person, ShownOnce, Timestamp};
use cardea_store::account::{self, Account};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::member::{self, Member};
use cardea_store::person::{self, Listed};
use cardea_store::{connection, link, password as passwords};
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::login;
use crate::mail::{self, Message};
use crate::password::{self, PasswordError};
use crate::session;

/// A local person as the admins of their account see them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalUser {
    /// The user.
    pub id: UserId,
    /// Their address.
    pub email: String,
    /// The name that they sign in with: the address.
    pub username: String,
    /// When they came into the account.
    pub created_at: Timestamp,
}

/// Somebody who was made, or whose password was taken away.
pub struct Made {
    /// The person.
    pub user: LocalUser,
    /// The password that was made for them, for this one answer.
    pub password: Option<ShownOnce<String>>,
}

/// How somebody comes to a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is made for them, and they choose another one when they first sign in.
    Made,
    /// By a link that is mailed.
    Mailed,
    /// Not now.
    Later,
}

/// The same, with all that takes time done.
enum Prepared {
    Made { text: ShownOnce<String>, hash: String },
    Mailed,
    Later,
}

impl Prepared {
    const fn word(&self) -> &'static str {
        match self {
            Self::Made { .. } => "made",
            Self::Mailed => "mailed",
            Self::Later => "later",
        }
    }

    fn shown(self) -> Option<ShownOnce<String>> {
        match self {
            Self::Made { text, .. } => Some(text),
            Self::Mailed | Self::Later => None,
        }
    }
}

async fn prepare(app: &App, way: Way) -> Result<Prepared, PasswordError> {
    Ok(match way {
        Way::Made => {
            let text = password::temporary(&*app.random);
            let hash = app.passwords.hash(&*app.random, text.clone().into(), &[]).await?;
            Prepared::Made { text: ShownOnce::new(text), hash }
        }
        Way::Mailed => Prepared::Mailed,
        Way::Later => Prepared::Later,
    })
}

fn admin(ctx: &Ctx) -> Result<&Person, UserError> {
    let person = session::speaker(ctx)?;
    ctx.may(Permission::InviteUsers, person.account)?;
    Ok(person)
}

fn view(row: Listed) -> LocalUser {
    let email = row.person.email.unwrap_or_default();
    LocalUser { id: row.person.id, username: email.clone(), email, created_at: row.created_at }
}

/// At the most `limit` local people of the account in which an admin speaks, after the user `after`.
///
/// # Errors
/// [`UserError`].
pub async fn list(app: &App, ctx: &Ctx, after: &str, limit: i64) -> Result<Vec<LocalUser>, UserError> {
    let account = admin(ctx)?.account;
    // Nothing stored has a NUL, and no database takes one.
    if after.contains('\0') {
        return Ok(Vec::new());
    }
    let found = person::local(&mut app.db.read().await?, account, after, limit).await?;
    Ok(found.into_iter().map(view).collect())
}

/// One of them.
///
/// # Errors
/// [`UserError`].
pub async fn get(app: &App, ctx: &Ctx, id: &str) -> Result<LocalUser, UserError> {
    let account = admin(ctx)?.account;
    let id = id.parse().map_err(|_| UserError::Missing)?;
    let found = person::local_with(&mut app.db.read().await?, account, id).await?;
    found.map(view).ok_or(UserError::Missing)
}

/// Makes somebody with this address: a member of the account in which the admin speaks and of its org, without roles.
///
/// # Errors
/// [`UserError`].
pub async fn create(app: &App, ctx: &Ctx, email: &str, way: Way) -> Result<Made, UserError> {
    let account = admin(ctx)?.account;
    let email = Email::parse(email).ok_or(UserError::Email)?;
    // Before a password is computed in vain.
    fits(&mut app.db.read().await?, account, &email).await?;
    let prepared = prepare(app, way).await?;
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    let account = admin(&ctx)?.account;
    account::lock(&mut tx, account).await?;
    let row = fits(&mut tx, account, &email).await?;
    let (user, id) = (UserId::new(ctx.now, &*app.random), MemberId::new(ctx.now, &*app.random));
    let added = person::add(&mut tx, user, &email.shown, Some(&email.shown), Some(&email.normal), ctx.now).await;
    // Another account may have made them until now.
    added.map_err(|error| error.or_on_conflict(UserError::Exists))?;
    person::doubt(&mut tx, user).await?;
    member::add(&mut tx, id, account, user, "member", ctx.now).await?;
    let member = member::find(&mut tx, id).await?.ok_or(UserError::Missing)?;
    provide(app, &mut tx, &ctx, (&member, &row, &email), &prepared).await?;
    let detail = json!({"password": prepared.word(), "email_domain": email.domain});
    audit::record(app, &mut tx, &ctx, Some(account), "user.created_by_admin", &user.to_string(), detail).await?;
    tx.commit().await?;
    let user = LocalUser { id: user, username: email.shown.clone(), email: email.shown, created_at: ctx.now };
    Ok(Made { user, password: prepared.shown() })
}

/// The account, if somebody new with this address can be made in it.
async fn fits(conn: &mut Conn, account: AccountId, email: &Email) -> Result<Account, UserError> {
    let row = account::find(conn, account).await?.ok_or(Denied::Hidden)?;
    if row.org_kind == "individual" {
        return Err(UserError::Individual);
    }
    if person::with_email(conn, &email.normal).await?.is_some() {
        return Err(UserError::Exists);
    }
    if is_federated(conn, account, email).await? { Err(UserError::DomainFederated) } else { Ok(row) }
}

/// Whether people with this address sign in at an identity provider: one of the account's that lets people in, or any of
/// another account, whose domain nobody else makes people of.
async fn is_federated(conn: &mut Conn, account: AccountId, email: &Email) -> Result<bool, DbError> {
    let home = connection::of_domain(conn, &email.domain).await?;
    Ok(home.is_some_and(|home| home.account != account || login::is_open(&home.stage)))
}

/// Puts what was prepared in the place of any password and link that the person has, in the caller's transaction.
async fn provide(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (member, account, email): (&Member, &Account, &Email),
    prepared: &Prepared,
) -> Result<(), DbError> {
    link::end_of(tx, member.user, ctx.now).await?;
    if let Prepared::Made { hash, .. } = prepared {
        return passwords::put_temporary(tx, member.user, hash, ctx.now).await;
    }
    passwords::remove(tx, member.user).await?;
    if let Prepared::Mailed = prepared {
        let (secret, expires_at) = choose::mailed_link(app, tx, ctx, (member, email)).await?;
        let link = format!("{}/link/{}", app.settings.public_url, secret.reveal());
        let (org, by) = (account.org_name.clone(), mail::speaker(tx, ctx).await?);
        let letter = Message::ChoosePassword { address: email.shown.clone(), org, by, link, expires_at };
        mail::send(app, tx, ctx, email, &letter, &format!("choose_password:{}:{}", member.user, ctx.request)).await?;
    }
    Ok(())
}
