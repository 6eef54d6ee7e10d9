//! A script that has somebody's name and password (RFC 6749 §4.3): for local people only, where the operator wants it, and
//! never at the standard endpoint.

use cardea_model::Timestamp;
use cardea_model::id::FamilyId;
use cardea_store::family::{self, Family};
use cardea_store::member::{self, Member};
use cardea_store::password as passwords;
use secrecy::SecretString;
use serde_json::json;

use super::client::audience;
use super::redeem::{give, prepare};
use super::{Client, Issued, OAuthError, claims};
use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::error::GatewayError;
use crate::factors::NotAsked;
use crate::login::local;
use crate::password::PasswordError;
use crate::state::GrantType;

/// What is granted.
const SCOPE: &str = "openid profile email groups org";

/// Tokens for the person who has this address and this password. Whoever does not exist, signs in through a provider or has
/// no access is refused in the same words and after the same work as a wrong password.
///
/// # Errors
/// [`OAuthError`].
pub(super) async fn sign_in(
    app: &App,
    ctx: &Ctx,
    client: &Client,
    username: &str,
    password: SecretString,
) -> Result<Issued, OAuthError> {
    if !app.settings.password_grant {
        return Err(OAuthError::GrantType);
    }
    client.may(GrantType::Password)?;
    let proven = local::proven::<OAuthError>(app, ctx, username, password).await?;
    let (member, standing) = proven.ok_or(OAuthError::Credentials)?;
    // A client of one account sees that account's people only.
    let foreign = client.0.account.is_some_and(|account| account != member.account);
    if foreign || member.numbers.held {
        return Err(OAuthError::Credentials);
    }
    if standing.temporary {
        return Err(OAuthError::TemporaryPassword);
    }
    let family = family(app, ctx.now, client, &member).await?;
    let subject = claims::subject(app, &mut app.db.read().await?, &member, client, ctx.now).await?;
    let prepared = prepare(app, ctx, client, &family, &subject).await?;
    let mut tx = app.db.write().await?;
    if !member::touch(&mut tx, member.id, member.numbers.epoch).await? {
        return Err(OAuthError::Credentials);
    }
    // Whoever replaces a password ends what came of it, and so comes wholly before the touch or after this.
    if !passwords::stands(&mut tx, member.user, &standing.hash).await? {
        return Err(OAuthError::Credentials);
    }
    family::add(&mut tx, &family).await?;
    let detail = json!({"local": true, "client": client.client_id()});
    audit::record(app, &mut tx, ctx, Some(member.account), "login.succeeded", &member.user.to_string(), detail).await?;
    give(tx, prepared, &family).await
}

/// It lives as long as a session would.
async fn family(app: &App, now: Timestamp, client: &Client, member: &Member) -> Result<Family, OAuthError> {
    Ok(Family {
        id: FamilyId::new(now, &*app.random),
        client: client.0.id,
        member: Some(member.id),
        session: None,
        offline: false,
        epoch: member.numbers.epoch,
        scope: SCOPE.to_owned(),
        audience: audience(app, client, None).await?,
        nonce: None,
        auth_time: now,
        minted_at: now,
        expires_at: now.after(app.settings.session_max_age),
        ended_at: None,
    })
}

impl From<NotAsked> for OAuthError {
    fn from(refusal: NotAsked) -> Self {
        match refusal {
            NotAsked::TooMany(seconds) => Self::TooMany(seconds),
            // The queue before the computation is full, which takes no longer.
            NotAsked::Password(PasswordError::Busy) => Self::TooMany(1),
            NotAsked::Password(PasswordError::Weak(_) | PasswordError::Failed) => {
                Self::Other(GatewayError::Corrupt("password"))
            }
        }
    }
}
