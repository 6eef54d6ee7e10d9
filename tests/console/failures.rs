//! What comes to nothing: a page for people, a problem for programs, and nothing changed.

use anyhow::Result;
use cardea_testkit::world::DIRECTORY_TOKEN;
use cardea_testkit::{Answer, Engine, World, stories};
use reqwest::Method;
use serde_json::json;

use super::{assert_is_page, see};

stories! {
    what_fails_is_a_page_for_people_and_a_problem_for_programs,
    what_no_handler_answers_is_a_page_for_people_too,
    other_sites_and_odd_bodies_are_refused,
}

async fn what_fails_is_a_page_for_people_and_a_problem_for_programs(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    for address in [
        "/nowhere",
        "/o/acme/nowhere",
        "/o/acme/people/usr_1",
        "/o/acme/people/%00",
        "/o/%00/people",
        "/o/acme/revocations/rcp_1",
        "/me/keys/key_1/delete",
        "/link/cdai_nonsense",
    ] {
        let page = see(&owner, address).await?;
        assert_is_page(&page, 404);
        let request = page.header("x-request-id");
        assert!(request.starts_with("req_") && page.body.contains(request), "{address}");
        let problem = owner.get(address).await?;
        assert_eq!((problem.status, problem.header("content-type")), (404, "application/problem+json"), "{address}");
    }
    let link = see(&owner, "/link/cdai_nonsense").await?;
    assert!(link.body.contains("This link has been used or has expired"));
    // The API answers programs, whoever asks.
    let api = see(&owner, "/api/v1/orgs/other/users").await?;
    assert_eq!((api.status, api.header("content-type")), (404, "application/problem+json"));
    Ok(())
}

async fn what_no_handler_answers_is_a_page_for_people_too(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let send = async |method: Method, address: &str, accept: &str, site: &str| {
        let request = ana.request(method, address).header("accept", accept).header("sec-fetch-site", site);
        Answer::read(request.form(&[("name", "planted")]).send().await?).await
    };
    let (people, programs) = ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json");
    for (method, address, site, status, words, code) in [
        (Method::PUT, "/me/keys", "same-origin", 405, "This address is not opened like this", "method_not_allowed"),
        (Method::POST, "/o/acme/revocations", "same-origin", 405, "Nothing was changed", "method_not_allowed"),
        (Method::DELETE, "/login", "same-origin", 405, "Go to your overview", "method_not_allowed"),
        (Method::POST, "/me/keys", "cross-site", 403, "This came from another site", "cross_site"),
        (Method::POST, "/login/password", "cross-site", 403, "nothing was changed", "cross_site"),
        (Method::POST, "/login/password", "same-origin", 422, "A field is missing", "invalid_value"),
    ] {
        let page = send(method.clone(), address, people, site).await?;
        assert_is_page(&page, status);
        assert!(page.body.contains(words) && page.body.contains(page.header("x-request-id")), "{}", page.body);
        let problem = send(method, address, programs, site).await?;
        assert_eq!((problem.status, problem.header("content-type")), (status, "application/problem+json"), "{address}");
        assert_eq!(problem.code(), code);
        if status == 405 {
            assert!(!page.header("allow").is_empty() && page.header("allow") == problem.header("allow"), "{address}");
        }
    }
    // The API answers programs, whatever they accept.
    let api = send(Method::PUT, "/api/v1/me/keys", people, "same-origin").await?;
    assert_eq!((api.status, api.header("content-type")), (405, "application/problem+json"));
    assert_eq!((api.code().as_str(), api.header("allow").contains("POST")), ("method_not_allowed", true));
    let api = send(Method::POST, "/api/v1/me/keys", people, "cross-site").await?;
    assert_eq!((api.status, api.code().as_str()), (403, "cross_site"));
    let scim = ana.request(Method::PUT, "/scim/v2/Users").header("accept", people).bearer_auth(DIRECTORY_TOKEN);
    let scim = Answer::read(scim.send().await?).await?;
    assert_eq!((scim.status, scim.header("content-type")), (405, "application/scim+json"));
    assert_eq!(ana.get("/api/v1/me/keys").await?.json()["keys"], json!([]), "nothing was made");
    Ok(())
}

async fn other_sites_and_odd_bodies_are_refused(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let form = [("name", "planted"), ("expiry", "30d"), ("service", "registry")];
    let post = || ana.request(Method::POST, "/me/keys");
    let foreign = post().header("sec-fetch-site", "cross-site").header("origin", "https://evil.example").form(&form);
    assert_eq!(foreign.send().await?.status(), 403);
    assert_eq!(post().json(&json!({"name": "planted"})).send().await?.status(), 415);
    assert_eq!(post().form(&[("name", "x".repeat(1 << 21))]).send().await?.status(), 413);
    let nul = ana.post_form("/me/keys", &[("name", "a\0b"), ("expiry", "30d"), ("service", "registry")]).await?;
    assert_is_page(&nul, 422);
    assert_eq!(ana.get("/api/v1/me/keys").await?.json()["keys"], json!([]), "nothing was made");
    Ok(())
}
