//! API keys and their secrets' MACs.

use cardea_model::Timestamp;
use cardea_model::id::{KeyId, MemberId, OrgId, UserId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

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
    /// The member whose numbers decide over it.
    pub member: MemberId,
    /// Unique among the owner's living keys.
    pub name: String,
    /// The stored state word.
    pub state: String,
    /// What it may do, as JSON.
    pub grants: String,
    /// The member's epoch when it was made.
    pub epoch: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires, if ever.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub used_at: Option<Timestamp>,
    /// Raised by each change.
    pub version: i64,
}

/// How every statement begins that reads a [`Key`].
macro_rules! select_keys {
    () => {
        "SELECT k.id, s.kid, k.kind, k.org_id, k.member_id, k.name, k.state, k.grants, k.epoch, k.created_at,
                k.expires_at, s.used_at, k.version
         FROM api_key k JOIN api_key_secret s ON s.key_id = k.id"
    };
}

impl FromRow for Key {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            kid: row.get("kid")?,
            kind: row.get("kind")?,
            org: row.parsed("org_id")?,
            member: row.parsed("member_id")?,
            name: row.get("name")?,
            state: row.get("state")?,
            grants: row.get("grants")?,
            epoch: row.get("epoch")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            used_at: row.get("used_at")?,
            version: row.get("version")?,
        })
    }
}

/// What a node keeps in memory of one secret of a key.
#[derive(Clone, Debug)]
pub struct Resident {
    /// The key.
    pub id: KeyId,
    /// The public part of the secret.
    pub kid: String,
    /// `personal`, `service` or `legacy`.
    pub kind: String,
    /// The member whose numbers decide over it.
    pub member: MemberId,
    /// The pepper's version and the HMAC-SHA-256 of the whole secret.
    pub mac: Vec<u8>,
    /// The stored state word.
    pub state: String,
    /// What it may do, as JSON.
    pub grants: String,
    /// The member's epoch when it was made.
    pub epoch: i64,
    /// When it expires, if ever.
    pub expires_at: Option<Timestamp>,
    /// Raised by each change of the key.
    pub version: i64,
}

/// How every statement begins that reads a [`Resident`].
macro_rules! select_residents {
    () => {
        "SELECT k.id, s.kid, k.kind, k.member_id, s.mac, k.state, k.grants, k.epoch, k.expires_at, k.version
         FROM api_key_secret s JOIN api_key k ON k.id = s.key_id"
    };
}

impl FromRow for Resident {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            kid: row.get("kid")?,
            kind: row.get("kind")?,
            member: row.parsed("member_id")?,
            mac: row.get("mac")?,
            state: row.get("state")?,
            grants: row.get("grants")?,
            epoch: row.get("epoch")?,
            expires_at: row.get("expires_at")?,
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
    /// The member whose numbers decide over it.
    pub member: MemberId,
    /// That member's user: names and the limit are counted over all their accounts.
    pub user: UserId,
    /// As it is shown.
    pub name: &'a str,
    /// As it is compared.
    pub name_folded: &'a str,
    /// What it may do, as JSON.
    pub grants: &'a str,
    /// The member's epoch, as touched.
    pub epoch: i64,
    /// Now.
    pub created_at: Timestamp,
    /// When it expires, if ever.
    pub expires_at: Option<Timestamp>,
}

/// Inserts the key if the user has fewer than `limit` that have not ended. The caller has touched the member and locked
/// the user, so the count cannot move meanwhile. `Conflict` means that the name is taken.
pub async fn add_below(tx: &mut Tx, key: &New<'_>, limit: i64) -> Result<bool, DbError> {
    let added = tx
        .execute(
            sql!(
                "INSERT INTO api_key (id, kind, org_id, member_id, person_id, name, name_folded, state, grants, epoch,
                                      created_at, expires_at)
                 SELECT $1, $2, $3, $4, $5, $6, $7, 'active', $8, $9, $10, $11
                 WHERE (SELECT COUNT(*) FROM api_key WHERE person_id = $5 AND kind = $2 AND ended_at IS NULL) < $12"
            ),
            args![
                &key.id.to_string(),
                key.kind,
                &key.org.to_string(),
                &key.member.to_string(),
                &key.user.to_string(),
                key.name,
                key.name_folded,
                key.grants,
                key.epoch,
                key.created_at,
                key.expires_at,
                limit
            ],
        )
        .await?;
    Ok(added == 1)
}

