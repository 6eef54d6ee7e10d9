//! Leaving an org or an account, and coming back. A member's row is never deleted: it says when they left.

use cardea_model::Timestamp;
use cardea_model::id::MemberId;

use crate::db::{DbError, Tx};
use crate::{args, sql};

/// Notes that the member left the org; an owner is none any more. `false`: they had left already.
pub async fn leave_org(tx: &mut Tx, id: MemberId, now: Timestamp) -> Result<bool, DbError> {
    let left = tx
        .execute(
            sql!(
                "UPDATE member SET left_org_at = $2, owner = FALSE, roles_version = roles_version + 1
                 WHERE id = $1 AND left_org_at IS NULL"
            ),
            args![&id.to_string(), now],
        )
        .await?;
    Ok(left == 1)
}

/// Notes that the member left the account, and with it the org. `false`: they had left already, or own it.
pub async fn leave_account(tx: &mut Tx, id: MemberId, now: Timestamp) -> Result<bool, DbError> {
    let left = tx
        .execute(
            sql!(
                "UPDATE member SET left_account_at = $2, left_org_at = COALESCE(left_org_at, $2), account_role = 'member',
                        roles_version = roles_version + 1
                 WHERE id = $1 AND left_account_at IS NULL AND owner = FALSE AND account_role <> 'owner'"
            ),
            args![&id.to_string(), now],
        )
        .await?;
    Ok(left == 1)
}

/// Notes that the member is in the account again, and not in the org. `false`: they had not left it.
pub async fn come_back_to_account(tx: &mut Tx, id: MemberId) -> Result<bool, DbError> {
    let back = tx
        .execute(
            sql!("UPDATE member SET left_account_at = NULL WHERE id = $1 AND left_account_at IS NOT NULL"),
            args![&id.to_string()],
        )
        .await?;
    Ok(back == 1)
}

/// Notes that the member is in the org again, and so in the account. `false`: they had left neither.
pub async fn come_back(tx: &mut Tx, id: MemberId) -> Result<bool, DbError> {
    let back = tx
        .execute(
            sql!(
                "UPDATE member SET left_org_at = NULL, left_account_at = NULL, roles_version = roles_version + 1
                 WHERE id = $1 AND left_org_at IS NOT NULL"
            ),
            args![&id.to_string()],
        )
        .await?;
    Ok(back == 1)
}

/// Takes somebody up again who had left the org or the account.
pub async fn rejoin(tx: &mut Tx, id: MemberId) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            sql!("UPDATE member SET left_org_at = NULL, left_account_at = NULL WHERE id = $1"),
            args![&id.to_string()],
        )
        .await?;
    Ok(changed == 1)
}
