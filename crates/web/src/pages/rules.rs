//! Membership rules: write them, preview them, put them in force and take them out again, try them on claims.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use cardea_gateway::rules::{self, InForce, RuleView, RulesError, RulesView};
use cardea_gateway::{App, people};
use cardea_model::id::{AccountId, RuleId};
use cardea_model::{Fault, Permission};

use super::done::Done;
use super::fields::Fields;
use super::reader::Reader;
use super::rule_form::Typed;
use super::rule_words as words;
use super::rules_off;
use crate::console::frame::Room;
use crate::console::rules::{
    DeleteRulePage, InForcePage, Outcome, PreviewPage, RuleFormPage, RulesPage, RulesState, TestPage,
};
use crate::console::{Notice, Problem as FieldProblem, Problems, Tone, count};
use crate::csv;
use crate::login::{page, see_other, sentence};
use crate::problem::{Problem, status};

/// The routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/o/{org}/rules", get(list))
        .route("/o/{org}/rules/new", get(new).post(create))
        .route("/o/{org}/rules/preview", get(preview))
        .route("/o/{org}/rules/preview.csv", get(table))
        .route("/o/{org}/rules/activate", post(activate))
        .route("/o/{org}/rules/in-force", get(in_force))
        .route("/o/{org}/rules/undo", post(undo))
        .merge(rules_off::routes())
        .route("/o/{org}/rules/test", get(test_box).post(try_out))
        .route("/o/{org}/rules/{rule}", get(edit).post(change))
        .route("/o/{org}/rules/{rule}/delete", get(ask).post(delete))
}

pub(super) async fn account(app: &App, reader: &Reader, org: &str) -> Result<AccountId, Problem> {
    Ok(people::account_of(app, &reader.ctx, org, Permission::ManageRules).await?.id)
}

/// An address under the rules of the reader's org.
pub(super) fn at(reader: &Reader, rest: &str) -> String {
    format!("/o/{}/rules{rest}", reader.here.org)
}

async fn list(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let view = rules::list(&app, &reader.ctx, account).await?;
    page(StatusCode::OK, &index(&app, &reader, view))
}

fn index(app: &App, reader: &Reader, view: RulesView) -> RulesPage {
    let state = match (view.active, view.pending) {
        (true, false) => RulesState::InForce,
        (true, true) => RulesState::Edited,
        (false, _) => RulesState::Out,
    };
    RulesPage {
        frame: reader.frame(Room::Rules),
        state,
        since: view.activated_at,
        linked: !view.connections.is_empty(),
        rules: view.rules.into_iter().map(|rule| words::row(app, rule)).collect(),
    }
}

async fn new(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    form(&app, &reader, account, (None, Typed::nothing()), None).await
}

/// The form; where no identity provider is linked, the page that says so.
async fn form(
    app: &App,
    reader: &Reader,
    account: AccountId,
    (id, typed): (Option<RuleId>, Typed),
    wrong: Option<(StatusCode, Problems)>,
) -> Result<Response, Problem> {
    let view = rules::list(app, &reader.ctx, account).await?;
    let (status, problems) = wrong.unwrap_or_default();
    if view.connections.is_empty() {
        return page(status, &index(app, reader, view));
    }
    let choices = rules::choices(app, &reader.ctx, account).await?;
    let standing = view.rules.iter().find(|rule| Some(rule.id) == id);
    let broken = standing.map(|rule| rule.broken.clone()).unwrap_or_default();
    let form = typed.form(app, choices, view, problems);
    page(status, &RuleFormPage { frame: reader.frame(Room::Rules), id: id.map(|id| id.to_string()), broken, form })
}

async fn create(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    save(&app, &reader, account, None, &fields).await
}

