//! Mail: written with its cause, sent after the commit, once, whatever fails between.

mod guarded;
mod samples;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_gateway::mail::{self, Message};
use cardea_model::name::Email;
use cardea_model::{Caller, Timestamp};
use cardea_store::{account, member, person};
use cardea_testkit::mailbox::unescaped;
use cardea_testkit::world::DIRECTORY_TOKEN;
use cardea_testkit::{Answer, Database, Engine, Letter, MailServer, Node, NodeBuilder, World, stories};
use reqwest::Method;
use serde_json::json;

stories! {
    every_kind_of_message_says_the_same_as_text_and_as_html,
    hostile_names_and_words_change_nothing_but_themselves,
    a_message_says_who_sent_it_and_wants_no_automatic_answer,
    what_is_rolled_back_is_not_sent_and_what_is_doubled_is_sent_once,
    links_are_sealed_at_rest_and_forgotten_once_sent,
    a_message_that_is_refused_is_tried_again_and_counted,
    a_server_that_never_takes_it_is_given_up_and_the_doctor_says_so,
    a_message_whose_sender_died_is_sent_by_another_node,
    a_lost_answer_sends_the_same_message_again,
    two_nodes_send_each_message_once,
    the_other_owners_and_the_recovery_address_learn_that_an_owner_was_suspended,
}

const READER: &str = "ana@corp.example";
const LINK: &str = "http://127.0.0.1:8700/link/cdai_secret?a=1&b=2";

/// Saturday, 2026-11-21 16:00 UTC.
fn until() -> Timestamp {
    Timestamp::from_seconds(1_795_276_800)
}

fn invitation(inviter: &str, text: Option<&str>) -> Message {
    Message::AccountInvitation {
        account: "acme".to_owned(),
        org: "acme-org".to_owned(),
        inviter: inviter.to_owned(),
        role: "member".to_owned(),
        text: text.map(str::to_owned),
        link: LINK.to_owned(),
        expires_at: until(),
    }
}

/// Writes a message into the outbox, as a cause of its own.
async fn write(node: &Node, message: &Message, key: &str) -> Result<()> {
    let ctx = node.app.ctx(Caller::System("test"));
    let reader = Email::parse(READER).context("the reader")?;
    let mut tx = node.app.db.write().await?;
    mail::send(&node.app, &mut tx, &ctx, &reader, message, key).await?;
    tx.commit().await?;
    Ok(())
}

async fn read(node: &Node, message: &Message) -> Result<Letter> {
    write(node, message, message.kind()).await?;
    node.letter_to(READER).await
}

/// A node that sends through this server.
async fn mailing(database: &Database, server: &MailServer) -> Result<Node> {
    NodeBuilder::default().mailing_by(server.way(&[])).start(database).await
}

async fn queue(node: &Node) -> Result<mail::Queue> {
    Ok(mail::queue(&node.app, &node.app.ctx(Caller::System("test"))).await?)
}

async fn every_kind_of_message_says_the_same_as_text_and_as_html(engine: Engine) -> Result<()> {
    let database = Database::fresh(engine)?;
    let node = Node::start(&database).await?;
    for (number, (message, facts)) in samples::one_of_each().into_iter().enumerate() {
        write(&node, &message, &format!("{number}")).await?;
        let letter = node.letter_to(READER).await?;
        let html = unescaped(&letter.html);
        for fact in facts {
            assert!(letter.text.contains(fact), "{message:?} does not say {fact}:\n{}", letter.text);
            assert!(html.contains(fact), "the HTML of {message:?} does not say {fact}:\n{html}");
        }
        // Reading it has held the text's links against the HTML's.
        assert!(letter.links.iter().all(|link| link == LINK), "{:?}", letter.links);
        assert_eq!(letter.links.is_empty(), !letter.text.contains("http://127.0.0.1:8700/link"), "{}", letter.text);
        assert!(letter.subject.chars().count() <= 78 && !letter.subject.is_empty(), "{}", letter.subject);
        // Nothing is loaded from anywhere, so nobody learns that it was read.
        for loads in ["<img", "<script", "<link", "<style", "src=", "url(", "<iframe"] {
            assert!(!letter.html.contains(loads), "{message:?} has {loads}");
        }
    }
    assert_eq!(node.mail().await?.len(), samples::one_of_each().len());
    Ok(())
}

