//! Keys that somebody has found: revoked at the word of whoever shows them, and nobody is told what they were but GitHub.

use cardea_gateway::leaks::github::{self, KeySource};
use cardea_gateway::{audit, usage};
use cardea_simulate::github::{Github, SigningKey};
use cardea_store::audit::sealed_after;
use cardea_testkit::{Answer, NodeBuilder};
use cardea_tokens::hash::{hex, sha256};
use tokio::net::TcpListener;

use super::*;

stories! {
    github_reports_keys_and_they_are_revoked,
    github_is_known_by_its_signature_over_these_bytes,
    the_keys_of_github_change_and_are_fetched_seldom,
    anybody_reports_a_key_and_learns_nothing,
    a_key_that_does_not_work_is_only_noted,
    nobody_reports_keys_without_end,
}

const GITHUB: &str = "/.well-known/secret-scanning/github";
const FOUND_AT: &str = "https://github.com/octocat/hello/blob/1/deploy.sh";

/// The usual scene, in which GitHub publishes this key as current and another one as retired.
async fn scene(engine: Engine) -> Result<(World, Github, [SigningKey; 2])> {
    let github = Github::start(TcpListener::bind("127.0.0.1:0").await?)?;
    let keys = [SigningKey::generate("current")?, SigningKey::generate("retired")?];
    github.publish(&[keys[0].published(true), keys[1].published(false)]);
    let at = KeySource::At(github.keys_url.clone());
    let world = World::with(engine, NodeBuilder::default().with(|settings| settings.github_keys = at)).await?;
    Ok((world, github, keys))
}

