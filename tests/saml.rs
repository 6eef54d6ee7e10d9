//! Signing in with SAML: what the browser carries between us and the provider, and what does not get in.

mod attacks;
mod leaving;
mod publishing;

use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result};
use cardea_simulate::people;
use cardea_simulate::saml::{AttributeNames, KeyKind, RequestSeen, ResponseMode, SamlProvider, SamlProviderSettings};
use cardea_testkit::{Answer, Browser, Engine, World, stories};
use serde_json::{Value, json};
use tokio::net::TcpListener;

stories! {
    a_person_signs_in_with_saml,
    a_response_signs_in_once,
    a_response_is_for_the_browser_that_asked,
    whatever_is_written_beside_a_response_leads_nowhere,
    a_session_ends_when_the_provider_wants_it_to,
    a_connection_that_is_off_refuses_the_response,
    a_provider_that_wants_a_form_is_asked_by_a_form,
}

/// A world with a SAML connection `adfs` of the domain `corp.example`, beside `okta` of `other.example`.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) provider: SamlProvider,
    pub(crate) base: String,
    pub(crate) state: Value,
}

impl Scene {
    pub(crate) async fn new(engine: Engine) -> Result<Self> {
        let world = World::new(engine).await?;
        let (provider, base) = provider(&world, "https://idp.example/saml").await?;
        let mut state = cardea_testkit::world::state(world.provider.issuer());
        let connections = state.pointer_mut("/accounts/0/connections").context("connections")?;
        connections[0]["domains"] = json!(["other.example"]);
        let adfs = json!({"name": "adfs", "kind": "saml", "metadata": provider.metadata(), "domains": ["corp.example"],
            "jit": true, "stage": "live"});
        connections.as_array_mut().context("connections")?.push(adfs);
        let rules = state.pointer_mut("/accounts/0/rules").and_then(Value::as_array_mut).context("rules")?;
        let grants = rules[0]["grants"].clone();
        rules.push(json!({"name": "Registry admins by SAML", "connection": "adfs",
            "any_of": [{"equals": people::REGISTRY_ADMINS}], "grants": grants}));
        let mut scene = Self { world, provider, base, state };
        scene.reads(cardea_simulate::saml::Shape::Generic.attributes(), None).await?;
        Ok(scene)
    }

    /// Has the connection read these attributes.
    pub(crate) async fn reads(&mut self, names: AttributeNames, split: Option<char>) -> Result<()> {
        self.set(
            "attributes",
            json!({"subject": names.subject, "email": names.email, "given_name": names.given_name,
            "family_name": names.family_name, "groups": names.groups}),
        )
        .await?;
        self.set("groups", json!({"split": split})).await
    }

    /// Changes a member of the connection and applies it.
    pub(crate) async fn set(&mut self, member: &str, value: Value) -> Result<()> {
        self.state.pointer_mut("/accounts/0/connections/1").context("adfs")?[member] = value;
        self.world.node().apply(self.state.clone()).await?;
        self.world.node().catch_up().await
    }

    /// A browser with what it was sent to the provider with.
    pub(crate) async fn begin(&self, return_to: &str) -> Result<(Browser, RequestSeen)> {
        let browser = self.world.browser()?;
        let request = begin(&browser, return_to).await?;
        Ok((browser, request))
    }

    pub(crate) async fn sign_in(&self, person: &str) -> Result<Browser> {
        let (browser, request) = self.begin("/me/keys").await?;
        let answer = post(&browser, &self.provider.respond(&request, person), "").await?;
        anyhow::ensure!(answer.status == 303, "{person} did not get in: {} {}", answer.status, answer.body);
        Ok(browser)
    }

    /// Why the last sign-in was refused, for an admin's eyes.
    pub(crate) async fn reason(&self) -> Result<String> {
        let owner = self.world.sign_in_owner().await?;
        let log = owner.get("/api/v1/orgs/acme/audit?limit=20").await?.json();
        let mut events = log["items"].as_array().into_iter().flatten();
        let rejected = events.find(|event| event["action"] == "login.rejected");
        Ok(rejected.and_then(|event| event["detail"]["reason"].as_str()).unwrap_or_default().to_owned())
    }
}

/// What some provider publishes of itself, for declarations of which nobody makes use.
pub(crate) fn published() -> &'static str {
    static PUBLISHED: OnceLock<String> = OnceLock::new();
    PUBLISHED.get_or_init(|| {
        let settings =
            SamlProviderSettings::new("https://idp.example", "https://idp.example", Arc::new(|| 1_795_255_200));
        let provider = SamlProvider::new(SamlProviderSettings { key: KeyKind::P256, ..settings });
        provider.map(|provider| provider.metadata()).unwrap_or_default()
    })
}

/// A provider that has every key the attacks need.
pub(crate) async fn provider(world: &World, entity_id: &str) -> Result<(SamlProvider, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}/idp", listener.local_addr()?);
    let clock = Arc::clone(&world.node().app.clock);
    let settings = SamlProviderSettings::new(entity_id, &base, Arc::new(move || clock.now().as_seconds()));
    let provider = SamlProvider::new(settings.for_attacks())?;
    let router = provider.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((provider, base))
}

pub(crate) async fn begin(browser: &Browser, return_to: &str) -> Result<RequestSeen> {
    let sent = browser.get(&format!("/login/adfs?return_to={return_to}&login_hint=ana@corp.example")).await?;
    anyhow::ensure!(sent.status == 303, "{} {}", sent.status, sent.body);
    Ok(RequestSeen::of_url(sent.header("location"))?)
}

