//! What a link is good for, for whoever looks at it.

use cardea_model::entitlement::{Entitlement, State};
use cardea_model::id::UserId;
use cardea_model::name::Email;
use cardea_model::{Caller, Timestamp};
use cardea_store::account::{self, Account};
use cardea_store::activation::{self as rows, Activation};
use cardea_store::db::{Conn, DbError};
use cardea_store::member::{self, Member};
use cardea_store::{entitlement, person};
use cardea_tokens::format::{Prefix, parse};
use serde::Serialize;

use super::{ActivationError, title};
use crate::accounts;
use crate::app::App;
use crate::context::Ctx;
use crate::entitlements;

/// What a link is good for.
#[derive(Clone, Debug, Serialize)]
pub struct Look {
    /// The service.
    pub service: String,
    /// Its title.
    pub title: String,
    /// Whether it makes an individual org an enterprise.
    pub premium: bool,
    /// Whose it is: only with this address, verified, can it be claimed.
    pub email: String,
    /// Whether it can be handed on.
    pub transferable: bool,
    /// When the link is too late.
    pub expires_at: Timestamp,
    /// When the entitlement ends; none for never.
    pub entitlement_ends_at: Option<Timestamp>,
    /// Whether whoever asks signs in before it can be claimed; else somebody new makes an account with it.
    pub sign_in: bool,
    /// The accounts that whoever asks owns and that gain something by it.
    pub accounts: Vec<Eligible>,
}

/// An account for which it can be claimed.
#[derive(Clone, Debug, Serialize)]
pub struct Eligible {
    /// Its name.
    pub account: String,
    /// The number that account and org share.
    pub number: i64,
    /// The name of its org.
    pub org: String,
    /// `individual` or `enterprise`.
    pub kind: String,
}

/// What the link with this secret is good for; looking at it does not use it.
///
/// # Errors
/// [`ActivationError`].
pub async fn look(app: &App, ctx: &Ctx, secret: &str) -> Result<Look, ActivationError> {
    let mut conn = app.db.read().await?;
    let row = standing(app, &mut conn, secret, ctx.now).await?;
    let mut accounts = Vec::new();
    let mut sign_in = false;
    if let Caller::Person(person) = &ctx.caller {
        is_theirs(&mut conn, &row, person.user).await?;
        for (_, owned) in owned(&mut conn, person.user).await? {
            if gains(&mut conn, &owned, &row, ctx.now).await?.is_ok() {
                let Account { name, number, org_name, org_kind, .. } = owned;
                accounts.push(Eligible { account: name, number, org: org_name, kind: org_kind });
            }
        }
    } else {
        let email = Email::parse(&row.email).ok_or(ActivationError::Email)?;
        sign_in = accounts::is_known(&mut conn, &email).await?;
    }
    Ok(Look {
        title: title(app, &row.service),
        premium: entitlements::is_premium(app, &row.service),
        service: row.service,
        email: row.email,
        transferable: row.transferable,
        expires_at: row.expires_at,
        entitlement_ends_at: row.entitlement_ends_at,
        sign_in,
        accounts,
    })
}

/// The activation of this link, if it can still be used.
pub(super) async fn standing(
    app: &App,
    conn: &mut Conn,
    secret: &str,
    now: Timestamp,
) -> Result<Activation, ActivationError> {
    parse(secret).ok().filter(|parsed| parsed.prefix == Prefix::Link).ok_or(ActivationError::Unknown)?;
    for mac in app.peppers.macs(secret) {
        if let Some(row) = rows::with_mac(conn, &mac.to_bytes()).await? {
            return if row.state == "offered" && row.expires_at > now { Ok(row) } else { Err(over(&row, now)) };
        }
    }
    Err(ActivationError::Unknown)
}

/// Why an activation is of no use any more.
pub(super) fn over(row: &Activation, now: Timestamp) -> ActivationError {
    match row.state.as_str() {
        "claimed" => ActivationError::Used,
        "revoked" => ActivationError::Withdrawn,
        "offered" if row.expires_at <= now => ActivationError::Expired,
        // It was handed on this moment.
        _ => ActivationError::Unknown,
    }
}

/// Whether the person's verified address is the one that it was sent to; returns it.
pub(super) async fn is_theirs(conn: &mut Conn, row: &Activation, user: UserId) -> Result<Email, ActivationError> {
    let person = person::find(conn, user).await?.filter(|person| person.email_proven);
    let email = person.and_then(|person| person.email).and_then(|text| Email::parse(&text));
    email.filter(|email| email.normal == row.email_normal).ok_or(ActivationError::OtherAddress)
}

/// The accounts that the person owns and may act in.
pub(super) async fn owned(conn: &mut Conn, user: UserId) -> Result<Vec<(Member, Account)>, DbError> {
    let mut owned = Vec::new();
    for member in member::all_of_user(conn, user).await?.into_iter().filter(owns) {
        if let Some(row) = account::find(conn, member.account).await? {
            owned.push((member, row));
        }
    }
    Ok(owned)
}

/// Whether the member is the account's one owner, and nothing holds them.
pub(super) fn owns(member: &Member) -> bool {
    member.account_role == "owner" && !member.numbers.held
}

/// What the account would have, if it gains something by it.
pub(super) async fn gains(
    conn: &mut Conn,
    account: &Account,
    row: &Activation,
    now: Timestamp,
) -> Result<Result<Entitlement, ActivationError>, DbError> {
    let offered = Entitlement { ends_at: row.entitlement_ends_at, ..Entitlement::endless(&row.service) };
    let refusal = match entitlement::find(conn, account.org, &row.service).await? {
        // A link must not undo what an operator has decided since.
        Some(has) if has.state == State::Suspended => "this account's service is suspended; ask your operator",
        Some(has) if has.is_in_force(now) && !offered.outlasts(has.ends_at) => {
            "this account has the service for at least as long already; choose another account"
        }
        Some(_) | None => return Ok(Ok(offered)),
    };
    Ok(Err(ActivationError::NotEligible(refusal)))
}
