//! Keys that are about to expire: their people are written to a week before and a day before, once each.
//!
//! A key that was made to live a shorter time than that is not warned of; of one that nobody looked at for long, only the
//! later warning is sent.

use std::time::Duration;

use cardea_model::key::KeyKind;
use cardea_model::name::Email;
use cardea_model::{Caller, Timestamp};
use cardea_store::account::{self, Account};
use cardea_store::db::{DbError, Tx};
use cardea_store::key::{self as rows, Key};
use cardea_store::{member, person};

use super::view;
use crate::app::App;
use crate::context::Ctx;
use crate::mail::{self, Message};

const DAY: Duration = Duration::from_secs(86_400);
/// The warnings: how many have been sent after each, and how long before the end it is. The later one comes first.
const WARNINGS: [(i64, Duration); 2] = [(2, DAY), (1, DAY.saturating_mul(7))];
const BATCH: i64 = 100;

/// How many warnings a key that lives so long is spared.
pub(super) fn spared(now: Timestamp, expires_at: Option<Timestamp>) -> i64 {
    let lives = expires_at.map(|end| end.since(now));
    let spared = WARNINGS.iter().find(|(_, before)| lives.is_some_and(|lives| lives <= *before));
    spared.map_or(0, |(warnings, _)| *warnings)
}

/// Writes to the people of every key that is about to expire; returns how many keys those were.
///
/// # Errors
/// The database's.
pub(crate) async fn tell_expiring(app: &App) -> Result<usize, DbError> {
    let ctx = app.ctx(Caller::System("key_expiry"));
    let mut told = 0;
    for (warnings, before) in WARNINGS {
        loop {
            let until = ctx.now.after(before);
            let due = rows::expiring(&mut app.db.read().await?, (ctx.now, until), warnings, BATCH).await?;
            let last = due.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
            for key in due {
                let mut tx = app.db.write().await?;
                // Another node may have told them since it was read.
                if rows::warn(&mut tx, key.id, key.expires_at, warnings).await? {
                    tell(app, &mut tx, &ctx, key, warnings).await?;
                    told += 1;
                }
                tx.commit().await?;
            }
            if last {
                break;
            }
        }
    }
    Ok(told)
}

async fn tell(app: &App, tx: &mut Tx, ctx: &Ctx, row: Key, warnings: i64) -> Result<(), DbError> {
    let Some(account) = account::of_org(tx, &row.org.to_string()).await? else { return Ok(()) };
    let Some(expires_at) = row.expires_at else { return Ok(()) };
    let cause = format!("key_expiring:{}:{}:{warnings}", row.id, expires_at.as_micros());
    let (member, maker) = (row.member, row.created_by.clone());
    let key = view(row, ctx.now, None);
    let message = |kind: &str, path: &str| Message::KeyExpiring {
        key_kind: kind.to_owned(),
        name: key.name.clone(),
        key: key.display.clone(),
        org: account.org_name.clone(),
        link: format!("{}{path}", app.settings.public_url),
        expires_at,
    };
    match member {
        Some(member) => {
            let Some(member) = member::find(tx, member).await? else { return Ok(()) };
            let word = if key.kind == KeyKind::Legacy { "legacy" } else { "personal" };
            match address(tx, &member.user.to_string()).await? {
                Some(to) => mail::send(app, tx, ctx, &to, &message(word, "/me/keys"), &cause).await,
                None => Ok(()),
            }
        }
        None => {
            let maker = makers_address(tx, &account, &maker).await?;
            let message = message("service", "/");
            mail::owners::tell(app, tx, ctx, (account.id, &message), maker.as_slice(), &cause).await
        }
    }
}

/// A user's address, if it is known to be theirs.
pub(super) async fn address(tx: &mut Tx, user: &str) -> Result<Option<Email>, DbError> {
    let Ok(user) = user.parse() else { return Ok(None) };
    let person = person::find(tx, user).await?.filter(|person| person.email_trusted);
    Ok(person.and_then(|person| Email::parse(&person.email?)))
}

/// The address of whoever made a key of this org, as long as they are in it.
pub(super) async fn makers_address(tx: &mut Tx, account: &Account, maker: &str) -> Result<Option<String>, DbError> {
    let Ok(user) = maker.parse() else { return Ok(None) };
    let member = member::of_user(tx, account.id, user).await?;
    if member.is_none_or(|member| member.numbers.held || member.left_org_at.is_some()) {
        return Ok(None);
    }
    Ok(address(tx, maker).await?.map(|email| email.shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_life_is_spared_the_warnings_that_would_come_at_once() {
        let now = Timestamp::from_seconds(1_000);
        let after = |seconds: u64| Some(now.after(Duration::from_secs(seconds)));
        for (expires_at, warnings) in [
            (None, 0),
            (after(3600), 2),
            (after(86_400), 2),
            (after(86_401), 1),
            (after(7 * 86_400), 1),
            (after(7 * 86_400 + 1), 0),
            (after(365 * 86_400), 0),
        ] {
            assert_eq!(spared(now, expires_at), warnings, "{expires_at:?}");
        }
    }
}
