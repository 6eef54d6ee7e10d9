//! Roles that people give and take by hand.

use anyhow::{Context as _, Result};
use cardea_testkit::{Engine, NodeBuilder, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Staff, USERS, email, give, names, outcome, own_roles, pulls, refusal, take, user, words};

stories! {
    a_role_is_given_and_taken_by_hand,
    what_cannot_be_given_is_said,
    whose_roles_rules_give_is_not_changed_by_hand,
    an_org_of_one_person_gives_nobody_else_anything,
    a_user_admin_makes_another_where_it_is_allowed,
    who_manages_a_team_sees_and_changes_only_what_is_there,
}

/// Picking a role and adding it works at once, and so does taking it away.
async fn a_role_is_given_and_taken_by_hand(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let role = json!({"service": "registry", "role": "user"});
    for _ in 0..2 {
        let given = give(&staff.bo, "dana", &role).await?;
        assert_eq!(given.status, 200, "{}", given.body);
        assert_eq!(words(&given.json()["roles"]), ["/registry/user"]);
    }
    let me = staff.dana.get("/api/v1/me").await?.json();
    let because = json!([{"rule": "", "source": "manual", "value": ""}]);
    assert_eq!(me["orgs"][0]["roles"][0]["because"], because);
    let key = staff.dana.make_key("laptop", &["registry"]).await?.secret;
    assert_eq!(pulls(&staff.world, staff.node(), &key, "acme/app").await?, true);

    let taken = take(&staff.bo, "dana", "service=registry&role=user").await?;
    assert_eq!((taken.status, taken.json()), (200, json!({"roles": []})));
    assert_eq!(pulls(&staff.world, staff.node(), &key, "acme/app").await?, "no_role");
    assert_eq!(outcome(&take(&staff.bo, "dana", "service=registry&role=user").await?), refusal(404, "not_found"));

    // What happened is written down, each once, with who did it.
    let log = staff.owner.get("/api/v1/orgs/acme/audit").await?.json();
    let events = log["items"].as_array().cloned().context("events")?;
    let dana = staff.dana.get("/api/v1/me").await?.json()["user"]["id"].clone();
    let of = |action: &str| events.iter().filter(|one| one["action"] == action && one["target"] == dana).count();
    assert_eq!((of("role.given"), of("role.taken")), (1, 1));
    Ok(())
}

async fn what_cannot_be_given_is_said(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    for (role, code, word) in [
        (json!({"service": "secrets_manager", "role": "user"}), "unknown_role", "secrets_manager"),
        (json!({"service": "registry", "role": "emperor"}), "unknown_role", "emperor"),
        (json!({"service": "gateway", "role": "emperor"}), "unknown_role", "gateway"),
        (json!({"service": "nonsense\u{0}", "role": "user"}), "unknown_role", "nonsense"),
        (json!({"team": "audio", "service": "registry", "role": "user"}), "unknown_team", "audio"),
        (json!({"team": "vision\u{0}", "service": "registry", "role": "user"}), "unknown_team", "vision"),
        (json!({"team": "", "service": "registry", "role": "user"}), "unknown_team", "team"),
        (json!({"service": "registry"}), "invalid_value", "role"),
        (json!({"service": "registry", "role": "user", "until": "never"}), "invalid_value", "until"),
    ] {
        let refused = give(&staff.owner, "dana", &role).await?;
        assert_eq!(outcome(&refused), refusal(422, code), "{role}");
        assert!(refused.body.contains(word), "{}", refused.body);
    }
    for nobody in ["ghost@corp.example", "usr_00000000000000000000000000000000", "nonsense"] {
        let address = format!("{USERS}/{nobody}/roles");
        let role = json!({"service": "registry", "role": "user"});
        let refused = staff.owner.send(Method::POST, &address, &role).await?;
        assert_eq!(outcome(&refused), refusal(404, "not_found"), "{nobody}");
    }
    assert_eq!(own_roles(&staff.dana).await?, Vec::<String>::new());
    Ok(())
}

