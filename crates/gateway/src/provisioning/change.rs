//! A record changes: PATCH, PUT, and a POST for somebody who is known.
//!
//! The record is read and the change worked out without holding anything; the write then names the version that was
//! read. A change that came between makes it start again, once and with the member's row locked, so that it cannot lose
//! a second time.

use std::collections::BTreeSet;

use cardea_model::id::UserId;
use cardea_model::name::fold;
use cardea_model::numbers::{Cause, HoldKind, What};
use cardea_scim::{Patch, ScimError, USER_TYPE, User};
use cardea_store::db::{Conn, DbError, Tx};
use cardea_store::identity::{self, Identity};
use cardea_store::member;
use cardea_store::record::{self, Record as Row};
use serde_json::{Map, Value, json};

use super::details::{self, Details};
use super::{Directory, ProvisioningError, Record, meant_for, meta_of, missing, user_id, user_of};
use crate::app::App;
use crate::audit;
use crate::revocation::{self, Ending};

/// A change as the directory sent it.
#[derive(Clone)]
pub enum Change {
    /// A PATCH (RFC 7644 §3.5.2).
    Patch(Map<String, Value>),
    /// A PUT (RFC 7644 §3.5.1).
    Replace(Map<String, Value>),
}

/// Changes a record; `if_match` is the header of that name.
///
/// # Errors
/// [`ProvisioningError`]; then nothing has changed.
pub async fn change(
    app: &App,
    directory: &Directory,
    id: &str,
    change: Change,
    if_match: Option<&str>,
) -> Result<Record, ProvisioningError> {
    directory.may()?;
    let user = user_id(id)?;
    let mut conn = app.db.read().await?;
    let plan = match plan(app, &mut conn, directory, user, (&change, if_match)).await? {
        Planned::Nothing(row, record) => {
            hear(app, &mut conn, &row).await?;
            return Ok(record);
        }
        Planned::Change(plan) => plan,
    };
    drop(conn);
    let mut tx = app.db.write().await?;
    if write(app, &mut tx, directory, &plan).await? {
        tx.commit().await?;
        return Ok(plan.into_record(app));
    }
    drop(tx);
    let mut tx = app.db.write().await?;
    member::lock(&mut tx, plan.next.member).await?;
    match self::plan(app, &mut tx, directory, user, (&change, if_match)).await? {
        Planned::Nothing(row, record) => {
            // What made it so may have been written in this very batch: it is answered when that is durable.
            tx.commit().await?;
            hear(app, &mut app.db.read().await?, &row).await?;
            Ok(record)
        }
        Planned::Change(plan) => {
            if !write(app, &mut tx, directory, &plan).await? {
                return Err(DbError::Busy.into());
            }
            tx.commit().await?;
            Ok(plan.into_record(app))
        }
    }
}

/// Takes the end of access that a record tells of into this node's memory. Another node may have written it a moment ago,
/// and whoever is answered here that somebody is inactive must not find their key working here.
async fn hear(app: &App, conn: &mut Conn, row: &Identity) -> Result<(), DbError> {
    if !row.active
        && let Some(member) = member::find(conn, row.member).await?
    {
        app.memory().raise(member.id, &member.numbers);
    }
    Ok(())
}

enum Planned {
    /// The record says already what it shall say.
    Nothing(Box<Identity>, Record),
    Change(Box<Plan>),
}

/// Reads the record and works out the change.
async fn plan(
    app: &App,
    conn: &mut Conn,
    directory: &Directory,
    user: UserId,
    (change, if_match): (&Change, Option<&str>),
) -> Result<Planned, ProvisioningError> {
    let row = record::find(conn, directory.connection, user).await?.ok_or_else(|| missing(&user.to_string()))?;
    meant_for(&row.identity, if_match)?;
    let (before, meta) = (user_of(&row.identity)?, meta_of(app, &row.identity));
    let (after, remarks) = match change.clone() {
        Change::Patch(body) => {
            let patched = Patch::parse(&USER_TYPE, body)?.apply(&before, &meta)?;
            (patched.user, patched.remarks)
        }
        Change::Replace(body) => {
            let accepted = before.replace(body)?;
            (accepted.user, accepted.remarks)
        }
    };
    if after == before {
        return Ok(Planned::Nothing(Box::new(row.identity), Record { user: after, meta }));
    }
    let plan = Plan::new(conn, directory, row, Some(before), (after, remarks), "user.changed_by_directory").await?;
    Ok(Planned::Change(Box::new(plan)))
}

/// What a change makes of the person's access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Stays,
    Ends,
    Returns,
}

/// A change that is ready to be written.
pub(super) struct Plan {
    /// The row as it shall be; `version` is still that which was read.
    next: Identity,
    user: User,
    access: Access,
    person: Option<Details>,
    other_emails: Option<Vec<String>>,
    action: &'static str,
    detail: Value,
}

