//! Mail over TLS: to a server that proves who it is, and to no other.

use std::time::Duration;

use anyhow::Result;
use cardea_connect::MailWay;
use cardea_gateway::mail;
use cardea_testkit::{Certified, Database, Engine, Letter, MailServer, Node, NodeBuilder, stories};

use super::{LINK, READER, invitation, queue, write};

stories! {
    a_message_goes_over_tls_to_a_server_whose_authority_is_trusted,
    a_server_that_cannot_prove_who_it_is_gets_nothing_and_the_message_waits,
    where_tls_is_demanded_nothing_goes_in_the_clear,
}

/// How the servers of these stories are named where they are looked for.
const LOOPBACK: &str = "IP:127.0.0.1";

async fn mailing(database: &Database, way: MailWay) -> Result<Node> {
    NodeBuilder::default().mailing_by(way).start(database).await
}

/// Both manners of TLS, from the first byte on and by STARTTLS.
async fn a_message_goes_over_tls_to_a_server_whose_authority_is_trusted(engine: Engine) -> Result<()> {
    let ours = Certified::for_name(LOOPBACK)?;
    let database = Database::fresh(engine)?;
    for (key, server) in [("one", MailServer::wrapped(&ours).await?), ("two", MailServer::upgraded(&ours).await?)] {
        let node = mailing(&database, server.way(&[&ours.pem])).await?;
        write(&node, &invitation("Olga", None), key).await?;
        mail::send_due(&node.app).await?;
        let taken = server.taken();
        assert_eq!(taken.len(), 1, "{}", server.url());
        assert_eq!(taken[0].to, READER);
        assert_eq!(Letter::read(taken[0].message.as_bytes())?.links, [LINK]);
        assert_eq!(queue(&node).await?.waiting, 0);
        node.stop().await;
    }
    Ok(())
}

async fn a_server_that_cannot_prove_who_it_is_gets_nothing_and_the_message_waits(engine: Engine) -> Result<()> {
    let (ours, theirs) = (Certified::for_name(LOOPBACK)?, Certified::for_name("DNS:mail.elsewhere.test")?);
    let impostors = [
        // Signed by nobody whom we know, and by somebody whom we know for another server.
        (MailServer::wrapped(&ours).await?, None),
        (MailServer::upgraded(&ours).await?, None),
        (MailServer::wrapped(&theirs).await?, Some(&theirs)),
        (MailServer::upgraded(&theirs).await?, Some(&theirs)),
    ];
    for (server, trusted) in impostors {
        let database = Database::fresh(engine)?;
        let authorities: Vec<&[u8]> = trusted.iter().map(|authority| authority.pem.as_slice()).collect();
        let node = mailing(&database, server.way(&authorities)).await?;
        write(&node, &invitation("Olga", None), "one").await?;
        assert_eq!(mail::send_due(&node.app).await?, 0, "{}", server.url());
        assert!(server.taken().is_empty());
        let seen = queue(&node).await?;
        assert_eq!((seen.waiting, seen.failing, seen.given_up), (1, 1, 0));
        assert_eq!(seen.error.as_deref(), Some("the mail server's certificate is not accepted"));
        node.stop().await;

        // As soon as the right server stands there, it leaves.
        let right = MailServer::wrapped(&ours).await?;
        let node = mailing(&database, right.way(&[&ours.pem])).await?;
        node.clock.advance(Duration::from_secs(60));
        mail::send_due(&node.app).await?;
        assert_eq!((right.taken().len(), server.taken().len()), (1, 0));
        node.stop().await;
    }
    Ok(())
}

/// Whoever stands between strikes the offer of STARTTLS out, or answers in the clear where TLS begins with the first byte.
async fn where_tls_is_demanded_nothing_goes_in_the_clear(engine: Engine) -> Result<()> {
    let server = MailServer::start().await?;
    for url in [format!("smtp://{}?tls=required", server.address), format!("smtps://{}", server.address)] {
        let database = Database::fresh(engine)?;
        let way = MailWay::Server { url: url.clone().into(), authorities: Vec::new() };
        let node = mailing(&database, way).await?;
        write(&node, &invitation("Olga", None), "one").await?;
        assert_eq!(mail::send_due(&node.app).await?, 0, "{url}");
        assert!(server.taken().is_empty(), "{url}");
        let seen = queue(&node).await?;
        assert_eq!((seen.waiting, seen.error.as_deref()), (1, Some("the mail server cannot be spoken to")), "{url}");
        node.stop().await;
    }
    Ok(())
}
