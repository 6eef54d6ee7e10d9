//! Accepting an invitation: by whom, how often, and with which roles.

use anyhow::{Context as _, Result};
use cardea_store::{account, member, person};
use cardea_testkit::world::{self, OWNER};
use cardea_testkit::{Answer, Browser, Engine, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{CHOSEN, PATH, invite, invited, join, leave_org, link_to};

stories! {
    looking_at_a_link_changes_nothing_and_accepting_works_once,
    whoever_is_known_accepts_as_the_one_who_is_proven_to_have_the_address,
    a_withdrawn_and_an_invented_link_say_so,
    roles_that_are_gone_are_named_and_the_others_given,
    an_invitation_ends_with_what_its_inviter_may,
    what_its_inviter_may_not_give_any_more_is_not_given,
    people_of_a_provider_prove_themselves_there,
    no_invitation_overrules_an_end_of_access,
    roles_are_given_before_acceptance_in_a_second_step,
}

/// A page as a browser asks for it.
async fn see(browser: &Browser, address: &str) -> Result<Answer> {
    Answer::read(browser.request(Method::GET, address).header("accept", "text/html").send().await?).await
}

/// How many members `acme` has.
async fn members(world: &World) -> Result<i64> {
    let mut conn = world.node().app.db.read().await?;
    let acme = account::named(&mut conn, "acme").await?.context("acme")?;
    Ok(member::count(&mut conn, acme.id).await?)
}

/// A second account with an owner, and their browser.
async fn beta(world: &World) -> Result<Browser> {
    let beta = json!({"name": "beta", "owner": {"email": "olga@beta.test", "password": OWNER.1},
        "org": {"name": "beta", "kind": "enterprise"}});
    world.node().apply(json!({"version": 1, "accounts": [beta]})).await?;
    let browser = world.browser()?;
    browser.post_form("/login/password", &[("email", "olga@beta.test"), ("password", OWNER.1)]).await?;
    Ok(browser)
}

/// Looking never changes anything, however often; a click accepts, once; and a person who has come is proven to have the
/// address.
async fn looking_at_a_link_changes_nothing_and_accepting_works_once(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let role = json!([{"service": "registry", "role": "admin"}]);
    let link = invited(world.node(), &owner, "nina@acme.test", &json!({"message": "Hi!", "roles": role})).await?;
    let nina = world.browser()?;
    for _ in 0..2 {
        let page = see(&nina, &link).await?;
        assert_eq!(page.status, 200);
        for said in ["owner@acme.test", "Join acme", "nina@acme.test", "Hi!", "Choose a password"] {
            assert!(page.body.contains(said), "{said}: {}", page.body);
        }
        nina.request(Method::HEAD, &link).send().await?;
    }
    assert_eq!(owner.get(PATH).await?.json()["items"][0]["state"], "pending");
    for (fields, status) in [(&[("password", "short")][..], 422), (&[], 422)] {
        assert_eq!(nina.post_form(&link, fields).await?.status, status);
    }
    assert_eq!(members(&world).await?, 1);

    assert_eq!(nina.post_form(&link, &[("password", CHOSEN)]).await?.status, 200);
    let me = nina.get("/api/v1/me").await?.json();
    assert_eq!((&me["user"]["email"], &me["user"]["email_verified"]), (&json!("nina@acme.test"), &json!(true)));
    assert_eq!(me["orgs"][0]["roles"][0]["because"][0]["source"], "manual");
    assert_eq!((&me["orgs"][0]["roles"][0]["service"], members(&world).await?), (&json!("registry"), 2));
    let again = world.browser()?.post_form(&link, &[("password", CHOSEN)]).await?;
    assert_eq!((again.status, again.code().as_str()), (409, "invitation_accepted"));
    let page = see(&world.browser()?, &link).await?;
    assert!(page.status == 409 && page.body.contains("has been accepted"), "{}", page.body);
    assert_eq!(members(&world).await?, 2);
    let items = owner.get(PATH).await?.json()["items"].clone();
    assert_eq!((&items[0]["state"], items[0]["ended_at"].is_string()), (&json!("accepted"), true));
    // What they may is what they were given: a key of theirs works.
    let key = nina.make_key("laptop", &["registry"]).await?;
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true);
    Ok(())
}

