//! Groups as connections say them, and who was last said to be in which.

use std::collections::HashMap;
use std::num::ParseIntError;
use std::str::FromStr;

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, ConnectionId, IdentityId, MemberId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

const COUNTER: &str = "external_group";

/// A group of a connection.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its number, which stands for it in snapshots.
    pub id: i64,
    /// The connection that says it.
    pub connection: ConnectionId,
    /// The claim in which it says so; empty for the connection's own.
    pub claim: String,
    /// As the connection says it.
    pub value: String,
}

impl FromRow for Group {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            connection: row.parsed("connection_id")?,
            claim: row.get("claim")?,
            value: row.get("value")?,
        })
    }
}

/// What one claim of a connection last said about the groups of one identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Who said it.
    pub connection: ConnectionId,
    /// Whose groups, by the connection's name for them.
    pub identity: IdentityId,
    /// Whose groups.
    pub member: MemberId,
    /// The claim that said it; empty for the connection's own.
    pub claim: String,
    /// The groups' numbers, ascending.
    pub groups: Vec<i64>,
    /// `present`, `missing` or `overage`: what it said last.
    pub said: String,
    /// When the list was last told whole, to the hour.
    pub seen_at: Timestamp,
}

impl FromRow for Snapshot {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            connection: row.parsed("connection_id")?,
            identity: row.parsed("identity_id")?,
            member: row.parsed("member_id")?,
            claim: row.get("claim")?,
            groups: row.parsed::<List>("group_ids")?.0,
            said: row.get("said")?,
            seen_at: row.get("seen_at")?,
        })
    }
}

/// A stored list of groups' numbers.
pub(crate) struct List(pub(crate) Vec<i64>);

impl FromStr for List {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',').filter(|part| !part.is_empty()).map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

fn list(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

/// The group of a connection that is said so in this claim.
pub async fn find(
    conn: &mut Conn,
    connection: ConnectionId,
    claim: &str,
    value: &str,
) -> Result<Option<Group>, DbError> {
    conn.optional(
        sql!(
            "SELECT id, connection_id, claim, value FROM external_group
             WHERE connection_id = $1 AND claim = $2 AND value = $3"
        ),
        args![&connection.to_string(), claim, value],
    )
    .await
}

/// The groups with these numbers.
pub async fn with_ids(conn: &mut Conn, ids: &[i64]) -> Result<Vec<Group>, DbError> {
    let mut groups = Vec::with_capacity(ids.len());
    for id in ids {
        let found = conn
            .optional(sql!("SELECT id, connection_id, claim, value FROM external_group WHERE id = $1"), args![*id])
            .await?;
        groups.extend(found);
    }
    Ok(groups)
}

/// Every group that the connections of an account have said.
pub async fn of_account(conn: &mut Conn, account: AccountId) -> Result<Vec<Group>, DbError> {
    conn.all(
        sql!(
            "SELECT g.id, g.connection_id, g.claim, g.value FROM external_group g JOIN connection c ON c.id = g.connection_id
             WHERE c.account_id = $1 ORDER BY g.id"
        ),
        args![&account.to_string()],
    )
    .await
}

/// The numbers of these groups of one claim; those that nobody has said before get theirs, under the lock of the counter.
/// What a number stands for never changes once it is committed.
pub async fn intern(
    tx: &mut Tx,
    (connection, claim): (ConnectionId, &str),
    values: &[String],
) -> Result<HashMap<String, i64>, DbError> {
    let mut known = HashMap::with_capacity(values.len());
    for value in values {
        if let Some(group) = find(tx, connection, claim, value).await? {
            known.insert(group.value, group.id);
        }
    }
    if values.iter().any(|value| !known.contains_key(value)) {
        // Whoever says the same group at this moment waits here, and then finds it.
        lock(tx).await?;
        for value in values {
            if !known.contains_key(value) {
                known.insert(value.clone(), add(tx, connection, claim, value).await?);
            }
        }
    }
    Ok(known)
}

async fn lock(tx: &mut Tx) -> Result<u64, DbError> {
    tx.execute(sql!("UPDATE counter SET value = value + 0 WHERE name = $1"), args![COUNTER]).await
}

async fn add(tx: &mut Tx, connection: ConnectionId, claim: &str, value: &str) -> Result<i64, DbError> {
    if let Some(group) = find(tx, connection, claim, value).await? {
        return Ok(group.id);
    }
    let id: i64 =
        tx.one(sql!("UPDATE counter SET value = value + 1 WHERE name = $1 RETURNING value"), args![COUNTER]).await?;
    tx.execute(
        sql!("INSERT INTO external_group (id, connection_id, claim, value) VALUES ($1, $2, $3, $4)"),
        args![id, &connection.to_string(), claim, value],
    )
    .await?;
    Ok(id)
}

/// What each claim last said about an identity.
pub async fn of_identity(conn: &mut Conn, identity: IdentityId) -> Result<Vec<Snapshot>, DbError> {
    conn.all(
        sql!(
            "SELECT s.connection_id, s.identity_id, s.member_id, s.claim, s.group_ids, s.said, s.seen_at
             FROM group_snapshot s WHERE s.identity_id = $1 ORDER BY s.claim"
        ),
        args![&identity.to_string()],
    )
    .await
}

/// What was last said about a member, by each connection whose record of them is not deleted, and by the one that says its
/// groups; the claims of one identity stand together.
pub async fn snapshots(conn: &mut Conn, member: MemberId) -> Result<Vec<Snapshot>, DbError> {
    conn.all(
        sql!(
            "SELECT s.connection_id, s.identity_id, s.member_id, s.claim, s.group_ids, s.said, s.seen_at
             FROM group_snapshot s JOIN identity i ON i.id = s.identity_id JOIN connection c ON c.id = s.connection_id
             WHERE s.member_id = $1 AND i.deleted_at IS NULL AND NOT (s.source = 'claims' AND c.groups_from = 'scim')
             ORDER BY s.connection_id, s.identity_id, s.claim"
        ),
        args![&member.to_string()],
    )
    .await
}

/// A member beside what one claim of a connection last said about them, for work that goes over everybody.
#[derive(Clone, Debug)]
pub struct Told {
    /// Who.
    pub member: MemberId,
    /// Whether they own the org.
    pub owner: bool,
    /// Whether they left it.
    pub left: bool,
    /// The generation since which only rules give their roles, if that is noted.
    pub managed_since: Option<i64>,
    /// What they are in the account, as given by hand.
    pub account_role: String,
    /// Who said something, and what; nothing if nobody has.
    pub said: Option<Said>,
}

/// What was said, as [`Snapshot`].
#[derive(Clone, Debug)]
pub struct Said {
    /// Who said it.
    pub connection: ConnectionId,
    /// Of whom.
    pub identity: IdentityId,
    /// The claim; empty for the connection's own.
    pub claim: String,
    /// The groups' numbers, ascending.
    pub groups: Vec<i64>,
    /// `present`, `missing` or `overage`.
    pub said: String,
    /// When the list was last told whole.
    pub seen_at: Timestamp,
}

impl FromRow for Told {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let said = match row.parsed_optional("connection_id")? {
            Some(connection) => Some(Said {
                connection,
                identity: row.parsed("identity_id")?,
                claim: row.get("claim")?,
                groups: row.parsed::<List>("group_ids")?.0,
                said: row.get("said")?,
                seen_at: row.get("seen_at")?,
            }),
            None => None,
        };
        Ok(Self {
            member: row.parsed("id")?,
            owner: row.get("owner")?,
            left: row.get::<Option<Timestamp>>("left_org_at")?.is_some(),
            managed_since: row.get("managed_since")?,
            account_role: row.get("account_role")?,
            said,
        })
    }
}