async fn hostile_names_and_words_change_nothing_but_themselves(engine: Engine) -> Result<()> {
    let database = Database::fresh(engine)?;
    let node = Node::start(&database).await?;
    let name = "Eve\r\nBcc: victim@corp.example\r\n\r\n<a href=\"https://evil.example\">x</a>";
    let words = "Hi\r\n.\r\n--msg\r\n<img src=x onerror=alert(1)>\nhttps://evil.example/phish";
    let letter = read(&node, &invitation(name, Some(words))).await?;
    assert_eq!((letter.to.as_str(), letter.header("bcc")), (READER, None));
    assert_eq!(letter.links, [LINK]);
    assert!(!letter.html.contains("<img") && !letter.html.contains("href=\"https://evil"), "{}", letter.html);
    assert!(letter.text.contains("\n> https://evil.example/phish"), "what they write is marked as theirs");

    let asker = Message::ContactAdmin {
        from: "eve@corp.example\r\nBcc: victim@corp.example".to_owned(),
        subject: "Re\r\nX-Evil: 1".to_owned(),
        body: "?".to_owned(),
        org: "acme".to_owned(),
        team: None,
    };
    let letter = read(&node, &asker).await?;
    // Where no honest answer could go, none is asked for.
    assert_eq!((letter.reply_to.as_deref(), letter.header("x-evil"), letter.header("bcc")), (None, None, None));
    assert_eq!(letter.subject, "[acme] Re X-Evil: 1");
    Ok(())
}

async fn a_message_says_who_sent_it_and_wants_no_automatic_answer(engine: Engine) -> Result<()> {
    let database = Database::fresh(engine)?;
    let node = Node::start(&database).await?;
    let letter = read(&node, &invitation("Olga", None)).await?;
    assert_eq!((letter.from.as_str(), letter.reply_to.as_deref()), ("noreply@cardea.test", None));
    assert_eq!(letter.header("Auto-Submitted"), Some("auto-generated"));
    // The time of the cause, by the node's clock.
    assert_eq!(letter.header("Date"), Some("Sat, 21 Nov 2026 10:00:00 +0000"));
    let id = letter.header("Message-ID").context("an id")?;
    assert!(id.starts_with("<msg_") && id.ends_with("@cardea.test>"), "{id}");
    let asker = Message::ContactAdmin {
        from: "bo@corp.example".to_owned(),
        subject: "Hello".to_owned(),
        body: "?".to_owned(),
        org: "acme".to_owned(),
        team: None,
    };
    assert_eq!(read(&node, &asker).await?.reply_to.as_deref(), Some("bo@corp.example"));
    Ok(())
}

async fn what_is_rolled_back_is_not_sent_and_what_is_doubled_is_sent_once(engine: Engine) -> Result<()> {
    let database = Database::fresh(engine)?;
    let node = Node::start(&database).await?;
    let ctx = node.app.ctx(Caller::System("test"));
    let reader = Email::parse(READER).context("the reader")?;
    let mut tx = node.app.db.write().await?;
    mail::send(&node.app, &mut tx, &ctx, &reader, &invitation("Olga", None), "one").await?;
    drop(tx);
    assert_eq!(node.mail().await?, []);

    // A key that is there already does not spoil what else the transaction does.
    let mut tx = node.app.db.write().await?;
    mail::send(&node.app, &mut tx, &ctx, &reader, &invitation("Olga", None), "one").await?;
    mail::send(&node.app, &mut tx, &ctx, &reader, &invitation("Pia", None), "one").await?;
    mail::send(&node.app, &mut tx, &ctx, &reader, &invitation("Quin", None), "two").await?;
    tx.commit().await?;
    // The key holds after the message has left, too.
    assert_eq!(node.mail().await?.len(), 2);
    write(&node, &invitation("Rosa", None), "one").await?;
    let letters = node.mail().await?;
    let subjects: Vec<&str> = letters.iter().map(|letter| letter.subject.as_str()).collect();
    ensure!(subjects.len() == 2, "{subjects:?}");
    for subject in ["Olga invites you to acme-org", "Quin invites you to acme-org"] {
        assert!(subjects.contains(&subject), "{subjects:?}");
    }
    Ok(())
}

