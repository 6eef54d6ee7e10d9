//! Bad input: each is refused in SCIM's own words, and has no effect.

use anyhow::Result;
use cardea_testkit::world::DIRECTORY_TOKEN;
use cardea_testkit::{Answer, Browser, Engine, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{created, is_good, patched, person_called, provision, scim, scim_as};

stories! {
    a_body_that_cannot_be_is_refused_and_says_why,
    an_operation_that_cannot_be_is_refused_whole,
    a_token_that_is_nobody_s_opens_nothing,
    an_address_that_is_nobody_s_is_not_found,
    what_is_not_known_is_ignored_and_what_is_sent_back_is_accepted,
}

async fn raw(world: &World, kind: &str, body: impl Into<reqwest::Body>) -> Result<Answer> {
    let request = Browser::new(&world.node().url)?.request(Method::POST, "/scim/v2/Users").bearer_auth(DIRECTORY_TOKEN);
    Answer::read(request.header("content-type", kind).body(body).send().await?).await
}

async fn a_body_that_cannot_be_is_refused_and_says_why(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let scim_json = "application/scim+json";
    let user = |rest: &str| format!("{{\"schemas\":[\"{}\"]{rest}}}", super::USER);
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40));
    for (kind, body, status, scim_type, detail) in [
        (scim_json, "{\"userName\":\n nope}".to_owned(), 400, "invalidSyntax", "line 2 column"),
        (scim_json, String::new(), 400, "invalidSyntax", "line 1 column"),
        (scim_json, "[]".to_owned(), 400, "invalidSyntax", "object"),
        (scim_json, "{\"userName\":\"ana\"}".to_owned(), 400, "invalidSyntax", "schemas"),
        (scim_json, user(""), 400, "invalidValue", "userName"),
        (scim_json, user(",\"userName\":\"  \""), 400, "invalidValue", "userName"),
        (scim_json, user(",\"userName\":5"), 400, "invalidValue", "userName"),
        (scim_json, user(",\"userName\":\"a\\u0000b\""), 400, "invalidValue", "U+0000"),
        (scim_json, user(",\"userName\":\"a\",\"userName\":\"b\""), 400, "invalidSyntax", "twice"),
        (scim_json, user(&format!(",\"userName\":\"{}\"", "a".repeat(600))), 400, "invalidValue", "512"),
        (scim_json, deep, 400, "invalidSyntax", "deep"),
        ("text/plain", user(",\"userName\":\"ana\""), 415, "", "application/scim+json"),
        ("application/xml", user(",\"userName\":\"ana\""), 415, "", "application/scim+json"),
        ("application/json; charset=latin1", user(",\"userName\":\"ana\""), 415, "", "UTF-8"),
    ] {
        let answer = raw(&world, kind, body.clone()).await?;
        let json = answer.json();
        assert_eq!(answer.status, status, "{body} {}", answer.body);
        assert_eq!(json["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{body}");
        assert_eq!(json["status"], json!(status.to_string()));
        assert_eq!(json["scimType"].as_str().unwrap_or_default(), scim_type, "{body} {}", answer.body);
        assert!(json["detail"].as_str().unwrap_or_default().contains(detail), "{body} {}", answer.body);
        assert_eq!(answer.header("content-type"), "application/scim+json");
    }
    // Bytes that are no UTF-8, and a body over its cap.
    assert_eq!(raw(&world, scim_json, vec![b'{', b'"', 0xff, b'"', b':', b'1', b'}']).await?.status, 400);
    let large = user(&format!(",\"userName\":\"ana\",\"title\":\"{}\"", "a".repeat(1 << 20)));
    let large = raw(&world, scim_json, large).await?;
    assert_eq!((large.status, large.header("content-type"), &large.json()["status"]), (413, scim_json, &json!("413")));
    assert_eq!(scim(&world, Method::GET, "/Users", None).await?.json()["totalResults"], 0);

    for kind in ["application/json", "Application/SCIM+JSON; charset=\"UTF-8\"", "application/json;charset=utf-8"] {
        let name = kind.replace(|c: char| !c.is_ascii_alphanumeric(), "");
        let answer = raw(&world, kind, user(&format!(",\"userName\":\"{name}\""))).await?;
        assert_eq!(answer.status, 201, "{kind} {}", answer.body);
    }
    Ok(())
}

