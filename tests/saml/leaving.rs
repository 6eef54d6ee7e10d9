//! A SAML provider signs somebody out.

use anyhow::{Context as _, Result};
use cardea_simulate::saml::attacks::{LogoutSetting, logouts};
use cardea_testkit::{Engine, stories};

use super::{Scene, begin, opens, post, provider};

stories! {
    only_what_the_provider_signed_for_us_signs_out,
    a_sign_out_at_the_provider_ends_that_session_and_no_other,
}

async fn only_what_the_provider_signed_for_us_signs_out(engine: Engine) -> Result<()> {
    let scene = Scene::new(engine).await?;
    let (other, _) = provider(&scene.world, "https://other.example/saml").await?;
    let node = scene.world.node();
    for case in logouts() {
        let (browser, request) = scene.begin("/me/keys").await?;
        let response = scene.provider.respond(&request, "ana");
        assert!(opens(&post(&browser, &response, "").await?), "{}", case.name);
        let (name_id, session_index) = scene.provider.session("ana").context("a session")?;
        let fresh = begin(&scene.world.browser()?, "/").await?;
        let setting = LogoutSetting {
            provider: &scene.provider,
            other: &other,
            slo: &format!("{}/saml/adfs/slo", node.url),
            name_id: &name_id,
            name_id_format: None,
            session_index: session_index.as_deref(),
            response: &scene.provider.respond(&fresh, "bo"),
            now: node.app.clock.now().as_seconds(),
        };
        let query = case.query(&setting);
        let answer = scene.world.browser()?.get(&format!("/saml/adfs/slo?{query}")).await?;
        let me = browser.get("/api/v1/me").await?.status;
        assert_eq!(me == 401, case.ends, "{}: {} {}", case.name, answer.status, answer.body);
        if !case.ends {
            assert!((400..500).contains(&answer.status), "{}: {} {}", case.name, answer.status, answer.body);
            // What it could not do by that it can still do rightly.
            let url = scene.provider.logout_url(setting.slo, "ana").context("a session")?;
            scene.world.browser()?.get(&url).await?;
            assert_eq!(browser.get("/api/v1/me").await?.status, 401, "{}", case.name);
        }
    }
    Ok(())
}

async fn a_sign_out_at_the_provider_ends_that_session_and_no_other(engine: Engine) -> Result<()> {
    let scene = Scene::new(engine).await?;
    let first = scene.sign_in("ana").await?;
    let second = scene.sign_in("ana").await?;
    let neighbour = scene.sign_in("bo").await?;
    let slo = format!("{}/saml/adfs/slo", scene.world.node().url);
    let url = scene.provider.logout_url(&slo, "ana").context("a session")?;
    let answer = second.get(&url).await?;
    assert_eq!(answer.status, 303, "the provider hears that it is done: {}", answer.body);
    assert!(answer.header("location").contains("SAMLResponse="), "{}", answer.header("location"));
    let living = [first.get("/api/v1/me").await?.status, neighbour.get("/api/v1/me").await?.status];
    assert_eq!((second.get("/api/v1/me").await?.status, living), (401, [200, 200]));
    // Whoever has seen the request cannot sign the person out again.
    let again = scene.world.browser()?.get(&url).await?;
    assert!((400..500).contains(&again.status), "{}", again.body);
    Ok(())
}
