//! Roles given by hand: which role a member has for which service, in the org or in a team. What rules give is never stored.

use cardea_model::Timestamp;
use cardea_model::id::{AccountId, MemberId, TeamId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// One role that somebody gave by hand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The team's name; empty for the whole org.
    pub team: String,
    /// The service's name; `gateway` for roles in the gateway itself.
    pub service: String,
    /// The role's name.
    pub role: String,
    /// Who gave it: a user's id, `operator`, `rules` for what these left, or empty where nobody noted it.
    pub granted_by: String,
}

impl FromRow for Grant {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            team: row.get("team")?,
            service: row.get("service")?,
            role: row.get("role")?,
            granted_by: row.get("granted_by")?,
        })
    }
}

/// A grant and whose it is.
#[derive(Clone, Debug)]
pub struct Held {
    /// Whose.
    pub member: MemberId,
    /// What.
    pub grant: Grant,
}

impl FromRow for Held {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { member: row.parsed("member_id")?, grant: Grant::from_row(row)? })
    }
}

/// Every grant of the member whose team, if any, still stands.
pub async fn of(conn: &mut Conn, member: MemberId) -> Result<Vec<Grant>, DbError> {
    conn.all(
        sql!(
            "SELECT COALESCE(t.name, '') AS team, g.service, g.role, g.granted_by
             FROM manual_grant g LEFT JOIN team t ON t.id = g.team_id AND t.deleted_at IS NULL
             WHERE g.member_id = $1 AND (g.team_id = '' OR t.id IS NOT NULL) ORDER BY team, g.service, g.role"
        ),
        args![&member.to_string()],
    )
    .await
}

/// The grants of an account's members whose ids lie after the first and up to the second, in the order of those ids.
pub async fn between(conn: &mut Conn, account: AccountId, (after, until): (&str, &str)) -> Result<Vec<Held>, DbError> {
    conn.all(
        sql!(
            "SELECT g.member_id, COALESCE(t.name, '') AS team, g.service, g.role, g.granted_by
             FROM manual_grant g LEFT JOIN team t ON t.id = g.team_id AND t.deleted_at IS NULL
             WHERE g.member_id > $1 AND g.member_id <= $2 AND (g.team_id = '' OR t.id IS NOT NULL)
               AND EXISTS (SELECT 1 FROM member m WHERE m.id = g.member_id AND m.account_id = $3)
             ORDER BY g.member_id"
        ),
        args![after, until, &account.to_string()],
    )
    .await
}

/// How often a role was given by hand.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The service's name.
    pub service: String,
    /// The role's name.
    pub role: String,
    /// To how many members and teams.
    pub count: i64,
}

impl FromRow for Counted {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { service: row.get("service")?, role: row.get("role")?, count: row.get("times")? })
    }
}

/// How often each role was given by hand, in the whole instance.
pub async fn counted(conn: &mut Conn) -> Result<Vec<Counted>, DbError> {
    conn.all(
        sql!("SELECT service, role, COUNT(*) AS times FROM manual_grant GROUP BY service, role ORDER BY service, role"),
        args![],
    )
    .await
}

/// A role as it is written: the team's id (empty for the whole org), the service and the role.
#[derive(Clone, Copy, Debug)]
pub struct Role<'a> {
    /// The team's id; empty for the whole org.
    pub team_id: &'a str,
    /// The service's name.
    pub service: &'a str,
    /// The role's name.
    pub role: &'a str,
}

/// Gives a role; `false`: the member has it already.
pub async fn add(
    tx: &mut Tx,
    member: MemberId,
    role: Role<'_>,
    granted_by: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let added = tx
        .execute(
            sql!(
                "INSERT INTO manual_grant (member_id, team_id, service, role, granted_by, granted_at)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (member_id, team_id, service, role) DO NOTHING"
            ),
            args![&member.to_string(), role.team_id, role.service, role.role, granted_by, now],
        )
        .await?;
    Ok(added == 1)
}

/// Takes a role away; `false`: the member does not have it.
pub async fn remove(tx: &mut Tx, member: MemberId, role: Role<'_>) -> Result<bool, DbError> {
    let removed = tx
        .execute(
            sql!("DELETE FROM manual_grant WHERE member_id = $1 AND team_id = $2 AND service = $3 AND role = $4"),
            args![&member.to_string(), role.team_id, role.service, role.role],
        )
        .await?;
    Ok(removed == 1)
}

/// Takes every role away; how many there were.
pub async fn remove_all(tx: &mut Tx, member: MemberId) -> Result<u64, DbError> {
    tx.execute(sql!("DELETE FROM manual_grant WHERE member_id = $1"), args![&member.to_string()]).await
}

/// Takes every role in this team away; how many there were.
pub async fn remove_of_team(tx: &mut Tx, team: TeamId) -> Result<u64, DbError> {
    tx.execute(sql!("DELETE FROM manual_grant WHERE team_id = $1"), args![&team.to_string()]).await
}

/// The members to whom somebody gave a role in this team, in the order of their ids.
pub async fn members_of_team(conn: &mut Conn, team: TeamId) -> Result<Vec<MemberId>, DbError> {
    struct Holder(MemberId);
    impl FromRow for Holder {
        fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
            row.parsed("member_id").map(Self)
        }
    }
    let holders: Vec<Holder> = conn
        .all(
            sql!("SELECT DISTINCT member_id FROM manual_grant WHERE team_id = $1 ORDER BY member_id"),
            args![&team.to_string()],
        )
        .await?;
    Ok(holders.into_iter().map(|Holder(member)| member).collect())
}
