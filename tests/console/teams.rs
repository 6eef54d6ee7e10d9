//! Teams on their pages: made, described, filled with people and ended.

use anyhow::Result;
use cardea_testkit::world::DIRECTORY_TOKEN;
use cardea_testkit::{Engine, stories};
use reqwest::Method;
use serde_json::json;

use super::{assert_is_page, between, see};
use crate::people::{Staff, give, own_roles};

stories! {
    a_team_is_made_described_filled_and_ended_on_its_pages,
    what_no_team_can_be_called_is_said_next_to_its_name,
    two_who_describe_a_team_at_once_see_both_texts,
    a_team_of_more_than_ten_people_ends_by_its_name,
    only_who_manages_teams_changes_them,
}

const TEAMS: &str = "/o/acme/teams";
const NEW: &str = "/o/acme/new-team";

/// Owners and user_admins of the org make teams; the description is for people, the name for ever.
async fn a_team_is_made_described_filled_and_ended_on_its_pages(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let form = see(&staff.bo, NEW).await?;
    assert_is_page(&form, 200);
    assert!(form.body.contains("Lower-case letters"));
    let made = staff.bo.post_form(NEW, &[("name", " new "), ("description", "Things\r\nthat are new")]).await?;
    assert_eq!(made.header("location"), format!("{TEAMS}/new?done=team-made"), "{}", made.body);
    let team = format!("{TEAMS}/new");
    let page = see(&staff.bo, &team).await?;
    assert_is_page(&page, 200);
    assert!(page.body.contains("Things that are new") && page.body.contains("Nobody yet."), "{}", page.body);
    assert!(see(&staff.dana, &team).await?.status == 403, "whoever sees no people sees no team's");

    for (who, role, field) in [
        ("", "registry/user", "who"),
        ("ghost@corp.example", "registry/user", "who"),
        ("dana@corp.example", "", "role"),
        ("dana@corp.example", "registry/emperor", "role"),
    ] {
        let refused = staff.bo.post_form(&format!("{team}/people"), &[("who", who), ("role", role)]).await?;
        assert!([404, 422].contains(&refused.status), "{}", refused.body);
        assert!(refused.body.contains(&format!("id=\"{field}-problem\"")), "{who} {role}: {}", refused.body);
        assert!(refused.body.contains(&format!("name=\"who\" type=\"email\" value=\"{who}\"")));
    }
    let given = staff
        .bo
        .post_form(&format!("{team}/people"), &[("who", "Dana@corp.example"), ("role", "registry/user")])
        .await?;
    assert_eq!(given.header("location"), format!("{team}?done=role-given"), "{}", given.body);
    assert_eq!(own_roles(&staff.dana).await?, ["new/registry/user"]);
    assert!(see(&staff.bo, &team).await?.body.contains("Dana Levi"));

    let version = version_of(&see(&staff.bo, &team).await?.body)?;
    let described = staff.bo.post_form(&team, &[("version", &version), ("description", "Newer things")]).await?;
    assert_eq!(described.header("location"), format!("{team}?done=team-described"), "{}", described.body);
    let asked = see(&staff.bo, &format!("{team}/end")).await?;
    assert_is_page(&asked, 200);
    for text in ["End new and the roles of 1 person", "Dana Levi", "no team gets it again"] {
        assert!(asked.body.contains(text), "{text}: {}", asked.body);
    }
    // What an old page shows is not ended in the place of what came since.
    let stale = staff.bo.post_form(&format!("{team}/end"), &[("version", &version)]).await?;
    assert_is_page(&stale, 412);
    assert!(stale.body.contains("Nothing has ended") && own_roles(&staff.dana).await?.len() == 1);
    let ended = staff.bo.post_form(&format!("{team}/end"), &[("version", &version_of(&stale.body)?)]).await?;
    assert_eq!(ended.header("location"), format!("{TEAMS}?done=team-ended"), "{}", ended.body);
    assert_eq!(own_roles(&staff.dana).await?, Vec::<String>::new());
    assert_is_page(&see(&staff.bo, &team).await?, 404);
    let again = staff.bo.post_form(NEW, &[("name", "new")]).await?;
    assert_is_page(&again, 409);
    assert!(between(&again.body, "id=\"name-problem\"", "</p>")?.contains("never given again"));
    Ok(())
}

fn version_of(body: &str) -> Result<String> {
    Ok(between(body, "name=\"version\" value=\"", "\"")?.to_owned())
}

/// All lower case; a name with capitals is refused with how it could be, and nothing typed is lost.
async fn what_no_team_can_be_called_is_said_next_to_its_name(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    for (name, status, text) in [
        ("Audio-Lab", 422, "<code>audio-lab</code>"),
        ("", 422, "lower-case letters"),
        ("a b", 422, "lower-case letters"),
        ("vision", 409, "has this name"),
    ] {
        let refused = staff.owner.post_form(NEW, &[("name", name), ("description", "Sound & <speech>")]).await?;
        assert_is_page(&refused, status);
        assert!(between(&refused.body, "id=\"name-problem\"", "</p>")?.contains(text), "{name}: {}", refused.body);
        let kept = format!("value=\"{name}\"");
        assert!(
            refused.body.contains(&kept) && refused.body.contains("Sound &#38; &#60;speech&#62;"),
            "{}",
            refused.body
        );
    }
    let long = staff.owner.post_form(NEW, &[("name", "audio"), ("description", &"x".repeat(1001))]).await?;
    assert_is_page(&long, 422);
    assert!(long.body.contains("id=\"description-problem\"") && long.body.contains("value=\"audio\""));
    let teams = staff.owner.get("/api/v1/orgs/acme/teams").await?.json();
    assert_eq!(teams["items"].as_array().map(Vec::len), Some(1));
    Ok(())
}

