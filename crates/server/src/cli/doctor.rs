//! `cardea doctor`: how a running installation is. It looks, and changes nothing.

use super::check::engine;
use super::finding::{self, Finding};
use crate::config::{Config, Transport};
use crate::opening;
use cardea_gateway::App;
use cardea_gateway::doctor::{self, Examination, MissingPepper, Reached};
use cardea_gateway::mail::{self, Queue};
use secrecy::ExposeSecret as _;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpStream;
use url::Url;

/// Clocks that differ by more than this make tokens and expiries wrong.
const APART: i64 = 5_000;
/// How long a mail server has to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Examines everything; exit code 1 if something is to be mended.
pub(crate) async fn doctor(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let mut findings = match opening::to_look(config).await {
        Err(error) => Finding::of_error("database", &error),
        Ok(app) => {
            let mut findings = vec![
                Finding::ok("database", format!("{}, schema of this release", engine(app.db.engine()))),
                Finding::ok("secrets", "the pepper is the one that this database was made with"),
            ];
            match examined(&app, config).await {
                Ok(more) => findings.extend(more),
                Err(error) => findings.extend(Finding::of_error("database", &error)),
            }
            app.db.close().await;
            findings
        }
    };
    findings.push(way(config).await);
    finding::print(json, &findings)
}

async fn examined(app: &App, config: &Config) -> anyhow::Result<Vec<Finding>> {
    let ctx = super::ctx(app);
    let seen = doctor::examine(app, &ctx).await?;
    let mut findings = vec![feed(&seen, config.revocation.bound), clocks(&seen)];
    findings.extend(nodes(&seen));
    findings.extend(doctor::peppers(app, &ctx).await?.iter().map(pepper));
    findings.push(outbox(mail::queue(app, &ctx).await?));
    findings.extend(doctor::reach(app, &ctx).await?.into_iter().map(connection));
    Ok(findings)
}

fn feed(seen: &Examination, bound: Duration) -> Finding {
    let took = Duration::from_micros(seen.feed_read_micros);
    let wake_up = match seen.wake_up {
        "notify" => "other nodes' commits are heard at once (LISTEN)",
        _ => "other processes' commits are looked for every 100 ms",
    };
    let detail = format!("{} changes, read in {took:?}; {wake_up}", seen.feed_end);
    if took > bound {
        let fix = "nodes refuse while reading takes longer than `revocation.bound`; look at the database";
        return Finding::problem("feed", detail, Some(fix));
    }
    Finding::ok("feed", detail)
}

fn clocks(seen: &Examination) -> Finding {
    match seen.clock_ahead_millis {
        None => Finding::note("clocks", "the database told no time that can be read", None),
        Some(ahead) if ahead.abs() > APART => {
            let detail = format!("the database's clock is {ahead} ms ahead of this machine's");
            Finding::problem("clocks", detail, Some("let both follow the same time server"))
        }
        Some(_) => Finding::ok("clocks", "the database's and this machine's agree"),
    }
}

fn nodes(seen: &Examination) -> Vec<Finding> {
    if seen.nodes.is_empty() {
        return vec![Finding::note("nodes", "nobody serves this database now", Some("start `cardea serve`"))];
    }
    let ours = env!("CARGO_PKG_VERSION");
    let alive = seen.nodes.iter().map(|node| {
        let subject = format!("node {}", node.name);
        let detail = format!("alive at {}, release {}", node.seen_at, node.version);
        if node.version == ours {
            Finding::ok(subject, detail)
        } else {
            Finding::note(subject, format!("{detail}; this command is {ours}"), None)
        }
    });
    alive.collect()
}

fn pepper(missing: &MissingPepper) -> Finding {
    let detail =
        format!("the pepper file lacks version {}, with which {} keys were made", missing.version, missing.keys);
    Finding::problem(
        "secrets",
        detail,
        Some("put its line back from a copy; until then what was made with it is refused"),
    )
}

fn connection(reached: Reached) -> Finding {
    let subject = format!("connection {}", reached.connection);
    match reached.problem {
        None => Finding::ok(subject, format!("its provider answers; account {}", reached.account)),
        Some(problem) => Finding::problem(subject, problem, Some("nobody can sign in there now")),
    }
}

fn outbox(queue: Queue) -> Finding {
    let detail = match queue.error {
        None => format!("{} messages wait", queue.waiting),
        Some(error) => format!(
            "{} messages wait, {} of them failed before, {} were given up; the last: {error}",
            queue.waiting, queue.failing, queue.given_up
        ),
    };
    if queue.failing + queue.given_up > 0 {
        let fix =
            "set `mail.url` or `mail.path` to what takes them, and `outbound.ca_file` to an authority of your own";
        return Finding::problem("outbox", detail, Some(fix));
    }
    Finding::ok("outbox", detail)
}

async fn way(config: &Config) -> Finding {
    let section = &config.mail;
    match (section.transport, &section.url) {
        (Transport::File, _) => folder(&section.path),
        (Transport::Smtp, None) => Finding::problem("mail", "`mail.url` is not set", None),
        (Transport::Smtp, Some(url)) => match reach(url.expose_secret()).await {
            Ok(server) => Finding::ok("mail", format!("{server} answers")),
            Err(problem) => Finding::problem("mail", problem, Some("set `mail.url` to a server that answers")),
        },
    }
}

fn folder(path: &std::path::Path) -> Finding {
    let name = path.display();
    match std::fs::metadata(path) {
        Ok(seen) if seen.is_dir() && !seen.permissions().readonly() => {
            Finding::ok("mail", format!("into the folder {name}"))
        }
        Ok(_) => Finding::problem("mail", format!("{name} is no folder to write to"), Some("set `mail.path`")),
        Err(_) => Finding::note("mail", format!("the folder {name} is made with the first message"), None),
    }
}

async fn reach(url: &str) -> Result<String, String> {
    let url = Url::parse(url).map_err(|error| format!("`mail.url` is no address: {error}"))?;
    let host = url.host_str().ok_or("`mail.url` names no host")?.to_owned();
    let port = url.port().unwrap_or(if url.scheme() == "smtps" { 465 } else { 587 });
    match tokio::time::timeout(PATIENCE, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => Ok(format!("{host}:{port}")),
        Ok(Err(error)) => Err(format!("{host}:{port} does not answer: {error}")),
        Err(_) => Err(format!("{host}:{port} does not answer in time")),
    }
}
