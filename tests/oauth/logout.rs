//! A service sends somebody here to sign out: with an ID token about them it is done, without one they are asked. The names
//! of the first stories are those by which the checks of the OpenID Foundation are known.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_testkit::{Answer, Browser, Engine, World, stories};
use reqwest::Method;
use url::Url;
use url::form_urlencoded::Serializer;

use super::ending::is_active;
use super::sign_on::{GOODBYE, code, scene, tokens};
use super::{ROBOT, error, token_of};

stories! {
    oidcc_rp_initiated_logout,
    oidcc_rp_initiated_logout_bad_post_logout_redirect_uri,
    oidcc_rp_initiated_logout_modified_id_token_hint,
    oidcc_rp_initiated_logout_no_id_token_hint,
    whoever_is_asked_and_says_yes_goes_back,
    an_id_token_signs_out_nobody_else,
    another_site_s_form_signs_nobody_out,
}

fn address(fields: &[(&str, &str)]) -> String {
    format!("/oauth2/logout?{}", Serializer::new(String::new()).extend_pairs(fields).finish())
}

async fn hint(world: &World, browser: &Browser) -> Result<(String, serde_json::Value)> {
    let given = tokens(world.node(), &code(browser, &[]).await?).await?;
    Ok((given["id_token"].as_str().context("an ID token")?.to_owned(), given["access_token"].clone()))
}

async fn is_signed_in(browser: &Browser) -> Result<bool> {
    Ok(browser.get("/api/v1/me").await?.status == 200)
}

fn asks(answer: &Answer) -> bool {
    answer.status == 200 && answer.body.contains("<h1>Sign out?</h1>")
}

/// With a state and without one, and with an ID token that has long expired.
async fn oidcc_rp_initiated_logout(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let said = world.browser()?.get("/.well-known/openid-configuration").await?.json();
    assert_eq!(said["end_session_endpoint"], format!("{}/oauth2/logout", world.node().url));
    for (state, back) in [(Some("the state"), "&state=the+state"), (None, "")] {
        let ana = world.sign_in("ana").await?;
        let (hint, access) = hint(&world, &ana).await?;
        world.node().clock.advance(Duration::from_secs(200));
        assert!(is_active(world.node(), &access).await?);
        let mut fields = vec![("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", GOODBYE)];
        fields.extend(state.map(|state| ("state", state)));
        world.node().clock.advance(Duration::from_secs(600));
        let answer = ana.get(&address(&fields)).await?;
        assert_eq!((answer.status, answer.header("location")), (303, format!("{GOODBYE}{back}").as_str()));
        assert!(answer.header("set-cookie").starts_with("cardea=;"), "{:?}", answer.headers);
        assert!(!is_signed_in(&ana).await? && !is_active(world.node(), &access).await?);
        // Whoever is signed out already goes back too.
        assert_eq!(ana.get(&address(&fields)).await?.header("location"), answer.header("location"));
        // Without an address there is a page of ours.
        let plain = ana.get(&address(&fields[..1])).await?;
        assert!(plain.status == 200 && plain.body.contains("You are signed out"), "{}", plain.body);
    }
    Ok(())
}

/// Another address, also one that differs in its query alone: nobody is sent there, and nothing has happened.
async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let ana = world.sign_in("ana").await?;
    let (hint, _) = hint(&world, &ana).await?;
    let more = format!("{GOODBYE}&x=1");
    for wrong in
        ["https://evil.example/", more.as_str(), "https://web.example/bye", "https://web.example/cb?from=cardea"]
    {
        let named = [("client_id", "web"), ("post_logout_redirect_uri", wrong)];
        let shown = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", wrong)];
        let answers = [
            ana.get(&address(&shown)).await?,
            ana.get(&address(&named)).await?,
            ana.post_form("/logout", &named).await?,
        ];
        for answer in answers {
            assert_eq!((answer.status, answer.header("location")), (400, ""), "{wrong}");
        }
    }
    for other in [("client_id", "small"), ("client_id", "nobody")] {
        let answer = ana.get(&address(&[("id_token_hint", &hint), other])).await?;
        assert_eq!(answer.status, 400, "{other:?}");
    }
    assert!(is_signed_in(&ana).await?);
    Ok(())
}

