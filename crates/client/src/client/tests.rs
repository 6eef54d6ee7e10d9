use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;

/// A gateway whose every word the test says.
struct Fake {
    url: String,
    feeds: mpsc::UnboundedReceiver<(String, TcpStream)>,
    questions: mpsc::UnboundedReceiver<(String, TcpStream)>,
}

impl Fake {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (feed, feeds) = mpsc::unbounded_channel();
        let (question, questions) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let request = receive(stream).await;
                let to = if request.0.starts_with("GET") { &feed } else { &question };
                if to.send(request).is_err() {
                    return;
                }
            }
        });
        Self { url, feeds, questions }
    }

    /// A client, and the stream of the feed that it follows.
    async fn followed(&mut self) -> (Client, TcpStream) {
        let client = Client::new(Settings::new(&self.url, "a portal", "p%rt:al")).unwrap();
        let feed = self.feed().await;
        client.followed().await;
        (client, feed)
    }

    async fn feed(&mut self) -> TcpStream {
        let (request, mut stream) = self.feeds.recv().await.unwrap();
        assert!(request.starts_with("GET /api/v1/keys/feed HTTP/1.1"), "{request}");
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        say(&mut stream, "hello", &json!({"bound_ms": 600_000, "position": 1, "node": "nod_1"})).await;
        say(&mut stream, "alive", &json!({"at_ms": 0, "age_ms": 1})).await;
        stream
    }

    /// Answers the next question; returns what was asked.
    async fn answer(&mut self, status: u16, body: &str) -> String {
        let (request, stream) = self.questions.recv().await.unwrap();
        respond(stream, status, body).await;
        request
    }
}

async fn receive(mut stream: TcpStream) -> (String, TcpStream) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return (text, stream);
            }
        }
        let read = stream.read_buf(&mut bytes).await.unwrap();
        assert!(read > 0, "{text}");
    }
}

async fn respond(mut stream: TcpStream, status: u16, body: &str) {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    // Whoever has heard enough hangs up.
    let _sent = stream.write_all(format!("{head}{body}").as_bytes()).await;
}

async fn say(stream: &mut TcpStream, event: &str, data: &Value) {
    stream.write_all(format!("event: {event}\ndata: {data}\n\n").as_bytes()).await.unwrap();
}

/// Says a word of the feed and waits until it was heard.
async fn heard(client: &Client, stream: &mut TcpStream, event: &str, data: &Value) {
    let mut words = client.0.shared.heard.subscribe();
    say(stream, event, data).await;
    words.changed().await.unwrap();
}

const QUESTION: Question<'_> = Question {
    key: "cdap_key",
    service: "registry",
    action: "download_container",
    entity_type: Some("container"),
    entity: Some("acme/app"),
    labels: &[],
    operation: None,
};

fn yes() -> String {
    json!({"allowed": true, "key_id": "key_1", "kind": "personal", "org": "acme", "user": "usr_1",
        "keep": {"node": "nod_1", "key": "key_1", "user": "usr_1", "org": "acme", "for_ms": 300_000}})
    .to_string()
}

const NO: &str = r#"{"allowed":false,"reason":"ended"}"#;

#[tokio::test]
async fn an_answer_is_remembered_until_the_feed_says_otherwise() {
    let mut fake = Fake::start().await;
    let (client, mut feed) = fake.followed().await;
    let text = yes();
    let (first, asked) = tokio::join!(client.check(&QUESTION), fake.answer(200, &text));
    assert!(first.as_ref().unwrap().is_allowed());
    assert!(asked.starts_with("POST /api/v1/keys/check HTTP/1.1"), "{asked}");
    // "a+portal:p%25rt%3Aal": both parts are encoded before they are joined.
    assert!(
        asked.to_lowercase().contains(&"authorization: Basic YStwb3J0YWw6cCUyNXJ0JTNBYWw=".to_lowercase()),
        "{asked}"
    );
    let body: Value = serde_json::from_str(asked.split_once("\r\n\r\n").unwrap().1).unwrap();
    let expected = json!({"key": "cdap_key", "service": "registry", "action": "download_container",
        "entity_type": "container", "entity": "acme/app", "keep": true});
    assert_eq!(body, expected);
    // Nobody answers: it is known.
    assert_eq!(client.check(&QUESTION).await.unwrap(), first.unwrap());
    heard(&client, &mut feed, "drop", &json!({"user": "usr_2"})).await;
    assert!(client.check(&QUESTION).await.unwrap().is_allowed());
    heard(&client, &mut feed, "drop", &json!({"user": "usr_1"})).await;
    // A no that names nobody is not remembered: what it is about may be made at any time.
    for _ in 0..2 {
        let (refused, _) = tokio::join!(client.check(&QUESTION), fake.answer(200, NO));
        assert_eq!(refused.unwrap(), Verdict::Refused { reason: "ended".to_owned() });
    }
}

