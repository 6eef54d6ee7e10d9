//! The loader: keep-alive HTTP/1.1, one request at a time on each connection, the next as soon as the answer is there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What is asked, and what is made of the answers.
pub(crate) trait Script: Send + Sync + 'static {
    /// Writes the request with this number; `false` when there is none any more.
    fn write(&self, number: usize, request: &mut Vec<u8>) -> bool;

    /// Takes the answer to it.
    ///
    /// # Errors
    /// It is not what it should be; the run is then worth nothing.
    fn read(&self, number: usize, status: u16, body: &[u8]) -> Result<()>;
}

/// Runs a script over `connections` for `span`, or until it has no request any more; returns how many were answered.
pub(crate) async fn run(
    address: SocketAddr,
    connections: usize,
    span: Duration,
    script: Arc<impl Script>,
) -> Result<usize> {
    let next = Arc::new(AtomicUsize::new(0));
    let end = Instant::now() + span;
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let mut connection = Connection::open(address).await?;
        let (next, script) = (Arc::clone(&next), Arc::clone(&script));
        tasks.spawn(async move {
            let mut answered = 0;
            while Instant::now() < end {
                let number = next.fetch_add(1, Ordering::Relaxed);
                connection.request.clear();
                if !script.write(number, &mut connection.request) {
                    break;
                }
                let (status, body) = connection.exchange().await?;
                script.read(number, status, body)?;
                answered += 1;
            }
            anyhow::Ok(answered)
        });
    }
    let mut answered = 0;
    while let Some(task) = tasks.join_next().await {
        answered += task??;
    }
    Ok(answered)
}

/// One connection with its buffers.
pub(crate) struct Connection {
    stream: TcpStream,
    /// The request that is sent next.
    pub(crate) request: Vec<u8>,
    answer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: Vec::new(), answer: Vec::with_capacity(4096) })
    }

    /// Sends the request and waits for the whole answer.
    pub(crate) async fn exchange(&mut self) -> Result<(u16, &[u8])> {
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        let answer = loop {
            let read = self.stream.read_buf(&mut self.answer).await?;
            ensure!(read > 0, "the server closed the connection");
            if let Some(answer) = parse(&self.answer)? {
                break answer;
            }
        };
        Ok((answer.status, self.answer.get(answer.body_at..).unwrap_or_default()))
    }
}

impl Connection {
    /// A field of the last answer's head.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let head =
            self.answer.windows(4).position(|window| window == b"\r\n\r\n").and_then(|end| self.answer.get(..end))?;
        header(std::str::from_utf8(head).ok()?, name)
    }
}

/// Where things are in an answer that is there whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body_at: usize,
}

/// Reads an answer with a content length, or without a body; nothing if some of it is still to come.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Answer>> {
    let Some(head_end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(bytes.get(..head_end).unwrap_or_default())?;
    let status = head.get(9..12).context("no status")?.parse()?;
    let length: usize = header(head, "content-length").map_or(Ok(0), str::parse)?;
    let body_at = head_end + 4;
    Ok((bytes.len() >= body_at + length).then_some(Answer { status, body_at }))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A request with a body.
pub(crate) fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: gateway\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}
