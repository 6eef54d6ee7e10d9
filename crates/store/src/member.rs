//! Members: one user in one account, with the numbers by which access ends. Rows are never deleted.

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, MemberId, OrgId, UserId};
use cardea_model::numbers::{Numbers, What};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// A member with the account's org.
#[derive(Clone, Debug)]
pub struct Member {
    /// The member.
    pub id: MemberId,
    /// The account.
    pub account: AccountId,
    /// The account's org.
    pub org: OrgId,
    /// The user.
    pub user: UserId,
    /// `owner`, `admin` or `member` of the account, as given by hand.
    pub account_role: String,
    /// Whether the member owns the org.
    pub owner: bool,
    /// When they left the org, if they did.
    pub left_org_at: Option<Timestamp>,
    /// When they left the account, if they did.
    pub left_account_at: Option<Timestamp>,
    /// The generation of rules since which only rules give their roles, if that is noted.
    pub managed_since: Option<i64>,
    /// The newest generation that left people by hand what rules had given, of which that is written for this member.
    pub frozen: i64,
    /// How the org's rules stand.
    pub rules: InForce,
    /// The numbers as of this read.
    pub numbers: Numbers,
}

/// How the rules of an org stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InForce {
    /// Whether they give roles.
    pub active: bool,
    /// The generation in force; 0 for none.
    pub generation: i64,
    /// The newest generation whose people all carry their mark.
    pub settled: i64,
    /// Raised by every change of the org.
    pub version: i64,
}

impl FromRow for InForce {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            active: row.get("rules_active")?,
            generation: row.get("generation")?,
            settled: row.get("settled")?,
            version: row.get("org_version")?,
        })
    }
}

pub(crate) fn numbers(row: &Row<'_>) -> Result<Numbers, DbError> {
    Ok(Numbers {
        epoch: row.get("epoch")?,
        session_floor: row.get("session_floor")?,
        roles_version: row.get("roles_version")?,
        held: row.get("held")?,
    })
}

impl FromRow for Member {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parsed("id")?,
            account: row.parsed("account_id")?,
            org: row.parsed("org_id")?,
            user: row.parsed("person_id")?,
            account_role: row.get("account_role")?,
            owner: row.get("owner")?,
            left_org_at: row.get("left_org_at")?,
            left_account_at: row.get("left_account_at")?,
            managed_since: row.get("managed_since")?,
            frozen: row.get("frozen")?,
            rules: InForce::from_row(row)?,
            numbers: numbers(row)?,
        })
    }
}

struct Only(Numbers);
impl FromRow for Only {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        numbers(row).map(Self)
    }
}

/// A new member, with its first epoch.
pub async fn add(
    tx: &mut Tx,
    id: MemberId,
    account: AccountId,
    user: UserId,
    account_role: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(
        sql!("INSERT INTO member (id, account_id, person_id, account_role, created_at) VALUES ($1, $2, $3, $4, $5)"),
        args![&id.to_string(), &account.to_string(), &user.to_string(), account_role, now],
    )
    .await?;
    Ok(())
}

/// The member with this id.
pub async fn find(conn: &mut Conn, id: MemberId) -> Result<Option<Member>, DbError> {
    conn.optional(
        sql!(
            "SELECT m.id, m.account_id, o.id AS org_id, m.person_id, m.account_role, m.owner, m.left_org_at, m.left_account_at,
                    m.managed_since, m.frozen, o.rules_active, o.generation, o.settled, o.version AS org_version, m.epoch, m.session_floor,
                    m.roles_version, m.held
             FROM member m JOIN org o ON o.account_id = m.account_id WHERE m.id = $1"
        ),
        args![&id.to_string()],
    )
    .await
}

/// This user's membership of this account.
pub async fn of_user(conn: &mut Conn, account: AccountId, user: UserId) -> Result<Option<Member>, DbError> {
    conn.optional(
        sql!(
            "SELECT m.id, m.account_id, o.id AS org_id, m.person_id, m.account_role, m.owner, m.left_org_at, m.left_account_at,
                    m.managed_since, m.frozen, o.rules_active, o.generation, o.settled, o.version AS org_version, m.epoch, m.session_floor,
                    m.roles_version, m.held
             FROM member m JOIN org o ON o.account_id = m.account_id WHERE m.account_id = $1 AND m.person_id = $2"
        ),
        args![&account.to_string(), &user.to_string()],
    )
    .await
}

