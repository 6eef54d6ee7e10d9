//! Leaving the org and the account, and coming back: everything ends at once, and nothing of it comes back by itself.

use anyhow::{Context as _, Result};
use cardea_testkit::world::DIRECTORY_TOKEN;
use cardea_testkit::{Answer, Browser, Engine, Node, NodeBuilder, stories, tamper};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Staff, USERS, add, delete, email, give, names, outcome, own_roles, pulls, refusal, user};

stories! {
    who_is_removed_from_the_org_loses_everything_and_stays_in_the_account,
    rules_give_nothing_to_whoever_left_until_they_are_added,
    who_is_removed_from_the_account_is_out_until_they_are_added,
    somebody_leaves_by_themselves,
}

const ACCOUNT: &str = "/api/v1/accounts/acme/users";

/// The receipt of an end of access that was answered.
async fn receipt(by: &Browser, node: &Node, ended: &Answer) -> Result<Value> {
    anyhow::ensure!(ended.status == 200, "{}", ended.body);
    node.finish_jobs().await?;
    let id = ended.json()["receipt"].as_str().context("a receipt")?.to_owned();
    Ok(by.get(&format!("/api/v1/orgs/acme/revocations/{id}")).await?.json())
}

/// Removal takes every role and credential in the org at once, on every node; the membership of the account stays.
async fn who_is_removed_from_the_org_loses_everything_and_stays_in_the_account(engine: Engine) -> Result<()> {
    let mut staff = Staff::new(engine).await?;
    staff.world.add_node(NodeBuilder::default().named("two")).await?;
    let [one, two] = staff.world.nodes.as_slice() else { anyhow::bail!("two nodes") };
    let role = json!({"service": "registry", "role": "user"});
    assert_eq!(give(&staff.owner, "dana", &role).await?.status, 200);
    let key = staff.dana.make_key("laptop", &["registry"]).await?.secret;
    two.catch_up().await?;
    for node in [one, two] {
        assert_eq!(pulls(&staff.world, node, &key, "acme/app").await?, true);
    }

    let removed = delete(&staff.bo, &user("dana")).await?;
    assert_eq!(pulls(&staff.world, one, &key, "acme/app").await?, "over");
    assert_eq!(staff.dana.get("/api/v1/me").await?.status, 401);
    two.catch_up().await?;
    assert_eq!(pulls(&staff.world, two, &key, "acme/app").await?, "over");
    assert_eq!(staff.dana.at(&two.url).get("/api/v1/me").await?.status, 401);
    let receipt = receipt(&staff.owner, one, &removed).await?;
    assert_eq!((&receipt["cause"], &receipt["by"]), (&json!("removed_from_org"), &json!("bo@corp.example")));
    assert_eq!((&receipt["ended"]["keys"][0]["name"], &receipt["ended"]["sessions"]), (&json!("laptop"), &json!(1)));
    assert_eq!(receipt["ended"]["left"], json!(["the membership of the account, because only the org was left"]));
    let letter = one.letter_to("dana@corp.example").await?;
    assert!(letter.text.contains("acme") && letter.text.contains("bo@corp.example"), "{}", letter.text);

    // Gone from the org, still in the account, and in without any role.
    assert!(!names(&staff.owner, USERS).await?.contains(&"Dana Levi".to_owned()));
    assert!(names(&staff.owner, ACCOUNT).await?.contains(&"Dana Levi".to_owned()));
    let dana = staff.world.sign_in("dana").await?;
    assert_eq!(own_roles(&dana).await?, Vec::<String>::new());
    assert_eq!(outcome(&give(&staff.owner, "dana", &role).await?), refusal(409, "left_org"));
    assert_eq!(outcome(&delete(&staff.owner, &user("dana")).await?), refusal(409, "left_org"));
    assert!(staff.owner.get(&user("dana")).await?.json()["left_org_at"].is_string());

    // Added again she has nothing of it until somebody gives it anew, and the old key stays dead even then.
    let added = add(&staff.bo, "dana").await?;
    assert_eq!((added.status, &added.json()["roles"]), (200, &json!([])), "{}", added.body);
    assert_eq!(outcome(&add(&staff.bo, "dana").await?), refusal(409, "in_org"));
    assert_eq!(own_roles(&dana).await?, Vec::<String>::new());
    assert_eq!(give(&staff.owner, "dana", &role).await?.status, 200);
    let fresh = dana.make_key("laptop", &["registry"]).await?.secret;
    two.catch_up().await?;
    for node in [one, two] {
        assert_eq!(pulls(&staff.world, node, &key, "acme/app").await?, "over");
        assert_eq!(pulls(&staff.world, node, &fresh, "acme/app").await?, true);
    }
    assert_eq!(tamper::halves(&one.app.db).await?, Vec::<String>::new());
    Ok(())
}

async fn rules_give_nothing_to_whoever_left_until_they_are_added(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let ana = staff.world.sign_in("ana").await?;
    let earned = own_roles(&ana).await?;
    let key = ana.make_key("laptop", &["registry"]).await?.secret;
    assert_eq!(pulls(&staff.world, staff.node(), &key, "acme/app").await?, true);
    assert_eq!(delete(&staff.owner, &user("ana")).await?.status, 200);
    for _ in 0..2 {
        let ana = staff.world.sign_in("ana").await?;
        assert_eq!(own_roles(&ana).await?, Vec::<String>::new());
        let body = json!({"name": "again", "never": true, "services": ["registry"]});
        assert_eq!(outcome(&ana.send(Method::POST, "/api/v1/me/keys", &body).await?), refusal(422, "no_role"));
    }
    assert_eq!(add(&staff.owner, "ana").await?.status, 200);
    let ana = staff.world.sign_in("ana").await?;
    assert_eq!(own_roles(&ana).await?, earned);
    let fresh = ana.make_key("again", &["registry"]).await?.secret;
    assert_eq!(pulls(&staff.world, staff.node(), &fresh, "acme/app").await?, true);
    assert_eq!(pulls(&staff.world, staff.node(), &key, "acme/app").await?, "over");
    Ok(())
}

