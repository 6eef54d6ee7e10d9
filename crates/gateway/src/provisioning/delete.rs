//! A DELETE: the record becomes a tombstone, and access ends for good.

use cardea_model::numbers::{Cause, HoldKind, What};
use cardea_store::{identity, member, person, record};
use serde_json::json;

use super::{Directory, ProvisioningError, meant_for, missing, user_id};
use crate::app::App;
use crate::audit;
use crate::revocation::{self, Ending};

/// Deletes a record; `if_match` is the header of that name. The person goes with their last record, unless they own an
/// org.
///
/// # Errors
/// [`ProvisioningError`]; then nothing has changed.
pub async fn delete(
    app: &App,
    directory: &Directory,
    id: &str,
    if_match: Option<&str>,
) -> Result<(), ProvisioningError> {
    directory.may()?;
    let (ctx, user) = (&directory.ctx, user_id(id)?);
    let row = record::find(&mut app.db.read().await?, directory.connection, user).await?;
    let row = row.ok_or_else(|| missing(id))?;
    meant_for(&row.identity, if_match)?;
    let source = directory.source();
    let ending = Ending {
        member: row.identity.member,
        what: What::All,
        // An owner can be suspended by their directory, not deleted.
        hold: Some(if row.owner { HoldKind::Disabled } else { HoldKind::Deleted }),
        cause: Cause::DirectoryDeleted,
        source: &source,
        message: "deleted",
    };
    let mut tx = app.db.write().await?;
    // From here on nothing is issued to them.
    member::lock(&mut tx, row.identity.member).await?;
    // Of two deletes at once, one finds nothing left to delete.
    if !identity::delete(&mut tx, directory.connection, row.identity.id, ctx.now).await? {
        return Err(missing(id).into());
    }
    person::lock(&mut tx, user).await?;
    let gone = record::delete_person_without(&mut tx, user, ctx.now).await?;
    let detail = json!({"connection": directory.name, "owner": row.owner, "person_deleted": gone});
    let (account, target) = (Some(directory.account), user.to_string());
    audit::record(app, &mut tx, ctx, account, "user.deleted_by_directory", &target, detail).await?;
    revocation::end_locked(app, &mut tx, ctx, ending).await?.ok_or(ProvisioningError::Corrupt("record"))?;
    tx.commit().await?;
    Ok(())
}
