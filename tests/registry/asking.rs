//! The ways in which clients of registries ask, and what is no way to ask.

use cardea_testkit::world::DIRECTORY_TOKEN;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

stories! {
    a_form_is_as_good_as_a_query,
    a_form_in_pieces_with_repeated_scopes_is_read,
    who_shows_a_key_in_another_way_is_refused,
    what_is_no_question_is_refused_in_docker_s_words,
}

async fn post(node: &Node, fields: &[(&str, &str)]) -> Result<Answer> {
    Answer::read(Browser::new(&node.url)?.request(Method::POST, "/token").form(fields).send().await?).await
}

const PULL: (&str, &str) = ("scope", "repository:acme/app:pull");

/// containerd posts its name and password; skopeo posts what it takes for an identity token. Either may be a key.
async fn a_form_is_as_good_as_a_query(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let key = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    let by_name = [("grant_type", "password"), ("username", USER), ("password", &*key.secret)];
    let by_token = [("grant_type", "refresh_token"), ("refresh_token", &*key.secret), ("client_id", "x")];
    for shown in [by_name, by_token] {
        let fields = [&shown[..], &[("service", "portal"), ("access_type", "offline"), PULL]].concat();
        let answer = post(node, &fields).await?;
        assert_eq!(allowed(&answer)?, ["repository:acme/app:pull"], "{shown:?}");
        assert!(answer.json().get("refresh_token").is_none(), "{}", answer.body);
    }
    for (fields, expected) in [
        ([("grant_type", "password"), ("username", "ana"), ("password", &*key.secret)], 401),
        ([("grant_type", "refresh_token"), ("refresh_token", ""), ("client_id", "x")], 401),
        ([("grant_type", "refresh_token"), ("refresh_token", "nonsense"), ("client_id", "x")], 401),
        ([("grant_type", "client_credentials"), ("client_id", "portal"), ("client_secret", "x")], 400),
    ] {
        let answer = post(node, &[&fields[..], &[("service", "portal"), PULL]].concat()).await?;
        assert_eq!(answer.status, expected, "{fields:?} {}", answer.body);
    }
    assert_eq!(refusal(&post(node, &[("service", "portal")]).await?), unauthorized());
    Ok(())
}

/// skopeo sends its form in chunks and says `scope` several times.
async fn a_form_in_pieces_with_repeated_scopes_is_read(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let key = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    let pieces = [
        "grant_type=refresh_token&service=portal&scope=repository%3Aacme%2Fvision%2F",
        "app%3Apull%2Cpush&scope=repository%3Aacme%2Fapp%3Apull&refresh_token=",
        &key.secret,
    ];
    let host = node.url.trim_start_matches("http://");
    let mut wire = tokio::net::TcpStream::connect(host).await?;
    let head = format!(
        "POST /token HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    );
    wire.write_all(head.as_bytes()).await?;
    for piece in pieces {
        wire.write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).await?;
    }
    wire.write_all(b"0\r\n\r\n").await?;
    let mut answer = String::new();
    wire.read_to_string(&mut answer).await?;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).context("a body")?)?;
    let access = said(body["token"].as_str().context("a token")?, 1)?["access"].clone();
    let expected = json!([{"type": "repository", "name": "acme/vision/app", "actions": ["pull", "push"]},
        {"type": "repository", "name": "acme/app", "actions": ["pull"]}]);
    assert_eq!(access, expected);
    Ok(())
}

async fn who_shows_a_key_in_another_way_is_refused(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let key = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    let path = "/token?service=portal&scope=repository:acme/app:pull";
    let request = || anyhow::Ok(Browser::new(&node.url)?.request(Method::GET, path));
    let secret = Some(&key.secret);
    for (what, request) in [
        ("another name", request()?.basic_auth("ana", secret)),
        ("no name", request()?.basic_auth("", secret)),
        ("the name in other letters", request()?.basic_auth("$OAuthToken", secret)),
        ("no password", request()?.basic_auth(USER, None::<&str>)),
        ("a bearer token", request()?.bearer_auth(&key.secret)),
        ("two at once", request()?.basic_auth(USER, secret).basic_auth(USER, secret)),
        ("a directory's token", request()?.basic_auth(USER, Some(DIRECTORY_TOKEN))),
        ("no base 64", request()?.header("authorization", "Basic $$$")),
        ("another account's name", request()?.basic_auth(USER, secret).query(&[("account", "ana")])),
    ] {
        let answer = Answer::read(request.send().await?).await?;
        assert_eq!(refusal(&answer), unauthorized(), "{what}");
        assert!(!answer.body.contains(&key.secret));
    }
    let hint = Answer::read(request()?.basic_auth("ana", secret).send().await?).await?;
    assert!(hint.json()["errors"][0]["message"].as_str().is_some_and(|text| text.contains(USER)), "{}", hint.body);
    // A key in the address is told to everybody who keeps logs.
    let exposed = world.browser()?.get(&format!("{path}&password={}", key.secret)).await?;
    assert_eq!((exposed.status, exposed.code().as_str()), (400, "key_in_url"));
    Ok(())
}

async fn what_is_no_question_is_refused_in_docker_s_words(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let key = world.sign_in("ana").await?.make_key("laptop", &["registry", "catalog"]).await?;
    let key = Some(&*key.secret);
    let scope = "&scope=repository:acme/app:pull";
    let unsupported = |status: u16| (status, "UNSUPPORTED".to_owned());
    let long = format!("service=portal&scope=repository:acme/{}:pull", "a".repeat(8200));
    for (query, expected) in [
        ("scope=repository:acme/app:pull", unsupported(400)),
        ("service=nobody", unsupported(400)),
        ("service=public_api_endpoints", unsupported(400)),
        ("service=portal&service=portal", unsupported(400)),
        ("service=portal&account=%24oauthtoken&account=%24oauthtoken", unsupported(400)),
        (&format!("service=portal{}", scope.repeat(33)), unsupported(400)),
        (&long, unsupported(413)),
    ] {
        let answer = ask(node, key, query).await?;
        assert_eq!(refusal(&answer), expected, "{query}");
    }
    assert_eq!(ask(node, key, &format!("service=portal{}", scope.repeat(32))).await?.status, 200);
    let browser = world.browser()?;
    let as_json = browser.send(Method::POST, "/token", &json!({"service": "portal"})).await?;
    assert_eq!(refusal(&as_json), unsupported(415));
    let long = post(node, &[("service", "portal"), ("scope", &"a".repeat(9000))]).await?;
    assert_eq!(refusal(&long), unsupported(413));
    assert_eq!(browser.send(Method::DELETE, "/token", &json!({})).await?.status, 405);
    assert_eq!(minted(node).await?.len(), 1);
    Ok(())
}