async fn whoever_is_known_accepts_as_the_one_who_is_proven_to_have_the_address(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let olga = beta(&world).await?;
    let link = invited(world.node(), &owner, "olga@beta.test", &json!({})).await?;
    // The link sets nobody's password who is there.
    let nobody = world.browser()?;
    assert!(see(&nobody, &link).await?.body.contains("/login?email=olga%40beta.test"));
    let refused = nobody.post_form(&link, &[("password", CHOSEN)]).await?;
    assert_eq!((refused.status, refused.code().as_str()), (401, "sign_in_first"));
    let attack = nobody.post_form("/login/password", &[("email", "olga@beta.test"), ("password", CHOSEN)]).await?;
    assert_eq!(attack.status, 401);
    // Whoever is signed in with another address, or only claims this one, does not accept.
    world.provider.person("bo", |bo| bo.email = "olga@beta.test".to_owned());
    for other in [&owner, &world.sign_in("bo").await?] {
        assert!(see(other, &link).await?.body.contains("Sign out"));
        let refused = other.post_form(&link, &[]).await?;
        assert_eq!((refused.status, refused.code().as_str()), (403, "other_address"));
    }
    let before = members(&world).await?;
    assert!(see(&olga, &link).await?.body.contains("Accept the invitation"));
    assert_eq!(olga.post_form(&link, &[]).await?.status, 200);
    assert_eq!(olga.post_form(&link, &[]).await?.code(), "invitation_accepted");
    assert_eq!(members(&world).await?, before + 1);
    let orgs = olga.get("/api/v1/me/orgs").await?.json();
    let names: Vec<_> = orgs["orgs"].as_array().into_iter().flatten().map(|org| org["org"].clone()).collect();
    assert_eq!(names, ["acme", "beta"]);
    Ok(())
}

async fn a_withdrawn_and_an_invented_link_say_so(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let made = invite(&owner, "nina@acme.test", &json!({})).await?.json();
    let link = link_to(world.node(), "nina@acme.test").await?;
    let path = format!("{PATH}/{}", made["id"].as_str().context("an id")?);
    assert_eq!(owner.send(Method::DELETE, &path, &json!({})).await?.status, 204);
    assert_eq!(owner.send(Method::DELETE, &path, &json!({})).await?.code(), "invitation_revoked");
    let nina = world.browser()?;
    for answer in [see(&nina, &link).await?, nina.post_form(&link, &[("password", CHOSEN)]).await?] {
        assert_eq!(answer.status, 409, "{}", answer.body);
    }
    assert!(see(&nina, &link).await?.body.contains("was withdrawn"));
    for invented in ["/invitations/x", "/invitations/cdai_00000000000000000000000000000000000000000000000000"] {
        let answer = nina.post_form(invented, &[("password", CHOSEN)]).await?;
        assert_eq!((answer.status, answer.code().as_str()), (404, "link_invalid"));
    }
    assert_eq!(members(&world).await?, 1);
    Ok(())
}

async fn roles_that_are_gone_are_named_and_the_others_given(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let roles = json!([{"team": "vision", "service": "catalog", "role": "read"},
        {"service": "public_api_endpoints", "role": "user"}, {"service": "registry", "role": "admin"}]);
    let link = invited(world.node(), &owner, "nina@acme.test", &json!({"roles": roles})).await?;
    let mut state = world::state(world.provider.issuer());
    state["accounts"][0]["org"]["teams"] = json!([]);
    state["accounts"][0]["org"]["services"] = json!(["catalog", "registry"]);
    state["accounts"][0]["rules"] = json!([]);
    world.node().apply(state).await?;
    let nina = world.browser()?;
    let accepted = nina.post_form(&link, &[("password", CHOSEN)]).await?;
    assert_eq!(accepted.status, 200, "{}", accepted.body);
    for said in ["vision", "is no team of this org", "public_api_endpoints"] {
        assert!(accepted.body.contains(said), "{said}: {}", accepted.body);
    }
    let given = nina.get("/api/v1/me").await?.json()["orgs"][0]["roles"].clone();
    assert_eq!((given.as_array().map(Vec::len), &given[0]["service"]), (Some(1), &json!("registry")));
    let log = owner.get("/api/v1/orgs/acme/audit").await?.json();
    let event = log["items"].as_array().into_iter().flatten().find(|event| event["action"] == "invitation.accepted");
    assert_eq!(event.context("the event")?["detail"]["dropped"].as_array().map(Vec::len), Some(2));
    Ok(())
}

/// Whoever may not invite any more brings nobody in, not even by a link that is on its way.
async fn an_invitation_ends_with_what_its_inviter_may(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let admin = json!({"roles": [{"service": "gateway", "role": "user_admin"}]});
    let link = invited(world.node(), &owner, "manager@acme.test", &admin).await?;
    let manager = join(&world, &link).await?;
    let link = invited(world.node(), &manager, "friend@elsewhere.example", &admin).await?;
    let shut = owner.send(Method::POST, "/api/v1/orgs/acme/users/manager@acme.test/deactivate", &json!({})).await?;
    assert_eq!(shut.status, 200);
    let refused = world.browser()?.post_form(&link, &[("password", CHOSEN)]).await?;
    assert_eq!((refused.status, refused.code().as_str()), (409, "inviter_gone"));
    assert_eq!(members(&world).await?, 2);
    Ok(())
}

