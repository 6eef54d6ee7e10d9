//! Owners go too, but for the last, and the others hear of it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cardea_store::{account, member};
use cardea_testkit::world::OWNER;
use cardea_testkit::{Answer, Browser, Engine, World, stories};
use reqwest::Method;
use serde_json::json;

use super::{Staff, add, delete, email, give, outcome, own_roles, refusal, user};

stories! {
    the_last_owner_stays,
    an_owner_removes_another_and_the_rest_hear_of_it,
    an_owner_leaves_when_another_one_stays,
}

/// Makes somebody of the org an owner beside the first.
async fn crown(world: &World, who: &str) -> Result<()> {
    let app = &world.node().app;
    let mut tx = app.db.write().await?;
    let acme = account::named(&mut tx, "acme").await?.context("acme")?;
    let listed = cardea_store::person::by_email(&mut tx, acme.id, &email(who)).await?.context("a user")?;
    assert!(member::make_owner(&mut tx, listed.member, "admin").await?);
    tx.commit().await?;
    Ok(())
}

async fn leave(browser: &Browser) -> Result<Answer> {
    Answer::read(browser.request(Method::POST, "/api/v1/me/leave").send().await?).await
}

/// An org is never without an owner, nor an account without its one.
async fn the_last_owner_stays(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    assert_eq!(outcome(&leave(&staff.owner).await?), refusal(409, "last_owner"));
    assert_eq!(outcome(&delete(&staff.owner, &user(OWNER.0)).await?), refusal(409, "last_owner"));
    let of_account = delete(&staff.owner, &format!("/api/v1/accounts/acme/users/{}", OWNER.0)).await?;
    assert_eq!(outcome(&of_account), refusal(409, "account_owner"));
    crown(&staff.world, "dana").await?;
    for answer in [leave(&staff.owner).await?, delete(&staff.dana, &user(OWNER.0)).await?] {
        assert_eq!(outcome(&answer), refusal(409, "account_owner"));
    }
    assert_eq!(own_roles(&staff.owner).await?, ["/*/owner"]);
    assert!(staff.node().mail().await?.is_empty());
    Ok(())
}

/// Any owner removes another; the mail goes to the owners who stay.
async fn an_owner_removes_another_and_the_rest_hear_of_it(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    crown(&staff.world, "dana").await?;
    crown(&staff.world, "chika").await?;
    assert_eq!(outcome(&delete(&staff.bo, &user("dana")).await?), refusal(403, "forbidden"));
    let from_account = delete(&staff.owner, &format!("/api/v1/accounts/acme/users/{}", email("dana"))).await?;
    assert_eq!(outcome(&from_account), refusal(409, "owner_immutable"));
    // Whoever removes an owner, be it themselves, has just signed in: an open screen is not enough.
    staff.node().clock.advance(Duration::from_secs(16 * 60));
    for answer in [delete(&staff.chika, &user("dana")).await?, leave(&staff.chika).await?] {
        assert_eq!(outcome(&answer), refusal(403, "reauthentication_required"));
    }
    let chika = staff.world.sign_in("chika").await?;
    let removed = delete(&chika, &user("dana")).await?;
    assert_eq!(removed.status, 200, "{}", removed.body);
    assert_eq!(staff.dana.get("/api/v1/me").await?.status, 401);
    let letters = staff.node().mail().await?;
    let about: Vec<&str> =
        letters.iter().filter(|letter| letter.text.contains("Dana Levi")).map(|letter| letter.to.as_str()).collect();
    assert_eq!(about.len(), 2, "{about:?}");
    assert!(about.contains(&OWNER.0) && about.contains(&"chika@corp.example"));
    assert!(letters.iter().any(|letter| letter.to == "dana@corp.example"));
    // Added again she is no owner.
    assert_eq!(add(&staff.bo, "dana").await?.status, 200);
    let dana = staff.world.sign_in("dana").await?;
    assert_eq!(own_roles(&dana).await?, Vec::<String>::new());
    assert_eq!(give(&staff.bo, "dana", &json!({"service": "registry", "role": "user"})).await?.status, 200);
    Ok(())
}

async fn an_owner_leaves_when_another_one_stays(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    crown(&staff.world, "dana").await?;
    assert_eq!(leave(&staff.dana).await?.status, 200);
    let letters = staff.node().mail().await?;
    let readers: Vec<&str> = letters.iter().map(|letter| letter.to.as_str()).collect();
    assert_eq!(readers, [OWNER.0]);
    assert_eq!(outcome(&leave(&staff.owner).await?), refusal(409, "last_owner"));
    Ok(())
}
