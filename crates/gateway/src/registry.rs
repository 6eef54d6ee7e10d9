//! Tokens for container registries: docker shows a key here and is given a signed token for the registry.
//!
//! ```text
//! key holds? ─► registry known, and not another account's ─► of what is asked for, what a key check allows ─► fence, audit
//!   no: 401       no: refused                                  the rest is left out: no error                 ─► token
//! ```
//! What a key may is decided by [`crate::check`] and nowhere else: an action on a repository is one question for each scope
//! that stands for it in the catalogue. A registry verifies tokens by itself, so what has ended there lives on for as long as
//! a token does; the next one is refused at once.

mod find;
mod root;

use std::time::Duration;

use cardea_model::catalogue::DockerAction;
use cardea_model::chance::base62;
use cardea_model::id::AuditId;
use cardea_model::registry::{TooMany, Wanted, wanted};
use cardea_model::{Fault, Kind, ShownOnce, Timestamp};
use cardea_store::audit::Event;
use cardea_store::db::DbError;
use cardea_store::{audit, member, secret};
use cardea_tokens::jose::Algorithm;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::check::{self, Ask, CheckError, Facts, Sight, Verdict};
use crate::context::Ctx;
use crate::error::GatewayError;
use crate::oauth::keyring;
use crate::pause::Point;
use crate::state::KidStyle;
use find::Registry;
pub use root::trust_bundle;

/// How long a token lives.
pub const LIFE: Duration = Duration::from_secs(120);
/// The only name that keys are shown under.
pub const USER: &str = "$oauthtoken";
/// What service keys are kept from, where the catalogue says so: docker's list of all names.
const LISTING: &str = "cli_list";

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No key, or one that does not hold here (401).
    #[error("{0}")]
    Unauthorized(&'static str),
    /// Nobody's token can be made of this request.
    #[error("{0}")]
    Request(&'static str),
    /// Too many scopes.
    #[error(transparent)]
    Scopes(#[from] TooMany),
    /// Whatever every room may fail at.
    #[error(transparent)]
    Other(#[from] GatewayError),
}

impl From<DbError> for RegistryError {
    fn from(error: DbError) -> Self {
        Self::Other(error.into())
    }
}

impl From<CheckError> for RegistryError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Unavailable(error) => error.into(),
            CheckError::Client | CheckError::NotAResourceServer => WRONG,
        }
    }
}

impl Fault for RegistryError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unauthorized(_) => Kind::Unauthenticated,
            Self::Request(_) | Self::Scopes(_) => Kind::Invalid,
            Self::Other(error) => error.kind(),
        }
    }

    /// Docker's words for it.
    fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized(_) => "UNAUTHORIZED",
            Self::Request(_) | Self::Scopes(_) => "UNSUPPORTED",
            Self::Other(_) => "UNAVAILABLE",
        }
    }
}

const WRONG: RegistryError = RegistryError::Unauthorized("this key is not valid here");
const NOBODY: RegistryError = RegistryError::Unauthorized("log in as `$oauthtoken` with a key as the password");
const UNKNOWN: RegistryError = RegistryError::Request("no registry here is called so; see `service`");

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The registry: a client, or a service of the catalogue.
    pub service: &'a str,
    /// The parameters that hold scopes; none at a login.
    pub scopes: &'a [&'a str],
}

/// A token.
pub struct Given {
    /// The token.
    pub token: ShownOnce<String>,
    /// Since when it is good; it is for [`LIFE`].
    pub issued_at: Timestamp,
}

/// What a token allows on one thing.
#[derive(Serialize)]
struct Access<'a> {
    r#type: &'static str,
    name: &'a str,
    actions: Vec<&'static str>,
}

/// Gives a token for what the key may of what is asked for. Without a key it allows nothing, and is given only to whoever
/// asks for something.
///
/// # Errors
/// [`RegistryError`].
pub async fn token(app: &App, ctx: &Ctx, key: Option<&str>, asked: Asked<'_>) -> Result<Given, RegistryError> {
    let facts = match key {
        Some(text) => Some(check::inspect(app, Sight::HOLDER, text, ctx.now).await?.ok_or(WRONG)?),
        None if asked.scopes.is_empty() => return Err(NOBODY),
        None => None,
    };
    let account = facts.as_ref().map(|facts| facts.account);
    let registry = find::registry(app, asked.service, account).await?.ok_or(UNKNOWN)?;
    // Another account's registry says no more than that the key is not for it.
    if account.is_some() && registry.sight.account.is_some_and(|own| Some(own) != account) {
        return Err(WRONG);
    }
    let hosts = registry.hosts(app);
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let wanted = wanted(asked.scopes, &hosts)?;
    let mut access = Vec::new();
    if let (Some(key), Some(facts)) = (key, &facts) {
        for one in &wanted {
            access.extend(allowed(app, &registry, (key, facts), one).await?);
        }
        note(app, ctx, (key, facts), (asked.service, &access)).await?;
    }
    let subject = facts.map(|facts| format!("key:{}", facts.key)).unwrap_or_default();
    let token = sign(app, ctx.now, &registry, (&subject, asked.service), &access).await?;
    Ok(Given { token: ShownOnce::new(token), issued_at: ctx.now })
}

