//! SIGKILL in the middle of anything loses nothing that was acknowledged, and leaves nothing half-done.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

const CHILD: &str = "CARDEA_TEST_KILLED_CHILD";
/// How often the child is killed, if it is not to be 25 times.
const KILLS: &str = "CARDEA_KILLS";
const WRITERS: u32 = 16;

/// The parent starts this very test again as the process to be killed.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "nothing else tells the child of a test that it is one, nor a test how long it may take"
)]
fn no_acknowledged_row_is_lost_by_kills() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match std::env::var(CHILD) {
        Ok(url) => runtime.block_on(write_for_ever(url)),
        Err(_) => {
            let kills = std::env::var(KILLS).ok().and_then(|text| text.parse().ok()).unwrap_or(25);
            runtime.block_on(kill_again_and_again(kills));
        }
    }
}

/// Writes pairs of rows and prints the name of each pair once it is committed.
async fn write_for_ever(url: String) {
    let db = Db::open(&Settings { url, ..Settings::default() }).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let db = db.clone();
        tasks.spawn(async move {
            for turn in 0.. {
                let name = format!("{}-{writer}-{turn}", std::process::id());
                let mut tx = db.write().await.unwrap();
                add(&mut tx, &name, 1).await.unwrap();
                add(&mut tx, &format!("{name}'s other half"), 1).await.unwrap();
                tx.commit().await.unwrap();
                println!("committed {name}");
            }
        });
    }
    tasks.join_all().await;
}

async fn kill_again_and_again(kills: u32) {
    let db = testing::sqlite().await;
    make_table(&db).await;
    db.close().await;
    let url = db.settings.url.clone();
    let mut acknowledged = BTreeSet::new();
    for kill in 0..kills {
        let lines = url.clone();
        let of_this_child =
            tokio::task::spawn_blocking(move || run_and_kill(&lines, 10 + kill % 25 * 13)).await.unwrap();
        acknowledged.extend(of_this_child);

        let left: BTreeSet<String> = names_in(&db.again().await).await.into_iter().collect();
        let lost: Vec<&String> = acknowledged.difference(&left).collect();
        assert!(lost.is_empty(), "after kill {kill}: {lost:?}");
        let half_done = left.iter().find(|name| match name.split_once('\'') {
            Some((pair, _)) => !left.contains(pair),
            None => !left.contains(&format!("{name}'s other half")),
        });
        assert_eq!(half_done, None, "after kill {kill}");
    }
    let few = usize::try_from(kills * 10).unwrap();
    assert!(acknowledged.len() > few, "{} rows prove little", acknowledged.len());
}

/// Kills the child after so many rows; the names of all it acknowledged.
fn run_and_kill(url: &str, rows: u32) -> Vec<String> {
    let file = Path::new(url.strip_prefix("sqlite://").unwrap());
    assert!(file.exists());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "db::tests::killed::no_acknowledged_row_is_lost_by_kills"])
        .env(CHILD, url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut names = Vec::new();
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        // The runner's own words may stand before ours, and the kill may cut the last line short.
        if let Some((_, name)) = line.split_once("committed ")
            && let Some(name) = name.strip_suffix('\n')
        {
            names.push(name.to_owned());
            if names.len() == usize::try_from(rows).unwrap() {
                child.kill().unwrap();
            }
        }
        line.clear();
    }
    child.wait().unwrap();
    names
}