async fn links_are_sealed_at_rest_and_forgotten_once_sent(engine: Engine) -> Result<()> {
    let (database, server) = (Database::fresh(engine)?, MailServer::start().await?);
    let node = mailing(&database, &server).await?;
    server.refuse_next("451 later");
    write(&node, &invitation("Olga", None), "one").await?;
    mail::send_due(&node.app).await?;
    let later = node.app.clock.now().after(Duration::from_secs(3600));
    let rows = cardea_store::mail::due(&mut node.app.db.read().await?, later, 10).await?;
    let row = rows.first().context("it waits")?;
    assert_eq!((row.to.as_str(), row.kind.as_str(), row.attempts), (READER, "account_invitation", 1));
    let secret = b"cdai_secret";
    assert!(!row.document.windows(secret.len()).any(|part| part == secret));

    node.clock.advance(Duration::from_secs(60));
    mail::send_due(&node.app).await?;
    assert!(cardea_store::mail::due(&mut node.app.db.read().await?, later, 10).await?.is_empty());
    assert!(server.taken()[0].message.contains("cdai_secret"));
    Ok(())
}

async fn a_message_that_is_refused_is_tried_again_and_counted(engine: Engine) -> Result<()> {
    let (database, server) = (Database::fresh(engine)?, MailServer::start().await?);
    let node = mailing(&database, &server).await?;
    server.refuse_next("451 <ana@corp.example> try later");
    server.refuse_next("550 <ana@corp.example> no");
    write(&node, &invitation("Olga", None), "one").await?;
    mail::send_due(&node.app).await?;
    assert!(server.taken().is_empty());
    let seen = queue(&node).await?;
    assert_eq!((seen.waiting, seen.failing, seen.given_up), (1, 1, 0));
    // The server's own words may hold the person's address.
    assert_eq!(seen.error.as_deref(), Some("the mail server answered 451"));

    // Not before its time; then, with twice the pause, again.
    node.clock.advance(Duration::from_secs(29));
    assert_eq!(mail::send_due(&node.app).await?, 0);
    node.clock.advance(Duration::from_secs(2));
    mail::send_due(&node.app).await?;
    assert_eq!(queue(&node).await?.error.as_deref(), Some("the mail server answered 550"));
    node.clock.advance(Duration::from_secs(61));
    mail::send_due(&node.app).await?;
    let taken = server.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].from.as_str(), taken[0].to.as_str()), ("noreply@cardea.test", READER));
    assert_eq!(Letter::read(taken[0].message.as_bytes())?.links, [LINK]);
    assert_eq!(queue(&node).await?.waiting, 0);
    let metrics = cardea_gateway::metrics::text(&node.app);
    for line in ["mail_total{outcome=\"put_off\"} 2", "mail_total{outcome=\"sent\"} 1"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    Ok(())
}

async fn a_server_that_never_takes_it_is_given_up_and_the_doctor_says_so(engine: Engine) -> Result<()> {
    let (database, server) = (Database::fresh(engine)?, MailServer::start().await?);
    let node = mailing(&database, &server).await?;
    // Nobody listens there any more.
    drop(server);
    write(&node, &invitation("Olga", None), "one").await?;
    for _ in 0..16 {
        assert_eq!(mail::send_due(&node.app).await?, 0);
        node.clock.advance(Duration::from_secs(7 * 3600));
    }
    let seen = queue(&node).await?;
    assert_eq!((seen.waiting, seen.failing, seen.given_up), (0, 0, 1));
    assert_eq!(seen.error.as_deref(), Some("the mail server cannot be spoken to"));
    Ok(())
}

async fn a_message_whose_sender_died_is_sent_by_another_node(engine: Engine) -> Result<()> {
    let database = Database::fresh(engine)?;
    let server = MailServer::start().await?;
    let first = mailing(&database, &server).await?;
    first.stop().await;
    let node = mailing(&database, &server).await?;
    let ctx = node.app.ctx(Caller::System("test"));
    let reader = Email::parse(READER).context("the reader")?;
    // Written and claimed in one transaction, by a node that does nothing more.
    let mut tx = node.app.db.write().await?;
    mail::send(&node.app, &mut tx, &ctx, &reader, &invitation("Olga", None), "one").await?;
    let now = node.app.clock.now();
    let row = cardea_store::mail::due(&mut tx, now, 1).await?.pop().context("the row")?;
    assert!(cardea_store::mail::claim(&mut tx, &row, now.after(Duration::from_secs(120))).await?);
    // Whoever read the row before cannot claim it any more.
    assert!(!cardea_store::mail::claim(&mut tx, &row, now.after(Duration::from_secs(121))).await?);
    tx.commit().await?;
    assert_eq!(mail::send_due(&node.app).await?, 0);
    node.clock.advance(Duration::from_secs(121));
    mail::send_due(&node.app).await?;
    assert_eq!(server.taken().len(), 1);
    Ok(())
}

