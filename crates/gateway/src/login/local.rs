//! Local sign-in by address and password: for owners, who must get in when no identity provider lets them, and for people
//! whom an admin has made.

use cardea_model::ShownOnce;
use cardea_model::name::Email;
use cardea_store::db::DbError;
use cardea_store::member::{self, Member};
use cardea_store::password::{self as passwords, Password};
use cardea_store::person;
use secrecy::SecretString;
use serde_json::json;

use super::LoginError;
use crate::app::App;
use crate::audit;
use crate::context::Ctx;
use crate::factors::{self, NotAsked};
use crate::pause::Point;
use crate::session::{self, Opened};
use crate::users;

/// How a password lets somebody in.
pub enum Entrance {
    /// They are in.
    In(Opened),
    /// The password was made for them: by the one-time link with this secret they choose another one.
    Choose(ShownOnce<String>),
}

/// Signs somebody in by password.
///
/// # Errors
/// As [`enter`], and [`LoginError::Temporary`].
pub async fn sign_in(app: &App, ctx: &Ctx, email: &str, password: SecretString) -> Result<Opened, LoginError> {
    match enter(app, ctx, email, password).await? {
        Entrance::In(opened) => Ok(opened),
        Entrance::Choose(_) => Err(LoginError::Temporary),
    }
}

/// Lets somebody in by password, or lets them choose another one. Whoever does not exist takes as long to refuse as a wrong
/// password.
///
/// # Errors
/// [`LoginError`].
pub async fn enter(app: &App, ctx: &Ctx, email: &str, password: SecretString) -> Result<Entrance, LoginError> {
    let result = try_enter(app, ctx, email, password).await;
    match &result {
        Ok(Entrance::In(_)) => app.metrics.login("signed_in"),
        Ok(Entrance::Choose(_)) => app.metrics.login(LoginError::Temporary.reason()),
        Err(error) => {
            app.metrics.login(error.reason());
            tracing::info!(reason = error.reason(), request.id = %ctx.request, "a local sign-in was refused");
        }
    }
    result
}

async fn try_enter(app: &App, ctx: &Ctx, email: &str, password: SecretString) -> Result<Entrance, LoginError> {
    let proven = proven::<LoginError>(app, ctx, email, password).await?;
    let (member, standing) = proven.ok_or(LoginError::Credentials)?;
    cross(app, ctx, &member, &standing).await
}

/// Who signs in with this address and this password, as it is stored. Whoever does not exist, or has no password
/// here, takes as long to refuse as a wrong one.
pub(crate) async fn proven<E: From<NotAsked> + From<DbError>>(
    app: &App,
    ctx: &Ctx,
    email: &str,
    password: SecretString,
) -> Result<Option<(Member, Password)>, E> {
    let email = Email::parse(email);
    let (standing, member) = match &email {
        Some(email) => find(app, email).await?,
        None => (None, None),
    };
    let address = email.as_ref().map_or("", |email| &email.normal);
    let hash = standing.as_ref().map(|standing| standing.hash.clone());
    let fits = factors::prove(app, ctx, address, hash, password).await?;
    Ok(member.zip(standing).filter(|_| fits))
}

impl From<NotAsked> for LoginError {
    fn from(refusal: NotAsked) -> Self {
        match refusal {
            NotAsked::TooMany(seconds) => Self::TooMany(seconds),
            NotAsked::Password(error) => Self::Password(error),
        }
    }
}

/// The password and the membership with which this address signs in: where it owns something, else the oldest.
async fn find(app: &App, email: &Email) -> Result<(Option<Password>, Option<Member>), DbError> {
    let mut conn = app.db.read().await?;
    let Some(person) = person::with_email(&mut conn, &email.normal).await? else { return Ok((None, None)) };
    let standing = passwords::find(&mut conn, person.id).await?;
    let members = member::all_of_user(&mut conn, person.id).await?;
    let member = members.iter().find(|member| member.owner).or(members.first()).cloned();
    Ok((standing, member))
}

/// Opens the session, or makes the link, if the password that was checked is still theirs.
async fn cross(app: &App, ctx: &Ctx, member: &Member, standing: &Password) -> Result<Entrance, LoginError> {
    let epoch = member.numbers.epoch;
    if member.numbers.held {
        return Err(LoginError::Deactivated);
    }
    app.pause.at(Point::Login).await;
    let mut tx = app.db.write().await?;
    let passed = match standing.temporary {
        true => member::touch(&mut tx, member.id, epoch).await?,
        false => member::enter(&mut tx, member.id, epoch, ctx.now).await?,
    };
    if !passed {
        return Err(LoginError::Overtaken);
    }
    // Whoever replaces a password ends this member's sessions, and so comes wholly before the touch or after this one.
    if !passwords::stands(&mut tx, member.user, &standing.hash).await? {
        return Err(LoginError::Credentials);
    }
    let entrance = match standing.temporary {
        true => Entrance::Choose(users::shown_link(app, &mut tx, ctx, member).await?),
        false => {
            let opened = session::open(app, &mut tx, ctx, member, None).await?;
            let (user, detail) = (member.user.to_string(), json!({"local": true}));
            audit::record(app, &mut tx, ctx, Some(member.account), "login.succeeded", &user, detail).await?;
            Entrance::In(opened)
        }
    };
    tx.commit().await?;
    Ok(entrance)
}
