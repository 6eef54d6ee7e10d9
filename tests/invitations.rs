//! Invitations: who may ask whom to come, what the link is good for, and what comes of it.

mod accepting;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_store::{account, grant, leaving, person};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Engine, Node, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

stories! {
    an_invitation_is_mailed_and_its_link_stands_nowhere_else,
    only_who_may_invites_and_promises_no_more_than_they_could_give,
    who_manages_the_users_of_a_team_invites_members_of_the_account_into_it,
    an_address_is_invited_once_and_a_member_not_at_all,
    a_link_is_good_for_as_long_as_was_asked_within_bounds,
    a_resent_link_replaces_the_old_one_for_as_long_again,
    what_cannot_be_invited_is_refused_and_nothing_is_sent,
    an_individual_org_invites_nobody,
    a_strange_domain_is_warned_of,
    only_who_may_make_user_admins_promises_one,
}

pub(crate) const PATH: &str = "/api/v1/orgs/acme/invitations";
/// A password that anybody may choose.
pub(crate) const CHOSEN: &str = "Violet-otter-9-marmalade";

/// Invites somebody; `more` stands beside the address.
pub(crate) async fn invite(by: &Browser, email: &str, more: &Value) -> Result<Answer> {
    let mut body = json!({"email": email});
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    by.send(Method::POST, PATH, &body).await
}

/// Invites somebody, which must work; returns the path of the link that they got.
pub(crate) async fn invited(node: &Node, by: &Browser, email: &str, more: &Value) -> Result<String> {
    let answer = invite(by, email, more).await?;
    ensure!(answer.status == 201, "{} {}", answer.status, answer.body);
    link_to(node, email).await
}

/// The path of the newest link that somebody got.
pub(crate) async fn link_to(node: &Node, email: &str) -> Result<String> {
    let letter = node.letter_to(email).await?;
    Ok(Url::parse(letter.links.first().context("a link")?)?.path().to_owned())
}

/// Whoever chooses a password at a link, in a browser of their own; they are signed in.
pub(crate) async fn join(world: &World, link: &str) -> Result<Browser> {
    let browser = world.browser()?;
    let accepted = browser.post_form(link, &[("password", CHOSEN)]).await?;
    ensure!(accepted.status == 200, "{} {}", accepted.status, accepted.body);
    Ok(browser)
}

/// Somebody new in `acme`, with these roles.
async fn newcomer(world: &World, owner: &Browser, email: &str, roles: &Value) -> Result<Browser> {
    let link = invited(world.node(), owner, email, &json!({"roles": roles})).await?;
    join(world, &link).await
}

async fn an_invitation_is_mailed_and_its_link_stands_nowhere_else(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let words = "Hello Nina,\nsee you on Monday.";
    let role = json!({"team": "vision", "service": "catalog", "role": "read"});
    let more = json!({"account_role": "member", "message": words, "roles": [role]});
    let made = invite(&owner, "Nina@acme.test", &more).await?;
    assert_eq!(made.status, 201, "{}", made.body);
    let body = made.json();
    assert_eq!(body["warnings"], json!([]));
    for (field, value) in [
        ("email", json!("Nina@acme.test")),
        ("kind", json!("member")),
        ("account_role", json!("member")),
        ("roles", json!([role])),
        ("state", json!("pending")),
        ("invited_by", json!(OWNER.0)),
        ("valid_for", json!("6h")),
        ("message", json!(words)),
    ] {
        assert_eq!(body[field], value, "{field}");
    }
    let letter = world.node().letter_to("Nina@acme.test").await?;
    assert_eq!(letter.subject, "owner@acme.test invites you to acme");
    assert!(letter.text.contains("> see you on Monday."), "{}", letter.text);
    let secret = letter.links.first().and_then(|link| link.rsplit('/').next()).context("a link")?.to_owned();
    assert!(secret.starts_with("cdai_"), "{secret}");
    let list = owner.get(PATH).await?;
    let log = owner.get("/api/v1/orgs/acme/audit").await?;
    assert!(log.body.contains("invitation.created"));
    for answer in [&made, &list, &log] {
        assert!(!answer.body.contains(&secret), "{}", answer.body);
    }
    assert_eq!(list.json()["items"][0]["id"], body["id"]);
    Ok(())
}

