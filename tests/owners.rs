//! Owners: three at the most, of one domain, made and removed by owners; and how the people of an org write to them.

mod contact;

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_gateway::accounts;
use cardea_model::Caller;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Engine, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use crate::invitations::{CHOSEN, PATH, invite, invited, join};

stories! {
    three_owners_of_one_domain_counting_those_who_are_invited,
    owners_are_made_and_removed_after_a_recent_sign_in,
    another_owner_removes_an_owner_and_the_others_are_told,
    the_account_passes_on_with_its_owner,
    a_member_is_made_an_owner_by_invitation,
    nobody_else_touches_owners,
}

const OWNERS: &str = "/api/v1/orgs/acme/owners";

fn as_owner() -> Value {
    json!({"owner": true, "account_role": "admin"})
}

/// Another owner, in a browser of their own.
pub(crate) async fn second(world: &World, owner: &Browser, email: &str) -> Result<Browser> {
    let link = invited(world.node(), owner, email, &as_owner()).await?;
    join(world, &link).await
}

async fn remove(by: &Browser, who: &str) -> Result<Answer> {
    by.send(Method::DELETE, &format!("{OWNERS}/{who}"), &json!({})).await
}

/// The owners' addresses with their roles in the account.
async fn owners(by: &Browser) -> Result<Vec<(String, String)>> {
    let answer = by.get(OWNERS).await?.json();
    let text = |owner: &Value, field: &str| owner[field].as_str().unwrap_or_default().to_owned();
    let items = answer["items"].as_array().context("owners")?.iter();
    Ok(items.map(|owner| (text(owner, "email"), text(owner, "account_role"))).collect())
}

/// At most three own an org, counting those who are invited by whatever way, and all have addresses of one domain.
async fn three_owners_of_one_domain_counting_those_who_are_invited(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let app = &world.node().app;
    let owner = world.sign_in_owner().await?;
    for email in ["boss@elsewhere.example", "boss@sub.acme.test"] {
        let foreign = invite(&owner, email, &as_owner()).await?;
        assert_eq!((foreign.status, foreign.code().as_str()), (422, "owner_domain_mismatch"), "{email}");
    }
    // One domain, however it is written.
    let loud = invite(&owner, "loud@ACME.test.", &as_owner()).await?;
    assert_eq!(loud.status, 201, "{}", loud.body);
    let loud = format!("{PATH}/{}", loud.json()["id"].as_str().context("an id")?);
    assert_eq!(owner.send(Method::DELETE, &loud, &json!({})).await?.status, 204);
    let two = second(&world, &owner, "Two@acme.test").await?;
    assert_eq!(owners(&two).await?.len(), 2);
    let three = invited(world.node(), &owner, "three@acme.test", &as_owner()).await?;
    let ctx = app.ctx(Caller::System("test"));
    assert!(accounts::invite_owner(app, &ctx, "acme", "four@acme.test").await.is_err(), "the operator's link counts");
    let fourth = invite(&owner, "four@acme.test", &as_owner()).await?;
    assert_eq!((fourth.status, fourth.code().as_str()), (409, "owner_limit_reached"));
    assert_eq!(owner.get(OWNERS).await?.json()["invited"], json!(["three@acme.test"]));
    // The place is free when the invitation has expired; then the old one cannot be sent again.
    world.node().clock.advance(Duration::from_secs(6 * 3600 + 1));
    let owner = world.sign_in_owner().await?;
    let id = owner.get(PATH).await?.json()["items"]
        .as_array()
        .context("items")?
        .iter()
        .find(|it| it["email"] == "three@acme.test")
        .context("it")?["id"]
        .clone();
    let link = accounts::invite_owner(app, &app.ctx(Caller::System("test")), "acme", "four@acme.test").await?.reveal();
    let path = format!("{PATH}/{}/resend", id.as_str().context("an id")?);
    let late = owner.send(Method::POST, &path, &json!({})).await?;
    assert_eq!((late.status, late.code().as_str()), (409, "owner_limit_reached"));
    assert_eq!(world.browser()?.post_form(&three, &[("password", CHOSEN)]).await?.code(), "invitation_expired");
    let four = world.browser()?;
    assert_eq!(four.post_form(&format!("/link/{link}"), &[("password", CHOSEN)]).await?.status, 303);
    assert_eq!(owners(&four).await?.len(), 3);
    Ok(())
}

async fn owners_are_made_and_removed_after_a_recent_sign_in(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    second(&world, &owner, "two@acme.test").await?;
    world.node().clock.advance(Duration::from_secs(15 * 60));
    let sent = world.node().mail().await?.len();
    // A session that goes on under another secret is no new sign-in.
    assert_eq!(owner.send(Method::POST, "/api/v1/me/sessions/end-others", &json!({})).await?.status, 200);
    for answer in [invite(&owner, "three@acme.test", &as_owner()).await?, remove(&owner, "two@acme.test").await?] {
        assert_eq!((answer.status, answer.code().as_str()), (403, "reauthentication_required"), "{}", answer.body);
        assert!(answer.body.contains("sign in again"), "{}", answer.body);
    }
    assert_eq!((world.node().mail().await?.len(), owners(&owner).await?.len()), (sent, 2));
    // Members are invited without that; and after a sign-in owners are, too.
    assert_eq!(invite(&owner, "nina@acme.test", &json!({})).await?.status, 201);
    let owner = world.sign_in_owner().await?;
    assert_eq!(invite(&owner, "three@acme.test", &as_owner()).await?.status, 201);
    assert_eq!(remove(&owner, "two@acme.test").await?.status, 204);
    Ok(())
}