async fn a_lost_answer_sends_the_same_message_again(engine: Engine) -> Result<()> {
    let (database, server) = (Database::fresh(engine)?, MailServer::start().await?);
    let node = mailing(&database, &server).await?;
    server.break_off_next();
    write(&node, &invitation("Olga", None), "one").await?;
    mail::send_due(&node.app).await?;
    node.clock.advance(Duration::from_secs(31));
    mail::send_due(&node.app).await?;
    let taken = server.taken();
    assert_eq!(taken.len(), 2);
    // Byte for byte, so with one Message-ID: the reader's server can drop one.
    assert_eq!(taken[0].message, taken[1].message);
    Ok(())
}

async fn two_nodes_send_each_message_once(engine: Engine) -> Result<()> {
    let (database, server) = (Database::fresh(engine)?, MailServer::start().await?);
    let one = mailing(&database, &server).await?;
    let two = mailing(&database, &server).await?;
    for number in 0..20 {
        write(&one, &invitation("Olga", None), &number.to_string()).await?;
    }
    let (first, second) = tokio::join!(mail::send_due(&one.app), mail::send_due(&two.app));
    first?;
    second?;
    // What is in the other's hands now is sent when its round ends.
    mail::send_due(&one.app).await?;
    mail::send_due(&two.app).await?;
    assert_eq!(server.taken().len(), 20);
    assert_eq!(queue(&one).await?.waiting, 0);
    Ok(())
}

/// Sends this to the directory's door.
async fn scim(world: &World, method: Method, path: &str, body: &serde_json::Value) -> Result<Answer> {
    let browser = world.browser()?;
    let request = browser.request(method, &format!("/scim/v2{path}")).bearer_auth(DIRECTORY_TOKEN);
    Answer::read(request.header("content-type", "application/scim+json").body(body.to_string()).send().await?).await
}

/// When a directory suspends an owner, all other owners and the account's recovery address are told, once.
async fn the_other_owners_and_the_recovery_address_learn_that_an_owner_was_suspended(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let node = world.node();
    let made = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": READER,
        "externalId": "ana-0001", "active": true, "emails": [{"value": READER, "primary": true}]});
    let made = scim(&world, Method::POST, "/Users", &made).await?.json();
    let path = format!("/Users/{}", made["id"].as_str().context("an id")?);
    let mut tx = node.app.db.write().await?;
    let mut acme = account::named(&mut tx, "acme").await?.context("acme")?;
    acme.recovery_email = Some("it@acme-recovery.test".to_owned());
    account::update(&mut tx, &acme).await?;
    let ana = person::by_email(&mut tx, acme.id, READER).await?.context("ana")?;
    tx.commit().await?;
    let shut = |active: bool| {
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "active", "value": active}]})
    };

    // Of somebody who owns nothing, nobody is told.
    assert_eq!(scim(&world, Method::PATCH, &path, &shut(false)).await?.status, 200);
    assert_eq!(scim(&world, Method::PATCH, &path, &shut(true)).await?.status, 200);
    assert_eq!(node.mail().await?, []);

    let mut tx = node.app.db.write().await?;
    member::make_owner(&mut tx, ana.member, "admin").await?;
    tx.commit().await?;
    assert_eq!(scim(&world, Method::PATCH, &path, &shut(false)).await?.status, 200);
    // Who is suspended already is not suspended anew.
    assert_eq!(scim(&world, Method::DELETE, &path, &json!({})).await?.status, 204);
    let letters = node.mail().await?;
    let mut readers: Vec<&str> = letters.iter().map(|letter| letter.to.as_str()).collect();
    readers.sort_unstable();
    assert_eq!(readers, ["it@acme-recovery.test", "owner@acme.test"]);
    for letter in &letters {
        assert!(letter.text.contains(READER), "{}", letter.text);
        assert!(letter.text.contains("the directory of the connection okta"), "{}", letter.text);
        assert!(letter.text.contains("2026-11-21 10:00 UTC"), "{}", letter.text);
    }
    Ok(())
}
