//! Accounts, their orgs, the services an org has, and its teams.

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, OrgId, TeamId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::member::InForce;
use crate::{args, sql};

/// An account with its org.
#[derive(Clone, Debug)]
pub struct Account {
    /// The account.
    pub id: AccountId,
    /// What account and org are called by in a contract: counts up in the instance.
    pub number: i64,
    /// Unique in the instance.
    pub name: String,
    /// For people.
    pub description: String,
    /// Where recovery mail goes.
    pub recovery_email: Option<String>,
    /// The org.
    pub org: OrgId,
    /// The org's name, unique in the instance.
    pub org_name: String,
    /// `individual` or `enterprise`.
    pub org_kind: String,
    /// How its rules stand.
    pub rules: InForce,
}

impl FromRow for Account {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            number: row.get("number")?,
            name: row.get("name")?,
            description: row.get("description")?,
            recovery_email: row.get("recovery_email")?,
            org: row.parsed("org_id")?,
            org_name: row.get("org_name")?,
            org_kind: row.get("org_kind")?,
            rules: InForce::from_row(row)?,
        })
    }
}

/// A team.
#[derive(Clone, Debug)]
pub struct Team {
    /// The team.
    pub id: TeamId,
    /// Unique in the org for ever.
    pub name: String,
    /// For people.
    pub description: String,
    /// Raised by each change.
    pub version: i64,
}

impl FromRow for Team {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            version: row.get("version")?,
        })
    }
}

/// The next account's number; the row of the counter is locked until the commit.
pub async fn next_number(tx: &mut Tx) -> Result<i64, DbError> {
    tx.one(sql!("UPDATE counter SET value = value + 1 WHERE name = $1 RETURNING value"), args!["account"]).await
}

/// A new account and its org; `Conflict` means that one of the names is taken.
pub async fn add(tx: &mut Tx, account: &Account, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        sql!("INSERT INTO account (id, number, name, description, recovery_email, created_at) VALUES ($1, $2, $3, $4, $5, $6)"),
        args![&account.id.to_string(), account.number, &account.name, &account.description, account.recovery_email.as_deref(), now],
    )
    .await?;
    tx.execute(
        sql!("INSERT INTO org (id, account_id, name, kind, created_at) VALUES ($1, $2, $3, $4, $5)"),
        args![&account.org.to_string(), &account.id.to_string(), &account.org_name, &account.org_kind, now],
    )
    .await?;
    Ok(())
}

/// Locks the account against other writers of its declaration until the commit.
pub async fn lock(tx: &mut Tx, id: AccountId) -> Result<bool, DbError> {
    let locked =
        tx.execute(sql!("UPDATE account SET version = version + 1 WHERE id = $1"), args![&id.to_string()]).await?;
    Ok(locked == 1)
}

/// Locks the org until the commit: its teams and rules stand still for whoever adds a role, and no role is added while
/// they change.
pub async fn lock_org(tx: &mut Tx, id: OrgId) -> Result<bool, DbError> {
    let locked = tx.execute(sql!("UPDATE org SET version = version + 1 WHERE id = $1"), args![&id.to_string()]).await?;
    Ok(locked == 1)
}

/// Brings the account's and the org's own columns up to date.
pub async fn update(tx: &mut Tx, account: &Account) -> Result<(), DbError> {
    tx.execute(
        sql!("UPDATE account SET recovery_email = $2, description = $3 WHERE id = $1"),
        args![&account.id.to_string(), account.recovery_email.as_deref(), &account.description],
    )
    .await?;
    tx.execute(
        sql!("UPDATE org SET kind = $2, version = version + 1 WHERE id = $1"),
        args![&account.org.to_string(), &account.org_kind],
    )
    .await?;
    Ok(())
}

/// Gives the account another description and another recovery address.
pub async fn describe(tx: &mut Tx, id: AccountId, description: &str, recovery: Option<&str>) -> Result<(), DbError> {
    tx.execute(
        sql!("UPDATE account SET description = $2, recovery_email = $3, version = version + 1 WHERE id = $1"),
        args![&id.to_string(), description, recovery],
    )
    .await?;
    Ok(())
}

/// Makes an individual org an enterprise; `false` if it is one.
pub async fn convert(tx: &mut Tx, org: OrgId) -> Result<bool, DbError> {
    let converted = tx
        .execute(
            sql!("UPDATE org SET kind = 'enterprise' WHERE id = $1 AND kind = 'individual'"),
            args![&org.to_string()],
        )
        .await?;
    Ok(converted == 1)
}

