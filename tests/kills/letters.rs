//! Killed while letters go out: each is sent, and whoever gets one twice can tell.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_gateway::mail;
use cardea_store::{account, member, person};
use cardea_testkit::world::{OWNER, state};
use cardea_testkit::{Browser, Certified, Database, Engine, Letter, MailServer, Node, NodeBuilder, kills, stories};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Served, installed, scim};

stories! {
    a_letter_of_an_answered_suspension_is_never_lost,
}

/// The owner whom the directory suspends again and again; the other one hears of it each time.
const SUSPENDED: &str = "ana@corp.example";
/// Where the mail server's authority stands.
const AUTHORITY: &str = "ca.pem";
/// How often in the life of one process.
const SUSPENSIONS: usize = 4;

/// Makes an owner of whom the directory knows; returns their id there.
async fn second_owner(node: &Node) -> Result<String> {
    let directory = Browser::new(&node.url)?;
    let ana = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": SUSPENDED, "active": true,
        "emails": [{"value": SUSPENDED, "primary": true}]});
    let (status, made) = scim(&directory, Method::POST, "/scim/v2/Users", &ana).await?;
    ensure!(status == 201, "{made}");
    let mut tx = node.app.db.write().await?;
    let acme = account::named(&mut tx, "acme").await?.context("acme")?;
    let ana = person::by_email(&mut tx, acme.id, SUSPENDED).await?.context("ana")?;
    member::make_owner(&mut tx, ana.member, "admin").await?;
    tx.commit().await?;
    Ok(made["id"].as_str().context("id")?.to_owned())
}

/// Starts `cardea serve` with this mail server, whose authority stands in the folder.
async fn serve(folder: &Path, database: &Database, server: &MailServer) -> Result<Served> {
    let variables = [
        ("CARDEA__OUTBOUND__CA_FILE", AUTHORITY),
        ("CARDEA__MAIL__TRANSPORT", "smtp"),
        ("CARDEA__MAIL__URL", &server.url()),
        ("CARDEA__MAIL__FROM", "noreply@cardea.test"),
    ];
    Served::start(folder, &database.url, &variables).await
}

/// Suspends the owner a few times, or until the gateway is gone; returns how often that was answered.
async fn suspend(url: String, id: String) -> Result<usize> {
    let directory = Browser::new(&url)?;
    let mut answered = 0;
    // Whoever was killed last may have left them suspended or not.
    for active in [true, false].into_iter().cycle().take(2 * SUSPENSIONS) {
        let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "value": {"active": active}}]});
        let told: Result<(u16, Value)> = scim(&directory, Method::PATCH, &format!("/scim/v2/Users/{id}"), &patch).await;
        let Ok((status, said)) = told else { break };
        ensure!(status == 200, "{status} {said}");
        answered += usize::from(!active);
    }
    Ok(answered)
}

async fn a_letter_of_an_answered_suspension_is_never_lost(engine: Engine) -> Result<()> {
    let (folder, database) = installed(engine)?;
    let certified = Certified::for_name("IP:127.0.0.1")?;
    std::fs::write(folder.path().join(AUTHORITY), &certified.pem)?;
    let server = MailServer::wrapped(&certified).await?;
    let node = Node::start(&database).await?;
    node.apply(state("http://127.0.0.1:9")).await?;
    let id = second_owner(&node).await?;
    node.stop().await;

    let mut answered = 0;
    for round in 0..kills() {
        let mut served = serve(folder.path(), &database, &server).await?;
        let enough = server.taken().len() + 1 + round % 3;
        let work = tokio::spawn(suspend(served.url.clone(), id.clone()));
        // Killed as soon as a letter has arrived: before the gateway has written down that it left.
        let arrived = async {
            while server.taken().len() < enough {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), arrived).await.context("no letter came")?;
        served.child.kill().await?;
        answered += work.await??;
    }

    // What the dead had in hand is free when their time has run out; somebody else's clock is far beyond.
    let node = NodeBuilder::default().mailing_by(server.way(&[&certified.pem])).start(&database).await?;
    node.clock.advance(Duration::from_secs(50 * 365 * 86_400));
    mail::send_due(&node.app).await?;
    let mut letters: BTreeMap<String, Vec<Letter>> = BTreeMap::new();
    for taken in server.taken() {
        let letter = Letter::read(taken.message.as_bytes())?;
        assert_eq!((letter.to.as_str(), letter.text.contains(SUSPENDED)), (OWNER.0, true), "{}", letter.text);
        letters.entry(letter.header("message-id").context("an id")?.to_owned()).or_default().push(letter);
    }
    // One for each, and one for each that was committed although the answer was lost; none under two names.
    let (least, most) = (answered, answered + kills());
    assert!((least..=most).contains(&letters.len()), "{} letters for {least} to {most}", letters.len());
    for copies in letters.values() {
        let [first, others @ ..] = copies.as_slice() else { continue };
        for other in others {
            assert_eq!((other.header("date"), &other.subject), (first.header("date"), &first.subject));
        }
    }
    assert!(letters.values().any(|copies| copies.len() > 1), "nobody was killed at the moment that matters");
    Ok(())
}
