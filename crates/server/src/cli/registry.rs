//! `cardea registry …`: what a container registry is given so that it knows the gateway's tokens.

use super::ctx;
use super::output::print;
use crate::config::Config;
use crate::opening;
use cardea_gateway::registry;
use serde_json::json;
use std::process::ExitCode;

/// Prints the certificates; makes the authority if nobody has needed it before.
pub(crate) async fn trust_bundle(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let app = opening::to_write(config).await?;
    let bundle = registry::trust_bundle(&app, &ctx(&app)).await;
    app.db.close().await;
    let bundle = bundle?;
    print(&if json { format!("{:#}\n", json!({"trust_bundle": bundle})) } else { bundle })?;
    Ok(ExitCode::SUCCESS)
}
