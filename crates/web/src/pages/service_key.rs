//! One service key: what it reaches, another secret for it, and its end.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use cardea_gateway::keys::{self, KeyError, KeyView, Line, OldSecret as Old, Rotation, Whose};
use cardea_gateway::{App, GatewayError, people};
use cardea_model::Fault;
use cardea_model::id::AccountId;
use cardea_model::key::{GrantSpec, Span};

use super::done::Done;
use super::fields::Fields;
use super::keys::key_id;
use super::reader::Reader;
use super::service_keys::{account, done};
use super::{expiry, key_form, roles};
use crate::console::frame::Room;
use crate::console::keys::{CreatedKey, ExpiryField, KeyState};
use crate::console::service_keys::{GrantRow, LEAKED, OldSecret, ReachRow, RevokePage, RotatePage, ServiceKeyPage};
use crate::console::{Problem as FieldProblem, Problems};
use crate::login::{page, see_other, sentence};
use crate::problem::{Problem, status};

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/o/{org}/service-keys/{id}", get(show))
        .route("/o/{org}/service-keys/{id}/rotate", get(before_rotation).post(rotate))
        .route("/o/{org}/service-keys/{id}/end-grace", post(end_grace))
        .route("/o/{org}/service-keys/{id}/revoke", get(ask).post(revoke))
}

/// A key of the org, and whose it is.
async fn named(app: &App, reader: &Reader, org: &str, id: &str) -> Result<(AccountId, KeyView), Problem> {
    let account = account(app, reader, org).await?;
    Ok((account, keys::get(app, &reader.ctx, &Whose::Service(account), key_id(id)?).await?))
}

async fn show(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (account, key) = named(&app, &reader, &org, &id).await?;
    page(StatusCode::OK, &whole(&app, &reader, account, key, None).await?)
}

async fn whole(
    app: &App,
    reader: &Reader,
    account: AccountId,
    key: KeyView,
    created: Option<CreatedKey>,
) -> Result<ServiceKeyPage, Problem> {
    let reached = keys::reach_of(app, &reader.ctx, &Whose::Service(account), key.id).await?;
    let maker = match people::show(app, &reader.ctx, account, &key.created_by).await {
        Ok(who) => roles::link(who.user.id, &who.user.name, who.user.email.as_deref()).name,
        Err(GatewayError::Missing(_)) => String::new(),
        Err(error) => return Err(error.into()),
    };
    let reachable = |grant: &GrantSpec| reached.reaches.iter().any(|line| line.service == grant.service);
    let missing = key.grants.iter().filter(|grant| !reachable(grant));
    Ok(ServiceKeyPage {
        frame: reader.frame(Room::ServiceKeys),
        maker,
        missing: missing.map(|grant| roles::service_title(app, &grant.service)).collect(),
        old: key.old.as_ref().map(old),
        key: key_form::row(app, key),
        reaches: reaches(app, reached.reaches),
        warnings: reached.warnings,
        created,
    })
}

fn old(secret: &Old) -> OldSecret {
    OldSecret { until: secret.valid_until, last_used: secret.last_used_at }
}

/// What a key was granted, in short.
pub(super) fn grants(app: &App, grants: &[GrantSpec]) -> Vec<GrantRow> {
    let row = |grant: &GrantSpec| GrantRow {
        service: roles::service_title(app, &grant.service),
        entities: grant.entity_values.clone().unwrap_or_default(),
    };
    grants.iter().map(row).collect()
}

/// What a key reaches, in words.
pub(super) fn reaches(app: &App, lines: Vec<Line>) -> Vec<ReachRow> {
    let row = |line: Line| ReachRow {
        service: roles::service_title(app, &line.service),
        entity_type: line.entity_type.unwrap_or_default(),
        words: line.entities.as_deref().map(words).unwrap_or_default(),
        entities: line.entities,
        scopes: line.scopes,
        future: line.future,
        teams: line.teams,
    };
    lines.into_iter().map(row).collect()
}

/// What a pattern says; nothing for a single entity.
fn words(pattern: &str) -> String {
    match pattern.split('/').collect::<Vec<_>>().as_slice() {
        [org, "*"] => format!("Everything of {org} that lies in no team"),
        [org, "*", "*"] => format!("Everything in teams of {org}"),
        [_, team, "*"] => format!("Everything in team {team}"),
        _ => String::new(),
    }
}

