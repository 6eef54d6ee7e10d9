//! A loader that sends at its own times, whatever the server does: so a stall is seen by every request that was due in it.
//! It spins on its core, because a timer would be a millisecond late.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::Instant;

use crate::checks::Checks;
use crate::loader::{Script as _, parse};
use crate::report::{millis, quantile};

const WARM: Duration = Duration::from_secs(1);
const SPAN: Duration = Duration::from_secs(3);

/// What was seen, sorted.
pub(crate) struct Seen {
    /// From when a request was due until its answer was there, or until nobody looked any more.
    pub(crate) latencies: Vec<Duration>,
    /// From when a request was due until the loader saw that it was.
    pub(crate) late: Vec<Duration>,
}

impl Seen {
    /// In milliseconds, within which this share was answered.
    pub(crate) fn answered(&self, share: f64) -> f64 {
        millis(quantile(&self.latencies, share))
    }

    /// In milliseconds, how late the loader was at the most for this share: what it cannot tell from the server's time.
    pub(crate) fn late(&self, share: f64) -> f64 {
        millis(quantile(&self.late, share))
    }
}

struct Line {
    stream: TcpStream,
    due: Instant,
    answer: Vec<u8>,
    filled: usize,
}

/// Sends `rate` checks a second; a request that finds every connection taken waits, and its time runs.
pub(crate) fn run(address: SocketAddr, connections: usize, rate: f64, checks: &Checks) -> Result<Seen> {
    let mut idle = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        idle.push(Line { stream, due: Instant::now(), answer: vec![0; 4096], filled: 0 });
    }
    let (mut busy, mut waiting) = (Vec::<Line>::new(), VecDeque::new());
    let mut seen = Seen { latencies: Vec::new(), late: Vec::new() };
    let (mut request, mut number) = (Vec::new(), 0_usize);
    let interval = Duration::from_secs_f64(1.0 / rate);
    let began = Instant::now();
    let mut due = began;
    while due < began + WARM + SPAN {
        let now = Instant::now();
        while due <= now {
            if due > began + WARM {
                seen.late.push(now - due);
            }
            waiting.push_back(due);
            due += interval;
        }
        while !waiting.is_empty() && !idle.is_empty() {
            let (Some(due), Some(mut line)) = (waiting.pop_front(), idle.pop()) else { break };
            request.clear();
            checks.fill(number, &mut request);
            number += 1;
            line.stream.write_all(&request)?;
            (line.due, line.filled) = (due, 0);
            busy.push(line);
        }
        for line in std::mem::take(&mut busy) {
            match answered(line, checks)? {
                Progress::Done(line, at) => {
                    if line.due > began + WARM {
                        seen.latencies.push(at - line.due);
                    }
                    idle.push(line);
                }
                Progress::Waits(line) => busy.push(line),
            }
        }
    }
    // Whoever has no answer yet has waited at least until now: a server that stands still must not look like a quick one.
    let unanswered = busy.iter().map(|line| line.due).chain(waiting).filter(|due| *due > began + WARM);
    seen.latencies.extend(unanswered.map(|due| due.elapsed()));
    seen.latencies.sort();
    seen.late.sort();
    Ok(seen)
}

enum Progress {
    Done(Line, Instant),
    Waits(Line),
}

fn answered(mut line: Line, checks: &Checks) -> Result<Progress> {
    let room = line.answer.get_mut(line.filled..).unwrap_or_default();
    match line.stream.read(room) {
        Ok(read) => {
            ensure!(read > 0, "the server closed the connection");
            line.filled += read;
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Progress::Waits(line)),
        Err(error) => return Err(error.into()),
    }
    let bytes = line.answer.get(..line.filled).unwrap_or_default();
    let Some(answer) = parse(bytes)? else { return Ok(Progress::Waits(line)) };
    checks.read(0, answer.status, bytes.get(answer.body_at..).unwrap_or_default())?;
    Ok(Progress::Done(line, Instant::now()))
}
