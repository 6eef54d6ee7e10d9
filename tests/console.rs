//! The console, page by page: who sees what, what a form does, and what is said when it cannot.

mod document;
mod failures;

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_model::id::NodeId;
use cardea_store::{feed, node};
use cardea_testkit::reqwest::Method;
use cardea_testkit::world::{DIRECTORY_TOKEN, OWNER};
use cardea_testkit::{Answer, Browser, Engine, World, stories};
use serde_json::json;

stories! {
    nobody_is_sent_to_the_door_and_back,
    an_owner_sees_every_room,
    a_member_sees_their_own_keys_and_nothing_else,
    a_key_is_made_switched_and_deleted_by_forms,
    nothing_that_was_typed_is_lost,
    a_deactivation_is_shown_before_it_happens_and_proven_after,
    an_owner_is_out_of_an_admins_reach,
    a_receipt_is_live_until_every_node_has_it,
    people_are_found_and_paged,
    names_with_markup_stay_text,
}

/// Every page under the org, and those of the person.
const ROOMS: [&str; 4] = ["/o/acme", "/o/acme/people", "/o/acme/connections", "/o/acme/revocations"];
const OWN: [&str; 3] = ["/me/keys", "/me/keys/new", "/me/security"];

/// A page as a browser asks for it.
async fn see(browser: &Browser, address: &str) -> Result<Answer> {
    Answer::read(browser.request(Method::GET, address).header("accept", "text/html,*/*;q=0.8").send().await?).await
}

/// The page as soon as it says this; what nodes write about themselves comes a moment after they have done it.
async fn see_soon(browser: &Browser, address: &str, text: &str) -> Result<Answer> {
    let looking = async {
        loop {
            let answer = see(browser, address).await?;
            if answer.body.contains(text) {
                return Ok(answer);
            }
        }
    };
    let found: Result<Answer> = tokio::time::timeout(Duration::from_secs(10), looking)
        .await
        .with_context(|| format!("{address} never said `{text}`"))?;
    found
}

/// Checks what every page has: the type, the policy that lets nothing inline run, and no way to be kept or framed.
#[track_caller]
fn assert_is_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    let policy = answer.header("content-security-policy");
    for part in
        ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(!answer.body.contains("<style") && !answer.body.contains(" style=") && !answer.body.contains(" onclick="));
}

/// The text between two others on a page.
fn between<'t>(text: &'t str, before: &str, after: &str) -> Result<&'t str> {
    let (_, rest) = text.split_once(before).with_context(|| format!("no `{before}` in {text}"))?;
    Ok(rest.split_once(after).with_context(|| format!("no `{after}` after `{before}`"))?.0)
}

/// The user's id, as the owner's API tells it.
async fn user_id(owner: &Browser, email: &str) -> Result<String> {
    let user = owner.get(&format!("/api/v1/orgs/acme/users/{email}")).await?;
    Ok(user.json()["id"].as_str().context("the user has an id")?.to_owned())
}

async fn nobody_is_sent_to_the_door_and_back(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let nobody = world.browser()?;
    for address in ROOMS.iter().chain(&OWN) {
        let answer = see(&nobody, address).await?;
        assert_eq!(answer.status, 303, "{address}");
        assert_eq!(answer.header("location"), format!("/login?return_to={}", address.replace('/', "%2F")));
    }
    let found = see(&nobody, "/o/acme/people?q=ana&cursor=usr_1").await?;
    assert_eq!(found.header("location"), "/login?return_to=%2Fo%2Facme%2Fpeople%3Fq%3Dana%26cursor%3Dusr_1");
    // What was to be done is not done after signing in: a form is never sent twice.
    let posted = nobody.post_form("/me/keys", &[("name", "laptop")]).await?;
    assert_eq!((posted.status, posted.header("location")), (303, "/login?return_to=%2F"));
    // A part of a page that has no session any more loads the whole page anew.
    let part = nobody.request(Method::GET, "/o/acme/people").header("hx-request", "true").send().await?;
    let part = Answer::read(part).await?;
    assert_eq!((part.status, part.header("hx-refresh")), (401, "true"));
    // Signing in leads back to where one wanted to go.
    let wanted = see(&nobody, "/me/keys/new").await?;
    assert_is_page(&see(&nobody, wanted.header("location")).await?, 200);
    let begun = nobody.post_form("/login", &[("email", "ana@corp.example"), ("return_to", "/me/keys/new")]).await?;
    let (address, answer) = nobody.follow(begun, "ana", None).await?;
    assert!(address.ends_with("/me/keys/new"), "{address}");
    assert!(answer.body.contains("Create a key"));
    Ok(())
}