fn rotation_page(
    app: &App,
    reader: &Reader,
    key: KeyView,
    typed: (String, ExpiryField),
    problems: Problems,
) -> RotatePage {
    RotatePage {
        frame: reader.frame(Room::ServiceKeys),
        oldest_ends: key.old.is_some(),
        key: key_form::row(app, key),
        grace: typed.0,
        expiry: typed.1,
        problems,
    }
}

async fn before_rotation(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (_, key) = named(&app, &reader, &org, &id).await?;
    let expired = key_form::row(&app, key.clone()).state == KeyState::Expired;
    let typed = ("24h".to_owned(), if expired { expiry::first() } else { ExpiryField::default() });
    page(StatusCode::OK, &rotation_page(&app, &reader, key, typed, Problems::default()))
}

/// What was chosen, as a rotation.
fn rotation((grace, expiry): &(String, ExpiryField)) -> Result<Rotation, KeyError> {
    let leak = grace == LEAKED;
    let grace = if leak { None } else { Some(Span::parse(grace).ok_or(KeyError::Grace)?) };
    let expiry = if expiry.choice.is_empty() { None } else { Some(expiry::wanted(expiry)?) };
    Ok(Rotation { grace, leak, expiry, version: None })
}

/// Gives the key another secret, which stands in this answer and nowhere else.
async fn rotate(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Problem> {
    let (account, key) = named(&app, &reader, &org, &id).await?;
    let typed = (fields.one("grace").to_owned(), expiry::of(&fields));
    let made = match rotation(&typed) {
        Ok(rotation) => keys::rotate(&app, &reader.ctx, &Whose::Service(account), key.id, rotation).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => page(StatusCode::OK, &rotated(&app, &reader, account, made).await?),
        Err(error) => {
            let Some(problems) = problems(&error, &typed.1) else { return Err(error.into()) };
            page(status(error.kind()), &rotation_page(&app, &reader, key, typed, problems))
        }
    }
}

async fn rotated(
    app: &App,
    reader: &Reader,
    account: AccountId,
    made: keys::Created,
) -> Result<ServiceKeyPage, Problem> {
    let old_until = made.key.old.as_ref().map(|old| old.valid_until);
    let first = CreatedKey::first(made.key.name.clone(), made.secret.reveal());
    whole(app, reader, account, made.key, Some(CreatedKey { old_until, ..first })).await
}

/// What the error means for the form; nothing for those that no typing mends.
fn problems(error: &KeyError, field: &ExpiryField) -> Option<Problems> {
    let one = |field, text: String| Some(Problems(vec![FieldProblem { field, text }]));
    if let KeyError::Expiry(bad) = error {
        return Some(Problems(vec![expiry::problem(field, bad)]));
    }
    if matches!(error, KeyError::NeedsExpiry) {
        return one("expiry", "The key has expired. Choose until when it is to live".to_owned());
    }
    if matches!(error, KeyError::Grace) { one("grace", sentence(&error.to_string())) } else { None }
}

async fn end_grace(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let id = key_id(&id)?;
    match keys::end_grace(&app, &reader.ctx, &Whose::Service(account), id).await {
        Ok(_) => done(&reader, id, Done::GraceEnded),
        Err(KeyError::NoGrace) => done(&reader, id, Done::GraceOver),
        Err(error) => Err(error.into()),
    }
}

/// What revoking ends, before it does.
async fn ask(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (account, key) = named(&app, &reader, &org, &id).await?;
    let reached = keys::reach_of(&app, &reader.ctx, &Whose::Service(account), key.id).await?;
    let shown = RevokePage {
        frame: reader.frame(Room::ServiceKeys),
        old: key.old.as_ref().map(old),
        key: key_form::row(&app, key),
        reaches: reaches(&app, reached.reaches),
    };
    page(StatusCode::OK, &shown)
}

async fn revoke(
    State(app): State<App>,
    reader: Reader,
    Path((org, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    keys::revoke(&app, &reader.ctx, &Whose::Service(account), key_id(&id)?).await?;
    see_other(&format!("{}?done={}", reader.at("service-keys"), Done::KeyRevoked.word()))
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_pattern_says_what_it_is_for() {
        for (pattern, said) in [
            ("acme/*", "Everything of acme that lies in no team"),
            ("acme/*/*", "Everything in teams of acme"),
            ("acme/vision/*", "Everything in team vision"),
            ("acme/vision/app", ""),
            ("acme/app", ""),
        ] {
            assert_eq!(words(pattern), said, "{pattern}");
        }
    }
}
