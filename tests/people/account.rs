//! The account: who is in it, and who administers that.

use anyhow::{Context as _, Result};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Engine, stories};
use reqwest::Method;
use serde_json::json;

use super::{Staff, add, delete, email, names, outcome, own_roles, refusal};

stories! {
    an_admin_of_the_account_manages_who_is_in_it,
    what_an_account_role_cannot_be_is_said,
}

const ACCOUNT: &str = "/api/v1/accounts/acme/users";

/// The account has one owner; admins manage its users, members do not.
async fn an_admin_of_the_account_manages_who_is_in_it(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    assert_eq!(outcome(&staff.dana.get(ACCOUNT).await?), refusal(403, "forbidden"));
    let dana = format!("{ACCOUNT}/{}", email("dana"));
    let promoted = staff.owner.send(Method::PATCH, &dana, &json!({"account_role": "admin"})).await?;
    assert_eq!((promoted.status, &promoted.json()["account_role"]), (200, &json!("admin")), "{}", promoted.body);

    // It holds at once, for the session that she has.
    let everybody = ["Bo Chen", "Chika Obi", "Dana Levi", "owner@acme.test"];
    assert_eq!(names(&staff.dana, ACCOUNT).await?, everybody);
    assert_eq!(names(&staff.dana, &format!("{ACCOUNT}?q=CHEN")).await?, ["Bo Chen"]);
    let first = staff.dana.get(&format!("{ACCOUNT}?limit=3")).await?.json();
    let cursor = first["cursor"].as_str().context("a cursor")?;
    let second = staff.dana.get(&format!("{ACCOUNT}?limit=3&cursor={cursor}")).await?.json();
    let count = |page: &serde_json::Value| page["items"].as_array().map(Vec::len);
    assert_eq!((count(&first), count(&second), &second["cursor"]), (Some(3), Some(1), &json!(null)));
    let id = staff.dana.get("/api/v1/orgs/acme/audit").await?;
    assert_eq!(outcome(&id), refusal(403, "forbidden"));

    let chika = format!("{ACCOUNT}/{}", email("chika"));
    assert_eq!(staff.dana.send(Method::PATCH, &chika, &json!({"account_role": "admin"})).await?.status, 200);
    assert_eq!(staff.chika.get(ACCOUNT).await?.status, 200);
    assert_eq!(delete(&staff.dana, &chika).await?.status, 200);
    assert_eq!(staff.chika.get(ACCOUNT).await?.status, 401);
    // Let in again she is in the account only, and no admin of it; into the org she is added there.
    let again = json!({"user": email("chika")});
    assert_eq!(staff.world.browser()?.sign_in("okta", "chika").await?.status, 401);
    let readmitted = staff.dana.send(Method::POST, ACCOUNT, &again).await?;
    assert_eq!((readmitted.status, &readmitted.json()["account_role"]), (200, &json!("member")), "{}", readmitted.body);
    assert_eq!(outcome(&staff.dana.send(Method::POST, ACCOUNT, &again).await?), refusal(409, "in_account"));
    let chika = staff.world.sign_in("chika").await?;
    assert_eq!(own_roles(&chika).await?, Vec::<String>::new());
    assert_eq!(outcome(&add(&staff.dana, "chika").await?), refusal(403, "forbidden"));
    assert_eq!(add(&staff.bo, "chika").await?.status, 200);
    let ghost = staff.dana.send(Method::POST, ACCOUNT, &json!({"user": "ghost@corp.example"})).await?;
    assert_eq!(outcome(&ghost), refusal(404, "not_found"));

    let demoted = staff.owner.send(Method::PATCH, &dana, &json!({"account_role": "member"})).await?;
    assert_eq!(demoted.status, 200, "{}", demoted.body);
    assert_eq!(outcome(&staff.dana.get(ACCOUNT).await?), refusal(403, "forbidden"));
    Ok(())
}

async fn what_an_account_role_cannot_be_is_said(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    staff.world.sign_in("ana").await?;
    let ana = staff
        .owner
        .send(Method::PATCH, &format!("{ACCOUNT}/{}", email("ana")), &json!({"account_role": "admin"}))
        .await?;
    assert_eq!(outcome(&ana), refusal(409, "rule_managed"));
    assert!(ana.body.contains("Registry admins"), "{}", ana.body);
    let dana = format!("{ACCOUNT}/{}", email("dana"));
    for body in [json!({"account_role": "emperor"}), json!({}), json!({"account_role": "admin", "owner": true})] {
        assert_eq!(
            outcome(&staff.owner.send(Method::PATCH, &dana, &body).await?),
            refusal(422, "invalid_value"),
            "{body}"
        );
    }
    let owner =
        staff.owner.send(Method::PATCH, &format!("{ACCOUNT}/{}", OWNER.0), &json!({"account_role": "admin"})).await?;
    assert_eq!(outcome(&owner), refusal(409, "owner_immutable"));
    for nobody in ["ghost@corp.example", "nonsense"] {
        let answer =
            staff.owner.send(Method::PATCH, &format!("{ACCOUNT}/{nobody}"), &json!({"account_role": "admin"})).await?;
        assert_eq!(outcome(&answer), refusal(404, "not_found"));
    }
    assert_eq!(staff.owner.get("/api/v1/accounts/%00/users").await?.status, 404);
    Ok(())
}
