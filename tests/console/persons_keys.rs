//! People's keys as admins see and revoke them on a person's page.

use anyhow::Result;
use cardea_testkit::{Engine, NodeBuilder, stories};

use super::{assert_is_page, see, user_id};
use crate::oauth::apps::beside;
use crate::people::Staff;

stories! {
    an_admin_revokes_a_persons_key_after_a_page_that_says_what_that_does,
    nobody_else_revokes_it,
}

async fn an_admin_revokes_a_persons_key_after_a_page_that_says_what_that_does(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let ana = staff.world.sign_in("ana").await?;
    let (laptop, other) = (ana.make_key("laptop", &["registry"]).await?, ana.make_key("other", &["registry"]).await?);
    let person = format!("/o/acme/people/{}", user_id(&staff.owner, "ana@corp.example").await?);
    let at = format!("{person}/keys/{}/revoke", laptop.id);
    let page = see(&staff.bo, &person).await?;
    assert!(page.body.contains(&at) && page.body.contains("Revoke<span class=\"unseen\"> laptop"), "{}", page.body);
    let asked = see(&staff.bo, &at).await?;
    assert_is_page(&asked, 200);
    for text in ["Revoke laptop of Ana Ruiz", "told by e-mail", "Their other keys, sessions and roles", "audit log"] {
        assert!(asked.body.contains(text), "{text}: {}", asked.body);
    }
    let allowed =
        async |secret: &str| anyhow::Ok(staff.world.check(staff.node(), secret).await?.json()["allowed"] == true);
    assert!(allowed(&laptop.secret).await?, "looking revokes nothing");
    let done = staff.bo.post_form(&at, &[]).await?;
    assert_eq!(done.header("location"), format!("{person}?done=persons-key-revoked"), "{}", done.body);
    assert!(!allowed(&laptop.secret).await? && allowed(&other.secret).await?);
    assert!(staff.node().letter_to("ana@corp.example").await?.subject.contains("laptop"));
    let after = see(&staff.bo, &format!("{person}?done=persons-key-revoked")).await?;
    assert!(after.body.contains("The key is revoked") && !after.body.contains(&at));
    assert_is_page(&see(&staff.bo, &at).await?, 404);
    assert_eq!(staff.bo.post_form(&at, &[]).await?.status, 404);
    Ok(())
}

async fn nobody_else_revokes_it(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let ana = staff.world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    let (id, bo) = (user_id(&staff.owner, "ana@corp.example").await?, user_id(&staff.owner, "bo@corp.example").await?);
    let at = format!("/o/acme/people/{id}/keys/{}/revoke", key.id);
    for somebody in [&staff.chika, &staff.dana, &ana] {
        assert_is_page(&see(somebody, &at).await?, 403);
        assert_eq!(somebody.post_form(&at, &[]).await?.status, 403);
    }
    // Whoever manages a team of theirs sees them, and no key of theirs.
    let page = see(&staff.chika, &format!("/o/acme/people/{id}")).await?;
    assert_is_page(&page, 200);
    assert!(!page.body.contains("laptop") && !page.body.contains("/revoke"), "{}", page.body);
    // Under somebody else's name there is nothing.
    let wrong = format!("/o/acme/people/{bo}/keys/{}/revoke", key.id);
    assert_is_page(&see(&staff.owner, &wrong).await?, 404);
    assert_eq!(staff.owner.post_form(&wrong, &[]).await?.status, 404);
    assert_eq!(staff.world.check(staff.node(), &key.secret).await?.json()["allowed"], true);

    let (world, neighbour) = beside(engine, NodeBuilder::default()).await?;
    let ana = world.sign_in("ana").await?;
    let key = ana.make_key("laptop", &["registry"]).await?;
    let id = user_id(&world.sign_in_owner().await?, "ana@corp.example").await?;
    for org in ["acme", "globex"] {
        let at = format!("/o/{org}/people/{id}/keys/{}/revoke", key.id);
        assert_is_page(&see(&neighbour, &at).await?, 404);
        assert_eq!(neighbour.post_form(&at, &[]).await?.status, 404);
    }
    assert_eq!(world.check(world.node(), &key.secret).await?.json()["allowed"], true);
    Ok(())
}
