//! What the operator of this machine does about people, on the database itself: links for owners, operators' tokens, and
//! the door that can be shut when no gateway runs.

use super::output::{Form, note, print, rows};
use super::{Operator, ctx};
use crate::chance::OsRandom;
use crate::config::Config;
use crate::{lifecycle, opening};
use cardea_gateway::state::format::{Prefix, Secret};
use cardea_gateway::{App, GatewayError, accounts, people};
use serde_json::json;
use std::process::ExitCode;

/// `cardea owner invite`: a link for somebody into an account.
pub(crate) async fn invite_owner(
    config: &Config,
    (account, email): (&str, &str),
    json: bool,
) -> anyhow::Result<ExitCode> {
    let app = opening::to_write(config).await?;
    let secret = accounts::invite_owner(&app, &ctx(&app), account, email).await;
    app.db.close().await;
    let link = lifecycle::link(&app, &secret?.reveal());
    let until = app.clock.now().after(app.settings.link_life);
    if Form::choose(json) != Form::Json {
        note(&format!("{email} becomes an owner of {account} with this link; it works once, until {until}"));
    }
    secret_line(json, &link, &json!({"link": link, "expires_at": until}))
}

/// `cardea operator …`; with `--print-only` no database is opened.
pub(crate) async fn operator(config: &Config, operator: &Operator) -> anyhow::Result<ExitCode> {
    let Operator::Create { name, print_only: false, printed } = operator else { return print_only(operator) };
    let app = opening::to_write(config).await?;
    let token = accounts::create_operator(&app, &ctx(&app), name).await;
    app.db.close().await;
    show_token(name, token?.reveal(), printed.json)
}

/// A token that is stored nowhere, for the `operators:` of a state file.
pub(crate) fn print_only(operator: &Operator) -> anyhow::Result<ExitCode> {
    let Operator::Create { name, printed, .. } = operator;
    show_token(name, Secret::generate(Prefix::Operator, &OsRandom).expose().to_owned(), printed.json)
}

fn show_token(name: &str, token: String, json: bool) -> anyhow::Result<ExitCode> {
    if Form::choose(json) != Form::Json {
        note(&format!("the token of {name}; it is not shown again"));
    }
    secret_line(json, &token, &json!({"name": name, "token": token}))
}

/// A secret alone on stdout, so that a pipe can take it.
fn secret_line(json: bool, secret: &str, data: &serde_json::Value) -> anyhow::Result<ExitCode> {
    print(&if json { format!("{data:#}\n") } else { format!("{secret}\n") })?;
    Ok(ExitCode::SUCCESS)
}

/// `cardea user deactivate --account`: somebody in an account, by the operator of this machine.
pub(crate) async fn deactivate(config: &Config, whom: (&str, &str), json: bool) -> anyhow::Result<ExitCode> {
    let app = opening::to_write(config).await?;
    let ended = end(&app, whom).await;
    app.db.close().await;
    let (receipt, address) = ended?;
    let lines = [["receipt".to_owned(), receipt.clone()], ["address".to_owned(), address.clone()]];
    rows(Form::choose(json), ["ENDED", ""], &lines, &json!({"receipt": receipt, "address": address}))?;
    Ok(ExitCode::SUCCESS)
}

/// The receipt, and where it can be read.
async fn end(app: &App, (name, email): (&str, &str)) -> anyhow::Result<(String, String)> {
    let ctx = ctx(app);
    let account = accounts::named(app, &ctx, name).await?;
    let ended = people::deactivate(app, &ctx, account.id, email).await.map_err(|error| known(error, (name, email)))?;
    let receipt = ended.receipt.to_string();
    let address = format!("{}/o/{}/revocations/{receipt}", app.settings.public_url, account.org_name);
    Ok((receipt, address))
}

/// `cardea user reactivate --account`: somebody in an account, by the operator of this machine.
pub(crate) async fn reactivate(config: &Config, whom: (&str, &str), json: bool) -> anyhow::Result<ExitCode> {
    let app = opening::to_write(config).await?;
    let lifted = lift(&app, whom).await;
    app.db.close().await;
    if !lifted? {
        anyhow::bail!(
            "no operator's hold stands on {}; what a directory or an admin has shut, they open again",
            whom.1
        );
    }
    let text = "they may sign in again; keys and sessions that were ended stay ended";
    let lines = [["reactivated".to_owned(), text.to_owned()]];
    rows(Form::choose(json), ["DONE", ""], &lines, &json!({"reactivated": true}))?;
    Ok(ExitCode::SUCCESS)
}

async fn lift(app: &App, (name, email): (&str, &str)) -> anyhow::Result<bool> {
    let ctx = ctx(app);
    let account = accounts::named(app, &ctx, name).await?;
    people::reactivate(app, &ctx, account.id, email).await.map_err(|error| known(error, (name, email)))
}

/// An absent user, with the words that were typed.
fn known(error: GatewayError, (account, email): (&str, &str)) -> anyhow::Error {
    if matches!(error, GatewayError::Missing(_)) {
        return anyhow::anyhow!("there is no user `{email}` in the account `{account}`");
    }
    error.into()
}
