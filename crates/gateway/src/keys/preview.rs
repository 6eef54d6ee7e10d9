//! What a key reaches, shown before it is made and while it stands: the same answer that a check gives.

use cardea_model::Denied;
use cardea_model::Permission;
use cardea_model::id::{AccountId, KeyId};
use cardea_model::key::{GrantSpec, Holder, KeyGrants, KeyKind, OrgFacts, Reach, Roles, reach, warnings};
use cardea_store::account::{self, Account};
use cardea_store::db::Conn;
use cardea_store::member;
use serde::Serialize;

use super::{KeyError, Whose, get, grantable, holder, service};
use crate::app::App;
use crate::check;
use crate::context::Ctx;
use crate::{entitlements, roles};

/// What a key reaches.
#[derive(Clone, Debug, Serialize)]
pub struct Reached {
    /// Its parts; nothing else is reached.
    pub reaches: Vec<Line>,
    /// What is missing for it to be of use, in words.
    pub warnings: Vec<String>,
}

/// A part of what a key reaches.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// The service.
    pub service: String,
    /// Only entities of this type; any, if there is none.
    pub entity_type: Option<String>,
    /// The entities; none where the service is asked without. `org/*/*` does not mean `org/name` here.
    pub entities: Option<String>,
    /// What may be done with them.
    pub scopes: Vec<String>,
    /// Whether it reaches what is not there yet as well.
    pub future: bool,
    /// Where that is in every team of the org: those that stand now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
}

/// What a key with these grants would reach; refused as its creation would be.
///
/// # Errors
/// [`KeyError`].
pub async fn preview(app: &App, ctx: &Ctx, whose: &Whose, grants: Vec<GrantSpec>) -> Result<Reached, KeyError> {
    let account = account_of(ctx, whose)?;
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(KeyError::Denied(Denied::Hidden))?;
    let grants = match whose {
        Whose::Own => {
            let member = member::find(&mut conn, holder(ctx)?.member).await?.ok_or(KeyError::Ended)?;
            grantable(app, &mut conn, &member, (grants, KeyKind::Personal), ctx.now).await?
        }
        Whose::Service(_) => service::grantable(app, &mut conn, &row, grants, ctx.now).await?,
        Whose::User(..) => return Err(Denied::Refused.into()),
    };
    reached(app, &mut conn, ctx, (whose, &row), &grants).await
}

/// What a key reaches now, as long as it works: a legacy key in the org in which it was made.
///
/// # Errors
/// [`KeyError`].
pub async fn reach_of(app: &App, ctx: &Ctx, whose: &Whose, id: KeyId) -> Result<Reached, KeyError> {
    let account = account_of(ctx, whose)?;
    let key = get(app, ctx, whose, id).await?;
    let mut conn = app.db.read().await?;
    let row = account::find(&mut conn, account).await?.ok_or(KeyError::Denied(Denied::Hidden))?;
    reached(app, &mut conn, ctx, (whose, &row), &key.grants).await
}

fn account_of(ctx: &Ctx, whose: &Whose) -> Result<AccountId, KeyError> {
    match whose {
        Whose::Own => Ok(holder(ctx)?.account),
        Whose::Service(account) => {
            ctx.may(Permission::ManageServiceKeys, *account)?;
            Ok(*account)
        }
        Whose::User(..) => Err(Denied::Refused.into()),
    }
}

async fn reached(
    app: &App,
    conn: &mut Conn,
    ctx: &Ctx,
    (whose, account): (&Whose, &Account),
    grants: &[GrantSpec],
) -> Result<Reached, KeyError> {
    let has = entitlements::in_force(conn, account.org, ctx.now).await?;
    let enabled = app.catalogue.services_named(has.iter().map(String::as_str));
    let roles: Option<Roles> = match whose {
        Whose::Own => {
            let member = member::find(conn, holder(ctx)?.member).await?.ok_or(KeyError::Ended)?;
            Some(check::sum(&app.catalogue, &roles::of(app, conn, &member, ctx.now).await?))
        }
        Whose::Service(_) | Whose::User(..) => None,
    };
    let facts = OrgFacts { name: &account.org_name, enabled };
    let lines = reach(
        &app.catalogue,
        &KeyGrants::load(grants, &app.catalogue),
        roles.as_ref().map_or(Holder::Org, Holder::Person),
        &facts,
    );
    let teams: Vec<String> = account::teams(conn, account.org).await?.into_iter().map(|team| team.name).collect();
    let every = format!("{}/*/*", account.org_name);
    let shown =
        lines.iter().map(|line| show(app, line, |entities| if entities == every { teams.clone() } else { Vec::new() }));
    Ok(Reached { reaches: shown.collect(), warnings: warnings(grants, &app.catalogue) })
}

fn show(app: &App, line: &Reach, teams: impl Fn(&str) -> Vec<String>) -> Line {
    let service = app.catalogue.service(line.service);
    let entity_type = line.entity_type.and_then(|index| service?.entity_type(index));
    let entities = line.entities.as_ref().map(ToString::to_string);
    Line {
        service: service.map(|service| service.name.to_string()).unwrap_or_default(),
        entity_type: entity_type.map(|known| known.name.to_string()),
        teams: entities.as_deref().map(teams).unwrap_or_default(),
        entities,
        scopes: service.iter().flat_map(|service| service.names_of(line.scopes)).map(str::to_owned).collect(),
        future: line.is_open(),
    }
}
