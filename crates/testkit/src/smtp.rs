//! A mail server on loopback that takes messages in the clear (RFC 5321), refuses as many as it is told to, and remembers
//! the rest.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A message that the server took.
#[derive(Clone, Debug)]
pub struct Taken {
    /// `MAIL FROM`.
    pub from: String,
    /// `RCPT TO`.
    pub to: String,
    /// The message, without the dots that the protocol adds.
    pub message: String,
}

#[derive(Default)]
struct State {
    taken: Vec<Taken>,
    /// What the next messages are answered instead of being taken.
    refusals: Vec<String>,
    /// Messages that were taken although no answer went back.
    unanswered: usize,
}

/// A running mail server; it stops with this.
pub struct MailServer {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl MailServer {
    /// Starts one.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                // A conversation that breaks off shows in what was taken.
                tokio::spawn(async move { drop(converse(stream, &state).await) });
            }
        });
        Ok(Self { address, state, task })
    }

    /// `smtp://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Answers the next message with this, such as `451 try later`, in the place of taking it.
    pub fn refuse_next(&self, answer: &str) {
        self.lock().refusals.push(answer.to_owned());
    }

    /// Takes the next message and breaks off before it says so.
    pub fn break_off_next(&self) {
        self.lock().unanswered += 1;
    }

    /// What it has taken, the oldest first.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        self.lock().taken.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse(stream: TcpStream, state: &Mutex<State>) -> Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 mail.test\r\n").await?;
    let (mut from, mut to) = (String::new(), String::new());
    while let Some(line) = lines.next_line().await? {
        let word = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer = match word.as_str() {
            "EHLO" => "250-mail.test\r\n250 8BITMIME".to_owned(),
            "MAIL" => keep(&mut from, &line)?,
            "RCPT" => keep(&mut to, &line)?,
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut message = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    message.push_str(line.strip_prefix('.').unwrap_or(&line));
                    message.push_str("\r\n");
                }
                match judged(state, Taken { from: from.clone(), to: to.clone(), message }) {
                    Some(answer) => answer,
                    None => return Ok(()),
                }
            }
            "QUIT" => {
                writer.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            "RSET" | "NOOP" => "250 ok".to_owned(),
            _ => "500 unknown".to_owned(),
        };
        writer.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// The address between `<` and `>`.
fn keep(place: &mut String, line: &str) -> Result<String> {
    let (_, rest) = line.split_once('<').context("no address")?;
    rest.split('>').next().unwrap_or_default().clone_into(place);
    Ok("250 ok".to_owned())
}

/// What the message is answered; nothing if the line goes dead.
fn judged(state: &Mutex<State>, taken: Taken) -> Option<String> {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    if !state.refusals.is_empty() {
        return Some(state.refusals.remove(0));
    }
    state.taken.push(taken);
    if state.unanswered > 0 {
        state.unanswered -= 1;
        return None;
    }
    Some("250 taken".to_owned())
}
