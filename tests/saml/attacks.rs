//! The whole catalogue of attacks, through the address to which providers post.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_simulate::people::{self, Person};
use cardea_simulate::saml::attacks::{Case, Expect, Said, Setting, catalogue};
use cardea_simulate::saml::{RequestSeen, SamlProvider, Shape};
use cardea_testkit::{Answer, Browser, Engine, stories};
use serde_json::json;
use tokio::net::TcpListener;

use super::{Scene, opens, post, provider};

stories! {
    every_valid_response_is_read_exactly,
    no_attack_of_the_catalogue_opens_a_session,
    a_provider_that_begins_by_itself_is_asked_first_or_refused,
}

/// Nothing that anybody posts takes longer to read, in a build that is not optimized.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the cases of one engine have in common.
struct Range {
    scene: Scene,
    other: SamlProvider,
    /// Nobody may ever call here.
    listener: TcpListener,
    certificate: Vec<u8>,
}

impl Range {
    async fn new(engine: Engine) -> Result<Self> {
        let scene = Scene::new(engine).await?;
        let (other, _) = provider(&scene.world, "https://other.example/saml").await?;
        let metadata = scene.world.browser()?.get("/saml/adfs/metadata").await?.body;
        let certificate = super::publishing::certificate(&metadata, "encryption").context("a certificate")?;
        Ok(Self { scene, other, listener: TcpListener::bind("127.0.0.1:0").await?, certificate })
    }

    /// Whoever is named by another attribute is somebody else.
    fn person(case: &Case) -> Person {
        let name = if case.shape == Shape::Generic { "ana".into() } else { format!("ana.{:?}", case.shape) };
        Person::new(&name.to_lowercase(), "Ana", "Ruiz").in_groups(&[people::REGISTRY_ADMINS, people::STAFF])
    }

    /// What somebody posts in this case who was sent to the provider with `request_id`.
    fn values(&self, case: &Case, request_id: &str) -> Result<Vec<String>> {
        self.with_setting(case, request_id, |setting| case.build(setting))
    }

