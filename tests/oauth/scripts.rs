//! Scripts that were written for another gateway's token endpoint find what they look for.

use anyhow::{Context as _, Result};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Engine, Node, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{APP, APP_SECRET, OWN, PORTAL, apply, clients, error, introspect, post, said, scene};

stories! {
    a_script_is_given_a_token_in_its_own_words,
    what_curl_requests_and_go_send_is_understood,
    a_script_is_refused_in_its_own_words,
    the_second_version_is_the_standard_endpoint,
    a_local_person_s_password_becomes_tokens,
    nobody_else_s_password_does,
    passwords_are_not_guessed_here_either,
}

async fn ask(node: &Node, body: &str) -> Result<Answer> {
    let request = Browser::new(&node.url)?.request(Method::POST, "/api/v1/token").header("authorization", "Bearer x");
    Answer::read(request.header("content-type", "application/json").body(body.to_owned()).send().await?).await
}

async fn a_script_is_given_a_token_in_its_own_words(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    for name in ["clientId", "clientID"] {
        let asked = json!({"grantType": "client_credentials", name: "app", "clientSecret": APP_SECRET, "unheard": [1]});
        let answer = ask(node, &asked.to_string()).await?;
        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{}", answer.body);
        let given = answer.json();
        let token = given["accessToken"].as_str().context("a token")?;
        assert_eq!(given, json!({"accessToken": token, "expiresIn": 300, "tokenType": "Bearer"}));
        assert_eq!(introspect(node, PORTAL, token).await?["client_id"], "app");
    }
    Ok(())
}

/// A request as curl 7.88, Python's requests 2.31 and Go's net/http put it on the wire, and the status and body that follow.
async fn on_the_wire(node: &Node, program: &str, path: &str, (kind, body): (&str, &str)) -> Result<(u16, Value)> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (host, length) = (node.url.trim_start_matches("http://"), body.len());
    let whole = format!("Content-Length: {length}\r\n\r\n{body}");
    let request = match program {
        // The scripts that are written down send a token with the request for their first one.
        "curl" if path == "/api/v1/token" => format!(
            "User-Agent: curl/7.88.1\r\nAccept: */*\r\nAuthorization: Bearer x\r\nContent-Type: {kind}\r\n{whole}"
        ),
        "curl" => format!("User-Agent: curl/7.88.1\r\nAccept: */*\r\nContent-Type: {kind}\r\n{whole}"),
        "requests" => format!(
            "User-Agent: python-requests/2.31.0\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n\
             Content-Type: {kind}\r\n{whole}"
        ),
        // A body whose length its program does not say comes in pieces.
        _ => format!(
            "User-Agent: Go-http-client/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: {kind}\r\n\
             Accept-Encoding: gzip\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
        ),
    };
    let mut wire = tokio::net::TcpStream::connect(host).await?;
    wire.write_all(format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{request}").as_bytes())
        .await?;
    let mut answer = String::new();
    wire.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("a body")?;
    assert!(!head.to_ascii_lowercase().contains("content-encoding"), "{head}");
    Ok((head[9..12].parse()?, serde_json::from_str(body).with_context(|| answer.clone())?))
}

async fn what_curl_requests_and_go_send_is_understood(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    // As json.dumps writes it, as json.Marshal does, and as somebody types it.
    let spaced = format!(r#"{{"grantType": "client_credentials", "clientId": "app", "clientSecret": "{APP_SECRET}"}}"#);
    let compact = spaced.replace(": ", ":").replace(", ", ",");
    let typed = spaced.replace("{\"", "{\n  \"").replace(", ", ",\r\n  ");
    let form = format!("grant_type=client_credentials&client_id=app&client_secret={APP_SECRET}");
    for (program, body) in [("requests", &spaced), ("go", &compact), ("curl", &typed)] {
        for kind in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
            let (status, said) = on_the_wire(node, program, "/api/v1/token", (kind, body)).await?;
            let token = said["accessToken"].as_str().with_context(|| format!("{program} {status}: {said}"))?;
            assert_eq!(introspect(node, PORTAL, token).await?["client_id"], "app");
        }
        let kind = "application/x-www-form-urlencoded";
        let (status, said) = on_the_wire(node, program, "/api/v2/token", (kind, &form)).await?;
        assert_eq!((status, &said["token_type"]), (200, &json!("Bearer")), "{program}: {said}");
        // curl's own default for `--data`, where JSON belongs, and the reverse.
        let (status, said) = on_the_wire(node, program, "/api/v1/token", (kind, body)).await?;
        assert_eq!((status, &said["details"]), (415, &json!("invalid_request")), "{program}: {said}");
        let (status, said) = on_the_wire(node, program, "/api/v2/token", ("application/json", body)).await?;
        assert_eq!((status, &said["error"]), (415, &json!("invalid_request")), "{program}: {said}");
    }
    Ok(())
}

