//! A link is used: for an account that somebody owns, or for a new one.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Engine, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Operator, refusal, refused};

stories! {
    an_owner_claims_for_an_account_of_theirs_once,
    an_account_that_gains_nothing_is_not_eligible,
    who_owns_no_account_makes_a_new_one,
    somebody_new_makes_an_account_and_a_way_in,
    who_is_known_here_signs_in_first,
}

const PASSWORD: &str = "Purple-tiger-41-canoe";

async fn claim(browser: &Browser, secret: &str, wanted: &Value) -> Result<Answer> {
    browser.send(Method::POST, &format!("/api/v1/activations/{secret}/claim"), wanted).await
}

/// The accounts for which somebody can use a link.
async fn eligible(browser: &Browser, secret: &str) -> Result<Vec<String>> {
    let look = browser.get(&format!("/api/v1/activations/{secret}")).await?;
    assert_eq!(look.status, 200, "{}", look.body);
    let look = look.json();
    let accounts = look["accounts"].as_array().context("accounts")?.iter();
    Ok(accounts.map(|account| account["account"].as_str().unwrap_or_default().to_owned()).collect())
}

async fn an_owner_claims_for_an_account_of_theirs_once(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let operator = Operator::of(node).await?;
    let owner = world.sign_in_owner().await?;
    // The same person owns an individual's account besides.
    let solo = json!({"version": 1, "accounts": [{"name": "solo", "owner": {"email": OWNER.0},
        "org": {"name": "solo", "kind": "individual"}}]});
    node.apply(solo).await?;
    let end = node.app.clock.now().after(Duration::from_secs(90 * 86_400)).to_string();
    let wanted = json!({"service": "ai_enterprise", "email": "Owner@acme.test", "entitlement_ends_at": end});
    let offered = operator.send(Method::POST, "/api/v1/activations", &wanted).await?.json();
    let secret = offered["secret"].as_str().context("a secret")?;
    assert_eq!(eligible(&owner, secret).await?, ["acme", "solo"]);
    for (wanted, expected) in [
        (json!({}), refused(422, "one_account")),
        (json!({"account": "acme", "new_account": "x"}), refused(422, "one_account")),
        (json!({"account": "none"}), refused(403, "not_owner")),
        (json!({"new_account": "acme"}), refused(409, "name_taken")),
        (json!({"new_account": "two words"}), refused(422, "invalid_name")),
    ] {
        assert_eq!(refusal(&claim(&owner, secret, &wanted).await?), expected, "{wanted}");
    }
    // What was refused has used nothing up.
    let claimed = claim(&owner, secret, &json!({"account": "solo"})).await?;
    assert_eq!(claimed.status, 200, "{}", claimed.body);
    let claimed = claimed.json();
    assert_eq!((&claimed["account"]["name"], &claimed["account"]["kind"]), (&json!("solo"), &json!("enterprise")));
    assert_eq!(
        (&claimed["new"], &claimed["converted"], &claimed["ends_at"]),
        (&json!(false), &json!(true), &json!(end))
    );
    assert_eq!(operator.get("/api/v1/accounts/solo").await?.json(), claimed["account"]);
    assert_eq!(operator.entitlements("solo").await?, ["ai_enterprise:active", "catalog:active"]);
    let again = claim(&owner, secret, &json!({"account": "acme"})).await?;
    assert_eq!(refusal(&again), refused(409, "activation_used"));
    assert_eq!(operator.entitlements("acme").await?.len(), 3);
    let list = operator.get("/api/v1/activations").await?.json();
    assert_eq!(
        (&list["items"][0]["state"], &list["items"][0]["claimed_by"]),
        (&json!("claimed"), &claimed["account"]["id"])
    );
    Ok(())
}

async fn an_account_that_gains_nothing_is_not_eligible(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let operator = Operator::of(node).await?;
    let owner = world.sign_in_owner().await?;
    let secret = operator.offer("registry", OWNER.0, false).await?;
    let wanted = json!({"account": "acme"});
    for how in
        [json!({}), json!({"state": "suspended"}), json!({"state": "suspended", "ends_at": "2020-01-01T00:00:00Z"})]
    {
        operator.entitle("acme", "registry", &how).await?;
        assert_eq!(eligible(&owner, &secret).await?, [""; 0], "{how}");
        assert_eq!(refusal(&claim(&owner, &secret, &wanted).await?), refused(409, "not_eligible"), "{how}");
    }
    // What has ended, or ends earlier, gains.
    for how in [json!({"ends_at": "2020-01-01T00:00:00Z"}), json!({"ends_at": "2031-01-01T00:00:00Z"})] {
        operator.entitle("acme", "registry", &how).await?;
        assert_eq!(eligible(&owner, &secret).await?, ["acme"], "{how}");
    }
    let claimed = claim(&owner, &secret, &wanted).await?;
    assert_eq!((claimed.status, &claimed.json()["ends_at"]), (200, &Value::Null));
    Ok(())
}

