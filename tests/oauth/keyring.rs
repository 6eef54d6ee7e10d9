//! The keys that sign take their turns, and whoever knows the published ones can verify what was signed before and after.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_gateway::jobs;
use cardea_store::signing_key;
use cardea_testkit::{Engine, Node, NodeBuilder, stories};
use serde_json::Value;

use super::{ROBOT, said, scene, token_of};

stories! {
    a_key_is_published_before_it_signs_and_after_it_has_signed,
    two_nodes_sign_with_the_same_keys,
    the_keys_are_sealed_where_they_are_stored,
}

const DAY: Duration = Duration::from_secs(86_400);

async fn published(node: &Node) -> Result<BTreeSet<String>> {
    let keys = cardea_testkit::Browser::new(&node.url)?.get("/oauth2/jwks").await?.json();
    let kid = |key: &Value| key["kid"].as_str().map(str::to_owned).context("a kid");
    keys["keys"].as_array().context("keys")?.iter().map(kid).collect()
}

async fn signer(node: &Node) -> Result<String> {
    let header = said(&token_of(node, ROBOT, &[]).await?, 0)?;
    Ok(header["kid"].as_str().context("a kid")?.to_owned())
}

async fn a_key_is_published_before_it_signs_and_after_it_has_signed(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let node = world.node();
    // Nobody has asked for a key: none is made.
    jobs::tidy_up(&node.app).await?;
    assert!(signing_key::all(&mut node.app.db.read().await?).await?.is_empty());
    let first = signer(node).await?;
    let before = published(node).await?;
    assert_eq!(before.len(), 2, "one for each algorithm");
    node.clock.advance(DAY * 28);
    jobs::tidy_up(&node.app).await?;
    node.catch_up().await?;
    let both = published(node).await?;
    assert_eq!((both.len(), both.is_superset(&before)), (4, true));
    assert_eq!(signer(node).await?, first);
    node.clock.advance(DAY * 2);
    jobs::tidy_up(&node.app).await?;
    node.catch_up().await?;
    let second = signer(node).await?;
    assert!(second != first && both.contains(&second));
    assert_eq!(published(node).await?, both, "what the first key signed is verified by it for a while");
    node.clock.advance(Duration::from_secs(2 * 3600));
    jobs::tidy_up(&node.app).await?;
    node.catch_up().await?;
    let after = published(node).await?;
    assert!(!after.contains(&first) && after.contains(&second) && after.len() == 2, "{after:?}");
    Ok(())
}

async fn two_nodes_sign_with_the_same_keys(engine: Engine) -> Result<()> {
    let mut world = scene(engine).await?;
    world.add_node(NodeBuilder::default().named("two")).await?;
    let [one, two] = world.nodes.as_slice() else { anyhow::bail!("two nodes") };
    let (first, second) = tokio::join!(published(one), published(two));
    assert_eq!(first?, second?);
    assert_eq!(signer(one).await?, signer(two).await?);
    Ok(())
}

async fn the_keys_are_sealed_where_they_are_stored(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    signer(world.node()).await?;
    let stored = signing_key::all(&mut world.node().app.db.read().await?).await?;
    assert_eq!(stored.len(), 2);
    for key in stored {
        // The object identifiers that every stored key pair begins with (RFC 5958): EC public key, RSA encryption.
        for mark in [&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01][..], &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01]] {
            assert!(!key.sealed.windows(mark.len()).any(|part| part == mark), "{}", key.kid);
        }
    }
    Ok(())
}
