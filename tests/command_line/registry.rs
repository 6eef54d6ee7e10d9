//! What a registry is told to trust, printed by the real program.

use anyhow::{Context as _, Result};
use cardea_testkit::{Engine, stories};

use super::program::Installation;

stories! {
    the_trust_bundle_begins_with_the_same_authority_ever_after,
}

async fn the_trust_bundle_begins_with_the_same_authority_ever_after(engine: Engine) -> Result<()> {
    let place = Installation::new(engine)?;
    let first = place.run(&["registry", "trust-bundle"]).await?.good()?.out;
    let end = "-----END CERTIFICATE-----\n";
    let root = first.split_inclusive(end).next().context("an authority")?;
    assert!(first.starts_with("-----BEGIN CERTIFICATE-----\n") && first.ends_with(end), "{first}");
    assert_eq!(first.matches("BEGIN CERTIFICATE").count(), 2, "{first}");
    let again = place.run(&["registry", "trust-bundle", "--json"]).await?.good()?.json()?;
    assert!(again["trust_bundle"].as_str().is_some_and(|bundle| bundle.starts_with(root)), "{again}");
    place.run(&["audit", "verify"]).await?.good()?;
    Ok(())
}
