//! A link is handed on: somebody else has a new one, and the old one is dead.

use cardea_model::Denied;
use cardea_model::name::Email;
use cardea_store::activation as rows;
use cardea_store::person;
use cardea_tokens::format::{Prefix, Secret};
use serde_json::json;

use super::look::{is_theirs, over, standing};
use super::{ActivationError, dedup, link, title};
use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::mail::{self, Message};
use crate::session;

/// The longest message in bytes.
const LONGEST: usize = 2_000;

/// Hands an activation on to another address, for good: whoever has it gets a new link, with a message if there is one.
///
/// # Errors
/// [`ActivationError`]; then the link is as good as before.
pub async fn transfer(
    app: &App,
    ctx: &Ctx,
    secret: &str,
    (to, text): (&str, Option<String>),
) -> Result<(), ActivationError> {
    let speaker = session::speaker(ctx)?;
    let row = standing(app, &mut app.db.read().await?, secret, ctx.now).await?;
    let to = Email::parse(to).ok_or(ActivationError::Email)?;
    if text.as_ref().is_some_and(|text| text.len() > LONGEST || text.chars().any(|c| c.is_control() && c != '\n')) {
        return Err(ActivationError::Message);
    }
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    let own = is_theirs(&mut tx, &row, speaker.user).await?;
    if !row.transferable {
        return Err(ActivationError::NotTransferable);
    }
    if own.normal == to.normal {
        return Err(ActivationError::SameAddress);
    }
    let fresh = Secret::generate(Prefix::Link, &*app.random);
    let mac = app.peppers.mac(fresh.expose()).to_bytes();
    if !rows::hand_on(&mut tx, &row, (&to.shown, &to.normal), &mac, ctx.now).await? {
        let now = rows::find(&mut tx, row.id).await?.ok_or(ActivationError::Unknown)?;
        return Err(over(&now, ctx.now));
    }
    let handed = rows::find(&mut tx, row.id).await?.ok_or(ActivationError::Unknown)?;
    let name = person::find(&mut tx, speaker.user).await?.map(|person| person.name).unwrap_or_default();
    let from = if name == own.shown { name } else { format!("{name} ({})", own.shown) };
    let (service, link) = (title(app, &row.service), link(app, fresh.expose()));
    let message = Message::ActivationTransfer { service, from, text, link, expires_at: row.expires_at };
    mail::send(app, &mut tx, &ctx, &to, &message, &dedup(&handed)).await?;
    let detail = json!({"service": row.service, "email_domain": to.domain});
    audit::record(app, &mut tx, &ctx, Some(speaker.account), "activation.transferred", &row.id.to_string(), detail)
        .await?;
    tx.commit().await?;
    Ok(())
}
