//! The secrets of API keys: their public parts and their MACs. A kid is never given twice.
//!
//! ```text
//! current (no valid_until; one a key) ─another takes its place─► old (valid_until) ─its grace is over─► refused
//! ```
//! A secret that is ended before its time gets [`ENDED`]: the clocks of nodes differ, and none may think that it is not over.

use cardea_model::Timestamp;
use cardea_model::id::{KeyId, MemberId, OrgId, UserId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// The end of what was ended before its time: before whatever any clock says.
pub const ENDED: Timestamp = Timestamp::from_micros(0);

/// What a node keeps in memory of one secret of a key.
#[derive(Clone, Debug)]
pub struct Resident {
    /// The key.
    pub id: KeyId,
    /// The public part of the secret.
    pub kid: String,
    /// `personal`, `service` or `legacy`.
    pub kind: String,
    /// The org it belongs to.
    pub org: OrgId,
    /// The member whose numbers decide over it; none for a service key.
    pub member: Option<MemberId>,
    /// The pepper's version and the HMAC-SHA-256 of the whole secret.
    pub mac: Vec<u8>,
    /// The stored state word.
    pub state: String,
    /// What it may do, as JSON.
    pub grants: String,
    /// The member's epoch when it was made.
    pub epoch: i64,
    /// When the key expires, if ever.
    pub expires_at: Option<Timestamp>,
    /// Until when this secret works, if another one took its place.
    pub valid_until: Option<Timestamp>,
    /// Raised by each change of the key.
    pub version: i64,
}

/// How every statement begins that reads a [`Resident`].
macro_rules! select_residents {
    () => {
        "SELECT k.id, s.kid, k.kind, k.org_id, k.member_id, s.mac, k.state, k.grants, k.epoch, k.expires_at, s.valid_until,
                k.version
         FROM api_key_secret s JOIN api_key k ON k.id = s.key_id"
    };
}

impl FromRow for Resident {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let member: Option<String> = row.get("member_id")?;
        Ok(Self {
            id: row.parsed("id")?,
            kid: row.get("kid")?,
            kind: row.get("kind")?,
            org: row.parsed("org_id")?,
            member: member.and_then(|text| text.parse().ok()),
            mac: row.get("mac")?,
            state: row.get("state")?,
            grants: row.get("grants")?,
            epoch: row.get("epoch")?,
            expires_at: row.get("expires_at")?,
            valid_until: row.get("valid_until")?,
            version: row.get("version")?,
        })
    }
}

/// Adds a secret's MAC to a key that has no current one.
pub async fn add(tx: &mut Tx, key: KeyId, kid: &str, mac: &[u8], now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!("INSERT INTO api_key_secret (kid, key_id, mac, created_at) VALUES ($1, $2, $3, $4)"),
        args![kid, &key.to_string(), mac, now],
    )
    .await?;
    Ok(())
}

/// Lets the key's current secret work until `until` and no longer, because another one is about to take its place.
pub async fn replace(tx: &mut Tx, key: KeyId, until: Timestamp) -> Result<bool, DbError> {
    let replaced = tx
        .execute(
            sql!("UPDATE api_key_secret SET valid_until = $2 WHERE key_id = $1 AND valid_until IS NULL"),
            args![&key.to_string(), until],
        )
        .await?;
    Ok(replaced == 1)
}

/// Ends the grace of the key's old secrets now; how many had any left.
pub async fn end_grace(tx: &mut Tx, key: KeyId, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        sql!("UPDATE api_key_secret SET valid_until = $3 WHERE key_id = $1 AND valid_until > $2"),
        args![&key.to_string(), now, ENDED],
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

/// At the most `limit` secrets that work after `now` of keys that have not ended, with a public part after `kid`, in its
/// order.
pub async fn residents_after(conn: &mut Conn, kid: &str, now: Timestamp, limit: i64) -> Result<Vec<Resident>, DbError> {
    conn.all(
        sql!(
            select_residents!(),
            " WHERE s.kid > $1 AND k.ended_at IS NULL AND (s.valid_until IS NULL OR s.valid_until > $2)
              ORDER BY s.kid LIMIT $3"
        ),
        args![kid, now, limit],
    )
    .await
}

/// Notes a use, if the noted one is earlier. A secret that was not used since has no newer note.
pub async fn used(tx: &mut Tx, kid: &str, at: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!("UPDATE api_key_secret SET used_at = $2 WHERE kid = $1 AND (used_at IS NULL OR used_at < $2)"),
        args![kid, at],
    )
    .await?;
    Ok(())
}

/// How many secrets of keys that have not ended have a MAC of this version of the pepper: its two bytes.
pub async fn count_of_pepper(conn: &mut Conn, version: &[u8]) -> Result<i64, DbError> {
    conn.one(
        sql!(
            "SELECT COUNT(*) AS value FROM api_key_secret s JOIN api_key k ON k.id = s.key_id
             WHERE k.ended_at IS NULL AND SUBSTR(s.mac, 1, 2) = $1"
        ),
        args![version],
    )
    .await
}

/// Stamps a legacy key with what its user is now in each of their accounts.
pub async fn stamp(tx: &mut Tx, key: KeyId, user: UserId) -> Result<u64, DbError> {
    tx.execute(
        sql!(
            "INSERT INTO legacy_stamp (key_id, member_id, epoch) SELECT $1, id, epoch FROM member WHERE person_id = $2"
        ),
        args![&key.to_string(), &user.to_string()],
    )
    .await
}

/// The epoch that a legacy key is stamped with for a member; none for one that came after it.
pub async fn stamp_of(conn: &mut Conn, key: KeyId, member: MemberId) -> Result<Option<i64>, DbError> {
    conn.optional(
        sql!("SELECT epoch FROM legacy_stamp WHERE key_id = $1 AND member_id = $2"),
        args![&key.to_string(), &member.to_string()],
    )
    .await
}

/// Forgets keys that ended before this, with their secrets: until then a leaked one can be told from a forgery.
pub async fn sweep(tx: &mut Tx, before: Timestamp) -> Result<u64, DbError> {
    for statement in [
        sql!("DELETE FROM legacy_stamp WHERE key_id IN (SELECT id FROM api_key WHERE ended_at < $1)"),
        sql!("DELETE FROM api_key_secret WHERE key_id IN (SELECT id FROM api_key WHERE ended_at < $1)"),
    ] {
        tx.execute(statement, args![before]).await?;
    }
    tx.execute(sql!("DELETE FROM api_key WHERE ended_at < $1"), args![before]).await
}
