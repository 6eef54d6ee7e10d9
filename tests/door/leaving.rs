//! An OpenID provider signs somebody out: by its server, and by frames in the browser.

use anyhow::{Context as _, Result};
use cardea_simulate::oidc::HeaderMode;
use cardea_testkit::{Answer, Browser, Engine, NodeBuilder, World, stories};
use serde_json::{Map, Value, json};

stories! {
    a_logout_token_ends_the_session_that_it_names_and_no_other,
    a_logout_token_without_a_session_ends_all_of_that_person_at_that_connection,
    only_a_logout_token_of_the_provider_for_us_and_now_ends_anything,
    a_frame_ends_the_session_whose_name_it_knows,
    nobody_can_have_logout_tokens_looked_at_without_end,
}

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const ADDRESS: &str = "/oidc/okta/backchannel-logout";

/// A person who has signed in, in a session of this name.
async fn sign_in(world: &World, person: &str, sid: &str) -> Result<Browser> {
    world.provider.person(person, |person| drop(person.claims.insert("sid".to_owned(), json!(sid))));
    world.sign_in(person).await
}

/// What a good token says, but for whom.
fn claims(world: &World, jti: &str, whom: Value) -> Map<String, Value> {
    let now = world.node().app.clock.now().as_seconds();
    let mut claims = Map::new();
    for (name, value) in [
        ("iss", json!(world.provider.issuer())),
        ("aud", json!("gw")),
        ("iat", json!(now)),
        ("exp", json!(now + 120)),
        ("jti", json!(jti)),
        ("events", json!({EVENT: {}})),
    ] {
        claims.insert(name.to_owned(), value);
    }
    claims.extend(whom.as_object().cloned().unwrap_or_default());
    claims
}

async fn send(world: &World, token: &str) -> Result<Answer> {
    world.browser()?.post_form(ADDRESS, &[("logout_token", token)]).await
}

async fn lives(browser: &Browser) -> Result<bool> {
    Ok(browser.get("/api/v1/me").await?.status == 200)
}

fn subject(world: &World, person: &str) -> Result<String> {
    let people = world.provider.people();
    Ok(people.iter().find(|known| known.name == person).context("nobody")?.subject.clone())
}

async fn a_logout_token_ends_the_session_that_it_names_and_no_other(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (one, two) = (sign_in(&world, "ana", "s1").await?, sign_in(&world, "ana", "s2").await?);
    let bo = sign_in(&world, "bo", "s3").await?;
    let token = world.provider.sign("logout+jwt", &claims(&world, "j1", json!({"sid": "s1"})))?;
    let answer = send(&world, &token).await?;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{}", answer.body);
    assert_eq!((lives(&one).await?, lives(&two).await?, lives(&bo).await?), (false, true, true));
    // Of a session and a subject both must fit.
    let other = claims(&world, "j2", json!({"sid": "s2", "sub": subject(&world, "bo")?}));
    assert_eq!(send(&world, &world.provider.sign("logout+jwt", &other)?).await?.status, 200);
    assert_eq!((lives(&two).await?, lives(&bo).await?), (true, true));
    // Whoever has seen a token ends nothing with it any more.
    let again = sign_in(&world, "ana", "s1").await?;
    let replayed = send(&world, &token).await?;
    assert_eq!((replayed.status, lives(&again).await?), (400, true), "{}", replayed.body);
    Ok(())
}

async fn a_logout_token_without_a_session_ends_all_of_that_person_at_that_connection(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (one, two) = (sign_in(&world, "ana", "s1").await?, sign_in(&world, "ana", "s2").await?);
    let bo = sign_in(&world, "bo", "s3").await?;
    let (owner, key) = (world.sign_in_owner().await?, one.make_key("laptop", &["registry"]).await?);
    let said = claims(&world, "j1", json!({"sub": subject(&world, "ana")?}));
    assert_eq!(send(&world, &world.provider.sign("JWT", &said)?).await?.status, 200);
    assert_eq!((lives(&one).await?, lives(&two).await?), (false, false));
    assert_eq!((lives(&bo).await?, lives(&owner).await?), (true, true));
    // A sign-out is no end of access: keys live on.
    let checked = world.check(world.node(), &key.secret).await?.json();
    assert_eq!(checked["allowed"], true, "{checked}");
    Ok(())
}

