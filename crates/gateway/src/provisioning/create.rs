//! A POST: somebody new, or somebody who was here before.

use cardea_model::id::{IdentityId, MemberId, UserId};
use cardea_model::name::fold;
use cardea_scim::{Accepted, ScimError, User};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::identity::{self, Identity};
use cardea_store::record::{self, Record as Row};
use cardea_store::{connection, member, person};
use serde_json::{Map, Value, json};

use super::change::{Plan, deactivation, taken, write};
use super::details::{self, Details};
use super::{Directory, ProvisioningError, Record, record_of};
use crate::app::App;
use crate::audit;
use crate::pause::Point;
use crate::revocation;

/// How often a create begins anew, after the first time, because another request changed or made the same person.
const TRIES: usize = 3;

/// Creates a record, or takes up the one that means the same person: an inactive one with the same `externalId`, or one
/// that a sign-in made, found by subject, user name or address as a sign-in finds records.
///
/// # Errors
/// [`ProvisioningError`]; then nothing has changed.
pub async fn create(app: &App, directory: &Directory, body: Map<String, Value>) -> Result<Record, ProvisioningError> {
    directory.may()?;
    if directory.off {
        return Err(ProvisioningError::Off);
    }
    let accepted = User::create(body)?;
    let step = look(app, &mut app.db.read().await?, directory, &accepted).await?;
    app.pause.at(Point::Creation).await;
    if let Some(record) = take(app, app.db.write().await?, directory, &accepted, step).await? {
        return Ok(record);
    }
    for _ in 0..TRIES {
        // Inside the transaction: whoever was first may not be durable yet, and so not be seen from outside.
        let mut tx = app.db.write().await?;
        let step = look(app, &mut tx, directory, &accepted).await?;
        if let Some(record) = take(app, tx, directory, &accepted, step).await? {
            return Ok(record);
        }
    }
    Err(DbError::Busy.into())
}

/// What a POST comes to.
enum Step {
    /// Somebody who is there is taken up.
    TakeUp(Box<Plan>),
    /// Somebody is made.
    Make(Box<New>),
}

/// Somebody who is about to be made.
struct New {
    identity: Identity,
    details: Details,
    other_emails: Vec<String>,
    /// The tombstone from which the subject comes.
    tombstone: Option<IdentityId>,
    ignored: Vec<String>,
}

/// Looks whom the POST means and works out what it comes to.
async fn look(
    app: &App,
    conn: &mut Conn,
    directory: &Directory,
    accepted: &Accepted,
) -> Result<Step, ProvisioningError> {
    let (user, connection) = (&accepted.user, directory.connection);
    let (folded, email) = (fold(user.user_name()), details::primary(user));
    let rows = record::meeting(conn, connection, user.external_id(), &folded, email.as_deref()).await?;
    match meets(&rows, user, &folded, email.as_deref())? {
        Meets::Known(row, action) => {
            let made = (user.clone(), accepted.remarks.clone());
            let plan = Plan::new(conn, directory, row.clone(), None, made, action).await?;
            Ok(Step::TakeUp(Box::new(plan)))
        }
        Meets::Nobody(tombstone) => {
            let heir = inherit(conn, directory, tombstone).await?;
            let new = New {
                identity: fresh(app, directory, user, heir)?,
                details: details::fresh(conn, directory, user).await?,
                other_emails: details::others(user),
                tombstone: heir.map(|tombstone| tombstone.id),
                ignored: accepted.remarks.clone(),
            };
            Ok(Step::Make(Box::new(new)))
        }
    }
}

