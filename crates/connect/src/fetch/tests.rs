//! The guard, with every spelling of an address that ought not to be reached, and the limits.

use std::time::Duration;

use super::*;
use crate::tests::world::{Peer, loopback, raw};

const JSON: &str = "application/json";

fn strict() -> Fetch {
    Fetch::new(OutboundPolicy::default()).unwrap()
}

/// A client whose resolver is this table.
fn resolving(policy: OutboundPolicy, table: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static) -> Fetch {
    Fetch::with_lookup(policy, &Lookup::Table(Arc::new(table))).unwrap()
}

fn ips(addresses: &[&str]) -> Vec<IpAddr> {
    addresses.iter().map(|ip| ip.parse().unwrap()).collect()
}

#[tokio::test]
async fn every_spelling_of_a_private_address_is_refused_before_a_connection() {
    let bad = [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://0/",
        "https://0.0.0.0/",
        "https://10.0.0.1/",
        "https://172.16.5.4/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://2852039166/",
        "https://100.64.0.1/",
        "https://198.18.0.1/",
        "https://192.0.2.1/",
        "https://203.0.113.5/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://１２７.０.０.１/",
        "https://127。0。0。1/",
        "https://①②⑦.⓪.⓪.①/",
        "https://%31%32%37.0.0.1/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[0:0:0:0:0:ffff:10.0.0.1]/",
        "https://[64:ff9b::127.0.0.1]/",
        "https://[64:ff9b:1::a00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:db8::1]/",
        "https://[2001::1]/",
        "https://[fe80::1]/",
        "https://[fc00::1]/",
        "https://[fd00:ec2::254]/",
        "https://[ff02::1]/",
        "https://[::127.0.0.1]/",
    ];
    let fetch = strict();
    for address in bad {
        let url = Url::parse(address).unwrap();
        assert!(matches!(fetch.check(&url), Err(Forbidden::Address(_))), "{address}");
        let answer = fetch.get(&url, JSON).await.unwrap_err();
        assert!(matches!(answer, FetchError::Forbidden(Forbidden::Address(_))), "{address}");
    }
}

#[tokio::test]
async fn whatever_is_no_plain_https_address_is_refused() {
    let table = [
        ("http://idp.example/", Forbidden::PlainHttp),
        ("http://8.8.8.8/", Forbidden::PlainHttp),
        ("http://localhost/", Forbidden::PlainHttp),
        ("http://127.0.0.1/", Forbidden::PlainHttp),
        ("https://user@idp.example/", Forbidden::UserInfo),
        ("https://:secret@idp.example/", Forbidden::UserInfo),
        ("https://idp.example@127.0.0.1/", Forbidden::UserInfo),
        ("https://8.8.8.8:22/", Forbidden::Port),
        ("https://8.8.8.8:8443/", Forbidden::Port),
        ("https://[2606:4700::1111]:8443/", Forbidden::Port),
        ("ftp://idp.example/", Forbidden::Scheme),
        ("ws://idp.example/", Forbidden::Scheme),
        ("gopher://idp.example/", Forbidden::Scheme),
        ("file:///etc/passwd", Forbidden::Host),
        ("javascript:alert(1)", Forbidden::Host),
        ("data:text/html,x", Forbidden::Host),
    ];
    let fetch = strict();
    for (address, reason) in table {
        let url = Url::parse(address).unwrap();
        assert_eq!(fetch.check(&url), Err(reason), "{address}");
        assert_eq!(fetch.get(&url, JSON).await.unwrap_err(), FetchError::Forbidden(reason), "{address}");
    }
    for good in
        ["https://idp.example/", "https://8.8.8.8/", "https://[2606:4700::1111]/", "https://idp.example:443/x?y"]
    {
        assert_eq!(fetch.check(&Url::parse(good).unwrap()), Ok(()), "{good}");
    }
}

#[tokio::test]
async fn plain_http_serves_this_machine_only_and_only_when_listed() {
    let fetch = Fetch::new(loopback()).unwrap();
    let check = |address: &str| fetch.check(&Url::parse(address).unwrap());
    assert_eq!(check("http://127.0.0.1:4010/"), Ok(()));
    assert_eq!(check("http://127.9.9.9/"), Ok(()));
    assert_eq!(check("http://localhost:4010/"), Ok(()));
    assert!(matches!(check("http://[::1]/"), Err(Forbidden::Address(_))), "not listed");
    for address in ["http://localhost.evil.example/", "http://127.0.0.1.evil.example/", "http://10.0.0.1/"] {
        assert_eq!(check(address), Err(Forbidden::PlainHttp), "{address}");
    }
    let unlisted = OutboundPolicy { allow: Vec::new(), ..loopback() };
    let url = Url::parse("http://127.0.0.1/").unwrap();
    assert!(matches!(Fetch::new(unlisted).unwrap().check(&url), Err(Forbidden::Address(_))));
}

#[tokio::test]
async fn a_name_is_refused_if_any_of_its_addresses_is() {
    let peer = Peer::start(|| raw("200 OK", "", "reached")).await;
    for addresses in
        [&["127.0.0.1"][..], &["8.8.8.8", "127.0.0.1"], &["127.0.0.1", "8.8.8.8"], &["::1"], &["::ffff:8.8.8.8"]]
    {
        let found = ips(addresses);
        let fetch = resolving(OutboundPolicy::default(), move |_| found.clone());
        let answer = fetch.get(&Url::parse("https://rebound.example/").unwrap(), JSON).await.unwrap_err();
        assert!(matches!(answer, FetchError::Forbidden(Forbidden::Address(_))), "{addresses:?} {answer:?}");
    }
    assert_eq!(peer.connections(), 0);
    let nowhere = resolving(OutboundPolicy::default(), |_| Vec::new());
    let answer = nowhere.get(&Url::parse("https://nowhere.example/").unwrap(), JSON).await;
    assert_eq!(answer.unwrap_err(), FetchError::Name);
}

