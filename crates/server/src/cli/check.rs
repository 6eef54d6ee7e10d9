//! `cardea check`: whether `cardea serve` could start, and what to mend if not. It makes and changes nothing.

use super::finding::{self, Finding};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::environment::Environment;
use crate::{catalogue, opening, pepper};
use cardea_gateway::catalogue::digest;
use cardea_gateway::ground::{Engine, SchemaState};
use cardea_gateway::rules;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Looks at everything that a start needs; exit code 1 if it would fail.
pub(crate) async fn check(file: Option<&Path>, environment: &Environment, json: bool) -> anyhow::Result<ExitCode> {
    let findings = match Config::load(file, environment) {
        Err(complaints) => Finding::of_error("configuration", &complaints.into()),
        Ok(config) => {
            let mut findings = vec![configuration(file, &config)];
            findings.extend(catalogue_of(&config));
            findings.extend(outbound(&config));
            findings.push(pepper_of(&config));
            findings.extend(database(&config).await);
            findings
        }
    };
    finding::print(json, &findings)
}

fn configuration(file: Option<&Path>, config: &Config) -> Finding {
    let name = file.map_or_else(|| "the usual file or the defaults".to_owned(), |file| file.display().to_string());
    Finding::ok("configuration", format!("{name}; issuer {}", config.public_url))
}

fn catalogue_of(config: &Config) -> Vec<Finding> {
    let catalogue = match catalogue::load(config) {
        Err(complaints) => return Finding::of_error("catalogue", &complaints.into()),
        Ok(catalogue) => catalogue,
    };
    let detail = format!("{} services; digest {}", catalogue.services().count(), digest(&catalogue));
    let mut findings = vec![Finding::ok("catalogue", detail)];
    let unused = catalogue::unused_limits(config, &catalogue);
    if !unused.is_empty() {
        let detail = format!("the catalogue's own have no effect: {}", unused.join(", "));
        findings.push(Finding::note(
            "limits",
            detail,
            Some("set those that `[limits]` of the configuration knows there"),
        ));
    }
    findings
}

fn outbound(config: &Config) -> Vec<Finding> {
    match opening::outside(config, Arc::new(SystemClock::start())) {
        Ok(_) => Vec::new(),
        Err(error) => Finding::of_error("outbound", &error),
    }
}

fn pepper_of(config: &Config) -> Finding {
    let name = config.keys.pepper_file.display().to_string();
    match pepper::read(&config.keys.pepper_file) {
        Ok(Some(_)) => Finding::ok("pepper", name),
        Ok(None) => Finding::note("pepper", format!("{name} is not there; the first start makes it"), None),
        Err(complaint) => Finding::problem("pepper", complaint.to_string(), complaint.hint.as_deref()),
    }
}

async fn database(config: &Config) -> Vec<Finding> {
    if let Some(path) = opening::absent_file(config) {
        return vec![Finding::note("database", format!("{path} is not there; the first start makes it"), None)];
    }
    match examined(config).await {
        Ok(findings) => findings,
        Err(error) => Finding::of_error("database", &error),
    }
}

async fn examined(config: &Config) -> anyhow::Result<Vec<Finding>> {
    let db = opening::database(config).await?;
    let state = db.schema_state().await?;
    let engine = engine(db.engine());
    let mut findings = vec![match state {
        SchemaState::UpToDate => Finding::ok("database", format!("{engine}, schema of this release")),
        SchemaState::Behind(count) => {
            let detail = format!("{engine}, {count} migrations to apply; `cardea serve` and `cardea migrate` do it");
            Finding::note("database", detail, None)
        }
        SchemaState::Newer => {
            let detail = format!("{engine}, migrated by a newer release");
            Finding::problem("database", detail, Some("run the newer release"))
        }
    }];
    db.close().await;
    if state == SchemaState::UpToDate {
        findings.extend(together(config).await);
    }
    Ok(findings)
}

/// Whether pepper and database belong together.
async fn together(config: &Config) -> Vec<Finding> {
    match opening::to_look(config).await {
        Ok(app) => {
            let mut findings = vec![Finding::ok("secrets", "the pepper is the one that this database was made with")];
            match rules::granted(&app).await {
                Ok(granted) => findings.extend(app.catalogue.forgotten(granted).iter().map(|error| {
                    let fix =
                        "name in `replaced_by` what took its place, or take the role away; until then it gives nothing";
                    Finding::problem("catalogue", error.to_string(), Some(fix))
                })),
                Err(error) => findings.extend(Finding::of_error("roles", &error.into())),
            }
            app.db.close().await;
            findings
        }
        Err(error) => Finding::of_error("secrets", &error),
    }
}

/// The engine's name.
pub(super) const fn engine(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    }
}