async fn a_script_is_refused_in_its_own_words(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    let with = |other: Value| {
        let mut asked = json!({"grantType": "client_credentials", "clientId": "app", "clientSecret": APP_SECRET});
        for (name, value) in other.as_object().into_iter().flatten() {
            asked[name] = value.clone();
        }
        asked.to_string()
    };
    for (body, status, details) in [
        (with(json!({"clientSecret": "wrong"})), 401, "invalid_client"),
        (with(json!({"clientId": "nobody"})), 401, "invalid_client"),
        (with(json!({"clientID": "robot"})), 400, "invalid_request"),
        (with(json!({"clientId": 7})), 400, "invalid_request"),
        (with(json!({"clientId": null})), 400, "invalid_request"),
        (with(json!({"grantType": null})), 400, "invalid_request"),
        (with(json!({"grantType": "password", "username": "x", "password": "y"})), 400, "unsupported_grant_type"),
        (with(json!({"grantType": "refresh_token", "refreshToken": "x"})), 403, "unauthorized_client"),
        (with(json!({"grantType": "exchange_token"})), 400, "invalid_request"),
        (with(json!({"clientId": "store"})), 403, "unauthorized_client"),
        (r#"{"grantType": "client_credentials",}"#.to_owned(), 400, "invalid_request"),
        (with(json!({"x": "y".repeat(17 << 10)})), 413, "invalid_request"),
    ] {
        let answer = ask(node, &body).await?;
        let said = answer.json();
        assert_eq!(
            (answer.status, &said["code"], &said["details"]),
            (status, &json!(status), &json!(details)),
            "{body:.90}"
        );
        assert!(said["message"].as_str().is_some_and(|text| text.ends_with('.')), "{said}");
        let challenge = if status == 401 { "Bearer" } else { "" };
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
    let form = post(node, "/api/v1/token", APP, &OWN).await?;
    assert_eq!((form.status, &form.json()["details"]), (415, &json!("invalid_request")));
    let looked = world.browser()?.get("/api/v1/token").await?;
    assert_eq!((looked.status, looked.header("allow")), (405, "POST"));
    Ok(())
}

async fn the_second_version_is_the_standard_endpoint(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    let given = post(node, "/api/v2/token", APP, &OWN).await?;
    assert_eq!((given.status, &given.json()["token_type"]), (200, &json!("Bearer")));
    let wrong = post(node, "/api/v2/token", ("app", "wrong"), &OWN).await?;
    assert_eq!(error(&wrong), (401, "invalid_client".to_owned()));
    Ok(())
}

/// The scene of an operator who wants passwords to be exchanged, with a client for that.
async fn with_passwords(engine: Engine) -> Result<World> {
    let world = World::with(engine, NodeBuilder::default().with(|settings| settings.password_grant = true)).await?;
    let tool =
        json!({"client_id": "tool", "name": "Tool", "grants": ["password", "refresh_token"], "services": ["registry"]});
    apply(&world, [clients(), vec![tool]].concat()).await?;
    Ok(world)
}

fn asking(username: &str, password: &str) -> String {
    json!({"grantType": "password", "clientID": "tool", "username": username, "password": password}).to_string()
}

async fn is_active(node: &Node, token: &Value) -> Result<bool> {
    Ok(introspect(node, PORTAL, token.as_str().context("a token")?).await?["active"] == true)
}

async fn a_local_person_s_password_becomes_tokens(engine: Engine) -> Result<()> {
    let world = with_passwords(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let given = ask(node, &asking(OWNER.0, OWNER.1)).await?;
    assert_eq!((given.status, given.header("cache-control")), (200, "no-store"), "{}", given.body);
    let given = given.json();
    let id_token = said(given["idToken"].as_str().context("an ID token")?, 1)?;
    let me = owner.get("/api/v1/me").await?.json();
    assert_eq!(
        (&id_token["sub"], &id_token["aud"], &id_token["email"]),
        (&me["user"]["id"], &json!("tool"), &json!(OWNER.0))
    );
    assert!(is_active(node, &given["accessToken"]).await?);
    let next = json!({"grantType": "refresh_token", "clientId": "tool", "refreshToken": given["refreshToken"]});
    let next = ask(node, &next.to_string()).await?;
    assert_eq!(next.status, 200, "{}", next.body);
    let fields = [("grant_type", "password"), ("client_id", "tool"), ("username", OWNER.0), ("password", OWNER.1)];
    let second = world.browser()?.post_form("/api/v2/token", &fields).await?;
    assert_eq!((second.status, &second.json()["token_type"]), (200, &json!("Bearer")), "{}", second.body);
    // The standard endpoint takes no passwords, whatever the operator wants.
    let standard = world.browser()?.post_form("/oauth2/token", &fields).await?;
    assert_eq!(error(&standard), (400, "unsupported_grant_type".to_owned()));
    // Another password, and what came of the old one is over.
    let change = json!({"current": OWNER.1, "new": "Another-horse-8-staple"});
    assert_eq!(owner.send(Method::POST, "/api/v1/me/password", &change).await?.status, 200);
    for token in [&given["accessToken"], &next.json()["accessToken"], &second.json()["access_token"]] {
        assert!(!is_active(node, token).await?);
    }
    let late = json!({"grantType": "refresh_token", "clientId": "tool", "refreshToken": next.json()["refreshToken"]});
    assert_eq!(ask(node, &late.to_string()).await?.json()["details"], "invalid_grant");
    assert_eq!(ask(node, &asking(OWNER.0, OWNER.1)).await?.json()["details"], "invalid_credentials");
    Ok(())
}

/// Whoever signs in through a provider, has no account, or is wrong: all read the same.
async fn nobody_else_s_password_does(engine: Engine) -> Result<()> {
    let world = with_passwords(engine).await?;
    let node = world.node();
    world.sign_in("ana").await?;
    let mut bodies = Vec::new();
    for (username, password) in [
        ("ana@corp.example", OWNER.1),
        ("nobody@acme.test", OWNER.1),
        ("not an address", "x"),
        (OWNER.0, "wrong"),
        ("", ""),
    ] {
        let refused = ask(node, &asking(username, password)).await?;
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, "Bearer"), "{username}");
        assert_eq!(refused.json()["details"], "invalid_credentials");
        bodies.push(refused.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let fields =
        [("grant_type", "password"), ("client_id", "tool"), ("username", "ana@corp.example"), ("password", "x")];
    let second = world.browser()?.post_form("/api/v2/token", &fields).await?;
    assert_eq!(error(&second), (400, "invalid_grant".to_owned()));
    let app = |other: Value| {
        let mut asked =
            json!({"grantType": "password", "clientId": "app", "clientSecret": APP_SECRET, "username": OWNER.0});
        asked
            .as_object_mut()
            .into_iter()
            .for_each(|asked| asked.extend(other.as_object().cloned().unwrap_or_default()));
        asked.to_string()
    };
    let other = ask(node, &app(json!({"password": OWNER.1}))).await?;
    assert_eq!((other.status, &other.json()["details"]), (403, &json!("unauthorized_client")));
    assert_eq!(ask(node, &app(json!({}))).await?.json()["details"], "invalid_request");
    // Nobody gets anything where the operator does not want it.
    let off = scene(engine).await?;
    assert_eq!(ask(off.node(), &app(json!({"password": OWNER.1}))).await?.json()["details"], "unsupported_grant_type");
    Ok(())
}

async fn passwords_are_not_guessed_here_either(engine: Engine) -> Result<()> {
    let world = with_passwords(engine).await?;
    let node = world.node();
    for number in 0..node.app.settings.password_tries {
        assert_eq!(ask(node, &asking(OWNER.0, "wrong")).await?.status, 401, "{number}");
    }
    let refused = ask(node, &asking(OWNER.0, OWNER.1)).await?;
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!(refused.header("retry-after").parse::<u32>()? > 0);
    // The tries are those of the door, too.
    let door = world.browser()?.post_form("/login/password", &[("email", OWNER.0), ("password", OWNER.1)]).await?;
    assert_eq!(door.status, 429);
    node.clock.advance(std::time::Duration::from_secs(15 * 60));
    assert_eq!(ask(node, &asking(OWNER.0, OWNER.1)).await?.status, 200);
    Ok(())
}
