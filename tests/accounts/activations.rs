//! A service is offered by a link: looked at, claimed once, handed on, withdrawn, and too late at last.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Engine, Node, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Operator, refusal, refused};

stories! {
    an_offer_is_mailed_and_its_secret_is_shown_once,
    a_link_is_handed_on_for_good,
    only_whose_it_is_hands_a_link_on,
    a_link_is_good_for_its_time_unless_it_is_withdrawn,
    an_offer_that_cannot_be_is_refused_and_nobody_is_written_to,
}

const ACTIVATIONS: &str = "/api/v1/activations";

/// Somebody posts to a link.
async fn post(browser: &Browser, rest: &str, body: &Value) -> Result<Answer> {
    browser.send(Method::POST, &format!("{ACTIVATIONS}/{rest}"), body).await
}

/// The secret in the newest message to this address.
async fn secret_of(node: &Node, address: &str) -> Result<String> {
    let letter = node.letter_to(address).await?;
    let link = letter.links.first().context("a link")?;
    let secret = link.strip_prefix(&format!("{}/activate/", node.url)).context("a link of ours")?;
    Ok(secret.to_owned())
}

async fn an_offer_is_mailed_and_its_secret_is_shown_once(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let operator = Operator::of(node).await?;
    let welcome = operator.offer("ai_enterprise", "new@newco.test", true).await?;
    assert!(welcome.starts_with("cdai"), "{welcome}");
    assert_eq!(secret_of(node, "new@newco.test").await?, welcome);
    // What cannot be handed on is a certificate, with a number.
    let certificate = operator.offer("registry", "buyer@newco.test", false).await?;
    assert_eq!(secret_of(node, "buyer@newco.test").await?, certificate);
    let list = operator.get(ACTIVATIONS).await?;
    let items = list.json()["items"].as_array().cloned().context("items")?;
    assert_eq!(items.len(), 2);
    let of = |service: &str| items.iter().find(|item| item["service"] == service).cloned().context("an offer");
    let (first, second) = (of("ai_enterprise")?, of("registry")?);
    assert_eq!((&first["state"], &first["transferable"]), (&json!("offered"), &json!(true)));
    assert_eq!((&second["state"], &second["transferable"]), (&json!("offered"), &json!(false)));
    assert!(!list.body.contains(&welcome) && !list.body.contains(&certificate));
    let number = second["id"].as_str().context("an id")?;
    assert!(node.letter_to("buyer@newco.test").await?.text.contains(number));

    // Whoever has the link sees what it is; looking uses nothing up, as often as a mail scanner may.
    for _ in 0..3 {
        let look = world.browser()?.get(&format!("{ACTIVATIONS}/{welcome}")).await?;
        assert_eq!(look.status, 200, "{}", look.body);
        let look = look.json();
        assert_eq!(
            (&look["service"], &look["premium"], &look["email"], &look["accounts"]),
            (&json!("ai_enterprise"), &json!(true), &json!("new@newco.test"), &json!([]))
        );
    }
    for guess in ["cdai", "cdai_000000000000_00000000000000000000000000000000000000000002JmOGF", "nul%00"] {
        let unknown = world.browser()?.get(&format!("{ACTIVATIONS}/{guess}")).await?;
        assert_eq!(refusal(&unknown), refused(404, "activation_unknown"), "{guess}");
    }
    Ok(())
}

/// Whoever got an invitation directly may transfer it; that is irreversible.
async fn a_link_is_handed_on_for_good(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let operator = Operator::of(node).await?;
    let (ana, owner) = (world.sign_in("ana").await?, world.sign_in_owner().await?);
    let first = operator.offer("ai_enterprise", "ana@corp.example", true).await?;
    let to = json!({"email": OWNER.0, "message": "You own the account.\nAna"});
    let handed = ana.send(Method::POST, &format!("{ACTIVATIONS}/{first}/transfer"), &to).await?;
    assert_eq!(handed.status, 204, "{}", handed.body);
    let letter = node.letter_to(OWNER.0).await?;
    assert!(
        letter.text.contains("You own the account.") && letter.text.contains("ana@corp.example"),
        "{}",
        letter.text
    );
    let second = secret_of(node, OWNER.0).await?;

    // The old link is dead for everybody, and the new one is not the old address's.
    for browser in [&ana, &owner] {
        let dead = browser.get(&format!("{ACTIVATIONS}/{first}")).await?;
        assert_eq!(refusal(&dead), refused(404, "activation_unknown"));
        let dead = post(browser, &format!("{first}/claim"), &json!({"account": "acme"})).await?;
        assert_eq!(refusal(&dead), refused(404, "activation_unknown"));
    }
    let claim = format!("{ACTIVATIONS}/{second}/claim");
    let not_hers = ana.send(Method::POST, &claim, &json!({"new_account": "hers"})).await?;
    assert_eq!(refusal(&not_hers), refused(403, "other_address"));
    let back = post(&ana, &format!("{second}/transfer"), &json!({"email": "ana@corp.example"})).await?;
    assert_eq!(refusal(&back), refused(403, "other_address"));
    let claimed = owner.send(Method::POST, &claim, &json!({"account": "acme"})).await?;
    assert_eq!(claimed.status, 200, "{}", claimed.body);
    assert!(operator.entitlements("acme").await?.contains(&"ai_enterprise:active".to_owned()));
    // One message for each link, to whoever it is for.
    let readers: Vec<String> = node.mail().await?.into_iter().map(|letter| letter.to).collect();
    assert_eq!(readers, ["ana@corp.example", OWNER.0]);
    Ok(())
}