/// Adds a secret's MAC to a key.
pub async fn add_secret(tx: &mut Tx, key: KeyId, kid: &str, mac: &[u8], now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!("INSERT INTO api_key_secret (kid, key_id, mac, created_at) VALUES ($1, $2, $3, $4)"),
        args![kid, &key.to_string(), mac, now],
    )
    .await?;
    Ok(())
}

/// The keys of this member that have not ended and carry this epoch or an earlier one.
pub async fn of_member(conn: &mut Conn, member: MemberId) -> Result<Vec<Key>, DbError> {
    conn.all(
        sql!(select_keys!(), " WHERE k.member_id = $1 AND k.ended_at IS NULL ORDER BY k.id"),
        args![&member.to_string()],
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

/// This user's key with this id, unless it has been deleted.
pub async fn find(conn: &mut Conn, user: UserId, id: KeyId) -> Result<Option<Key>, DbError> {
    conn.optional(
        sql!(select_keys!(), " WHERE k.person_id = $1 AND k.id = $2 AND k.ended_at IS NULL"),
        args![&user.to_string(), &id.to_string()],
    )
    .await
}

/// Moves this user's key to another state; `ended_at` is set for the states that nothing leaves.
/// `version`, where given, must still be the stored one.
pub async fn set_state(
    tx: &mut Tx,
    user: UserId,
    id: KeyId,
    state: &str,
    ended_at: Option<Timestamp>,
    version: Option<i64>,
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE api_key SET state = $3, ended_at = $4, version = version + 1
                 WHERE person_id = $1 AND id = $2 AND ended_at IS NULL AND (CAST($5 AS BIGINT) IS NULL OR version = $5)"
            ),
            args![&user.to_string(), &id.to_string(), state, ended_at, version],
        )
        .await?;
    Ok(changed == 1)
}

/// Gives this user's key another name; `Conflict` means that it is taken.
pub async fn rename(tx: &mut Tx, user: UserId, id: KeyId, name: &str, folded: &str) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE api_key SET name = $3, name_folded = $4, version = version + 1
                 WHERE person_id = $1 AND id = $2 AND ended_at IS NULL"
            ),
            args![&user.to_string(), &id.to_string(), name, folded],
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
             WHERE person_id = $1 AND ended_at IS NULL
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

/// The secret with this public part, whatever the state of its key.
pub async fn resident(conn: &mut Conn, kid: &str) -> Result<Option<Resident>, DbError> {
    conn.optional(sql!(select_residents!(), " WHERE s.kid = $1"), args![kid]).await
}

/// The secrets of one key.
pub async fn residents_of(conn: &mut Conn, id: &str) -> Result<Vec<Resident>, DbError> {
    conn.all(sql!(select_residents!(), " WHERE k.id = $1"), args![id]).await
}

/// At the most `limit` secrets of keys that have not ended, with a public part after `kid`, in its order.
pub async fn residents_after(conn: &mut Conn, kid: &str, limit: i64) -> Result<Vec<Resident>, DbError> {
    conn.all(
        sql!(select_residents!(), " WHERE s.kid > $1 AND k.ended_at IS NULL ORDER BY s.kid LIMIT $2"),
        args![kid, limit],
    )
    .await
}

/// Notes a use, if the noted one is earlier. A key that was not used since has no newer note.
pub async fn used(tx: &mut Tx, id: KeyId, at: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!("UPDATE api_key_secret SET used_at = $2 WHERE key_id = $1 AND (used_at IS NULL OR used_at < $2)"),
        args![&id.to_string(), at],
    )
    .await?;
    Ok(())
}
