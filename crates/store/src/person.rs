//! People.

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, MemberId, UserId};
use cardea_model::name::fold;
use cardea_model::numbers::Numbers;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A user.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user.
    pub id: UserId,
    /// The name that is shown.
    pub name: String,
    /// The address that is shown; trusted only if `email_trusted`.
    pub email: Option<String>,
    /// Whether the address is this user's own, unique in the instance.
    pub email_trusted: bool,
    /// Whether that is more than the word of an admin: nobody outside may take an address for theirs that is not proven.
    pub email_proven: bool,
}

impl FromRow for Person {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let normal: Option<String> = row.get("email_normal")?;
        Ok(Self {
            id: row.parsed("id")?,
            name: row.get("name")?,
            email: row.get("email")?,
            email_trusted: normal.is_some(),
            email_proven: normal.is_some() && row.get("email_proven")?,
        })
    }
}

/// A user as one account lists them.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The user.
    pub person: Person,
    /// Their membership of the account.
    pub member: MemberId,
    /// `owner`, `admin` or `member` of the account.
    pub account_role: String,
    /// Whether they own the org.
    pub owner: bool,
    /// When they left the org, if they did.
    pub left_org_at: Option<Timestamp>,
    /// When they left the account, if they did.
    pub left_account_at: Option<Timestamp>,
    /// The numbers.
    pub numbers: Numbers,
    /// When they were first known here.
    pub created_at: Timestamp,
    /// When they last signed in here.
    pub last_login_at: Option<Timestamp>,
}

impl FromRow for Listed {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            person: Person::from_row(row)?,
            member: row.parsed("member_id")?,
            account_role: row.get("account_role")?,
            owner: row.get("owner")?,
            left_org_at: row.get("left_org_at")?,
            left_account_at: row.get("left_account_at")?,
            numbers: crate::member::numbers(row)?,
            created_at: row.get("created_at")?,
            last_login_at: row.get("last_login_at")?,
        })
    }
}

/// How every statement begins that reads a [`Listed`].
macro_rules! select_listed {
    () => {
        "SELECT p.id, p.name, p.email, p.email_normal, p.email_proven, m.id AS member_id, m.account_role, m.owner, m.left_org_at,
                m.left_account_at, m.epoch, m.session_floor, m.roles_version, m.held, m.created_at, m.last_login_at
         FROM member m JOIN person p ON p.id = m.person_id WHERE m.account_id = $1 AND p.deleted_at IS NULL"
    };
}

/// Whom every statement means that reads local people.
macro_rules! is_local {
    () => {
        " AND m.left_account_at IS NULL AND p.email_normal IS NOT NULL
          AND (EXISTS (SELECT 1 FROM password w WHERE w.person_id = p.id)
               OR NOT EXISTS (SELECT 1 FROM identity i WHERE i.member_id = m.id AND i.deleted_at IS NULL))"
    };
}

/// A new user. `normal` is given only for a trusted address; `Conflict` means that it is another's.
pub async fn add(
    tx: &mut Tx,
    id: UserId,
    name: &str,
    email: Option<&str>,
    normal: Option<&str>,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        sql!("INSERT INTO person (id, name, email, email_normal, search, created_at) VALUES ($1, $2, $3, $4, $5, $6)"),
        args![&id.to_string(), name, email, normal, &searchable(name, email), now],
    )
    .await?;
    Ok(())
}

/// Notes that mail to the user's address reaches them.
pub async fn prove(tx: &mut Tx, id: UserId) -> Result<(), DbError> {
    tx.execute(sql!("UPDATE person SET email_proven = TRUE WHERE id = $1"), args![&id.to_string()]).await?;
    Ok(())
}

/// Notes that only an admin says that the user's address is theirs.
pub async fn doubt(tx: &mut Tx, id: UserId) -> Result<(), DbError> {
    tx.execute(sql!("UPDATE person SET email_proven = FALSE WHERE id = $1"), args![&id.to_string()]).await?;
    Ok(())
}

/// Locks the user's counted things (keys) until the commit.
pub async fn lock(tx: &mut Tx, id: UserId) -> Result<bool, DbError> {
    let locked = tx
        .execute(
            sql!("UPDATE person SET version = version + 1 WHERE id = $1 AND deleted_at IS NULL"),
            args![&id.to_string()],
        )
        .await?;
    Ok(locked == 1)
}