/// The fence of every issuing transaction: writes the row, and so waits for and locks out any end of access,
/// and says whether the epoch is still `epoch` and nothing holds the member. Must be the first write of its transaction.
pub async fn touch(tx: &mut Tx, id: MemberId, epoch: i64) -> Result<bool, DbError> {
    let touched = tx
        .execute(
            sql!("UPDATE member SET issued = issued + 1 WHERE id = $1 AND epoch = $2 AND held = FALSE"),
            args![&id.to_string(), epoch],
        )
        .await?;
    Ok(touched == 1)
}

/// The fence of a sign-in, which it notes: like [`touch`].
pub async fn enter(tx: &mut Tx, id: MemberId, epoch: i64, now: Timestamp) -> Result<bool, DbError> {
    let entered = tx
        .execute(
            sql!("UPDATE member SET issued = issued + 1, last_login_at = $3 WHERE id = $1 AND epoch = $2 AND held = FALSE"),
            args![&id.to_string(), epoch, now],
        )
        .await?;
    Ok(entered == 1)
}

/// Writes the row without changing what it says: holds off every touch and every end of access until the commit.
pub async fn lock(tx: &mut Tx, id: MemberId) -> Result<bool, DbError> {
    let locked =
        tx.execute(sql!("UPDATE member SET issued = issued + 1 WHERE id = $1"), args![&id.to_string()]).await?;
    Ok(locked == 1)
}

/// The same for the account's member with this address, normalised, if there is one.
pub async fn lock_with_email(tx: &mut Tx, account: AccountId, normal: &str) -> Result<bool, DbError> {
    let locked = tx
        .execute(
            sql!(
                "UPDATE member SET issued = issued + 1 WHERE account_id = $1 AND person_id =
                 (SELECT id FROM person WHERE email_normal = $2 AND deleted_at IS NULL)"
            ),
            args![&account.to_string(), normal],
        )
        .await?;
    Ok(locked == 1)
}

/// A member whose access has ended.
#[derive(Clone, Copy, Debug)]
pub struct Raised {
    /// The numbers from now on.
    pub numbers: Numbers,
    /// The account.
    pub account: AccountId,
    /// Whether they own the org.
    pub owner: bool,
}

impl FromRow for Raised {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { numbers: numbers(row)?, account: row.parsed("account_id")?, owner: row.get("owner")? })
    }
}

/// Raises what `what` ends, and sets `held` besides when `hold` says so; must be the first write of its transaction.
/// The session floor never goes back.
pub async fn raise(
    tx: &mut Tx,
    id: MemberId,
    what: What,
    hold: bool,
    floor: Timestamp,
) -> Result<Option<Raised>, DbError> {
    let step = i64::from(what == What::All);
    tx.optional(
        sql!(
            "UPDATE member SET epoch = epoch + $2, held = (held OR $3),
                    session_floor = CASE WHEN session_floor > $4 THEN session_floor ELSE $4 END
             WHERE id = $1 RETURNING account_id, owner, epoch, session_floor, roles_version, held"
        ),
        args![&id.to_string(), step, hold, floor],
    )
    .await
}

/// Sets `held` to whether any hold stands, and raises the epoch, so that nothing made before comes back.
pub async fn settle_holds(tx: &mut Tx, id: MemberId) -> Result<Option<Numbers>, DbError> {
    let settled: Option<Only> = tx
        .optional(
            sql!(
                "UPDATE member SET epoch = epoch + 1,
                        held = EXISTS (SELECT 1 FROM hold h WHERE h.member_id = member.id)
                 WHERE id = $1 RETURNING epoch, session_floor, roles_version, held"
            ),
            args![&id.to_string()],
        )
        .await?;
    Ok(settled.map(|Only(numbers)| numbers))
}

/// Raises the roles version: cached decisions about this member are made anew.
pub async fn roles_changed(tx: &mut Tx, id: MemberId) -> Result<Option<Numbers>, DbError> {
    let changed: Option<Only> = tx
        .optional(
            sql!(
                "UPDATE member SET roles_version = roles_version + 1 WHERE id = $1
                 RETURNING epoch, session_floor, roles_version, held"
            ),
            args![&id.to_string()],
        )
        .await?;
    Ok(changed.map(|Only(numbers)| numbers))
}

/// How many members the account has.
pub async fn count(conn: &mut Conn, account: AccountId) -> Result<i64, DbError> {
    conn.one(sql!("SELECT COUNT(*) AS value FROM member WHERE account_id = $1"), args![&account.to_string()]).await
}