/// Removal from the account is removal from every service; only adding them again lets them in.
async fn who_is_removed_from_the_account_is_out_until_they_are_added(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let node = staff.node();
    let address = format!("{ACCOUNT}/{}", email("dana"));
    let admin = json!({"account_role": "admin"});
    assert_eq!(staff.owner.send(Method::PATCH, &address, &admin).await?.status, 200);
    assert_eq!(give(&staff.owner, "dana", &json!({"service": "registry", "role": "user"})).await?.status, 200);
    let key = staff.dana.make_key("laptop", &["registry"]).await?.secret;
    let removed = delete(&staff.owner, &address).await?;
    let receipt = receipt(&staff.owner, node, &removed).await?;
    assert_eq!((&receipt["cause"], &receipt["source"]), (&json!("removed_from_account"), &json!("account")));
    assert_eq!(pulls(&staff.world, node, &key, "acme/app").await?, "over");
    let letter = node.letter_to("dana@corp.example").await?;
    assert!(letter.text.contains("account"), "{}", letter.text);
    assert_eq!(staff.world.browser()?.sign_in("okta", "dana").await?.status, 401);
    assert_eq!(outcome(&delete(&staff.owner, &address).await?), refusal(409, "left_account"));
    let promoted = staff.owner.send(Method::PATCH, &address, &admin).await?;
    assert_eq!(outcome(&promoted), refusal(409, "left_account"));

    // Who opens doors that were shut otherwise does not open this one: an admin, nor the directory.
    let opened = staff.owner.send(Method::POST, &format!("{}/reactivate", user("dana")), &json!({})).await?;
    assert_eq!(outcome(&opened), refusal(409, "no_hold"));
    for active in [false, true] {
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": email("dana"),
            "active": active, "emails": [{"value": email("dana"), "primary": true}]});
        let posted = scim(&staff, Method::POST, "", &body).await?;
        assert!([201, 409].contains(&posted.status), "{}", posted.body);
    }
    let found =
        scim(&staff, Method::GET, &format!("?filter=userName%20eq%20%22{}%22", email("dana")), &Value::Null).await?;
    let id = found.json()["Resources"][0]["id"].as_str().context("a record")?.to_owned();
    let on = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "active", "value": true}]});
    assert_eq!(scim(&staff, Method::PATCH, &format!("/{id}"), &on).await?.status, 200);
    assert_eq!(staff.world.browser()?.sign_in("okta", "dana").await?.status, 401);
    let dana = staff.owner.get(&format!("{ACCOUNT}?q=dana")).await?.json()["items"][0].clone();
    assert!(dana["left_account_at"].is_string() && dana["left_org_at"].is_string());
    assert_eq!((&dana["active"], &dana["account_role"]), (&json!(false), &json!("member")));

    assert_eq!(add(&staff.bo, "dana").await?.status, 200);
    let dana = staff.world.sign_in("dana").await?;
    assert_eq!(own_roles(&dana).await?, Vec::<String>::new());
    assert_eq!(dana.get(ACCOUNT).await?.status, 403);
    assert_eq!(pulls(&staff.world, node, &key, "acme/app").await?, "over");
    assert_eq!(tamper::halves(&node.app.db).await?, Vec::<String>::new());
    Ok(())
}

async fn scim(staff: &Staff, method: Method, path: &str, body: &Value) -> Result<Answer> {
    let address = format!("{}/scim/v2/Users{path}", staff.node().url);
    let request = staff.world.browser()?.request(method, &address).bearer_auth(DIRECTORY_TOKEN);
    Answer::read(if body.is_null() { request.send().await? } else { request.json(body).send().await? }).await
}

async fn somebody_leaves_by_themselves(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    assert_eq!(give(&staff.owner, "dana", &json!({"service": "registry", "role": "user"})).await?.status, 200);
    let key = staff.dana.make_key("laptop", &["registry"]).await?.secret;
    let left = Answer::read(staff.dana.request(Method::POST, "/api/v1/me/leave").send().await?).await?;
    let receipt = receipt(&staff.owner, staff.node(), &left).await?;
    assert_eq!((&receipt["cause"], &receipt["source"]), (&json!("left_org"), &json!("self")));
    assert_eq!(pulls(&staff.world, staff.node(), &key, "acme/app").await?, "over");
    assert_eq!(staff.dana.get("/api/v1/me").await?.status, 401);
    // Whoever leaves by themselves need not be told.
    assert!(staff.node().mail().await?.is_empty());
    let dana = staff.world.sign_in("dana").await?;
    let again = Answer::read(dana.request(Method::POST, "/api/v1/me/leave").send().await?).await?;
    assert_eq!(outcome(&again), refusal(409, "left_org"));
    assert_eq!(staff.world.browser()?.post_form("/api/v1/me/leave", &[]).await?.status, 401);
    Ok(())
}
