//! What a node has in memory, at rest and with every key in use.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::process::{Child, Resident};
use crate::report::{Mark, Report, rounded};

/// A node that has just started has settled once it holds the same for so many looks, a quarter of a second apart.
const STILL: usize = 8;

/// A node that has just started and answers nobody.
pub(crate) async fn at_rest(report: &mut Report, node: &Child) -> Result<()> {
    let mut look = tokio::time::interval(Duration::from_millis(250));
    let (mut last, mut still) = (node.memory()?, 0);
    while still < STILL {
        look.tick().await;
        let now = node.memory()?;
        still = if now.anonymous > last.anonymous { 0 } else { still + 1 };
        last = now;
    }
    tell(report, "memory_at_rest", &last, 40.0, 0);
    Ok(())
}

/// A node that has answered for each of its keys.
pub(crate) fn hot(report: &mut Report, node: &Child, keys: usize) -> Result<()> {
    tell(report, "memory_hot", &node.memory()?, 200.0, keys);
    Ok(())
}

/// The mark is on the program's own memory; what is mapped of the database file is the kernel's to take back.
fn tell(report: &mut Report, name: &str, resident: &Resident, most: f64, keys: usize) {
    let details = json!({"keys": keys, "rss_anon": rounded(resident.anonymous), "vm_rss": rounded(resident.all)});
    report.figure(name, "MB", resident.anonymous, Mark::AtMost(most), &details);
}
