//! What the owners of an org have to hear.

use std::collections::BTreeMap;

use cardea_model::Caller;
use cardea_model::id::{AccountId, MemberId, ReceiptId};
use cardea_model::name::Email;
use cardea_store::account::{self, Account};
use cardea_store::db::{DbError, Tx};
use cardea_store::member::{self, Owner};
use cardea_store::person;

use super::{Message, send};
use crate::app::App;
use crate::context::Ctx;
use crate::rules::Counts;

/// Tells every other owner and the account's recovery address, in the transaction that does it, that an owner was suspended.
pub(crate) async fn suspended(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    who: (MemberId, AccountId),
    (source, receipt): (&str, ReceiptId),
) -> Result<(), DbError> {
    let Some((account, gone, others)) = apart(tx, who).await? else { return Ok(()) };
    let message =
        Message::OwnerSuspended { org: account.org_name, owner: named(gone), by: in_words(source), at: ctx.now };
    let addresses = others.into_iter().filter_map(|owner| owner.email).chain(account.recovery_email);
    to_each(app, tx, ctx, (addresses, &message), &format!("owner_suspended:{receipt}")).await
}

/// Tells every owner of the account, and these addresses besides, in the transaction that does it.
pub(crate) async fn tell(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (account, message): (AccountId, &Message),
    besides: &[String],
    cause: &str,
) -> Result<(), DbError> {
    let owners = member::owners(tx, account).await?.into_iter();
    let addresses = owners.filter_map(|owner| owner.email).chain(besides.iter().cloned());
    to_each(app, tx, ctx, (addresses, message), cause).await
}

/// Tells the owners who stay, in the transaction that does it, that one of them is none any more.
pub(crate) async fn removed(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    who: (MemberId, AccountId),
    by: &str,
) -> Result<(), DbError> {
    let Some((account, gone, others)) = apart(tx, who).await? else { return Ok(()) };
    let message = Message::OwnerRemoved { org: account.org_name, removed: named(gone), by: by.to_owned(), at: ctx.now };
    let addresses = others.into_iter().filter_map(|owner| owner.email);
    to_each(app, tx, ctx, (addresses, &message), &format!("owner_removed:{}", ctx.request)).await
}

/// Tells the owners and whoever did it, in the transaction that does it, that new rules are in force.
pub(crate) async fn rules_activated(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    account: &Account,
    counts: &Counts,
) -> Result<(), DbError> {
    let message = Message::RuleActivationResult {
        org: account.org_name.clone(),
        by: super::speaker(tx, ctx).await?,
        people: counts.people,
        gained: counts.gaining,
        lost: counts.losing,
        at: ctx.now,
    };
    let own = match &ctx.caller {
        Caller::Person(speaker) => person::find(tx, speaker.user).await?,
        Caller::Nobody | Caller::Directory { .. } | Caller::Client(_) | Caller::Operator(_) | Caller::System(_) => None,
    };
    let own = own.filter(|person| person.email_trusted).and_then(|person| person.email);
    let owners = member::owners(tx, account.id).await?.into_iter().filter(|owner| !owner.held);
    let addresses = owners.filter_map(|owner| owner.email).chain(own);
    to_each(app, tx, ctx, (addresses, &message), &format!("rules_activated:{}", ctx.request)).await
}

/// The account, the owner, and the other owners; nothing if they own nothing.
async fn apart(
    tx: &mut Tx,
    (who, account): (MemberId, AccountId),
) -> Result<Option<(Account, Owner, Vec<Owner>)>, DbError> {
    let Some(account) = account::find(tx, account).await? else { return Ok(None) };
    let (gone, others): (Vec<_>, Vec<_>) =
        member::owners(tx, account.id).await?.into_iter().partition(|owner| owner.member == who);
    Ok(gone.into_iter().next().map(|gone| (account, gone, others)))
}

fn named(owner: Owner) -> String {
    super::called(&owner.name, owner.email.as_deref())
}

/// Sends to each address once.
async fn to_each(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (addresses, message): (impl Iterator<Item = String>, &Message),
    cause: &str,
) -> Result<(), DbError> {
    let readers: BTreeMap<String, Email> =
        addresses.filter_map(|text| Email::parse(&text)).map(|email| (email.normal.clone(), email)).collect();
    for (normal, email) in readers {
        send(app, tx, ctx, &email, message, &format!("{cause}:{normal}")).await?;
    }
    Ok(())
}

/// Who holds somebody, for people who do not know our words for it.
fn in_words(source: &str) -> String {
    match source.split_once(':') {
        Some(("directory", connection)) => format!("the directory of the connection {connection}"),
        Some((_, name)) => name.to_owned(),
        None if source == "operator" => "an operator of this instance".to_owned(),
        None if source == "admin" => "an administrator".to_owned(),
        None => source.to_owned(),
    }
}
