//! Service keys on their pages: made in two steps, shown once, changed, rotated, switched and revoked.

use anyhow::{Context as _, Result};
use cardea_testkit::{Answer, Browser, Engine, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_is_page, between, see};
use crate::oauth::apps::beside;
use crate::people::Staff;

stories! {
    the_form_of_a_service_key_offers_what_the_org_has_and_grows,
    a_service_key_is_made_in_two_steps_and_shown_once,
    what_a_service_key_cannot_be_is_said_next_to_its_field,
    a_service_key_is_rotated_and_its_old_secret_ended,
    a_service_key_is_changed_switched_and_revoked,
    two_who_change_a_service_key_at_once_hear_of_each_other,
    only_owners_and_user_admins_have_pages_of_service_keys,
    where_every_place_is_taken_no_form_is_offered,
}

const KEYS: &str = "/o/acme/service-keys";
const NEW: &str = "/o/acme/service-keys/new";
const API: &str = "/api/v1/orgs/acme/service-keys";

/// A key that pulls one image, by the form.
const PULL: [(&str, &str); 6] = [
    ("name", "cluster"),
    ("expiry", "90d"),
    ("part", "registry"),
    ("type", "container"),
    ("entities", "acme/app"),
    ("scope", "0/download_container"),
];

/// A key that lists, pushes and pulls, as the recipe says; lines end as browsers end them.
const PUSH: [(&str, &str); 8] = [
    ("name", "pipeline"),
    ("expiry", "30d"),
    ("part", "registry"),
    ("type", "container"),
    ("entities", "acme/*\r\n\r\nacme/*/*\r\n"),
    ("scope", "0/list_containers"),
    ("scope", "0/upload_container"),
    ("scope", "0/download_container"),
];

/// Posts the form of a new key with these fields besides.
async fn fill(by: &Browser, more: &[(&str, &str)]) -> Result<Answer> {
    by.post_form(NEW, &[&PULL[..], more].concat()).await
}

/// Makes the key; its id and secret.
async fn made(by: &Browser) -> Result<(String, String)> {
    let made = fill(by, &[("confirm", "yes")]).await?;
    assert_is_page(&made, 201);
    let id = between(&made.body, "href=\"/o/acme/service-keys/key_", "\"")?;
    Ok((format!("key_{id}"), secret_on(&made)?))
}

fn secret_on(page: &Answer) -> Result<String> {
    Ok(between(&page.body, "aria-label=\"The key\"><code>", "</code>")?.to_owned())
}

async fn verdict(world: &World, secret: &str) -> Result<String> {
    let answer = world.check(world.node(), secret).await?.json();
    Ok(answer["reason"].as_str().unwrap_or("allowed").to_owned())
}

async fn standing(by: &Browser) -> Result<Vec<Value>> {
    by.get(API).await?.json()["keys"].as_array().cloned().context("keys")
}

/// A recipe fills the form, and parts come and go without anything being lost.
async fn the_form_of_a_service_key_offers_what_the_org_has_and_grows(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let empty = see(&owner, KEYS).await?;
    assert_is_page(&empty, 200);
    assert!(empty.body.contains("A machine in production takes a service key"), "{}", empty.body);
    let form = see(&owner, NEW).await?;
    assert_is_page(&form, 200);
    for text in ["As little as the job needs", "Private Registry: list, push, pull", "value=\"add-catalog\""] {
        assert!(form.body.contains(text), "{text}: {}", form.body);
    }
    assert!(!form.body.contains("add-cloud_functions"), "a service that the org has not is not offered");

    let recipe = [("name", "pipeline"), ("expiry", "30d"), ("edit", "recipe-0")];
    let filled = owner.post_form(NEW, &recipe).await?;
    assert_is_page(&filled, 200);
    assert!(filled.body.contains("value=\"pipeline\"") && filled.body.contains("acme/*\nacme/*/*</textarea>"));
    assert!(between(&filled.body, "value=\"0/upload_container\"", ">")?.contains("checked"));
    assert!(!between(&filled.body, "value=\"0/delete_container\"", ">")?.contains("checked"));
    let more = owner.post_form(NEW, &[&PUSH[..], &[("edit", "add-catalog")]].concat()).await?;
    assert!(more.body.contains("value=\"1/get_artifact\"") && more.body.contains("name=\"edit\" value=\"remove-1\""));
    let less = owner.post_form(NEW, &[&PUSH[..], &[("edit", "remove-0")]].concat()).await?;
    assert!(!less.body.contains("name=\"part\"") && less.body.contains("value=\"pipeline\""));

    assert!(standing(&owner).await?.is_empty(), "nothing was made");
    Ok(())
}