async fn an_operation_that_cannot_be_is_refused_whole(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let id = provision(&world, created(&person_called(&world, "ana")?)).await?;
    let key = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    let path = format!("/Users/{id}");
    let before = scim(&world, Method::GET, &path, None).await?;
    let off = json!({"op": "replace", "path": "active", "value": false});
    for (operation, scim_type) in [
        (json!({"op": "destroy", "path": "title"}), "invalidSyntax"),
        (json!({"path": "title", "value": "x"}), "invalidSyntax"),
        (json!({"op": "remove"}), "noTarget"),
        (json!({"op": "remove", "path": "userName"}), "mutability"),
        (json!({"op": "replace", "path": "id", "value": "usr_other"}), "mutability"),
        (json!({"op": "replace", "path": "emails[", "value": "x"}), "invalidPath"),
        (json!({"op": "replace", "path": "active", "value": "perhaps"}), "invalidValue"),
        (json!({"op": "replace", "path": "title", "value": "a\u{0}b"}), "invalidValue"),
        (json!({"op": "replace", "path": "userName", "value": ""}), "invalidValue"),
    ] {
        let answer = scim(&world, Method::PATCH, &path, Some(patched(&json!([off, operation])))).await?;
        assert_eq!(
            (answer.status, answer.json()["scimType"].as_str()),
            (400, Some(scim_type)),
            "{operation} {}",
            answer.body
        );
    }
    for body in [json!({}), patched(&json!([])), json!({"schemas": [super::PATCH]}), patched(&json!("active"))] {
        assert_eq!(scim(&world, Method::PATCH, &path, Some(body.clone())).await?.status, 400, "{body}");
    }
    // Nothing of any of them was done.
    let after = scim(&world, Method::GET, &path, None).await?;
    assert_eq!((after.header("etag"), after.json()), (before.header("etag"), before.json()));
    assert!(is_good(&world, &key.secret).await?);
    Ok(())
}

async fn a_token_that_is_nobody_s_opens_nothing(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let body = created(&person_called(&world, "ana")?);
    let owner = world.sign_in_owner().await?;
    let browser = Browser::new(&world.node().url)?;
    let mut answers = vec![
        scim_as(&world, "", Method::POST, "/Users", Some(body.clone())).await?,
        scim_as(&world, "nobody's", Method::POST, "/Users", Some(body.clone())).await?,
        scim_as(&world, &DIRECTORY_TOKEN.to_uppercase(), Method::POST, "/Users", Some(body.clone())).await?,
        browser.send(Method::POST, "/scim/v2/Users", &body).await?,
        // Neither a session nor a client's secret is a directory's token.
        owner.send(Method::POST, "/scim/v2/Users", &body).await?,
        scim_as(&world, cardea_testkit::world::PORTAL_SECRET, Method::POST, "/Users", Some(body.clone())).await?,
    ];
    let basic = browser.request(Method::POST, "/scim/v2/Users").basic_auth("primary", Some(DIRECTORY_TOKEN));
    answers.push(Answer::read(basic.json(&body).send().await?).await?);
    for path in ["/Users", "/ServiceProviderConfig", "/Schemas", "/Me", "/nothing"] {
        answers.push(browser.get(&format!("/scim/v2{path}")).await?);
    }
    for answer in answers {
        assert_eq!(answer.status, 401, "{}", answer.body);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.header("content-type"), "application/scim+json");
        assert_eq!(answer.json()["status"], "401");
    }
    assert_eq!(scim(&world, Method::GET, "/Users", None).await?.json()["totalResults"], 0);
    Ok(())
}