impl Plan {
    /// Works out what making `row` say `user` takes. `before` is what it says now, if the directory wrote that.
    pub(super) async fn new(
        conn: &mut Conn,
        directory: &Directory,
        row: Row,
        before: Option<User>,
        (user, remarks): (User, Vec<String>),
        action: &'static str,
    ) -> Result<Self, ProvisioningError> {
        let person = details::changed(conn, directory, &row, before.as_ref(), &user).await?;
        let other_emails = Some(details::others(&user))
            .filter(|others| before.as_ref().map_or(!others.is_empty(), |before| details::others(before) != *others));
        // A record that does not say whether it is active asks for neither access nor its end.
        let active = user.active().unwrap_or(row.identity.active);
        let access = match (row.identity.active, active) {
            (true, false) => Access::Ends,
            (false, true) => Access::Returns,
            (true, true) | (false, false) => Access::Stays,
        };
        // While the connection is off its directory may only take away.
        if directory.off && access != Access::Ends {
            return Err(ProvisioningError::Off);
        }
        let person = person.filter(|_| !directory.off);
        let detail = json!({"connection": directory.name, "active": active, "owner": row.owner,
                            "attributes": changed(before.as_ref(), &user), "ignored": remarks});
        let next = Identity {
            user_name: user.user_name().to_owned(),
            external_id: user.external_id().map(str::to_owned),
            email_normal: details::primary(&user),
            managed: true,
            active,
            document: serde_json::to_string(&user).map_err(|_| ProvisioningError::Corrupt("record"))?,
            modified_at: directory.ctx.now,
            ..row.identity
        };
        Ok(Self { next, user, access, person, other_emails, action, detail })
    }

    /// The record after the write.
    pub(super) fn into_record(self, app: &App) -> Record {
        let mut meta = meta_of(app, &self.next);
        meta.version = meta.version.saturating_add(1);
        Record { user: self.user, meta }
    }
}

/// The names of the attributes that differ, for the audit log: their values are personal data.
fn changed(before: Option<&User>, user: &User) -> BTreeSet<String> {
    let (old, new) = (before.map(User::attributes), user.attributes());
    let differs = |name: &&String| old.and_then(|old| old.get(*name)) != new.get(*name);
    old.into_iter().flat_map(Map::keys).chain(new.keys()).filter(differs).cloned().collect()
}

/// Writes the change; `false`: the record has changed since it was read, and the transaction must be dropped.
pub(super) async fn write(
    app: &App,
    tx: &mut Tx,
    directory: &Directory,
    plan: &Plan,
) -> Result<bool, ProvisioningError> {
    let (ctx, member) = (&directory.ctx, plan.next.member);
    // Every write begins with the member's row: nothing is issued from here on, and whoever holds it while reading again
    // cannot lose to anybody.
    member::lock(tx, member).await?;
    match identity::save(tx, &plan.next, &fold(&plan.next.user_name), ctx.now).await {
        Ok(true) => {}
        Ok(false) => return Ok(false),
        Err(DbError::Conflict) => return Err(taken().into()),
        Err(error) => return Err(error.into()),
    }
    if let Some(Details { name, shown, normal }) = &plan.person {
        let (shown, normal) = (shown.as_deref(), normal.as_deref());
        match record::rewrite_person(tx, directory.account, plan.next.user, name, shown, normal).await {
            // Not written: the person is not this account's alone.
            Ok(true | false) => {}
            // Somebody else took the address meanwhile.
            Err(DbError::Conflict) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(others) = &plan.other_emails {
        record::set_other_emails(tx, directory.connection, plan.next.id, others).await?;
    }
    let target = plan.next.user.to_string();
    audit::record(app, tx, ctx, Some(directory.account), plan.action, &target, plan.detail.clone()).await?;
    let source = directory.source();
    match plan.access {
        Access::Ends => {
            let ending = deactivation(&plan.next, &source);
            revocation::end_locked(app, tx, ctx, ending).await?.ok_or(ProvisioningError::Corrupt("record"))?;
        }
        Access::Returns => {
            revocation::give_back(app, tx, ctx, (member, directory.account), &source).await?;
        }
        Access::Stays => {}
    }
    Ok(true)
}

/// The end of access that comes with `active: false`.
pub(super) fn deactivation<'a>(identity: &Identity, source: &'a str) -> Ending<'a> {
    Ending {
        member: identity.member,
        what: What::All,
        hold: Some(HoldKind::Disabled),
        cause: Cause::DirectoryDeactivated,
        source,
        message: "active: false",
    }
}

pub(super) fn taken() -> ScimError {
    ScimError::uniqueness("Another user has this `userName`. Look the user up by it and change that one.")
}