/// The answer was given, then access ended, then the word of it arrived, then the answer.
#[tokio::test]
async fn an_answer_that_an_end_of_access_has_overtaken_is_not_remembered() {
    let mut fake = Fake::start().await;
    let (client, mut feed) = fake.followed().await;
    let asking = tokio::spawn({
        let client = client.clone();
        async move { client.check(&QUESTION).await }
    });
    let (_, stream) = fake.questions.recv().await.unwrap();
    heard(&client, &mut feed, "drop", &json!({"key": "key_1"})).await;
    respond(stream, 200, &yes()).await;
    assert!(asking.await.unwrap().unwrap().is_allowed(), "it was so when it was asked");
    let (refused, _) = tokio::join!(client.check(&QUESTION), fake.answer(200, NO));
    assert!(!refused.unwrap().is_allowed());
}

#[tokio::test]
async fn without_the_feed_every_question_is_asked() {
    let mut fake = Fake::start().await;
    let (client, feed) = fake.followed().await;
    let text = yes();
    let (first, _) = tokio::join!(client.check(&QUESTION), fake.answer(200, &text));
    assert!(first.unwrap().is_allowed());
    assert!(client.is_following() && client.check(&QUESTION).await.unwrap().is_allowed());
    let mut words = client.0.shared.heard.subscribe();
    drop(feed);
    words.changed().await.unwrap();
    assert!(!client.is_following());
    let (refused, _) = tokio::join!(client.check(&QUESTION), fake.answer(200, NO));
    assert!(!refused.unwrap().is_allowed());
    // It comes again by itself, and begins with nothing.
    let _feed = fake.feed().await;
    client.followed().await;
    let (refused, _) = tokio::join!(client.check(&QUESTION), fake.answer(200, NO));
    assert!(!refused.unwrap().is_allowed());
    // Who wants nothing remembered follows nobody.
    let forgetful = Client::new(Settings { most_entries: 0, ..Settings::new(&fake.url, "portal", "x") }).unwrap();
    for _ in 0..2 {
        let (answer, asked) = tokio::join!(forgetful.check(&QUESTION), fake.answer(200, &text));
        assert!(answer.unwrap().is_allowed() && asked.contains(r#""keep":false"#));
    }
    assert!(fake.feeds.try_recv().is_err());
}

#[tokio::test]
async fn whatever_is_no_answer_is_an_error() {
    let mut fake = Fake::start().await;
    let (client, _feed) = fake.followed().await;
    let long = format!("{{\"allowed\":true,\"reason\":\"{}\"}}", "x".repeat(70_000));
    for (status, body, expected) in [
        (401, "", "Credentials"),
        (403, "", "NotAResourceServer"),
        (413, "", "Question(413)"),
        (422, "", "Question(422)"),
        (408, "", "Unavailable(408)"),
        (429, "", "Unavailable(429)"),
        (500, &yes(), "Unavailable(500)"),
        (503, &yes(), "Unavailable(503)"),
        (204, "", "Unavailable(204)"),
        (302, &yes(), "Unavailable(302)"),
        (200, "", "Unreadable"),
        (200, "true", "Unreadable"),
        (200, r#"{"allowed":true}"#, "Unreadable"),
        (200, r#"{"allowed":"true","key_id":"k","kind":"x","org":"o"}"#, "Unreadable"),
        (200, &long, "Unreadable"),
    ] {
        let (answer, _) = tokio::join!(client.check(&QUESTION), fake.answer(status, body));
        assert_eq!(format!("{:?}", answer.unwrap_err()), expected, "{status} {body:.80}");
    }
    let hang_up = async { drop(fake.questions.recv().await) };
    let (answer, ()) = tokio::join!(client.check(&QUESTION), hang_up);
    assert!(matches!(answer, Err(ClientError::Unreached(_))), "{answer:?}");
    let hasty =
        Client::new(Settings { timeout: Duration::from_millis(20), ..Settings::new(&fake.url, "p", "x") }).unwrap();
    assert!(matches!(hasty.check(&QUESTION).await, Err(ClientError::TimedOut)));
}

#[test]
fn a_client_needs_a_safe_address_and_a_runtime() {
    let made = |url: &str| Client::new(Settings::new(url, "portal", "secret")).err().map(|error| format!("{error:?}"));
    for url in ["", "cardea.example", "http://cardea.example", "ftp://127.0.0.1", "http://127.0.0.1.example"] {
        assert_eq!(made(url).as_deref(), Some("Address"), "{url}");
    }
    for url in ["https://cardea.example", "http://127.0.0.1:8700", "http://[::1]:8700/", "http://localhost:8700/base/"]
    {
        assert_eq!(made(url).as_deref(), Some("NoRuntime"), "{url}");
    }
    let shown = format!("{:?}", Settings::new("https://cardea.example", "portal", "secret-of-the-portal"));
    assert!(!shown.contains("secret-of-the-portal"), "{shown}");
}