/// A review shows what is reached, also in the future, before anything is made.
async fn a_service_key_is_made_in_two_steps_and_shown_once(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let review = owner.post_form(NEW, &PUSH).await?;
    assert_is_page(&review, 200);
    for text in [
        "Nothing is made yet",
        "Future ones too",
        "Everything of acme that lies in no team",
        "Everything in teams of acme; now vision",
        "upload_container",
        "expires <time",
        "Create pipeline",
    ] {
        assert!(review.body.contains(text), "{text}: {}", review.body);
    }
    assert!(!review.body.contains("delete_container") && !review.body.contains("The owners of the org are told"));
    assert!(standing(&owner).await?.is_empty(), "a review makes nothing");
    let back = owner.post_form(NEW, &[&PUSH[..], &[("edit", "back")]].concat()).await?;
    assert!(back.body.contains("value=\"pipeline\"") && back.body.contains("value=\"0/upload_container\" checked"));

    let made = owner.post_form(NEW, &[&PUSH[..], &[("confirm", "yes")]].concat()).await?;
    assert_is_page(&made, 201);
    let secret = secret_on(&made)?;
    assert!(secret.starts_with("cdas_"));
    assert_eq!(verdict(&world, &secret).await?, "allowed");
    let list = see(&owner, KEYS).await?;
    assert!(!list.body.contains(&secret), "a secret is shown once");
    for text in ["pipeline", "Private Registry", "acme/*, acme/*/*", "1 service key of 64", "in 30 days"] {
        assert!(list.body.contains(text), "{text}: {}", list.body);
    }
    let keys = standing(&owner).await?;
    assert_eq!(keys[0]["grants"][0]["entity_values"], json!(["acme/*", "acme/*/*"]));
    Ok(())
}

async fn what_a_service_key_cannot_be_is_said_next_to_its_field(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let part = |service, kind, entities, scope| {
        vec![
            ("name", "x"),
            ("expiry", "30d"),
            ("part", service),
            ("type", kind),
            ("entities", entities),
            ("scope", scope),
        ]
    };
    for (fields, field, text) in [
        (vec![("name", " "), ("expiry", "30d")], "name", "Enter a name"),
        (vec![("name", "x"), ("expiry", "soon")], "expiry", "An expiry is a span"),
        (
            vec![("name", "x"), ("expiry", "custom"), ("expires_on", "2001-01-01")],
            "expires_on",
            "a day that is not over",
        ),
        (vec![("name", "x"), ("expiry", "30d")], "parts", "Add what the key may do"),
        (part("registry", "", "acme/app", ""), "parts", "at least one scope"),
        (part("registry", "", " ", "0/get_container"), "parts", "Say which ones the key may reach"),
        (part("registry", "", "globex/*", "0/get_container"), "parts", "lies outside"),
        (part("registry", "", "*/*", "0/get_container"), "parts", "names no entities"),
        (part("registry", "boat", "acme/*", "0/get_container"), "parts", "no entity type"),
        (part("boats", "", "acme/*", "0/row"), "parts", "There is no service"),
        (part("cloud_functions", "", "acme/*", "0/invoke_function"), "parts", "does not have the service"),
    ] {
        for confirm in ["", "yes"] {
            let asked = [&fields[..], &[("confirm", confirm)]].concat();
            let refused = owner.post_form(NEW, &asked).await?;
            assert_is_page(&refused, 422);
            let said = between(&refused.body, &format!("id=\"{field}-problem\""), "</p>").unwrap_or_default();
            assert!(said.contains(text), "{text}: {}", refused.body);
            assert!(
                refused.body.contains("There is a problem") && refused.body.contains(&format!("href=\"#{field}\""))
            );
        }
    }
    assert!(standing(&owner).await?.is_empty(), "nothing was made");
    made(&owner).await?;
    let taken = fill(&owner, &[]).await?;
    assert_is_page(&taken, 409);
    assert!(between(&taken.body, "id=\"name-problem\"", "</p>")?.contains("There is a key of this name already"));
    // A key that is of no use is made, and what is missing for it is said before.
    let lonely = [
        ("name", "lonely"),
        ("expiry", "never"),
        ("part", "catalog"),
        ("type", ""),
        ("entities", "nim/*/*"),
        ("scope", "0/download_container"),
    ];
    let review = owner.post_form(NEW, &lonely).await?;
    assert_is_page(&review, 200);
    assert!(
        review.body.contains("Something is missing for this key to be of use")
            && review.body.contains("It never expires")
    );
    Ok(())
}

