//! Nobody makes themselves more than they are.

use anyhow::{Context as _, Result};
use cardea_gateway::accounts;
use cardea_model::Caller;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Engine, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Staff, USERS, add, delete, email, give, outcome, refusal, take, user};

stories! {
    nobody_reaches_an_owner,
    a_user_admin_of_a_team_gives_nothing_beyond_it,
    who_administers_the_account_gives_nothing_in_the_org,
    whoever_has_no_business_here_changes_nobody,
}

const ACCOUNT: &str = "/api/v1/accounts/acme/users";

/// What everybody is, for the owner: to be the same before and after.
async fn everybody(staff: &Staff) -> Result<Vec<Value>> {
    let users = staff.owner.get(USERS).await?.json()["items"].as_array().cloned().context("items")?;
    let seen = |user: &Value| json!([user["id"], user["owner"], user["account_role"], user["active"], user["roles"]]);
    Ok(users.iter().map(seen).collect())
}

/// A user_admin makes nobody an owner, and neither edits nor removes one; an owner's roles are nobody's to edit.
async fn nobody_reaches_an_owner(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let before = everybody(&staff).await?;
    for owner in [json!({"role": "owner"}), json!({"service": "*", "role": "owner"})] {
        for (by, whom) in [(&staff.bo, "bo"), (&staff.bo, "dana"), (&staff.chika, "chika"), (&staff.owner, "dana")] {
            assert_eq!(outcome(&give(by, whom, &owner).await?), refusal(403, "owners_invite_owners"), "{owner} {whom}");
        }
    }
    for by in [&staff.bo, &staff.owner] {
        for role in [json!({"service": "registry", "role": "user"}), json!({"role": "user_admin"})] {
            assert_eq!(outcome(&give(by, OWNER.0, &role).await?), refusal(409, "owner_immutable"), "{role}");
        }
        assert_eq!(outcome(&take(by, OWNER.0, "role=user_admin").await?), refusal(409, "owner_immutable"));
    }
    assert_eq!(outcome(&delete(&staff.bo, &user(OWNER.0)).await?), refusal(403, "forbidden"));
    assert_eq!(everybody(&staff).await?, before);
    Ok(())
}

/// Neither in the org, nor in another team, nor another one who manages users.
async fn a_user_admin_of_a_team_gives_nothing_beyond_it(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let made = staff.owner.send(Method::POST, "/api/v1/orgs/acme/teams", &json!({"name": "audio"})).await?;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(give(&staff.owner, "dana", &json!({"service": "registry", "role": "user"})).await?.status, 200);
    let before = everybody(&staff).await?;
    for role in [
        json!({"service": "registry", "role": "user"}),
        json!({"team": "audio", "service": "registry", "role": "user"}),
        json!({"role": "user_admin"}),
        json!({"team": "vision", "role": "user_admin"}),
        json!({"team": "audio", "role": "user_admin"}),
    ] {
        for whom in ["chika", "dana"] {
            assert_eq!(outcome(&give(&staff.chika, whom, &role).await?), refusal(403, "forbidden"), "{role} {whom}");
        }
    }
    for role in ["service=registry&role=user", "team=vision&role=user_admin"] {
        assert_eq!(outcome(&take(&staff.chika, "dana", role).await?), refusal(403, "forbidden"), "{role}");
    }
    assert_eq!(outcome(&delete(&staff.chika, &user("dana")).await?), refusal(403, "forbidden"));
    assert_eq!(outcome(&add(&staff.chika, "dana").await?), refusal(403, "forbidden"));
    let team = staff.chika.send(Method::POST, "/api/v1/orgs/acme/teams", &json!({"name": "mine"})).await?;
    assert_eq!(outcome(&team), refusal(403, "forbidden"));
    assert_eq!(outcome(&delete(&staff.chika, "/api/v1/orgs/acme/teams/vision").await?), refusal(403, "forbidden"));
    assert_eq!(everybody(&staff).await?, before);
    Ok(())
}