async fn only_a_logout_token_of_the_provider_for_us_and_now_ends_anything(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = sign_in(&world, "ana", "s1").await?;
    let now = world.node().app.clock.now().as_seconds();
    let wrong: [(&str, &str, Value); 14] = [
        ("typ at+jwt", "at+jwt", json!({})),
        ("audience", "logout+jwt", json!({"aud": "somebody"})),
        ("issuer", "logout+jwt", json!({"iss": "https://other-idp.example"})),
        ("nonce", "logout+jwt", json!({"nonce": "n"})),
        ("no event", "logout+jwt", json!({"events": {}})),
        (
            "another event",
            "logout+jwt",
            json!({"events": {"https://schemas.openid.net/secevent/risc/event-type/account-disabled": {}}}),
        ),
        ("an event that is no object", "logout+jwt", json!({"events": {EVENT: true}})),
        ("events that are a list", "logout+jwt", json!({"events": [EVENT]})),
        ("expired", "logout+jwt", json!({"exp": now - 61})),
        ("old", "logout+jwt", json!({"iat": now - 601})),
        ("of the future", "logout+jwt", json!({"iat": now + 61})),
        ("nobody", "logout+jwt", json!({"sid": null})),
        ("no id", "logout+jwt", json!({"jti": null})),
        ("time as text", "logout+jwt", json!({"iat": now.to_string()})),
    ];
    for (number, (what, typ, change)) in wrong.into_iter().enumerate() {
        let mut said = claims(&world, &format!("w{number}"), json!({"sid": "s1"}));
        said.extend(change.as_object().cloned().unwrap_or_default());
        said.retain(|_, value| !value.is_null());
        let answer = send(&world, &world.provider.sign(typ, &said)?).await?;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("invalid_request")), "{what}");
        assert!(lives(&ana).await?, "{what}");
    }
    for mode in [
        HeaderMode::AlgNone,
        HeaderMode::Hs256WithPublicKey,
        HeaderMode::Hs256WithClientSecret,
        HeaderMode::UnknownKid,
        HeaderMode::KnownKidOtherKey,
        HeaderMode::Jku,
        HeaderMode::EmbeddedJwk,
        HeaderMode::Crit,
        HeaderMode::BrokenSignature,
    ] {
        world.provider.misbehave(mode.clone());
        let token = world.provider.sign("logout+jwt", &claims(&world, "h", json!({"sid": "s1"})))?;
        world.provider.behave();
        assert_eq!((send(&world, &token).await?.status, lives(&ana).await?), (400, true), "{mode:?}");
    }
    let good = world.provider.sign("logout+jwt", &claims(&world, "g", json!({"sid": "s1"})))?;
    let twice = world.browser()?.post_form(ADDRESS, &[("logout_token", &good), ("logout_token", &good)]).await?;
    assert_eq!(twice.status, 400, "{}", twice.body);
    assert_eq!(
        world.browser()?.post_form("/oidc/nobody/backchannel-logout", &[("logout_token", &good)]).await?.status,
        404
    );
    assert!(lives(&ana).await?);
    assert_eq!((send(&world, &good).await?.status, lives(&ana).await?), (200, false));
    Ok(())
}

async fn a_frame_ends_the_session_whose_name_it_knows(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = sign_in(&world, "ana", "s1").await?;
    let frame = async |issuer: &str, sid: &str| -> Result<Answer> {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs([("iss", issuer), ("sid", sid)]).finish();
        world.browser()?.get(&format!("/oidc/okta/frontchannel-logout?{query}")).await
    };
    let issuer = world.provider.issuer();
    for (of, sid) in [("https://other-idp.example", "s1"), (issuer, "s2"), (issuer, ""), ("", "")] {
        assert_eq!((frame(of, sid).await?.status, lives(&ana).await?), (200, true), "{of} {sid}");
    }
    let answer = frame(issuer, "s1").await?;
    assert_eq!((answer.status, answer.body.as_str(), answer.header("cache-control")), (200, "", "no-store"));
    assert!(answer.header("content-security-policy").contains("frame-ancestors *"), "it stands in a frame of theirs");
    assert!(!lives(&ana).await?);
    Ok(())
}

async fn nobody_can_have_logout_tokens_looked_at_without_end(engine: Engine) -> Result<()> {
    let builder = NodeBuilder::default().with(|settings| settings.sign_ins_per_minute = 3);
    let world = World::with(engine, builder).await?;
    for _ in 0..3 {
        assert_eq!(send(&world, "nonsense").await?.status, 400);
    }
    let many = send(&world, "nonsense").await?;
    assert_eq!(many.status, 429, "{}", many.body);
    assert!(!many.header("retry-after").is_empty());
    Ok(())
}
