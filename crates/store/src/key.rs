//! API keys. Their secrets are [`crate::secret`]s.

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, KeyId, MemberId, OrgId, UserId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// Whose keys: names are unique among them, and they are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A user, as the member whose numbers decide; names and counts are over all their accounts.
    Person {
        /// The user.
        user: UserId,
        /// The member in the account in which the key was made.
        member: MemberId,
    },
    /// An org, for its service keys.
    Org(OrgId),
}

impl Owner {
    fn id(self) -> String {
        match self {
            Self::Person { user, .. } => user.to_string(),
            Self::Org(org) => org.to_string(),
        }
    }

    fn member(self) -> Option<String> {
        match self {
            Self::Person { member, .. } => Some(member.to_string()),
            Self::Org(_) => None,
        }
    }
}

/// A key as its owner sees it.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key.
    pub id: KeyId,
    /// The public part of its secret.
    pub kid: String,
    /// `personal`, `service` or `legacy`.
    pub kind: String,
    /// The org it belongs to.
    pub org: OrgId,
    /// The member whose numbers decide over it; none for a service key.
    pub member: Option<MemberId>,
    /// Unique among the owner's living keys.
    pub name: String,
    /// The stored state word.
    pub state: String,
    /// What it may do, as JSON.
    pub grants: String,
    /// The member's epoch when it was made.
    pub epoch: i64,
    /// The user who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires, if ever.
    pub expires_at: Option<Timestamp>,
    /// When its secret was last used, to the minute.
    pub used_at: Option<Timestamp>,
    /// The secret that the current one took the place of last.
    pub old: Option<Old>,
    /// Raised by each change.
    pub version: i64,
}

/// A secret that another one took the place of.
#[derive(Clone, Debug)]
pub struct Old {
    /// Its public part.
    pub kid: String,
    /// Until when it works beside the new one.
    pub valid_until: Timestamp,
    /// When it was last used, to the minute.
    pub used_at: Option<Timestamp>,
}

/// How every statement begins that reads a [`Key`].
macro_rules! select_keys {
    () => {
        "SELECT k.id, s.kid, k.kind, k.org_id, k.member_id, k.name, k.state, k.grants, k.epoch, k.created_by, k.created_at,
                k.expires_at, s.used_at, k.version, o.kid AS old_kid, o.valid_until AS old_until, o.used_at AS old_used_at
         FROM api_key k JOIN api_key_secret s ON s.key_id = k.id AND s.valid_until IS NULL
         LEFT JOIN api_key_secret o ON o.kid = k.old_kid"
    };
}

impl FromRow for Key {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let member: Option<String> = row.get("member_id")?;
        let (kid, until): (Option<String>, Option<Timestamp>) = (row.get("old_kid")?, row.get("old_until")?);
        let used_at = row.get("old_used_at")?;
        Ok(Self {
            id: row.parsed("id")?,
            kid: row.get("kid")?,
            kind: row.get("kind")?,
            org: row.parsed("org_id")?,
            member: member.and_then(|text| text.parse().ok()),
            name: row.get("name")?,
            state: row.get("state")?,
            grants: row.get("grants")?,
            epoch: row.get("epoch")?,
            created_by: row.get("created_by")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            used_at: row.get("used_at")?,
            old: kid.zip(until).map(|(kid, valid_until)| Old { kid, valid_until, used_at }),
            version: row.get("version")?,
        })
    }
}

/// What a new key is made of.
#[derive(Clone, Debug)]
pub struct New<'a> {
    /// The key.
    pub id: KeyId,
    /// `personal`, `service` or `legacy`.
    pub kind: &'a str,
    /// The org it belongs to.
    pub org: OrgId,
    /// Whose it is.
    pub owner: Owner,
    /// As it is shown.
    pub name: &'a str,
    /// As it is compared.
    pub name_folded: &'a str,
    /// What it may do, as JSON.
    pub grants: &'a str,
    /// The member's epoch, as touched; 0 for a service key.
    pub epoch: i64,
    /// The user who makes it.
    pub created_by: UserId,
    /// Now.
    pub created_at: Timestamp,
    /// When it expires, if ever.
    pub expires_at: Option<Timestamp>,
    /// How many warnings of its expiry are not to be sent, because it lives too short a time for them.
    pub warned: i64,
}

/// Holds off whoever counts or changes the service keys of the org until the commit; decisions about the org stay as they are.
pub async fn lock_org(tx: &mut Tx, org: OrgId) -> Result<bool, DbError> {
    let locked = tx.execute(sql!("UPDATE org SET settled = settled WHERE id = $1"), args![&org.to_string()]).await?;
    Ok(locked == 1)
}