/// The account is tenancy only: its admins give nothing in the org, and do not come by ownership by removing the owner.
async fn who_administers_the_account_gives_nothing_in_the_org(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let admin = json!({"account_role": "admin"});
    let promoted = staff.owner.send(Method::PATCH, &format!("{ACCOUNT}/{}", email("dana")), &admin).await?;
    assert_eq!(promoted.status, 200, "{}", promoted.body);
    let before = everybody(&staff).await?;
    for role in [
        json!({"service": "registry", "role": "user"}),
        json!({"team": "vision", "service": "registry", "role": "user"}),
        json!({"role": "user_admin"}),
    ] {
        assert_eq!(outcome(&give(&staff.dana, "dana", &role).await?), refusal(403, "forbidden"), "{role}");
    }
    assert_eq!(outcome(&take(&staff.dana, "bo", "role=user_admin").await?), refusal(403, "forbidden"));
    assert_eq!(outcome(&delete(&staff.dana, &user("chika")).await?), refusal(403, "forbidden"));
    let owner = format!("{ACCOUNT}/{}", OWNER.0);
    assert_eq!(outcome(&delete(&staff.dana, &owner).await?), refusal(409, "account_owner"));
    for role in ["admin", "member"] {
        let demoted = staff.dana.send(Method::PATCH, &owner, &json!({"account_role": role})).await?;
        assert_eq!(outcome(&demoted), refusal(409, "owner_immutable"), "{role}");
    }
    let myself = format!("{ACCOUNT}/{}", email("dana"));
    for by in [&staff.dana, &staff.owner] {
        let crowned = by.send(Method::PATCH, &myself, &json!({"account_role": "owner"})).await?;
        assert_eq!(outcome(&crowned), refusal(403, "owners_invite_owners"));
    }
    let described = staff.dana.send(Method::PATCH, "/api/v1/orgs/acme", &json!({"description": "mine"})).await?;
    assert_eq!(outcome(&described), refusal(403, "forbidden"));
    // A user_admin of the org is a plain member of the account, and has no say there.
    for answer in [
        staff.bo.get(ACCOUNT).await?,
        staff.bo.send(Method::PATCH, &format!("{ACCOUNT}/{}", email("bo")), &admin).await?,
        delete(&staff.bo, &format!("{ACCOUNT}/{}", email("chika"))).await?,
    ] {
        assert_eq!(outcome(&answer), refusal(403, "forbidden"));
    }
    assert_eq!(everybody(&staff).await?, before);
    Ok(())
}

/// Every write of these pages, by this browser.
async fn every_write(by: &Browser, bearer: Option<&str>) -> Result<Vec<Answer>> {
    let role = json!({"service": "registry", "role": "user"});
    let (dana, account) = (user("dana"), format!("{ACCOUNT}/{}", email("dana")));
    let teams = "/api/v1/orgs/acme/teams";
    let mut answers = Vec::new();
    for (method, address, body) in [
        (Method::POST, format!("{dana}/roles"), Some(role)),
        (Method::DELETE, format!("{dana}/roles?service=registry&role=user"), None),
        (Method::DELETE, dana, None),
        (Method::POST, USERS.to_owned(), Some(json!({"user": email("dana")}))),
        (Method::POST, ACCOUNT.to_owned(), Some(json!({"user": email("dana")}))),
        (Method::PATCH, account.clone(), Some(json!({"account_role": "admin"}))),
        (Method::DELETE, account, None),
        (Method::PATCH, "/api/v1/orgs/acme".to_owned(), Some(json!({"description": "mine"}))),
        (Method::POST, teams.to_owned(), Some(json!({"name": "mine"}))),
        (Method::PATCH, format!("{teams}/vision"), Some(json!({"description": "mine"}))),
        (Method::DELETE, format!("{teams}/vision"), None),
    ] {
        let mut request = by.request(method, &address);
        if let Some(body) = &body {
            request = request.json(body);
        }
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        answers.push(Answer::read(request.send().await?).await?);
    }
    Ok(answers)
}

/// A plain member, a stranger, nobody, an operator, a key.
async fn whoever_has_no_business_here_changes_nobody(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    staff.world.sign_in("ana").await?;
    let before = everybody(&staff).await?;
    let app = &staff.node().app;
    let operator = accounts::create_operator(app, &app.ctx(Caller::System("test")), "ops").await?.reveal();
    let key = staff.world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?.secret;
    let stranger = neighbour(&staff).await?;
    let nobody = staff.world.browser()?;
    for (who, by, bearer, status) in [
        ("a member", &staff.dana, None, 403),
        ("a stranger", &stranger, None, 404),
        ("nobody", &nobody, None, 401),
        ("an operator", &nobody, Some(operator.as_str()), 403),
        ("a key", &nobody, Some(key.as_str()), 403),
    ] {
        for (number, answer) in every_write(by, bearer).await?.iter().enumerate() {
            assert_eq!(answer.status, status, "{who}, write {number}: {}", answer.body);
        }
    }
    // To a stranger what is there reads as what is not.
    for (there, nowhere) in [
        ("/api/v1/orgs/acme", "/api/v1/orgs/nowhere"),
        ("/api/v1/orgs/acme/teams", "/api/v1/orgs/nowhere/teams"),
        ("/api/v1/accounts/acme/users", "/api/v1/accounts/nowhere/users"),
    ] {
        let (one, other) = (stranger.get(there).await?, stranger.get(nowhere).await?);
        assert_eq!((one.status, &one.json()["detail"]), (404, &other.json()["detail"]), "{there}");
    }
    assert_eq!(everybody(&staff).await?, before);
    Ok(())
}

/// The owner of another account.
async fn neighbour(staff: &Staff) -> Result<Browser> {
    let state = json!({"version": 1, "accounts": [{"name": "next-door",
        "owner": {"email": "owner@next.test", "password": OWNER.1},
        "org": {"name": "next-door", "kind": "enterprise"}}]});
    staff.node().apply(state).await?;
    let browser = staff.world.browser()?;
    let fields = [("email", "owner@next.test"), ("password", OWNER.1)];
    assert_eq!(browser.post_form("/login/password", &fields).await?.status, 303);
    Ok(browser)
}
