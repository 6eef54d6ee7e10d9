//! What we publish to SAML providers, and what we read of them at their address.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cardea_simulate::saml::{MetadataMode, OldKeys};
use cardea_testkit::{Engine, stories};
use serde_json::{Value, json};
use std::time::Duration;

use super::{Scene, opens, post};

stories! {
    our_metadata_says_what_providers_need,
    our_keys_take_turns_and_every_one_is_published_before,
    metadata_is_read_at_its_address_and_again_every_hour,
    a_document_that_cannot_be_used_is_refused_by_name,
    whatever_a_provider_publishes_later_what_was_good_stays,
}

/// The certificate of the first key of this use, DER.
pub(crate) fn certificate(metadata: &str, usage: &str) -> Option<Vec<u8>> {
    certificates(metadata, usage).into_iter().next()
}

fn certificates(metadata: &str, usage: &str) -> Vec<Vec<u8>> {
    let keys = metadata.split("<md:KeyDescriptor ").skip(1);
    let keys = keys.filter(|key| key.starts_with(&format!("use=\"{usage}\"")));
    let text = |key: &str| Some(key.split_once("<ds:X509Certificate>")?.1.split_once('<')?.0.to_owned());
    keys.filter_map(|key| STANDARD.decode(text(key)?).ok()).collect()
}

async fn our_metadata_says_what_providers_need(engine: Engine) -> Result<()> {
    let scene = Scene::new(engine).await?;
    let (browser, url) = (scene.world.browser()?, &scene.world.node().url);
    let answer = browser.get("/saml/adfs/metadata").await?;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/samlmetadata+xml"));
    for said in [
        format!("entityID=\"{url}/saml/adfs/metadata\""),
        format!("Location=\"{url}/saml/adfs/acs\""),
        format!("Location=\"{url}/saml/adfs/slo\""),
        "WantAssertionsSigned=\"true\"".to_owned(),
        "AuthnRequestsSigned=\"true\"".to_owned(),
    ] {
        assert!(answer.body.contains(&said), "{said}: {}", answer.body);
    }
    let (signing, encryption) = (certificate(&answer.body, "signing"), certificate(&answer.body, "encryption"));
    assert!(signing.is_some() && encryption.is_some() && signing != encryption);
    // The request that the browser carries is signed with the published key.
    let sent = browser.get("/login/adfs").await?;
    let request = cardea_simulate::saml::RequestSeen::of_url(sent.header("location"))?;
    assert!(request.is_signed_by(&signing.context("a certificate")?), "{request:?}");
    for nothing in ["/saml/okta/metadata", "/saml/nobody/metadata"] {
        assert_eq!(browser.get(nothing).await?.status, 404, "{nothing}");
    }
    Ok(())
}

async fn our_keys_take_turns_and_every_one_is_published_before(engine: Engine) -> Result<()> {
    let scene = Scene::new(engine).await?;
    let (browser, node) = (scene.world.browser()?, scene.world.node());
    let published = async || -> Result<Vec<Vec<u8>>> {
        Ok(certificates(&browser.get("/saml/adfs/metadata").await?.body, "signing"))
    };
    let first = published().await?;
    assert_eq!(first.len(), 1);
    let day = Duration::from_secs(86_400);
    scene.world.node().clock.advance(day * (3 * 365 - 89));
    cardea_gateway::jobs::tidy_up(&node.app).await?;
    let both = published().await?;
    assert_eq!((both.len(), &both[0]), (2, &first[0]), "the next one is published long before its turn");
    scene.world.node().clock.advance(day * 91);
    cardea_gateway::jobs::tidy_up(&node.app).await?;
    let turned = published().await?;
    assert_eq!(turned.len(), 2, "the old one stays for a while");
    let sent = browser.get("/login/adfs").await?;
    let request = cardea_simulate::saml::RequestSeen::of_url(sent.header("location"))?;
    assert!(request.is_signed_by(&both[1]) && !request.is_signed_by(&both[0]));
    // What a provider still encrypts for the old key is read.
    scene.world.node().clock.advance(day * 91);
    cardea_gateway::jobs::tidy_up(&node.app).await?;
    assert_eq!(published().await?, vec![both[1].clone()]);
    Ok(())
}