async fn only_who_may_invites_and_promises_no_more_than_they_could_give(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let admin = json!([{"service": "gateway", "role": "user_admin"}]);
    let nobody = world.browser()?;
    assert_eq!(invite(&nobody, "x@acme.test", &json!({})).await?.status, 401);
    let member = newcomer(&world, &owner, "member@acme.test", &json!([])).await?;
    assert_eq!(invite(&member, "x@acme.test", &json!({})).await?.status, 403);
    assert_eq!(member.get(PATH).await?.status, 403);
    // Another tenant's admin does not even learn that the org is there.
    let beta = json!({"name": "beta", "owner": {"email": "o@beta.test", "password": OWNER.1}});
    world.node().apply(json!({"version": 1, "accounts": [beta]})).await?;
    let stranger = world.browser()?;
    stranger.post_form("/login/password", &[("email", "o@beta.test"), ("password", OWNER.1)]).await?;
    assert_eq!(invite(&stranger, "x@acme.test", &json!({})).await?.status, 404);

    let user_admin = newcomer(&world, &owner, "manager@acme.test", &admin).await?;
    let sent = world.node().mail().await?.len();
    // Whoever manages users makes no owner, and no admin of the account, being none.
    for more in [json!({"owner": true, "account_role": "admin"}), json!({"account_role": "admin"})] {
        let refused = invite(&user_admin, "x@acme.test", &more).await?;
        assert_eq!((refused.status, refused.code().as_str()), (403, "forbidden"), "{more}");
    }
    assert_eq!(world.node().mail().await?.len(), sent, "nobody was written to");
    let made = invite(&user_admin, "y@acme.test", &json!({"roles": admin})).await?;
    assert_eq!(made.status, 201, "{}", made.body);
    // An owner's invitation is an owner's affair.
    let made = invite(&owner, "z@acme.test", &json!({"owner": true, "account_role": "admin"})).await?;
    let path = format!("{PATH}/{}", made.json()["id"].as_str().context("an id")?);
    assert_eq!(user_admin.send(Method::POST, &format!("{path}/resend"), &json!({})).await?.status, 403);
    assert_eq!(user_admin.send(Method::DELETE, &path, &json!({})).await?.status, 403);
    assert_eq!(owner.send(Method::DELETE, &path, &json!({})).await?.status, 204);
    Ok(())
}