/// Notes that only rules give this member's roles since that generation, unless an earlier one is noted; `void` is a noted
/// one that does not count.
pub async fn manage(tx: &mut Tx, id: MemberId, since: i64, void: Option<i64>) -> Result<bool, DbError> {
    let noted = tx
        .execute(
            sql!(
                "UPDATE member SET managed_since = $2
                 WHERE id = $1 AND (managed_since IS NULL OR managed_since > $2 OR managed_since = $3)"
            ),
            args![&id.to_string(), since, void.unwrap_or(0)],
        )
        .await?;
    Ok(noted == 1)
}

/// Notes that what this generation left to the member by hand is written. `false`: it was already.
pub async fn freeze(tx: &mut Tx, id: MemberId, generation: i64) -> Result<bool, DbError> {
    let noted = tx
        .execute(
            sql!("UPDATE member SET frozen = $2 WHERE id = $1 AND frozen < $2"),
            args![&id.to_string(), generation],
        )
        .await?;
    Ok(noted == 1)
}

/// Makes the member an owner of the org and an admin of the account, or its one owner.
pub async fn make_owner(tx: &mut Tx, id: MemberId, account_role: &str) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!("UPDATE member SET owner = TRUE, account_role = $2, left_org_at = NULL, left_account_at = NULL WHERE id = $1"),
            args![&id.to_string(), account_role],
        )
        .await?;
    Ok(changed == 1)
}

/// Makes an owner of the org a plain member of the account, who owns nothing.
pub async fn end_ownership(tx: &mut Tx, id: MemberId) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!("UPDATE member SET owner = FALSE, account_role = 'member' WHERE id = $1 AND owner = TRUE"),
            args![&id.to_string()],
        )
        .await?;
    Ok(changed == 1)
}

/// Makes the member an `admin` or a plain `member` of the account; the account's owner stays what they are.
pub async fn set_account_role(tx: &mut Tx, id: MemberId, role: &str) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!("UPDATE member SET account_role = $2 WHERE id = $1 AND account_role <> 'owner' AND owner = FALSE"),
            args![&id.to_string(), role],
        )
        .await?;
    Ok(changed == 1)
}

/// Every membership of this user, the oldest first.
pub async fn all_of_user(conn: &mut Conn, user: UserId) -> Result<Vec<Member>, DbError> {
    conn.all(
        sql!(
            "SELECT m.id, m.account_id, o.id AS org_id, m.person_id, m.account_role, m.owner, m.left_org_at, m.left_account_at,
                    m.managed_since, m.frozen, o.rules_active, o.generation, o.settled, o.version AS org_version, m.epoch, m.session_floor,
                    m.roles_version, m.held
             FROM member m JOIN org o ON o.account_id = m.account_id WHERE m.person_id = $1 ORDER BY m.created_at, m.id"
        ),
        args![&user.to_string()],
    )
    .await
}

/// The addresses of the org's owners, the account's one owner first.
pub async fn owner_emails(conn: &mut Conn, account: AccountId) -> Result<Vec<String>, DbError> {
    conn.all(
        sql!(
            "SELECT COALESCE(p.email, '') AS email FROM member m JOIN person p ON p.id = m.person_id
             WHERE m.account_id = $1 AND m.owner = TRUE AND p.deleted_at IS NULL
             ORDER BY CASE WHEN m.account_role = 'owner' THEN 0 ELSE 1 END, m.created_at, m.id"
        ),
        args![&account.to_string()],
    )
    .await
}

/// An owner, as others hear of them.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The member.
    pub member: MemberId,
    /// The user.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// Their address, if they have one.
    pub email: Option<String>,
    /// `owner` or `admin` of the account.
    pub account_role: String,
    /// Whether they may do nothing for now.
    pub held: bool,
}

impl FromRow for Owner {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            member: row.parsed("id")?,
            user: row.parsed("person_id")?,
            name: row.get("name")?,
            email: row.get("email")?,
            account_role: row.get("account_role")?,
            held: row.get("held")?,
        })
    }
}

/// The account's owners, the oldest first.
pub async fn owners(conn: &mut Conn, account: AccountId) -> Result<Vec<Owner>, DbError> {
    conn.all(
        sql!(
            "SELECT m.id, m.person_id, m.account_role, m.held, p.name, p.email
             FROM member m JOIN person p ON p.id = m.person_id
             WHERE m.account_id = $1 AND m.owner = TRUE AND p.deleted_at IS NULL ORDER BY m.created_at, m.id"
        ),
        args![&account.to_string()],
    )
    .await
}