/// Writes the rule, or answers with the form: with a row more or less where that was asked for, else with what is wrong.
async fn save(
    app: &App,
    reader: &Reader,
    account: AccountId,
    id: Option<RuleId>,
    fields: &Fields,
) -> Result<Response, Problem> {
    let typed = Typed::of(fields);
    let edit = fields.one("edit");
    if !edit.is_empty() {
        return form(app, reader, account, (id, typed.edited(edit)), None).await;
    }
    let written = match typed.wanted() {
        Ok(written) => written,
        Err(problems) => {
            let wrong = Some((StatusCode::UNPROCESSABLE_ENTITY, problems));
            return form(app, reader, account, (id, typed), wrong).await;
        }
    };
    match rules::put(app, &reader.ctx, account, id, written).await {
        Ok(_) => see_other(&at(reader, &format!("?done={}", Done::RuleSaved.word()))),
        Err(RulesError::NotLinked) => {
            form(app, reader, account, (id, typed), Some((StatusCode::CONFLICT, Problems::default()))).await
        }
        Err(error) => {
            let known = rules::list(app, &reader.ctx, account).await?.connections;
            let Some(problems) = typed.problems(&error, &known) else { return Err(error.into()) };
            form(app, reader, account, (id, typed), Some((status(error.kind()), problems))).await
        }
    }
}

/// A rule of the org, and whether rules are in force.
async fn found(app: &App, reader: &Reader, account: AccountId, id: RuleId) -> Result<(RuleView, bool), RulesError> {
    let view = rules::list(app, &reader.ctx, account).await?;
    let rule = view.rules.into_iter().find(|rule| rule.id == id).ok_or(RulesError::Missing("rule"))?;
    Ok((rule, view.active))
}

fn rule_id(text: &str) -> Result<RuleId, RulesError> {
    text.parse().map_err(|_| RulesError::Missing("rule"))
}

