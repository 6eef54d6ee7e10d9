//! What a person sees of themselves.

use cardea_model::id::UserId;
use cardea_model::{Caller, Denied, Standing};
use cardea_store::{account, member, person};
use serde::Serialize;

use super::RoleView;
use crate::app::App;
use crate::context::Ctx;
use crate::error::GatewayError;
use crate::roles::{self, Known};

/// What a person sees of themselves.
#[derive(Clone, Debug, Serialize)]
pub struct Me {
    /// The user.
    pub user: MeUser,
    /// The account whose door they came through.
    pub account: String,
    /// The org of that account and their roles there.
    pub orgs: Vec<MeOrg>,
    /// What they should know, such as that their groups could not be read.
    pub notices: Vec<Notice>,
}

/// The user in [`Me`].
#[derive(Clone, Debug, Serialize)]
pub struct MeUser {
    /// The user.
    pub id: UserId,
    /// Their address.
    pub email: Option<String>,
    /// Whether the address is proven to be theirs.
    pub email_verified: bool,
    /// Their name.
    pub name: String,
}

/// An org in [`Me`].
#[derive(Clone, Debug, Serialize)]
pub struct MeOrg {
    /// The org's name.
    pub org: String,
    /// The roles there.
    pub roles: Vec<RoleView>,
}

/// A notice in [`Me`].
#[derive(Clone, Debug, Serialize)]
pub struct Notice {
    /// A stable word.
    pub code: &'static str,
}

/// The person who speaks.
///
/// # Errors
/// Refusals and the database's.
pub async fn me(app: &App, ctx: &Ctx) -> Result<Me, GatewayError> {
    let Caller::Person(speaker) = &ctx.caller else { return Err(Denied::Unknown.into()) };
    let mut conn = app.db.read().await?;
    let person = person::find(&mut conn, speaker.user).await?.ok_or(GatewayError::Denied(Denied::Unknown))?;
    // A session speaks in one account: what the same person is in another is not for whoever runs this one's door.
    let tenant = account::find(&mut conn, speaker.account).await?.ok_or(GatewayError::Corrupt("member"))?;
    let row = member::find(&mut conn, speaker.member).await?.ok_or(GatewayError::Corrupt("member"))?;
    let held = roles::of(app, &mut conn, &row, ctx.now).await?;
    let orgs = vec![MeOrg { org: tenant.org_name, roles: held.roles }];
    let user = MeUser { id: person.id, email: person.email, email_verified: person.email_proven, name: person.name };
    let roleless = orgs.iter().all(|org| org.roles.is_empty());
    // Whose groups were cut off or left out keeps the last good ones, and should know that they may be old.
    let unknown = Known::read(app, &mut conn, &row, ctx.now).await?.is_unsure();
    let codes = [(roleless, "no_roles"), (unknown && !row.owner, "unknown_groups")];
    let notices = codes.into_iter().filter_map(|(applies, code)| applies.then_some(Notice { code })).collect();
    Ok(Me { user, account: tenant.name, orgs, notices })
}

/// Where the person who speaks stands: themselves and the org of their session.
#[derive(Clone, Debug)]
pub struct Here {
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: Option<String>,
    /// The account whose door they came through.
    pub account: String,
    /// Its org.
    pub org: String,
    /// What they are there.
    pub standing: Standing,
}

/// Where the person who speaks stands.
///
/// # Errors
/// Refusals and the database's.
pub async fn here(app: &App, ctx: &Ctx) -> Result<Here, GatewayError> {
    let Caller::Person(speaker) = &ctx.caller else { return Err(Denied::Unknown.into()) };
    let mut conn = app.db.read().await?;
    let person = person::find(&mut conn, speaker.user).await?.ok_or(GatewayError::Denied(Denied::Unknown))?;
    let tenant = account::find(&mut conn, speaker.account).await?.ok_or(GatewayError::Corrupt("member"))?;
    Ok(Here {
        name: person.name,
        email: person.email,
        account: tenant.name,
        org: tenant.org_name,
        standing: speaker.standing,
    })
}