async fn a_service_key_is_rotated_and_its_old_secret_ended(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let (id, first) = made(&staff.bo).await?;
    assert!(staff.node().letter_to("owner@acme.test").await?.subject.contains("cluster"), "the owners hear of it");
    let at = format!("{KEYS}/{id}");
    let asked = see(&staff.bo, &format!("{at}/rotate")).await?;
    assert_is_page(&asked, 200);
    assert!(asked.body.contains("As now, in 3 months") && asked.body.contains("Name, grants and id stay"));
    let rotated = staff.bo.post_form(&format!("{at}/rotate"), &[("grace", "24h"), ("expiry", "")]).await?;
    assert_is_page(&rotated, 200);
    let second = secret_on(&rotated)?;
    assert!(rotated.body.contains("The one before it works until"), "{}", rotated.body);
    for secret in [&first, &second] {
        assert_eq!(verdict(&staff.world, secret).await?, "allowed");
    }
    let page = see(&staff.owner, &at).await?;
    assert_is_page(&page, 200);
    assert!(!page.body.contains(&second), "a secret is shown once");
    assert!(page.body.contains("The secret before this one works until") && page.body.contains("by Bo Chen"));
    let ended = staff.bo.post_form(&format!("{at}/end-grace"), &[]).await?;
    assert_eq!(ended.header("location"), format!("{at}?done=grace-ended"));
    assert_eq!(verdict(&staff.world, &first).await?, "superseded");
    let again = staff.bo.post_form(&format!("{at}/end-grace"), &[]).await?;
    assert_eq!(again.header("location"), format!("{at}?done=grace-over"));
    // After a leak nothing of the old secret is left.
    let leaked = staff.bo.post_form(&format!("{at}/rotate"), &[("grace", "leaked"), ("expiry", "1y")]).await?;
    assert_is_page(&leaked, 200);
    assert!(!leaked.body.contains("The one before it works until"));
    assert_eq!(verdict(&staff.world, &second).await?, "superseded");
    for (fields, field) in
        [([("grace", "9d"), ("expiry", "")], "grace"), ([("grace", "1h"), ("expiry", "soon")], "expiry")]
    {
        let refused = staff.bo.post_form(&format!("{at}/rotate"), &fields).await?;
        assert_is_page(&refused, 422);
        assert!(refused.body.contains(&format!("id=\"{field}-problem\"")), "{field}: {}", refused.body);
    }
    assert_eq!(verdict(&staff.world, &secret_on(&leaked)?).await?, "allowed");
    Ok(())
}