/// What of this the key may; nothing where it may nothing of it.
async fn allowed<'a>(
    app: &App,
    registry: &Registry,
    (key, facts): (&str, &Facts),
    wanted: &Wanted<'a>,
) -> Result<Option<Access<'a>>, RegistryError> {
    match wanted {
        Wanted::Repository { name, actions } => {
            let mut granted = Vec::new();
            for action in actions {
                if may_act(app, registry, key, *action, name).await? {
                    granted.push(action.as_str());
                }
            }
            Ok((!granted.is_empty()).then_some(Access { r#type: "repository", name, actions: granted }))
        }
        Wanted::Catalog => {
            let may = may_list(app, registry, (key, facts)).await?;
            Ok(may.then(|| Access { r#type: "registry", name: "catalog", actions: vec!["*"] }))
        }
    }
}

async fn may_act(
    app: &App,
    registry: &Registry,
    key: &str,
    action: DockerAction,
    name: &str,
) -> Result<bool, RegistryError> {
    for (service, entity_type) in registry.containers(app) {
        for scope in service.scopes.iter().filter(|scope| scope.docker.contains(&action)) {
            if may(app, registry, (key, &service.name, &scope.name, entity_type), name, None).await? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether the key may see every name there is: only in the registry of one account, since there is no list of a part, and
/// only where it may list what nobody has thought of yet, in the org and in its teams.
async fn may_list(app: &App, registry: &Registry, (key, facts): (&str, &Facts)) -> Result<bool, RegistryError> {
    if registry.sight.account.is_none() {
        return Ok(false);
    }
    let any = base62(&*app.random, 22).to_ascii_lowercase();
    let names = [format!("{}/{any}", facts.org), format!("{}/{any}/{any}", facts.org)];
    for (service, entity_type) in registry.containers(app) {
        for scope in service.scopes.iter().filter(|scope| scope.docker_catalog) {
            let question = (key, &*service.name, &*scope.name, entity_type);
            let mut all = true;
            for name in &names {
                all = all && may(app, registry, question, name, Some(LISTING)).await?;
            }
            if all {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// One question to the one engine.
async fn may(
    app: &App,
    registry: &Registry,
    (key, service, action, entity_type): (&str, &str, &str, &str),
    entity: &str,
    operation: Option<&str>,
) -> Result<bool, RegistryError> {
    let (entity_type, entity) = (Some(entity_type), Some(entity));
    let ask = Ask { key, service, action, entity_type, entity, labels: &[], operation };
    Ok(matches!(check::check_with(app, registry.sight, &ask).await?, Verdict::Allowed(_)))
}

/// The fence of what issues, and the event: nobody whose access has ended meanwhile gets past it.
async fn note(
    app: &App,
    ctx: &Ctx,
    (key, facts): (&str, &Facts),
    (service, access): (&str, &[Access<'_>]),
) -> Result<(), RegistryError> {
    let (kid, _) = check::well_formed(key).ok_or(WRONG)?;
    let row = secret::resident(&mut app.db.read().await?, kid.as_str()).await?.ok_or(WRONG)?;
    app.pause.at(Point::RegistryToken).await;
    let mut tx = app.db.write().await?;
    // A service key has no member: it ends by its own state.
    if let Some(member) = row.member
        && !member::touch(&mut tx, member, row.epoch).await?
    {
        return Err(WRONG);
    }
    let event = Event {
        id: AuditId::new(ctx.now, &*app.random),
        at: ctx.now,
        account: Some(facts.account),
        actor: facts.key.to_string(),
        action: "registry.token".to_owned(),
        target: service.to_owned(),
        request: ctx.request,
        detail: json!({"kid": row.kid, "user": facts.user, "access": access}).to_string(),
    };
    audit::add(&mut tx, &event).await?;
    tx.commit().await?;
    Ok(())
}

async fn sign(
    app: &App,
    now: Timestamp,
    registry: &Registry,
    (subject, audience): (&str, &str),
    access: &[Access<'_>],
) -> Result<String, RegistryError> {
    let claims = json!({
        "iss": app.settings.public_url,
        "sub": subject,
        "aud": audience,
        "exp": now.after(LIFE).as_seconds(),
        "nbf": now.as_seconds(),
        "iat": now.as_seconds(),
        "jti": base62(&*app.random, 22),
        "access": access,
    });
    let ring = keyring::ring(app).await?;
    let key = ring.current(Algorithm::Es256)?;
    let certificate = match registry.x5c {
        true => Some(root::certificate_of(app, key, now).await?),
        false => None,
    };
    let fingerprint;
    let kid = match registry.kid_style {
        KidStyle::Rfc7638 => key.kid(),
        KidStyle::Libtrust => {
            fingerprint = key.fingerprint();
            &fingerprint
        }
    };
    let token = key.token_as("JWT", (kid, certificate.as_deref()), &claims.to_string());
    Ok(token.map_err(|_| GatewayError::Corrupt("signing key"))?)
}
