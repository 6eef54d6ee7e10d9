//! Local sign-in by address and password: for owners, who must get in when no identity provider lets them.

use cardea_model::name::Email;
use cardea_store::db::DbError;
use cardea_store::member::{self, Member};
use cardea_store::{password as passwords, person};
use secrecy::SecretString;
use serde_json::json;

use super::LoginError;
use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::factors::{self, NotAsked};
use crate::pause::Point;
use crate::session::{self, Opened};

/// Signs somebody in by password. Whoever does not exist takes as long to refuse as a wrong password.
///
/// # Errors
/// [`LoginError`].
pub async fn sign_in(app: &App, ctx: &Ctx, email: &str, password: SecretString) -> Result<Opened, LoginError> {
    let result = try_sign_in(app, ctx, email, password).await;
    match &result {
        Ok(_) => app.metrics.login("signed_in"),
        Err(error) => {
            app.metrics.login(error.reason());
            tracing::info!(reason = error.reason(), request.id = %ctx.request, "a local sign-in was refused");
        }
    }
    result
}

async fn try_sign_in(app: &App, ctx: &Ctx, email: &str, password: SecretString) -> Result<Opened, LoginError> {
    let (member, hash) = proven::<LoginError>(app, ctx, email, password).await?.ok_or(LoginError::Credentials)?;
    enter(app, ctx, &member, &hash).await
}

/// Who signs in with this address and this password, and the hash that it fits. Whoever does not exist, or has no password
/// here, takes as long to refuse as a wrong one.
pub(crate) async fn proven<E: From<NotAsked> + From<DbError>>(
    app: &App,
    ctx: &Ctx,
    email: &str,
    password: SecretString,
) -> Result<Option<(Member, String)>, E> {
    let email = Email::parse(email);
    let (hash, member) = match &email {
        Some(email) => find(app, email).await?,
        None => (None, None),
    };
    let address = email.as_ref().map_or("", |email| &email.normal);
    let fits = factors::prove(app, ctx, address, hash.clone(), password).await?;
    Ok(member.zip(hash).filter(|_| fits))
}

impl From<NotAsked> for LoginError {
    fn from(refusal: NotAsked) -> Self {
        match refusal {
            NotAsked::TooMany(seconds) => Self::TooMany(seconds),
            NotAsked::Password(error) => Self::Password(error),
        }
    }
}

/// The hash and the membership with which this address signs in: where it owns something, else the oldest.
async fn find(app: &App, email: &Email) -> Result<(Option<String>, Option<Member>), DbError> {
    let mut conn = app.db.read().await?;
    let Some(person) = person::with_email(&mut conn, &email.normal).await? else { return Ok((None, None)) };
    let hash = passwords::find(&mut conn, person.id).await?;
    let members = member::all_of_user(&mut conn, person.id).await?;
    let member = members.iter().find(|member| member.owner).or(members.first()).cloned();
    Ok((hash, member))
}

/// Opens the session, if the password that was checked is still theirs.
async fn enter(app: &App, ctx: &Ctx, member: &Member, hash: &str) -> Result<Opened, LoginError> {
    if member.numbers.held {
        return Err(LoginError::Deactivated);
    }
    app.pause.at(Point::Login).await;
    let mut tx = app.db.write().await?;
    if !member::enter(&mut tx, member.id, member.numbers.epoch, ctx.now).await? {
        return Err(LoginError::Overtaken);
    }
    // Whoever replaces a password ends this member's sessions, and so comes wholly before the touch or after this one.
    if passwords::find(&mut tx, member.user).await?.as_deref() != Some(hash) {
        return Err(LoginError::Credentials);
    }
    let session = session::open(app, &mut tx, ctx, member, None).await?;
    let user = member.user.to_string();
    audit::record(app, &mut tx, ctx, Some(member.account), "login.succeeded", &user, json!({"local": true})).await?;
    tx.commit().await?;
    Ok(session)
}