async fn a_service_key_is_changed_switched_and_revoked(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let owner = world.sign_in_owner().await?;
    let (id, secret) = made(&owner).await?;
    let at = format!("{KEYS}/{id}");
    let form = see(&owner, &format!("{at}/edit")).await?;
    assert_is_page(&form, 200);
    assert!(form.body.contains("value=\"cluster\"") && form.body.contains("value=\"0/download_container\" checked"));
    assert!(!form.body.contains("name=\"expiry\""), "another expiry comes with another secret");
    let version = between(&form.body, "name=\"version\" value=\"", "\"")?.to_owned();
    let narrower = [
        ("name", "Cluster fra"),
        ("version", version.as_str()),
        ("part", "registry"),
        ("type", ""),
        ("entities", "acme/vision/*"),
        ("scope", "0/get_container"),
    ];
    let review = owner.post_form(&format!("{at}/edit"), &narrower).await?;
    assert_is_page(&review, 200);
    assert!(review.body.contains("Everything in team vision") && review.body.contains("What is not here it loses"));
    assert_eq!(verdict(&world, &secret).await?, "allowed", "a review changes nothing");
    let done = owner.post_form(&format!("{at}/edit"), &[&narrower[..], &[("confirm", "yes")]].concat()).await?;
    assert_eq!(done.header("location"), format!("{at}?done=service-key-changed"), "{}", done.body);
    assert_eq!(verdict(&world, &secret).await?, "action_not_granted");
    let page = see(&owner, &format!("{at}?done=service-key-changed")).await?;
    assert!(
        page.body.contains("Cluster fra")
            && page.body.contains("The key is changed")
            && page.body.contains("acme/vision/*")
    );

    let off = owner.post_form(&format!("{at}/disable"), &[]).await?;
    assert_eq!(off.header("location"), format!("{at}?done=key-disabled"));
    assert_eq!(verdict(&world, &secret).await?, "disabled");
    assert!(see(&owner, &at).await?.body.contains("Only while it is active, which it is not"));
    owner.post_form(&format!("{at}/enable"), &[]).await?;
    assert_eq!(verdict(&world, &secret).await?, "action_not_granted");

    let asked = see(&owner, &format!("{at}/revoke")).await?;
    assert_is_page(&asked, 200);
    for text in ["Revoke Cluster fra", "on <code>acme/vision/*</code>", "every other key of the org", "Last used"] {
        assert!(asked.body.contains(text) || text == "Last used" && asked.body.contains("never been used"), "{text}");
    }
    assert_eq!(verdict(&world, &secret).await?, "action_not_granted", "asking ends nothing");
    let gone = owner.post_form(&format!("{at}/revoke"), &[]).await?;
    assert_eq!(gone.header("location"), format!("{KEYS}?done=key-revoked"));
    assert_eq!(verdict(&world, &secret).await?, "revoked");
    for rest in ["", "/edit", "/rotate", "/revoke"] {
        assert_is_page(&see(&owner, &format!("{at}{rest}")).await?, 404);
    }
    Ok(())
}

/// Who comes second sees that there was a first, and loses nothing that was typed.
async fn two_who_change_a_service_key_at_once_hear_of_each_other(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let (id, _) = made(&staff.owner).await?;
    let at = format!("{KEYS}/{id}/edit");
    let form = see(&staff.owner, &at).await?;
    let version = between(&form.body, "name=\"version\" value=\"", "\"")?.to_owned();
    let mine = |name, version| {
        let scope = ("scope", "0/get_container");
        [
            ("name", name),
            ("version", version),
            ("part", "registry"),
            ("type", ""),
            ("entities", "acme/app"),
            scope,
            ("confirm", "yes"),
        ]
    };
    assert_eq!(staff.bo.post_form(&at, &mine("by bo", &version)).await?.status, 303);
    let stale = staff.owner.post_form(&at, &mine("by the owner", &version)).await?;
    assert_is_page(&stale, 412);
    assert!(stale.body.contains("Somebody else has changed this key meanwhile"), "{}", stale.body);
    assert!(stale.body.contains("value=\"by the owner\""), "what was typed is kept");
    assert_eq!(standing(&staff.owner).await?[0]["name"], "by bo");
    let now = between(&stale.body, "name=\"version\" value=\"", "\"")?.to_owned();
    assert_eq!(staff.owner.post_form(&at, &mine("by the owner", &now)).await?.status, 303);
    assert_eq!(standing(&staff.owner).await?[0]["name"], "by the owner");
    Ok(())
}