/// Inserts the key if its owner has fewer than `limit` of the kind that have not ended; of an org the apps count too. The caller holds the lock of the
/// owner, so the count cannot move meanwhile. `Conflict` means that the name is taken.
pub async fn add_below(tx: &mut Tx, key: &New<'_>, limit: i64) -> Result<bool, DbError> {
    let added = tx
        .execute(
            sql!(
                "INSERT INTO api_key (id, kind, org_id, owner, member_id, name, name_folded, state, grants, epoch, created_by,
                                      created_at, expires_at, warned)
                 SELECT $1, $2, $3, $4, $5, $6, $7, 'active', $8, $9, $10, $11, $12, $13
                 WHERE (SELECT COUNT(*) FROM api_key WHERE owner = $4 AND kind = $2 AND ended_at IS NULL)
                     + (SELECT COUNT(*) FROM client c JOIN org g ON g.account_id = c.account_id
                        WHERE g.id = $4 AND c.app = TRUE) < $14"
            ),
            args![
                &key.id.to_string(),
                key.kind,
                &key.org.to_string(),
                &key.owner.id(),
                key.owner.member().as_deref(),
                key.name,
                key.name_folded,
                key.grants,
                key.epoch,
                &key.created_by.to_string(),
                key.created_at,
                key.expires_at,
                key.warned,
                limit
            ],
        )
        .await?;
    Ok(added == 1)
}

/// The keys of this member that have not ended, the oldest first.
pub async fn of_member(conn: &mut Conn, member: MemberId) -> Result<Vec<Key>, DbError> {
    conn.all(
        sql!(select_keys!(), " WHERE k.member_id = $1 AND k.ended_at IS NULL ORDER BY k.id"),
        args![&member.to_string()],
    )
    .await
}

/// The service keys of this org that have not ended, the oldest first.
pub async fn of_org(conn: &mut Conn, org: OrgId) -> Result<Vec<Key>, DbError> {
    conn.all(sql!(select_keys!(), " WHERE k.owner = $1 AND k.ended_at IS NULL ORDER BY k.id"), args![&org.to_string()])
        .await
}

/// At the most `limit` keys of the account's people after the key `after` that have not ended, the oldest first. A key that
/// the numbers have ended already may still be among them.
pub async fn of_people(conn: &mut Conn, account: AccountId, after: &str, limit: i64) -> Result<Vec<Key>, DbError> {
    conn.all(
        sql!(
            select_keys!(),
            " JOIN org g ON g.id = k.org_id WHERE g.account_id = $1 AND k.id > $2 AND k.member_id IS NOT NULL
              AND k.ended_at IS NULL ORDER BY k.id LIMIT $3"
        ),
        args![&account.to_string(), after, limit],
    )
    .await
}

/// How many keys of the member have not ended and could be used or switched on at `now`.
pub async fn count_living(conn: &mut Conn, member: MemberId, now: Timestamp) -> Result<i64, DbError> {
    conn.one(
        sql!(
            "SELECT COUNT(*) AS value FROM api_key k JOIN member m ON m.id = k.member_id
             WHERE k.member_id = $1 AND k.ended_at IS NULL AND k.epoch = m.epoch AND m.held = FALSE
               AND (k.expires_at IS NULL OR k.expires_at > $2)"
        ),
        args![&member.to_string(), now],
    )
    .await
}

/// This owner's key with this id, unless it has ended. A person's is found in the account in which it was made only.
pub async fn find(conn: &mut Conn, owner: Owner, id: KeyId) -> Result<Option<Key>, DbError> {
    conn.optional(
        sql!(
            select_keys!(),
            " WHERE k.owner = $1 AND COALESCE(k.member_id, '') = $2 AND k.id = $3 AND k.ended_at IS NULL"
        ),
        args![&owner.id(), &owner.member().unwrap_or_default(), &id.to_string()],
    )
    .await
}

/// The key with this id, whatever has become of it.
pub async fn any(conn: &mut Conn, id: &str) -> Result<Option<Key>, DbError> {
    conn.optional(sql!(select_keys!(), " WHERE k.id = $1"), args![id]).await
}

/// The owner's legacy keys that have not ended.
pub async fn legacy(conn: &mut Conn, owner: Owner) -> Result<Vec<Key>, DbError> {
    conn.all(
        sql!(select_keys!(), " WHERE k.owner = $1 AND k.kind = 'legacy' AND k.ended_at IS NULL ORDER BY k.id"),
        args![&owner.id()],
    )
    .await
}