async fn an_owner_sees_every_room(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    ana.make_key("laptop", &["registry"]).await?;
    let owner = world.sign_in_owner().await?;
    assert_eq!(see(&owner, "/").await?.header("location"), "/o/acme");
    let overview = see(&owner, "/o/acme").await?;
    assert_is_page(&overview, 200);
    for text in ["Nothing waits for you", "Nobody has lost access", "Ana Ruiz", OWNER.0] {
        assert!(overview.body.contains(text), "{text}");
    }
    let people = see(&owner, "/o/acme/people").await?;
    assert_is_page(&people, 200);
    for text in
        ["Ana Ruiz", "ana@corp.example", "NGC_AIE_PR_Admin", "in vision", "data-label=\"Keys\" class=\"number\">1<"]
    {
        assert!(people.body.contains(text), "{text}");
    }
    let id = user_id(&owner, "ana@corp.example").await?;
    let ana_page = see(&owner, &format!("/o/acme/people/{id}")).await?;
    assert_is_page(&ana_page, 200);
    for text in [
        "Registry admins",
        "NGC_AIE_PR_Admin",
        "team vision",
        "laptop",
        "okta",
        "Deactivate and end 1 key and 1 session",
    ] {
        assert!(ana_page.body.contains(text), "{text}");
    }
    let connections = see(&owner, "/o/acme/connections").await?;
    assert_is_page(&connections, 200);
    let callback = format!("{}/oidc/okta/callback", world.node().url);
    for text in ["okta", "Live", "corp.example", "primary", &callback] {
        assert!(connections.body.contains(text), "{text}");
    }
    let revocations = see(&owner, "/o/acme/revocations").await?;
    assert_is_page(&revocations, 200);
    assert!(revocations.body.contains("Nobody has lost access yet"));
    assert_is_page(&see(&owner, "/me/keys").await?, 200);
    Ok(())
}

async fn a_member_sees_their_own_keys_and_nothing_else(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let bo = world.sign_in("bo").await?;
    assert_eq!(see(&ana, "/").await?.header("location"), "/me/keys");
    let owner = world.sign_in_owner().await?;
    let id = user_id(&owner, "bo@corp.example").await?;
    let person = format!("/o/acme/people/{id}");
    let deactivate = format!("{person}/deactivate");
    for address in ROOMS.iter().copied().chain([person.as_str(), &deactivate]) {
        let answer = see(&ana, address).await?;
        assert_is_page(&answer, 403);
        assert!(answer.body.contains("Your role does not open this page"), "{address}");
        assert!(!answer.body.contains("Bo Chen") && !answer.body.contains("bo@corp.example"), "{address}");
    }
    assert_eq!(ana.post_form(&deactivate, &[("reason", "a prank")]).await?.status, 403);
    assert_eq!(ana.post_form(&format!("{person}/reactivate"), &[]).await?.status, 403);
    assert_eq!(bo.get("/api/v1/me").await?.status, 200, "Bo lost nothing");
    let keys = see(&ana, "/me/keys").await?;
    assert_is_page(&keys, 200);
    assert!(!keys.body.contains("/o/acme/people"), "a member is not offered what they cannot open");
    // An org of somebody else is no more there than one that does not exist.
    let (foreign, none) = (see(&ana, "/o/other").await?, see(&owner, "/o/other/people").await?);
    assert_is_page(&foreign, 404);
    assert_is_page(&none, 404);
    Ok(())
}

