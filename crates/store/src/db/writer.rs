//! The one writer of a SQLite database: it lends its only connection, and commits many
//! transactions as one.
//!
//! ```text
//! BEGIN IMMEDIATE
//!   SAVEPOINT one   lent to A, who keeps    RELEASE one
//!   SAVEPOINT one   lent to B, who drops    ROLLBACK TO one
//!   SAVEPOINT one   lent to C, who keeps    RELEASE one
//! COMMIT            one durable write; now A and C hear that they are committed
//! ```
//!
//! The batch is committed as soon as nobody waits or is about to, after 2 ms, or after 256 savepoints. A failed
//! commit is the failure of everyone in it. The connection travels by value: whoever holds
//! [`Lent`] gives it back by dropping it, so a panic, an error or a cancellation undoes exactly
//! that savepoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::task;

use super::error::{DbError, from_sqlite};
use super::holder::Holder;
use super::wake::After;

/// How long a transaction may wait for its turn, and a batch for another process.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
const BATCH_TIME: Duration = Duration::from_millis(2);
const BATCH_SIZE: usize = 256;
/// How often whoever is ready to run does so before a batch is committed: a request that was just read asks for its turn
/// after some of them.
const ROUNDS: usize = 4;
const QUEUE: usize = 1024;

/// Opens the writer's connection, at first and again after a failure.
pub(super) type Open = Arc<dyn Fn() -> rusqlite::Result<Connection> + Send + Sync>;

/// The handle by which transactions ask for their turn.
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    holder: Holder,
    waiting: Arc<AtomicUsize>,
}

enum Message {
    Ask(oneshot::Sender<Result<Lent, DbError>>),
    Close(oneshot::Sender<()>),
}

/// The connection inside a savepoint; dropping it undoes the savepoint and gives it back.
pub(super) struct Lent {
    turn: Option<Turn>,
    holder: Holder,
}

struct Turn {
    connection: Connection,
    back: oneshot::Sender<(Connection, Outcome)>,
}

enum Outcome {
    Keep(Kept),
    Undo,
}

/// A transaction that waits for the commit of its batch.
struct Kept {
    after: After,
    done: oneshot::Sender<Result<(), DbError>>,
}

impl Writer {
    /// Opens the connection and starts lending it. Must run inside a tokio runtime.
    pub(super) fn start(open: Open, waiting: Arc<AtomicUsize>) -> rusqlite::Result<Self> {
        let connection = open()?;
        let (queue, messages) = mpsc::channel(QUEUE);
        let holder = Holder::default();
        tokio::spawn(serve(open, connection, messages, holder.clone()));
        Ok(Self { queue, holder, waiting })
    }

    /// Waits for a turn: [`DbError::Nested`] at once if this task has it already,
    /// [`DbError::Busy`] after [`PATIENCE`].
    pub(super) async fn lend(&self) -> Result<Lent, DbError> {
        if self.holder.is_me() {
            return Err(DbError::Nested);
        }
        let _waiting = Waiting::begin(&self.waiting);
        let (ask, turn) = oneshot::channel();
        let turn = async {
            self.queue.send(Message::Ask(ask)).await.map_err(|_| closed())?;
            turn.await.map_err(|_| closed())?
        };
        let lent = tokio::time::timeout(PATIENCE, turn).await.map_err(|_| DbError::Busy)??;
        lent.touch();
        Ok(lent)
    }

    /// Commits what is under way and closes the connection; later transactions are refused.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            // An error says that the writer has gone already.
            let _ = closed.await;
        }
    }
}

fn closed() -> DbError {
    DbError::Unavailable("the database was closed".into())
}

