//! A link is used: an account that somebody owns has the service, or a new one does.

use cardea_model::entitlement::Entitlement;
use cardea_model::name::Email;
use cardea_model::{Caller, Denied, Person};
use cardea_store::account::{self, Account};
use cardea_store::activation::{self as rows, Activation};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::member;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::json;

use super::look::{gains, is_theirs, over, owned, owns, standing};
use super::{ActivationError, title};
use crate::accounts::{self, AccountError, AccountView};
use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::entitlements;
use crate::factors;
use crate::pause::Point;
use crate::{feed, rules, session};

/// For which account a link is used.
pub enum For {
    /// One that the person who speaks owns, by its name or id.
    Standing(String),
    /// A new one of this name, with its org.
    New {
        /// The account's name.
        name: String,
        /// The password of somebody who is not known here yet; whoever is signed in has a way in already.
        password: Option<SecretString>,
    },
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Claimed {
    /// The account that has the service now.
    pub account: AccountView,
    /// The service.
    pub service: String,
    /// When the entitlement ends; none for never.
    pub ends_at: Option<cardea_model::Timestamp>,
    /// Whether the account is new.
    pub new: bool,
    /// Whether its org was an individual's and is an enterprise from now on.
    pub converted: bool,
}

/// Uses the link up.
///
/// # Errors
/// [`ActivationError`]; then the link is as good as before.
pub async fn claim(app: &App, ctx: &Ctx, secret: &str, wanted: For) -> Result<Claimed, ActivationError> {
    let row = standing(app, &mut app.db.read().await?, secret, ctx.now).await?;
    match (speaker(ctx)?, wanted) {
        (Some(person), For::Standing(account)) => into_standing(app, ctx, &row, (person, &account)).await,
        (Some(person), For::New { name, .. }) => {
            app.pause.at(Point::Claim).await;
            let mut tx = accounts::turn(app).await?;
            let ctx = session::speaks(app, &mut tx, ctx, &[]).await?.ok_or(Denied::Unknown)?;
            let email = is_theirs(&mut tx, &row, person.user).await?;
            into_new(app, tx, &ctx, &row, (&email, &name, None)).await
        }
        (None, For::Standing(_)) => Err(Denied::Unknown.into()),
        (None, For::New { name, password }) => {
            let email = Email::parse(&row.email).ok_or(ActivationError::Email)?;
            is_unknown(&mut app.db.read().await?, &email).await?;
            let password = password.ok_or(ActivationError::NoPassword)?;
            let about = factors::about(&mut app.db.read().await?, &email, Some(&name)).await?;
            let hash = app.passwords.hash(&*app.random, password, &about).await?;
            app.pause.at(Point::Claim).await;
            let mut tx = accounts::turn(app).await?;
            is_unknown(&mut tx, &email).await?;
            into_new(app, tx, ctx, &row, (&email, &name, Some(&hash))).await
        }
    }
}

/// The person who speaks; nobody, if the link alone does.
fn speaker(ctx: &Ctx) -> Result<Option<&Person>, Denied> {
    match &ctx.caller {
        Caller::Person(person) => Ok(Some(person)),
        Caller::Nobody => Ok(None),
        // An operator offers and does not claim: what an account has is its owner's to take.
        Caller::Directory { .. } | Caller::Client(_) | Caller::Operator(_) | Caller::System(_) => Err(Denied::Refused),
    }
}

/// The link shows that the address is theirs, which makes a person of somebody who has no other way in.
async fn is_unknown(conn: &mut Conn, email: &Email) -> Result<(), ActivationError> {
    if accounts::is_known(conn, email).await? { Err(ActivationError::SignIn) } else { Ok(()) }
}

async fn into_standing(
    app: &App,
    ctx: &Ctx,
    row: &Activation,
    (person, account): (&Person, &str),
) -> Result<Claimed, ActivationError> {
    let mut conn = app.db.read().await?;
    is_theirs(&mut conn, row, person.user).await?;
    let is_it = |owned: &Account| owned.name == account || owned.id.to_string() == account;
    // Whether an account of others exists is not told.
    let found = owned(&mut conn, person.user).await?.into_iter().find(|(_, owned)| is_it(owned));
    let (member, owned) = found.ok_or(ActivationError::NotOwner)?;
    drop(conn);
    app.pause.at(Point::Claim).await;
    let (mut tx, ctx) = session::write(app, ctx, Some(member.id)).await?.ok_or(Denied::Unknown)?;
    member::find(&mut tx, member.id).await?.filter(owns).ok_or(ActivationError::NotOwner)?;
    is_theirs(&mut tx, row, person.user).await?;
    take(&mut tx, &ctx, row).await?;
    account::lock_org(&mut tx, owned.org).await?;
    let owned = account::find(&mut tx, owned.id).await?.ok_or(ActivationError::NotOwner)?;
    let given = gains(&mut tx, &owned, row, ctx.now).await??;
    let claimed = give(app, &mut tx, &ctx, row, (owned, &given)).await?;
    rules::tell(app, &mut tx, claimed.account.org_id).await?;
    tx.commit().await?;
    feed::catch_up(app).await?;
    Ok(claimed)
}

/// A new account with its org, owned by whoever has the address; an individual's, unless the service is premium.
async fn into_new(
    app: &App,
    mut tx: Tx,
    ctx: &Ctx,
    row: &Activation,
    (email, name, hash): (&Email, &str, Option<&str>),
) -> Result<Claimed, ActivationError> {
    take(&mut tx, ctx, row).await?;
    let kind = if entitlements::is_premium(app, &row.service) { "enterprise" } else { "individual" };
    let org = accounts::org_name(name)?;
    if accounts::publishes(app, &org) {
        return Err(AccountError::NameTaken.into());
    }
    let made = accounts::add_account(app, &mut tx, ctx, name, &org, kind).await?;
    // What every new org has from the start, a link cannot give it for longer.
    let given = gains(&mut tx, &made, row, ctx.now).await?.unwrap_or_else(|_| Entitlement::endless(&row.service));
    let claimed = give(app, &mut tx, ctx, row, (made.clone(), &given)).await?;
    accounts::registered(app, &mut tx, ctx, email, &made).await?;
    accounts::add_owner(app, &mut tx, ctx, &made, email, hash).await?;
    tx.commit().await?;
    Ok(Claimed { new: true, ..claimed })
}

/// The fence: of two who use a link, hand it on or withdraw it at once, one does.
async fn take(tx: &mut Tx, ctx: &Ctx, row: &Activation) -> Result<(), ActivationError> {
    if rows::take(tx, row, ctx.now).await? {
        return Ok(());
    }
    let now = rows::find(tx, row.id).await?.ok_or(ActivationError::Unknown)?;
    Err(over(&now, ctx.now))
}

async fn give(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    row: &Activation,
    (account, given): (Account, &Entitlement),
) -> Result<Claimed, DbError> {
    let kind = entitlements::give(app, tx, ctx, &account, given).await?;
    rows::claimed_by(tx, row.id, account.id).await?;
    let detail = json!({"service": row.service, "title": title(app, &row.service)});
    audit::record(app, tx, ctx, Some(account.id), "activation.claimed", &row.id.to_string(), detail).await?;
    let converted = account.org_kind != kind;
    let account = AccountView { kind: kind.to_owned(), ..account.into() };
    Ok(Claimed { account, service: row.service.clone(), ends_at: given.ends_at, new: false, converted })
}
