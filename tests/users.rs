//! Local people, whom admins make over the API in the words of scripts that were written for another gateway.

mod resets;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_gateway::accounts;
use cardea_model::Caller;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Engine, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use crate::oauth;

stories! {
    an_admin_makes_somebody_who_chooses_a_password_and_is_in,
    a_password_that_was_made_is_good_for_nothing_else,
    a_link_by_mail_takes_the_place_of_a_password_and_proves_the_address,
    somebody_without_a_password_waits_for_an_admin,
    nobody_is_made_beside_a_provider_or_twice,
    local_people_are_listed_page_by_page,
    an_address_that_nobody_has_proven_opens_no_other_account,
}

pub(crate) const USERS: &str = "/api/v1/users";
const MEI: &str = "mei@acme.test";
const CHOSEN: &str = "Purple-walrus-31-teapot";
const NEIGHBOUR: (&str, &str) = ("owner@globex.test", "Quite-another-horse-9-staple");

async fn ask(admin: &Browser, body: Value) -> Result<Answer> {
    admin.send(Method::POST, USERS, &body).await
}

/// Makes somebody; who they are, and the password that was made for them.
async fn make(admin: &Browser, email: &str) -> Result<(Value, String)> {
    let made = ask(admin, json!({"email": email})).await?;
    ensure!(made.status == 201, "{email} was not made: {} {}", made.status, made.body);
    let made = made.json();
    let password = made["tempPassword"].as_str().context("a password")?.to_owned();
    Ok((made, password))
}

fn at(user: &Value) -> String {
    format!("{USERS}/{}", user["id"].as_str().unwrap_or_default())
}

async fn enter(browser: &Browser, email: &str, password: &str) -> Result<Answer> {
    browser.post_form("/login/password", &[("email", email), ("password", password), ("return_to", "/me/keys")]).await
}

/// Types the password that was made; the browser, and the page where another one is chosen.
async fn at_the_door(world: &World, email: &str, password: &str) -> Result<(Browser, String)> {
    let browser = world.browser()?;
    let sent = enter(&browser, email, password).await?;
    let (link, query) = sent.header("location").split_once('?').context("a link")?;
    ensure!(
        sent.status == 303 && link.starts_with("/link/cdai_") && query == "return_to=%2Fme%2Fkeys",
        "{link} {query}"
    );
    Ok((browser, link.to_owned()))
}

/// Somebody who has chosen a password, signed in.
async fn chosen(world: &World, email: &str, password: &str) -> Result<Browser> {
    world.node().clock.advance(Duration::from_secs(1));
    let (browser, link) = at_the_door(world, email, password).await?;
    let chosen = browser.post_form(&link, &[("password", CHOSEN)]).await?;
    ensure!(chosen.status == 303, "{} {}", chosen.status, chosen.body);
    Ok(browser)
}

async fn me(browser: &Browser) -> Result<Answer> {
    browser.get("/api/v1/me").await
}

/// The events of the account's log of this kind.
async fn logged(owner: &Browser, action: &str) -> Result<Vec<Value>> {
    let log = owner.get("/api/v1/orgs/acme/audit?limit=200").await?.json();
    let items = log["items"].as_array().cloned().context("a log")?;
    Ok(items.into_iter().filter(|event| event["action"] == action).collect())
}

/// The usual scene with another account beside it, and a browser of its owner.
async fn beside(engine: Engine) -> Result<(World, Browser)> {
    let world = World::new(engine).await?;
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    let globex = json!({"name": "globex", "owner": {"email": NEIGHBOUR.0, "password": NEIGHBOUR.1},
        "org": {"name": "globex", "kind": "enterprise", "services": ["catalog"]}});
    state["accounts"].as_array_mut().context("accounts")?.push(globex);
    world.node().apply(state).await?;
    let neighbour = world.browser()?;
    ensure!(enter(&neighbour, NEIGHBOUR.0, NEIGHBOUR.1).await?.status == 303);
    Ok((world, neighbour))
}

