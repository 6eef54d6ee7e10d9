//! A key in the hands of somebody who has found it.

use cardea_model::key::{KeyKind, KeyState};
use cardea_store::account::{self, Account};
use cardea_store::db::{DbError, Tx};
use cardea_store::key::{self as rows, Key};
use cardea_store::member::{self, Member};
use cardea_store::person;
use cardea_store::secret::{self as secrets, Resident};
use cardea_tokens::format;
use cardea_tokens::pepper::Mac;
use serde_json::json;

use super::expiring::{address, makers_address};
use super::open::announce;
use super::view::{state, view};
use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::mail::{self, Message};

/// Revokes the key of this text, if it works; one that does not is only noted. Either way nobody has used it. Says whether
/// the text is a key of ours at all.
pub(crate) async fn end_leaked(app: &App, ctx: &Ctx, text: &str, found: Option<&str>) -> Result<bool, DbError> {
    let Some(parsed) = format::parse(text).ok().filter(|parsed| parsed.prefix.key_kind().is_some()) else {
        return Ok(false);
    };
    let secret = secrets::resident(&mut app.db.read().await?, parsed.kid.as_str()).await?;
    // Who has not the whole secret ends nothing, and learns nothing.
    let holds = |secret: &Resident| Mac::from_bytes(&secret.mac).is_some_and(|mac| app.peppers.verify(&mac, text));
    let Some(secret) = secret.filter(holds) else { return Ok(false) };
    let mut tx = app.db.write().await?;
    let member = lock(&mut tx, &secret).await?;
    let id = secret.id.to_string();
    // It may have been rotated or ended until the lock was there.
    let (Some(key), Some(secret)) = (rows::any(&mut tx, &id).await?, secrets::resident(&mut tx, &secret.kid).await?)
    else {
        return Ok(true);
    };
    let account = account::of_org(&mut tx, &key.org.to_string()).await?.ok_or(DbError::Reference)?;
    let was = state(&key, ctx.now, member.as_ref().map(|member| member.numbers));
    let over = secret.valid_until.is_some_and(|until| until <= ctx.now);
    let works = was == KeyState::Active && !over;
    let action = if works { "key.revoked" } else { "key.leak_noted" };
    let detail = json!({"name": key.name, "kid": secret.kid, "because": "it has leaked", "state": was, "found": found});
    if works {
        rows::set_state(&mut tx, key.id, KeyState::Revoked.as_str(), Some(ctx.now)).await?;
        tell(app, &mut tx, ctx, (&account, member.as_ref()), &key, found).await?;
    }
    audit::record(app, &mut tx, ctx, Some(account.id), action, &id, detail).await?;
    if works {
        announce(app, &mut tx, key.id).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Takes the lock of whoever the key belongs to, as every other change of it does.
async fn lock(tx: &mut Tx, secret: &Resident) -> Result<Option<Member>, DbError> {
    let Some(id) = secret.member else {
        rows::lock_org(tx, secret.org).await?;
        return Ok(None);
    };
    member::lock(tx, id).await?;
    let member = member::find(tx, id).await?;
    if let Some(member) = &member {
        person::lock(tx, member.user).await?;
    }
    Ok(member)
}

/// Writes to whoever holds the key, or made it for the org, and to the owners of the org.
async fn tell(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (account, member): (&Account, Option<&Member>),
    key: &Key,
    found: Option<&str>,
) -> Result<(), DbError> {
    let holder = match member {
        Some(member) => address(tx, &member.user.to_string()).await?.map(|email| email.shown),
        None => makers_address(tx, account, &key.created_by).await?,
    };
    let shown = view(key.clone(), ctx.now, None);
    let message = Message::KeyLeaked {
        key_kind: KeyKind::as_str(shown.kind).to_owned(),
        name: shown.name,
        key: shown.display,
        org: account.org_name.clone(),
        found: found.map(str::to_owned),
        at: ctx.now,
    };
    let cause = format!("key_leaked:{}", key.id);
    mail::owners::tell(app, tx, ctx, (account.id, &message), holder.as_slice(), &cause).await
}
