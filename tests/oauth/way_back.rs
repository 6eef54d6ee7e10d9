//! Whoever is sent to the door by a service comes back with all that the service had said, and nobody else's way grows.

use anyhow::{Context as _, Result, ensure};
use cardea_testkit::{Answer, Browser, Engine, World, stories};
use url::Url;
use url::form_urlencoded::Serializer;

use super::sign_on::{asking, back, scene, value};

stories! {
    a_long_request_survives_the_sign_in,
    a_request_that_is_too_long_is_refused_at_once,
    a_long_way_back_to_anywhere_else_is_none,
    a_network_asks_for_people_only_so_often,
}

/// Text of this length, some of it in need of writing otherwise in an address.
fn state(length: usize) -> String {
    "state & more/".chars().cycle().take(length).collect()
}

/// Goes from the door through the provider, and back to the service.
async fn through(world: &World, browser: &Browser, door: &Answer) -> Result<Vec<(String, String)>> {
    ensure!(door.status == 303, "{} {}", door.status, door.body);
    let door = Url::parse(&world.node().url)?.join(door.header("location"))?;
    ensure!(door.path() == "/login", "{door}");
    let page = browser.get(door.as_str()).await?;
    ensure!(page.status == 200, "{}", page.status);
    let pairs: Vec<_> = door.query_pairs().into_owned().collect();
    let return_to = value(&pairs, "return_to").context("a way back")?;
    let given = [("email", "ana@corp.example"), ("return_to", return_to.as_str())];
    let begun = browser.post_form("/login", &given).await?;
    let (arrived, _) = browser.follow(begun, "ana", Some("/oauth2/authorize")).await?;
    back(&browser.get(&arrived).await?)
}

async fn a_long_request_survives_the_sign_in(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    for length in [3000, 8192] {
        let sent = state(length);
        let request = asking(&[("state", &sent)]);
        let (by_get, by_post) = (world.browser()?, world.browser()?);
        let came = through(&world, &by_get, &by_get.get(&request).await?).await?;
        assert!(value(&came, "state").is_some_and(|came| came == sent) && value(&came, "code").is_some(), "{length}");
        let query = request.split_once('?').context("a query")?.1;
        let fields: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let posted = by_post.post_form("/oauth2/authorize", &fields).await?;
        let door = by_post.get(posted.header("location")).await?;
        let came = through(&world, &by_post, &door).await?;
        assert!(value(&came, "state").is_some_and(|came| came == sent) && value(&came, "code").is_some(), "{length}");
    }
    // By password, too.
    let (sent, owner) = (state(8192), world.browser()?);
    let door = owner.get(&asking(&[("state", &sent)])).await?;
    let door = Url::parse(&world.node().url)?.join(door.header("location"))?;
    let return_to = value(&door.query_pairs().into_owned().collect::<Vec<_>>(), "return_to").context("a way back")?;
    let (email, password) = cardea_testkit::world::OWNER;
    let fields = [("email", email), ("password", password), ("return_to", &return_to)];
    let entered = owner.post_form("/login/password", &fields).await?;
    let came = back(&owner.get(entered.header("location")).await?)?;
    assert!(value(&came, "state").is_some_and(|came| came == sent));
    Ok(())
}

/// What could not be kept is not begun. A hint that is no address is not sent on.
async fn a_request_that_is_too_long_is_refused_at_once(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let ana = world.sign_in("ana").await?;
    let long = "a".repeat(17 << 10);
    let refused = ana.get(&asking(&[("state", &long)])).await?;
    assert_eq!((refused.status, refused.header("location")), (400, ""));
    // Short as it comes, and too long as it would be written.
    let swelling = format!("{}&state={}", asking(&[("state", "")]), "!".repeat(8000));
    assert_eq!(ana.get(&swelling).await?.status, 400);
    let stranger = world.browser()?;
    let hinted = stranger.get(&asking(&[("login_hint", &"a".repeat(4000))])).await?;
    let door = Url::parse(&world.node().url)?.join(hinted.header("location"))?;
    assert_eq!((hinted.status, door.query_pairs().any(|(name, _)| name == "login_hint")), (303, false));
    Ok(())
}

async fn a_long_way_back_to_anywhere_else_is_none(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let (email, password) = cardea_testkit::world::OWNER;
    let long = "a".repeat(8192);
    for hostile in [
        format!("//evil.example/oauth2/authorize?state={long}"),
        format!("https://evil.example/oauth2/authorize?state={long}"),
        format!("/\\evil.example/oauth2/authorize?state={long}"),
        format!("/oauth2/authorize@evil.example/?state={long}"),
        format!("/oauth2/authorize/../../me/keys?state={long}"),
        format!("/oauth2/authorize?state={long}\r\nset-cookie: a=b"),
        format!("/oauth2/authorize?state={long}{long}{long}"),
        format!("/me/keys?state={long}"),
    ] {
        let fields = [("email", email), ("password", password), ("return_to", &hostile)];
        let entered = world.browser()?.post_form("/login/password", &fields).await?;
        assert_eq!((entered.status, entered.header("location")), (303, "/"), "{hostile:.60}");
        let browser = world.browser()?;
        let query: String = Serializer::new(String::new()).append_pair("return_to", &hostile).finish();
        let begun = browser.get(&format!("/login/okta?{query}")).await?;
        let (callback, _) = browser.follow(begun, "ana", Some("/oidc/")).await?;
        let entered = browser.get(&callback).await?;
        assert_eq!((entered.status, entered.header("location")), (303, "/"), "{hostile:.60}");
    }
    Ok(())
}

/// Eight times for each sign-in that a network may begin: before it, after it, and for each further service.
async fn a_network_asks_for_people_only_so_often(engine: Engine) -> Result<()> {
    let few = cardea_testkit::NodeBuilder::default().with(|settings| settings.sign_ins_per_minute = 1);
    let world = World::with(engine, few).await?;
    let browser = world.browser()?;
    for number in 0..8 {
        assert_eq!(browser.get(&asking(&[])).await?.status, 400, "{number}: there is no such client");
    }
    let refused = browser.get(&asking(&[])).await?;
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!((1..=61).contains(&refused.header("retry-after").parse::<u64>()?));
    world.node().clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(browser.get(&asking(&[])).await?.status, 400);
    Ok(())
}