async fn an_admin_makes_somebody_who_chooses_a_password_and_is_in(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let answer = ask(&owner, json!({"email": "Mei@Acme.test"})).await?;
    assert_eq!((answer.status, answer.header("cache-control")), (201, "no-store"), "{}", answer.body);
    let made = answer.json();
    let password = made["tempPassword"].as_str().context("a password")?.to_owned();
    let user = json!({"id": made["id"], "email": "Mei@Acme.test", "username": "Mei@Acme.test", "createdAt": made["createdAt"]});
    let shown = json!({"id": made["id"], "email": "Mei@Acme.test", "username": "Mei@Acme.test",
        "createdAt": made["createdAt"], "tempPassword": password});
    assert_eq!((&made, answer.header("location")), (&shown, at(&made).as_str()));
    assert!(password.len() >= 20 && made["createdAt"].as_str().is_some_and(|at| at.ends_with('Z')), "{made}");
    // The password stands in that answer and nowhere else, and the person in the org without any role.
    let read = owner.get(answer.header("location")).await?;
    assert_eq!((read.status, read.json()), (200, user));
    let listed = owner.get(&format!("/api/v1/orgs/acme/users/{MEI}")).await?;
    assert_eq!((listed.status, &listed.json()["roles"]), (200, &json!([])), "{}", listed.body);
    let log = logged(&owner, "user.created_by_admin").await?;
    assert_eq!(log.len(), 1);
    for text in [read.body, listed.body, json!(log).to_string(), owner.get(USERS).await?.body] {
        assert!(!text.contains(&password), "{text}");
    }
    assert!(world.node().mail().await?.is_empty());
    // At the door it leads to a page where another one is chosen, and opens no session.
    let (mei, link) = at_the_door(&world, MEI, &password).await?;
    assert_eq!(me(&mei).await?.status, 401);
    let page = mei.get(&format!("{link}?return_to=/me/keys")).await?;
    assert!(page.status == 200 && page.body.contains("Choose your password") && page.body.contains("/me/keys"));
    for (wrong, why) in [("short", "9 characters"), ("Password1!", "easy to guess"), (&password, "made for you")] {
        let refused = mei.post_form(&link, &[("password", wrong)]).await?;
        assert_eq!((refused.status, refused.body.contains(why)), (422, true), "{wrong}: {}", refused.body);
    }
    let chosen = mei.post_form(&link, &[("password", CHOSEN), ("return_to", "/me/keys")]).await?;
    assert_eq!((chosen.status, chosen.header("location")), (303, "/me/keys"), "{}", chosen.body);
    let about = me(&mei).await?.json();
    assert_eq!((&about["user"]["id"], &about["account"]), (&made["id"], &json!("acme")));
    assert_eq!((&about["orgs"][0]["roles"], &about["user"]["email_verified"]), (&json!([]), &json!(false)));
    // Once chosen, the old one opens nothing, nor does the link.
    assert_eq!(enter(&world.browser()?, MEI, &password).await?.status, 401);
    assert_eq!(mei.post_form(&link, &[("password", "Another-horse-8-staple")]).await?.status, 404);
    assert_eq!(enter(&world.browser()?, MEI, CHOSEN).await?.header("location"), "/me/keys");
    Ok(())
}

/// Not for tokens, not for becoming an owner; and the page that it leads to is there for ten minutes, once.
async fn a_password_that_was_made_is_good_for_nothing_else(engine: Engine) -> Result<()> {
    let world = World::with(engine, NodeBuilder::default().with(|settings| settings.password_grant = true)).await?;
    let tool = json!({"client_id": "tool", "name": "Tool", "grants": ["password"], "services": ["registry"]});
    oauth::apply(&world, [oauth::clients(), vec![tool]].concat()).await?;
    let (owner, node) = (world.sign_in_owner().await?, world.node());
    let (_, password) = make(&owner, MEI).await?;
    let script = async |password: &str| {
        let asked = json!({"grantType": "password", "clientID": "tool", "username": MEI, "password": password});
        world.browser()?.send(Method::POST, "/api/v1/token", &asked).await
    };
    let refused = script(&password).await?;
    assert_eq!((refused.status, &refused.json()["details"]), (403, &json!("password_change_required")));
    assert_eq!(script("wrong").await?.json()["details"], "invalid_credentials");
    let fields = [("grant_type", "password"), ("client_id", "tool"), ("username", MEI), ("password", &password)];
    let standard = world.browser()?.post_form("/api/v2/token", &fields).await?;
    assert_eq!(oauth::error(&standard), (400, "invalid_grant".to_owned()), "{}", standard.body);
    let owners = accounts::invite_owner(&node.app, &node.app.ctx(Caller::System("test")), "acme", MEI).await?.reveal();
    let refused = world.browser()?.post_form(&format!("/link/{owners}"), &[("password", &password)]).await?;
    assert_eq!((refused.status, refused.body.contains("made for you")), (422, true), "{}", refused.body);
    let (_, older) = at_the_door(&world, MEI, &password).await?;
    let (mei, newer) = at_the_door(&world, MEI, &password).await?;
    assert_eq!((mei.get(&older).await?.status, mei.get(&newer).await?.status), (404, 200));
    node.clock.advance(Duration::from_secs(601));
    assert_eq!(mei.post_form(&newer, &[("password", CHOSEN)]).await?.status, 404);
    assert_eq!(me(&mei).await?.status, 401);
    chosen(&world, MEI, &password).await?;
    assert_eq!(script(CHOSEN).await?.status, 200);
    Ok(())
}