async fn only_whose_it_is_hands_a_link_on(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let operator = Operator::of(node).await?;
    let (ana, bo) = (world.sign_in("ana").await?, world.sign_in("bo").await?);
    let welcome = operator.offer("ai_enterprise", "ana@corp.example", true).await?;
    let certificate = operator.offer("ai_enterprise", "ana@corp.example", false).await?;
    let sent = node.mail().await?.len();
    let long = "x".repeat(2001);
    for (browser, secret, body, expected) in [
        (&bo, &welcome, json!({"email": "dana@corp.example"}), refused(403, "other_address")),
        (&world.browser()?, &welcome, json!({"email": "dana@corp.example"}), refused(401, "unauthenticated")),
        (&ana, &certificate, json!({"email": "dana@corp.example"}), refused(409, "not_transferable")),
        (&ana, &welcome, json!({"email": "Ana@corp.example"}), refused(422, "same_address")),
        (&ana, &welcome, json!({"email": "nobody"}), refused(422, "invalid_email")),
        (&ana, &welcome, json!({"email": "dana@corp.example", "message": "a\u{7}"}), refused(422, "invalid_message")),
        (&ana, &welcome, json!({"email": "dana@corp.example", "message": long}), refused(422, "invalid_message")),
    ] {
        let answer = post(browser, &format!("{secret}/transfer"), &body).await?;
        assert_eq!(refusal(&answer), expected, "{body}");
    }
    let (path, to) = (format!("{ACTIVATIONS}/{welcome}/transfer"), json!({"email": "x@corp.example"}));
    let by_operator = operator.send(Method::POST, &path, &to).await?;
    assert_eq!(refusal(&by_operator), refused(403, "forbidden"));
    assert_eq!(node.mail().await?.len(), sent);
    assert_eq!(ana.get(&format!("{ACTIVATIONS}/{welcome}")).await?.status, 200);
    Ok(())
}

async fn a_link_is_good_for_its_time_unless_it_is_withdrawn(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let operator = Operator::of(node).await?;
    let short = json!({"service": "ai_enterprise", "email": OWNER.0, "expires_in": "30m"});
    let offered = operator.send(Method::POST, ACTIVATIONS, &short).await?.json();
    let late = offered["secret"].as_str().context("a secret")?.to_owned();
    let withdrawn = operator.offer("ai_enterprise", OWNER.0, true).await?;
    let states = async || -> Result<Vec<(bool, String, String)>> {
        let list = operator.get(ACTIVATIONS).await?.json()["items"].as_array().cloned().context("items")?;
        let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let mut said: Vec<_> =
            list.iter().map(|item| (item["transferable"] == true, text(item, "state"), text(item, "id"))).collect();
        said.sort();
        Ok(said)
    };
    let (_, _, id) = states().await?.pop().context("the one that can be handed on")?;
    let path = format!("{ACTIVATIONS}/{id}");
    assert_eq!(operator.send(Method::DELETE, &path, &json!({})).await?.status, 204);
    assert_eq!(refusal(&operator.send(Method::DELETE, &path, &json!({})).await?), refused(409, "activation_withdrawn"));
    node.clock.advance(Duration::from_secs(30 * 60));
    node.follow().await?;
    let owner = world.sign_in_owner().await?;
    for (secret, code) in [(&late, "activation_expired"), (&withdrawn, "activation_withdrawn")] {
        let path = format!("{ACTIVATIONS}/{secret}");
        assert_eq!(refusal(&owner.get(&path).await?), refused(409, code));
        let claim = owner.send(Method::POST, &format!("{path}/claim"), &json!({"account": "acme"})).await?;
        assert_eq!(refusal(&claim), refused(409, code));
        let transfer = owner.send(Method::POST, &format!("{path}/transfer"), &json!({"email": "x@acme.test"})).await?;
        assert_eq!(refusal(&transfer), refused(409, code));
    }
    let said: Vec<String> = states().await?.into_iter().map(|(_, state, _)| state).collect();
    assert_eq!(said, ["expired", "revoked"]);
    assert!(!operator.entitlements("acme").await?.contains(&"ai_enterprise:active".to_owned()));
    Ok(())
}

async fn an_offer_that_cannot_be_is_refused_and_nobody_is_written_to(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let operator = Operator::of(world.node()).await?;
    let offer = json!({"service": "registry", "email": "a@b.test"});
    for (field, value, expected) in [
        ("service", json!("registri"), refused(422, "unknown_service")),
        ("email", json!("nobody"), refused(422, "invalid_email")),
        ("expires_in", json!("4m"), refused(422, "invalid_life")),
        ("expires_in", json!("2y"), refused(422, "invalid_life")),
        ("expires_in", json!("never"), refused(422, "invalid_life")),
        ("entitlement_ends_at", json!("2020-01-01T00:00:00Z"), refused(422, "invalid_end")),
        ("entitlement_ends_at", json!("soon"), refused(422, "invalid_value")),
        ("acount", json!("acme"), refused(422, "invalid_value")),
    ] {
        let mut wanted = offer.clone();
        wanted.as_object_mut().context("an object")?.insert(field.to_owned(), value);
        let answer = operator.send(Method::POST, ACTIVATIONS, &wanted).await?;
        assert_eq!(refusal(&answer), expected, "{wanted}");
    }
    assert_eq!(world.node().mail().await?, []);
    assert_eq!(operator.get(ACTIVATIONS).await?.json()["items"], json!([]));
    // What ends before its link would is offered until then only.
    let end = world.node().app.clock.now().after(Duration::from_secs(86_400)).to_string();
    let ending = json!({"service": "registry", "email": "a@b.test", "entitlement_ends_at": end});
    let offered = operator.send(Method::POST, ACTIVATIONS, &ending).await?.json();
    assert_eq!(offered["expires_at"], json!(end));
    Ok(())
}
