//! `cardea demo`: the whole of it on one machine, for a minute, with nothing kept.
//!
//! | file | what it is for |
//! |---|---|
//! | [`scene`] | a temporary instance with one account, a simulated provider, and how they know each other |
//! | [`saml`] | simulated SAML providers beside that |
//! | [`directory`] | the simulated provisioning client, and what it said |
//! | [`control`] | the same for scripts, on a port of its own |
//! | [`tour`] | what is printed |
//!
//! The people sign in through real OpenID Connect and SAML, and the directory speaks real SCIM, both over loopback.

mod control;
mod directory;
mod saml;
mod scene;
mod tour;

use crate::cli::output::print;
use crate::lifecycle::Signals;
use cardea_simulate::scim_client::Dialect;
use directory::{Deed, Directory};
use scene::Scene;
use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tour::Paint;

/// How long requests have to end by themselves when the demo does.
const SOFT: Duration = Duration::from_secs(2);
/// Whom the keys of the terminal mean.
const ANA: &str = "ana";

/// Runs until a signal comes or somebody presses `q`.
pub(crate) async fn run(port: Option<u16>) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let scene = Scene::set(port).await?;
    let directory = Arc::new(scene.directory()?);
    let control = control::Control::start(Arc::clone(&directory)).await?;
    let paint = Paint::of_stdout();
    print(&tour::text(&scene, control.address, paint))?;
    let mut typed = keys();
    loop {
        tokio::select! {
            _signal = signals.next() => break,
            Some(line) = typed.recv() => if press(line.trim(), &directory, paint).await?.is_break() { break },
        }
    }
    print("\nThe demo ends; everything of it is removed.\n")?;
    control.stop().await;
    scene.strike(signals, SOFT).await;
    Ok(ExitCode::SUCCESS)
}

/// One line that was typed.
async fn press(line: &str, directory: &Directory, paint: Paint) -> anyhow::Result<std::ops::ControlFlow<()>> {
    let (deed, dialect) = match line {
        "" => return Ok(std::ops::ControlFlow::Continue(())),
        "q" => return Ok(std::ops::ControlFlow::Break(())),
        "d" => (Deed::Deactivate, Dialect::Okta),
        "e" => (Deed::Deactivate, Dialect::EntraDefault),
        "r" => (Deed::Reactivate, Dialect::Okta),
        _ => {
            print(tour::KEYS)?;
            return Ok(std::ops::ControlFlow::Continue(()));
        }
    };
    match directory.does(deed, ANA, dialect).await {
        Ok(conversation) => print(&tour::conversation(&conversation, paint))?,
        Err(error) => print(&format!("{error:#}\n"))?,
    }
    Ok(std::ops::ControlFlow::Continue(()))
}

/// The lines that are typed, if anybody can type. The thread ends with the process.
fn keys() -> mpsc::Receiver<String> {
    let (typed, lines) = mpsc::channel(8);
    if !std::io::stdin().is_terminal() {
        return lines;
    }
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if typed.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}