async fn a_link_by_mail_takes_the_place_of_a_password_and_proves_the_address(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    for (number, body) in [json!({"notify": true}), json!({"notify": true, "resetPassword": false})].iter().enumerate()
    {
        let email = format!("mei{number}@acme.test");
        let mut body = body.clone();
        body["email"] = json!(email);
        let made = ask(&owner, body).await?;
        assert_eq!((made.status, made.json().get("tempPassword")), (201, None), "{}", made.body);
        let letter = world.node().letter_to(&email).await?;
        let link = letter.links.iter().find(|link| link.contains("/link/cdai_")).context("a link")?;
        assert!(letter.text.contains("acme") && letter.text.contains(OWNER.0), "{}", letter.text);
        let browser = world.browser()?;
        assert_eq!(browser.get(link).await?.status, 200);
        assert_eq!(me(&browser).await?.status, 401, "looking changes nothing");
        assert_eq!(browser.post_form(link, &[("password", CHOSEN)]).await?.header("location"), "/");
        assert_eq!(me(&browser).await?.json()["user"]["email_verified"], true);
        assert_eq!(browser.get(link).await?.status, 404, "once");
    }
    assert_eq!(logged(&owner, "password.chosen").await?.len(), 2);
    Ok(())
}

async fn somebody_without_a_password_waits_for_an_admin(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let made = ask(&owner, json!({"email": MEI, "resetPassword": false})).await?;
    assert_eq!((made.status, made.json().get("tempPassword")), (201, None), "{}", made.body);
    assert!(world.node().mail().await?.is_empty());
    assert_eq!(enter(&world.browser()?, MEI, CHOSEN).await?.status, 401);
    let given = owner.send(Method::POST, &format!("{}/password", at(&made.json())), &json!({"notify": true})).await?;
    assert_eq!((given.status, &given.json()["id"], given.json().get("tempPassword")), (200, &made.json()["id"], None));
    let letter = world.node().letter_to(MEI).await?;
    let link = letter.links.iter().find(|link| link.contains("/link/")).context("a link")?;
    world.node().clock.advance(Duration::from_secs(1));
    assert_eq!(world.browser()?.post_form(link, &[("password", CHOSEN)]).await?.status, 303);
    assert_eq!(enter(&world.browser()?, MEI, CHOSEN).await?.status, 303);
    Ok(())
}

