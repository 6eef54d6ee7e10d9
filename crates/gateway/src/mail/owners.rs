//! What the owners of an org have to hear.

use std::collections::BTreeMap;

use cardea_model::id::{AccountId, MemberId, ReceiptId};
use cardea_model::name::Email;
use cardea_store::db::{DbError, Tx};
use cardea_store::{account, member};

use super::{Message, send};
use crate::app::App;
use crate::context::Ctx;

/// Tells every other owner and the account's recovery address, in the transaction that does it, that an owner was suspended.
pub(crate) async fn suspended(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (who, account): (MemberId, AccountId),
    (source, receipt): (&str, ReceiptId),
) -> Result<(), DbError> {
    let Some(account) = account::find(tx, account).await? else { return Ok(()) };
    let (gone, others): (Vec<_>, Vec<_>) =
        member::owners(tx, account.id).await?.into_iter().partition(|owner| owner.member == who);
    let Some(gone) = gone.into_iter().next() else { return Ok(()) };
    let message = Message::OwnerSuspended {
        org: account.org_name,
        owner: super::called(&gone.name, gone.email.as_deref()),
        by: in_words(source),
        at: ctx.now,
    };
    let addresses = others.into_iter().filter_map(|owner| owner.email).chain(account.recovery_email);
    let readers: BTreeMap<String, Email> =
        addresses.filter_map(|text| Email::parse(&text)).map(|email| (email.normal.clone(), email)).collect();
    for (normal, email) in readers {
        send(app, tx, ctx, &email, &message, &format!("owner_suspended:{receipt}:{normal}")).await?;
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
