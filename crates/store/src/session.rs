//! Sessions: signed-in browsers. Only the hash of a session's secret is stored.

pub mod provider;

use cardea_model::Timestamp;
use cardea_model::id::{ConnectionId, MemberId, SessionId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::member::Member;
use crate::{args, sql};

/// A session with the numbers that decide over it, read in one statement.
#[derive(Clone, Debug)]
pub struct Session {
    /// The session.
    pub id: SessionId,
    /// The member in whose account it was opened, as they are now.
    pub member: Member,
    /// The connection it came through; none for a local sign-in.
    pub connection: Option<ConnectionId>,
    /// The member from whose session it was opened, if it was opened by switching.
    pub origin: Option<Origin>,
    /// The member's epoch when it was opened.
    pub epoch: i64,
    /// When it was opened.
    pub minted_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// The member of another account from whose session a session was opened.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// The member.
    pub member: MemberId,
    /// Their epoch at that moment.
    pub stamp: i64,
    /// Their epoch as of this read.
    pub epoch: i64,
    /// Their session floor as of this read.
    pub session_floor: Timestamp,
    /// Whether anything holds them as of this read.
    pub held: bool,
}

impl Origin {
    fn from_row(row: &Row<'_>) -> Result<Option<Self>, DbError> {
        let Some(member) = row.parsed_optional("origin_member_id")? else { return Ok(None) };
        Ok(Some(Self {
            member,
            stamp: row.get("origin_epoch")?,
            epoch: row.get("origin_epoch_now")?,
            session_floor: row.get("origin_floor")?,
            held: row.get("origin_held")?,
        }))
    }
}

/// How every statement begins that reads a [`Session`].
macro_rules! select_sessions {
    () => {
        "SELECT s.id AS session_id, s.connection_id, s.epoch AS stamp, s.minted_at, s.seen_at, s.expires_at,
                s.origin_member_id, s.origin_epoch, f.epoch AS origin_epoch_now, f.session_floor AS origin_floor,
                f.held AS origin_held,
                m.id, m.account_id, o.id AS org_id, m.person_id, m.account_role, m.owner, m.left_org_at,
                m.left_account_at,
                m.managed_since, m.frozen, o.rules_active, o.generation, o.settled, o.version AS org_version, m.epoch,
                m.session_floor, m.roles_version, m.held
         FROM session s JOIN member m ON m.id = s.member_id JOIN org o ON o.account_id = m.account_id
              LEFT JOIN connection c ON c.id = s.connection_id LEFT JOIN member f ON f.id = s.origin_member_id"
    };
}

impl FromRow for Session {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("session_id")?,
            member: Member::from_row(row)?,
            connection: row.parsed_optional("connection_id")?,
            origin: Origin::from_row(row)?,
            epoch: row.get("stamp")?,
            minted_at: row.get("minted_at")?,
            seen_at: row.get("seen_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

/// What a new session is made of.
#[derive(Clone, Debug)]
pub struct New {
    /// The session.
    pub id: SessionId,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// The member, touched in this transaction.
    pub member: MemberId,
    /// The connection it came through; none for a local sign-in.
    pub connection: Option<ConnectionId>,
    /// The epoch that was touched.
    pub epoch: i64,
    /// Now.
    pub minted_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// The provider's own name of its session, and how it named the person.
    pub provider: Option<provider::Named>,
}

/// A new session.
pub async fn add(tx: &mut Tx, session: &New) -> Result<(), DbError> {
    let connection = session.connection.map(|id| id.to_string());
    let provider = session.provider.as_ref();
    tx.execute(
        sql!(
            "INSERT INTO session (id, secret_hash, member_id, connection_id, epoch, minted_at, seen_at, expires_at,
                                  provider_session, provider_subject)
             VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9)"
        ),
        args![
            &session.id.to_string(),
            session.secret_hash.as_slice(),
            &session.member.to_string(),
            connection.as_deref(),
            session.epoch,
            session.minted_at,
            session.expires_at,
            provider.and_then(|provider| provider.session.as_deref()),
            provider.and_then(|provider| provider.subject.as_deref())
        ],
    )
    .await?;
    Ok(())
}

/// Notes from whose session, at which epoch, a new session was opened: it ends with them.
pub async fn comes_from(tx: &mut Tx, id: SessionId, origin: MemberId, epoch: i64) -> Result<(), DbError> {
    tx.execute(
        sql!("UPDATE session SET origin_member_id = $2, origin_epoch = $3 WHERE id = $1"),
        args![&id.to_string(), &origin.to_string(), epoch],
    )
    .await?;
    Ok(())
}

/// The session with this secret, unless it was ended by itself or came through a connection that is off.
pub async fn find(conn: &mut Conn, secret_hash: &[u8]) -> Result<Option<Session>, DbError> {
    conn.optional(
        sql!(
            select_sessions!(),
            " WHERE s.secret_hash = $1 AND s.ended_at IS NULL AND (c.stage IS NULL OR c.stage <> 'off')"
        ),
        args![secret_hash],
    )
    .await
}

/// The session with this id, as [`find`] reads it.
pub async fn with_id(conn: &mut Conn, id: SessionId) -> Result<Option<Session>, DbError> {
    conn.optional(
        sql!(select_sessions!(), " WHERE s.id = $1 AND s.ended_at IS NULL AND (c.stage IS NULL OR c.stage <> 'off')"),
        args![&id.to_string()],
    )
    .await
}

/// The session with this id, also if it was ended or is over, unless its connection is off.
pub async fn ended_or_not(conn: &mut Conn, id: SessionId) -> Result<Option<Session>, DbError> {
    conn.optional(
        sql!(select_sessions!(), " WHERE s.id = $1 AND (c.stage IS NULL OR c.stage <> 'off')"),
        args![&id.to_string()],
    )
    .await
}

/// Notes a use.
pub async fn seen(tx: &mut Tx, id: SessionId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(sql!("UPDATE session SET seen_at = $2 WHERE id = $1 AND seen_at < $2"), args![&id.to_string(), now])
        .await?;
    Ok(())
}

/// Ends one session.
pub async fn end(tx: &mut Tx, id: SessionId, now: Timestamp) -> Result<bool, DbError> {
    let ended = tx
        .execute(
            sql!("UPDATE session SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL"),
            args![&id.to_string(), now],
        )
        .await?;
    Ok(ended == 1)
}

/// Marks the sessions that a floor has ended: the rows follow what the numbers have decided.
pub async fn end_before(tx: &mut Tx, member: MemberId, floor: Timestamp, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        sql!("UPDATE session SET ended_at = $3 WHERE member_id = $1 AND minted_at <= $2 AND ended_at IS NULL"),
        args![&member.to_string(), floor, now],
    )
    .await
}

