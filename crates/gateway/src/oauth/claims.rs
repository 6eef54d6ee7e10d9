//! What is said of a person: never the groups of their identity provider, only the roles that they earned here.

use cardea_model::Timestamp;
use cardea_model::id::UserId;
use cardea_store::db::{Conn, DbError};
use cardea_store::family::Family;
use cardea_store::member::{self, Member};
use cardea_store::person::Person;
use cardea_store::{account, person};
use cardea_tokens::hash::{base64url, sha256};
use serde_json::{Map, Value};

use super::{Client, OAuthError, TOKEN_LIFE, client, inspect, keyring};
use crate::app::App;
use crate::context::Ctx;
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

/// What the scopes say of a person (OpenID Connect Core §5.4).
fn said(subject: &Subject, scope: &str) -> Map<String, Value> {
    let mut said = Map::new();
    said.insert("sub".to_owned(), subject.user.to_string().into());
    for scope in scope.split(' ') {
        match scope {
            "profile" => {
                said.insert("name".to_owned(), subject.person.name.clone().into());
            }
            "email" => {
                if let Some(email) = &subject.person.email {
                    said.insert("email".to_owned(), email.clone().into());
                    said.insert("email_verified".to_owned(), subject.person.email_proven.into());
                }
            }
            "groups" => {
                said.insert("groups".to_owned(), subject.roles.clone().into());
            }
            "org" => {
                said.insert("org".to_owned(), subject.org.clone().into());
            }
            _ => {}
        }
    }
    said
}

/// The ID token that goes with an access token (OpenID Connect Core §2 and §3.1.3.6).
pub(super) async fn id_token(
    app: &App,
    now: Timestamp,
    client: &Client,
    family: &Family,
    subject: &Subject,
    access_token: &str,
) -> Result<String, OAuthError> {
    let mut claims = said(subject, &family.scope);
    let half: Vec<u8> = sha256(access_token.as_bytes()).into_iter().take(16).collect();
    let fixed: [(&str, Value); 6] = [
        ("iss", app.settings.public_url.clone().into()),
        ("aud", client.client_id().into()),
        ("exp", now.after(TOKEN_LIFE).as_seconds().into()),
        ("iat", now.as_seconds().into()),
        ("auth_time", family.auth_time.as_seconds().into()),
        ("at_hash", base64url(&half).into()),
    ];
    claims.extend(fixed.map(|(name, value)| (name.to_owned(), value)));
    if let Some(nonce) = &family.nonce {
        claims.insert("nonce".to_owned(), nonce.clone().into());
    }
    keyring::sign(app, client.id_token_algorithm(), "JWT", &Value::Object(claims)).await
}

/// What the holder of an access token may know of the person who signed in (OpenID Connect Core §5.3).
///
/// # Errors
/// [`OAuthError::Token`] and [`OAuthError::ScopeTooSmall`], and the database's.
pub async fn userinfo(app: &App, ctx: &Ctx, token: &str) -> Result<Value, OAuthError> {
    let mut conn = app.db.read().await?;
    let found = inspect::find(app, &mut conn, token).await?.ok_or(OAuthError::Token)?;
    let family = &found.family;
    if found.token.kind != "access" || !inspect::holds(app, &mut conn, &found, ctx.now).await? {
        return Err(OAuthError::Token);
    }
    let client = client::with_id(app, &mut conn, family.client).await?.ok_or(OAuthError::Token)?;
    // A token for another service's address is not one to be replayed here.
    if family.audience != app.settings.public_url && family.audience != client.client_id() {
        return Err(OAuthError::Token);
    }
    let Some(id) = family.member.filter(|_| family.scope.split(' ').any(|scope| scope == "openid")) else {
        return Err(OAuthError::ScopeTooSmall);
    };
    let member = member::find(&mut conn, id).await?.ok_or(OAuthError::Token)?;
    let subject = subject(app, &mut conn, &member, &client, ctx.now).await?;
    Ok(Value::Object(said(&subject, &family.scope)))
}