#[tokio::test]
async fn another_port_needs_a_listed_address_even_behind_a_name() {
    let url = Url::parse("https://idp.example:8443/").unwrap();
    let public = resolving(loopback(), |_| ips(&["8.8.8.8"]));
    assert_eq!(public.get(&url, JSON).await.unwrap_err(), FetchError::Forbidden(Forbidden::Port));
    let peer = Peer::start(|| raw("200 OK", "", "{}")).await;
    let listed = resolving(loopback(), |_| ips(&["127.0.0.1"]));
    let named = Url::parse(&format!("http://localhost:{}/", peer.port)).unwrap();
    assert_eq!(listed.get(&named, JSON).await.unwrap().body, b"{}");
}

#[tokio::test]
async fn the_connection_goes_where_the_one_look_up_said() {
    let peer = Peer::start(|| raw("200 OK", "", "{}")).await;
    let asked = std::sync::atomic::AtomicUsize::new(0);
    // The second answer would be private and unlisted: it must not be asked for, within one request.
    let fetch = resolving(loopback(), move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => ips(&["127.0.0.1"]),
        _ => ips(&["10.0.0.1"]),
    });
    let url = Url::parse(&format!("http://localhost:{}/", peer.port)).unwrap();
    assert_eq!(fetch.get(&url, JSON).await.unwrap().status, 200);
    let second = fetch.get(&url, JSON).await.unwrap_err();
    assert!(matches!(second, FetchError::Forbidden(Forbidden::Address(_))), "{second:?}");
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let trap = Peer::start(|| raw("200 OK", "", "trapped")).await;
    let location = format!("location: {}\r\n", trap.url("/"));
    let peer = Peer::start(move || raw("302 Found", &location, "")).await;
    let answer = Fetch::new(loopback()).unwrap().get(&peer.url("/"), JSON).await.unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn a_body_is_counted_and_not_believed() {
    let policy = || OutboundPolicy { max_body: 1000, ..loopback() };
    let get = async |answer: Vec<u8>| {
        let peer = Peer::start(move || Some(answer.clone())).await;
        Fetch::new(policy()).unwrap().get(&peer.url("/"), JSON).await
    };
    let plain = |size: usize| raw("200 OK", "", &"x".repeat(size)).unwrap();
    assert_eq!(get(plain(1000)).await.unwrap().body.len(), 1000);
    assert_eq!(get(plain(1001)).await.unwrap_err(), FetchError::TooLarge(1000));
    let endless = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", "x".repeat(100_000));
    assert_eq!(get(endless.into_bytes()).await.unwrap_err(), FetchError::TooLarge(1000));
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nshort".to_vec();
    assert_eq!(get(short).await.unwrap_err(), FetchError::Broken);
    assert_eq!(get(b"garbage".to_vec()).await.unwrap_err(), FetchError::Broken);
}

#[tokio::test]
async fn silence_ends_by_the_clock() {
    let peer = Peer::start(|| None).await;
    let policy = OutboundPolicy { total_timeout: Duration::from_millis(50), ..loopback() };
    let answer = Fetch::new(policy).unwrap().get(&peer.url("/"), JSON).await;
    assert_eq!(answer.unwrap_err(), FetchError::Timeout);
}

#[tokio::test]
async fn a_closed_port_and_a_server_without_tls_are_told_apart() {
    let peer = Peer::start(|| raw("200 OK", "", "no tls here")).await;
    let fetch = Fetch::new(loopback()).unwrap();
    let https = Url::parse(&format!("https://127.0.0.1:{}/", peer.port)).unwrap();
    assert_eq!(fetch.get(&https, JSON).await.unwrap_err(), FetchError::Tls);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    assert_eq!(fetch.get(&closed, JSON).await.unwrap_err(), FetchError::Connect);
}

#[tokio::test]
async fn a_form_is_posted_and_a_token_that_is_no_header_is_refused() {
    let peer = Peer::start(|| raw("200 OK", "content-type: application/json; charset=utf-8\r\n", "{}")).await;
    let fetch = Fetch::new(loopback()).unwrap();
    let answer = fetch.post_form(&peer.url("/"), &[("a", "b c&d")]).await.unwrap();
    assert!(answer.is_json() && answer.status == 200);
    assert_eq!(fetch.get_as(&peer.url("/"), JSON, "a\r\nb").await.unwrap_err(), FetchError::Request);
}

#[test]
fn an_authority_must_be_a_certificate() {
    let policy = OutboundPolicy {
        authorities: vec![b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----".to_vec()],
        ..loopback()
    };
    assert_eq!(Fetch::new(policy).unwrap_err(), FetchError::Setup);
}

#[test]
fn what_may_be_remembered_is_between_five_minutes_and_a_day() {
    let life = |header: Option<&str>| {
        let cache_control = header.map(str::to_owned);
        Fetched { status: 200, content_type: None, cache_control, body: Vec::new() }.life().as_secs()
    };
    assert_eq!(life(None), 3600);
    assert_eq!(life(Some("public, max-age=1800")), 1800);
    assert_eq!(life(Some("Max-Age=\"600\"")), 600);
    assert_eq!(life(Some("max-age=1")), 300);
    assert_eq!(life(Some("max-age=999999999")), 86_400);
    assert_eq!(life(Some("max-age=-5, private")), 3600);
    assert_eq!(life(Some("no-store, max-age=3000")), 300);
}