/// How many sessions of the member could still be used at `now`.
pub async fn count_living(conn: &mut Conn, member: MemberId, now: Timestamp) -> Result<i64, DbError> {
    conn.one(
        sql!(
            "SELECT COUNT(*) AS value FROM session s JOIN member m ON m.id = s.member_id
                  LEFT JOIN member f ON f.id = s.origin_member_id
             WHERE s.member_id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND s.epoch = m.epoch
               AND s.minted_at > m.session_floor
               AND (f.id IS NULL OR f.held = FALSE AND s.origin_epoch = f.epoch AND s.minted_at > f.session_floor)"
        ),
        args![&member.to_string(), now],
    )
    .await
}

/// The members with a session that came through this connection and may still be used at `now`, or with tokens that outlive
/// one, in the order of their ids.
pub async fn members_through(
    conn: &mut Conn,
    connection: ConnectionId,
    now: Timestamp,
) -> Result<Vec<MemberId>, DbError> {
    struct Holder(MemberId);
    impl FromRow for Holder {
        fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
            row.parsed("member_id").map(Self)
        }
    }
    let holders: Vec<Holder> = conn
        .all(
            sql!(
                "SELECT DISTINCT s.member_id FROM session s JOIN member m ON m.id = s.member_id
                 WHERE s.connection_id = $1 AND s.epoch = m.epoch AND s.minted_at > m.session_floor
                   AND (s.ended_at IS NULL AND s.expires_at > $2 OR EXISTS (SELECT 1 FROM token_family f
                        WHERE f.session_id = s.id AND f.offline AND f.ended_at IS NULL AND f.expires_at > $2))
                 ORDER BY s.member_id"
            ),
            args![&connection.to_string(), now],
        )
        .await?;
    Ok(holders.into_iter().map(|Holder(member)| member).collect())
}