async fn only_owners_and_user_admins_have_pages_of_service_keys(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let (id, secret) = made(&staff.bo).await?;
    let at = format!("{KEYS}/{id}");
    let review = staff.bo.post_form(NEW, &[&PULL[1..], &[("name", "second")]].concat()).await?;
    assert!(review.body.contains("The owners of the org are told by e-mail"), "{}", review.body);
    for somebody in [&staff.chika, &staff.dana] {
        for address in [KEYS, NEW, &at, &format!("{at}/edit"), &format!("{at}/rotate"), &format!("{at}/revoke")] {
            let refused = see(somebody, address).await?;
            assert_is_page(&refused, 403);
            assert!(!refused.body.contains("cluster"), "{address}");
        }
        for rest in ["disable", "enable", "rotate", "revoke", "end-grace", "edit"] {
            let fields = [("grace", "24h"), ("confirm", "yes"), ("name", "x")];
            assert_eq!(somebody.post_form(&format!("{at}/{rest}"), &fields).await?.status, 403, "{rest}");
        }
        assert_eq!(fill(somebody, &[("confirm", "yes")]).await?.status, 403);
        assert!(!see(somebody, "/me/keys").await?.body.contains("/o/acme/service-keys"), "no way is offered");
    }
    let nobody = staff.world.browser()?;
    assert_eq!(nobody.post_form(&format!("{at}/revoke"), &[]).await?.header("location"), "/login?return_to=%2F");
    assert_eq!(verdict(&staff.world, &secret).await?, "allowed");
    assert_eq!(standing(&staff.owner).await?.len(), 1);

    let (world, neighbour) = beside(engine, NodeBuilder::default()).await?;
    let owner = world.sign_in_owner().await?;
    let (id, secret) = made(&owner).await?;
    for address in [KEYS.to_owned(), NEW.to_owned(), format!("{KEYS}/{id}"), format!("/o/globex/service-keys/{id}")] {
        assert_is_page(&see(&neighbour, &address).await?, 404);
    }
    for org in ["acme", "globex"] {
        for rest in ["disable", "revoke", "rotate"] {
            let address = format!("/o/{org}/service-keys/{id}/{rest}");
            assert_eq!(neighbour.post_form(&address, &[("grace", "24h")]).await?.status, 404, "{address}");
        }
    }
    assert_eq!(verdict(&world, &secret).await?, "allowed");
    Ok(())
}

async fn where_every_place_is_taken_no_form_is_offered(engine: Engine) -> Result<()> {
    let builder = NodeBuilder::default().with(|settings| settings.service_keys_per_org = 2);
    let world = World::with(engine, builder).await?;
    let owner = world.sign_in_owner().await?;
    made(&owner).await?;
    let app = owner.send(Method::POST, "/api/v1/apps", &json!({"name": "nightly"})).await?;
    assert_eq!(app.status, 201, "{}", app.body);
    let full = see(&owner, KEYS).await?;
    assert!(full.body.contains("1 service key and 1 app of 2") && full.body.contains("Every place is taken"));
    assert!(!full.body.contains(NEW), "{}", full.body);
    let late = fill(&owner, &[("name", "late")]).await?;
    assert_eq!(late.status, 409, "the name that was typed first counts");
    let late = owner.post_form(NEW, &[&[("name", "late"), ("confirm", "yes")], &PULL[1..]].concat()).await?;
    assert_is_page(&late, 409);
    assert!(between(&late.body, "id=\"name-problem\"", "</p>")?.contains("which is the most"), "{}", late.body);
    assert_eq!(standing(&owner).await?.len(), 1);
    Ok(())
}