async fn a_key_is_made_switched_and_deleted_by_forms(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let first = see(&ana, "/me/keys").await?;
    assert!(first.body.contains("Create a key"), "who has no key is shown the form at once");
    assert!(first.body.contains("You have no role there"), "a service without a role cannot be chosen");
    let fields = [("name", "laptop"), ("expiry", "30d"), ("service", "registry"), ("service", "catalog")];
    let made = ana.post_form("/me/keys", &fields).await?;
    assert_is_page(&made, 201);
    let secret = between(&made.body, "aria-label=\"The key\"><code>", "</code>")?.to_owned();
    assert!(secret.starts_with("cdap_"));
    assert_eq!(world.check(world.node(), &secret).await?.json()["allowed"], true);
    let list = see(&ana, "/me/keys").await?;
    assert!(!list.body.contains(&secret), "a secret is shown once");
    assert!(list.body.contains("laptop") && list.body.contains("1 of 8 keys"));
    let id = between(&list.body, "action=\"/me/keys/", "/disable\"")?.to_owned();

    let off = ana.post_form(&format!("/me/keys/{id}/disable"), &[]).await?;
    assert_eq!((off.status, off.header("location")), (303, "/me/keys?done=key-disabled"));
    assert_eq!(world.check(world.node(), &secret).await?.json()["allowed"], false);
    let told = see(&ana, "/me/keys?done=key-disabled").await?;
    assert!(told.body.contains("The key is disabled") && told.body.contains(&format!("/me/keys/{id}/enable")));
    ana.post_form(&format!("/me/keys/{id}/enable"), &[]).await?;
    assert_eq!(world.check(world.node(), &secret).await?.json()["allowed"], true);

    let bo = world.sign_in("bo").await?;
    assert_eq!(see(&bo, &format!("/me/keys/{id}/delete")).await?.status, 404);
    assert_eq!(bo.post_form(&format!("/me/keys/{id}/delete"), &[]).await?.status, 404);
    assert_eq!(world.check(world.node(), &secret).await?.json()["allowed"], true);

    let asked = see(&ana, &format!("/me/keys/{id}/delete")).await?;
    assert_is_page(&asked, 200);
    assert!(asked.body.contains("Delete key laptop"));
    assert_eq!(world.check(world.node(), &secret).await?.json()["allowed"], true, "asking deletes nothing");
    let gone = ana.post_form(&format!("/me/keys/{id}/delete"), &[]).await?;
    assert_eq!((gone.status, gone.header("location")), (303, "/me/keys?done=key-deleted"));
    assert_eq!(world.check(world.node(), &secret).await?.json()["allowed"], false);
    assert_eq!(see(&ana, &format!("/me/keys/{id}/delete")).await?.status, 404);
    Ok(())
}

async fn nothing_that_was_typed_is_lost(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let post = async |fields: &[(&str, &str)]| ana.post_form("/me/keys", fields).await;
    let wrong =
        post(&[("name", " "), ("expiry", "custom"), ("expires_on", "2031-02-03"), ("service", "catalog")]).await?;
    assert_is_page(&wrong, 422);
    assert!(wrong.body.contains("There is a problem") && wrong.body.contains("href=\"#name\""));
    assert!(wrong.body.contains("Enter a name") && wrong.body.contains("id=\"name-problem\""));
    assert!(wrong.body.contains("<option value=\"custom\" selected>") && wrong.body.contains("value=\"2031-02-03\""));
    let catalog = between(&wrong.body, "id=\"service-catalog\"", ">")?;
    assert!(catalog.contains(" checked"), "{catalog}");
    assert!(!between(&wrong.body, "id=\"service-registry\"", ">")?.contains(" checked"));
    for (fields, field, text) in [
        (vec![("name", "laptop"), ("expiry", "30d")], "service", "Choose at least one service"),
        (vec![("name", "laptop"), ("expiry", "custom"), ("service", "registry")], "expires_on", "Choose the last day"),
        (
            vec![("name", "laptop"), ("expiry", "custom"), ("expires_on", "2001-01-01"), ("service", "registry")],
            "expires_on",
            "Choose a day that is not over",
        ),
        (vec![("name", "laptop"), ("expiry", "soon"), ("service", "registry")], "expiry", "An expiry is a span"),
        (
            vec![("name", "laptop"), ("expiry", "30d"), ("service", "public_api_endpoints")],
            "service",
            "You have no role in",
        ),
        (vec![("name", "laptop"), ("expiry", "30d"), ("service", "nonsense")], "service", "There is no service"),
    ] {
        let answer = post(&fields).await?;
        assert_is_page(&answer, 422);
        let said = between(&answer.body, &format!("id=\"{field}-problem\""), "</p>").unwrap_or_default();
        assert!(said.contains(text), "{field}: {}", answer.body);
        assert!(answer.body.contains("value=\"laptop\""), "{field}");
    }
    assert_eq!(ana.get("/api/v1/me/keys").await?.json()["keys"], json!([]), "nothing was made");

    ana.make_key("laptop", &["registry"]).await?;
    let taken = post(&[("name", "Laptop"), ("expiry", "30d"), ("service", "registry")]).await?;
    assert_is_page(&taken, 409);
    assert!(taken.body.contains("You have a key of this name already"));
    Ok(())
}