/// The roles of whom rules manage are read-only, and the refusal names the rules.
async fn whose_roles_rules_give_is_not_changed_by_hand(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let ana = staff.world.sign_in("ana").await?;
    let before = own_roles(&ana).await?;
    let role = json!({"service": "public_api_endpoints", "role": "user"});
    let refused = give(&staff.owner, "ana", &role).await?;
    assert_eq!(outcome(&refused), refusal(409, "rule_managed"));
    assert!(refused.body.contains("Registry admins"), "{}", refused.body);
    let refused = take(&staff.owner, "ana", "service=registry&role=admin").await?;
    assert_eq!(outcome(&refused), refusal(409, "rule_managed"));
    assert_eq!(own_roles(&ana).await?, before);

    // They manage her still when none of them matches any more.
    staff.world.provider.person("ana", |ana| ana.groups.clear());
    staff.world.sign_in("ana").await?;
    assert_eq!(outcome(&give(&staff.owner, "ana", &role).await?), refusal(409, "rule_managed"));
    Ok(())
}

/// An individual org is accessible by its owner alone; its account may have more users, whom the org gives nothing.
async fn an_org_of_one_person_gives_nobody_else_anything(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let mut state = cardea_testkit::world::state(staff.world.provider.issuer());
    let mut solo = state["accounts"][0].take();
    solo["org"]["kind"] = json!("individual");
    for part in ["teams", "services"] {
        solo["org"].as_object_mut().context("an org")?.remove(part);
    }
    solo["org"]["name"] = json!("solo");
    solo["name"] = json!("solo");
    solo["owner"] = json!({"email": "solo@solo.test", "password": "Correct-horse-7-battery"});
    for part in ["rules", "rules_state", "directories", "connections"] {
        solo.as_object_mut().context("an account")?.remove(part);
    }
    staff.node().apply(json!({"version": 1, "accounts": [solo]})).await?;
    staff.node().catch_up().await?;
    let owner = staff.world.browser()?;
    let fields = [("email", "solo@solo.test"), ("password", "Correct-horse-7-battery")];
    assert_eq!(owner.post_form("/login/password", &fields).await?.status, 303);
    let dana = staff.dana.get("/api/v1/me").await?.json()["user"]["id"].as_str().context("an id")?.to_owned();
    // Dana is in the account too, as any account may have more users than its org.
    let app = &staff.node().app;
    let mut tx = app.db.write().await?;
    let solo = cardea_store::account::named(&mut tx, "solo").await?.context("solo")?;
    let ctx = app.ctx(cardea_model::Caller::System("test"));
    let member = cardea_model::id::MemberId::new(ctx.now, &*app.random);
    cardea_store::member::add(&mut tx, member, solo.id, dana.parse()?, "member", ctx.now).await?;
    tx.commit().await?;

    let users = "/api/v1/orgs/solo/users";
    for role in [json!({"service": "catalog", "role": "read"}), json!({"role": "user_admin"})] {
        let refused = owner.send(Method::POST, &format!("{users}/{dana}/roles"), &role).await?;
        assert_eq!(outcome(&refused), refusal(409, "individual_org"), "{role}");
    }
    let added = owner.send(Method::POST, users, &json!({"user": dana})).await?;
    assert_eq!(outcome(&added), refusal(409, "individual_org"));
    let team = owner.send(Method::POST, "/api/v1/orgs/solo/teams", &json!({"name": "vision"})).await?;
    assert_eq!(outcome(&team), refusal(409, "individual_org"));
    // In the account itself they can be what they are to be.
    let admin = owner
        .send(Method::PATCH, &format!("/api/v1/accounts/solo/users/{dana}"), &json!({"account_role": "admin"}))
        .await?;
    assert_eq!((admin.status, &admin.json()["account_role"]), (200, &json!("admin")), "{}", admin.body);
    assert_eq!(owner.get("/api/v1/orgs/solo").await?.json()["kind"], "individual");
    Ok(())
}