/// Takes the step. Nothing: somebody else wrote what it rests on.
async fn take(
    app: &App,
    mut tx: Tx,
    directory: &Directory,
    accepted: &Accepted,
    step: Step,
) -> Result<Option<Record>, ProvisioningError> {
    match step {
        Step::TakeUp(plan) => {
            if !write(app, &mut tx, directory, &plan).await? {
                return Ok(None);
            }
            tx.commit().await?;
            Ok(Some(plan.into_record(app)))
        }
        Step::Make(_) => {
            // One at a time: a sign-in that makes the same person under another name conflicts with nothing written here.
            connection::lock(&mut tx, directory.connection).await?;
            // Whoever was made meanwhile is taken up without this lock, which no lock of a member may follow.
            let Step::Make(new) = look(app, &mut tx, directory, accepted).await? else { return Ok(None) };
            match add(app, &mut tx, directory, &new).await {
                Ok(()) => {}
                // Somebody else has made the same person or taken the address meanwhile.
                Err(DbError::Conflict) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            tx.commit().await?;
            Ok(Some(record_of(app, &new.identity)?))
        }
    }
}

/// Whom a POST means.
#[derive(Debug)]
enum Meets<'a> {
    /// This record, and what taking it up is called in the audit log.
    Known(&'a Row, &'static str),
    /// Nobody who is there; perhaps somebody whom the directory had deleted.
    Nobody(Option<&'a Identity>),
}

fn meets<'a>(rows: &'a [Row], user: &User, folded: &str, email: Option<&str>) -> Result<Meets<'a>, ScimError> {
    let living = |fits: &dyn Fn(&Identity) -> bool| -> Vec<&'a Row> {
        rows.iter().filter(|row| row.identity.deleted_at.is_none() && fits(&row.identity)).collect()
    };
    let external = user.external_id();
    let same_external = |identity: &Identity| external.is_some() && identity.external_id.as_deref() == external;
    let same_name = |identity: &Identity| fold(&identity.user_name) == folded;
    // The name tells several inactive records of one external id apart.
    let mut inactive = living(&|row| row.managed && !row.active && same_external(row));
    if inactive.len() > 1 {
        inactive.retain(|row| same_name(&row.identity));
    }
    if let Some(row) = inactive.first() {
        return Ok(Meets::Known(row, "user.revived_by_directory"));
    }
    if !living(&|row| row.managed && same_name(row)).is_empty() {
        return Err(taken());
    }
    let by_subject = living(&|row| !row.managed && external.is_some() && row.subject.as_deref() == external);
    let by_name = living(&|row| !row.managed && same_name(row));
    let by_email = living(&|row| !row.managed && email.is_some() && row.email_normal.as_deref() == email);
    match [by_subject, by_name, by_email].iter().find(|found| !found.is_empty()).map(Vec::as_slice) {
        Some([row]) => Ok(Meets::Known(row, "user.adopted_by_directory")),
        Some(_) => Err(ScimError::uniqueness(
            "Several people who have signed in could be this user. Send an `externalId` that is the subject of one.",
        )),
        None => {
            let mut dead = rows.iter().map(|row| &row.identity).filter(|row| row.deleted_at.is_some());
            Ok(Meets::Nobody(dead.find(|row| same_external(row) && row.subject.is_some())))
        }
    }
}

/// The tombstone, if its subject is nobody else's by now: who signs in as it is the new record's person.
async fn inherit<'a>(
    conn: &mut Conn,
    directory: &Directory,
    tombstone: Option<&'a Identity>,
) -> Result<Option<&'a Identity>, DbError> {
    let Some((row, subject)) = tombstone.and_then(|row| Some((row, row.subject.as_deref()?))) else { return Ok(None) };
    let holder = identity::of_subject(conn, directory.connection, subject).await?;
    Ok(holder.is_none_or(|holder| holder.deleted_at.is_some()).then_some(row))
}

fn fresh(
    app: &App,
    directory: &Directory,
    user: &User,
    heir: Option<&Identity>,
) -> Result<Identity, ProvisioningError> {
    let now = directory.ctx.now;
    Ok(Identity {
        id: IdentityId::new(now, &*app.random),
        connection: directory.connection,
        user: UserId::new(now, &*app.random),
        member: MemberId::new(now, &*app.random),
        issuer: heir.and_then(|row| row.issuer.clone()),
        subject: heir.and_then(|row| row.subject.clone()),
        user_name: user.user_name().to_owned(),
        external_id: user.external_id().map(str::to_owned),
        email_normal: details::primary(user),
        managed: true,
        active: user.active().unwrap_or(true),
        document: serde_json::to_string(user).map_err(|_| ProvisioningError::Corrupt("record"))?,
        created_at: now,
        modified_at: now,
        deleted_at: None,
        version: 1,
    })
}

/// Writes a new person, member and record.
async fn add(app: &App, tx: &mut Tx, directory: &Directory, new: &New) -> Result<(), DbError> {
    let Details { name, shown, normal } = &new.details;
    let (ctx, identity) = (&directory.ctx, &new.identity);
    person::add(tx, identity.user, name, shown.as_deref(), normal.as_deref(), ctx.now).await?;
    member::add(tx, identity.member, directory.account, identity.user, "member", ctx.now).await?;
    if let Some(tombstone) = new.tombstone {
        record::forget_subject(tx, directory.connection, tombstone).await?;
    }
    identity::add(tx, identity, &fold(&identity.user_name)).await?;
    if !new.other_emails.is_empty() {
        record::set_other_emails(tx, directory.connection, identity.id, &new.other_emails).await?;
    }
    let detail = json!({"connection": directory.name, "active": identity.active, "email_trusted": normal.is_some(),
                        "again": new.tombstone.is_some(), "ignored": new.ignored});
    let target = identity.user.to_string();
    audit::record(app, tx, ctx, Some(directory.account), "user.created_by_directory", &target, detail).await?;
    if !identity.active {
        // Nobody can have issued anything to a member who is not committed yet.
        let source = directory.source();
        revocation::end_locked(app, tx, ctx, deactivation(identity, &source)).await?;
    }
    Ok(())
}