async fn two_who_describe_a_team_at_once_see_both_texts(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let team = format!("{TEAMS}/vision");
    let version = version_of(&see(&staff.owner, &team).await?.body)?;
    let theirs = staff.bo.post_form(&team, &[("version", &version), ("description", "Seeing machines")]).await?;
    assert_eq!(theirs.status, 303);
    let mine = staff.owner.post_form(&team, &[("version", &version), ("description", "Cameras")]).await?;
    assert_is_page(&mine, 412);
    assert!(
        mine.body.contains("<blockquote>Seeing machines</blockquote>") && mine.body.contains(">\nCameras</textarea>")
    );
    let stands = staff.owner.get("/api/v1/orgs/acme/teams/vision").await?.json();
    assert_eq!(stands["description"], "Seeing machines");
    let version = version_of(&mine.body)?;
    let saved = staff.owner.post_form(&team, &[("version", &version), ("description", "Cameras")]).await?;
    assert_eq!(saved.status, 303, "knowing theirs, one may put one's own in its place");
    // A page that says no version is no page of ours.
    assert_eq!(staff.owner.post_form(&team, &[("description", "")]).await?.status, 412);
    Ok(())
}

async fn a_team_of_more_than_ten_people_ends_by_its_name(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    let directory = staff.world.browser()?;
    for number in 0..11 {
        let email = format!("person{number}@corp.example");
        let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "active": true, "userName": email,
            "externalId": format!("ext-{number}"), "emails": [{"value": email, "primary": true}]});
        let request = directory.request(Method::POST, "/scim/v2/Users").bearer_auth(DIRECTORY_TOKEN);
        let made = request.header("content-type", "application/scim+json").body(user.to_string()).send().await?;
        assert_eq!(made.status(), 201);
        let given =
            give(&staff.owner, &email, &json!({"team": "vision", "service": "catalog", "role": "read"})).await?;
        assert_eq!(given.status, 200, "{}", given.body);
    }
    let end = format!("{TEAMS}/vision/end");
    let asked = see(&staff.owner, &end).await?;
    assert!(asked.body.contains("End vision and the roles of 12 people") && asked.body.contains("name=\"confirm\""));
    let version = version_of(&asked.body)?;
    for confirm in ["", "Vision"] {
        let refused = staff.owner.post_form(&end, &[("version", &version), ("confirm", confirm)]).await?;
        assert_is_page(&refused, 422);
        assert!(refused.body.contains("id=\"confirm-problem\""), "{}", refused.body);
    }
    assert_eq!(staff.owner.get("/api/v1/orgs/acme/teams/vision").await?.status, 200);
    let ended = staff.owner.post_form(&end, &[("version", &version), ("confirm", "vision")]).await?;
    assert_eq!(ended.status, 303, "{}", ended.body);
    Ok(())
}

/// Whoever manages one team's users gives roles in it, and neither describes nor ends it.
async fn only_who_manages_teams_changes_them(engine: Engine) -> Result<()> {
    let staff = Staff::new(engine).await?;
    staff.owner.post_form(NEW, &[("name", "audio")]).await?;
    let (vision, audio) = (format!("{TEAMS}/vision"), format!("{TEAMS}/audio"));
    let list = see(&staff.chika, TEAMS).await?;
    assert_is_page(&list, 200);
    assert!(list.body.contains("you manage its users") && !list.body.contains("Create team"), "{}", list.body);
    let mine = see(&staff.chika, &vision).await?;
    assert!(mine.body.contains("name=\"who\"") && !mine.body.contains("name=\"description\""), "{}", mine.body);
    assert!(!mine.body.contains("End this team") && !see(&staff.chika, &audio).await?.body.contains("name=\"who\""));
    let role = [("who", "dana@corp.example"), ("role", "registry/user")];
    assert_eq!(staff.chika.post_form(&format!("{vision}/people"), &role).await?.status, 303);
    assert_eq!(staff.chika.post_form(&format!("{audio}/people"), &role).await?.status, 403);
    assert_eq!(own_roles(&staff.dana).await?, ["vision/registry/user"]);
    for by in [&staff.chika, &staff.dana] {
        for address in [NEW.to_owned(), vision.clone(), format!("{vision}/end")] {
            let fields = [("name", "mine"), ("description", "mine"), ("version", "1"), ("confirm", "vision")];
            assert_eq!(by.post_form(&address, &fields).await?.status, 403, "{address}");
        }
        assert_is_page(&see(by, NEW).await?, 403);
        assert_is_page(&see(by, &format!("{vision}/end")).await?, 403);
    }
    assert_is_page(&see(&staff.owner, &format!("{TEAMS}/nowhere")).await?, 404);
    assert_eq!(staff.owner.get("/api/v1/orgs/acme/teams/vision").await?.json()["version"], 1);
    Ok(())
}
