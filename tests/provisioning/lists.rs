//! Lists: pages, filters, totals, and the part of each record that was asked for.

use anyhow::Result;
use cardea_testkit::{Engine, World, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{deactivated, provision, scim};

stories! {
    pages_are_stable_and_totals_count_everything,
    filters_find_by_index_and_by_looking_at_everybody,
    only_what_was_asked_for_is_shown,
}

async fn list(world: &World, query: &str) -> Result<Value> {
    let answer = scim(world, Method::GET, &format!("/Users{query}"), None).await?;
    anyhow::ensure!(answer.status == 200, "{query}: {} {}", answer.status, answer.body);
    Ok(answer.json())
}

fn names(list: &Value) -> Vec<String> {
    let resources = list["Resources"].as_array().cloned().unwrap_or_default();
    resources.iter().filter_map(|user| user["userName"].as_str().map(str::to_owned)).collect()
}

async fn crowd(world: &World, count: usize) -> Result<()> {
    for number in 0..count {
        let body = json!({"schemas": [super::USER], "userName": format!("user{number:02}@corp.example"),
            "externalId": format!("E{number}"), "title": if number % 2 == 0 { "Engineer" } else { "Physicist" },
            "emails": [{"value": format!("user{number:02}@corp.example"), "type": "work", "primary": true},
                {"value": format!("Home{number}@elsewhere.example"), "type": "home"}]});
        provision(world, body).await?;
    }
    Ok(())
}

async fn pages_are_stable_and_totals_count_everything(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    crowd(&world, 12).await?;
    let all = names(&list(&world, "").await?);
    assert_eq!(all.len(), 12);
    for filter in ["", "&filter=title%20pr"] {
        for (start, count) in [(1, 5), (6, 5), (11, 5)] {
            let page = list(&world, &format!("?startIndex={start}&count={count}{filter}")).await?;
            let expected: Vec<_> = all.iter().skip(start - 1).take(count).cloned().collect();
            assert_eq!(names(&page), expected, "{start} {count} {filter}");
            assert_eq!(page["totalResults"], 12);
            assert_eq!((&page["startIndex"], &page["itemsPerPage"]), (&json!(start), &json!(expected.len())));
        }
    }
    for (query, shown) in [
        ("?count=0", 0),
        ("?count=-3", 0),
        ("?startindex=0", 12),
        ("?startIndex=-1&count=2", 2),
        ("?startIndex=99999999999999999999", 0),
        ("?count=100000", 12),
    ] {
        let page = list(&world, query).await?;
        assert_eq!((names(&page).len(), &page["totalResults"]), (shown, &json!(12)), "{query}");
    }
    Ok(())
}

async fn filters_find_by_index_and_by_looking_at_everybody(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    crowd(&world, 6).await?;
    let first = list(&world, "?filter=userName%20eq%20%22user03%40corp.example%22").await?;
    let id = first["Resources"][0]["id"].as_str().unwrap_or_default().to_owned();
    let off = scim(&world, Method::PATCH, &format!("/Users/{id}"), Some(deactivated())).await?;
    assert_eq!(off.status, 200);
    let (by_id, by_id_and_title) = (format!("id eq \"{id}\""), format!("id eq \"{id}\" and title eq \"Engineer\""));
    for (filter, found) in [
        ("userName eq \"USER03@corp.example\"", vec![3]),
        ("userName eq \"user03@corp.example\" and active eq true", vec![]),
        ("userName Eq \"user03@corp.example\" AND active eq \"False\"", vec![3]),
        ("externalId eq \"E4\"", vec![4]),
        ("externalId eq \"e4\"", vec![]),
        (by_id.as_str(), vec![3]),
        (by_id_and_title.as_str(), vec![]),
        ("id eq \"usr_of_nobody\"", vec![]),
        ("emails eq \"user05@corp.example\"", vec![5]),
        ("emails.value eq \"home5@elsewhere.example\"", vec![5]),
        ("emails[type eq \"work\" and value eq \"home5@elsewhere.example\"]", vec![]),
        ("emails[type eq \"home\"].value eq \"HOME5@elsewhere.example\"", vec![5]),
        ("title eq \"engineer\"", vec![0, 2, 4]),
        ("title eq \"Engineer\" and not (userName sw \"user00\")", vec![2, 4]),
        ("userName co \"%\"", vec![]),
        ("active eq false", vec![3]),
        ("meta.lastModified gt \"2001-01-01T00:00:00.0000000Z\" and title pr", vec![0, 1, 2, 3, 4, 5]),
        ("userName eq \"user01@corp.example\" or externalId eq \"E2\"", vec![1, 2]),
        ("favouriteColour eq \"teal\"", vec![]),
    ] {
        let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let answer = scim(&world, Method::GET, &format!("/Users?filter={encoded}&"), None).await?;
        if filter.starts_with("favourite") {
            assert!(matches!(answer.status, 200 | 400), "{filter} {}", answer.body);
            assert!(names(&answer.json()).is_empty());
            continue;
        }
        let expected: Vec<_> = found.iter().map(|number| format!("user{number:02}@corp.example")).collect();
        let mut shown = names(&answer.json());
        shown.sort();
        assert_eq!(shown, expected, "{filter}: {}", answer.body);
        assert_eq!(answer.json()["totalResults"], json!(found.len()), "{filter}");
    }
    // An address that a record no longer has finds it no longer.
    let change =
        json!({"schemas": [super::PATCH], "Operations": [{"op": "remove", "path": "emails[type eq \"home\"]"}]});
    assert_eq!(scim(&world, Method::PATCH, &format!("/Users/{id}"), Some(change)).await?.status, 200);
    let gone = list(&world, "?filter=emails.value%20eq%20%22home3%40elsewhere.example%22").await?;
    assert_eq!(gone["totalResults"], 0);
    Ok(())
}

async fn only_what_was_asked_for_is_shown(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    crowd(&world, 1).await?;
    let user = list(&world, "?attributes=emails.value").await?["Resources"][0].clone();
    let id = user["id"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        user,
        json!({"schemas": [super::USER], "id": id,
            "emails": [{"value": "user00@corp.example"}, {"value": "Home0@elsewhere.example"}]})
    );
    let without = scim(&world, Method::GET, &format!("/Users/{id}?excludedAttributes=emails,meta,id"), None).await?;
    let without = without.json();
    assert_eq!((without.get("emails"), without.get("meta")), (None, None));
    assert_eq!((&without["id"], &without["title"]), (&json!(id), &json!("Engineer")));
    // Writes answer the same part.
    let change = super::patched(&json!([{"op": "replace", "path": "title", "value": "Chef"}]));
    let changed = scim(&world, Method::PATCH, &format!("/Users/{id}?attributes=title"), Some(change)).await?;
    assert_eq!(changed.json(), json!({"schemas": [super::USER], "id": id, "title": "Chef"}));
    Ok(())
}