/// Counts a waiting transaction for as long as it lives.
pub(super) struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    pub(super) fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lent {
    /// The connection, for the next statement.
    pub(super) fn connection(&self) -> Result<&Connection, DbError> {
        self.turn.as_ref().map(|turn| &turn.connection).ok_or(DbError::Spoilt)
    }

    /// Notes that the running task holds the transaction, for it may have been handed over.
    pub(super) fn touch(&self) {
        self.holder.set();
    }

    /// Keeps what was written; returns once it is durable and `after` has run.
    pub(super) async fn keep(mut self, after: After) -> Result<(), DbError> {
        let (done, committed) = oneshot::channel();
        self.give_back(Outcome::Keep(Kept { after, done }));
        committed.await.unwrap_or_else(|_| Err(DbError::NotCommitted("the writer has gone".into())))
    }

    fn give_back(&mut self, outcome: Outcome) {
        if let Some(Turn { connection, back }) = self.turn.take() {
            self.holder.clear();
            // Without a writer the connection is dropped here, which rolls everything back.
            drop(back.send((connection, outcome)));
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.give_back(Outcome::Undo);
    }
}

/// What a batch leaves to the next one: its connection if that is still good, and a message that
/// it took and did not serve.
type Left = (Option<Connection>, Option<Message>);

async fn serve(open: Open, connection: Connection, mut messages: mpsc::Receiver<Message>, holder: Holder) {
    let mut left: Left = (Some(connection), None);
    loop {
        let message = match left.1.take() {
            Some(message) => message,
            None => match messages.recv().await {
                Some(message) => message,
                None => return,
            },
        };
        match message {
            Message::Ask(ask) if ask.is_closed() => {}
            Message::Ask(ask) => match ready(&open, left.0.take()).await {
                Ok(connection) => left = batch(connection, ask, &mut messages, &holder).await,
                Err((connection, error)) => {
                    left.0 = connection;
                    // Whoever asked may have gone.
                    let _ = ask.send(Err(error));
                }
            },
            Message::Close(done) => {
                let connection = left.0.take();
                let _ = task::spawn_blocking(|| drop(connection)).await;
                let _ = done.send(());
                return;
            }
        }
    }
}

/// A connection that has begun a transaction and its first savepoint; with an error, the
/// connection if it can be tried again.
async fn ready(open: &Open, connection: Option<Connection>) -> Result<Connection, (Option<Connection>, DbError)> {
    let connection = match connection {
        Some(connection) => connection,
        None => {
            let open = Arc::clone(open);
            let opened = task::spawn_blocking(move || open()).await;
            opened.map_err(|_| (None, closed()))?.map_err(|error| (None, from_sqlite(None, error)))?
        }
    };
    let (connection, begun) = match run(&connection, "BEGIN IMMEDIATE") {
        Err(error) if is_busy(&error) => begin_patiently(connection).await.map_err(|error| (None, error))?,
        begun => (connection, begun),
    };
    match begun.and_then(|()| run(&connection, "SAVEPOINT one")) {
        Ok(()) => Ok(connection),
        Err(error) => {
            let again = is_busy(&error).then_some(connection);
            Err((again, from_sqlite(None, error)))
        }
    }
}

/// Another process writes: waits for it on a thread that may block.
async fn begin_patiently(connection: Connection) -> Result<(Connection, rusqlite::Result<()>), DbError> {
    let begin = move || {
        let begun = connection.busy_timeout(PATIENCE).and_then(|()| run(&connection, "BEGIN IMMEDIATE"));
        let begun = connection.busy_timeout(Duration::ZERO).and(begun);
        (connection, begun)
    };
    task::spawn_blocking(begin).await.map_err(|_| closed())
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

fn run(connection: &Connection, sql: &'static str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// Lends the connection until the batch is full, old, or nobody waits; then commits.
async fn batch(
    mut connection: Connection,
    first: oneshot::Sender<Result<Lent, DbError>>,
    messages: &mut mpsc::Receiver<Message>,
    holder: &Holder,
) -> Left {
    let began = now();
    let (mut kept, mut turns, mut next) = (Vec::new(), 1, Some(Message::Ask(first)));
    let failure = loop {
        let ask = match next.take() {
            Some(Message::Ask(ask)) => ask,
            other => {
                next = other;
                break None;
            }
        };
        let (back, returned) = oneshot::channel();
        let turn = Some(Turn { connection, back });
        // Whoever asked may have gone, or go before the turn is taken: then dropping it gives it back.
        let _ = ask.send(Ok(Lent { turn, holder: holder.clone() }));
        let Ok((returned, outcome)) = returned.await else {
            acknowledge(kept, &Err("a transaction took the connection with it".into()));
            return (None, next);
        };
        connection = returned;
        if let Err(failure) = settle(&connection, outcome, &mut kept) {
            break Some(failure);
        }
        if turns == BATCH_SIZE || began.elapsed() >= BATCH_TIME {
            break None;
        }
        turns += 1;
        next = waiting(messages).await;
    };
    (end(connection, kept, failure).await, next)
}

/// The next who waits, or who asks while everybody who is ready runs: one durable write for more of them is worth the moment.
async fn waiting(messages: &mut mpsc::Receiver<Message>) -> Option<Message> {
    for _ in 0..ROUNDS {
        if let Ok(message) = messages.try_recv() {
            return Some(message);
        }
        task::yield_now().await;
    }
    messages.try_recv().ok()
}

/// Releases or undoes the savepoint of a turn that came back, and opens the next one.
fn settle(connection: &Connection, outcome: Outcome, kept: &mut Vec<Kept>) -> Result<(), Arc<str>> {
    // A full disk makes SQLite roll the whole transaction back and go on in autocommit, where a
    // later statement would be durable on its own.
    let rolled_back = connection.is_autocommit();
    let settled = match outcome {
        Outcome::Keep(one) => {
            kept.push(one);
            run(connection, "RELEASE one").and_then(|()| run(connection, "SAVEPOINT one"))
        }
        Outcome::Undo => run(connection, "ROLLBACK TO one"),
    };
    if rolled_back {
        return Err("the engine rolled the batch back".into());
    }
    settled.map_err(|error| error.to_string().into())
}

/// Commits the batch and tells everyone in it; the connection if it is still good. One that has
/// failed is closed, which rolls back what it may still hold.
async fn end(connection: Connection, kept: Vec<Kept>, failure: Option<Arc<str>>) -> Option<Connection> {
    let ended = match failure {
        Some(failure) => Err(failure),
        None => {
            let sql = if kept.is_empty() { "ROLLBACK" } else { "COMMIT" };
            task::spawn_blocking(move || run(&connection, sql).map(|()| connection))
                .await
                .map_err(|_| "the runtime shuts down".into())
                .and_then(|ended| ended.map_err(|error| error.to_string().into()))
        }
    };
    let (connection, verdict) = match ended {
        Ok(connection) => (Some(connection), Ok(())),
        Err(failure) => (None, Err(failure)),
    };
    acknowledge(kept, &verdict);
    connection
}

fn acknowledge(kept: Vec<Kept>, verdict: &Result<(), Arc<str>>) {
    for Kept { after, done } in kept {
        if verdict.is_ok() {
            after.run();
        }
        // Whoever waited may have gone; what was committed stays.
        let _ = done.send(verdict.clone().map_err(DbError::NotCommitted));
    }
}

#[expect(clippy::disallowed_methods, reason = "the age of a batch decides how long others wait, never a result")]
fn now() -> Instant {
    Instant::now()
}
