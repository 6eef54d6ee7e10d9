//! A key in hand: found under the lock of its owner, in a transaction of whoever may change it.

use cardea_model::id::{AccountId, KeyId};
use cardea_model::key::KeyState;
use cardea_model::numbers::Numbers;
use cardea_model::{Denied, Permission};
use cardea_store::db::{DbError, Tx};
use cardea_store::feed::{self, Kind as FeedKind};
use cardea_store::key::{self as rows, Key, Owner};
use cardea_store::member::{self, Member};
use cardea_store::{account, person, secret as secrets};

use super::view::state;
use super::{KeyError, holder};
use crate::app::App;
use crate::check;
use crate::context::Ctx;
use crate::{people, session};

/// Whose keys are meant.
#[derive(Clone, Debug)]
pub enum Whose {
    /// Those of the person who speaks, in the account in which they speak.
    Own,
    /// The service keys of an account's org.
    Service(AccountId),
    /// Those of a user of an account, by id or address: to be seen and revoked only.
    User(AccountId, String),
}

/// A key that is about to change, in its transaction.
pub(super) struct Open {
    pub(super) tx: Tx,
    /// Who speaks, asked again under the lock.
    pub(super) ctx: Ctx,
    pub(super) account: AccountId,
    pub(super) owner: Owner,
    /// The member of a person's key, read under the lock.
    pub(super) member: Option<Member>,
    pub(super) row: Key,
}

impl Open {
    /// What the key is now, whatever its row says.
    pub(super) fn state(&self) -> KeyState {
        state(&self.row, self.ctx.now, self.member.as_ref().map(|member| member.numbers))
    }

    /// Whether it is as the caller read it.
    pub(super) fn is_version(&self, version: Option<i64>) -> Result<(), KeyError> {
        if version.is_some_and(|version| version != self.row.version) { Err(KeyError::Stale) } else { Ok(()) }
    }
}

/// Takes a key in hand. Whoever may not learns whether it is there only if they may know.
pub(super) async fn open(app: &App, ctx: &Ctx, whose: &Whose, id: KeyId) -> Result<Open, KeyError> {
    let (mut tx, ctx, account, owner) = match whose {
        Whose::Own => {
            let person = holder(ctx)?;
            let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(KeyError::Ended)?;
            lock_user(&mut tx, person.user).await?;
            (tx, ctx, person.account, Owner::Person { user: person.user, member: person.member })
        }
        Whose::Service(account) => {
            ctx.may(Permission::ManageServiceKeys, *account)?;
            let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(KeyError::Ended)?;
            ctx.may(Permission::ManageServiceKeys, *account)?;
            let row = account::find(&mut tx, *account).await?.ok_or(KeyError::Denied(Denied::Hidden))?;
            rows::lock_org(&mut tx, row.org).await?;
            (tx, ctx, *account, Owner::Org(row.org))
        }
        Whose::User(account, user) => {
            ctx.may(Permission::RevokeKeys, *account)?;
            let (mut tx, ctx, member) = people::locked(app, ctx, *account, user).await?;
            ctx.may(Permission::RevokeKeys, *account)?;
            lock_user(&mut tx, member.user).await?;
            (tx, ctx, *account, Owner::Person { user: member.user, member: member.id })
        }
    };
    let member = match owner {
        Owner::Person { member, .. } => member::find(&mut tx, member).await?,
        Owner::Org(_) => None,
    };
    let row = rows::find(&mut tx, owner, id).await?.ok_or(KeyError::Missing)?;
    Ok(Open { tx, ctx, account, owner, member, row })
}

/// Two changes of one key come one after the other.
async fn lock_user(tx: &mut Tx, user: cardea_model::id::UserId) -> Result<(), KeyError> {
    if person::lock(tx, user).await? { Ok(()) } else { Err(KeyError::Ended) }
}

/// Tells every node of a changed key; this one before the commit returns. Takes the feed's counter: it comes last.
pub(super) async fn announce(app: &App, tx: &mut Tx, id: KeyId) -> Result<(), DbError> {
    let residents = secrets::residents_of(tx, &id.to_string()).await?;
    feed::append(tx, FeedKind::Key, &id.to_string(), Numbers::default(), app.clock.now()).await?;
    let app = app.clone();
    tx.after_commit(move || check::keep_keys(&app, &app.memory(), &residents));
    Ok(())
}