/// Whoever managed the users of the org and manages those of a team now gives roles in that team only.
async fn what_its_inviter_may_not_give_any_more_is_not_given(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let (org, team) = (
        json!({"service": "gateway", "role": "user_admin"}),
        json!({"team": "vision", "service": "gateway", "role": "user_admin"}),
    );
    let both = json!({"account_role": "admin", "roles": [org, team]});
    let link = invited(world.node(), &owner, "manager@acme.test", &both).await?;
    let manager = join(&world, &link).await?;
    let promised = json!({"account_role": "admin", "roles": [
        {"service": "catalog", "role": "read"}, {"team": "vision", "service": "catalog", "role": "read"}, org, team]});
    let first = invited(world.node(), &manager, "nina@acme.test", &promised).await?;
    let second = invited(world.node(), &manager, "otto@acme.test", &promised).await?;
    let mine = async |browser: &Browser| {
        let roles = browser.get("/api/v1/me").await?.json()["orgs"][0]["roles"].clone();
        anyhow::Ok(roles.as_array().context("roles")?.len())
    };
    assert_eq!(mine(&join(&world, &first).await?).await?, 4, "as long as the manager may");

    let path = "/api/v1/orgs/acme/users/manager@acme.test/roles?service=gateway&role=user_admin";
    assert_eq!(owner.send(Method::DELETE, path, &json!({})).await?.status, 200);
    let manager = json!({"account_role": "member"});
    let tenant = "/api/v1/accounts/acme/users/manager@acme.test";
    assert_eq!(owner.send(Method::PATCH, tenant, &manager).await?.status, 200);
    let otto = world.browser()?;
    let accepted = otto.post_form(&second, &[("password", CHOSEN)]).await?;
    assert_eq!(accepted.status, 200, "{}", accepted.body);
    assert_eq!(accepted.body.matches("whoever promised it may not give it any more").count(), 4, "{}", accepted.body);
    let me = otto.get("/api/v1/me").await?.json();
    let has = me["orgs"][0]["roles"].clone();
    assert_eq!((&has[0]["team"], &has[0]["service"], mine(&otto).await?), (&json!("vision"), &json!("catalog"), 1));
    assert_eq!(otto.get("/api/v1/accounts/acme/users").await?.status, 403, "nor do they manage the account");
    Ok(())
}

/// Whose domain has an identity provider chooses no password here, but signs in there; what rules give them is not
/// mixed with what the invitation promised.
async fn people_of_a_provider_prove_themselves_there(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let roles = json!({"roles": [{"service": "public_api_endpoints", "role": "user"}]});
    for (person, given) in [("bo", true), ("ana", false)] {
        let link = invited(world.node(), &owner, &format!("{person}@corp.example"), &roles).await?;
        let refused = world.browser()?.post_form(&link, &[("password", CHOSEN)]).await?;
        assert_eq!((refused.status, refused.code().as_str()), (401, "sign_in_first"));
        let browser = world.sign_in(person).await?;
        let before = members(&world).await?;
        let accepted = browser.post_form(&link, &[]).await?;
        assert_eq!(accepted.status, 200, "{}", accepted.body);
        assert_eq!(accepted.body.contains("rules give"), !given, "{person}");
        assert_eq!(members(&world).await?, before, "they were there from their first sign-in on");
        let mine = browser.get("/api/v1/me").await?.json()["orgs"][0]["roles"].clone();
        let has = mine.as_array().into_iter().flatten().any(|role| role["service"] == "public_api_endpoints");
        assert_eq!(has, given, "{person} {mine}");
    }
    Ok(())
}

async fn no_invitation_overrules_an_end_of_access(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let olga = beta(&world).await?;
    let link = invited(world.node(), &owner, "olga@beta.test", &json!({})).await?;
    assert_eq!(olga.post_form(&link, &[]).await?.status, 200);
    owner.send(Method::POST, "/api/v1/orgs/acme/users/olga@beta.test/deactivate", &json!({})).await?;
    leave_org(world.node(), "olga@beta.test").await?;
    let link = invited(world.node(), &owner, "olga@beta.test", &json!({})).await?;
    let refused = olga.post_form(&link, &[]).await?;
    assert_eq!((refused.status, refused.code().as_str()), (409, "access_ended"));
    let mut conn = world.node().app.db.read().await?;
    let acme = account::named(&mut conn, "acme").await?.context("acme")?;
    let olga = person::by_email(&mut conn, acme.id, "olga@beta.test").await?.context("olga")?;
    assert!(olga.numbers.held);
    Ok(())
}

async fn roles_are_given_before_acceptance_in_a_second_step(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let link = invited(world.node(), &owner, "nina@acme.test", &json!({})).await?;
    let id = owner.get(PATH).await?.json()["items"][0]["id"].clone();
    let path = format!("{PATH}/{}", id.as_str().context("an id")?);
    let put = async |roles: Value| owner.send(Method::PATCH, &path, &json!({"roles": roles})).await;
    let role = json!([{"service": "catalog", "role": "read"}]);
    let changed = put(role.clone()).await?;
    assert_eq!((changed.status, &changed.json()["roles"]), (200, &role), "{}", changed.body);
    assert_eq!(put(json!([{"service": "catalog", "role": "emperor"}])).await?.code(), "unknown_role");
    let nina = join(&world, &link).await?;
    assert_eq!(nina.get("/api/v1/me").await?.json()["orgs"][0]["roles"][0]["role"], "read");
    assert_eq!(put(json!([])).await?.code(), "invitation_accepted");
    assert_eq!(world.node().mail().await?.len(), 1, "a second step writes to nobody");
    Ok(())
}
