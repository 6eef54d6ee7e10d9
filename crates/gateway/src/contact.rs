//! A person writes to the owners of their org: plain text, to all of them, and the answer goes to the person.

use std::time::Duration;

use cardea_model::id::{AccountId, AuditId};
use cardea_model::name::{Email, is_label};
use cardea_model::{Caller, Denied, Fault, Kind, Permission, Timestamp};
use cardea_store::account::{self, Account};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::{audit as events, member, person};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::app::App;
use crate::context::Ctx;
use crate::mail::{self, Message};
use crate::tries::seconds;
use crate::{audit, session};

/// How often somebody may write in [`DAY`].
const MOST: usize = 5;
const DAY: Duration = Duration::from_secs(86_400);
const LONGEST_SUBJECT: usize = 200;
const LONGEST_BODY: usize = 4000;
/// What the log calls it; the messages of a day are counted there, so that it is one count for all nodes.
const CONTACTED: &str = "owners.contacted";

/// What somebody writes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// They would like the org to have a product.
    ProductRequest,
    /// They would like to work with a team.
    TeamAccessRequest,
}

/// A message to the owners, filled in as far as it can be.
#[derive(Clone, Debug, Serialize)]
pub struct Prefilled {
    /// What it is about.
    pub template: Template,
    /// Its subject.
    pub subject: String,
    /// Its text, to be completed.
    pub body: String,
}

/// What somebody writes.
#[derive(Clone, Debug)]
pub struct Written {
    /// What it is about.
    pub template: Template,
    /// The subject; the template's, if there is none.
    pub subject: Option<String>,
    /// The text.
    pub body: String,
    /// The team that it is about.
    pub team: Option<String>,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such org (404).
    #[error("there is no such org")]
    Missing,
    /// The subject or the text cannot be sent (422).
    #[error(
        "write a subject of one line and at most {LONGEST_SUBJECT} bytes, and a plain text of at most {LONGEST_BODY}"
    )]
    Text,
    /// There is no such team (422).
    #[error("`{0}` is no team of this org")]
    Team(String),
    /// A request for access to a team says which one (422).
    #[error("say with `team` which team it is about")]
    NoTeam,
    /// They have written often enough for a day; in so many seconds again (429).
    #[error("you have written {MOST} messages in a day; write again tomorrow")]
    TooMany(u32),
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

impl From<DbError> for ContactError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl Fault for ContactError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Missing => Kind::Missing,
            Self::Text | Self::Team(_) | Self::NoTeam => Kind::Unprocessable,
            Self::TooMany(seconds) => Kind::TooMany(*seconds),
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Missing => "not_found",
            Self::Text => "invalid_message",
            Self::Team(_) => "unknown_team",
            Self::NoTeam => "team_missing",
            Self::TooMany(_) => "rate_limited",
            Self::Database(error) => error.code(),
        }
    }
}

/// Every template, filled in with the org, and the team if one is named.
///
/// # Errors
/// [`ContactError`].
pub async fn templates(
    app: &App,
    ctx: &Ctx,
    account: AccountId,
    team: Option<&str>,
) -> Result<Vec<Prefilled>, ContactError> {
    ctx.may(Permission::ContactOwners, account)?;
    let mut conn = app.db.read().await?;
    let org = account::find(&mut conn, account).await?.ok_or(ContactError::Missing)?;
    let team = stands(&mut conn, &org, team).await?;
    let all = [Template::ProductRequest, Template::TeamAccessRequest];
    Ok(all.into_iter().map(|template| prefilled(template, &org.org_name, team)).collect())
}

fn prefilled(template: Template, org: &str, team: Option<&str>) -> Prefilled {
    let (subject, body) = match (template, team) {
        (Template::ProductRequest, None) => (
            format!("A product for {org}"),
            format!("Hello,\n\nI would like to use this product in the org {org}:\n\nI need it for:\n\nThank you."),
        ),
        (Template::ProductRequest, Some(team)) => (
            format!("A product for {org}"),
            format!(
                "Hello,\n\nI would like to use this product in the team {team} of the org {org}:\n\nI need it for:\n\nThank you."
            ),
        ),
        (Template::TeamAccessRequest, team) => {
            let team = team.unwrap_or("(which one?)");
            (
                format!("Access to the team {team} of {org}"),
                format!(
                    "Hello,\n\nI would like to work with the team {team} of the org {org}.\n\nI need these roles:\n\nThank you."
                ),
            )
        }
    };
    Prefilled { template, subject, body }
}

