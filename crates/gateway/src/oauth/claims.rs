//! What is said of a person: never the groups of their identity provider, only the roles that they earned here.

use cardea_model::Timestamp;
use cardea_model::id::UserId;
use cardea_store::db::{Conn, DbError};
use cardea_store::member::Member;
use cardea_store::person::Person;
use cardea_store::{account, person};

use super::Client;
use crate::app::App;
use crate::entitlements;
use crate::roles::{self, Source};

/// A person as one client sees them.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) user: UserId,
    pub(crate) person: Person,
    pub(crate) org: String,
    /// `service:role`, or `team/service:role`, of the client's own services.
    pub(crate) roles: Vec<String>,
}

/// What a client may know of a member now.
pub(super) async fn subject(
    app: &App,
    conn: &mut Conn,
    member: &Member,
    client: &Client,
    now: Timestamp,
) -> Result<Subject, DbError> {
    let tenant = account::find(conn, member.account).await?.ok_or(DbError::Reference)?;
    let person = person::find(conn, member.user).await?.ok_or(DbError::Reference)?;
    let in_force = entitlements::in_force(conn, member.org, now).await?;
    let services: Vec<&String> = in_force.iter().filter(|name| client.0.declared.services.contains(name)).collect();
    let held = roles::of(app, conn, member, now).await?;
    let roles = if held.source == Source::Owner {
        services.iter().map(|service| format!("{service}:owner")).collect()
    } else {
        let seen = held.roles.iter().filter(|role| services.contains(&&role.service));
        let said = seen.map(|role| match &role.team {
            Some(team) => format!("{team}/{}:{}", role.service, role.role),
            None => format!("{}:{}", role.service, role.role),
        });
        said.collect()
    };
    Ok(Subject { user: member.user, person, org: tenant.org_name, roles })
}
