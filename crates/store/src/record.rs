//! Records: identities as the directory of their connection sees them. The living ones only, but for [`meeting`].

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, ConnectionId, IdentityId, UserId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::identity::{Identity, identity_columns};
use crate::person::searchable;
use crate::{args, sql};

/// A record and whether it is an owner's.
#[derive(Clone, Debug)]
pub struct Record {
    /// The record.
    pub identity: Identity,
    /// Whether the person owns the org of the connection's account.
    pub owner: bool,
}

impl FromRow for Record {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { identity: Identity::from_row(row)?, owner: row.get("owner")? })
    }
}

/// The record of this user.
pub async fn find(conn: &mut Conn, connection: ConnectionId, user: UserId) -> Result<Option<Record>, DbError> {
    conn.optional(
        sql!(
            "SELECT m.owner, ",
            identity_columns!(),
            " FROM identity i JOIN member m ON m.id = i.member_id
             WHERE i.connection_id = $1 AND i.person_id = $2 AND i.deleted_at IS NULL"
        ),
        args![&connection.to_string(), &user.to_string()],
    )
    .await
}

/// Every record, dead or alive, that a new one with these keys could mean: one with its external id, one whose subject
/// that is, one with its user name, one with its primary address. The living come first, then the latest; at the most
/// twenty.
pub async fn meeting(
    conn: &mut Conn,
    connection: ConnectionId,
    external_id: Option<&str>,
    folded: &str,
    email_normal: Option<&str>,
) -> Result<Vec<Record>, DbError> {
    conn.all(
        sql!(
            "SELECT m.owner, ",
            identity_columns!(),
            " FROM identity i JOIN member m ON m.id = i.member_id
             WHERE i.id IN (SELECT a.id FROM identity a WHERE a.connection_id = $1 AND a.external_id = $2
                            UNION ALL
                            SELECT b.id FROM identity b WHERE b.connection_id = $1 AND b.subject = $2
                            UNION ALL
                            SELECT c.id FROM identity c WHERE c.connection_id = $1 AND c.user_name_folded = $3
                            UNION ALL
                            SELECT d.id FROM identity d WHERE d.connection_id = $1 AND d.email_normal = $4)
             ORDER BY CASE WHEN i.deleted_at IS NULL THEN 0 ELSE 1 END, i.created_at DESC, i.id LIMIT 20"
        ),
        args![&connection.to_string(), external_id, folded, email_normal],
    )
    .await
}

/// The record with this folded user name.
pub async fn with_user_name(
    conn: &mut Conn,
    connection: ConnectionId,
    folded: &str,
) -> Result<Option<Identity>, DbError> {
    conn.optional(
        sql!(
            "SELECT ",
            identity_columns!(),
            " FROM identity i WHERE connection_id = $1 AND user_name_folded = $2 AND deleted_at IS NULL"
        ),
        args![&connection.to_string(), folded],
    )
    .await
}

/// At the most `limit` records with this external id, in the order of their ids.
pub async fn with_external_id(
    conn: &mut Conn,
    connection: ConnectionId,
    external_id: &str,
    limit: i64,
) -> Result<Vec<Identity>, DbError> {
    conn.all(
        sql!(
            "SELECT ",
            identity_columns!(),
            " FROM identity i WHERE i.deleted_at IS NULL
               AND i.id IN (SELECT a.id FROM identity a WHERE a.connection_id = $1 AND a.external_id = $2)
             ORDER BY i.id LIMIT $3"
        ),
        args![&connection.to_string(), external_id, limit],
    )
    .await
}

/// At the most `limit` records that have this address among theirs, in the order of their ids.
pub async fn with_email(
    conn: &mut Conn,
    connection: ConnectionId,
    normal: &str,
    limit: i64,
) -> Result<Vec<Identity>, DbError> {
    conn.all(
        sql!(
            "SELECT ",
            identity_columns!(),
            " FROM identity i WHERE i.deleted_at IS NULL
               AND i.id IN (SELECT a.id FROM identity a WHERE a.connection_id = $1 AND a.email_normal = $2
                            UNION ALL
                            SELECT e.identity_id FROM identity_email e WHERE e.connection_id = $1 AND e.email_normal = $2)
             ORDER BY i.id LIMIT $3"
        ),
        args![&connection.to_string(), normal, limit],
    )
    .await
}

