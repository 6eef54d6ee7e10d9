//! What an org says of itself, and its teams.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_store::grant;
use cardea_testkit::{Answer, Browser, Engine, NodeBuilder, stories, tamper};
use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{Staff, delete, give, outcome, own_roles, pulls, refusal};

stories! {
    an_org_says_what_it_is,
    only_the_accounts_owner_describes_it,
    a_team_is_made_described_and_ended,
    what_no_team_can_be_called_is_said,
    a_team_that_ends_takes_its_roles_on_every_node,
}

const ORG: &str = "/api/v1/orgs/acme";
const TEAMS: &str = "/api/v1/orgs/acme/teams";

async fn matching(by: &Browser, method: Method, address: &str, version: &str, body: Option<Value>) -> Result<Answer> {
    let request = by.request(method, address).header(header::IF_MATCH, version);
    Answer::read(match body {
        Some(body) => request.json(&body).send().await?,
        None => request.send().await?,
    })
    .await
}

/// Its account and number, its kind, its services with their state, whether it is linked, and its owners.
async fn an_org_says_what_it_is(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let shown = staff.owner.get(ORG).await?;
    let mut org = shown.json();
    assert_eq!(shown.header("etag"), format!("\"{}\"", org["version"]));
    let (id, owner) = (org["id"].take(), org["owners"][0]["id"].take());
    assert!(id.as_str().is_some_and(|id| id.starts_with("org_")));
    assert!(owner.as_str().is_some_and(|id| id.starts_with("usr_")));
    org.as_object_mut().context("an org")?.remove("version");
    let service =
        |name: &str, title: &str| json!({"service": name, "title": title, "state": "active", "ends_at": null});
    assert_eq!(
        org,
        json!({"id": null, "name": "acme", "account": "acme", "number": 1, "kind": "enterprise", "description": "",
            "services": [service("catalog", "NGC Catalog"), service("public_api_endpoints", "Public api endpoints"),
                service("registry", "Private Registry")],
            "linked": true,
            "owners": [{"id": null, "name": "owner@acme.test", "email": "owner@acme.test"}]})
    );
    // By its id too; and to whoever does not see the users, nobody's address.
    let by_id = format!("/api/v1/orgs/{}", id.as_str().unwrap_or_default());
    for (browser, email) in [(&staff.dana, Value::Null), (&staff.bo, json!("owner@acme.test"))] {
        let org = browser.get(&by_id).await?.json();
        assert_eq!((&org["name"], &org["owners"][0]["email"]), (&json!("acme"), &email));
    }
    assert_eq!(staff.world.browser()?.get(ORG).await?.status, 401);

    // A service can be suspended, and ends by itself at the instant that it says.
    let end = staff.node().app.clock.now().after(Duration::from_secs(60));
    tamper::entitlements(&staff.node().app.db, "catalog", ("registry", end.as_micros())).await?;
    let states = async || -> Result<Vec<Value>> {
        let org = staff.dana.get(ORG).await?.json();
        let services = org["services"].as_array().cloned().context("services")?;
        Ok(services.iter().map(|service| json!([service["state"], service["ends_at"]])).collect())
    };
    let active = json!(["active", null]);
    assert_eq!(states().await?, [json!(["suspended", null]), active.clone(), json!(["active", end])]);
    staff.node().clock.advance(Duration::from_secs(60));
    assert_eq!(states().await?, [json!(["suspended", null]), active, json!(["ended", end])]);
    Ok(())
}

async fn only_the_accounts_owner_describes_it(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let version = staff.owner.get(ORG).await?.header("etag").to_owned();
    let words = json!({"description": " We build robots. "});
    assert_eq!(outcome(&staff.bo.send(Method::PATCH, ORG, &words).await?), refusal(403, "forbidden"));
    let described = matching(&staff.owner, Method::PATCH, ORG, &version, Some(words.clone())).await?;
    assert_eq!((described.status, &described.json()["description"]), (200, &json!("We build robots.")));
    assert_ne!(described.header("etag"), version);
    for version in [version.as_str(), "\"nonsense\""] {
        let stale = matching(&staff.owner, Method::PATCH, ORG, version, Some(json!({"description": ""}))).await?;
        assert_eq!(outcome(&stale), refusal(412, "stale"));
    }
    for (description, code) in
        [("x".repeat(1001), "invalid_description"), ("a\u{0}b".to_owned(), "invalid_description")]
    {
        let refused = staff.owner.send(Method::PATCH, ORG, &json!({"description": description})).await?;
        assert_eq!(outcome(&refused), refusal(422, code));
    }
    let renamed = staff.owner.send(Method::PATCH, ORG, &json!({"description": "", "name": "acme2"})).await?;
    assert_eq!(renamed.status, 422, "{}", renamed.body);
    assert_eq!(staff.dana.get(ORG).await?.json()["description"], "We build robots.");
    Ok(())
}

