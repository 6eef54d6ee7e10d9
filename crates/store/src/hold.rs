//! Holds: the reasons why a member may not act. A member acts only while no hold stands.

use cardea_model::Timestamp;
use cardea_model::id::{MemberId, ReceiptId};
use cardea_model::numbers::HoldKind;

use crate::db::{Conn, DbError, FromRow, Row, Tx};
use crate::{args, sql};

/// One reason.
#[derive(Clone, Debug)]
pub struct Hold {
    /// Who put it there: `directory:okta`, `operator`, `admin`.
    pub source: String,
    /// `disabled` or `deleted`.
    pub kind: String,
    /// Since when.
    pub since: Timestamp,
    /// The receipt of the end of access that came with it.
    pub receipt: ReceiptId,
}

impl FromRow for Hold {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            source: row.get("source")?,
            kind: row.get("kind")?,
            since: row.get("since")?,
            receipt: row.parsed("receipt_id")?,
        })
    }
}

/// Puts a hold on the member; a hold that stands already stays as it is.
pub async fn put(
    tx: &mut Tx,
    member: MemberId,
    source: &str,
    kind: HoldKind,
    since: Timestamp,
    receipt: ReceiptId,
) -> Result<bool, DbError> {
    let added = tx
        .execute(
            sql!(
                "INSERT INTO hold (member_id, source, kind, since, receipt_id) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (member_id, source, kind) DO NOTHING"
            ),
            args![&member.to_string(), source, kind.as_str(), since, &receipt.to_string()],
        )
        .await?;
    Ok(added == 1)
}

/// Lifts the `disabled` hold of this source, if it stands.
pub async fn lift(tx: &mut Tx, member: MemberId, source: &str) -> Result<bool, DbError> {
    let lifted = tx
        .execute(
            sql!("DELETE FROM hold WHERE member_id = $1 AND source = $2 AND kind = 'disabled'"),
            args![&member.to_string(), source],
        )
        .await?;
    Ok(lifted == 1)
}

/// Lifts every hold on the member; how many there were.
pub async fn lift_all(tx: &mut Tx, member: MemberId) -> Result<u64, DbError> {
    tx.execute(sql!("DELETE FROM hold WHERE member_id = $1"), args![&member.to_string()]).await
}

/// Every hold on the member, oldest first.
pub async fn of(conn: &mut Conn, member: MemberId) -> Result<Vec<Hold>, DbError> {
    conn.all(
        sql!("SELECT source, kind, since, receipt_id FROM hold WHERE member_id = $1 ORDER BY since, source, kind"),
        args![&member.to_string()],
    )
    .await
}