/// At the most `limit` records after the one with this id, or from the first on, in the order of their ids.
pub async fn after(
    conn: &mut Conn,
    connection: ConnectionId,
    last: Option<IdentityId>,
    limit: i64,
) -> Result<Vec<Identity>, DbError> {
    let last = last.map(|id| id.to_string()).unwrap_or_default();
    conn.all(
        sql!(
            "SELECT ",
            identity_columns!(),
            " FROM identity i WHERE connection_id = $1 AND deleted_at IS NULL AND id > $2 ORDER BY id LIMIT $3"
        ),
        args![&connection.to_string(), &last, limit],
    )
    .await
}

/// Takes the subject from a tombstone, for the record that the directory has made for the same person.
pub async fn forget_subject(tx: &mut Tx, connection: ConnectionId, tombstone: IdentityId) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!("UPDATE identity SET subject = NULL WHERE connection_id = $1 AND id = $2 AND deleted_at IS NOT NULL"),
            args![&connection.to_string(), &tombstone.to_string()],
        )
        .await?;
    Ok(changed == 1)
}

/// Says which addresses a record has besides its primary one.
pub async fn set_other_emails(
    tx: &mut Tx,
    connection: ConnectionId,
    id: IdentityId,
    normals: &[String],
) -> Result<(), DbError> {
    tx.execute(sql!("DELETE FROM identity_email WHERE identity_id = $1"), args![&id.to_string()]).await?;
    for normal in normals {
        tx.execute(
            sql!(
                "INSERT INTO identity_email (connection_id, email_normal, identity_id) VALUES ($1, $2, $3)
                 ON CONFLICT (connection_id, email_normal, identity_id) DO NOTHING"
            ),
            args![&connection.to_string(), normal, &id.to_string()],
        )
        .await?;
    }
    Ok(())
}

/// Brings the name and address that a person is shown with up to date, if they are this account's alone and own no org: an
/// owner's address is what they sign in with when no provider lets them in, and whoever rewrites it takes the org over.
/// `Conflict` means that the address is another's.
pub async fn rewrite_person(
    tx: &mut Tx,
    account: AccountId,
    user: UserId,
    name: &str,
    email: Option<&str>,
    normal: Option<&str>,
) -> Result<bool, DbError> {
    let written = tx
        .execute(
            sql!(
                "UPDATE person SET name = $3, email = $4, email_normal = $5, search = $6, version = version + 1
                 WHERE id = $2 AND deleted_at IS NULL
                   AND NOT EXISTS (SELECT 1 FROM member m WHERE m.person_id = person.id
                                   AND (m.owner = TRUE OR m.account_id <> $1))"
            ),
            args![&account.to_string(), &user.to_string(), name, email, normal, &searchable(name, email)],
        )
        .await?;
    Ok(written == 1)
}

/// Marks the person as deleted unless a living record of theirs is left, at whichever connection, or they own an org.
/// The person must be locked, so that two directories that let go of them at once do not both find the other's record.
pub async fn delete_person_without(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<bool, DbError> {
    let deleted = tx
        .execute(
            sql!(
                "UPDATE person SET deleted_at = $2, version = version + 1
                 WHERE id = $1 AND deleted_at IS NULL
                   AND NOT EXISTS (SELECT 1 FROM member h JOIN identity i ON i.member_id = h.id
                                   WHERE h.person_id = person.id AND i.deleted_at IS NULL)
                   AND NOT EXISTS (SELECT 1 FROM member m WHERE m.person_id = person.id AND m.owner = TRUE)"
            ),
            args![&user.to_string(), now],
        )
        .await?;
    Ok(deleted == 1)
}