pub(crate) async fn post(browser: &Browser, response: &str, relay_state: &str) -> Result<Answer> {
    browser.post_form("/saml/adfs/acs", &[("SAMLResponse", response), ("RelayState", relay_state)]).await
}

/// Whether an answer opens a session.
pub(crate) fn opens(answer: &Answer) -> bool {
    let cookies = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    cookies.into_iter().any(|cookie| cookie.starts_with("cardea=") && !cookie.starts_with("cardea=;"))
}

async fn a_person_signs_in_with_saml(engine: Engine) -> Result<()> {
    let scene = Scene::new(engine).await?;
    let (browser, request) = scene.begin("/me/keys").await?;
    let url = &scene.world.node().url;
    assert_eq!(request.issuer, format!("{url}/saml/adfs/metadata"));
    assert_eq!(request.acs.as_deref(), Some(format!("{url}/saml/adfs/acs").as_str()));
    assert!(request.id.len() >= 43 && request.id.starts_with('_'), "{}", request.id);
    let answer =
        post(&browser, &scene.provider.respond(&request, "ana"), &request.relay_state.unwrap_or_default()).await?;
    assert_eq!((answer.status, answer.header("location")), (303, "/me/keys"), "{}", answer.body);
    let me = browser.get("/api/v1/me").await?.json();
    assert_eq!(me["user"]["email"], "ana@corp.example", "{me}");
    Ok(())
}

async fn a_response_signs_in_once(engine: Engine) -> Result<()> {
    let scene = Scene::new(engine).await?;
    let (browser, request) = scene.begin("/").await?;
    let response = scene.provider.respond(&request, "ana");
    assert!(opens(&post(&browser, &response, "").await?));
    let again = post(&browser, &response, "").await?;
    assert!(!opens(&again) && again.status == 401, "{}", again.body);
    Ok(())
}

async fn a_response_is_for_the_browser_that_asked(engine: Engine) -> Result<()> {
    let scene = Scene::new(engine).await?;
    let (browser, request) = scene.begin("/").await?;
    let response = scene.provider.respond(&request, "ana");
    let (victim, _) = scene.begin("/").await?;
    let stranger = scene.world.browser()?;
    for other in [&victim, &stranger] {
        let refused = post(other, &response, "").await?;
        assert!(!opens(&refused) && refused.status == 401, "{}", refused.body);
    }
    // Whoever asked is not kept out by what others tried.
    assert!(opens(&post(&browser, &response, "").await?));
    Ok(())
}

async fn whatever_is_written_beside_a_response_leads_nowhere(engine: Engine) -> Result<()> {
    let scene = Scene::new(engine).await?;
    for relay_state in cardea_simulate::saml::attacks::relay_states() {
        let (browser, request) = scene.begin("/me/keys").await?;
        let answer = post(&browser, &scene.provider.respond(&request, "ana"), &relay_state.value).await?;
        assert_eq!((answer.status, answer.header("location")), (303, "/me/keys"), "{}", relay_state.name);
        assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2, "{}", relay_state.name);
    }
    Ok(())
}

async fn a_session_ends_when_the_provider_wants_it_to(engine: Engine) -> Result<()> {
    let scene = Scene::new(engine).await?;
    // Ours last twelve.
    scene.provider.misbehave(ResponseMode::SessionEndsIn(8 * 3600));
    let browser = scene.sign_in("ana").await?;
    for hour in 1..=8 {
        assert_eq!(browser.get("/api/v1/me").await?.status, 200, "hour {hour}");
        for _ in 0..2 {
            scene.world.node().clock.advance(std::time::Duration::from_secs(1_799));
            browser.get("/api/v1/me").await?;
        }
    }
    scene.world.node().clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(browser.get("/api/v1/me").await?.status, 401);
    Ok(())
}

async fn a_connection_that_is_off_refuses_the_response(engine: Engine) -> Result<()> {
    let mut scene = Scene::new(engine).await?;
    let (browser, request) = scene.begin("/").await?;
    let response = scene.provider.respond(&request, "ana");
    scene.set("stage", json!("off")).await?;
    let refused = post(&browser, &response, "").await?;
    assert!(!opens(&refused) && refused.status >= 400, "{}", refused.body);
    assert_eq!(browser.get("/login/adfs").await?.status, 404);
    Ok(())
}

async fn a_provider_that_wants_a_form_is_asked_by_a_form(engine: Engine) -> Result<()> {
    let mut scene = Scene::new(engine).await?;
    let redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    let offers = scene.provider.metadata();
    let (head, rest) = offers.split_once("<md:SingleSignOnService").context("a service")?;
    let services: String =
        rest.split("<md:SingleSignOnService").filter(|service| !service.contains(redirect)).collect();
    scene.set("metadata", json!(format!("{head}<md:SingleSignOnService{services}"))).await?;
    let browser = scene.world.browser()?;
    let page = browser.get("/login/adfs?return_to=/me/keys").await?;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains(&format!("action=\"{}/sso\"", scene.base)), "{}", page.body);
    let field = |name: &str| {
        let (_, rest) = page.body.split_once(&format!("name=\"{name}\" value=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let request = RequestSeen::of_form(&field("SAMLRequest").context("a request")?, field("RelayState").as_deref())?;
    let answer = post(&browser, &scene.provider.respond(&request, "ana"), "").await?;
    assert_eq!((answer.status, answer.header("location")), (303, "/me/keys"), "{}", answer.body);
    Ok(())
}
