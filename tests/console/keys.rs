//! A person's own keys, by forms: the secret is shown once, and a form that comes back holds what was typed.

use anyhow::Result;
use cardea_testkit::{Engine, World, stories};
use serde_json::json;

use super::{assert_is_page, between, see};

stories! {
    a_key_is_made_switched_and_deleted_by_forms,
    nothing_that_was_typed_is_lost,
}

async fn a_key_is_made_switched_and_deleted_by_forms(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let first = see(&ana, "/me/keys").await?;
    assert!(first.body.contains("Create a key"), "who has no key is shown the form at once");
    assert!(first.body.contains("You have no role there"), "a service without a role cannot be chosen");
    let fields = [("name", "laptop"), ("expiry", "30d"), ("service", "registry"), ("service", "catalog")];
    let made = ana.post_form("/me/keys", &fields).await?;
    assert_is_page(&made, 201);
    let secret = between(&made.body, "aria-label=\"The key\"><code>", "</code>")?.to_owned();
    assert!(secret.starts_with("cdap_"));
    assert_eq!(world.check(world.node(), &secret).await?.json()["allowed"], true);
    let list = see(&ana, "/me/keys").await?;
    assert!(!list.body.contains(&secret), "a secret is shown once");
    assert!(list.body.contains("laptop") && list.body.contains("1 of 8 keys"));
    let id = between(&list.body, "action=\"/me/keys/", "/disable\"")?.to_owned();

    let off = ana.post_form(&format!("/me/keys/{id}/disable"), &[]).await?;
    assert_eq!((off.status, off.header("location")), (303, "/me/keys?done=key-disabled"));
    assert_eq!(world.check(world.node(), &secret).await?.json()["allowed"], false);
    let told = see(&ana, "/me/keys?done=key-disabled").await?;
    assert!(told.body.contains("The key is disabled") && told.body.contains(&format!("/me/keys/{id}/enable")));
    ana.post_form(&format!("/me/keys/{id}/enable"), &[]).await?;
    assert_eq!(world.check(world.node(), &secret).await?.json()["allowed"], true);

    let bo = world.sign_in("bo").await?;
    assert_eq!(see(&bo, &format!("/me/keys/{id}/delete")).await?.status, 404);
    assert_eq!(bo.post_form(&format!("/me/keys/{id}/delete"), &[]).await?.status, 404);
    assert_eq!(world.check(world.node(), &secret).await?.json()["allowed"], true);

    let asked = see(&ana, &format!("/me/keys/{id}/delete")).await?;
    assert_is_page(&asked, 200);
    assert!(asked.body.contains("Delete key laptop"));
    assert_eq!(world.check(world.node(), &secret).await?.json()["allowed"], true, "asking deletes nothing");
    let gone = ana.post_form(&format!("/me/keys/{id}/delete"), &[]).await?;
    assert_eq!((gone.status, gone.header("location")), (303, "/me/keys?done=key-deleted"));
    assert_eq!(world.check(world.node(), &secret).await?.json()["allowed"], false);
    assert_eq!(see(&ana, &format!("/me/keys/{id}/delete")).await?.status, 404);
    Ok(())
}

async fn nothing_that_was_typed_is_lost(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let post = async |fields: &[(&str, &str)]| ana.post_form("/me/keys", fields).await;
    let wrong =
        post(&[("name", " "), ("expiry", "custom"), ("expires_on", "2031-02-03"), ("service", "catalog")]).await?;
    assert_is_page(&wrong, 422);
    assert!(wrong.body.contains("There is a problem") && wrong.body.contains("href=\"#name\""));
    assert!(wrong.body.contains("Enter a name") && wrong.body.contains("id=\"name-problem\""));
    assert!(wrong.body.contains("<option value=\"custom\" selected>") && wrong.body.contains("value=\"2031-02-03\""));
    let catalog = between(&wrong.body, "id=\"service-catalog\"", ">")?;
    assert!(catalog.contains(" checked"), "{catalog}");
    assert!(!between(&wrong.body, "id=\"service-registry\"", ">")?.contains(" checked"));
    for (fields, field, text) in [
        (vec![("name", "laptop"), ("expiry", "30d")], "service", "Choose at least one service"),
        (vec![("name", "laptop"), ("expiry", "custom"), ("service", "registry")], "expires_on", "Choose the last day"),
        (
            vec![("name", "laptop"), ("expiry", "custom"), ("expires_on", "2001-01-01"), ("service", "registry")],
            "expires_on",
            "Choose a day that is not over",
        ),
        (vec![("name", "laptop"), ("expiry", "soon"), ("service", "registry")], "expiry", "An expiry is a span"),
        (
            vec![("name", "laptop"), ("expiry", "30d"), ("service", "public_api_endpoints")],
            "service",
            "You have no role in",
        ),
        (vec![("name", "laptop"), ("expiry", "30d"), ("service", "nonsense")], "service", "There is no service"),
    ] {
        let answer = post(&fields).await?;
        assert_is_page(&answer, 422);
        let said = between(&answer.body, &format!("id=\"{field}-problem\""), "</p>").unwrap_or_default();
        assert!(said.contains(text), "{field}: {}", answer.body);
        assert!(answer.body.contains("value=\"laptop\""), "{field}");
    }
    assert_eq!(ana.get("/api/v1/me/keys").await?.json()["keys"], json!([]), "nothing was made");

    ana.make_key("laptop", &["registry"]).await?;
    let taken = post(&[("name", "Laptop"), ("expiry", "30d"), ("service", "registry")]).await?;
    assert_is_page(&taken, 409);
    assert!(taken.body.contains("There is a key of this name already"));
    Ok(())
}
