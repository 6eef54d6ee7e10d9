//! How what a person granted goes on, and how all of it ends: by reuse, with their access, with their session.

use anyhow::{Context as _, Result};
use cardea_testkit::{Answer, Engine, Node, NodeBuilder, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::sign_on::{CALLBACK, WEB, code, failure, redeem, scene, tokens};
use super::{APP_SECRET, error, introspect, post};

stories! {
    oidcc_refresh_token,
    deactivation_ends_codes_and_tokens_at_once_on_every_node,
    signing_out_ends_what_hangs_on_the_session_and_nothing_else,
    what_outlives_a_session_ends_with_the_connection_for_good,
    a_client_of_one_account_serves_its_own_people,
}

pub(super) async fn refresh(node: &Node, token: &Value) -> Result<Answer> {
    let token = token.as_str().context("a refresh token")?;
    post(node, "/oauth2/token", WEB, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

pub(super) async fn is_active(node: &Node, token: &Value) -> Result<bool> {
    let said = introspect(node, ("store", APP_SECRET), token.as_str().context("a token")?).await?;
    Ok(said["active"] == true)
}

/// Each is good once and gives the next; one that comes twice ends all of them, however many come at once.
async fn oidcc_refresh_token(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let (node, ana) = (world.node(), world.sign_in("ana").await?);
    let first = tokens(node, &code(&ana, &[("scope", "openid offline_access")]).await?).await?;
    let second = refresh(node, &first["refresh_token"]).await?.json();
    assert!(second["refresh_token"] != first["refresh_token"] && second["id_token"].is_string(), "{second}");
    let stolen =
        post(node, "/oauth2/token", ("small", APP_SECRET), &[("grant_type", "refresh_token"), ("refresh_token", "x")]);
    assert_eq!(error(&stolen.await?), (400, "unauthorized_client".to_owned()));
    let token = second["refresh_token"].as_str().context("a refresh token")?;
    let wider = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", "openid email")];
    assert_eq!(error(&post(node, "/oauth2/token", WEB, &wider).await?), (400, "invalid_scope".to_owned()));
    assert!(is_active(node, &second["access_token"]).await?);
    let all = futures_of(node, &second["refresh_token"]).await?;
    assert_eq!(all.iter().filter(|answer| answer.status == 200).count(), 1, "one of ten");
    let winner = all.iter().find(|answer| answer.status == 200).context("a winner")?.json();
    assert!(!is_active(node, &second["access_token"]).await?);
    assert!(!is_active(node, &winner["access_token"]).await?);
    assert_eq!(refresh(node, &winner["refresh_token"]).await?.status, 400);
    Ok(())
}

async fn futures_of(node: &Node, token: &Value) -> Result<Vec<Answer>> {
    let (a, b, c, d, e) = tokio::join!(
        refresh(node, token),
        refresh(node, token),
        refresh(node, token),
        refresh(node, token),
        refresh(node, token)
    );
    let (f, g, h, i, j) = tokio::join!(
        refresh(node, token),
        refresh(node, token),
        refresh(node, token),
        refresh(node, token),
        refresh(node, token)
    );
    [a, b, c, d, e, f, g, h, i, j].into_iter().collect()
}

async fn deactivation_ends_codes_and_tokens_at_once_on_every_node(engine: Engine) -> Result<()> {
    let mut world = scene(engine).await?;
    // Both are known to the world by one address: what a token says of its issuer holds at either.
    let known_as = world.node().url.clone();
    world.add_node(NodeBuilder::default().named("two").with(|settings| settings.public_url = known_as)).await?;
    let (ana, owner) = (world.sign_in("ana").await?, world.sign_in_owner().await?);
    let [one, two] = world.nodes.as_slice() else { anyhow::bail!("two nodes") };
    let given = tokens(one, &code(&ana, &[("scope", "openid offline_access")]).await?).await?;
    let waiting = code(&ana, &[]).await?;
    assert!(is_active(two, &given["access_token"]).await?);
    let path = "/api/v1/orgs/acme/users/ana@corp.example/deactivate";
    let ended = owner.send(Method::POST, path, &json!({})).await?;
    assert_eq!(ended.status, 200, "{}", ended.body);
    for node in [one, two] {
        assert!(!is_active(node, &given["access_token"]).await?);
        assert_eq!(error(&refresh(node, &given["refresh_token"]).await?), (400, "invalid_grant".to_owned()));
        assert_eq!(error(&redeem(node, WEB, &waiting).await?), (400, "invalid_grant".to_owned()));
    }
    let token = given["access_token"].as_str().context("a token")?;
    let about = world.browser()?.post_form("/oauth2/userinfo", &[("access_token", token)]).await?;
    assert_eq!(error(&about), (401, "invalid_token".to_owned()));
    // What is given back gives none of it back.
    owner.send(Method::POST, "/api/v1/orgs/acme/users/ana@corp.example/reactivate", &json!({})).await?;
    assert!(!is_active(one, &given["access_token"]).await?);
    Ok(())
}

async fn signing_out_ends_what_hangs_on_the_session_and_nothing_else(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let (node, ana) = (world.node(), world.sign_in("ana").await?);
    let bound = tokens(node, &code(&ana, &[]).await?).await?;
    let offline = tokens(node, &code(&ana, &[("scope", "openid offline_access")]).await?).await?;
    ana.post_form("/logout", &[]).await?;
    assert!(!is_active(node, &bound["access_token"]).await?);
    assert_eq!(refresh(node, &bound["refresh_token"]).await?.status, 400);
    assert!(is_active(node, &offline["access_token"]).await?);
    assert_eq!(refresh(node, &offline["refresh_token"]).await?.status, 200);
    Ok(())
}

/// Also where nobody has a session any more from which it could be told.
async fn what_outlives_a_session_ends_with_the_connection_for_good(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let (node, ana) = (world.node(), world.sign_in("ana").await?);
    let offline = tokens(node, &code(&ana, &[("scope", "openid offline_access")]).await?).await?;
    ana.post_form("/logout", &[]).await?;
    assert!(is_active(node, &offline["access_token"]).await?);
    for stage in ["off", "live"] {
        let mut state = cardea_testkit::world::state(world.provider.issuer());
        state["accounts"][0]["connections"][0]["stage"] = json!(stage);
        let clients = state.as_object_mut().context("a document")?;
        clients.remove("clients");
        node.apply(state).await?;
        node.catch_up().await?;
        assert!(!is_active(node, &offline["access_token"]).await?, "{stage}");
        assert_eq!(refresh(node, &offline["refresh_token"]).await?.status, 400, "{stage}");
    }
    Ok(())
}

async fn a_client_of_one_account_serves_its_own_people(engine: Engine) -> Result<()> {
    let world = scene(engine).await?;
    let ana = world.sign_in("ana").await?;
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    let theirs = json!({"client_id": "theirs", "name": "Theirs", "secret": APP_SECRET, "redirect_uris": [CALLBACK],
        "grants": ["authorization_code"]});
    let globex = json!({"name": "globex", "org": {"name": "globex", "kind": "enterprise", "services": ["catalog"]},
        "owner": {"email": "owner@globex.test", "password": "Quite-another-horse-9-staple"}, "clients": [theirs]});
    state["accounts"].as_array_mut().context("accounts")?.push(globex);
    world.node().apply(state).await?;
    world.node().catch_up().await?;
    assert_eq!(failure(&ana, &[("client_id", "theirs")]).await?, "access_denied");
    Ok(())
}