/// Where the operator has said so, only owners make user_admins, and no rule is a way around that.
async fn a_user_admin_makes_another_where_it_is_allowed(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    for role in [json!({"role": "user_admin"}), json!({"team": "vision", "role": "user_admin"})] {
        assert_eq!(give(&staff.bo, "dana", &role).await?.status, 200, "{role}");
    }
    assert_eq!(own_roles(&staff.dana).await?, ["/gateway/user_admin", "vision/gateway/user_admin"]);
    assert_eq!(take(&staff.bo, "dana", "role=user_admin").await?.status, 200);

    let strict = NodeBuilder::default().with(|settings| settings.user_admin_may_grant_user_admin = false);
    let staff = Staff::with(engine, strict).await?;
    for role in [json!({"role": "user_admin"}), json!({"team": "vision", "role": "user_admin"})] {
        assert_eq!(outcome(&give(&staff.bo, "dana", &role).await?), refusal(403, "forbidden"), "{role}");
    }
    let taken = take(&staff.bo, "chika", "team=vision&role=user_admin").await?;
    assert_eq!(outcome(&taken), refusal(403, "forbidden"));
    let rule = |grant: Value| json!({"name": "Everybody", "connection": "okta", "any_of": [{"equals": "corp-staff"}], "grants": [grant]});
    let rules = "/api/v1/orgs/acme/rules";
    let written = staff.bo.send(Method::POST, rules, &rule(json!({"role": "user_admin"}))).await?;
    assert_eq!(outcome(&written), refusal(403, "forbidden"), "{}", written.body);
    let written = staff.bo.send(Method::POST, rules, &rule(json!({"service": "registry", "role": "user"}))).await?;
    assert!([200, 201].contains(&written.status), "{}", written.body);
    assert_eq!(give(&staff.bo, "dana", &json!({"service": "registry", "role": "user"})).await?.status, 200);
    assert_eq!(give(&staff.owner, "dana", &json!({"role": "user_admin"})).await?.status, 200);
    Ok(())
}

/// A user_admin of a team manages its users only, and sees of them only what they are there.
async fn who_manages_a_team_sees_and_changes_only_what_is_there(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let ana = staff.world.sign_in("ana").await?;
    assert!(own_roles(&ana).await?.contains(&"vision/catalog/read".to_owned()));
    // Ana is in the team by a rule, chika herself by hand; nobody else is.
    assert_eq!(names(&staff.chika, USERS).await?, ["Ana Ruiz", "Chika Obi"]);
    assert_eq!(names(&staff.chika, &format!("{USERS}?q=ana")).await?, ["Ana Ruiz"]);
    assert_eq!(names(&staff.bo, USERS).await?.len(), 5);
    let hidden = staff.chika.get(&user("dana")).await?;
    assert_eq!(outcome(&hidden), refusal(404, "not_found"));
    assert_eq!(hidden.json()["detail"], staff.chika.get(&user("ghost")).await?.json()["detail"]);
    let seen = staff.chika.get(&user("ana")).await?.json();
    assert_eq!(words(&seen["roles"]), ["vision/catalog/read"]);

    // She gives roles in her team to whom the account knows, and then sees them, one page after the other.
    assert_eq!(give(&staff.owner, "dana", &json!({"service": "registry", "role": "user"})).await?.status, 200);
    let given = give(&staff.chika, "dana", &json!({"team": "vision", "service": "registry", "role": "user"})).await?;
    assert_eq!((given.status, words(&given.json()["roles"])), (200, vec!["vision/registry/user".to_owned()]));
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = staff.chika.get(&format!("{USERS}?limit=1&cursor={cursor}")).await?.json();
        pages.extend(page["items"].as_array().cloned().unwrap_or_default());
        match page["cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    let mut emails: Vec<&str> = pages.iter().filter_map(|user| user["email"].as_str()).collect();
    emails.sort_unstable();
    assert_eq!(emails, [email("ana"), email("chika"), email("dana")]);
    let taken = take(&staff.chika, "dana", "team=vision&service=registry&role=user").await?;
    assert_eq!(taken.status, 200, "{}", taken.body);
    assert_eq!(own_roles(&staff.dana).await?, ["/registry/user"]);
    assert_eq!(names(&staff.chika, USERS).await?, ["Ana Ruiz", "Chika Obi"]);
    Ok(())
}