/// At the most `limit` members of an account after one, by their ids, each with every claim that said something; those of
/// one identity stand together.
pub async fn page(conn: &mut Conn, account: AccountId, after: &str, limit: i64) -> Result<Vec<Told>, DbError> {
    conn.all(
        sql!(
            "SELECT m.id, m.owner, m.left_org_at, m.managed_since, m.account_role, s.connection_id, s.identity_id, s.claim,
                    s.group_ids, s.said, s.seen_at
             FROM (SELECT id, owner, left_org_at, managed_since, account_role FROM member
                   WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3) AS m
             LEFT JOIN group_snapshot s ON s.member_id = m.id
                  AND EXISTS (SELECT 1 FROM identity i JOIN connection c ON c.id = i.connection_id
                              WHERE i.id = s.identity_id AND i.deleted_at IS NULL
                                AND NOT (s.source = 'claims' AND c.groups_from = 'scim'))
             ORDER BY m.id, s.connection_id, s.identity_id, s.claim"
        ),
        args![&account.to_string(), after, limit],
    )
    .await
}

/// Replaces what one claim said about an identity.
pub async fn put_snapshot(tx: &mut Tx, snapshot: &Snapshot) -> Result<(), DbError> {
    tx.execute(
        sql!(
            "INSERT INTO group_snapshot (identity_id, claim, member_id, connection_id, group_ids, said, seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (identity_id, claim) DO UPDATE SET group_ids = excluded.group_ids, said = excluded.said,
                 seen_at = excluded.seen_at"
        ),
        args![
            &snapshot.identity.to_string(),
            &snapshot.claim,
            &snapshot.member.to_string(),
            &snapshot.connection.to_string(),
            &list(&snapshot.groups),
            &snapshot.said,
            snapshot.seen_at
        ],
    )
    .await?;
    Ok(())
}