async fn edit(
    State(app): State<App>,
    reader: Reader,
    Path((org, rule)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let id = rule_id(&rule)?;
    let (rule, _) = found(&app, &reader, account, id).await?;
    form(&app, &reader, account, (Some(id), Typed::standing(rule)), None).await
}

async fn change(
    State(app): State<App>,
    reader: Reader,
    Path((org, rule)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    save(&app, &reader, account, Some(rule_id(&rule)?), &fields).await
}

/// What deleting does, before it does.
async fn ask(
    State(app): State<App>,
    reader: Reader,
    Path((org, rule)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let (rule, active) = found(&app, &reader, account, rule_id(&rule)?).await?;
    let shown = DeleteRulePage { frame: reader.frame(Room::Rules), rule: words::row(&app, rule), active };
    page(StatusCode::OK, &shown)
}

async fn delete(
    State(app): State<App>,
    reader: Reader,
    Path((org, rule)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    rules::remove(&app, &reader.ctx, account, rule_id(&rule)?).await?;
    see_other(&at(&reader, &format!("?done={}", Done::RuleDeleted.word())))
}

async fn preview(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    page(StatusCode::OK, &previewed(&app, &reader, account).await?)
}

/// Everybody whom it changes.
async fn table(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    Ok(csv::people(rules::preview_rows(&app, &reader.ctx, account).await?))
}

async fn previewed(app: &App, reader: &Reader, account: AccountId) -> Result<PreviewPage, RulesError> {
    let preview = rules::preview(app, &reader.ctx, account).await?;
    let standing = rules::list(app, &reader.ctx, account).await?;
    Ok(PreviewPage {
        frame: reader.frame(Room::Rules),
        rules: standing.rules.len(),
        difference: words::difference(app, &preview),
        guards: preview.guards.iter().map(|guard| words::guard(*guard).to_owned()).collect(),
        digest: preview.digest,
        broken: preview.broken,
        unasked: preview.unasked.into_iter().map(|unasked| (unasked.rule, unasked.claim)).collect(),
        problems: Problems::default(),
    })
}

/// Puts in force what was previewed; if that is no more what there is, or the name of the org is missing, a fresh preview.
async fn activate(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let confirm = Some(fields.one("confirm").trim()).filter(|typed| !typed.is_empty());
    let error = match rules::activate(&app, &reader.ctx, account, fields.one("digest"), confirm).await {
        Ok(_) => return see_other(&at(&reader, &format!("/in-force?done={}", Done::RulesActivated.word()))),
        Err(error) => error,
    };
    let mut shown = previewed(&app, &reader, account).await?;
    if !blame(&error, &mut shown, &reader) {
        return Err(error.into());
    }
    page(status(error.kind()), &shown)
}

/// Says on the fresh preview why nothing was activated; no for errors that no second try mends.
fn blame(error: &RulesError, shown: &mut PreviewPage, reader: &Reader) -> bool {
    match error {
        RulesError::Stale(changes) => {
            let since = if changes.is_empty() { String::new() } else { format!(" ({})", changes.join(", ")) };
            let text = format!(
                "The rules have changed since that preview{since}, so nothing was activated. This is what they would do now."
            );
            shown.frame.notice = Some(Notice { tone: Tone::Warning, text });
        }
        RulesError::Confirm(_) => shown.problems = unconfirmed(reader),
        RulesError::Denied(_)
        | RulesError::Missing(_)
        | RulesError::Rule(_)
        | RulesError::Unknown(_)
        | RulesError::NameTaken
        | RulesError::NotLinked
        | RulesError::NothingToUndo
        | RulesError::NotActive
        | RulesError::Corrupt(_)
        | RulesError::Database(_) => return false,
    }
    true
}

pub(super) fn unconfirmed(reader: &Reader) -> Problems {
    let text = format!("Type `{}`, or change nothing", reader.here.org);
    Problems(vec![FieldProblem { field: "confirm", text }])
}

async fn in_force(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    match rules::in_force(&app, &reader.ctx, account).await? {
        Some(last) => page(StatusCode::OK, &receipt(&reader, last)),
        None => see_other(&at(&reader, "")),
    }
}

fn receipt(reader: &Reader, last: InForce) -> InForcePage {
    let number = count(last.rules.len(), "rule", "rules");
    let title = match (last.active, last.kind.as_str()) {
        (true, "undo") => "The rules from before are in force again".to_owned(),
        (true, _) => format!("{} {} in force", sentence(&number), if last.rules.len() == 1 { "is" } else { "are" }),
        (false, "freeze") => "No rules are in force, and what they gave stays".to_owned(),
        (false, _) => "No rules are in force".to_owned(),
    };
    InForcePage {
        frame: reader.frame(Room::Rules),
        title,
        generation: last.generation,
        active: last.active,
        at: last.at,
        by: last.by.unwrap_or_else(|| "an operator".to_owned()),
        rules: last.rules,
        figures: last.counts.as_ref().map(words::figures).unwrap_or_default(),
        undo_until: last.undo_until,
    }
}

async fn undo(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    // What an old page shows is not undone in the place of what came since.
    let meant = fields.one("generation").parse().unwrap_or(0);
    let done = match rules::undo(&app, &reader.ctx, account, Some(meant)).await {
        Ok(_) => Done::RulesUndone,
        Err(RulesError::Stale(_)) => Done::NotTheLastChange,
        Err(error) => return Err(error.into()),
    };
    see_other(&at(&reader, &format!("/in-force?done={}", done.word())))
}

async fn test_box(State(app): State<App>, reader: Reader, Path(org): Path<String>) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let nothing = (String::new(), String::new());
    tried(&app, &reader, account, nothing, (StatusCode::OK, Problems::default(), None)).await
}

async fn tried(
    app: &App,
    reader: &Reader,
    account: AccountId,
    (connection, claims): (String, String),
    (status, problems, outcome): (StatusCode, Problems, Option<Outcome>),
) -> Result<Response, Problem> {
    let view = rules::list(app, &reader.ctx, account).await?;
    if view.connections.is_empty() {
        return page(status, &index(app, reader, view));
    }
    let frame = reader.frame(Room::Rules);
    page(status, &TestPage { frame, connections: view.connections, connection, claims, problems, outcome })
}

async fn try_out(
    State(app): State<App>,
    reader: Reader,
    Path(org): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let account = account(&app, &reader, &org).await?;
    let (connection, text) = (fields.one("connection").to_owned(), fields.one("claims").to_owned());
    let said = match serde_json::from_str(&text) {
        Ok(claims) => match rules::try_out(&app, &reader.ctx, account, &connection, &claims).await {
            Ok(outcome) => (StatusCode::OK, Problems::default(), Some(words::outcome(&app, outcome))),
            Err(RulesError::Missing("connection")) => wrong("connection", "Choose a connection of this org".to_owned()),
            Err(error) => return Err(error.into()),
        },
        Err(error) => wrong("claims", format!("Paste a JSON object, from `{{` to `}}`: {error}")),
    };
    tried(&app, &reader, account, (connection, text), said).await
}

fn wrong(field: &'static str, text: String) -> (StatusCode, Problems, Option<Outcome>) {
    (StatusCode::UNPROCESSABLE_ENTITY, Problems(vec![FieldProblem { field, text }]), None)
}
