//! The feed: a gapless list, in commit order, of what every node's memory must hear of.

use cardea_model::Timestamp;
use cardea_model::id::{MemberId, NodeId};
use cardea_model::numbers::Numbers;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// What a feed row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A member's numbers moved because access ended or came back.
    Access,
    /// A member's roles changed.
    Roles,
    /// A key was made, changed or ended; the subject is its id.
    Key,
    /// A client changed; the subject is its client id.
    Client,
    /// An org's services changed; the subject is the org's id.
    Org,
    /// A connection, its domains or its rules changed; the subject is its name.
    Connection,
    /// The key pairs that sign tokens have turned; the subject is a kid.
    SigningKey,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Roles => "roles",
            Self::Key => "key",
            Self::Client => "client",
            Self::Org => "org",
            Self::Connection => "connection",
            Self::SigningKey => "signing_key",
        }
    }

    /// Whether the row itself carries what changed, so that each one counts.
    #[must_use]
    pub const fn has_numbers(self) -> bool {
        matches!(self, Self::Access | Self::Roles)
    }

    /// Nothing for a kind that a newer release writes.
    fn parse(text: &str) -> Option<Self> {
        [Self::Access, Self::Roles, Self::Key, Self::Client, Self::Org, Self::Connection, Self::SigningKey]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// One row of the feed.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its number.
    pub seq: i64,
    /// Nothing if a newer release wrote it: then the node must forget all it has cached.
    pub kind: Option<Kind>,
    /// What changed.
    pub subject: String,
    /// The member's numbers, for `Access` and `Roles`.
    pub numbers: Numbers,
    /// When its transaction was about to commit.
    pub at: Timestamp,
}

impl FromRow for Change {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            seq: row.get("seq")?,
            kind: Kind::parse(&row.get::<String>("kind")?),
            subject: row.get("subject")?,
            numbers: crate::member::numbers(row)?,
            at: row.get("at")?,
        })
    }
}

/// Takes the next number and writes the row. Holds the counter until the commit: make it the last write of the transaction.
pub async fn append(tx: &mut Tx, kind: Kind, subject: &str, numbers: Numbers, at: Timestamp) -> Result<i64, DbError> {
    let seq: i64 =
        tx.one(sql!("UPDATE counter SET value = value + 1 WHERE name = 'feed' RETURNING value"), args![]).await?;
    tx.execute(
        sql!(
            "INSERT INTO feed (seq, kind, subject, epoch, session_floor, roles_version, held, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        ),
        args![
            seq,
            kind.as_str(),
            subject,
            numbers.epoch,
            numbers.session_floor,
            numbers.roles_version,
            numbers.held,
            at
        ],
    )
    .await?;
    tx.wake_others();
    Ok(seq)
}

/// The number of the last row.
pub async fn last(conn: &mut Conn) -> Result<i64, DbError> {
    conn.one(sql!("SELECT value FROM counter WHERE name = 'feed'"), args![]).await
}

/// At the most `limit` rows after `seq`, in order.
pub async fn after(conn: &mut Conn, seq: i64, limit: i64) -> Result<Vec<Change>, DbError> {
    conn.all(
        sql!(
            "SELECT seq, kind, subject, epoch, session_floor, roles_version, held, at FROM feed
             WHERE seq > $1 ORDER BY seq LIMIT $2"
        ),
        args![seq, limit],
    )
    .await
}

/// Notes that a node had taken the rows `first..=last` into its memory at `at`.
pub async fn applied(tx: &mut Tx, node: NodeId, first: i64, last: i64, at: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO node_applied (node_id, first_seq, last_seq, applied_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (node_id, last_seq) DO NOTHING"
        ),
        args![&node.to_string(), first, last, at],
    )
    .await?;
    Ok(())
}

/// The member that an `Access` or `Roles` row is about.
#[must_use]
pub fn member_of(change: &Change) -> Option<MemberId> {
    change.subject.parse().ok()
}
