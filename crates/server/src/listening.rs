//! Connections: so many at once, and none for long without a whole head of a request. Whoever opens many and says little
//! keeps nobody else out.

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a connection may go without a whole head: from its start, and from each answer.
const HEAD: Duration = Duration::from_secs(10);
/// The pause after a failure that is not one connection's, such as too many open files.
const PAUSE: Duration = Duration::from_secs(1);

/// Answers on `listener`, `most` connections at once, until `stop`; then ends when the last request is answered. Dropped,
/// it cuts them all.
pub(crate) async fn serve(listener: TcpListener, router: Router, most: usize, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // More wait in the system's queue.
            accepted = listener.accept(), if connections.len() < most => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(converse(stream, peer, router.clone(), stop.clone()));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "no connection can be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(_ended) = connections.join_next() => {}
            () = stop.cancelled() => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Answers the requests of one connection.
async fn converse(stream: TcpStream, peer: SocketAddr, router: Router, stop: CancellationToken) {
    // Answers are small: waiting to fill a packet would cost each of them up to 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps Nagle's algorithm");
    }
    // Browsers open connections in advance; one that was never used does not hold up the end.
    tokio::select! {
        spoke = tokio::time::timeout(HEAD, stream.readable()) => if spoke.is_err() { return },
        () = stop.cancelled() => return,
    }
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::Instant;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n";

    /// A server that says where a request came from, at most `most` at once.
    async fn server(most: usize) -> (SocketAddr, CancellationToken, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop, mut tasks) = (listener.local_addr().unwrap(), CancellationToken::new(), JoinSet::new());
        let router = Router::new().route("/", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()));
        tasks.spawn(serve(listener, router, most, stop.clone()));
        (address, stop, tasks)
    }

    async fn connect(address: SocketAddr, words: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(words).await.unwrap();
        stream
    }

    /// What comes until the other side closes.
    async fn rest(mut stream: TcpStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_speaks_too_slowly_is_cut_off() {
        let (address, _stop, _tasks) = server(16).await;
        for (words, answered) in [(&b""[..], false), (&REQUEST[..20], false), (REQUEST, true)] {
            let began = Instant::now();
            let stream = connect(address, words).await;
            let from = stream.local_addr().unwrap().to_string();
            let answer = rest(stream).await;
            assert_eq!(answer.ends_with(&from), answered, "{answer}");
            let lasted = began.elapsed();
            assert!(lasted >= HEAD && lasted < HEAD * 2, "{lasted:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn more_connections_than_allowed_wait_for_their_turn() {
        let (address, _stop, _tasks) = server(1).await;
        let began = Instant::now();
        let first = connect(address, &REQUEST[..20]).await;
        let second = connect(address, REQUEST).await;
        let mut byte = [0];
        second.readable().await.unwrap();
        assert!(began.elapsed() >= HEAD, "the first had the only place");
        drop(first);
        let mut second = second;
        assert_eq!(second.read(&mut byte).await.unwrap(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_waits_for_no_connection_that_asks_nothing() {
        let (address, stop, mut tasks) = server(16).await;
        let began = Instant::now();
        let idle = connect(address, b"").await;
        let mut used = connect(address, REQUEST).await;
        let mut byte = [0];
        used.read_exact(&mut byte).await.unwrap();
        let answered = Instant::now();
        stop.cancel();
        tasks.join_next().await.unwrap().unwrap();
        assert!(answered.elapsed() < HEAD && began.elapsed() < HEAD * 2);
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
        assert_eq!(rest(idle).await, "");
    }
}