/// A report as GitHub writes it: with blanks that no other program would put there.
fn report(tokens: &[&str]) -> String {
    let found = |token: &&str| {
        format!(r#"{{ "token":"{token}", "type":"cardea_key", "url":"{FOUND_AT}", "source":"content" }}"#)
    };
    format!("[ {} ]\n", tokens.iter().map(found).collect::<Vec<_>>().join(" , "))
}

async fn deliver(world: &World, headers: &[(&str, String)], body: &str) -> Result<Answer> {
    let mut request = world.browser()?.request(Method::POST, GITHUB).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    Answer::read(request.body(body.to_owned()).send().await?).await
}

async fn github_reports_keys_and_they_are_revoked(engine: Engine) -> Result<()> {
    let (mut world, _github, [current, _]) = scene(engine).await?;
    world.add_node(NodeBuilder::default().named("two")).await?;
    let (ana, owner) = (world.sign_in("ana").await?, world.sign_in_owner().await?);
    let key = ana.make_key("laptop", &["registry"]).await?;
    let service = make_service_key(&owner, "ci", json!([{"service": "registry", "scopes": ["*"]}])).await?;
    let spoilt = format!("{}A", &key.secret[..66]);
    let body = report(&[&key.secret, &spoilt, "ghp_nothing_of_ours", &service.secret, &key.secret]);
    let answer = deliver(&world, &current.sign(body.as_bytes())?, &body).await?;
    let verdict_on = |token: &str, label: &str| json!({"token_hash": hex(&sha256(token.as_bytes())), "token_type": "cardea_key", "label": label});
    let expected = json!([
        verdict_on(&key.secret, "true_positive"),
        verdict_on(&spoilt, "false_positive"),
        verdict_on("ghp_nothing_of_ours", "false_positive"),
        verdict_on(&service.secret, "true_positive"),
        verdict_on(&key.secret, "true_positive"),
    ]);
    assert_eq!((answer.status, answer.json()), (200, expected), "{}", answer.body);
    for node in &world.nodes {
        node.catch_up().await?;
        assert_eq!(verdict(&world, node, &key.secret).await?, "revoked");
        assert_eq!(verdict(&world, node, &service.secret).await?, "revoked");
    }
    // Its holder and the owner are told of the key, the owner of the org's: once each, and never the secret.
    let letters = world.node().mail().await?;
    let leaked = letters.iter().filter(|letter| letter.subject.contains("has leaked"));
    let mut told: Vec<_> = leaked.map(|letter| (letter.to.as_str(), letter.subject.contains("laptop"))).collect();
    told.sort_unstable();
    let owner = cardea_testkit::world::OWNER.0;
    assert_eq!(told, [("ana@corp.example", true), (owner, false), (owner, true)]);
    for letter in &letters {
        assert!(!letter.raw.contains(&key.secret) && !letter.raw.contains(&service.secret));
    }
    assert!(world.node().letter_to("ana@corp.example").await?.text.contains(FOUND_AT));
    // Again, as when an answer was lost: still its key, and nobody is written to again.
    let again = deliver(&world, &current.sign(body.as_bytes())?, &body).await?;
    assert_eq!(again.json()[0]["label"], "true_positive");
    assert_eq!(world.node().mail().await?.len(), letters.len());
    Ok(())
}

/// An unknown, a retired and a wrong key are refused, and so is every byte that was not signed.
async fn github_is_known_by_its_signature_over_these_bytes(engine: Engine) -> Result<()> {
    let (world, _github, [current, retired]) = scene(engine).await?;
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    let body = report(&[&key.secret]);
    let compact = serde_json::from_str::<Value>(&body)?.to_string();
    let signed = |by: &SigningKey| anyhow::Ok(by.sign(body.as_bytes())?);
    let imposter = SigningKey::generate("current")?;
    let [name, signature] = signed(&current)?;
    let empty = (signature.0, String::new());
    for (headers, sent, code) in [
        (&signed(&SigningKey::generate("unheard-of")?)?[..], &body, "unknown_key"),
        (&signed(&retired)?, &body, "unknown_key"),
        (&signed(&imposter)?, &body, "bad_signature"),
        (&signed(&current)?, &compact, "bad_signature"),
        (&signed(&current)?, &body.replace("content", "commit"), "bad_signature"),
        (&[name.clone(), empty], &body, "bad_signature"),
        (&[name], &body, "bad_signature"),
        (&[signature], &body, "unknown_key"),
        (&[], &body, "unknown_key"),
    ] {
        let answer = deliver(&world, headers, sent).await?;
        assert_eq!((answer.status, answer.code().as_str()), (400, code), "{headers:?} {sent}");
    }
    for unreadable in ["{}", "[{}]", "[", r#"[{"token": 7, "type": "x"}]"#] {
        let answer = deliver(&world, &current.sign(unreadable.as_bytes())?, unreadable).await?;
        assert_eq!((answer.status, answer.code().as_str()), (400, "unreadable_report"), "{unreadable}");
    }
    assert_eq!(verdict(&world, world.node(), &key.secret).await?, "allowed");
    assert_eq!(world.node().mail().await?.len(), 0);
    Ok(())
}

async fn the_keys_of_github_change_and_are_fetched_seldom(engine: Engine) -> Result<()> {
    let (world, github, [current, _]) = scene(engine).await?;
    let clock = &world.node().clock;
    let empty = async |by: &SigningKey| anyhow::Ok(deliver(&world, &by.sign(b"[]")?, "[]").await?.status);
    assert_eq!((empty(&current).await?, github.asked()), (200, 1));
    // A crowd of made-up names makes nobody ask for each.
    let next = SigningKey::generate("next")?;
    for _ in 0..20 {
        assert_eq!(empty(&next).await?, 400);
    }
    assert_eq!((empty(&current).await?, github.asked()), (200, 1));
    github.publish(&[next.published(true)]);
    clock.advance(Duration::from_secs(60));
    assert_eq!((empty(&next).await?, github.asked()), (200, 2));
    // What is not published any more is not believed any more.
    assert_eq!((empty(&current).await?, empty(&next).await?, github.asked()), (400, 200, 2));
    clock.advance(Duration::from_secs(24 * 3600));
    github.publish(&[]);
    assert_eq!((empty(&next).await?, empty(&next).await?, github.asked()), (503, 503, 3));
    github.publish(&[next.published(true)]);
    clock.advance(Duration::from_secs(60));
    assert_eq!((empty(&next).await?, github.asked()), (200, 4));

    // An instance that does not reach GitHub has the same document as a file, and asks nobody.
    let document = json!({"public_keys": [current.published(true), next.published(false)]}).to_string();
    let given = KeySource::These(github::read(document.as_bytes()).context("a key")?);
    let offline = World::with(engine, NodeBuilder::default().with(|settings| settings.github_keys = given)).await?;
    assert_eq!(deliver(&offline, &current.sign(b"[]")?, "[]").await?.status, 200);
    assert_eq!(deliver(&offline, &next.sign(b"[]")?, "[]").await?.code(), "unknown_key");
    assert_eq!(github.asked(), 4);
    Ok(())
}

async fn tell(world: &World, token: &str) -> Result<Answer> {
    world.browser()?.send(Method::POST, "/api/v1/leaks", &json!({"token": token})).await
}

async fn anybody_reports_a_key_and_learns_nothing(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, ana) = (world.node(), world.sign_in("ana").await?);
    let (key, other) = (ana.make_key("laptop", &["registry"]).await?, ana.make_key("other", &["registry"]).await?);
    let rotated = ana.send(Method::POST, &format!("/api/v1/me/keys/{}/rotate", other.id), &json!({})).await?.json();
    let fresh = rotated["secret"].as_str().context("a secret")?;
    // Whoever knows the public part only has nothing to report.
    let forged = cardea_tokens::Secret::generate(cardea_tokens::Prefix::Personal, &cardea_testkit::clock::TestRandom);
    for token in ["", "x", forged.expose(), &format!("{}A", &key.secret[..66])] {
        let answer = tell(&world, token).await?;
        assert_eq!((answer.status, answer.body.as_str()), (202, ""), "{token}");
    }
    assert_eq!(verdict(&world, node, &key.secret).await?, "allowed");
    assert_eq!(node.mail().await?.len(), 0);
    // The old secret in its grace ends the key as well as the new one does.
    for token in [&key.secret, &other.secret, &key.secret] {
        let answer = tell(&world, token).await?;
        assert_eq!((answer.status, answer.body.as_str()), (202, ""));
    }
    for secret in [&key.secret, &other.secret, fresh] {
        assert_eq!(verdict(&world, node, secret).await?, "revoked");
    }
    assert_eq!(ana.get("/api/v1/me/keys").await?.json()["keys"], json!([]));
    let letters = node.mail().await?;
    assert_eq!(letters.iter().filter(|letter| letter.to == "ana@corp.example").count(), 2);
    assert_eq!(letters.len(), 4);
    Ok(())
}