/// Altered, no token at all, a token of another kind: nobody is signed out by it, and nobody is sent anywhere.
async fn oidcc_rp_initiated_logout_modified_id_token_hint(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let ana = world.sign_in("ana").await?;
    let (hint, _) = hint(&world, &ana).await?;
    let (head, signature) = hint.rsplit_once('.').context("a signature")?;
    let altered = format!("{head}.{}", signature.replace(&signature[..4], "AAAA"));
    let unsigned = format!("{head}.");
    for wrong in [altered, unsigned, "bad".to_owned(), token_of(world.node(), ROBOT, &[]).await?] {
        let fields = [("id_token_hint", wrong.as_str()), ("post_logout_redirect_uri", GOODBYE), ("state", "s")];
        assert!(asks(&ana.get(&address(&fields)).await?), "{wrong}");
    }
    assert!(is_signed_in(&ana).await?);
    let twice = ana.get(&format!("{}&state=s", address(&[("state", "s")]))).await?;
    assert_eq!(twice.status, 400);
    Ok(())
}

/// Nothing, a state alone, an address that no client is known to want: the person is asked, and stays here.
async fn oidcc_rp_initiated_logout_no_id_token_hint(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    for fields in [
        &[][..],
        &[("state", "s")],
        &[("post_logout_redirect_uri", GOODBYE), ("state", "s")],
        &[("post_logout_redirect_uri", "https://evil.example/")],
    ] {
        let ana = world.sign_in("ana").await?;
        assert!(asks(&ana.get(&address(fields)).await?) && is_signed_in(&ana).await?, "{fields:?}");
        let answer = ana.post_form("/logout", fields).await?;
        assert_eq!((answer.status, answer.header("location")), (200, ""), "{fields:?}");
        assert!(!is_signed_in(&ana).await?);
        // There is nobody to be asked any more.
        assert!(ana.get(&address(fields)).await?.body.contains("You are signed out"), "{fields:?}");
    }
    Ok(())
}

async fn whoever_is_asked_and_says_yes_goes_back(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let ana = world.sign_in("ana").await?;
    let (_, access) = hint(&world, &ana).await?;
    let fields = [("client_id", "web"), ("post_logout_redirect_uri", GOODBYE), ("state", "<s>")];
    let page = ana.get(&address(&fields)).await?;
    assert!(asks(&page) && page.body.contains("value=\"web\"") && !page.body.contains("<s>"), "{}", page.body);
    let answer = ana.post_form("/logout", &fields).await?;
    assert_eq!((answer.status, answer.header("location")), (303, format!("{GOODBYE}&state=%3Cs%3E").as_str()));
    assert!(!is_signed_in(&ana).await? && !is_active(world.node(), &access).await?);
    Ok(())
}

async fn an_id_token_signs_out_nobody_else(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let (ana, chika) = (world.sign_in("ana").await?, world.sign_in("chika").await?);
    let (hint, _) = hint(&world, &ana).await?;
    let page = chika.get(&address(&[("id_token_hint", &hint), ("post_logout_redirect_uri", GOODBYE)])).await?;
    // The client is known by the token all the same.
    assert!(asks(&page) && page.body.contains("value=\"web\""), "{}", page.body);
    assert!(is_signed_in(&chika).await? && is_signed_in(&ana).await?);
    Ok(())
}

async fn another_site_s_form_signs_nobody_out(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let ana = world.sign_in("ana").await?;
    let (hint, _) = hint(&world, &ana).await?;
    let foreign = |path: &str| {
        let request = ana.request(Method::POST, path).header("origin", "https://web.example");
        request.header("sec-fetch-site", "cross-site")
    };
    let forced = Answer::read(foreign("/logout").form(&[("client_id", "web")]).send().await?).await?;
    assert_eq!(forced.status, 403);
    assert!(is_signed_in(&ana).await?);
    // A service may send its request by a form: it becomes an address, by which the person is known.
    let sent = Answer::read(foreign("/oauth2/logout").form(&[("id_token_hint", &hint)]).send().await?).await?;
    assert_eq!((sent.status, is_signed_in(&ana).await?), (303, true));
    let location = Url::parse(&world.node().url)?.join(sent.header("location"))?;
    assert!(ana.get(location.as_str()).await?.body.contains("You are signed out"));
    let json = foreign("/oauth2/logout").json(&serde_json::json!({})).send().await?;
    assert_eq!(error(&Answer::read(json).await?).0, 400);
    Ok(())
}