/// To an account that one does not own nothing is activated; with a new one it is.
async fn who_owns_no_account_makes_a_new_one(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let operator = Operator::of(node).await?;
    let ana = world.sign_in("ana").await?;
    let secret = operator.offer("registry", "ana@corp.example", true).await?;
    assert_eq!(eligible(&ana, &secret).await?, [""; 0]);
    // An account of others reads like one that is not there.
    let (theirs, none) = (json!({"account": "acme"}), json!({"account": "none"}));
    let answers = [claim(&ana, &secret, &theirs).await?, claim(&ana, &secret, &none).await?];
    let [theirs, none] = answers.map(|answer| (refusal(&answer), answer.json()["detail"].clone()));
    assert_eq!(theirs.0, refused(403, "not_owner"));
    assert_eq!(theirs, none);
    let bo = world.sign_in("bo").await?;
    assert_eq!(refusal(&claim(&bo, &secret, &json!({"new_account": "bos"})).await?), refused(403, "other_address"));
    let (path, anew) = (format!("/api/v1/activations/{secret}/claim"), json!({"new_account": "ops"}));
    let by_operator = operator.send(Method::POST, &path, &anew).await?;
    assert_eq!(refusal(&by_operator), refused(403, "forbidden"));

    let claimed = claim(&ana, &secret, &json!({"new_account": "Anas-Lab"})).await?;
    assert_eq!(claimed.status, 200, "{}", claimed.body);
    let claimed = claimed.json();
    assert_eq!(
        (&claimed["new"], &claimed["account"]["org"], &claimed["account"]["kind"]),
        (&json!(true), &json!("anas-lab"), &json!("individual"))
    );
    assert_eq!(operator.entitlements("Anas-Lab").await?, ["catalog:active", "registry:active"]);
    assert!(node.letter_to("ana@corp.example").await?.text.contains("Anas-Lab"));
    // She owns it, and may take the next one for it.
    let next = operator.offer("ai_enterprise", "ana@corp.example", true).await?;
    assert_eq!(eligible(&ana, &next).await?, ["Anas-Lab"]);
    let converted = claim(&ana, &next, &json!({"account": "Anas-Lab"})).await?.json();
    assert_eq!((&converted["converted"], &converted["account"]["kind"]), (&json!(true), &json!("enterprise")));
    Ok(())
}

/// A new person names an account, chooses a password and has account, org and service.
async fn somebody_new_makes_an_account_and_a_way_in(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let operator = Operator::of(world.node()).await?;
    let secret = operator.offer("ai_enterprise", "New@newco.test", true).await?;
    let nobody = world.browser()?;
    for (wanted, expected) in [
        (json!({"account": "acme"}), refused(401, "unauthenticated")),
        (json!({"new_account": "newco"}), refused(422, "password_needed")),
        (json!({"new_account": "newco", "password": "short"}), refused(422, "weak_password")),
        (json!({"new_account": "acme", "password": PASSWORD}), refused(409, "name_taken")),
    ] {
        assert_eq!(refusal(&claim(&nobody, &secret, &wanted).await?), expected, "{wanted}");
    }
    let claimed = claim(&nobody, &secret, &json!({"new_account": "newco", "password": PASSWORD})).await?;
    assert_eq!(claimed.status, 200, "{}", claimed.body);
    let claimed = claimed.json();
    assert_eq!((&claimed["new"], &claimed["account"]["kind"]), (&json!(true), &json!("enterprise")));
    // The link is no way in: the password is.
    assert_eq!(nobody.get("/api/v1/me").await?.status, 401);
    let entered = nobody.post_form("/login/password", &[("email", "new@newco.test"), ("password", PASSWORD)]).await?;
    assert_eq!(entered.status, 303, "{}", entered.body);
    let me = nobody.get("/api/v1/me").await?.json();
    assert_eq!((&me["account"], &me["user"]["email_verified"]), (&json!("newco"), &json!(true)));
    assert_eq!(me["orgs"][0]["roles"][0]["role"], "owner");
    assert_eq!(
        refusal(&claim(&nobody, &secret, &json!({"new_account": "more"})).await?),
        refused(409, "activation_used")
    );
    assert_eq!(operator.get("/api/v1/accounts").await?.json()["items"].as_array().map(Vec::len), Some(2));
    Ok(())
}

/// A link makes no second way in to somebody, and none beside the provider of their domain.
async fn who_is_known_here_signs_in_first(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let operator = Operator::of(world.node()).await?;
    let wanted = json!({"new_account": "mine", "password": PASSWORD});
    for address in [OWNER.0, "unseen@corp.example"] {
        let secret = operator.offer("ai_enterprise", address, true).await?;
        let answer = claim(&world.browser()?, &secret, &wanted).await?;
        assert_eq!(refusal(&answer), refused(401, "sign_in_first"), "{address}");
    }
    assert_eq!(operator.get("/api/v1/accounts/mine").await?.status, 404);
    Ok(())
}
