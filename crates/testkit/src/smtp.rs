//! A mail server on loopback (RFC 5321) that takes messages in the clear or over TLS, refuses as many as it is told to, and
//! remembers the rest.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use cardea_connect::MailWay;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::certificate::Certified;

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

/// How a mail server is spoken to.
#[derive(Clone)]
enum Manner {
    Clear,
    /// TLS from the first byte on (RFC 8314 §3.3).
    Wrapped(TlsAcceptor),
    /// Nothing before STARTTLS (RFC 3207).
    Upgraded(TlsAcceptor),
}

/// A running mail server; it stops with this.
pub struct MailServer {
    /// Where it listens.
    pub address: SocketAddr,
    manner: Manner,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl MailServer {
    /// Starts one that speaks in the clear.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self> {
        Self::speaking(Manner::Clear).await
    }

    /// Starts one that speaks TLS from the first byte on.
    ///
    /// # Errors
    /// No port is free.
    pub async fn wrapped(certified: &Certified) -> Result<Self> {
        Self::speaking(Manner::Wrapped(certified.config().into())).await
    }

    /// Starts one that takes nothing before STARTTLS.
    ///
    /// # Errors
    /// No port is free.
    pub async fn upgraded(certified: &Certified) -> Result<Self> {
        Self::speaking(Manner::Upgraded(certified.config().into())).await
    }

    async fn speaking(manner: Manner) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::<Mutex<State>>::default();
        let (shared, manner_of_all) = (Arc::clone(&state), manner.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, manner) = (Arc::clone(&shared), manner_of_all.clone());
                // A conversation that breaks off shows in what was taken.
                tokio::spawn(async move { drop(answer(stream, &manner, &state).await) });
            }
        });
        Ok(Self { address, manner, state, task })
    }

    /// Where and how it is spoken to: `smtp://127.0.0.1:PORT`, `smtps://…`, or `smtp://…?tls=required`.
    #[must_use]
    pub fn url(&self) -> String {
        match self.manner {
            Manner::Clear => format!("smtp://{}", self.address),
            Manner::Wrapped(_) => format!("smtps://{}", self.address),
            Manner::Upgraded(_) => format!("smtp://{}?tls=required", self.address),
        }
    }

    /// The way to it, for nodes that trust the system's authorities and these, each in PEM.
    #[must_use]
    pub fn way(&self, authorities: &[&[u8]]) -> MailWay {
        let authorities = authorities.iter().map(|pem| pem.to_vec()).collect();
        MailWay::Server { url: self.url().into(), authorities }
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

async fn answer(mut stream: TcpStream, manner: &Manner, state: &Mutex<State>) -> Result<()> {
    match manner {
        Manner::Clear => {
            stream.write_all(GREETING).await?;
            converse(stream, state).await
        }
        Manner::Wrapped(acceptor) => {
            let mut stream = acceptor.accept(stream).await?;
            stream.write_all(GREETING).await?;
            converse(stream, state).await
        }
        Manner::Upgraded(acceptor) => {
            let stream = until_upgraded(stream).await?;
            converse(acceptor.accept(stream).await?, state).await
        }
    }
}

const GREETING: &[u8] = b"220 mail.test\r\n";

/// Takes nothing until the other side asks for TLS, which it begins with the next byte.
async fn until_upgraded(stream: TcpStream) -> Result<TcpStream> {
    let mut stream = BufReader::new(stream);
    stream.write_all(GREETING).await?;
    loop {
        let mut line = String::new();
        ensure!(stream.read_line(&mut line).await? > 0, "it hung up");
        let answer = match line.trim_end().to_ascii_uppercase().split(' ').next() {
            Some("STARTTLS") => {
                stream.write_all(b"220 go on\r\n").await?;
                return Ok(stream.into_inner());
            }
            Some("EHLO") => "250-mail.test\r\n250 STARTTLS\r\n",
            Some(_) | None => "530 STARTTLS first\r\n",
        };
        stream.write_all(answer.as_bytes()).await?;
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite, state: &Mutex<State>) -> Result<()> {
    let (reader, mut writer) = tokio::io::split(stream);
    let mut lines = BufReader::new(reader).lines();
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
