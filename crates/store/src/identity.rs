//! Identities: one user at one connection. The subject that signs in and the record that a directory manages are one row,
//! so that neither can bring back whom the other has deleted.

use cardea_model::Timestamp;
use cardea_model::id::{ConnectionId, IdentityId, MemberId, UserId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// An identity.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The identity.
    pub id: IdentityId,
    /// The connection.
    pub connection: ConnectionId,
    /// The user.
    pub user: UserId,
    /// The user in the connection's account.
    pub member: MemberId,
    /// Who asserts the subject; nothing until the first sign-in.
    pub issuer: Option<String>,
    /// Who they are there; nothing until the first sign-in.
    pub subject: Option<String>,
    /// The name the directory knows them by.
    pub user_name: String,
    /// The directory's own id for them.
    pub external_id: Option<String>,
    /// Their primary address, normalised.
    pub email_normal: Option<String>,
    /// Whether the directory manages them: it has created or written the record.
    pub managed: bool,
    /// What the directory last said.
    pub active: bool,
    /// The SCIM resource without `id` and `meta`, as JSON.
    pub document: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the record last changed.
    pub modified_at: Timestamp,
    /// When the directory deleted it.
    pub deleted_at: Option<Timestamp>,
    /// Raised by each change of the record.
    pub version: i64,
}

/// The columns of an [`Identity`], whose table is called `i`.
macro_rules! identity_columns {
    () => {
        "i.id, i.connection_id, i.person_id, i.member_id, i.issuer, i.subject, i.user_name, i.external_id,
         i.email_normal, i.managed, i.active, i.document, i.created_at, i.modified_at, i.deleted_at, i.version"
    };
}
pub(crate) use identity_columns;

impl FromRow for Identity {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            connection: row.parsed("connection_id")?,
            user: row.parsed("person_id")?,
            member: row.parsed("member_id")?,
            issuer: row.get("issuer")?,
            subject: row.get("subject")?,
            user_name: row.get("user_name")?,
            external_id: row.get("external_id")?,
            email_normal: row.get("email_normal")?,
            managed: row.get("managed")?,
            active: row.get("active")?,
            document: row.get("document")?,
            created_at: row.get("created_at")?,
            modified_at: row.get("modified_at")?,
            deleted_at: row.get("deleted_at")?,
            version: row.get("version")?,
        })
    }
}

/// A new identity; `Conflict` means that a living one has the same subject, user name or user at this connection.
pub async fn add(tx: &mut Tx, identity: &Identity, folded: &str) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO identity (id, connection_id, person_id, member_id, issuer, subject, user_name, user_name_folded,
                                   external_id, email_normal, managed, active, document, created_at, modified_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)"
        ),
        args![
            &identity.id.to_string(),
            &identity.connection.to_string(),
            &identity.user.to_string(),
            &identity.member.to_string(),
            identity.issuer.as_deref(),
            identity.subject.as_deref(),
            &identity.user_name,
            folded,
            identity.external_id.as_deref(),
            identity.email_normal.as_deref(),
            identity.managed,
            identity.active,
            &identity.document,
            identity.created_at
        ],
    )
    .await?;
    Ok(())
}

/// Writes the record's columns if its version is still `identity.version`, and raises it.
/// `Conflict` means that another living record has the user name.
pub async fn save(tx: &mut Tx, identity: &Identity, folded: &str, now: Timestamp) -> Result<bool, DbError> {
    let saved = tx
        .execute(
            sql!(
                "UPDATE identity SET user_name = $3, user_name_folded = $4, external_id = $5, email_normal = $6, managed = $7,
                        active = $8, document = $9, modified_at = $10, version = version + 1
                 WHERE connection_id = $1 AND id = $2 AND version = $11 AND deleted_at IS NULL"
            ),
            args![
                &identity.connection.to_string(),
                &identity.id.to_string(),
                &identity.user_name,
                folded,
                identity.external_id.as_deref(),
                identity.email_normal.as_deref(),
                identity.managed,
                identity.active,
                &identity.document,
                now,
                identity.version
            ],
        )
        .await?;
    Ok(saved == 1)
}

/// Marks the record as deleted by the directory; the row stays as a tombstone.
pub async fn delete(tx: &mut Tx, connection: ConnectionId, id: IdentityId, now: Timestamp) -> Result<bool, DbError> {
    let deleted = tx
        .execute(
            sql!(
                "UPDATE identity SET deleted_at = $3, active = FALSE, managed = TRUE, modified_at = $3, version = version + 1
                 WHERE connection_id = $1 AND id = $2 AND deleted_at IS NULL"
            ),
            args![&connection.to_string(), &id.to_string(), now],
        )
        .await?;
    Ok(deleted == 1)
}

/// Notes a sign-in by this subject, and binds the subject to a record that had none. `false`: the record is bound to
/// another subject or has been deleted meanwhile.
pub async fn signed_in(
    tx: &mut Tx,
    id: IdentityId,
    issuer: &str,
    subject: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE identity SET issuer = $2, subject = $3, last_login_at = $4
                 WHERE id = $1 AND deleted_at IS NULL AND (subject IS NULL OR subject = $3)"
            ),
            args![&id.to_string(), issuer, subject, now],
        )
        .await?;
    Ok(changed == 1)
}

