//! Apps: clients that an account makes for its own scripts. An app acts for itself only, in the services that the org has,
//! and ends with its account. A declaration neither lists nor removes any.
//!
//! ```text
//! on ◄─► off: nothing of it works           another secret: the old one works on as long as it is said to
//! on, off ─► gone for good
//! ```

use std::time::Duration;

use cardea_model::chance::bytes;
use cardea_model::id::ClientId;
use cardea_model::numbers::Numbers;
use cardea_model::{Denied, Fault, Kind, Permission, Person, ShownOnce, Timestamp};
use cardea_store::account::{self, Account};
use cardea_store::client::{self as rows, AppState, Client};
use cardea_store::db::{DbError, Tx};
use cardea_store::feed::{self, Kind as FeedKind};
use cardea_store::{family, key};
use cardea_tokens::format::{Prefix, Secret};
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::audit;
use crate::check;
use crate::context::Ctx;
use crate::session;

/// The longest time that an old secret works beside the new one.
const LONGEST_GRACE: Duration = Duration::from_secs(86_400);
const LONGEST_NAME: usize = 64;
/// What is stored of an app beyond its columns.
const DOCUMENT: &str = r#"{"grants":["client_credentials"]}"#;

/// Why an app was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The caller may not, or speaks no more.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The name cannot be (422).
    #[error(
        "an app's name has 2 to 64 small letters, digits, `-` and `_`, begins with a letter and ends with none of the two"
    )]
    Name,
    /// Another app of the account has it (409).
    #[error("there is an app of this name already; choose another name or delete that app")]
    NameTaken,
    /// As many as service keys are allowed, which count too (409).
    #[error("there are {0} apps and service keys, which is the most; delete one first")]
    Limit(i64),
    /// There is no such app (404).
    #[error("there is no such app")]
    Missing,
    /// The old secret cannot work on for so long (422).
    #[error("an old secret works beside the new one for at most 86400 seconds")]
    Grace,
    /// The database did not do it.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

impl From<DbError> for AppError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl Fault for AppError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Name | Self::Grace => Kind::Unprocessable,
            Self::NameTaken | Self::Limit(_) => Kind::Conflict,
            Self::Missing => Kind::Missing,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Name => "invalid_name",
            Self::NameTaken => "name_taken",
            Self::Limit(_) => "limit_reached",
            Self::Missing => "not_found",
            Self::Grace => "invalid_grace",
            Self::Database(error) => error.code(),
        }
    }
}

/// An app as its account sees it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppView {
    /// The app.
    pub id: ClientId,
    /// Unique in the account.
    pub name: String,
    /// The name that it authenticates with.
    pub client_id: String,
    /// Whether anything of it works.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An app with a secret that it has from now on.
pub struct Made {
    /// The app.
    pub app: AppView,
    /// Its secret, for this one answer.
    pub secret: ShownOnce<String>,
}

fn speaker(ctx: &Ctx) -> Result<&Person, AppError> {
    let person = session::speaker(ctx)?;
    ctx.may(Permission::ManageServiceKeys, person.account)?;
    Ok(person)
}

fn view(row: &Client) -> Option<AppView> {
    let app = row.app.as_ref()?;
    Some(AppView {
        id: row.id,
        name: row.name.clone(),
        client_id: row.client_id.clone(),
        enabled: app.enabled,
        created_at: app.created_at,
    })
}

/// The apps of the account in which somebody speaks, the oldest first.
///
/// # Errors
/// [`AppError`].
pub async fn list(app: &App, ctx: &Ctx) -> Result<Vec<AppView>, AppError> {
    let person = speaker(ctx)?;
    let apps = rows::apps(&mut app.db.read().await?, person.account).await?;
    Ok(apps.iter().filter_map(view).collect())
}

/// One of them.
///
/// # Errors
/// [`AppError`].
pub async fn get(app: &App, ctx: &Ctx, id: ClientId) -> Result<AppView, AppError> {
    list(app, ctx).await?.into_iter().find(|found| found.id == id).ok_or(AppError::Missing)
}

/// Makes an app. Its name is what remains of the given one without `-` and `_`; it authenticates by that too, unless a
/// client of the instance does already.
///
/// # Errors
/// [`AppError`].
pub async fn create(app: &App, ctx: &Ctx, name: &str) -> Result<Made, AppError> {
    speaker(ctx)?;
    let name = normal(name).ok_or(AppError::Name)?;
    let (mut tx, ctx, account) = enter(app, ctx).await?;
    let standing = rows::apps(&mut tx, account.id).await?;
    if standing.iter().any(|row| row.name == name) {
        return Err(AppError::NameTaken);
    }
    let limit = app.settings.service_keys_per_org;
    let keys = key::of_org(&mut tx, account.org).await?.len();
    if i64::try_from(standing.len().saturating_add(keys)).unwrap_or(i64::MAX) >= limit {
        return Err(AppError::Limit(limit));
    }
    let client_id = match rows::find(&mut tx, &name).await? {
        Some(_) => format!("{name}{}", ending(app)),
        None => name.clone(),
    };
    let (text, mac) = secret(app, &client_id);
    let row = Client {
        id: ClientId::new(ctx.now, &*app.random),
        account: Some(account.id),
        client_id,
        name,
        mac: Some(mac),
        resource_server: false,
        services: "[]".to_owned(),
        document: DOCUMENT.to_owned(),
        app: Some(AppState { enabled: true, old: None, created_at: ctx.now }),
    };
    // Another account may have taken the name until now.
    rows::add_app(&mut tx, &row, ctx.now).await.map_err(|error| error.or_on_conflict(AppError::NameTaken))?;
    finish(app, tx, &ctx, &row, "app.created").await?;
    Ok(Made { app: view(&row).ok_or(AppError::Missing)?, secret: text })
}