/// Moves a key that has not ended to another state; `ended_at` is set for the states that nothing leaves. The caller has
/// found it under the lock of its owner.
pub async fn set_state(tx: &mut Tx, id: KeyId, state: &str, ended_at: Option<Timestamp>) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE api_key SET state = $2, ended_at = $3, version = version + 1 WHERE id = $1 AND ended_at IS NULL"
            ),
            args![&id.to_string(), state, ended_at],
        )
        .await?;
    Ok(changed == 1)
}

/// Gives a key that has not ended another name and other grants; `Conflict` means that the name is taken.
pub async fn put(tx: &mut Tx, id: KeyId, (name, folded): (&str, &str), grants: &str) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE api_key SET name = $2, name_folded = $3, grants = $4, version = version + 1
                 WHERE id = $1 AND ended_at IS NULL"
            ),
            args![&id.to_string(), name, folded, grants],
        )
        .await?;
    Ok(changed == 1)
}

/// Notes that another secret took the place of `old_kid`, if any still works, and until when the key lives from now on; no
/// `warned` leaves the warnings of its expiry as they were.
pub async fn rotated(
    tx: &mut Tx,
    id: KeyId,
    old_kid: Option<&str>,
    (expires_at, warned): (Option<Timestamp>, Option<i64>),
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE api_key SET old_kid = $2, expires_at = $3, warned = COALESCE($4, warned), version = version + 1
                 WHERE id = $1 AND ended_at IS NULL"
            ),
            args![&id.to_string(), old_kid, expires_at, warned],
        )
        .await?;
    Ok(changed == 1)
}

/// Marks every key of the member that was made before `epoch` as revoked: the row follows what the numbers have decided.
pub async fn revoke_before(tx: &mut Tx, member: MemberId, epoch: i64, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        sql!(
            "UPDATE api_key SET state = 'revoked', ended_at = $3, version = version + 1
             WHERE member_id = $1 AND epoch < $2 AND ended_at IS NULL"
        ),
        args![&member.to_string(), epoch, now],
    )
    .await
}

/// Marks every key of this user that the numbers have ended already as revoked: its name is free again, and it counts no
/// more. The caller has locked the user.
pub async fn end_dead(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        sql!(
            "UPDATE api_key SET state = 'revoked', ended_at = $2, version = version + 1
             WHERE owner = $1 AND ended_at IS NULL
               AND epoch < (SELECT m.epoch FROM member m WHERE m.id = api_key.member_id)"
        ),
        args![&user.to_string(), now],
    )
    .await
}

/// The keys of the member that died when the epoch became `epoch`, whether their rows say so yet or not.
pub async fn ended_by(conn: &mut Conn, member: MemberId, epoch: i64) -> Result<Vec<Key>, DbError> {
    conn.all(
        sql!(
            select_keys!(),
            " WHERE k.member_id = $1 AND k.epoch = $2 - 1 AND (k.ended_at IS NULL OR k.state = 'revoked') ORDER BY k.id"
        ),
        args![&member.to_string(), epoch],
    )
    .await
}

/// At the most `limit` active keys that expire after `now` and not after `until`, of whose expiry fewer than `warnings` were
/// sent, and that no end of access has taken.
pub async fn expiring(
    conn: &mut Conn,
    (now, until): (Timestamp, Timestamp),
    warnings: i64,
    limit: i64,
) -> Result<Vec<Key>, DbError> {
    conn.all(
        sql!(
            select_keys!(),
            " LEFT JOIN member m ON m.id = k.member_id
              WHERE k.ended_at IS NULL AND k.warned < 2 AND k.warned < $3 AND k.expires_at > $1 AND k.expires_at <= $2
                AND k.state = 'active' AND (k.member_id IS NULL OR (m.epoch = k.epoch AND m.held = FALSE))
              ORDER BY k.expires_at, k.id LIMIT $4"
        ),
        args![now, until, warnings, limit],
    )
    .await
}

/// Notes that so many warnings were sent of this expiry; `false` if another node has noted it, or the expiry is another now.
pub async fn warn(tx: &mut Tx, id: KeyId, expires_at: Option<Timestamp>, warnings: i64) -> Result<bool, DbError> {
    let noted = tx
        .execute(
            sql!("UPDATE api_key SET warned = $3 WHERE id = $1 AND expires_at = $2 AND warned < $3"),
            args![&id.to_string(), expires_at, warnings],
        )
        .await?;
    Ok(noted == 1)
}
