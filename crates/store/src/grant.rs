//! Role grants: which role a member has for which service, in the org or in a team, and why.

use cardea_model::Timestamp;
use cardea_model::id::{MemberId, RuleId, TeamId};

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// One grant with its reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The team's name; empty for the whole org.
    pub team: String,
    /// The service's name; `gateway` for roles in the gateway itself.
    pub service: String,
    /// The role's name.
    pub role: String,
    /// `manual` or `rule`.
    pub source: String,
    /// The rule's id; empty for a manual grant.
    pub rule_id: String,
    /// The rule's name when it granted; empty for a manual grant.
    pub rule_name: String,
    /// The group that matched; empty for a manual grant.
    pub because: String,
}

impl FromRow for Grant {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            team: row.get("team")?,
            service: row.get("service")?,
            role: row.get("role")?,
            source: row.get("source")?,
            rule_id: row.get("rule_id")?,
            rule_name: row.get("rule_name")?,
            because: row.get("because")?,
        })
    }
}

/// Every grant of the member whose team, if any, still stands.
pub async fn of(conn: &mut Conn, member: MemberId) -> Result<Vec<Grant>, DbError> {
    conn.all(
        sql!(
            "SELECT COALESCE(t.name, '') AS team, g.service, g.role, g.source, g.rule_id, g.rule_name, g.because
             FROM role_grant g LEFT JOIN team t ON t.id = g.team_id AND t.deleted_at IS NULL
             WHERE g.member_id = $1 AND (g.team_id = '' OR t.id IS NOT NULL)
             ORDER BY team, g.service, g.role, g.source, g.rule_name, g.because"
        ),
        args![&member.to_string()],
    )
    .await
}

/// Adds a grant; `team_id` is empty for the whole org. A grant that stands already stays.
pub async fn add(tx: &mut Tx, member: MemberId, team_id: &str, grant: &Grant, now: Timestamp) -> Result<bool, DbError> {
    let added = tx
        .execute(
            sql!(
                "INSERT INTO role_grant (member_id, team_id, service, role, source, rule_id, rule_name, because, granted_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 ON CONFLICT (member_id, team_id, service, role, source, rule_id, because) DO NOTHING"
            ),
            args![
                &member.to_string(),
                team_id,
                &grant.service,
                &grant.role,
                &grant.source,
                &grant.rule_id,
                &grant.rule_name,
                &grant.because,
                now
            ],
        )
        .await?;
    Ok(added == 1)
}

/// Takes one rule's grant away.
pub async fn remove(tx: &mut Tx, member: MemberId, team_id: &str, grant: &Grant) -> Result<bool, DbError> {
    let removed = tx
        .execute(
            sql!(
                "DELETE FROM role_grant WHERE member_id = $1 AND team_id = $2 AND service = $3 AND role = $4 AND source = $5
                 AND rule_id = $6 AND because = $7"
            ),
            args![
                &member.to_string(),
                team_id,
                &grant.service,
                &grant.role,
                &grant.source,
                &grant.rule_id,
                &grant.because
            ],
        )
        .await?;
    Ok(removed == 1)
}

/// The members who have a role in this team, in the order of their ids.
pub async fn members_of_team(conn: &mut Conn, team: TeamId) -> Result<Vec<MemberId>, DbError> {
    struct Holder(MemberId);
    impl FromRow for Holder {
        fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
            row.parsed("member_id").map(Self)
        }
    }
    let holders: Vec<Holder> = conn
        .all(
            sql!("SELECT DISTINCT member_id FROM role_grant WHERE team_id = $1 ORDER BY member_id"),
            args![&team.to_string()],
        )
        .await?;
    Ok(holders.into_iter().map(|Holder(member)| member).collect())
}

/// A grant that a rule gave.
#[derive(Clone, Debug)]
pub struct OfRule {
    /// Who has it.
    pub member: MemberId,
    /// The team's id; empty for the whole org.
    pub team_id: String,
    /// The grant.
    pub grant: Grant,
}

impl FromRow for OfRule {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { member: row.parsed("member_id")?, team_id: row.get("team_id")?, grant: Grant::from_row(row)? })
    }
}

/// What this rule gave, in the order of the members' ids.
pub async fn of_rule(conn: &mut Conn, rule: RuleId) -> Result<Vec<OfRule>, DbError> {
    conn.all(
        sql!(
            "SELECT g.member_id, g.team_id, COALESCE(t.name, '') AS team, g.service, g.role, g.source, g.rule_id,
                    g.rule_name, g.because
             FROM role_grant g LEFT JOIN team t ON t.id = g.team_id
             WHERE g.source = 'rule' AND g.rule_id = $1 ORDER BY g.member_id"
        ),
        args![&rule.to_string()],
    )
    .await
}

/// What rules gave the member, each with the id of its team (empty for the whole org); the teams' names are left out.
pub async fn by_rules(conn: &mut Conn, member: MemberId) -> Result<Vec<(String, Grant)>, DbError> {
    struct Placed((String, Grant));
    impl FromRow for Placed {
        fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
            Ok(Self((row.get("team_id")?, Grant::from_row(row)?)))
        }
    }
    let rows: Vec<Placed> = conn
        .all(
            sql!(
                "SELECT team_id, '' AS team, service, role, source, rule_id, rule_name, because FROM role_grant
                 WHERE member_id = $1 AND source = 'rule'"
            ),
            args![&member.to_string()],
        )
        .await?;
    Ok(rows.into_iter().map(|Placed(placed)| placed).collect())
}
