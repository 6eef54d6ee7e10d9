//! `cardea login` and `logout`: who the commands that ask a running gateway act for.

use super::output::note;
use super::remote::{self, Remote};
use crate::environment::Environment;
use anyhow::Context as _;
use clap::Args;
use reqwest::Method;
use secrecy::SecretString;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Who signs in, and where.
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The gateway's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8700")]
    url: String,
    /// Your address
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// A file with the password [default: it is asked for]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// `cardea login`
pub(crate) async fn login(environment: &Environment, login: &Login) -> anyhow::Result<ExitCode> {
    let password = match &login.password_file {
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
            text.trim_end_matches(['\r', '\n']).to_owned().into()
        }
        None => ask(&login.email)?,
    };
    let file = remote::sign_in(environment, &login.url, &login.email, &password).await?;
    note(&format!("{} is signed in at {}; {} holds the session", login.email, login.url, file.display()));
    Ok(ExitCode::SUCCESS)
}

fn ask(email: &str) -> anyhow::Result<SecretString> {
    if !std::io::stdin().is_terminal() {
        anyhow::bail!("there is nobody to ask for the password; give it in --password-file");
    }
    let terminal = console::Term::stderr();
    terminal.write_str(&format!("password of {email}: "))?;
    Ok(terminal.read_secure_line()?.into())
}

/// `cardea logout`
pub(crate) async fn logout(environment: &Environment) -> anyhow::Result<ExitCode> {
    if let Ok(gateway) = Remote::open(environment)
        && let Err(error) = gateway.send(Method::POST, "/logout", None).await
    {
        note(&format!("the session could not be ended, and ends by itself: {error:#}"));
    }
    let known = remote::forget(environment)?;
    note(if known { "signed out" } else { "nobody had signed in" });
    Ok(ExitCode::SUCCESS)
}
