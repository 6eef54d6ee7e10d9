//! Sessions as identity providers speak of them.

use cardea_model::id::{ConnectionId, MemberId, SessionId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// How an identity provider speaks of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// `sid` or `SessionIndex`; none if the provider names none.
    pub session: Option<String>,
    /// The NameID that it takes back in a logout, as JSON; none where the subject does.
    pub subject: Option<String>,
}

/// A session that an identity provider may end.
#[derive(Clone, Debug)]
pub struct Meant {
    /// The session.
    pub id: SessionId,
    /// Whose it is.
    pub member: MemberId,
    /// How the provider named the person, as JSON, where it does.
    pub subject: Option<String>,
}

impl FromRow for Meant {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { id: row.parsed("id")?, member: row.parsed("member_id")?, subject: row.get("provider_subject")? })
    }
}

/// The sessions through this connection that the provider calls so, and that nobody has ended.
pub async fn named(conn: &mut Conn, connection: ConnectionId, session: &str) -> Result<Vec<Meant>, DbError> {
    conn.all(
        sql!(
            "SELECT id, member_id, provider_subject FROM session
             WHERE connection_id = $1 AND provider_session = $2 AND ended_at IS NULL ORDER BY id"
        ),
        args![&connection.to_string(), session],
    )
    .await
}

/// The sessions through this connection of a member that nobody has ended.
pub async fn through(conn: &mut Conn, connection: ConnectionId, member: MemberId) -> Result<Vec<Meant>, DbError> {
    conn.all(
        sql!(
            "SELECT id, member_id, provider_subject FROM session
             WHERE member_id = $2 AND connection_id = $1 AND ended_at IS NULL ORDER BY id"
        ),
        args![&connection.to_string(), &member.to_string()],
    )
    .await
}

/// Notes that a new session is the old one to the identity provider: what ends that there ends this one.
pub async fn goes_on(tx: &mut Tx, id: SessionId, old: SessionId) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "UPDATE session SET provider_session = (SELECT o.provider_session FROM session o WHERE o.id = $2),
                                provider_subject = (SELECT o.provider_subject FROM session o WHERE o.id = $2)
             WHERE id = $1"
        ),
        args![&id.to_string(), &old.to_string()],
    )
    .await?;
    Ok(())
}