/// Also a secret whose grace is over: it opens nothing, and the one that took its place was not found.
async fn a_key_that_does_not_work_is_only_noted(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, ana) = (world.node(), world.sign_in("ana").await?);
    let (off, turned) = (ana.make_key("off", &["registry"]).await?, ana.make_key("turned", &["registry"]).await?);
    let off_at = format!("/api/v1/me/keys/{}", off.id);
    ana.send(Method::PATCH, &off_at, &json!({"active": false})).await?;
    let rotate = format!("/api/v1/me/keys/{}/rotate", turned.id);
    let fresh = ana.send(Method::POST, &rotate, &json!({"reason": "leak"})).await?.json();
    for token in [&off.secret, &turned.secret] {
        assert_eq!(tell(&world, token).await?.status, 202);
    }
    assert_eq!(verdict(&world, node, fresh["secret"].as_str().context("a secret")?).await?, "allowed");
    usage::write(&node.app).await?;
    let shown = ana.get(&off_at).await?.json();
    assert_eq!((shown["state"].as_str(), &shown["last_used_at"]), (Some("disabled"), &Value::Null));
    assert_eq!(node.mail().await?.len(), 0);
    while audit::seal(&node.app).await? > 0 {}
    let events = sealed_after(&mut node.app.db.read().await?, 0, 1000).await?;
    let events = events.into_iter().map(|sealed| sealed.event);
    let noted: Vec<_> = events.filter(|event| event.action == "key.leak_noted").collect();
    assert_eq!(noted.iter().map(|event| event.target.as_str()).collect::<Vec<_>>(), [&off.id, &turned.id]);
    assert!(noted.iter().all(|event| event.actor == "nobody" && !event.detail.contains(&off.secret)));
    Ok(())
}

async fn nobody_reports_keys_without_end(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    for _ in 0..10 {
        assert_eq!(tell(&world, "x").await?.status, 202);
    }
    let refused = tell(&world, "x").await?;
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many_reports"));
    assert!(refused.header("retry-after").parse::<u32>()? <= 61);
    world.node().clock.advance(Duration::from_secs(60));
    assert_eq!(tell(&world, "x").await?.status, 202);
    Ok(())
}
