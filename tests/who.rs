//! Who gets where: every route that the description names, asked by everybody. The table is a file; whoever changes what
//! somebody may reads there what else has changed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use cardea_store::{account, grant, member, person};
use cardea_testkit::{Browser, Engine, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

stories! {
    every_route_answers_everybody_as_the_table_says,
}

const CALLERS: [&str; 7] = ["nobody", "neighbour", "member", "team admin", "user_admin", "owner", "account owner"];
/// Routes that end what asks, or go on for as long as they are listened to.
const LEFT_OUT: [&str; 3] = ["DELETE /api/v1/me/sessions", "POST /api/v1/me/leave", "POST /logout"];

/// The usual scene and an account beside it.
async fn scene(engine: Engine) -> Result<World> {
    let world = World::new(engine).await?;
    let mut state = cardea_testkit::world::state(world.provider.issuer());
    let beside = json!({"name": "globex", "owner": {"email": "owner@globex.test", "password": OTHER},
        "org": {"name": "globex", "kind": "enterprise", "services": ["catalog"]}});
    state["accounts"].as_array_mut().context("accounts")?.push(beside);
    world.node().apply(state).await?;
    world.node().catch_up().await?;
    Ok(world)
}

const OTHER: &str = "Quite-another-horse-9-staple";

async fn door(world: &World, caller: &str) -> Result<Browser> {
    Ok(match caller {
        "nobody" => world.browser()?,
        "neighbour" => {
            let browser = world.browser()?;
            let fields = [("email", "owner@globex.test"), ("password", OTHER)];
            assert_eq!(browser.post_form("/login/password", &fields).await?.status, 303);
            browser
        }
        "member" => world.sign_in("dana").await?,
        "team admin" | "user_admin" => {
            let team = (caller == "team admin").then_some("vision");
            world.sign_in("chika").await?;
            promote(world, "chika@corp.example", team).await?;
            world.sign_in("chika").await?
        }
        "owner" => {
            world.sign_in("chika").await?;
            own(world, "chika@corp.example").await?;
            world.sign_in("chika").await?
        }
        _ => world.sign_in_owner().await?,
    })
}

async fn promote(world: &World, email: &str, team: Option<&str>) -> Result<()> {
    let app = &world.node().app;
    let mut tx = app.db.write().await?;
    let acme = account::named(&mut tx, "acme").await?.context("acme")?;
    let teams = account::teams(&mut tx, acme.org).await?;
    let team = team.and_then(|name| teams.iter().find(|team| team.name == name)).map(|team| team.id.to_string());
    let found = person::with_email(&mut tx, email).await?.context("somebody")?;
    let member = member::of_user(&mut tx, acme.id, found.id).await?.context("a member")?;
    let role = grant::Role { team_id: team.as_deref().unwrap_or_default(), service: "gateway", role: "user_admin" };
    grant::add(&mut tx, member.id, role, "test", app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

async fn own(world: &World, email: &str) -> Result<()> {
    let app = &world.node().app;
    let mut tx = app.db.write().await?;
    let acme = account::named(&mut tx, "acme").await?.context("acme")?;
    let found = person::with_email(&mut tx, email).await?.context("somebody")?;
    let member = member::of_user(&mut tx, acme.id, found.id).await?.context("a member")?;
    member::make_owner(&mut tx, member.id, "admin").await?;
    tx.commit().await?;
    Ok(())
}

/// A body that a route takes, where an empty one would be refused before anybody is asked who they are.
fn body(route: &str) -> Value {
    let rule = json!({"name": "Another", "connection": "okta", "any_of": [{"equals": "x"}], "grants": []});
    match route {
        "POST /api/v1/orgs/{org}/rules" | "PUT /api/v1/orgs/{org}/rules/{rule}" => rule,
        "POST /api/v1/orgs/{org}/rules/test" => json!({"connection": "okta", "claims": {}}),
        "POST /api/v1/orgs/{org}/users" | "POST /api/v1/accounts/{account}/users" => {
            json!({"user": "ana@corp.example"})
        }
        "POST /api/v1/orgs/{org}/users/{user}/roles" => json!({"service": "registry", "role": "user"}),
        "PATCH /api/v1/accounts/{account}/users/{user}" => json!({"account_role": "member"}),
        "POST /api/v1/orgs/{org}/teams" => json!({"name": "audio"}),
        "PATCH /api/v1/orgs/{org}" | "PATCH /api/v1/orgs/{org}/teams/{team}" => json!({"description": "Anew"}),
        "POST /api/v1/accounts" => json!({"name": "another", "kind": "enterprise"}),
        "POST /api/v1/activations" => json!({"service": "registry", "email": "x@acme.test"}),
        "POST /api/v1/activations/{activation}/claim" => json!({"new_account": "another"}),
        "POST /api/v1/activations/{activation}/transfer" => json!({"email": "x@acme.test"}),
        "POST /api/v1/orgs/{org}/invitations" => json!({"email": "x@corp.example"}),
        "PATCH /api/v1/orgs/{org}/invitations/{invitation}" => json!({"roles": []}),
        "POST /api/v1/orgs/{org}/contact" => json!({"template": "product_request", "body": "x"}),
        "POST /api/v1/me/switch" => json!({"org": "acme"}),
        "POST /api/v1/orgs/{org}/service-keys" => json!({"name": "ci", "never": true, "grants": []}),
        "POST /api/v1/orgs/{org}/service-keys/preview" => json!({"grants": []}),
        "POST /api/v1/me/keys/preview" => json!({"services": []}),
        "PUT /api/v1/orgs/{org}/key-policy" => json!({"max_age": null}),
        "POST /api/v1/apps" => json!({"name": "app"}),
        "PATCH /api/v1/apps/{id}" => json!({"enabled": false}),
        "POST /api/v1/users" => json!({"email": "new@acme.test"}),
        "POST /api/v1/leaks" => json!({"token": "x"}),
        "POST /api/v1/me/keys" => json!({"name": "laptop", "never": true, "services": []}),
        _ => json!({}),
    }
}

/// A path with its holes filled by things of `acme`, or by ids of nothing.
fn filled(path: &str, ana: &str) -> String {
    let nothing = |prefix: &str| format!("{prefix}_{:032x}", 7);
    let mut filled = path.to_owned();
    for (hole, with) in [
        ("{org}", "acme".to_owned()),
        ("{account}", "acme".to_owned()),
        ("{user}", ana.to_owned()),
        ("{team}", "vision".to_owned()),
        ("{rule}", nothing("rul")),
        ("{invitation}", nothing("inv")),
        ("{service}", "registry".to_owned()),
        ("{connection}", "okta".to_owned()),
        ("{receipt}", nothing("rct")),
        ("{role}", "user".to_owned()),
    ] {
        filled = filled.replace(hole, &with);
    }
    let rest = |text: String| match (text.find('{'), text.find('}')) {
        (Some(from), Some(to)) => format!("{}{}{}", &text[..from], nothing("key"), &text[to + 1..]),
        _ => text,
    };
    rest(rest(filled))
}

const HEAD: &str = "# Who gets where\n\nEvery route of the API, asked by everybody, and the status of the answer. A test asks\nthem and holds this page against the answers: 401 is for nobody, 404 for whoever may not know that the\nplace exists, 403 for whoever may not do this there; 400, 409, 412, 415 and 422 got past the door.\n\n";

#[expect(clippy::disallowed_methods, reason = "whoever changes the routes asks for the new page so")]
async fn every_route_answers_everybody_as_the_table_says(engine: Engine) -> Result<()> {
    let mut table: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for caller in CALLERS {
        let world = scene(engine).await?;
        world.sign_in("ana").await?;
        let app = &world.node().app;
        let ana =
            person::with_email(&mut app.db.read().await?, "ana@corp.example").await?.context("Ana")?.id.to_string();
        let described = world.browser()?.get("/openapi.json").await?.json();
        let mut browser = door(&world, caller).await?;
        for (method, path) in routes(&described)? {
            let route = format!("{method} {path}");
            let status = ask(&browser, &method, &filled(&path, &ana), &body(&route)).await?;
            table.entry(route).or_default().push(status);
            // What one route ends does not speak for the next.
            if caller != "nobody" && browser.get("/api/v1/me").await?.status != 200 {
                browser = door(&world, caller).await?;
            }
        }
    }
    let mut text = format!("{HEAD}| | {} |\n|---|{}\n", CALLERS.join(" | "), "---|".repeat(CALLERS.len()));
    for (route, statuses) in &table {
        writeln!(text, "| `{route}` | {} |", statuses.join(" | "))?;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/who-gets-where.md");
    if std::env::var_os("CARDEA_WRITE").is_some() {
        std::fs::write(path, &text)?;
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == text, "docs/who-gets-where.md is out of step; CARDEA_WRITE=1 makes it anew:\n{text}");
    Ok(())
}

/// The routes that are asked, those that take something away last: the others are about what is there.
fn routes(described: &Value) -> Result<Vec<(String, String)>> {
    let mut routes = Vec::new();
    for (path, operations) in described["paths"].as_object().context("paths")? {
        for method in operations.as_object().context("operations")?.keys().map(|method| method.to_uppercase()) {
            if path.starts_with("/api/") && !LEFT_OUT.contains(&format!("{method} {path}").as_str()) {
                routes.push((method, path.clone()));
            }
        }
    }
    routes.sort_by_key(|(method, path)| (method == "DELETE", path.clone()));
    Ok(routes)
}

async fn ask(browser: &Browser, method: &str, path: &str, body: &Value) -> Result<String> {
    let method: Method = method.parse()?;
    let path = match (&method, path.ends_with("/roles")) {
        (&Method::DELETE, true) => &format!("{path}?service=registry&role=user"),
        _ => path,
    };
    let answer = match method {
        Method::GET => browser.get(path).await?,
        _ => browser.send(method, path, body).await?,
    };
    Ok(answer.status.to_string())
}
