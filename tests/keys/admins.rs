//! What admins see of people's keys, and how they end one.

use super::*;

stories! {
    an_admin_sees_and_revokes_the_keys_of_the_people_of_their_org,
    nobody_else_sees_or_revokes_them,
    a_key_is_given_other_services_only_where_its_holder_has_a_role,
}

const ANA: &str = "/api/v1/orgs/acme/users/ana@corp.example/keys";

async fn an_admin_sees_and_revokes_the_keys_of_the_people_of_their_org(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let (ana, bo, admin) = (world.sign_in("ana").await?, world.sign_in("bo").await?, user_admin(&world).await?);
    let (laptop, other) = (ana.make_key("laptop", &["registry"]).await?, ana.make_key("other", &["registry"]).await?);
    let listed = admin.get(ANA).await?;
    assert_eq!(listed.json()["keys"].as_array().map(Vec::len), Some(2));
    assert!(!listed.body.contains(&laptop.secret));
    // By their ids: two that were made in the same millisecond stand in either order.
    let first = admin.get("/api/v1/orgs/acme/keys?limit=1").await?.json();
    let cursor = first["cursor"].as_str().unwrap_or_default();
    let second = admin.get(&format!("/api/v1/orgs/acme/keys?limit=5&cursor={cursor}")).await?.json();
    assert_eq!(second.get("cursor"), None);
    let mut names = Vec::new();
    for item in [&first["items"][0], &second["items"][0]] {
        assert_eq!(item["email"], "ana@corp.example");
        names.push(item["name"].as_str().unwrap_or_default());
    }
    names.sort_unstable();
    assert_eq!(names, ["laptop", "other"]);

    assert_eq!(admin.send(Method::POST, &format!("{ANA}/{}/revoke", laptop.id), &json!({})).await?.status, 204);
    assert_eq!(verdict(&world, node, &laptop.secret).await?, "revoked");
    assert_eq!(verdict(&world, node, &other.secret).await?, "allowed");
    let letter = node.letter_to("ana@corp.example").await?;
    assert!(letter.subject.contains("laptop") && letter.text.contains(&laptop.secret[..17]), "{}", letter.text);
    assert!(!letter.raw.contains(&laptop.secret));
    // For good: it is nobody's to switch on again, and its name is free.
    let address = format!("/api/v1/me/keys/{}", laptop.id);
    assert_eq!(ana.send(Method::PATCH, &address, &json!({"active": true})).await?.status, 404);
    assert_eq!(admin.send(Method::POST, &format!("{ANA}/{}/revoke", laptop.id), &json!({})).await?.status, 404);
    ana.make_key("laptop", &["registry"]).await?;
    // Under another's name there is nothing.
    let wrong = format!("/api/v1/orgs/acme/users/bo@corp.example/keys/{}/revoke", other.id);
    assert_eq!(admin.send(Method::POST, &wrong, &json!({})).await?.status, 404);
    drop(bo);
    Ok(())
}

async fn nobody_else_sees_or_revokes_them(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (ana, dana) = (world.sign_in("ana").await?, world.sign_in("dana").await?);
    let key = ana.make_key("laptop", &["registry"]).await?;
    let revoke = format!("{ANA}/{}/revoke", key.id);
    for (somebody, status) in [(&dana, 403), (&world.browser()?, 401)] {
        assert_eq!(somebody.get(ANA).await?.status, status);
        assert_eq!(somebody.get("/api/v1/orgs/acme/keys").await?.status, status);
        assert_eq!(somebody.send(Method::POST, &revoke, &json!({})).await?.status, status);
    }
    assert_eq!(verdict(&world, world.node(), &key.secret).await?, "allowed");
    assert_eq!(world.node().mail().await?.len(), 0);
    Ok(())
}

async fn a_key_is_given_other_services_only_where_its_holder_has_a_role(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let (node, ana) = (world.node(), world.sign_in("ana").await?);
    let key = ana.make_key("laptop", &["registry"]).await?;
    let address = format!("/api/v1/me/keys/{}", key.id);
    let put = async |services: Value| ana.send(Method::PATCH, &address, &json!({"services": services})).await;
    assert_eq!(put(json!(["public_api_endpoints"])).await?.code(), "no_role");
    assert_eq!(put(json!([])).await?.code(), "invalid_grant");
    assert_eq!(verdict(&world, node, &key.secret).await?, "allowed");
    let narrow = put(json!([{"service": "registry", "entity_values": ["acme/vision/*"]}])).await?;
    assert_eq!(narrow.status, 200, "{}", narrow.body);
    assert_eq!(verdict(&world, node, &key.secret).await?, "entity_mismatch");
    put(json!(["registry", "catalog"])).await?;
    assert_eq!(verdict(&world, node, &key.secret).await?, "allowed");
    Ok(())
}