    fn with_setting<R>(&self, case: &Case, request_id: &str, of: impl FnOnce(&Setting<'_>) -> R) -> Result<R> {
        let node = self.scene.world.node();
        Ok(of(&Setting {
            provider: &self.scene.provider,
            other: &self.other,
            service_entity_id: &format!("{}/saml/adfs/metadata", node.url),
            acs: &format!("{}/saml/adfs/acs", node.url),
            request_id,
            now: node.app.clock.now().as_seconds(),
            encryption_certificate: &self.certificate,
            person: &Self::person(case),
            listener: &format!("http://{}", self.listener.local_addr()?),
        }))
    }

    /// Plays a case; the last answer.
    async fn play(&self, case: &Case) -> Result<Answer> {
        let (browser, request) = self.scene.begin("/").await?;
        let mut values = self.values(case, &request.id)?;
        let last = values.pop().context("a response")?;
        for value in values {
            assert!(opens(&post(&browser, &value, "").await?), "{}: what comes before is good", case.name);
        }
        let browser = if case.other_browser { self.scene.world.browser()? } else { browser };
        let answer = tokio::time::timeout(PATIENCE, post(&browser, &last, "")).await.context(case.name)??;
        if opens(&answer) {
            let said = self.with_setting(case, &request.id, |setting| case.said(setting))?;
            self.is_exactly(case, &said, &browser).await?;
        }
        Ok(answer)
    }

    /// Whoever got in is who the signed document says, and in its groups.
    async fn is_exactly(&self, case: &Case, said: &Said, browser: &Browser) -> Result<()> {
        let names = case.shape.attributes();
        let me = browser.get("/api/v1/me").await?.json();
        if let Some(addresses) = said.values(names.email) {
            assert_eq!(me["user"]["email"].as_str(), addresses.first().map(String::as_str), "{}", case.name);
        }
        let groups = said.values(names.groups).unwrap_or_default();
        let is_admin = groups.iter().flat_map(|joined| joined.split(';')).any(|group| group == people::REGISTRY_ADMINS);
        let roles = me["orgs"][0]["roles"].as_array().cloned().unwrap_or_default();
        let has_role = roles.iter().any(|role| role["service"] == "registry" && role["role"] == "admin");
        assert_eq!(has_role, is_admin, "{}: {me}", case.name);
        Ok(())
    }

    async fn nobody_called(&self) -> bool {
        tokio::time::timeout(Duration::ZERO, self.listener.accept()).await.is_err()
    }
}

fn of(expect: &[Expect]) -> Vec<Case> {
    catalogue().into_iter().filter(|case| expect.contains(&case.expect)).collect()
}

async fn every_valid_response_is_read_exactly(engine: Engine) -> Result<()> {
    let mut range = Range::new(engine).await?;
    let mut failed = Vec::new();
    for case in of(&[Expect::Accept]) {
        if case.shape != Shape::Generic {
            let split = (case.shape == Shape::OneLogin).then_some(';');
            range.scene.reads(case.shape.attributes(), split).await?;
        }
        if case.unsolicited {
            range.scene.set("idp_initiated", json!(true)).await?;
        }
        let answer = range.play(&case).await?;
        // Whoever begins at the provider is sent there once more, and signed in by what they then bring.
        let good = if case.unsolicited { answer.header("location").contains("SAMLRequest=") } else { opens(&answer) };
        if !good {
            failed.push(format!("{}: {} {}", case.name, answer.status, range.scene.reason().await?));
        }
        if case.shape != Shape::Generic {
            range.scene.reads(Shape::Generic.attributes(), None).await?;
        }
        if case.unsolicited {
            range.scene.set("idp_initiated", json!(false)).await?;
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(range.nobody_called().await);
    Ok(())
}

async fn no_attack_of_the_catalogue_opens_a_session(engine: Engine) -> Result<()> {
    let range = Range::new(engine).await?;
    let (mut opened, mut odd, mut uniform) = (Vec::new(), Vec::new(), Vec::new());
    for case in of(&[Expect::Reject, Expect::RejectOrExact]) {
        let answer = range.play(&case).await?;
        if opens(&answer) && case.expect == Expect::Reject {
            opened.push(format!("{}/{}", case.class, case.name));
        }
        if !opens(&answer) && !matches!(answer.status, 400 | 401 | 403 | 404 | 413 | 422) {
            odd.push(format!("{}/{}: {} {}", case.class, case.name, answer.status, answer.body));
        }
        if case.uniform {
            uniform.push((case.name, range.scene.reason().await?));
        }
    }
    assert!(opened.is_empty(), "{opened:#?}");
    assert!(odd.is_empty(), "{odd:#?}");
    let first = uniform.first().map(|(_, reason)| reason.clone());
    assert!(uniform.iter().all(|(_, reason)| Some(reason) == first.as_ref()), "{uniform:#?}");
    assert!(range.nobody_called().await, "a reference made us call somebody");
    Ok(())
}

async fn a_provider_that_begins_by_itself_is_asked_first_or_refused(engine: Engine) -> Result<()> {
    let mut range = Range::new(engine).await?;
    let unasked = catalogue().into_iter().find(|case| case.unsolicited).context("a case")?;
    let response = range.values(&unasked, "")?.pop().context("a response")?;
    let stranger = range.scene.world.browser()?;
    let refused = post(&stranger, &response, "").await?;
    assert!(!opens(&refused) && refused.status == 401, "{}", refused.body);
    range.scene.set("idp_initiated", json!(true)).await?;
    let sent = post(&stranger, &response, "https://evil.example/").await?;
    assert!(!opens(&sent), "nobody is in by what they did not ask for");
    let request = RequestSeen::of_url(sent.header("location"))?;
    let answer = post(&stranger, &range.scene.provider.respond(&request, "ana"), "").await?;
    assert!(opens(&answer) && answer.header("location") == "/", "{}", answer.body);
    Ok(())
}
