//! Families of tokens: what was granted once, to a client itself or by somebody's sign-in.

use cardea_model::Timestamp;
use cardea_model::id::{ClientId, FamilyId, MemberId, SessionId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A family.
#[derive(Clone, Debug)]
pub struct Family {
    /// The family.
    pub id: FamilyId,
    /// The client that it was granted to.
    pub client: ClientId,
    /// Who signed in; none where the client acts for itself.
    pub member: Option<MemberId>,
    /// The session that it came of; none without a member.
    pub session: Option<SessionId>,
    /// Whether the tokens outlive that session.
    pub offline: bool,
    /// The member's epoch at that moment; 0 without a member.
    pub epoch: i64,
    /// What was granted, with blanks between.
    pub scope: String,
    /// Whom its access tokens are for.
    pub audience: String,
    /// What the client wants to find in the ID token.
    pub nonce: Option<String>,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// When it was granted.
    pub minted_at: Timestamp,
    /// When its last token ends.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

impl FromRow for Family {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            client: row.parsed("client")?,
            member: row.parsed_optional("member_id")?,
            session: row.parsed_optional("session_id")?,
            offline: row.get("offline")?,
            epoch: row.get("epoch")?,
            scope: row.get("scope")?,
            audience: row.get("audience")?,
            nonce: row.get("nonce")?,
            auth_time: row.get("auth_time")?,
            minted_at: row.get("minted_at")?,
            expires_at: row.get("expires_at")?,
            ended_at: row.get("ended_at")?,
        })
    }
}

/// A new family.
pub async fn add(tx: &mut Tx, family: &Family) -> Result<(), DbError> {
    let member = family.member.map(|id| id.to_string());
    let session = family.session.map(|id| id.to_string());
    tx.execute(
        sql!(
            "INSERT INTO token_family (id, client, member_id, session_id, offline, epoch, scope, audience, nonce, auth_time, minted_at,
                                       expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        ),
        args![
            &family.id.to_string(),
            &family.client.to_string(),
            member.as_deref(),
            session.as_deref(),
            family.offline,
            family.epoch,
            &family.scope,
            &family.audience,
            family.nonce.as_deref(),
            family.auth_time,
            family.minted_at,
            family.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// The family with this id.
pub async fn find(conn: &mut Conn, id: FamilyId) -> Result<Option<Family>, DbError> {
    conn.optional(
        sql!(
            "SELECT id, client, member_id, session_id, offline, epoch, scope, audience, nonce, auth_time, minted_at, expires_at, ended_at
             FROM token_family WHERE id = $1"
        ),
        args![&id.to_string()],
    )
    .await
}

/// Ends a family; `false` if it had ended.
pub async fn end(tx: &mut Tx, id: FamilyId, now: Timestamp) -> Result<bool, DbError> {
    let ended = tx
        .execute(
            sql!("UPDATE token_family SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL"),
            args![&id.to_string(), now],
        )
        .await?;
    Ok(ended == 1)
}

/// Ends every family of a client.
pub async fn end_of_client(tx: &mut Tx, client: ClientId, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        sql!("UPDATE token_family SET ended_at = $2 WHERE client = $1 AND ended_at IS NULL"),
        args![&client.to_string(), now],
    )
    .await
}

/// Removes the families whose last token ended before `before`, with their codes and tokens.
pub async fn sweep(tx: &mut Tx, before: Timestamp) -> Result<(), DbError> {
    let codes =
        sql!("DELETE FROM authorization_code WHERE family_id IN (SELECT id FROM token_family WHERE expires_at < $1)");
    let tokens = sql!("DELETE FROM token WHERE family_id IN (SELECT id FROM token_family WHERE expires_at < $1)");
    tx.execute(codes, args![before]).await?;
    tx.execute(tokens, args![before]).await?;
    tx.execute(sql!("DELETE FROM token_family WHERE expires_at < $1"), args![before]).await?;
    Ok(())
}