/// Owners and org-wide user_admins make teams; a name that was one's is never another's.
async fn a_team_is_made_described_and_ended(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let made = staff.bo.send(Method::POST, TEAMS, &json!({"name": "audio", "description": "Sound"})).await?;
    assert_eq!(made.status, 201, "{}", made.body);
    let audio = format!("{TEAMS}/audio");
    assert_eq!((made.header("location"), made.header("etag")), (audio.as_str(), "\"1\""));
    let names = async |browser: &Browser| -> Result<Vec<String>> {
        let list = browser.get(TEAMS).await?.json();
        let items = list["items"].as_array().cloned().context("items")?;
        Ok(items.iter().filter_map(|team| team["name"].as_str()).map(str::to_owned).collect())
    };
    assert_eq!(names(&staff.dana).await?, ["audio", "vision"]);
    let by_id = format!("{TEAMS}/{}", made.json()["id"].as_str().context("an id")?);
    assert_eq!(staff.dana.get(&by_id).await?.json(), made.json());

    let described = json!({"description": "Sound and speech"});
    let changed = matching(&staff.bo, Method::PATCH, &audio, "\"1\"", Some(described.clone())).await?;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""));
    assert_eq!(changed.json(), staff.dana.get(&audio).await?.json());
    let stale = matching(&staff.owner, Method::PATCH, &audio, "\"1\"", Some(described)).await?;
    assert_eq!(outcome(&stale), refusal(412, "stale"));
    let stale = matching(&staff.owner, Method::DELETE, &audio, "\"1\"", None).await?;
    assert_eq!(outcome(&stale), refusal(412, "stale"));
    assert_eq!(
        outcome(&staff.owner.send(Method::POST, TEAMS, &json!({"name": "audio"})).await?),
        refusal(409, "team_name_taken")
    );

    let ended = matching(&staff.owner, Method::DELETE, &audio, "\"2\"", None).await?;
    assert_eq!(ended.status, 204);
    for gone in [staff.dana.get(&audio).await?, staff.owner.get(&by_id).await?, delete(&staff.owner, &audio).await?] {
        assert_eq!(outcome(&gone), refusal(404, "not_found"));
    }
    assert_eq!(
        outcome(&staff.owner.send(Method::POST, TEAMS, &json!({"name": "audio"})).await?),
        refusal(409, "team_name_ended")
    );
    assert_eq!(names(&staff.dana).await?, ["vision"]);
    Ok(())
}

/// All lower case; a name with capitals is refused with how it could be.
async fn what_no_team_can_be_called_is_said(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let refused = staff.owner.send(Method::POST, TEAMS, &json!({"name": "Audio-Lab"})).await?;
    assert_eq!(outcome(&refused), refusal(422, "invalid_team_name"));
    assert!(refused.body.contains("`audio-lab`"), "{}", refused.body);
    for name in ["", "-a", "a-", "a b", "é", "a/b", "a\u{0}b", &"a".repeat(64)] {
        let refused = staff.owner.send(Method::POST, TEAMS, &json!({"name": name})).await?;
        assert_eq!(outcome(&refused), refusal(422, "invalid_team_name"), "{name:?}");
    }
    let long = json!({"name": "audio", "description": "x".repeat(1001)});
    assert_eq!(outcome(&staff.owner.send(Method::POST, TEAMS, &long).await?), refusal(422, "invalid_description"));
    for name in [&"a".repeat(63), "0", "a.b_c-d"] {
        assert_eq!(staff.owner.send(Method::POST, TEAMS, &json!({"name": name})).await?.status, 201, "{name}");
    }
    assert_eq!(staff.owner.get(&format!("{TEAMS}/%00")).await?.status, 404);
    Ok(())
}

/// A role in a team reaches that team only, and nothing of it outlives the team.
async fn a_team_that_ends_takes_its_roles_on_every_node(engine: Engine) -> Result<()> {
    let mut staff = Staff::new(engine).await?;
    staff.world.add_node(NodeBuilder::default().named("two")).await?;
    let [one, two] = staff.world.nodes.as_slice() else { anyhow::bail!("two nodes") };
    let ana = staff.world.sign_in("ana").await?;
    let role = json!({"team": "vision", "service": "registry", "role": "user"});
    assert_eq!(give(&staff.owner, "dana", &role).await?.status, 200);
    let key = staff.dana.make_key("laptop", &["registry"]).await?.secret;
    two.catch_up().await?;
    for node in [one, two] {
        assert_eq!(pulls(&staff.world, node, &key, "acme/vision/app").await?, true);
        assert_ne!(pulls(&staff.world, node, &key, "acme/audio/app").await?, true);
        assert_ne!(pulls(&staff.world, node, &key, "acme/app").await?, true);
    }
    assert!(own_roles(&ana).await?.contains(&"vision/catalog/read".to_owned()));
    let team = staff.owner.get(&format!("{TEAMS}/vision")).await?.json()["id"].as_str().context("an id")?.parse()?;

    assert_eq!(delete(&staff.bo, &format!("{TEAMS}/vision")).await?.status, 204);
    assert_eq!(pulls(&staff.world, one, &key, "acme/vision/app").await?, "no_role");
    two.catch_up().await?;
    assert_eq!(pulls(&staff.world, two, &key, "acme/vision/app").await?, "no_role");
    // Neither by hand nor by a rule, nor to manage.
    assert_eq!(own_roles(&staff.dana).await?, Vec::<String>::new());
    assert_eq!(own_roles(&ana).await?, ["/registry/admin"]);
    assert_eq!(staff.chika.get(super::USERS).await?.status, 403);
    assert_eq!(grant::members_of_team(&mut one.app.db.read().await?, team).await?, []);
    assert_eq!(outcome(&give(&staff.owner, "dana", &role).await?), refusal(422, "unknown_team"));
    // No other access has ended, and nothing but the team.
    assert_eq!(staff.dana.get("/api/v1/me").await?.status, 200);
    Ok(())
}
