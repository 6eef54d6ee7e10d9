//! The cache's own rules, against a server that counts.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::tests::world::{ManualClock, Peer, loopback, raw};

struct Keys {
    clock: Arc<ManualClock>,
    cache: JwksCache,
    peer: Peer,
    body: Arc<Mutex<Option<String>>>,
}

impl Keys {
    async fn new(kids: &[&str]) -> Self {
        let clock = ManualClock::new();
        let body = Arc::new(Mutex::new(None));
        let served = Arc::clone(&body);
        let peer = Peer::start(move || match lock(&served).as_deref() {
            Some(body) => raw("200 OK", "cache-control: max-age=7200\r\n", body),
            None => raw("503 Away", "", ""),
        })
        .await;
        let fetch = Fetch::new(loopback()).unwrap();
        let cache = JwksCache::new(fetch, clock.clone());
        let keys = Self { clock, cache, peer, body };
        keys.publish(kids);
        keys
    }

    fn publish(&self, kids: &[&str]) {
        let keys: Vec<_> = kids.iter().map(|kid| format!(r#"{{"kty":"EC","crv":"P-256","kid":"{kid}"}}"#)).collect();
        *lock(&self.body) = Some(format!(r#"{{"keys":[{}]}}"#, keys.join(",")));
    }

    fn fail(&self) {
        *lock(&self.body) = None;
    }

    async fn get(&self, kid: &str) -> Result<Arc<KeySet>, JwksError> {
        self.cache.keys("okta", &self.peer.url("/jwks"), Some(kid)).await
    }

    /// Whether the key is there, and how many fetches there were.
    async fn found(&self, kid: &str) -> (bool, usize) {
        let found = self.get(kid).await.is_ok_and(|set| set.has(kid));
        (found, self.peer.connections())
    }
}

#[tokio::test]
async fn a_set_is_fetched_once_and_lives_as_long_as_it_says() {
    let keys = Keys::new(&["a"]).await;
    assert_eq!(keys.found("a").await, (true, 1));
    keys.clock.advance(7199);
    assert_eq!(keys.found("a").await, (true, 1));
    keys.clock.advance(1);
    assert_eq!(keys.found("a").await, (true, 2));
}

#[tokio::test]
async fn all_who_wait_share_one_fetch() {
    let keys = Keys::new(&["a"]).await;
    let asked = AtomicUsize::new(0);
    let one = async || {
        assert!(keys.get("a").await.unwrap().has("a"));
        asked.fetch_add(1, Ordering::SeqCst);
    };
    tokio::join!(one(), one(), one(), one(), one(), one(), one(), one());
    assert_eq!((asked.into_inner(), keys.peer.connections()), (8, 1));
}

#[tokio::test]
async fn all_who_wait_share_one_failure() {
    let keys = Keys::new(&[]).await;
    keys.fail();
    let one = async || keys.get("a").await.unwrap_err();
    let errors = tokio::join!(one(), one(), one(), one());
    let away = JwksError::Fetch(FetchError::Status(503));
    assert_eq!(errors, (away, away, away, away));
    assert_eq!(keys.peer.connections(), 1);
    keys.publish(&["a"]);
    assert_eq!(keys.found("a").await, (true, 2), "the next one tries again");
}

#[tokio::test]
async fn unknown_ids_are_searched_once_a_minute_and_each_once_in_five() {
    let keys = Keys::new(&["a"]).await;
    assert_eq!(keys.found("a").await, (true, 1));
    assert_eq!(keys.found("x").await, (false, 2));
    assert_eq!(keys.found("x").await, (false, 2));
    assert_eq!(keys.found("y").await, (false, 2), "another one within the minute");
    keys.clock.advance(60);
    assert_eq!(keys.found("x").await, (false, 2), "x is known to be unknown");
    assert_eq!(keys.found("y").await, (false, 3));
    keys.clock.advance(300);
    keys.publish(&["a", "x"]);
    assert_eq!(keys.found("x").await, (true, 4), "that knowledge ends");
}

#[tokio::test]
async fn unknown_ids_are_forgotten_oldest_first() {
    let mut state = State::default();
    let now = Timestamp::from_seconds(1);
    for i in 0..300 {
        state.remember(Some(&format!("k{i}")), now);
    }
    assert_eq!(state.unknown.len(), UNKNOWN_MOST);
    assert!(!state.is_unknown("k43", now) && state.is_unknown("k44", now) && state.is_unknown("k299", now));
}

#[tokio::test]
async fn a_search_that_fails_condemns_no_id() {
    let keys = Keys::new(&["a"]).await;
    assert_eq!(keys.found("a").await, (true, 1));
    keys.fail();
    assert_eq!(keys.found("b").await, (false, 2));
    keys.publish(&["a", "b"]);
    keys.clock.advance(60);
    assert_eq!(keys.found("b").await, (true, 3));
}

#[tokio::test]
async fn an_old_set_goes_on_for_a_day_and_no_longer() {
    let keys = Keys::new(&["a"]).await;
    assert_eq!(keys.found("a").await, (true, 1));
    keys.fail();
    keys.clock.advance(7200);
    assert_eq!(keys.found("a").await, (true, 2));
    assert_eq!(keys.found("a").await, (true, 2));
    keys.clock.advance(24 * 3600 - 1);
    assert_eq!(keys.found("a").await, (true, 3));
    keys.clock.advance(1);
    assert_eq!(keys.get("a").await.unwrap_err(), JwksError::Fetch(FetchError::Status(503)));
}

#[tokio::test]
async fn a_key_that_is_gone_is_gone_at_once() {
    let keys = Keys::new(&["a", "b"]).await;
    assert_eq!(keys.found("a").await, (true, 1));
    keys.publish(&["b"]);
    assert_eq!(keys.found("c").await, (false, 2));
    assert_eq!(keys.found("a").await, (false, 2));
}

#[tokio::test]
async fn refreshing_asks_for_what_is_older_than_an_hour() {
    let keys = Keys::new(&["a"]).await;
    assert_eq!(keys.found("a").await, (true, 1));
    keys.cache.refresh().await;
    assert_eq!(keys.peer.connections(), 1);
    keys.clock.advance(3601);
    keys.publish(&["b"]);
    keys.cache.refresh().await;
    assert_eq!(keys.found("b").await, (true, 2));
    keys.clock.advance(3601);
    keys.fail();
    keys.cache.refresh().await;
    assert_eq!(keys.found("b").await, (true, 3), "a failed refresh takes nothing away");
}

#[tokio::test]
async fn connections_do_not_share_and_another_address_begins_anew() {
    let keys = Keys::new(&["a"]).await;
    for (connection, path, fetches) in [("one", "/1", 1), ("two", "/1", 2), ("one", "/1", 2), ("one", "/2", 3)] {
        keys.cache.keys(connection, &keys.peer.url(path), None).await.unwrap();
        assert_eq!(keys.peer.connections(), fetches, "{connection} {path}");
    }
    keys.cache.forget("one");
    keys.cache.keys("one", &keys.peer.url("/2"), None).await.unwrap();
    assert_eq!(keys.peer.connections(), 4);
}