async fn metadata_is_read_at_its_address_and_again_every_hour(engine: Engine) -> Result<()> {
    let mut scene = Scene::new(engine).await?;
    let connection = scene.state.pointer_mut("/accounts/0/connections/1").context("adfs")?;
    connection.as_object_mut().context("an object")?.remove("metadata");
    scene.set("metadata_url", json!(format!("{}/metadata", scene.base))).await?;
    scene.sign_in("ana").await?;
    let node = scene.world.node();
    // The provider signs with a key that nobody has read yet.
    scene.provider.rotate(OldKeys::Dropped)?;
    let (browser, request) = scene.begin("/").await?;
    let refused = post(&browser, &scene.provider.respond(&request, "ana"), "").await?;
    assert!(!opens(&refused), "a key is never learnt from the response");
    scene.world.node().clock.advance(Duration::from_secs(3_600));
    cardea_gateway::jobs::tidy_up(&node.app).await?;
    scene.sign_in("ana").await?;
    let changed = scene.world.sign_in_owner().await?.get("/api/v1/orgs/acme/audit?limit=50").await?;
    assert!(changed.body.contains("connection.metadata_changed"), "{}", changed.body);
    Ok(())
}

async fn a_document_that_cannot_be_used_is_refused_by_name(engine: Engine) -> Result<()> {
    let mut scene = Scene::new(engine).await?;
    let table = [
        ("has a document type definition", MetadataMode::Doctype),
        ("no usable signing certificate", MetadataMode::NoKeys),
        ("too weak", MetadataMode::WeakKey),
        ("is not allowed", MetadataMode::ScriptUrl),
        ("several identity providers", MetadataMode::Aggregate),
    ];
    for (why, mode) in table {
        scene.provider.misbehave(mode);
        let refused = scene.set("metadata", Value::String(scene.provider.metadata())).await.err().context(why)?;
        let said = format!("{refused:?}");
        assert!(said.contains("accounts[0].connections[1].metadata") && said.contains(why), "{why}: {said}");
        scene.provider.behave();
    }
    let refused = scene.set("metadata", json!("<EntityDescriptor/>")).await.err().context("nothing")?;
    assert!(format!("{refused:?}").contains("describes no identity provider"), "{refused:?}");
    // Of several, the one that is named.
    scene.provider.misbehave(MetadataMode::Aggregate);
    let connection = scene.state.pointer_mut("/accounts/0/connections/1").context("adfs")?;
    connection["issuer"] = json!(scene.provider.entity_id());
    scene.set("metadata", Value::String(scene.provider.metadata())).await?;
    scene.sign_in("ana").await?;
    Ok(())
}

/// What a provider publishes may be gone, huge or somebody else's: what was good stays in force.
async fn whatever_a_provider_publishes_later_what_was_good_stays(engine: Engine) -> Result<()> {
    let mut scene = Scene::new(engine).await?;
    let connection = scene.state.pointer_mut("/accounts/0/connections/1").context("adfs")?;
    connection.as_object_mut().context("an object")?.remove("metadata");
    scene.provider.misbehave(MetadataMode::Status(500));
    scene.set("metadata_url", json!(format!("{}/metadata", scene.base))).await?;
    let refused = scene.world.browser()?.get("/login/adfs").await?;
    assert!((400..=503).contains(&refused.status), "{}", refused.body);
    scene.provider.behave();
    let again = scene.world.browser()?.get("/login/adfs").await?;
    assert_eq!((again.status, again.header("retry-after")), (503, "1"), "it is left alone for a minute");
    scene.world.node().clock.advance(Duration::from_secs(60));
    scene.sign_in("ana").await?;
    let modes = [
        MetadataMode::Status(404),
        MetadataMode::Huge,
        MetadataMode::NoKeys,
        MetadataMode::Entity("https://somebody.example/else".to_owned()),
        MetadataMode::Expired,
    ];
    for mode in modes {
        scene.provider.misbehave(mode.clone());
        scene.world.node().clock.advance(Duration::from_secs(3_600));
        cardea_gateway::jobs::tidy_up(&scene.world.node().app).await?;
        scene.provider.behave();
        scene.sign_in("ana").await.with_context(|| format!("{mode:?}"))?;
    }
    Ok(())
}