/// Whoever is removed stays a member without roles; the owners who remain and may act are told, and nobody else.
async fn another_owner_removes_an_owner_and_the_others_are_told(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let two = second(&world, &owner, "two@acme.test").await?;
    second(&world, &owner, "three@acme.test").await?;
    let key = two.make_key("laptop", &["registry"]).await?;
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true);
    let before = world.node().mail().await?.len();
    assert_eq!(remove(&owner, OWNER.0).await?.code(), "own_ownership");
    assert_eq!(remove(&owner, "nobody@acme.test").await?.status, 404);
    assert_eq!(remove(&owner, "two@acme.test").await?.status, 204);
    let letters = world.node().mail().await?.split_off(before);
    let mut readers: Vec<&str> = letters.iter().map(|letter| letter.to.as_str()).collect();
    readers.sort_unstable();
    assert_eq!(readers, [OWNER.0, "three@acme.test"]);
    assert!(letters.iter().all(|letter| letter.subject == "two@acme.test is no longer an owner of acme"));
    assert_eq!(owners(&owner).await?.len(), 2);
    // Their session goes on as a member's: no roles, and what their key could do is gone.
    let me = two.get("/api/v1/me").await?.json();
    assert_eq!(me["orgs"][0]["roles"], json!([]));
    assert_eq!(two.get("/api/v1/orgs/acme/users").await?.status, 403);
    assert_eq!(world.check(world.node(), &key.secret).await?.json(), json!({"allowed": false, "reason": "no_role"}));
    let user = owner.get("/api/v1/orgs/acme/users/two@acme.test").await?.json();
    assert_eq!(
        (&user["owner"], &user["account_role"], &user["active"]),
        (&json!(false), &json!("member"), &json!(true))
    );
    assert_eq!(remove(&owner, "two@acme.test").await?.status, 404);
    // With three before, the place is free for another one.
    assert_eq!(invite(&owner, "four@acme.test", &as_owner()).await?.status, 201);
    Ok(())
}

/// An account has one owner: whoever removes them says which of the remaining owners takes it.
async fn the_account_passes_on_with_its_owner(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let two = second(&world, &owner, "two@acme.test").await?;
    second(&world, &owner, "three@acme.test").await?;
    let expected = |first: &str| {
        [(OWNER.0, first), ("two@acme.test", "admin"), ("three@acme.test", "admin")]
            .map(|(email, role)| (email.to_owned(), role.to_owned()))
    };
    assert_eq!(owners(&two).await?, expected("owner"));
    let path = format!("{OWNERS}/{}", OWNER.0);
    for (heir, status, code) in [
        ("", 409, "account_owner_required"),
        ("?account_owner=owner@acme.test", 422, "invalid_account_owner"),
        ("?account_owner=nobody@acme.test", 422, "invalid_account_owner"),
    ] {
        let answer = two.send(Method::DELETE, &format!("{path}{heir}"), &json!({})).await?;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{heir}");
    }
    let of_another =
        two.send(Method::DELETE, &format!("{OWNERS}/three@acme.test?account_owner=two@acme.test"), &json!({})).await?;
    assert_eq!(of_another.code(), "invalid_account_owner", "the account keeps its owner");
    assert_eq!(owners(&two).await?, expected("owner"), "nothing has changed");
    let gone = two.send(Method::DELETE, &format!("{path}?account_owner=three@acme.test"), &json!({})).await?;
    assert_eq!(gone.status, 204, "{}", gone.body);
    let left = [("two@acme.test", "admin"), ("three@acme.test", "owner")];
    assert_eq!(owners(&two).await?, left.map(|(email, role)| (email.to_owned(), role.to_owned())));
    // The last one cannot go: nobody is left to remove them.
    let three = world.browser()?;
    three.post_form("/login/password", &[("email", "three@acme.test"), ("password", CHOSEN)]).await?;
    assert_eq!(remove(&three, "two@acme.test").await?.status, 204);
    assert_eq!(remove(&three, "three@acme.test").await?.code(), "last_owner");
    Ok(())
}

async fn a_member_is_made_an_owner_by_invitation(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let link = invited(world.node(), &owner, "nina@acme.test", &json!({})).await?;
    let nina = join(&world, &link).await?;
    let link = invited(world.node(), &owner, "nina@acme.test", &as_owner()).await?;
    assert_eq!(world.browser()?.post_form(&link, &[("password", CHOSEN)]).await?.code(), "sign_in_first");
    assert_eq!(nina.get("/api/v1/orgs/acme/users").await?.status, 403);
    assert_eq!(nina.post_form(&link, &[]).await?.status, 200);
    assert_eq!(owners(&nina).await?.last().context("owners")?, &("nina@acme.test".to_owned(), "admin".to_owned()));
    assert_eq!(invite(&owner, "nina@acme.test", &as_owner()).await?.code(), "already_member");
    Ok(())
}

/// No user_admin, no member and no admin of the account makes or removes an owner.
async fn nobody_else_touches_owners(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    second(&world, &owner, "two@acme.test").await?;
    let admin = json!({"account_role": "admin", "roles": [{"service": "gateway", "role": "user_admin"}]});
    for (email, more, sees) in [("manager@acme.test", admin, 200), ("member@acme.test", json!({}), 403)] {
        let link = invited(world.node(), &owner, email, &more).await?;
        let browser = join(&world, &link).await?;
        assert_eq!(browser.get(OWNERS).await?.status, sees, "{email}");
        assert_eq!(remove(&browser, "two@acme.test").await?.status, 403, "{email}");
        assert_eq!(invite(&browser, "three@acme.test", &as_owner()).await?.status, 403, "{email}");
    }
    assert_eq!(world.browser()?.get(OWNERS).await?.status, 401);
    assert_eq!(owners(&owner).await?.len(), 2);
    Ok(())
}
