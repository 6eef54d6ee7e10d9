//! Services that somebody may claim for an account of theirs, by a one-time link that was mailed to them.
//!
//! ```text
//! offer ─► offered ─ claim ─► claimed: the account has the service
//!            │  ▲ └─ withdraw ─► revoked
//!            └──┘ transfer: another address, another link; the old one is dead
//! ```
//! A link is of one version of its row; whoever claims, hands on or withdraws writes that row first, so only one of them
//! does. Looking at a link changes nothing: a mail scanner follows links too.

mod claim;
mod error;
mod look;
mod transfer;

pub use claim::{Claimed, For, claim};
pub use error::ActivationError;
pub use look::{Eligible, Look, look};
pub use transfer::transfer;

use cardea_model::id::ActivationId;
use cardea_model::key::Span;
use cardea_model::name::{Email, excerpt};
use cardea_model::{Denied, Permission, Place, ShownOnce, Timestamp};
use cardea_store::activation::{self as rows, Activation};
use cardea_tokens::format::{Prefix, Secret};
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::entitlements;
use crate::mail::{self, Message};
use crate::session;

/// The shortest and the longest time for which a link is good, in seconds: five minutes and a year.
const LIVES: (u64, u64) = (300, 365 * 86_400);

/// What an operator offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The service.
    pub service: String,
    /// To whom.
    pub email: String,
    /// Whether they may hand it on: a welcome, and no certificate.
    pub transferable: bool,
    /// How long the link is good.
    pub expires_in: Span,
    /// When the entitlement ends; none for never.
    pub entitlement_ends_at: Option<Timestamp>,
}

/// An activation as an operator sees it.
#[derive(Clone, Debug, Serialize)]
pub struct ActivationView {
    /// The activation.
    pub id: ActivationId,
    /// The service.
    pub service: String,
    /// Whose it is.
    pub email: String,
    /// `offered`, `expired`, `claimed` or `revoked`.
    pub state: String,
    /// Whether they may hand it on.
    pub transferable: bool,
    /// When the entitlement ends; none for never.
    pub entitlement_ends_at: Option<Timestamp>,
    /// When it was offered.
    pub created_at: Timestamp,
    /// When the link is too late.
    pub expires_at: Timestamp,
    /// When it was claimed.
    pub claimed_at: Option<Timestamp>,
    /// For which account.
    pub claimed_by: Option<cardea_model::id::AccountId>,
}

/// An activation with its secret, for this once.
pub struct Offered {
    /// The activation.
    pub activation: ActivationView,
    /// The secret of its link.
    pub secret: ShownOnce<String>,
}

/// Offers a service to whoever has the address, and writes to them.
///
/// # Errors
/// [`ActivationError`].
pub async fn offer(app: &App, ctx: &Ctx, offer: Offer) -> Result<Offered, ActivationError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let email = Email::parse(&offer.email).ok_or(ActivationError::Email)?;
    if entitlements::service(app, &offer.service).is_none() {
        return Err(ActivationError::NoService(excerpt(&offer.service)));
    }
    let life = offer.expires_in;
    if life < Span::from_seconds(LIVES.0) || life > Span::from_seconds(LIVES.1) {
        return Err(ActivationError::Life);
    }
    if offer.entitlement_ends_at.is_some_and(|end| end <= ctx.now) {
        return Err(ActivationError::Ended);
    }
    let link_ends = ctx.now.after(life.duration());
    let row = Activation {
        id: ActivationId::new(ctx.now, &*app.random),
        service: offer.service,
        email: email.shown.clone(),
        email_normal: email.normal.clone(),
        state: "offered".to_owned(),
        transferable: offer.transferable,
        entitlement_ends_at: offer.entitlement_ends_at,
        created_at: ctx.now,
        // What has ended is of no use to whoever claims it.
        expires_at: offer.entitlement_ends_at.map_or(link_ends, |end| end.min(link_ends)),
        claimed_at: None,
        claimed_by: None,
        version: 1,
    };
    let secret = Secret::generate(Prefix::Link, &*app.random);
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    rows::add(&mut tx, &row, &app.peppers.mac(secret.expose()).to_bytes()).await?;
    mail::send(app, &mut tx, &ctx, &email, &letter(app, &row, secret.expose()), &dedup(&row)).await?;
    let detail = json!({"service": row.service, "email_domain": email.domain, "transferable": row.transferable});
    audit::record(app, &mut tx, &ctx, None, "activation.offered", &row.id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(Offered { activation: view(row, ctx.now), secret: ShownOnce::new(secret.expose().to_owned()) })
}

/// What can be handed on is a welcome; what cannot is a certificate.
fn letter(app: &App, row: &Activation, secret: &str) -> Message {
    let (service, link) = (title(app, &row.service), link(app, secret));
    if row.transferable {
        return Message::Activation { service, link, expires_at: row.expires_at };
    }
    Message::Entitlement { service, number: row.id.to_string(), link, expires_at: row.entitlement_ends_at }
}

/// Where people follow a link to.
fn link(app: &App, secret: &str) -> String {
    format!("{}/activate/{secret}", app.settings.public_url)
}

fn title(app: &App, service: &str) -> String {
    entitlements::service(app, service).map_or_else(|| service.to_owned(), |known| known.title.to_string())
}

/// One message for each link.
fn dedup(row: &Activation) -> String {
    format!("activation:{}:{}", row.id, row.version)
}

fn view(row: Activation, now: Timestamp) -> ActivationView {
    let expired = row.state == "offered" && row.expires_at <= now;
    ActivationView {
        id: row.id,
        service: row.service,
        email: row.email,
        state: if expired { "expired".to_owned() } else { row.state },
        transferable: row.transferable,
        entitlement_ends_at: row.entitlement_ends_at,
        created_at: row.created_at,
        expires_at: row.expires_at,
        claimed_at: row.claimed_at,
        claimed_by: row.claimed_by,
    }
}

/// At the most `limit` activations after the one with the id `after`, the oldest first.
///
/// # Errors
/// Refusals and the database's.
pub async fn list(app: &App, ctx: &Ctx, after: &str, limit: i64) -> Result<Vec<ActivationView>, ActivationError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    // Nothing stored has a NUL, and no database takes one.
    if after.contains('\0') {
        return Ok(Vec::new());
    }
    let found = rows::page(&mut app.db.read().await?, after, limit).await?;
    Ok(found.into_iter().map(|row| view(row, ctx.now)).collect())
}

/// Withdraws an activation that nobody has claimed yet: its link is dead.
///
/// # Errors
/// [`ActivationError`].
pub async fn withdraw(app: &App, ctx: &Ctx, id: &str) -> Result<(), ActivationError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let id: ActivationId = id.parse().map_err(|_| ActivationError::Unknown)?;
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    if !rows::withdraw(&mut tx, id).await? {
        let row = rows::find(&mut tx, id).await?.ok_or(ActivationError::Unknown)?;
        return Err(look::over(&row, ctx.now));
    }
    audit::record(app, &mut tx, &ctx, None, "activation.withdrawn", &id.to_string(), json!({})).await?;
    tx.commit().await?;
    Ok(())
}
