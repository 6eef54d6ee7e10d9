//! `cardea owner`, `operator` and `user`: who may get in, and who no longer.

use super::output::{Form, note, print, rows};
use super::{Member, Operator, Owner, User, ctx};
use crate::chance::OsRandom;
use crate::config::Config;
use crate::{lifecycle, opening};
use cardea_gateway::state::format::{Prefix, Secret};
use cardea_gateway::{App, GatewayError, accounts, people};
use serde_json::json;
use std::process::ExitCode;

/// `cardea owner …`
pub(crate) async fn owner(config: &Config, owner: &Owner) -> anyhow::Result<ExitCode> {
    let Owner::Invite { account, email, printed } = owner;
    let app = opening::to_write(config).await?;
    let secret = accounts::invite_owner(&app, &ctx(&app), account, email).await;
    app.db.close().await;
    let link = lifecycle::link(&app, &secret?.reveal());
    let until = app.clock.now().after(app.settings.link_life);
    if Form::choose(printed.json) != Form::Json {
        note(&format!("{email} becomes an owner of {account} with this link; it works once, until {until}"));
    }
    secret_line(printed.json, &link, &json!({"link": link, "expires_at": until}))
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

/// `cardea user …`
pub(crate) async fn user(config: &Config, user: &User) -> anyhow::Result<ExitCode> {
    let app = opening::to_write(config).await?;
    let done = match user {
        User::Deactivate(member) => deactivate(&app, member).await,
        User::Reactivate(member) => reactivate(&app, member).await,
    };
    app.db.close().await;
    done
}

async fn deactivate(app: &App, member: &Member) -> anyhow::Result<ExitCode> {
    let ctx = ctx(app);
    let account = accounts::named(app, &ctx, &member.account).await?;
    let ended = people::deactivate(app, &ctx, account.id, &member.email).await.map_err(|error| known(error, member))?;
    let (receipt, org) = (ended.receipt.to_string(), &account.org_name);
    let address = format!("{}/o/{org}/revocations/{receipt}", app.settings.public_url);
    let lines = [["receipt".to_owned(), receipt.clone()], ["address".to_owned(), address.clone()]];
    rows(Form::choose(member.printed.json), ["ENDED", ""], &lines, &json!({"receipt": receipt, "address": address}))?;
    Ok(ExitCode::SUCCESS)
}

async fn reactivate(app: &App, member: &Member) -> anyhow::Result<ExitCode> {
    let ctx = ctx(app);
    let account = accounts::named(app, &ctx, &member.account).await?;
    let reactivated = people::reactivate(app, &ctx, account.id, &member.email).await;
    if !reactivated.map_err(|error| known(error, member))? {
        anyhow::bail!(
            "no operator's hold stands on {}; what a directory or an admin has shut, they open again",
            member.email
        );
    }
    let text = "they may sign in again; keys and sessions that were ended stay ended";
    let lines = [["reactivated".to_owned(), text.to_owned()]];
    rows(Form::choose(member.printed.json), ["DONE", ""], &lines, &json!({"reactivated": true}))?;
    Ok(ExitCode::SUCCESS)
}

/// An absent user, with the words that were typed.
fn known(error: GatewayError, member: &Member) -> anyhow::Error {
    if matches!(error, GatewayError::Missing(_)) {
        return anyhow::anyhow!("there is no user `{}` in the account `{}`", member.email, member.account);
    }
    error.into()
}