async fn a_deactivation_is_shown_before_it_happens_and_proven_after(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let bo = world.sign_in("ana").await?;
    let key = bo.make_key("nightly build", &["registry"]).await?;
    let owner = world.sign_in_owner().await?;
    let id = user_id(&owner, "ana@corp.example").await?;
    let (person, form) = (format!("/o/acme/people/{id}"), format!("/o/acme/people/{id}/deactivate"));
    let asked = see(&owner, &form).await?;
    assert_is_page(&asked, 200);
    for text in ["nightly build", "through okta", "Deactivate and end 1 key and 1 session"] {
        assert!(asked.body.contains(text), "{text}");
    }
    let long = "x".repeat(201);
    for (reason, text) in [("  ", "Enter a reason, such as"), (&long, "at most 200 letters"), ("a\nb", "on one line")] {
        let wrong = owner.post_form(&form, &[("reason", reason)]).await?;
        assert_is_page(&wrong, 422);
        assert!(wrong.body.contains(text) && wrong.body.contains("nightly build"), "{reason}");
    }
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true, "nothing has ended yet");

    let done = owner.post_form(&form, &[("reason", "left the company")]).await?;
    assert_eq!(done.status, 303);
    let address = done.header("location").to_owned();
    assert!(address.starts_with("/o/acme/revocations/rcp_"), "{address}");
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], false);
    assert_eq!(bo.get("/api/v1/me").await?.status, 401);
    world.node().catch_up().await?;
    world.node().finish_jobs().await?;
    let receipt = see_soon(&owner, &address, "Applied on 1 node").await?;
    assert_is_page(&receipt, 200);
    for text in
        ["Access ended for Ana Ruiz", OWNER.0, "left the company", "Applied on 1 node", "nightly build", "through okta"]
    {
        assert!(receipt.body.contains(text), "{text}: {}", receipt.body);
    }
    assert!(see(&owner, "/o/acme/revocations").await?.body.contains("1 key, 1 session"));
    assert!(see(&owner, "/o/acme").await?.body.contains(&address));
    assert!(owner.get("/api/v1/orgs/acme/audit").await?.body.contains("left the company"));

    let held = see(&owner, &person).await?;
    assert!(held.body.contains("Why Ana Ruiz may not act") && held.body.contains("An admin"));
    assert!(held.body.contains(&address) && !held.body.contains("nightly build"));
    let back = owner.post_form(&format!("{person}/reactivate"), &[]).await?;
    assert_eq!((back.status, back.header("location")), (303, format!("{person}?done=reactivated").as_str()));
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], false, "what ended stays dead");
    let again = owner.post_form(&format!("{person}/reactivate"), &[]).await?;
    assert_eq!(again.header("location"), format!("{person}?done=nothing-to-lift"));
    world.sign_in("ana").await?;
    Ok(())
}

async fn an_owner_is_out_of_an_admins_reach(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let id = user_id(&owner, OWNER.0).await?;
    let page = see(&owner, &format!("/o/acme/people/{id}")).await?;
    assert!(page.body.contains("An owner is out of an admin") && !page.body.contains(&format!("/{id}/deactivate")));
    let form = format!("/o/acme/people/{id}/deactivate");
    let asked = see(&owner, &form).await?;
    assert_is_page(&asked, 403);
    assert!(asked.body.contains("another owner takes the ownership away first"));
    assert_eq!(owner.post_form(&form, &[("reason", "a slip")]).await?.status, 403);
    assert_eq!(see(&owner, "/me/keys").await?.status, 200);
    Ok(())
}

async fn a_receipt_is_live_until_every_node_has_it(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let app = &world.node().app;
    // A second node has just said that it lives, and then falls silent.
    let silent = NodeId::new(app.clock.now(), &*app.random);
    let mut tx = app.db.write().await?;
    node::beat(&mut tx, silent, "two", "0.1.0", app.clock.now()).await?;
    tx.commit().await?;
    let ana = world.sign_in("ana").await?;
    ana.make_key("laptop", &["registry"]).await?;
    let owner = world.sign_in_owner().await?;
    let id = user_id(&owner, "ana@corp.example").await?;
    let done = owner.post_form(&format!("/o/acme/people/{id}/deactivate"), &[("reason", "a thief")]).await?;
    world.node().catch_up().await?;
    world.node().finish_jobs().await?;
    let address = done.header("location").to_owned();
    let receipt = see_soon(&owner, &address, "Applied on 1 of 2 nodes").await?;
    assert_is_page(&receipt, 200);
    let get = format!("hx-get=\"{address}\"");
    for text in ["Applied on 1 of 2 nodes", "waiting", "hx-trigger=\"every 1s\"", &get] {
        assert!(receipt.body.contains(text), "{text}");
    }
    assert!(see(&owner, "/o/acme/revocations").await?.body.contains("waiting"));
    // It speaks again: the page shows its mark and asks no more.
    let last = feed::last(&mut app.db.read().await?).await?;
    let mut tx = app.db.write().await?;
    feed::applied(&mut tx, silent, 1, last, app.clock.now()).await?;
    tx.commit().await?;
    let receipt = see(&owner, &address).await?;
    assert!(receipt.body.contains("Applied on 2 nodes") && !receipt.body.contains("hx-get"));
    Ok(())
}

