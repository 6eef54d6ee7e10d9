//! An instance that was used for a while is exported, made anew elsewhere from that document, and says the same of itself.

use anyhow::{Context as _, Result};
use cardea_gateway::entitlements;
use cardea_model::Caller;
use cardea_model::entitlement::{Entitlement, State as Held};
use cardea_testkit::world::{DIRECTORY_TOKEN, OWNER, PORTAL_SECRET};
use cardea_testkit::{Browser, Database, Engine, Node, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{apply, dump, export, operator_token};
use crate::invitations::{CHOSEN, invited, join};

stories! {
    an_instance_is_made_anew_from_its_export_byte_for_byte,
    rules_that_are_edited_and_not_activated_stay_so,
}

const ORG: &str = "/api/v1/orgs/acme";

/// Everything that people do to an org over the API.
async fn lived_in(world: &World) -> Result<()> {
    let (node, owner) = (world.node(), world.sign_in_owner().await?);
    let send = async |method: Method, path: &str, body: Value| {
        let answer = owner.send(method, &format!("{ORG}{path}"), &body).await?;
        anyhow::ensure!(answer.status < 300, "{path}: {} {}", answer.status, answer.body);
        Ok(())
    };
    send(Method::PATCH, "", json!({"description": "Anvils"})).await?;
    send(Method::PUT, "/key-policy", json!({"max_age": "90d", "legacy": true})).await?;
    send(Method::POST, "/teams", json!({"name": "audio", "description": "Sound"})).await?;
    // Ben has roles by hand, Dee is an admin of the account, Ola owns the org too, Eve has left.
    let roles = json!({"roles": [{"service": "registry", "role": "user"},
        {"team": "vision", "service": "catalog", "role": "read"}, {"team": "audio", "service": "gateway", "role": "user_admin"}]});
    for (email, more) in [
        ("ben@acme.test", roles),
        ("dee@acme.test", json!({"account_role": "admin"})),
        ("ola@acme.test", json!({"owner": true, "account_role": "admin"})),
        ("eve@acme.test", json!({})),
    ] {
        join(world, &invited(node, &owner, email, &more).await?).await?;
    }
    send(Method::DELETE, "/users/eve@acme.test", json!({})).await?;
    // Ana has what the rules give, Bo what somebody gave by hand; Chika was shut out.
    for person in ["ana", "bo", "chika"] {
        world.sign_in(person).await?;
    }
    for person in ["bo", "chika"] {
        send(
            Method::POST,
            &format!("/users/{person}@corp.example/roles"),
            json!({"service": "registry", "role": "viewer"}),
        )
        .await?;
    }
    send(Method::POST, "/users/chika@corp.example/deactivate", json!({})).await?;
    // Two are on their way, one as an owner; a third was not wanted any more.
    let cy = json!({"message": "Hello Cy,\nwelcome.", "valid_for": "3d", "roles": [{"service": "registry", "role": "admin"}]});
    invited(node, &owner, "cy@acme.test", &cy).await?;
    invited(node, &owner, "pia@acme.test", &json!({"owner": true, "account_role": "admin"})).await?;
    invited(node, &owner, "no@acme.test", &json!({})).await?;
    let list = owner.get(&format!("{ORG}/invitations")).await?.json();
    let mut all = list["items"].as_array().context("invitations")?.iter();
    let unwanted = all.find(|invitation| invitation["email"] == "no@acme.test").context("it")?;
    send(Method::DELETE, &format!("/invitations/{}", unwanted["id"].as_str().context("an id")?), json!({})).await?;
    // A rule that is edited, and not in force.
    let readers = json!({"name": "Readers", "connection": "okta", "any_of": [{"equals": "NGC_AIE_PR_Reader"}],
        "grants": [{"service": "registry", "role": "viewer"}]});
    send(Method::POST, "/rules", readers).await?;
    let held = Entitlement {
        service: "catalog".to_owned(),
        state: Held::Suspended,
        ends_at: Some(node.app.clock.now().after(std::time::Duration::from_secs(86_400))),
    };
    entitlements::put(&node.app, &node.app.ctx(Caller::System("test")), "acme", held).await?;
    apply(node, &json!({"version": 1, "operators": [{"name": "ci", "token": operator_token()}]})).await?;
    Ok(())
}

/// The document with its secrets: an export only says where there are some.
fn filled(mut document: Value, operator: &str) -> Result<Value> {
    for (pointer, secret) in [
        ("/operators/0/token", operator),
        ("/accounts/0/owner/password", OWNER.1),
        ("/accounts/0/connections/0/client_secret", "provider-secret"),
        ("/accounts/0/directories/0/tokens/0/secret", DIRECTORY_TOKEN),
        ("/clients/0/secret", PORTAL_SECRET),
    ] {
        let place = document.pointer_mut(pointer).with_context(|| format!("{pointer} in the export"))?;
        assert_eq!(*place, json!({"kept": true}), "{pointer}");
        *place = json!(secret);
    }
    for user in document["accounts"][0]["users"].as_array_mut().context("users")? {
        if let Some(password) = user.get_mut("password") {
            *password = json!(CHOSEN);
        }
    }
    Ok(document)
}

async fn roles(browser: &Browser) -> Result<Vec<String>> {
    let me = browser.get("/api/v1/me").await?.json();
    let roles = me["orgs"][0]["roles"].as_array().context("roles")?.iter();
    Ok(roles.map(|role| format!("{}:{}", role["service"], role["role"]).replace('"', "")).collect())
}

/// Export, wipe, apply, export is byte-equal; a second apply does nothing and leaves no trace.
async fn an_instance_is_made_anew_from_its_export_byte_for_byte(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    lived_in(&world).await?;
    // What is done a moment later is done: nothing changes by itself from here on.
    while cardea_gateway::jobs::run_due(&world.node().app).await? > 0 {}
    let exported = export(world.node()).await?;
    let (text, value) = (serde_json::to_string(&exported)?, serde_json::to_value(&exported)?);
    let account = &value["accounts"][0];
    let called: Vec<_> = account["users"].as_array().context("users")?.iter().map(|user| &user["email"]).collect();
    assert_eq!(called, ["ben@acme.test", "bo@corp.example", "dee@acme.test", "ola@acme.test"]);
    let asked: Vec<_> = account["invitations"].as_array().context("them")?.iter().map(|it| &it["email"]).collect();
    assert_eq!(asked, ["cy@acme.test", "pia@acme.test"]);
    assert_eq!(account["description"], "Anvils");
    assert_eq!(account["org"]["keys"], json!({"max_age": "90d", "legacy": true}));
    assert_eq!(account["rules"].as_array().map(Vec::len), Some(2));
    assert_eq!(account["rules_in_force"].as_array().map(Vec::len), Some(1));

    // Applied where it comes from, it changes nothing.
    let before = dump(world.node()).await?;
    assert_eq!(apply(world.node(), &value).await?.changes, []);
    assert_eq!(dump(world.node()).await?, before);

    let database = Database::fresh(engine)?;
    let fresh = Node::start(&database).await?;
    let document = filled(value.clone(), &operator_token())?;
    apply(&fresh, &document).await?;
    assert_eq!(serde_json::to_string(&export(&fresh).await?)?, text);
    let sent = fresh.mail().await?.len();
    for again in [&document, &value] {
        assert_eq!(apply(&fresh, again).await?.changes, []);
        assert_eq!(serde_json::to_string(&export(&fresh).await?)?, text);
        assert_eq!(fresh.mail().await?.len(), sent);
    }
    in_the_new_place(&world, &fresh).await
}

/// The document was not only stored: people get in and have what they had, and no more.
async fn in_the_new_place(world: &World, fresh: &Node) -> Result<()> {
    let ben = Browser::new(&fresh.url)?;
    assert_eq!(
        ben.post_form("/login/password", &[("email", "ben@acme.test"), ("password", CHOSEN)]).await?.status,
        303
    );
    assert_eq!(roles(&ben).await?, ["registry:user", "gateway:user_admin", "catalog:read"]);
    world.provider.register_redirect_uri(&format!("{}/oidc/okta/callback", fresh.url));
    for (person, has) in
        [("bo", vec!["registry:viewer"]), ("ana", vec!["registry:admin", "catalog:read"]), ("chika", vec![])]
    {
        let browser = Browser::new(&fresh.url)?;
        assert_eq!(browser.sign_in("okta", person).await?.status, 200, "{person}");
        assert_eq!(roles(&browser).await?, has, "{person}");
    }
    // No link was carried over: whoever is asked has a new one, good for as long as the first.
    let letter = fresh.letter_to("cy@acme.test").await?;
    assert!(letter.text.contains("> welcome."), "{}", letter.text);
    let link = url::Url::parse(letter.links.first().context("a link")?)?.path().to_owned();
    let cy = Browser::new(&fresh.url)?;
    assert_eq!(cy.post_form(&link, &[("password", CHOSEN)]).await?.status, 200);
    assert_eq!(roles(&cy).await?, ["registry:admin"]);
    fresh.finish_jobs().await
}

async fn rules_that_are_edited_and_not_activated_stay_so(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let bo = world.sign_in("bo").await?;
    let owner = world.sign_in_owner().await?;
    let readers = json!({"name": "Readers", "connection": "okta", "any_of": [{"equals": "NGC_AIE_PR_Reader"}],
        "grants": [{"service": "registry", "role": "viewer"}]});
    assert_eq!(owner.send(Method::POST, &format!("{ORG}/rules"), &readers).await?.status, 201);
    let exported = serde_json::to_value(export(world.node()).await?)?;
    assert_eq!(apply(world.node(), &exported).await?.changes, []);
    assert_eq!(roles(&bo).await?, [""; 0]);

    // A document that says nothing of what is in force stands for the preview of its rules.
    let mut document = exported;
    document["accounts"][0].as_object_mut().context("acme")?.remove("rules_in_force");
    let made: Vec<String> = apply(world.node(), &document).await?.changes.iter().map(ToString::to_string).collect();
    assert_eq!(made, ["~ accounts[acme]  rules_in_force: others → as the document says"]);
    assert_eq!(roles(&bo).await?, ["registry:viewer"]);
    assert_eq!(apply(world.node(), &document).await?.changes, []);
    let exported = serde_json::to_value(export(world.node()).await?)?;
    assert_eq!(exported["accounts"][0].get("rules_in_force"), None);
    world.node().finish_jobs().await
}