/// Switches an app on or off. What it was given while it was on does not come back.
///
/// # Errors
/// [`AppError`].
pub async fn enable(app: &App, ctx: &Ctx, id: ClientId, enabled: bool) -> Result<AppView, AppError> {
    let (mut tx, said, row) = open(app, ctx, id).await?;
    rows::set_enabled(&mut tx, id, enabled).await?;
    if !enabled {
        family::end_of_client(&mut tx, id, said.now).await?;
    }
    finish(app, tx, &said, &row, if enabled { "app.enabled" } else { "app.disabled" }).await?;
    get(app, ctx, id).await
}

/// Gives an app another secret; the old one works on for this long, and any older one no more.
///
/// # Errors
/// [`AppError`].
pub async fn another_secret(app: &App, ctx: &Ctx, id: ClientId, grace: Duration) -> Result<Made, AppError> {
    if grace > LONGEST_GRACE {
        return Err(AppError::Grace);
    }
    let (mut tx, said, row) = open(app, ctx, id).await?;
    let (text, mac) = secret(app, &row.client_id);
    let until = said.now.after(grace);
    let old = row.mac.as_deref().filter(|_| !grace.is_zero()).map(|mac| (mac, until));
    rows::set_mac(&mut tx, id, &mac, old).await?;
    finish(app, tx, &said, &row, "app.secret_replaced").await?;
    Ok(Made { app: get(app, ctx, id).await?, secret: text })
}

/// Deletes an app with everything that it was given.
///
/// # Errors
/// [`AppError`].
pub async fn delete(app: &App, ctx: &Ctx, id: ClientId) -> Result<(), AppError> {
    let (mut tx, said, row) = open(app, ctx, id).await?;
    family::end_of_client(&mut tx, id, said.now).await?;
    rows::remove(&mut tx, &row.client_id).await?;
    finish(app, tx, &said, &row, "app.deleted").await
}

/// A transaction of whoever may have to do with apps, which come one after the other in an account.
async fn enter(app: &App, ctx: &Ctx) -> Result<(Tx, Ctx, Account), AppError> {
    speaker(ctx)?;
    let (mut tx, ctx) = session::write(app, ctx, None).await?.ok_or(Denied::Unknown)?;
    let id = speaker(&ctx)?.account;
    let account = account::find(&mut tx, id).await?.ok_or(Denied::Hidden)?;
    key::lock_org(&mut tx, account.org).await?;
    Ok((tx, ctx, account))
}

async fn open(app: &App, ctx: &Ctx, id: ClientId) -> Result<(Tx, Ctx, Client), AppError> {
    let (mut tx, ctx, account) = enter(app, ctx).await?;
    let row = rows::with_id(&mut tx, id).await?;
    let own = row.filter(|row| row.account == Some(account.id) && row.app.is_some());
    Ok((tx, ctx, own.ok_or(AppError::Missing)?))
}

/// Writes a change down, tells every node, and this one before it returns.
async fn finish(app: &App, mut tx: Tx, ctx: &Ctx, row: &Client, action: &str) -> Result<(), AppError> {
    let detail = json!({"name": row.name, "client": row.client_id});
    audit::record(app, &mut tx, ctx, row.account, action, &row.id.to_string(), detail).await?;
    feed::append(&mut tx, FeedKind::Client, &row.client_id, Numbers::default(), app.clock.now()).await?;
    tx.commit().await?;
    Ok(check::fill_clients(app, &app.memory()).await?)
}

fn secret(app: &App, client_id: &str) -> (ShownOnce<String>, Vec<u8>) {
    let secret = Secret::generate(Prefix::Client, &*app.random);
    let mac = app.peppers.mac_secret(check::CLIENT_SECRET, client_id, secret.expose()).to_bytes().to_vec();
    (ShownOnce::new(secret.expose().to_owned()), mac)
}

/// Four letters and digits that tell two clients of one name apart.
fn ending(app: &App) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let drawn = bytes::<4>(&*app.random);
    drawn.iter().filter_map(|byte| LETTERS.get(usize::from(byte & 31))).copied().map(char::from).collect()
}

/// The name without `-` and `_`, if it can be one.
fn normal(name: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let (first, last) = (name.bytes().next()?, name.bytes().last()?);
    let inside = name.bytes().all(|byte| plain(byte) || matches!(byte, b'-' | b'_'));
    let fits = (2..=LONGEST_NAME).contains(&name.len()) && first.is_ascii_lowercase() && plain(last) && inside;
    fits.then(|| name.replace(['-', '_'], ""))
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn a_name_begins_with_a_letter_and_loses_what_stands_between() {
        for (name, expected) in [("app-123", "app123"), ("a1", "a1"), ("a_b-c", "abc"), ("my-app", "myapp")] {
            assert_eq!(normal(name).as_deref(), Some(expected));
        }
        for name in ["", "a", "1app", "App", "app-", "-app", "app_", "a b", "äpp", &"a".repeat(65)] {
            assert_eq!(normal(name), None, "{name}");
        }
    }
}
