//! A person writes to the owners of their org on a page.

use anyhow::Result;
use cardea_testkit::world::OWNER;
use cardea_testkit::{Engine, World, stories};

use super::{assert_is_page, see};

stories! {
    a_template_is_filled_in_edited_and_sent,
    whoever_asks_for_a_team_says_first_which,
    what_cannot_be_sent_is_not_lost,
}

const CONTACT: &str = "/o/acme/contact";

async fn a_template_is_filled_in_edited_and_sent(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    // The menu of every page leads there.
    assert!(see(&ana, "/me/keys").await?.body.contains("href=\"/o/acme/contact\""));
    let form = see(&ana, CONTACT).await?;
    assert_is_page(&form, 200);
    for text in ["value=\"A product for acme\"", "I would like to use this product in the org acme", "ana@corp.example"]
    {
        assert!(form.body.contains(text), "{text}: {}", form.body);
    }
    let fields = [("about", "product"), ("subject", "AI Enterprise, please"), ("body", "Hello,\r\nmay we?")];
    let sent = ana.post_form(CONTACT, &fields).await?;
    assert_eq!((sent.status, sent.header("location")), (303, "/o/acme/contact?done=message-sent"));
    let letter = world.node().letter_to(OWNER.0).await?;
    assert_eq!(letter.subject, "[acme] AI Enterprise, please");
    assert_eq!(letter.reply_to.as_deref(), Some("ana@corp.example"));
    assert!(letter.text.contains("> may we?"), "{}", letter.text);
    assert!(see(&ana, sent.header("location")).await?.body.contains("Your message is on its way"));
    assert_is_page(&see(&ana, "/o/other/contact").await?, 404);
    Ok(())
}

async fn whoever_asks_for_a_team_says_first_which(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let which = see(&ana, &format!("{CONTACT}?about=team")).await?;
    assert_is_page(&which, 200);
    assert!(which.body.contains("<option value=\"vision\"") && !which.body.contains("name=\"body\""), "{}", which.body);
    let form = see(&ana, &format!("{CONTACT}?about=team&team=vision")).await?;
    for text in
        ["Access to the team vision of acme", "I would like to work with the team vision", "Choose another team"]
    {
        assert!(form.body.contains(text), "{text}: {}", form.body);
    }
    let gone = see(&ana, &format!("{CONTACT}?about=team&team=nowhere")).await?;
    assert_is_page(&gone, 422);
    assert!(gone.body.contains("<code>nowhere</code> is no team of this org"), "{}", gone.body);
    let fields = [("about", "team"), ("team", "vision"), ("subject", "Vision"), ("body", "May I?")];
    assert_eq!(ana.post_form(CONTACT, &fields).await?.status, 303);
    assert_eq!(world.node().letter_to(OWNER.0).await?.subject, "[acme] Vision");
    Ok(())
}

async fn what_cannot_be_sent_is_not_lost(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let ana = world.sign_in("ana").await?;
    let long = "y".repeat(4001);
    for (about, team, subject, body, status, problem) in [
        ("product", "", "", "My words.", 422, "subject-problem"),
        ("product", "", "Mine", " ", 422, "body-problem"),
        ("product", "", "Mine", long.as_str(), 422, "body-problem"),
        ("team", "", "Mine", "My words.", 422, "team-problem"),
        ("team", "nowhere", "Mine", "My words.", 422, "team-problem"),
    ] {
        let fields = [("about", about), ("team", team), ("subject", subject), ("body", body)];
        let refused = ana.post_form(CONTACT, &fields).await?;
        assert_is_page(&refused, status);
        for text in [&format!("id=\"{problem}\""), &format!("value=\"{subject}\""), &format!(">{body}</textarea>")] {
            assert!(refused.body.contains(text.as_str()), "{text}: {}", refused.body);
        }
    }
    assert_eq!(world.node().mail().await?, []);
    let fields = [("about", "product"), ("subject", "Mine"), ("body", "My words.")];
    for _ in 0..5 {
        assert_eq!(ana.post_form(CONTACT, &fields).await?.status, 303);
    }
    let often = ana.post_form(CONTACT, &fields).await?;
    assert_is_page(&often, 429);
    assert!(
        often.body.contains("5 messages in a day") && often.body.contains(">My words.</textarea>"),
        "{}",
        often.body
    );
    assert!(!often.header("retry-after").is_empty());
    Ok(())
}
