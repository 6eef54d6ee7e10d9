//! Who is it, and may they come in? One transaction from the answer to the session.
//!
//! Within one connection, a sign-in is, in this order: the identity of its subject; else the directory's record whose
//! external id is the subject; else the one with its user name; else the one with its address (one authority says both, so
//! no proof is needed). Tombstones count: whom the directory deleted, no sign-in creates again.

use std::collections::BTreeMap;
use std::time::Duration;

use cardea_connect::{GroupClaims as Claimed, Identity as Asserted};
use cardea_model::id::{IdentityId, MemberId, UserId};
use cardea_model::name::{Email, fold};
use cardea_model::rule::GroupClaims;
use cardea_store::connection::{self, Connection};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::flow::Flow;
use cardea_store::identity::{self, Identity};
use cardea_store::member::{self, Member};
use cardea_store::session::provider::Named;
use cardea_store::{person, saml};
use cardea_tokens::hash::sha256;
use serde_json::json;

use super::{LoginError, connector, is_open};
use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::membership;
use crate::pause::Point;
use crate::session::{self, Opened};
use crate::state::{self, TrustEmail};

/// How often a sign-in looks again because another request made or bound the same person.
const TRIES: usize = 4;
/// The name under which the connection's own claim is noted.
const OWN_CLAIM: &str = "";
/// How often a sign-in is noted on its connection.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// Lets the person in whom the provider vouches for, or says why not.
///
/// # Errors
/// [`LoginError`].
pub async fn admit(
    app: &App,
    ctx: &Ctx,
    row: &Connection,
    flow: &Flow,
    asserted: &Asserted,
) -> Result<Opened, LoginError> {
    let settings = connector::settings(row)?;
    app.pause.at(Point::Admission).await;
    if asserted.once.is_some() {
        of_this_domain(app, row, asserted).await?;
    }
    for _ in 0..TRIES {
        match try_admit(app, ctx, (row, &settings), flow, asserted).await {
            // Somebody else created or bound the same person at this moment: look again.
            Err(LoginError::Database(DbError::Conflict)) => {}
            result => return result,
        }
    }
    Err(DbError::Busy.into())
}

/// Refuses a SAML provider that states an address of a domain which is not this connection's: nothing in an assertion says
/// whether anybody has looked at it, so only the domain does. A connection without domains is on trial, and may name whom it
/// likes but for people of other connections.
async fn of_this_domain(app: &App, row: &Connection, asserted: &Asserted) -> Result<(), LoginError> {
    let Some(claimed) = &asserted.email else { return Ok(()) };
    // People may type a final dot; a provider that does means to be read in two ways.
    let plain = Some(&claimed.address).filter(|address| !address.ends_with('.'));
    let email = plain.and_then(|address| Email::parse(address)).ok_or(LoginError::EmailDomain)?;
    let mut conn = app.db.read().await?;
    let allowed = match connection::of_domain(&mut conn, &email.domain).await? {
        Some(owner) => owner.id == row.id,
        None => connection::domains(&mut conn, row.id).await?.is_empty(),
    };
    if allowed { Ok(()) } else { Err(LoginError::EmailDomain) }
}

/// Looks inside the transaction: whoever was first may not be durable yet, and so not be seen from outside.
async fn try_admit(
    app: &App,
    ctx: &Ctx,
    (row, settings): (&Connection, &state::Connection),
    flow: &Flow,
    asserted: &Asserted,
) -> Result<Opened, LoginError> {
    let mut tx = app.db.write().await?;
    let (identity, member) = match find(&mut tx, row, asserted).await? {
        Some(identity) => {
            let member = member::find(&mut tx, identity.member).await?.ok_or(LoginError::Corrupt("identity"))?;
            (identity, member)
        }
        None => create(app, &mut tx, ctx, (row, settings), asserted).await?,
    };
    let member = enter(app, &mut tx, ctx, flow, member).await?;
    // It may have been switched off since the answer arrived.
    if !connection::stage(&mut tx, row.id).await?.is_some_and(|stage| is_open(&stage)) {
        return Err(LoginError::NoConnection);
    }
    if !identity::signed_in(&mut tx, identity.id, &asserted.issuer, &asserted.subject, ctx.now).await? {
        return Err(LoginError::OtherSubject);
    }
    // Sign-ins do not queue on the connection's row for its sake.
    if row.last_login_at.is_none_or(|noted| ctx.now.since(noted) >= NOTE_EVERY) {
        connection::signed_in(&mut tx, row.id, ctx.now).await?;
    }
    let session = session::open(app, &mut tx, ctx, &member, Some(through(row, asserted))).await?;
    // Of several who bring one assertion, one gets in (SAML profiles §4.1.4.5).
    if let Some(once) = &asserted.once
        && !saml::use_assertion(&mut tx, row.id, &sha256(once.id.as_bytes()), once.until).await?
    {
        return Err(LoginError::Replayed);
    }
    let said = said(asserted);
    // The last but for inserts: it may take the feed's counter, which is one lock for all.
    let whose = (&member, identity.id);
    let synced = membership::sync(app, &mut tx, ctx, whose, (row.id, &settings.groups), &said).await?;
    let mut claims: BTreeMap<_, _> = synced.iter().map(|(claim, sync)| (claim.as_str(), sync.as_str())).collect();
    let groups = claims.remove(OWN_CLAIM);
    let detail = json!({"connection": row.name, "groups": groups, "claims": claims, "remarks": asserted.remarks});
    audit::record(app, &mut tx, ctx, Some(row.account), "login.succeeded", &identity.user.to_string(), detail).await?;
    tx.commit().await?;
    Ok(session)
}