/// At the most `limit` accounts after this one, in the order in which they were made.
pub async fn page(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<Account>, DbError> {
    conn.all(
        sql!(
            "SELECT a.id, a.number, a.name, a.description, a.recovery_email, o.id AS org_id, o.name AS org_name, o.kind AS org_kind,
                    o.rules_active, o.generation, o.settled, o.version AS org_version
             FROM account a JOIN org o ON o.account_id = a.id WHERE a.id > $1 ORDER BY a.id LIMIT $2"
        ),
        args![after, limit],
    )
    .await
}

/// The account with this name.
pub async fn named(conn: &mut Conn, name: &str) -> Result<Option<Account>, DbError> {
    conn.optional(
        sql!(
            "SELECT a.id, a.number, a.name, a.description, a.recovery_email, o.id AS org_id, o.name AS org_name, o.kind AS org_kind,
                    o.rules_active, o.generation, o.settled, o.version AS org_version
             FROM account a JOIN org o ON o.account_id = a.id WHERE a.name = $1"
        ),
        args![name],
    )
    .await
}

/// The account with this id.
pub async fn find(conn: &mut Conn, id: AccountId) -> Result<Option<Account>, DbError> {
    conn.optional(
        sql!(
            "SELECT a.id, a.number, a.name, a.description, a.recovery_email, o.id AS org_id, o.name AS org_name, o.kind AS org_kind,
                    o.rules_active, o.generation, o.settled, o.version AS org_version
             FROM account a JOIN org o ON o.account_id = a.id WHERE a.id = $1"
        ),
        args![&id.to_string()],
    )
    .await
}

/// The account whose org has this name or id.
pub async fn of_org(conn: &mut Conn, name_or_id: &str) -> Result<Option<Account>, DbError> {
    conn.optional(
        sql!(
            "SELECT a.id, a.number, a.name, a.description, a.recovery_email, o.id AS org_id, o.name AS org_name, o.kind AS org_kind,
                    o.rules_active, o.generation, o.settled, o.version AS org_version
             FROM account a JOIN org o ON o.account_id = a.id WHERE o.name = $1 OR o.id = $1"
        ),
        args![name_or_id],
    )
    .await
}

/// Every account, by name.
pub async fn all(conn: &mut Conn) -> Result<Vec<Account>, DbError> {
    conn.all(
        sql!(
            "SELECT a.id, a.number, a.name, a.description, a.recovery_email, o.id AS org_id, o.name AS org_name, o.kind AS org_kind,
                    o.rules_active, o.generation, o.settled, o.version AS org_version
             FROM account a JOIN org o ON o.account_id = a.id ORDER BY a.name"
        ),
        args![],
    )
    .await
}

/// The services that the org was given, by name: what is suspended or has ended too.
pub async fn services(conn: &mut Conn, org: OrgId) -> Result<Vec<String>, DbError> {
    conn.all(sql!("SELECT service FROM entitlement WHERE org_id = $1 ORDER BY service"), args![&org.to_string()]).await
}

/// The teams of the org that stand, by name.
pub async fn teams(conn: &mut Conn, org: OrgId) -> Result<Vec<Team>, DbError> {
    conn.all(
        sql!("SELECT id, name, description, version FROM team WHERE org_id = $1 AND deleted_at IS NULL ORDER BY name"),
        args![&org.to_string()],
    )
    .await
}

/// The team of the org with this name or id, if it stands.
pub async fn team(conn: &mut Conn, org: OrgId, name_or_id: &str) -> Result<Option<Team>, DbError> {
    conn.optional(
        sql!(
            "SELECT id, name, description, version FROM team
             WHERE org_id = $1 AND (name = $2 OR id = $2) AND deleted_at IS NULL
             ORDER BY CASE WHEN id = $2 THEN 0 ELSE 1 END LIMIT 1"
        ),
        args![&org.to_string(), name_or_id],
    )
    .await
}

/// The names of the org's teams that have ended: none of them is ever given again.
pub async fn ended_teams(conn: &mut Conn, org: OrgId) -> Result<Vec<String>, DbError> {
    conn.all(sql!("SELECT name FROM team WHERE org_id = $1 AND deleted_at IS NOT NULL"), args![&org.to_string()]).await
}

/// A new team; `Conflict` means that the name is or was taken: names are never given again.
pub async fn add_team(tx: &mut Tx, org: OrgId, team: &Team) -> Result<(), DbError> {
    tx.execute(
        sql!("INSERT INTO team (id, org_id, name, description) VALUES ($1, $2, $3, $4)"),
        args![&team.id.to_string(), &org.to_string(), &team.name, &team.description],
    )
    .await?;
    Ok(())
}

/// Gives a team another description.
pub async fn describe_team(tx: &mut Tx, org: OrgId, id: TeamId, description: &str) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!("UPDATE team SET description = $3, version = version + 1 WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL"),
            args![&org.to_string(), &id.to_string(), description],
        )
        .await?;
    Ok(changed == 1)
}

/// Ends a team; its name stays taken.
pub async fn end_team(tx: &mut Tx, org: OrgId, id: TeamId, now: Timestamp) -> Result<bool, DbError> {
    let ended = tx
        .execute(
            sql!("UPDATE team SET deleted_at = $3 WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL"),
            args![&org.to_string(), &id.to_string(), now],
        )
        .await?;
    Ok(ended == 1)
}