async fn stands<'t>(conn: &mut Conn, org: &Account, team: Option<&'t str>) -> Result<Option<&'t str>, ContactError> {
    let Some(name) = team else { return Ok(None) };
    let known = account::teams(conn, org.org).await?.iter().any(|team| team.name == name);
    if known { Ok(Some(name)) } else { Err(ContactError::Team(name.to_owned())) }
}

/// Sends a message to every owner of the org.
///
/// # Errors
/// [`ContactError`].
pub async fn send(app: &App, ctx: &Ctx, account: AccountId, written: Written) -> Result<(), ContactError> {
    ctx.may(Permission::ContactOwners, account)?;
    // The one who writes is locked: of many messages at once, no more are sent than may be.
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    ctx.may(Permission::ContactOwners, account)?;
    let org = account::find(&mut tx, account).await?.ok_or(ContactError::Missing)?;
    let team = stands(&mut tx, &org, written.team.as_deref()).await?;
    if written.template == Template::TeamAccessRequest && team.is_none() {
        return Err(ContactError::NoTeam);
    }
    let subject = written.subject.unwrap_or_else(|| prefilled(written.template, &org.org_name, team).subject);
    let body = written.body.trim();
    if !is_subject(&subject) || body.is_empty() || !mail::is_text(body, LONGEST_BODY) {
        return Err(ContactError::Text);
    }
    if let Some(wait) = must_wait(app, &mut tx, &ctx, account).await? {
        return Err(ContactError::TooMany(seconds(wait)));
    }
    let message = Message::ContactAdmin {
        from: writer(&mut tx, &ctx).await?,
        subject,
        body: body.to_owned(),
        org: org.org_name,
        team: team.map(str::to_owned),
    };
    for owner in member::owner_emails(&mut tx, account).await?.iter().filter_map(|text| Email::parse(text)) {
        let key = format!("contact:{}:{}", ctx.request, owner.normal);
        mail::send(app, &mut tx, &ctx, &owner, &message, &key).await?;
    }
    let detail = json!({"template": written.template, "team": team});
    audit::record(app, &mut tx, &ctx, Some(account), CONTACTED, &org.org.to_string(), detail).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether a message can have this subject: one line, and not too long.
#[must_use]
pub fn is_subject(text: &str) -> bool {
    is_label(text, LONGEST_SUBJECT)
}

/// How long the one who speaks has to wait before the next message.
async fn must_wait(app: &App, conn: &mut Conn, ctx: &Ctx, account: AccountId) -> Result<Option<Duration>, DbError> {
    let since: Timestamp = ctx.now.before(DAY);
    // Ids begin with their time, to the millisecond: with one from a moment before, the log is not read from its beginning.
    let from = AuditId::new(since.before(Duration::from_millis(1)), &*app.random);
    let times = events::times(conn, account, (&ctx.actor(), CONTACTED), (since, from)).await?;
    let oldest = times.iter().rev().nth(MOST - 1);
    Ok(oldest.map(|oldest| oldest.after(DAY).since(ctx.now)))
}

/// Where the answer goes: the address, if it is proven to be theirs; else words to which no answer can go by itself.
async fn writer(tx: &mut Tx, ctx: &Ctx) -> Result<String, ContactError> {
    let Caller::Person(speaker) = &ctx.caller else { return Err(Denied::Refused.into()) };
    let person = person::find(tx, speaker.user).await?.ok_or(Denied::Unknown)?;
    Ok(match person.email {
        Some(email) if person.email_proven => email,
        Some(email) => format!("{} ({email}, not proven)", person.name),
        None => person.name,
    })
}