/// How the provider speaks of the session that is opened now.
fn through(row: &Connection, asserted: &Asserted) -> session::Through {
    let provider = Named { session: asserted.sid.clone(), subject: asserted.name_id.clone() };
    session::Through { connection: row.id, provider, until: asserted.session_until }
}

/// The fence. The member is read before it, so that whatever ends access between the two makes the touch fail.
async fn enter(app: &App, tx: &mut Tx, ctx: &Ctx, flow: &Flow, member: Member) -> Result<Member, LoginError> {
    if member.numbers.held {
        return Err(LoginError::Deactivated);
    }
    // An answer to a question asked before access ended is not a new sign-in.
    if flow.begun_at <= member.numbers.session_floor {
        return Err(LoginError::Overtaken);
    }
    app.pause.at(Point::Login).await;
    if !member::enter(tx, member.id, member.numbers.epoch, ctx.now).await? {
        return Err(LoginError::Overtaken);
    }
    Ok(member)
}

/// What each claim says about groups, by its name.
fn said(asserted: &Asserted) -> BTreeMap<String, GroupClaims> {
    let read = |claimed: &Claimed| match claimed {
        Claimed::Present(groups) => GroupClaims::of(groups.clone()),
        Claimed::Missing => GroupClaims::Missing,
        Claimed::Overage => GroupClaims::Overage,
    };
    let further = asserted.claims.iter().map(|(claim, claimed)| (claim.clone(), read(claimed)));
    further.chain([(OWN_CLAIM.to_owned(), read(&asserted.groups))]).collect()
}

/// The identity that this sign-in means; nothing if nobody like that was ever known here.
async fn find(conn: &mut Conn, row: &Connection, asserted: &Asserted) -> Result<Option<Identity>, LoginError> {
    let mut dead = match identity::of_subject(conn, row.id, &asserted.subject).await? {
        Some(identity) if identity.deleted_at.is_none() => return Ok(Some(identity)),
        tombstone => tombstone.is_some(),
    };
    let mut candidates = vec![identity::of_external_id(conn, row.id, &asserted.subject).await?];
    // Whose subject was deleted is that person and nobody else, unless the directory says the subject again.
    if !dead {
        candidates.extend(by_name(conn, row, asserted).await?);
    }
    for found in candidates {
        let mut living = found.iter().filter(|identity| identity.deleted_at.is_none());
        match (living.next(), living.next()) {
            (Some(_), Some(_)) => return Err(LoginError::Ambiguous),
            (Some(identity), None) if identity.subject.is_some() => return Err(LoginError::OtherSubject),
            (Some(identity), None) => return Ok(Some(identity.clone())),
            (None, _) => dead |= found.iter().any(|identity| identity.managed),
        }
    }
    // The directory deleted everybody whom this could be: no sign-in brings them back.
    if dead { Err(LoginError::Deleted) } else { Ok(None) }
}

/// Whom the names and the address of this sign-in find, the surest first.
async fn by_name(conn: &mut Conn, row: &Connection, asserted: &Asserted) -> Result<Vec<Vec<Identity>>, DbError> {
    let mut found = Vec::new();
    for name in [asserted.upn.as_deref(), asserted.preferred_username.as_deref()].into_iter().flatten() {
        found.push(identity::of_user_name(conn, row.id, &fold(name)).await?);
    }
    if let Some(email) = claimed(asserted).and_then(Email::parse) {
        found.push(identity::of_user_name(conn, row.id, &email.normal).await?);
        found.push(identity::of_email(conn, row.id, &email.normal).await?);
    }
    Ok(found)
}

/// The address, unless the provider itself says that it is not proven: whoever typed it could be anybody.
fn claimed(asserted: &Asserted) -> Option<&str> {
    let email = asserted.email.as_ref().filter(|email| email.verified != Some(false));
    email.map(|email| email.address.as_str())
}

