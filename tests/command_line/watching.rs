//! What an operator sees: commands that only look make nothing, and the log says who asked.

use anyhow::{Context as _, Result};
use cardea_testkit::{Answer, Browser, Engine, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::program::Installation;
use super::{PASSWORD, state};

stories! {
    what_only_looks_demands_a_migrated_database,
    every_request_is_logged_with_who_asked,
}

async fn what_only_looks_demands_a_migrated_database(engine: Engine) -> Result<()> {
    let place = Installation::new(engine)?;
    place.write("state.yaml", &state("http://127.0.0.1:9"))?;
    let looking = [&["plan", "state.yaml"][..], &["export"], &["audit", "verify"]];
    for words in looking {
        let said = place.run(words).await?.bad()?;
        assert!(said.starts_with("error: ") && said.contains("\nhint: run `cardea migrate`"), "{words:?}: {said}");
        assert!(!place.path("data").exists(), "{words:?} made something");
    }
    let found = place.run(&["doctor", "--json"]).await?;
    assert_eq!((found.code, &found.json()?[0]["status"]), (Some(1), &json!("problem")));
    assert!(found.out.contains("run `cardea migrate`"), "{}", found.out);

    // A database that is there, and empty.
    if engine == Engine::Sqlite {
        std::fs::create_dir(place.path("data"))?;
        std::fs::File::create(place.path("data/cardea.db"))?;
    }
    for words in looking {
        let said = place.run(words).await?.bad()?;
        assert!(
            said.contains("the database: lacks") && said.contains("\nhint: run `cardea migrate`"),
            "{words:?}: {said}"
        );
    }
    place.run(&["migrate"]).await?.good()?;
    for words in looking {
        place.run(words).await?.good()?;
    }
    Ok(())
}

async fn every_request_is_logged_with_who_asked(engine: Engine) -> Result<()> {
    const DIRECTORY: &str = "directory-s3cret-of-okta-0123456789";
    let place = Installation::new(engine)?;
    let token = place.run(&["operator", "create", "--name", "ci"]).await?.good()?.out;
    let text = state("http://127.0.0.1:9").replacen(
        "clients:\n",
        &format!(
            "    directories: [{{connection: okta, tokens: [{{name: primary, secret: {DIRECTORY}}}]}}]\nclients:\n"
        ),
        1,
    );
    place.write("state.yaml", &text)?;
    place.run(&["apply", "state.yaml"]).await?.good()?;
    let mut server = place.serve().await?;

    let owner = Browser::new(&place.url)?;
    let fields = [("email", "owner@acme.test"), ("password", PASSWORD)];
    assert_eq!(owner.post_form("/login/password", &fields).await?.status, 303);
    let user = owner.get("/api/v1/me").await?.json()["user"]["id"].as_str().context("an id")?.to_owned();
    let script = Browser::new(&place.url)?;
    let get = |address: &str| script.request(Method::GET, address);
    let requests = [
        (owner.request(Method::GET, "/api/v1/me/keys"), format!("person:{user}")),
        (owner.request(Method::GET, "/o/acme"), format!("person:{user}")),
        (get("/api/v1/me").bearer_auth(token.trim()), "operator:opr_".to_owned()),
        (get("/scim/v2/Users").bearer_auth(DIRECTORY), "directory:idp_".to_owned()),
        (get("/scim/v2/Users").bearer_auth("wrong"), "nobody".to_owned()),
        (get("/api/v1/me"), "nobody".to_owned()),
        (get("/login"), "nobody".to_owned()),
    ];
    for (request, caller) in requests {
        let answer = Answer::read(request.send().await?).await?;
        let line = server.wait_for(answer.header("x-request-id")).await?;
        let logged: Value = serde_json::from_str(&line)?;
        assert!(logged["caller"].as_str().is_some_and(|logged| logged.starts_with(&caller)), "{caller}: {line}");
        assert_eq!(logged["status"], json!(answer.status), "{line}");
        for secret in [DIRECTORY, PASSWORD, token.trim(), "cardea=", "@"] {
            assert!(!line.contains(secret), "{secret}: {line}");
        }
    }
    server.signal("TERM").await?;
    assert_eq!(server.end().await?, Some(0));
    Ok(())
}
