//! Who holds a key and what they may now: read when a verdict needs it and memory does not know.

use std::sync::Arc;

use cardea_model::Timestamp;
use cardea_model::catalogue::Catalogue;
use cardea_model::id::{AccountId, OrgId};
use cardea_model::key::{HeldRole, Roles};
use cardea_store::account;
use cardea_store::db::{Conn, DbError};
use cardea_store::member::{self, Member};
use cardea_store::secret::{self, Resident};

use super::Ask;
use super::fill::{entry, read_org};
use crate::app::App;
use crate::memory::{HolderEntry, KeyEntry, Memory, NEVER, OrgEntry, Profile};
use crate::roles::{self, Effective, Source};

type Known = (Arc<HolderEntry>, Arc<Profile>);

/// Who holds the key. The numbers are read first: whatever is read after them is at least as new.
pub(super) async fn load(
    app: &App,
    memory: &Memory,
    conn: &mut Conn,
    row: &Resident,
    now: Timestamp,
) -> Result<Option<Known>, DbError> {
    if let Some(id) = row.member {
        let Some(member) = member::find(conn, id).await? else { return Ok(None) };
        return Ok(Some(of_member(app, memory, conn, &member, now).await?));
    }
    let Some(account) = account::of_org(conn, &row.org.to_string()).await? else { return Ok(None) };
    let version = account.rules.version;
    let profile = Arc::new(Profile {
        user: None,
        account: account.id,
        org: org(app, memory, conn, account.id, (&account.org, version), now).await?,
        roles: None,
        roles_version: 0,
        org_version: version,
        stale_at: NEVER,
        read_at: now,
    });
    let holder = memory.holder(row.org);
    holder.keep(Arc::clone(&profile));
    Ok(Some((holder, profile)))
}

async fn of_member(
    app: &App,
    memory: &Memory,
    conn: &mut Conn,
    row: &Member,
    now: Timestamp,
) -> Result<Known, DbError> {
    let org = org(app, memory, conn, row.account, (&row.org, row.rules.version), now).await?;
    let held = roles::of(app, conn, row, now).await?;
    let entry = memory.member(row.id);
    entry.raise(&row.numbers);
    let profile = Arc::new(Profile {
        user: Some(row.user),
        account: row.account,
        org,
        roles: Some(sum(&app.catalogue, &held)),
        roles_version: row.numbers.roles_version,
        org_version: row.rules.version,
        stale_at: held.stale_at.unwrap_or(NEVER),
        read_at: now,
    });
    entry.keep(Arc::clone(&profile));
    Ok((entry, profile))
}

async fn org(
    app: &App,
    memory: &Memory,
    conn: &mut Conn,
    account: AccountId,
    (org, version): (&OrgId, i64),
    now: Timestamp,
) -> Result<Arc<OrgEntry>, DbError> {
    match memory.org(*org) {
        Some(org) if org.facts.load().holds(version, now) => Ok(org),
        Some(_) | None => {
            let (id, facts) = read_org(app, conn, account, now).await?.ok_or(DbError::Reference)?;
            Ok(memory.keep_newer_org(id, facts))
        }
    }
}

/// The org that the asked entity names, as it is written.
fn named<'a>(ask: &Ask<'a>) -> Option<&'a str> {
    ask.entity?.split('/').next()
}

/// Whether what is asked about lies in another org than `home`.
pub(super) fn is_elsewhere(ask: &Ask<'_>, home: &str) -> bool {
    named(ask).is_some_and(|org| org != home)
}

/// What a legacy key may in the other org that is asked about, if its user is a member there: as stamped when it was made.
pub(super) async fn elsewhere(
    app: &App,
    memory: &Memory,
    conn: &mut Conn,
    (ask, row, home): (&Ask<'_>, &Resident, &Profile),
    now: Timestamp,
) -> Result<Option<(KeyEntry, Arc<Profile>)>, DbError> {
    let (Some(org), Some(user)) = (named(ask), home.user) else { return Ok(None) };
    // No name has a NUL, and no database takes one.
    if org == &*home.org.facts.load().name || org.contains('\0') {
        return Ok(None);
    }
    let Some(there) = account::of_org(conn, org).await?.filter(|there| there.org_name == org) else { return Ok(None) };
    let Some(member) = member::of_user(conn, there.id, user).await? else { return Ok(None) };
    let stamp = secret::stamp_of(conn, row.id, member.id).await?;
    let (holder, profile) = of_member(app, memory, conn, &member, now).await?;
    // Whoever came there after the key was made is as they came.
    let stamped = Resident { epoch: stamp.unwrap_or(1), ..row.clone() };
    Ok(entry(app, memory, &stamped, holder).map(|entry| (entry, profile)))
}

/// The roles of a member, as a verdict adds them up.
pub(crate) fn sum(catalogue: &Catalogue, held: &Effective) -> Roles {
    if held.source == Source::Owner {
        return Roles::of_owner();
    }
    let roles =
        held.roles.iter().map(|role| HeldRole { team: role.team.as_deref(), service: &role.service, role: &role.role });
    Roles::of_member(catalogue, roles)
}