async fn nobody_is_made_beside_a_provider_or_twice(engine: Engine) -> Result<()> {
    let (world, neighbour) = beside(engine).await?;
    let (owner, ana) = (world.sign_in_owner().await?, world.sign_in("ana").await?);
    let refusal = async |admin: &Browser, email: &str| {
        let answer = ask(admin, json!({"email": email})).await?;
        anyhow::Ok((answer.status, answer.code()))
    };
    for (email, code) in [
        (OWNER.0, "user_exists"),
        ("ANA@corp.example", "user_exists"),
        (NEIGHBOUR.0, "user_exists"),
        ("new@corp.example", "domain_federated"),
    ] {
        assert_eq!(refusal(&owner, email).await?, (409, code.to_owned()), "{email}");
    }
    for email in ["", "mei", "mei@", "@acme.test", "a b@acme.test", "mei@acme\u{0}.test"] {
        assert_eq!(refusal(&owner, email).await?, (422, "invalid_email".to_owned()), "{email}");
    }
    assert_eq!(ask(&owner, json!({"email": 7})).await?.status, 422);
    assert_eq!(ask(&owner, json!({"email": MEI, "notify": "yes"})).await?.status, 422);
    for (somebody, status) in [(&ana, 403), (&world.browser()?, 401)] {
        assert_eq!(ask(somebody, json!({"email": MEI})).await?.status, status);
        assert_eq!(somebody.get(USERS).await?.status, status);
    }
    // A connection that lets nobody in leaves its own account free, and no other one.
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    state["accounts"][0]["connections"][0]["stage"] = json!("draft");
    let solo = json!({"name": "solo", "owner": {"email": "solo@solo.test", "password": NEIGHBOUR.1},
        "org": {"name": "solo", "kind": "individual", "services": []}});
    state["accounts"].as_array_mut().context("accounts")?.push(solo);
    world.node().apply(state).await?;
    assert_eq!(refusal(&neighbour, "new@corp.example").await?, (409, "domain_federated".to_owned()));
    assert_eq!(refusal(&owner, "new@corp.example").await?.0, 201);
    assert_eq!(refusal(&owner, "new@corp.example").await?, (409, "user_exists".to_owned()));
    let alone = world.browser()?;
    assert_eq!(enter(&alone, "solo@solo.test", NEIGHBOUR.1).await?.status, 303);
    assert_eq!(refusal(&alone, "second@solo.test").await?, (409, "individual_org".to_owned()));
    assert_eq!(logged(&owner, "user.created_by_admin").await?.len(), 1);
    Ok(())
}

async fn local_people_are_listed_page_by_page(engine: Engine) -> Result<()> {
    let (world, neighbour) = beside(engine).await?;
    let owner = world.sign_in_owner().await?;
    world.sign_in("ana").await?;
    let (made, _) = make(&owner, MEI).await?;
    make(&owner, "bo@acme.test").await?;
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = owner.get(&format!("{USERS}?limit=2&cursor={cursor}")).await?.json();
        found.extend(page["items"].as_array().context("items")?.iter().map(|user| user["email"].clone()));
        match page["cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    found.sort_by_key(Value::to_string);
    // Ana signs in at her provider and is not one of them.
    assert_eq!(found, ["bo@acme.test", MEI, OWNER.0]);
    let beside = neighbour.get(USERS).await?.json();
    assert_eq!(beside["items"].as_array().map(Vec::len), Some(1), "{beside}");
    for path in [at(&made), format!("{USERS}/usr_{:032x}", 7), format!("{USERS}/nonsense")] {
        assert_eq!(neighbour.get(&path).await?.status, 404, "{path}");
    }
    // Whoever has left the account is none of its people.
    let ended = owner.send(Method::DELETE, &format!("/api/v1/accounts/acme/users/{MEI}"), &json!({})).await?;
    assert_eq!((ended.status, owner.get(&at(&made)).await?.status), (200, 404), "{}", ended.body);
    Ok(())
}

/// An admin makes somebody with another company's address and knows the password: a declaration that means the real one
/// must not let that person in elsewhere.
async fn an_address_that_nobody_has_proven_opens_no_other_account(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let (made, _) = make(&owner, "eva@globex.test").await?;
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    let globex = json!({"name": "globex", "owner": {"email": "Eva@globex.test"}, "org": {"name": "globex", "kind": "enterprise"}});
    state["accounts"].as_array_mut().context("accounts")?.push(globex);
    let refused = world.node().apply(state.clone()).await.err().context("a refusal")?;
    let said = format!("{refused:?}");
    assert!(said.contains("accounts[1].owner.email") && said.contains("has not proven it"), "{said}");
    // By mail they prove it, and choose a password that nobody else knows.
    let asked = owner.send(Method::POST, &format!("{}/password", at(&made)), &json!({"notify": true})).await?;
    assert_eq!(asked.status, 200, "{}", asked.body);
    let letter = world.node().letter_to("eva@globex.test").await?;
    let link = url::Url::parse(letter.links.first().context("a link")?)?.path().to_owned();
    assert_eq!(world.browser()?.post_form(&link, &[("password", CHOSEN)]).await?.status, 303);
    world.node().apply(state).await?;
    Ok(())
}
