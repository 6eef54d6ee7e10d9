//! A server from its first start to its last answer.

use anyhow::{Context as _, Result};
use cardea_testkit::{Browser, Engine, stories};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::program::Installation;
use super::{PASSWORD, status, statuses};

stories! {
    a_server_is_owned_by_whoever_opens_its_first_link,
    a_server_drains_before_it_ends,
    whoever_follows_the_feed_does_not_hold_up_the_end,
}

async fn a_server_is_owned_by_whoever_opens_its_first_link(engine: Engine) -> Result<()> {
    let place = Installation::new(engine)?;
    let mut server = place.serve().await?;
    let printed = server.read_to("  http").await?;
    assert!(printed.contains("works once"), "{printed}");
    let link = printed.lines().last().context("a link")?.trim();
    let browser = Browser::new(&place.url)?;
    assert_eq!(browser.get("/readyz").await?.status, 200);
    assert_eq!(browser.get(link).await?.status, 200);
    let fields = [("account", "acme"), ("email", "owner@acme.test"), ("password", PASSWORD)];
    let owned = browser.post_form(link, &fields).await?;
    assert_eq!(owned.status, 303, "{}", owned.body);
    assert_eq!(browser.get("/api/v1/me").await?.json()["account"], "acme");
    assert_eq!(Browser::new(&place.url)?.get(link).await?.status, 404);

    // Other commands run beside it, and what they do is heard of.
    let healthy = place.run(&["doctor", "--json"]).await?.good()?.json()?;
    assert_eq!(status(&statuses(&healthy), "node one"), "ok");
    let heard = if engine == Engine::Postgres { "(LISTEN)" } else { "every 100 ms" };
    assert!(healthy.to_string().contains(heard), "{healthy}");
    let person = ["user", "deactivate", "owner@acme.test", "--account", "acme"];
    place.run(&person).await?.good()?;
    let after = async {
        while browser.get("/api/v1/me").await?.status != 401 {}
        anyhow::Ok(())
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), after).await.context("the session lives on")??;

    // A second server on one SQLite file would not hear of what the first has in memory: it refuses.
    if engine == Engine::Sqlite {
        let second = place.run(&["serve"]).await?.bad()?;
        assert!(second.contains("another process serves this database"), "{second}");
        assert!(second.contains("hint: stop the other `cardea serve` first"), "{second}");
    }
    server.signal("TERM").await?;
    assert_eq!(server.end().await?, Some(0));
    let sealed = place.run(&["audit", "verify", "--json"]).await?.good()?.json()?;
    assert_eq!((&sealed["unsealed"], &sealed["broken_at"]), (&json!(0), &Value::Null));
    assert!(sealed["sealed"].as_i64() > Some(2), "{sealed}");

    // Now there is an account, and no link any more.
    let mut server = place.serve().await?;
    server.signal("INT").await?;
    assert!(server.read_to("  http").await.is_err());
    assert_eq!(server.end().await?, Some(0));
    Ok(())
}

async fn a_server_drains_before_it_ends(engine: Engine) -> Result<()> {
    let place = Installation::new(engine)?;
    let mut server = place.serve().await?;
    let address = place.url.trim_start_matches("http://").to_owned();

    // A request whose body is still on its way; `100 Continue` says that the server waits for it.
    let mut connection = BufReader::new(TcpStream::connect(&address).await?);
    let head = format!(
        "POST /api/v1/keys/check HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\
         Connection: close\r\nExpect: 100-continue\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await?;
    let mut line = String::new();
    connection.read_line(&mut line).await?;
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");

    server.signal("TERM").await?;
    server.wait_for("nothing more is accepted").await?;
    let shut = async { while TcpStream::connect(&address).await.is_ok() {} };
    tokio::time::timeout(std::time::Duration::from_secs(10), shut).await.context("it still accepts")?;

    // What had begun is answered, and then it is over.
    connection.write_all(b"{}").await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    assert!(answer.contains("HTTP/1.1 401"), "{answer}");
    server.wait_for("stopped").await?;
    assert_eq!(server.end().await?, Some(0));
    Ok(())
}

async fn whoever_follows_the_feed_does_not_hold_up_the_end(engine: Engine) -> Result<()> {
    let place = Installation::new(engine)?;
    let mut server = place.serve().await?;
    let client = "{client_id: portal, name: Portal, secret: the-portal-s-secret, resource_server: true}";
    place.write("state.yaml", &format!("version: 1\nclients: [{client}]\n"))?;
    place.run(&["apply", "state.yaml"]).await?.good()?;
    let feed = Browser::new(&place.url)?.request(Method::GET, "/api/v1/keys/feed");
    let open = async || {
        loop {
            let request = feed.try_clone().context("a request")?.basic_auth("portal", Some("the-portal-s-secret"));
            let response = request.send().await?;
            // The command's commit is on its way to the server.
            if response.status() == 200 {
                return anyhow::Ok(response);
            }
        }
    };
    let mut stream = open().await?;
    assert!(stream.chunk().await?.is_some_and(|piece| piece.starts_with(b"event: hello")));
    server.signal("TERM").await?;
    while stream.chunk().await?.is_some() {}
    let said = server.wait_for("stopped").await?;
    assert!(!said.contains("are cut"), "{said}");
    assert_eq!(server.end().await?, Some(0));
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() -> Result<()> {
    let place = Installation::new(Engine::Sqlite)?;
    let address = place.url.trim_start_matches("http://");
    let _taken = std::net::TcpListener::bind(address)?;
    let said = place.run(&["serve"]).await?.bad()?;
    assert!(said.contains(&format!("cannot listen on {address}")) && said.contains("hint: "), "{said}");
    Ok(())
}