async fn people_are_found_and_paged(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let directory = world.browser()?;
    for number in 0..55 {
        let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "active": true,
            "userName": format!("person{number}@corp.example"), "externalId": format!("ext-{number}"),
            "name": {"givenName": "Person", "familyName": format!("Number{number}")},
            "emails": [{"value": format!("person{number}@corp.example"), "primary": true}]});
        let request = directory.request(Method::POST, "/scim/v2/Users").bearer_auth(DIRECTORY_TOKEN);
        let made = request.header("content-type", "application/scim+json").body(user.to_string()).send().await?;
        assert_eq!(made.status(), 201);
    }
    let owner = world.sign_in_owner().await?;
    let rows = |body: &str| body.matches("data-label=\"State\"").count();
    let first = see(&owner, "/o/acme/people").await?;
    assert_eq!(rows(&first.body), 50);
    let next = between(&first.body, "href=\"?cursor=", "\"")?;
    let second = see(&owner, &format!("/o/acme/people?cursor={next}")).await?;
    assert_eq!(rows(&second.body), 6, "55 people and the owner");
    assert!(!second.body.contains("rel=\"next\""));
    let found = see(&owner, "/o/acme/people?q=NUMBER42").await?;
    assert_eq!(rows(&found.body), 1);
    assert!(found.body.contains("person42@corp.example") && found.body.contains("value=\"NUMBER42\""));
    for odd in ["%25", "_", "%00", "%E2%80%AE", "'%3B--", "\\"] {
        let answer = see(&owner, &format!("/o/acme/people?q={odd}&cursor={odd}")).await?;
        assert_is_page(&answer, 200);
    }
    assert!(see(&owner, "/o/acme/people?q=nobody-at-all").await?.body.contains("Nobody matches"));
    Ok(())
}

async fn names_with_markup_stay_text(engine: Engine) -> Result<()> {
    const MARKUP: &str = "<script>alert(1)</script>";
    let world = World::new(engine).await?;
    world.provider.person("bo", |bo| bo.given_name = MARKUP.to_owned());
    world.provider.person("bo", |bo| bo.groups.push("NGC_AIE_PR_Admin".to_owned()));
    let bo = world.sign_in("bo").await?;
    let owner = world.sign_in_owner().await?;
    let id = user_id(&owner, "bo@corp.example").await?;
    let fields = [("name", "<img src=x>\"'"), ("expiry", "30d"), ("service", "registry")];
    let made = bo.post_form("/me/keys", &fields).await?;
    assert_is_page(&made, 201);
    let form = format!("/o/acme/people/{id}/deactivate");
    let wrong = owner.post_form(&form, &[("reason", &"<b>\"".repeat(80))]).await?;
    let done = owner.post_form(&form, &[("reason", "<b>\"'&")]).await?;
    world.node().finish_jobs().await?;
    let mut pages = vec![made, wrong];
    let query = format!("/o/acme/people?q={}", "%3Cscript%3Ealert");
    for address in [
        "/o/acme",
        "/o/acme/people",
        &query,
        &format!("/o/acme/people/{id}"),
        &form,
        "/o/acme/revocations",
        done.header("location"),
    ] {
        let page = see(&owner, address).await?;
        assert!(page.body.contains("&#60;script&#62;"), "{address} does not name the person");
        pages.push(page);
    }
    for page in pages {
        for tag in ["<script>", "<img", "<b>\""] {
            assert!(!page.body.contains(tag), "{tag}: {}", page.body);
        }
    }
    let nowhere = see(&owner, "/o/%3Cscript%3Ealert(1)%3C/script%3E").await?;
    assert!(!nowhere.body.contains("<script>"));
    Ok(())
}