async fn an_address_that_is_nobody_s_is_not_found(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let id = provision(&world, created(&person_called(&world, "ana")?)).await?;
    for wrong in ["0", "usr_", "usr_00000000000000000000000000000000", "%00", "%ff", "a%2Fb", &id.to_uppercase()] {
        let answer = scim(&world, Method::GET, &format!("/Users/{wrong}"), None).await?;
        assert_eq!((answer.status, &answer.json()["status"]), (404, &json!("404")), "{wrong} {}", answer.body);
    }
    // PUT replaces and never creates.
    let body = created(&person_called(&world, "bo")?);
    let put = scim(&world, Method::PUT, "/Users/usr_00000000000000000000000000000000", Some(body)).await?;
    assert_eq!(put.status, 404);
    for (query, status, scim_type) in [
        ("filter=userName%20eq", 400, "invalidFilter"),
        ("filter=userName%20is%20%22x%22", 400, "invalidFilter"),
        ("filter=userName%20eq%20%22%00%22", 400, "invalidFilter"),
        ("filter=externalId%20eq%20%22%5Cu0000%22", 400, "invalidFilter"),
        ("filter=active%20gt%20true", 400, "invalidFilter"),
        ("filter=password%20eq%20%22x%22", 403, "sensitive"),
        ("count=many", 400, "invalidValue"),
        ("count=1&count=2", 400, "invalidValue"),
    ] {
        let answer = scim(&world, Method::GET, &format!("/Users?{query}"), None).await?;
        assert_eq!(
            (answer.status, answer.json()["scimType"].as_str()),
            (status, Some(scim_type)),
            "{query} {}",
            answer.body
        );
    }
    Ok(())
}

async fn what_is_not_known_is_ignored_and_what_is_sent_back_is_accepted(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let mut body = created(&person_called(&world, "ana")?);
    if let Value::Object(body) = &mut body {
        body.extend([
            ("favouriteColour".to_owned(), json!("teal")),
            ("id".to_owned(), json!("usr_of_my_own")),
            ("groups".to_owned(), json!([{"value": "admins"}])),
            ("meta".to_owned(), json!({"version": "W/\"99\"", "location": "https://evil.example"})),
            ("schemas".to_owned(), json!([super::USER, "urn:scim:schemas:core:1.0"])),
        ]);
    }
    let id = provision(&world, body).await?;
    let path = format!("/Users/{id}");
    let shown = scim(&world, Method::GET, &path, None).await?.json();
    assert_eq!((shown.get("favouriteColour"), shown.get("groups")), (None, None));
    assert_eq!(shown["meta"]["location"], json!(format!("{}/scim/v2{path}", world.node().url)));

    // Okta puts back what it has read, server-made members and all; nothing of it changes anything.
    let put = scim(&world, Method::PUT, &path, Some(shown.clone())).await?;
    assert_eq!((put.status, put.json()), (200, shown.clone()));
    // Left out, `active` stays as it is: neither access nor its end.
    let off = scim(&world, Method::PATCH, &path, Some(super::deactivated())).await?;
    assert_eq!(off.status, 200);
    let mut silent = shown.clone();
    if let Value::Object(silent) = &mut silent {
        silent.remove("active");
        silent.insert("title".to_owned(), json!("Chef"));
    }
    let put = scim(&world, Method::PUT, &path, Some(silent)).await?;
    assert_eq!((&put.json()["active"], &put.json()["title"]), (&json!(false), &json!("Chef")));
    assert_eq!(world.browser()?.sign_in("okta", "ana").await?.status, 401);
    // What a PUT leaves out is gone.
    let mut active = shown;
    active["active"] = json!(true);
    let put = scim(&world, Method::PUT, &path, Some(active)).await?;
    assert_eq!((put.status, put.json().get("title")), (200, None));
    world.sign_in("ana").await?;
    Ok(())
}
