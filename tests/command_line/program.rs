//! The real binary in a folder of its own: its configuration, its runs, its servers. What is started dies with its handle.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use cardea_testkit::Engine;
use cardea_testkit::postgres::Cluster;
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_cardea");
/// Longer than anything here takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An installation: a folder with a configuration, and a database.
pub(crate) struct Installation {
    folder: tempfile::TempDir,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
}

/// What a run said.
pub(crate) struct Ran {
    /// The exit code.
    pub(crate) code: Option<i32>,
    /// On stdout.
    pub(crate) out: String,
    /// On stderr.
    pub(crate) err: String,
}

impl Ran {
    /// The run succeeded.
    pub(crate) fn good(self) -> Result<Self> {
        ensure!(self.code == Some(0), "it failed: {}{}", self.out, self.err);
        Ok(self)
    }

    /// The run failed with 1; what it said about that.
    pub(crate) fn bad(self) -> Result<String> {
        ensure!(self.code == Some(1), "it ended with {:?}: {}{}", self.code, self.out, self.err);
        Ok(self.err)
    }

    /// Its stdout as JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.out).with_context(|| format!("no JSON: {}{}", self.out, self.err))
    }
}

impl Installation {
    /// A folder with a configuration; nothing else is made yet.
    pub(crate) fn new(engine: Engine) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let database = match engine {
            Engine::Sqlite => "sqlite://data/cardea.db".to_owned(),
            Engine::Postgres => Cluster::shared()?.fresh_database()?,
        };
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}");
        let text = format!(
            "public_url = \"{url}\"\nlisten = \"127.0.0.1:{port}\"\n[node]\nname = \"one\"\n[database]\nurl = \"{database}\"\n\
             [outbound]\nallow_cidrs = [\"127.0.0.0/8\"]\n"
        );
        std::fs::write(folder.path().join("cardea.toml"), text)?;
        Ok(Self { folder, url })
    }

    /// A file of the installation.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of it.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<()> {
        Ok(std::fs::write(self.path(name), text)?)
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, words: &[&str]) -> Result<Ran> {
        run(self.folder.path(), words).await
    }

    /// Starts a server and waits until it serves.
    pub(crate) async fn serve(&self) -> Result<Running> {
        let mut running = start(self.folder.path(), &["serve"], &[])?;
        running.wait_for("serving").await?;
        Ok(running)
    }
}

/// Runs a command in `folder` to its end.
pub(crate) async fn run(folder: &Path, words: &[&str]) -> Result<Ran> {
    run_with(folder, words, &[]).await
}

/// Runs a command with these variables in its environment.
pub(crate) async fn run_with(folder: &Path, words: &[&str], variables: &[(&str, &str)]) -> Result<Ran> {
    let mut command = program(folder, words);
    command.envs(variables.iter().copied());
    let output = tokio::time::timeout(PATIENCE, command.output()).await.context("it does not end")??;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).context("it wrote no text");
    Ok(Ran { code: output.status.code(), out: text(output.stdout)?, err: text(output.stderr)? })
}

/// Starts a command that goes on.
pub(crate) fn start(folder: &Path, words: &[&str], variables: &[(&str, &Path)]) -> Result<Running> {
    let mut command = program(folder, words);
    let mut child = command.envs(variables.iter().copied()).spawn()?;
    let out = child.stdout.take().context("stdout")?;
    let (told, heard) = tokio::sync::mpsc::unbounded_channel();
    let err = BufReader::new(child.stderr.take().context("stderr")?).lines();
    tokio::spawn(async move {
        let mut err = err;
        while let Ok(Some(line)) = err.next_line().await {
            if told.send(line).is_err() {
                return;
            }
        }
    });
    Ok(Running { child, out: BufReader::new(out).lines(), err: heard })
}

fn program(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    // Nothing of whoever runs the tests is read or changed.
    command.args(words).current_dir(folder).env("XDG_CONFIG_HOME", folder).kill_on_drop(true).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A running program.
pub(crate) struct Running {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: tokio::sync::mpsc::UnboundedReceiver<String>,
}

impl Running {
    /// Reads the log until a line holds `word`; that line.
    pub(crate) async fn wait_for(&mut self, word: &str) -> Result<String> {
        let mut log = String::new();
        let found = async {
            while let Some(line) = self.err.recv().await {
                if line.contains(word) {
                    return Some(line);
                }
                log.push_str(&line);
                log.push('\n');
            }
            None
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        found.ok().flatten().with_context(|| format!("the log never said `{word}`:\n{log}"))
    }

    /// Reads stdout up to a line that begins with `word`, that line included.
    pub(crate) async fn read_to(&mut self, word: &str) -> Result<String> {
        tokio::time::timeout(PATIENCE, read_to(&mut self.out, word)).await.context("it says nothing more")?
    }

    /// Sends a signal.
    pub(crate) async fn signal(&self, name: &str) -> Result<()> {
        let id = self.child.id().context("it has ended already")?.to_string();
        let sent = Command::new("sh").args(["-c", "kill -s \"$1\" \"$2\"", "kill", name, &id]).status().await?;
        ensure!(sent.success(), "no signal could be sent");
        Ok(())
    }

    /// Waits for the end; the exit code.
    pub(crate) async fn end(mut self) -> Result<Option<i32>> {
        Ok(tokio::time::timeout(PATIENCE, self.child.wait()).await.context("it does not end")??.code())
    }
}

async fn read_to(lines: &mut Lines<impl AsyncBufRead + Unpin>, word: &str) -> Result<String> {
    let mut text = String::new();
    while let Some(line) = lines.next_line().await? {
        text.push_str(&line);
        text.push('\n');
        if line.starts_with(word) {
            return Ok(text);
        }
    }
    bail!("it ended before `{word}`:\n{text}")
}
