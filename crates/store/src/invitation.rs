//! Invitations into an account and its org. Only the MAC of a link's secret is stored; a resent invitation has a new one.
//!
//! ```text
//! pending ─► accepted | revoked        past `expires_at` a pending one is expired, until it is sent again
//! ```

use std::time::Duration;

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, InvitationId, MemberId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// An invitation.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// The invitation.
    pub id: InvitationId,
    /// The account.
    pub account: AccountId,
    /// `member` or `owner`.
    pub kind: String,
    /// Who is invited, as it was typed.
    pub email: String,
    /// The same address for comparing.
    pub email_normal: String,
    /// `admin` or `member` of the account.
    pub account_role: String,
    /// A list of `{team?, service, role}`, as JSON.
    pub roles: String,
    /// What the inviter says; empty for nothing.
    pub message: String,
    /// How long a link is good.
    pub validity: Duration,
    /// `pending`, `accepted` or `revoked`.
    pub state: String,
    /// The user who invites.
    pub invited_by: String,
    /// Their address, or else their name.
    pub inviter: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the newest link is too late.
    pub expires_at: Timestamp,
    /// When it was accepted or revoked.
    pub ended_at: Option<Timestamp>,
    /// The member who accepted it.
    pub member: Option<MemberId>,
    /// Raised by each change.
    pub version: i64,
}

impl FromRow for Invitation {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let validity: i64 = row.get("validity")?;
        Ok(Self {
            id: row.parsed("id")?,
            account: row.parsed("account_id")?,
            kind: row.get("kind")?,
            email: row.get("email")?,
            email_normal: row.get("email_normal")?,
            account_role: row.get("account_role")?,
            roles: row.get("roles")?,
            message: row.get("message")?,
            validity: Duration::from_micros(u64::try_from(validity).unwrap_or(0)),
            state: row.get("state")?,
            invited_by: row.get("invited_by")?,
            inviter: row.get("inviter")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            ended_at: row.get("ended_at")?,
            member: row.parsed_optional("member_id")?,
            version: row.get("version")?,
        })
    }
}

/// How every statement begins that reads an [`Invitation`].
macro_rules! select_invitations {
    () => {
        "SELECT i.id, i.account_id, i.kind, i.email, i.email_normal, i.account_role, i.roles, i.message, i.validity,
                i.state, i.invited_by, COALESCE(p.email, p.name, '') AS inviter, i.created_at, i.expires_at, i.ended_at,
                i.member_id, i.version
         FROM invitation i LEFT JOIN person p ON p.id = i.invited_by"
    };
}