/// Notes that somebody has left the org, whatever room that was done in.
async fn leave_org(node: &Node, email: &str) -> Result<()> {
    let mut tx = node.app.db.write().await?;
    let acme = account::named(&mut tx, "acme").await?.context("acme")?;
    let user = person::by_email(&mut tx, acme.id, email).await?.context("the user")?;
    grant::remove_all(&mut tx, user.member).await?;
    leaving::leave_org(&mut tx, user.member, node.app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

async fn who_manages_the_users_of_a_team_invites_members_of_the_account_into_it(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let team_admin = json!([{"team": "vision", "service": "gateway", "role": "user_admin"}]);
    let manager = newcomer(&world, &owner, "manager@acme.test", &team_admin).await?;
    newcomer(&world, &owner, "back@acme.test", &json!([])).await?;
    leave_org(world.node(), "back@acme.test").await?;
    let into = |team: Option<&str>| match team {
        Some(team) => json!({"roles": [{"team": team, "service": "catalog", "role": "read"}]}),
        None => json!({"roles": [{"service": "catalog", "role": "read"}]}),
    };
    // Nobody from outside, nowhere but into the team, and never without a role there.
    assert_eq!(invite(&manager, "new@acme.test", &into(Some("vision"))).await?.status, 403);
    assert_eq!(invite(&manager, "back@acme.test", &into(None)).await?.status, 403);
    assert_eq!(invite(&manager, "back@acme.test", &json!({})).await?.status, 403);
    assert_eq!(invite(&manager, "back@acme.test", &json!({"roles": team_admin})).await?.status, 403);
    let made = invite(&manager, "back@acme.test", &into(Some("vision"))).await?;
    assert_eq!(made.status, 201, "{}", made.body);
    // They see and change what leads into their team, and nothing else.
    let other = invite(&owner, "other@acme.test", &json!({})).await?.json()["id"].clone();
    let seen = manager.get(PATH).await?.json();
    assert_eq!(seen["items"].as_array().map(Vec::len), Some(1), "{seen}");
    let other = format!("{PATH}/{}", other.as_str().context("an id")?);
    assert_eq!(manager.send(Method::DELETE, &other, &json!({})).await?.status, 404);

    // Whoever had left comes back with what the invitation gives, and with nothing of before.
    let link = link_to(world.node(), "back@acme.test").await?;
    let back = world.browser()?;
    back.post_form("/login/password", &[("email", "back@acme.test"), ("password", CHOSEN)]).await?;
    assert_eq!(back.post_form(&link, &[]).await?.status, 200);
    let roles = back.get("/api/v1/me").await?.json()["orgs"][0]["roles"].clone();
    assert_eq!(roles.as_array().map(Vec::len), Some(1), "{roles}");
    assert_eq!((&roles[0]["team"], &roles[0]["role"]), (&json!("vision"), &json!("read")));
    Ok(())
}

async fn an_address_is_invited_once_and_a_member_not_at_all(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let first = invited(world.node(), &owner, "nina@acme.test", &json!({})).await?;
    let again = invite(&owner, "NINA@ACME.test", &json!({})).await?;
    assert_eq!((again.status, again.code().as_str()), (409, "invitation_pending"));
    join(&world, &first).await?;
    for email in ["nina@acme.test", OWNER.0] {
        let there = invite(&owner, email, &json!({})).await?;
        assert_eq!((there.status, there.code().as_str()), (409, "already_member"), "{email}");
    }
    // What has expired stands in nobody's way.
    invited(world.node(), &owner, "late@acme.test", &json!({"valid_for": "5m"})).await?;
    world.node().clock.advance(Duration::from_secs(301));
    let list = owner.get(PATH).await?.json();
    let late = list["items"].as_array().into_iter().flatten().find(|it| it["email"] == "late@acme.test");
    assert_eq!(late.context("it is listed")?["state"], "expired");
    assert_eq!(invite(&owner, "late@acme.test", &json!({})).await?.status, 201);
    Ok(())
}

async fn a_link_is_good_for_as_long_as_was_asked_within_bounds(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    for (number, valid_for) in [json!("299s"), json!("31d"), json!(60), json!(0)].into_iter().enumerate() {
        let answer = invite(&owner, &format!("n{number}@acme.test"), &json!({"valid_for": valid_for})).await?;
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_validity"), "{valid_for}");
    }
    assert_eq!(invite(&owner, "n@acme.test", &json!({"valid_for": "soon"})).await?.status, 422);
    for (email, valid_for, span) in [("a@acme.test", json!("5m"), 300), ("b@acme.test", json!(86_400), 86_400)] {
        let link = invited(world.node(), &owner, email, &json!({"valid_for": valid_for})).await?;
        world.node().clock.advance(Duration::from_secs(span - 10));
        assert_eq!(world.browser()?.get(&link).await?.status, 200, "{email}");
        world.node().clock.advance(Duration::from_secs(20));
        let late = world.browser()?.post_form(&link, &[("password", CHOSEN)]).await?;
        assert_eq!((late.status, late.code().as_str()), (409, "invitation_expired"), "{email}");
        if email == "a@acme.test" {
            continue;
        }
        // The owner's own session has grown old meanwhile.
        let owner = world.sign_in_owner().await?;
        assert_eq!(owner.get("/api/v1/orgs/acme/users").await?.json()["items"].as_array().map(Vec::len), Some(1));
    }
    Ok(())
}

async fn a_resent_link_replaces_the_old_one_for_as_long_again(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let old = invited(node, &owner, "nina@acme.test", &json!({"valid_for": "10m"})).await?;
    let id = owner.get(PATH).await?.json()["items"][0]["id"].as_str().context("an id")?.to_owned();
    let resend = async || owner.send(Method::POST, &format!("{PATH}/{id}/resend"), &json!({})).await;
    node.clock.advance(Duration::from_secs(500));
    let resent = resend().await?;
    assert_eq!((resent.status, &resent.json()["valid_for"]), (200, &json!("10m")), "{}", resent.body);
    let new = link_to(node, "nina@acme.test").await?;
    assert_ne!(old, new);
    let dead = world.browser()?.post_form(&old, &[("password", CHOSEN)]).await?;
    assert_eq!((dead.status, dead.code().as_str()), (404, "link_invalid"));
    // Ten minutes from then on, not from the beginning; and once more after it has expired.
    node.clock.advance(Duration::from_secs(500));
    assert_eq!(world.browser()?.get(&new).await?.status, 200);
    node.clock.advance(Duration::from_secs(200));
    assert_eq!(world.browser()?.get(&new).await?.code(), "invitation_expired");
    assert_eq!(resend().await?.json()["state"], "pending");
    join(&world, &link_to(node, "nina@acme.test").await?).await?;
    let over = resend().await?;
    assert_eq!((over.status, over.code().as_str()), (409, "invitation_accepted"));
    assert_eq!(node.mail().await?.len(), 3, "one message each time");
    Ok(())
}

async fn what_cannot_be_invited_is_refused_and_nothing_is_sent(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let role = |team: &str, service: &str, role: &str| {
        let team = if team.is_empty() { Value::Null } else { json!(team) };
        json!({"roles": [{"team": team, "service": service, "role": role}]})
    };
    for (email, more, code) in [
        ("no address", json!({}), "invalid_email"),
        ("nina@acme.test", role("", "cloud_functions", "user"), "unknown_role"),
        ("nina@acme.test", role("", "registry", "emperor"), "unknown_role"),
        ("nina@acme.test", role("nowhere", "registry", "read"), "unknown_role"),
        ("nina@acme.test", role("", "gateway", "owner"), "unknown_role"),
        ("nina@acme.test", json!({"account_role": "owner"}), "account_has_one_owner"),
        ("nina@acme.test", json!({"owner": true}), "owner_is_admin"),
        ("nina@acme.test", json!({"message": "a\u{0}b"}), "invalid_message"),
        ("nina@acme.test", json!({"message": "a".repeat(4001)}), "invalid_message"),
        ("nina@acme.test", json!({"account_role": "emperor"}), "invalid_value"),
        ("nina@acme.test", json!({"colour": "red"}), "invalid_value"),
    ] {
        let answer = invite(&owner, email, &more).await?;
        assert_eq!((answer.status, answer.code().as_str()), (422, code), "{more} {}", answer.body);
    }
    assert_eq!(world.node().mail().await?, []);
    assert_eq!(owner.get(PATH).await?.json()["items"], json!([]));
    let nothing = format!("{PATH}/inv_00000000000000000000000000000000");
    assert_eq!(owner.send(Method::DELETE, &nothing, &json!({})).await?.status, 404);
    assert_eq!(owner.send(Method::DELETE, &format!("{PATH}/x"), &json!({})).await?.status, 404);
    Ok(())
}

async fn an_individual_org_invites_nobody(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let alone = json!({"name": "solo", "owner": {"email": "solo@solo.test", "password": OWNER.1},
        "org": {"name": "solo", "kind": "individual"}});
    world.node().apply(json!({"version": 1, "accounts": [alone]})).await?;
    let owner = world.browser()?;
    owner.post_form("/login/password", &[("email", "solo@solo.test"), ("password", OWNER.1)]).await?;
    for more in
        [json!({"email": "a@solo.test"}), json!({"email": "a@solo.test", "owner": true, "account_role": "admin"})]
    {
        let refused = owner.send(Method::POST, "/api/v1/orgs/solo/invitations", &more).await?;
        assert_eq!((refused.status, refused.code().as_str()), (409, "individual_org"));
    }
    Ok(())
}

/// An address of another domain is unusual for a member, who is warned of it; an owner it cannot have at all.
async fn a_strange_domain_is_warned_of(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let made = invite(&owner, "guest@elsewhere.example", &json!({})).await?;
    assert_eq!((made.status, &made.json()["warnings"][0]["code"]), (201, &json!("foreign_domain")));
    // That of a connection is one of ours.
    assert_eq!(invite(&owner, "zoe@corp.example", &json!({})).await?.json()["warnings"], json!([]));
    let refused = invite(&owner, "boss@corp.example", &json!({"owner": true, "account_role": "admin"})).await?;
    assert_eq!((refused.status, refused.code().as_str()), (422, "owner_domain_mismatch"));
    Ok(())
}

/// Where the operator has said that only owners make user_admins, an invitation is no way around that.
async fn only_who_may_make_user_admins_promises_one(engine: Engine) -> Result<()> {
    let strict = NodeBuilder::default().with(|settings| settings.user_admin_may_grant_user_admin = false);
    let world = World::with(engine, strict).await?;
    let owner = world.sign_in_owner().await?;
    let admin = json!([{"service": "gateway", "role": "user_admin"}]);
    let bo = newcomer(&world, &owner, "bo@acme.test", &admin).await?;
    let refused = invite(&bo, "nina@acme.test", &json!({"roles": admin})).await?;
    assert_eq!((refused.status, refused.code().as_str()), (403, "forbidden"));
    let made = invite(&bo, "nina@acme.test", &json!({})).await?.json();
    let nina = format!("{PATH}/{}", made["id"].as_str().context("an id")?);
    assert_eq!(bo.send(Method::PATCH, &nina, &json!({"roles": admin})).await?.status, 403);
    let promised = owner.send(Method::PATCH, &nina, &json!({"roles": admin})).await?;
    assert_eq!((promised.status, &promised.json()["roles"]), (200, &admin));
    Ok(())
}