/// Identities at this connection, living first, of this subject.
pub async fn of_subject(conn: &mut Conn, connection: ConnectionId, subject: &str) -> Result<Option<Identity>, DbError> {
    conn.optional(
        sql!(
            "SELECT ",
            identity_columns!(),
            " FROM identity i WHERE connection_id = $1 AND subject = $2
             ORDER BY CASE WHEN deleted_at IS NULL THEN 0 ELSE 1 END, created_at DESC LIMIT 1"
        ),
        args![&connection.to_string(), subject],
    )
    .await
}

/// Records at this connection, living first, whose external id this is. At the most two are returned.
pub async fn of_external_id(
    conn: &mut Conn,
    connection: ConnectionId,
    external_id: &str,
) -> Result<Vec<Identity>, DbError> {
    conn.all(
        sql!(
            "SELECT ",
            identity_columns!(),
            " FROM identity i WHERE connection_id = $1 AND external_id = $2
             ORDER BY CASE WHEN deleted_at IS NULL THEN 0 ELSE 1 END, created_at DESC LIMIT 2"
        ),
        args![&connection.to_string(), external_id],
    )
    .await
}

/// Records at this connection, living first, with this folded user name. At the most two are returned.
pub async fn of_user_name(conn: &mut Conn, connection: ConnectionId, folded: &str) -> Result<Vec<Identity>, DbError> {
    conn.all(
        sql!(
            "SELECT ",
            identity_columns!(),
            " FROM identity i WHERE connection_id = $1 AND user_name_folded = $2
             ORDER BY CASE WHEN deleted_at IS NULL THEN 0 ELSE 1 END, created_at DESC LIMIT 2"
        ),
        args![&connection.to_string(), folded],
    )
    .await
}

/// Records at this connection, living first, with this primary address. At the most two are returned.
pub async fn of_email(conn: &mut Conn, connection: ConnectionId, normal: &str) -> Result<Vec<Identity>, DbError> {
    conn.all(
        sql!(
            "SELECT ",
            identity_columns!(),
            " FROM identity i WHERE connection_id = $1 AND email_normal = $2
             ORDER BY CASE WHEN deleted_at IS NULL THEN 0 ELSE 1 END, created_at DESC LIMIT 2"
        ),
        args![&connection.to_string(), normal],
    )
    .await
}

/// This user's identity at this connection, dead or alive.
pub async fn of_user(conn: &mut Conn, connection: ConnectionId, user: UserId) -> Result<Option<Identity>, DbError> {
    conn.optional(
        sql!("SELECT ", identity_columns!(), " FROM identity i WHERE connection_id = $1 AND person_id = $2"),
        args![&connection.to_string(), &user.to_string()],
    )
    .await
}

/// Every living identity of this member.
pub async fn of_member(conn: &mut Conn, member: MemberId) -> Result<Vec<Identity>, DbError> {
    conn.all(
        sql!(
            "SELECT ",
            identity_columns!(),
            " FROM identity i WHERE member_id = $1 AND deleted_at IS NULL ORDER BY created_at"
        ),
        args![&member.to_string()],
    )
    .await
}

/// A living identity with the name of its connection, as it is shown to people.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The connection's name.
    pub connection: String,
    /// The subject that signs in; none for a record that has never signed in.
    pub subject: Option<String>,
    /// The name the directory knows them by.
    pub user_name: String,
    /// The directory's own id for them.
    pub external_id: Option<String>,
    /// Whether the directory manages them.
    pub managed: bool,
    /// What the directory last said.
    pub active: bool,
    /// When they last signed in through it.
    pub last_login_at: Option<Timestamp>,
}

impl FromRow for Shown {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            connection: row.get("connection_name")?,
            subject: row.get("subject")?,
            user_name: row.get("user_name")?,
            external_id: row.get("external_id")?,
            managed: row.get("managed")?,
            active: row.get("active")?,
            last_login_at: row.get("last_login_at")?,
        })
    }
}

/// Every living identity of this member, with the names of the connections.
pub async fn shown(conn: &mut Conn, member: MemberId) -> Result<Vec<Shown>, DbError> {
    conn.all(
        sql!(
            "SELECT c.name AS connection_name, i.subject, i.user_name, i.external_id, i.managed, i.active, i.last_login_at
             FROM identity i JOIN connection c ON c.id = i.connection_id
             WHERE i.member_id = $1 AND i.deleted_at IS NULL ORDER BY i.created_at, i.id"
        ),
        args![&member.to_string()],
    )
    .await
}

/// Living records of this connection in the order of their ids, from the one after `skip` others on.
pub async fn page(conn: &mut Conn, connection: ConnectionId, skip: i64, limit: i64) -> Result<Vec<Identity>, DbError> {
    conn.all(
        sql!(
            "SELECT ",
            identity_columns!(),
            " FROM identity i WHERE connection_id = $1 AND deleted_at IS NULL ORDER BY id LIMIT $3 OFFSET $2"
        ),
        args![&connection.to_string(), skip, limit],
    )
    .await
}

/// How many living records this connection has.
pub async fn count(conn: &mut Conn, connection: ConnectionId) -> Result<i64, DbError> {
    conn.one(
        sql!("SELECT COUNT(*) AS value FROM identity WHERE connection_id = $1 AND deleted_at IS NULL"),
        args![&connection.to_string()],
    )
    .await
}