/// The address, if it may be taken for this person's own: its domain is this connection's, and the provider says that it is
/// verified, or says nothing and the admin trusts it. `false` is never overridden.
async fn address(
    conn: &mut Conn,
    row: &Connection,
    settings: &state::Connection,
    asserted: &Asserted,
) -> Result<Option<Email>, LoginError> {
    let Some(claimed) = &asserted.email else { return Ok(None) };
    let Some(email) = Email::parse(&claimed.address) else { return Ok(None) };
    let vouched = match claimed.verified {
        Some(verified) => verified,
        None => settings.trust_email == TrustEmail::DomainVerified,
    };
    let owner = connection::of_domain(conn, &email.domain).await?;
    Ok((vouched && owner.is_some_and(|owner| owner.id == row.id)).then_some(email))
}

/// Creates the person whom nobody knew, with the trusted address or none. `Conflict`: somebody has made them meanwhile.
async fn create(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    (row, settings): (&Connection, &state::Connection),
    asserted: &Asserted,
) -> Result<(Identity, Member), LoginError> {
    if !creates(tx, row, settings).await? {
        return Err(LoginError::NotProvisioned);
    }
    // One at a time: a directory that makes the same person under another name conflicts with nothing written here.
    connection::lock(tx, row.id).await?;
    // Whoever was made meanwhile enters without this lock, which no lock of a member may follow.
    if find(tx, row, asserted).await?.is_some() {
        return Err(DbError::Conflict.into());
    }
    let email = address(tx, row, settings, asserted).await?;
    if let Some(email) = &email
        && person::with_email(tx, &email.normal).await?.is_some()
    {
        return Err(LoginError::EmailTaken);
    }
    let (user, id) = (UserId::new(ctx.now, &*app.random), MemberId::new(ctx.now, &*app.random));
    let email = email.as_ref();
    let claimed = claimed(asserted);
    let said = asserted.email.as_ref().map(|email| email.address.as_str());
    let shown = email.map(|email| email.shown.as_str()).or(said);
    let both = [&asserted.given_name, &asserted.family_name].into_iter().flatten().map(String::as_str);
    let both = Some(both.collect::<Vec<_>>().join(" ")).filter(|both| !both.is_empty());
    let name = asserted.name.as_deref().or(both.as_deref()).or(shown).unwrap_or(&asserted.subject);
    person::add(tx, user, name, shown, email.map(|email| email.normal.as_str()), ctx.now).await?;
    member::add(tx, id, row.account, user, "member", ctx.now).await?;
    let user_name = asserted.upn.as_deref().or(asserted.preferred_username.as_deref()).or(claimed);
    let user_name = user_name.unwrap_or(&asserted.subject);
    let identity = Identity {
        id: IdentityId::new(ctx.now, &*app.random),
        connection: row.id,
        user,
        member: id,
        issuer: Some(asserted.issuer.clone()),
        subject: Some(asserted.subject.clone()),
        user_name: user_name.to_owned(),
        external_id: None,
        email_normal: claimed.and_then(Email::parse).map(|email| email.normal),
        managed: false,
        active: true,
        document: document(asserted, user_name),
        created_at: ctx.now,
        modified_at: ctx.now,
        deleted_at: None,
        version: 1,
    };
    identity::add(tx, &identity, &fold(user_name)).await?;
    let detail = json!({"connection": row.name});
    audit::record(app, tx, ctx, Some(row.account), "user.created_at_login", &user.to_string(), detail).await?;
    let member = member::find(tx, id).await?.ok_or(LoginError::Corrupt("member"))?;
    Ok((identity, member))
}

/// Whether a first sign-in makes a person here: as the connection says, or else unless a directory makes them.
async fn creates(conn: &mut Conn, row: &Connection, settings: &state::Connection) -> Result<bool, DbError> {
    match settings.jit {
        Some(said) => Ok(said),
        None => Ok(connection::directory_tokens(conn, row.id).await?.is_empty()),
    }
}

/// The record that the directory will find when it first looks for this person.
fn document(asserted: &Asserted, user_name: &str) -> String {
    let mut user = json!({"userName": user_name, "active": true});
    if let Some(fields) = user.as_object_mut() {
        let email = claimed(asserted).map(|address| json!([{"value": address, "type": "work", "primary": true}]));
        let name = json!({"givenName": asserted.given_name, "familyName": asserted.family_name});
        fields.extend(email.map(|email| ("emails".to_owned(), email)));
        fields.extend(asserted.name.as_ref().map(|name| ("displayName".to_owned(), json!(name))));
        if asserted.given_name.is_some() || asserted.family_name.is_some() {
            fields.insert("name".to_owned(), name);
        }
    }
    user.to_string()
}
