//! Receipts: the evidence of each end of access.

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, MemberId, NodeId, ReceiptId, RequestId, UserId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// What is written in the transaction that ends access.
#[derive(Clone, Debug)]
pub struct Header<'a> {
    /// The receipt.
    pub id: ReceiptId,
    /// The account in which access ended.
    pub account: AccountId,
    /// Whose access.
    pub member: MemberId,
    /// `all` or `sessions`.
    pub what: &'a str,
    /// The cause, in snake case.
    pub cause: &'a str,
    /// Who brought it: `directory:okta`, `operator:ci`.
    pub source: &'a str,
    /// The cause in the source's words, without secrets.
    pub message: &'a str,
    /// Who made the request, as the audit log writes it.
    pub actor: &'a str,
    /// The request that brought it.
    pub request: RequestId,
    /// The nodes alive, as JSON `[{"id","name"}]`.
    pub nodes: &'a str,
    /// The number of its feed row.
    pub seq: i64,
    /// When the cause arrived.
    pub received_at: Timestamp,
    /// When the transaction was about to commit.
    pub committed_at: Timestamp,
}

/// A receipt as it is shown.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The receipt.
    pub id: ReceiptId,
    /// Whose access ended.
    pub member: MemberId,
    /// That member's user.
    pub user: UserId,
    /// The name of that person.
    pub person_name: String,
    /// Their address, if they have one.
    pub person_email: Option<String>,
    /// `all` or `sessions`.
    pub what: String,
    /// The cause, in snake case.
    pub cause: String,
    /// Who brought it.
    pub source: String,
    /// The cause in the source's words.
    pub message: String,
    /// The address or name of the person or operator who made the request; nothing if it was neither.
    pub by: Option<String>,
    /// The request that brought it.
    pub request: String,
    /// The nodes alive at the commit, as JSON.
    pub nodes: String,
    /// The number of its feed row.
    pub seq: i64,
    /// When the cause arrived.
    pub received_at: Timestamp,
    /// When the transaction was about to commit.
    pub committed_at: Timestamp,
    /// What ended and what was left, as JSON, once the job has listed it.
    pub ended: Option<String>,
}

/// How every statement begins that reads a [`Receipt`].
macro_rules! select_receipts {
    () => {
        "SELECT r.id, r.member_id, m.person_id, p.name AS person_name, p.email AS person_email, r.what, r.cause, r.source,
                r.message, COALESCE(a.email, a.name, o.name) AS by_name, r.request_id, r.nodes, r.seq, r.received_at,
                r.committed_at, r.ended
         FROM receipt r JOIN member m ON m.id = r.member_id JOIN person p ON p.id = m.person_id
         LEFT JOIN person a ON r.actor LIKE 'person:%' AND a.id = SUBSTR(r.actor, 8)
         LEFT JOIN operator_token o ON r.actor LIKE 'operator:%' AND o.id = SUBSTR(r.actor, 10)"
    };
}

impl FromRow for Receipt {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            member: row.parsed("member_id")?,
            user: row.parsed("person_id")?,
            person_name: row.get("person_name")?,
            person_email: row.get("person_email")?,
            what: row.get("what")?,
            cause: row.get("cause")?,
            source: row.get("source")?,
            message: row.get("message")?,
            by: row.get("by_name")?,
            request: row.get("request_id")?,
            nodes: row.get("nodes")?,
            seq: row.get("seq")?,
            received_at: row.get("received_at")?,
            committed_at: row.get("committed_at")?,
            ended: row.get("ended")?,
        })
    }
}

/// When one node had applied a receipt's feed row.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The node.
    pub node: NodeId,
    /// When.
    pub at: Timestamp,
}

impl FromRow for Applied {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { node: row.parsed("node_id")?, at: row.get("applied_at")? })
    }
}

/// Writes the header.
pub async fn add(tx: &mut Tx, header: &Header<'_>) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO receipt (id, account_id, member_id, what, cause, source, message, actor, request_id, nodes,
                                  seq, received_at, committed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        ),
        args![
            &header.id.to_string(),
            &header.account.to_string(),
            &header.member.to_string(),
            header.what,
            header.cause,
            header.source,
            header.message,
            header.actor,
            &header.request.to_string(),
            header.nodes,
            header.seq,
            header.received_at,
            header.committed_at
        ],
    )
    .await?;
    Ok(())
}

/// Writes what ended and what was left, as JSON.
pub async fn set_ended(tx: &mut Tx, id: ReceiptId, ended: &str) -> Result<bool, DbError> {
    let changed =
        tx.execute(sql!("UPDATE receipt SET ended = $2 WHERE id = $1"), args![&id.to_string(), ended]).await?;
    Ok(changed == 1)
}

/// A receipt of this account.
pub async fn find(conn: &mut Conn, account: AccountId, id: ReceiptId) -> Result<Option<Receipt>, DbError> {
    conn.optional(
        sql!(select_receipts!(), " WHERE r.account_id = $1 AND r.id = $2"),
        args![&account.to_string(), &id.to_string()],
    )
    .await
}

/// Receipts of this account whose feed number is below `before`, newest first.
pub async fn page(conn: &mut Conn, account: AccountId, before: i64, limit: i64) -> Result<Vec<Receipt>, DbError> {
    conn.all(
        sql!(select_receipts!(), " WHERE r.account_id = $1 AND r.seq < $2 ORDER BY r.seq DESC LIMIT $3"),
        args![&account.to_string(), before, limit],
    )
    .await
}

/// Receipts of this member, newest first.
pub async fn of_member(
    conn: &mut Conn,
    account: AccountId,
    member: MemberId,
    limit: i64,
) -> Result<Vec<Receipt>, DbError> {
    conn.all(
        sql!(select_receipts!(), " WHERE r.account_id = $1 AND r.member_id = $2 ORDER BY r.seq DESC LIMIT $3"),
        args![&account.to_string(), &member.to_string(), limit],
    )
    .await
}

/// When each node had applied the feed row `seq`.
pub async fn applied(conn: &mut Conn, seq: i64) -> Result<Vec<Applied>, DbError> {
    conn.all(
        sql!(
            "SELECT node_id, applied_at FROM node_applied WHERE last_seq >= $1 AND first_seq <= $1 ORDER BY applied_at"
        ),
        args![seq],
    )
    .await
}

/// What the job that lists what ended must know: whose, what, and the numbers of its feed row.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Whose access ended.
    pub member: MemberId,
    /// `all` or `sessions`.
    pub what: String,
    /// Credentials stamped with an earlier epoch are dead.
    pub epoch: i64,
    /// Sessions minted at or before this instant are dead.
    pub session_floor: Timestamp,
}

impl FromRow for Ending {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            member: row.parsed("member_id")?,
            what: row.get("what")?,
            epoch: row.get("epoch")?,
            session_floor: row.get("session_floor")?,
        })
    }
}

/// What this receipt ended, by its numbers.
pub async fn ending(conn: &mut Conn, id: ReceiptId) -> Result<Option<Ending>, DbError> {
    conn.optional(
        sql!(
            "SELECT r.member_id, r.what, f.epoch, f.session_floor FROM receipt r JOIN feed f ON f.seq = r.seq
             WHERE r.id = $1"
        ),
        args![&id.to_string()],
    )
    .await
}