/// Marks the user as deleted; the row stays and its address is free again.
pub async fn delete(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<bool, DbError> {
    let deleted = tx
        .execute(
            sql!("UPDATE person SET deleted_at = $2, version = version + 1 WHERE id = $1 AND deleted_at IS NULL"),
            args![&id.to_string(), now],
        )
        .await?;
    Ok(deleted == 1)
}

/// Everybody of the account who is somebody there by hand, an owner beside its one owner among them, and whom nothing keeps
/// out: with a role or place that somebody gave them, or without an identity that would bring them.
pub async fn by_hand(conn: &mut Conn, account: AccountId) -> Result<Vec<Listed>, DbError> {
    conn.all(
        sql!(
            select_listed!(),
            " AND m.account_role <> 'owner' AND m.held = FALSE AND m.left_org_at IS NULL AND m.left_account_at IS NULL
              AND (m.account_role <> 'member' OR EXISTS (SELECT 1 FROM manual_grant g WHERE g.member_id = m.id)
                   OR NOT EXISTS (SELECT 1 FROM identity i WHERE i.member_id = m.id))
              ORDER BY m.id"
        ),
        args![&account.to_string()],
    )
    .await
}

/// The living user with this id.
pub async fn find(conn: &mut Conn, id: UserId) -> Result<Option<Person>, DbError> {
    conn.optional(
        sql!("SELECT id, name, email, email_normal, email_proven FROM person WHERE id = $1 AND deleted_at IS NULL"),
        args![&id.to_string()],
    )
    .await
}

/// The living user whose trusted address this is.
pub async fn with_email(conn: &mut Conn, normal: &str) -> Result<Option<Person>, DbError> {
    conn.optional(
        sql!("SELECT id, name, email, email_normal, email_proven FROM person WHERE email_normal = $1 AND deleted_at IS NULL"),
        args![normal],
    )
    .await
}

/// At the most `limit` of the account's local people after `after`, in the order of their ids: those who have a password
/// here, or an address of their own and nothing else to sign in with.
pub async fn local(conn: &mut Conn, account: AccountId, after: &str, limit: i64) -> Result<Vec<Listed>, DbError> {
    conn.all(
        sql!(select_listed!(), is_local!(), " AND p.id > $2 ORDER BY p.id LIMIT $3"),
        args![&account.to_string(), after, limit],
    )
    .await
}

/// One of them.
pub async fn local_with(conn: &mut Conn, account: AccountId, user: UserId) -> Result<Option<Listed>, DbError> {
    conn.optional(sql!(select_listed!(), is_local!(), " AND p.id = $2"), args![&account.to_string(), &user.to_string()])
        .await
}

pub(crate) fn searchable(name: &str, email: Option<&str>) -> String {
    fold(&format!("{name} {}", email.unwrap_or_default()))
}

/// Whose users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// The org's: without those who left it.
    Org,
    /// The account's: whoever was ever in it.
    Account,
}

/// At the most `limit` living users after `after`, in the order of their ids, whose name or address contains `part` (empty
/// for all), without regard to case.
pub async fn page(
    conn: &mut Conn,
    account: AccountId,
    within: Within,
    (after, part): (&str, &str),
    limit: i64,
) -> Result<Vec<Listed>, DbError> {
    let pattern = format!("%{}%", fold(part).replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
    conn.all(
        sql!(
            select_listed!(),
            " AND p.id > $2 AND ($5 OR m.left_org_at IS NULL) AND ($3 = '%%' OR p.search LIKE $3 ESCAPE '\\')
             ORDER BY p.id LIMIT $4"
        ),
        args![&account.to_string(), after, &pattern, limit, within == Within::Account],
    )
    .await
}

/// One user as this account lists them.
pub async fn listed(conn: &mut Conn, account: AccountId, user: UserId) -> Result<Option<Listed>, DbError> {
    conn.optional(sql!(select_listed!(), " AND p.id = $2"), args![&account.to_string(), &user.to_string()]).await
}

/// The user of this account whose trusted address this is, or else the only one who claims it.
pub async fn by_email(conn: &mut Conn, account: AccountId, email: &str) -> Result<Option<Listed>, DbError> {
    let mut found: Vec<Listed> = conn
        .all(
            sql!(
                select_listed!(),
                " AND (p.email_normal = $2 OR p.email = $2)
                 ORDER BY CASE WHEN p.email_normal = $2 THEN 0 ELSE 1 END, p.id LIMIT 2"
            ),
            args![&account.to_string(), email],
        )
        .await?;
    // Whoever claims another's address must not hide them: a trusted one is unique.
    let certain = found.len() == 1 || found.first().is_some_and(|first| first.person.email_trusted);
    found.truncate(1);
    Ok(found.pop().filter(|_| certain))
}

/// The last sign-in of somebody.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Who.
    pub person: Person,
    /// When.
    pub at: Timestamp,
    /// The name of the connection; none for a local sign-in.
    pub connection: Option<String>,
}

impl FromRow for SignIn {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            person: Person::from_row(row)?,
            at: row.get("last_login_at")?,
            connection: row.get("connection_name")?,
        })
    }
}

/// The users of this account who signed in last, the latest first, each once.
pub async fn signed_in_lately(conn: &mut Conn, account: AccountId, limit: i64) -> Result<Vec<SignIn>, DbError> {
    conn.all(
        sql!(
            "SELECT p.id, p.name, p.email, p.email_normal, p.email_proven, m.last_login_at,
                    (SELECT c.name FROM session s LEFT JOIN connection c ON c.id = s.connection_id
                     WHERE s.member_id = m.id ORDER BY s.minted_at DESC, s.id DESC LIMIT 1) AS connection_name
             FROM member m JOIN person p ON p.id = m.person_id
             WHERE m.account_id = $1 AND m.last_login_at IS NOT NULL AND p.deleted_at IS NULL
             ORDER BY m.last_login_at DESC LIMIT $2"
        ),
        args![&account.to_string(), limit],
    )
    .await
}
