//! Marks whom a generation manages, after it came in force: until then they count as marked because they match it. So no
//! activation waits for a million writes, and a crash half-way loses nothing.

use std::sync::Arc;

use cardea_model::id::{MemberId, OrgId};
use cardea_store::account::{self, Account};
use cardea_store::db::DbError;
use cardea_store::generation;
use cardea_store::group::{self, Told};
use cardea_store::job::{self, Job};
use cardea_store::member;

use super::Earlier;
use super::bulk::Index;
use crate::app::App;
use crate::error::GatewayError;

/// The writer is held for about a hundredth of a second by so many marks.
const CHUNK: i64 = 2_000;

/// Does the job.
pub(crate) async fn settle(app: &App, job: &Job) -> Result<(), GatewayError> {
    let org: OrgId =
        job.subject.split(' ').next().unwrap_or_default().parse().map_err(|_| GatewayError::Corrupt("job"))?;
    let row = account::of_org(&mut app.db.read().await?, &org.to_string()).await?;
    let newest = match row {
        Some(row) => mark_all(app, &row).await?,
        None => None,
    };
    let mut tx = app.db.write().await?;
    if let Some(newest) = newest {
        generation::settled(&mut tx, org, newest).await?;
    }
    job::done(&mut tx, job.id).await?;
    tx.commit().await?;
    Ok(())
}

/// Marks everybody whom an earlier generation manages; the newest of those.
async fn mark_all(app: &App, row: &Account) -> Result<Option<i64>, DbError> {
    let mut conn = app.db.read().await?;
    let sets = Arc::clone(&app.memory()).rules.sets(&mut conn, row.org, row.rules.generation).await?;
    let groups = group::of_account(&mut conn, row.id).await?;
    let due = sets.unsettled(row.rules.settled);
    let earlier: Vec<Due<'_>> = due.map(|earlier| (earlier, Index::new(&earlier.rules, &groups))).collect();
    let Some((newest, _)) = earlier.last() else { return Ok(None) };
    let mut after = String::new();
    loop {
        let page = group::page(&mut conn, row.id, &after, CHUNK).await?;
        let Some(last) = page.last() else { return Ok(Some(newest.number)) };
        after = last.member.to_string();
        let unmarked = page.iter().filter(|told| !told.managed_since.is_some_and(|mark| sets.marks.count(mark)));
        let marks = unmarked.filter_map(|told| Some((told.member, since(&earlier, told)?, told.managed_since)));
        write(app, marks.collect()).await?;
    }
}

/// A generation whose people are to be marked.
type Due<'a> = (&'a Earlier, Index<'a>);

/// The earliest generation that manages somebody.
fn since(earlier: &[Due<'_>], told: &Told) -> Option<i64> {
    let said = told.said.as_ref().filter(|_| !told.owner)?;
    let (mut met, mut places) = (Vec::new(), Vec::new());
    let mut managing = earlier.iter().filter(|(earlier, index)| {
        if !earlier.knew(said.seen_at) {
            return false;
        }
        index.applying(said, &mut met, &mut places);
        !places.is_empty()
    });
    managing.next().map(|(earlier, _)| earlier.number)
}

/// Who, since when, and the mark that does not count.
type Mark = (MemberId, i64, Option<i64>);

async fn write(app: &App, marks: Vec<Mark>) -> Result<(), DbError> {
    if marks.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.write().await?;
    for (member, since, void) in marks {
        member::manage(&mut tx, member, since, void).await?;
    }
    tx.commit().await
}