/// A new invitation; `Conflict` means that one to this address is pending in the account.
pub async fn add(tx: &mut Tx, invitation: &Invitation, mac: &[u8]) -> Result<(), DbError> {
    let validity = i64::try_from(invitation.validity.as_micros()).unwrap_or(i64::MAX);
    tx.execute(
        sql!(
            "INSERT INTO invitation (id, account_id, kind, email, email_normal, account_role, roles, message, mac, validity,
                                     state, invited_by, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending', $11, $12, $13)"
        ),
        args![
            &invitation.id.to_string(),
            &invitation.account.to_string(),
            &invitation.kind,
            &invitation.email,
            &invitation.email_normal,
            &invitation.account_role,
            &invitation.roles,
            &invitation.message,
            mac,
            validity,
            &invitation.invited_by,
            invitation.created_at,
            invitation.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// An invitation of this account.
pub async fn find(conn: &mut Conn, account: AccountId, id: InvitationId) -> Result<Option<Invitation>, DbError> {
    conn.optional(
        sql!(select_invitations!(), " WHERE i.account_id = $1 AND i.id = $2"),
        args![&account.to_string(), &id.to_string()],
    )
    .await
}

/// The invitation whose newest link has this MAC. Reading it does not use it: a mail scanner follows links too.
pub async fn of_mac(conn: &mut Conn, mac: &[u8]) -> Result<Option<Invitation>, DbError> {
    conn.optional(sql!(select_invitations!(), " WHERE i.mac = $1"), args![mac]).await
}

/// The pending invitation of this address into this account, expired or not.
pub async fn pending(conn: &mut Conn, account: AccountId, normal: &str) -> Result<Option<Invitation>, DbError> {
    conn.optional(
        sql!(select_invitations!(), " WHERE i.account_id = $1 AND i.email_normal = $2 AND i.state = 'pending'"),
        args![&account.to_string(), normal],
    )
    .await
}

/// The invitations of this account that can still be accepted.
pub async fn open(conn: &mut Conn, account: AccountId, now: Timestamp) -> Result<Vec<Invitation>, DbError> {
    conn.all(
        sql!(
            select_invitations!(),
            " WHERE i.account_id = $1 AND i.state = 'pending' AND i.expires_at > $2 ORDER BY i.id"
        ),
        args![&account.to_string(), now],
    )
    .await
}

/// Which invitations, by how they stand; all of them, if nothing is said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing<'t> {
    /// The word of the row.
    pub state: Option<&'t str>,
    /// Those that are good after this instant.
    pub good_after: Option<Timestamp>,
    /// Those that are good until this instant at the most.
    pub good_until: Option<Timestamp>,
}

/// At the most `limit` invitations of this account that stand so with an id below `before`, the newest first.
pub async fn page(
    conn: &mut Conn,
    account: AccountId,
    before: &str,
    standing: Standing<'_>,
    limit: i64,
) -> Result<Vec<Invitation>, DbError> {
    let after = standing.good_after.unwrap_or(Timestamp::from_micros(i64::MIN));
    let until = standing.good_until.unwrap_or(Timestamp::from_micros(i64::MAX));
    conn.all(
        sql!(
            select_invitations!(),
            " WHERE i.account_id = $1 AND i.id < $2 AND ($4 = '' OR i.state = $4) AND i.expires_at > $5
                AND i.expires_at <= $6 ORDER BY i.id DESC LIMIT $3"
        ),
        args![&account.to_string(), before, limit, standing.state.unwrap_or_default(), after, until],
    )
    .await
}

/// The addresses of those who are invited to own the account's org and still can accept.
pub async fn pending_owners(conn: &mut Conn, account: AccountId, now: Timestamp) -> Result<Vec<String>, DbError> {
    conn.all(
        sql!(
            "SELECT email FROM invitation
             WHERE account_id = $1 AND kind = 'owner' AND state = 'pending' AND expires_at > $2 ORDER BY id"
        ),
        args![&account.to_string(), now],
    )
    .await
}

/// Gives a pending invitation other roles.
pub async fn put_roles(tx: &mut Tx, id: InvitationId, (roles, invited_by): (&str, &str)) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE invitation SET roles = $2, invited_by = $3, version = version + 1 WHERE id = $1 AND state = 'pending'"
            ),
            args![&id.to_string(), roles, invited_by],
        )
        .await?;
    Ok(changed == 1)
}

/// Makes a pending invitation one to own the org, in this inviter's name; it gives no roles any more.
pub async fn make_owner(tx: &mut Tx, id: InvitationId, invited_by: &str) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE invitation SET kind = 'owner', account_role = 'admin', roles = '[]', invited_by = $2,
                        version = version + 1
                 WHERE id = $1 AND state = 'pending'"
            ),
            args![&id.to_string(), invited_by],
        )
        .await?;
    Ok(changed == 1)
}

/// Gives a pending invitation a new link; the one before is good for nothing any more.
pub async fn renew(tx: &mut Tx, id: InvitationId, mac: &[u8], expires_at: Timestamp) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!(
                "UPDATE invitation SET mac = $2, expires_at = $3, version = version + 1
                 WHERE id = $1 AND state = 'pending'"
            ),
            args![&id.to_string(), mac, expires_at],
        )
        .await?;
    Ok(changed == 1)
}

/// Ends a pending invitation: `accepted`, by this member, or `revoked`.
pub async fn end(
    tx: &mut Tx,
    id: InvitationId,
    state: &str,
    member: Option<MemberId>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let member = member.map(|id| id.to_string());
    let changed = tx
        .execute(
            sql!(
                "UPDATE invitation SET state = $2, member_id = $3, ended_at = $4, version = version + 1
                 WHERE id = $1 AND state = 'pending'"
            ),
            args![&id.to_string(), state, member.as_deref(), now],
        )
        .await?;
    Ok(changed == 1)
}