/// A session of a member as an admin sees it.
#[derive(Clone, Debug)]
pub struct Living {
    /// The session.
    pub id: SessionId,
    /// The name of the connection it came through; none for a local sign-in.
    pub connection: Option<String>,
    /// When it was opened.
    pub minted_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
}

impl FromRow for Living {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            connection: row.get("connection_name")?,
            minted_at: row.get("minted_at")?,
            seen_at: row.get("seen_at")?,
        })
    }
}

/// The sessions of the member that could still be used at `now` and were used since `idle`, the latest used first.
pub async fn living(
    conn: &mut Conn,
    member: MemberId,
    now: Timestamp,
    idle: Timestamp,
) -> Result<Vec<Living>, DbError> {
    conn.all(
        sql!(
            "SELECT s.id, c.name AS connection_name, s.minted_at, s.seen_at
             FROM session s JOIN member m ON m.id = s.member_id LEFT JOIN connection c ON c.id = s.connection_id
                  LEFT JOIN member f ON f.id = s.origin_member_id
             WHERE s.member_id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND s.seen_at > $3 AND s.epoch = m.epoch
               AND s.minted_at > m.session_floor AND m.held = FALSE
               AND (f.id IS NULL OR f.held = FALSE AND s.origin_epoch = f.epoch AND s.minted_at > f.session_floor)
             ORDER BY s.seen_at DESC, s.id DESC"
        ),
        args![&member.to_string(), now, idle],
    )
    .await
}

/// At the most `limit` of the member's sessions with an id below `before`, the newest first, that could still be used at
/// `now` and were used since `idle`.
pub async fn living_before(
    conn: &mut Conn,
    member: MemberId,
    (now, idle): (Timestamp, Timestamp),
    before: &str,
    limit: i64,
) -> Result<Vec<Living>, DbError> {
    conn.all(
        sql!(
            "SELECT s.id, c.name AS connection_name, s.minted_at, s.seen_at
             FROM session s JOIN member m ON m.id = s.member_id LEFT JOIN connection c ON c.id = s.connection_id
                  LEFT JOIN member f ON f.id = s.origin_member_id
             WHERE s.member_id = $1 AND s.id < $4 AND s.ended_at IS NULL AND s.expires_at > $2 AND s.seen_at > $3
               AND s.epoch = m.epoch AND s.minted_at > m.session_floor AND m.held = FALSE
               AND (c.stage IS NULL OR c.stage <> 'off')
               AND (f.id IS NULL OR f.held = FALSE AND s.origin_epoch = f.epoch AND s.minted_at > f.session_floor)
             ORDER BY s.id DESC LIMIT $5"
        ),
        args![&member.to_string(), now, idle, before, limit],
    )
    .await
}

/// The sessions that a floor has ended and whose rows do not say so yet, oldest first.
pub async fn ended_by(
    conn: &mut Conn,
    member: MemberId,
    floor: Timestamp,
    now: Timestamp,
) -> Result<Vec<Living>, DbError> {
    conn.all(
        sql!(
            "SELECT s.id, c.name AS connection_name, s.minted_at, s.seen_at
             FROM session s LEFT JOIN connection c ON c.id = s.connection_id
             WHERE s.member_id = $1 AND s.minted_at <= $2 AND s.ended_at IS NULL AND s.expires_at > $3
             ORDER BY s.minted_at, s.id"
        ),
        args![&member.to_string(), floor, now],
    )
    .await
}

/// Removes sessions that ended before `before`.
pub async fn sweep(tx: &mut Tx, before: Timestamp) -> Result<u64, DbError> {
    tx.execute(sql!("DELETE FROM session WHERE expires_at < $1"), args![before]).await
}
