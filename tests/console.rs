//! The console, page by page: who sees what, what a form does, and what is said when it cannot.

mod activation;
mod apps;
mod contact;
mod document;
mod failures;
mod invitations;
mod keys;
mod organization;
mod people;
mod persons_keys;
mod revocations;
mod rules;
mod service_keys;
mod switching;
mod teams;

use anyhow::{Context as _, Result};
use cardea_testkit::world::{DIRECTORY_TOKEN, OWNER};
use cardea_testkit::{Answer, Browser, Engine, World, stories};
use reqwest::Method;
use serde_json::json;

stories! {
    nobody_is_sent_to_the_door_and_back,
    an_owner_sees_every_room,
    a_member_sees_their_own_keys_and_nothing_else,
    people_are_found_and_paged,
    names_with_markup_stay_text,
}

/// Every page of those who administer the org or its account.
const ROOMS: [&str; 15] = [
    "/o/acme",
    "/o/acme/people",
    "/o/acme/people/add",
    "/o/acme/teams",
    "/o/acme/new-team",
    "/o/acme/invitations",
    "/o/acme/connections",
    "/o/acme/rules",
    "/o/acme/service-keys",
    "/o/acme/service-keys/new",
    "/o/acme/apps",
    "/o/acme/apps/new",
    "/o/acme/revocations",
    "/o/acme/owners/new",
    "/a/acme/users",
];
/// Every page that is each person's own, or open to everybody of the org.
const OWN: [&str; 7] = [
    "/me/keys",
    "/me/keys/new",
    "/me/security",
    "/me/accounts",
    "/o/acme/profile",
    "/o/acme/subscriptions",
    "/o/acme/contact",
];

/// A page as a browser asks for it.
async fn see(browser: &Browser, address: &str) -> Result<Answer> {
    Answer::read(browser.request(Method::GET, address).header("accept", "text/html,*/*;q=0.8").send().await?).await
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
