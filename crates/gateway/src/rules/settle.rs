//! What a change of the rules in force leaves to be written, after it: until then it counts as written because it can be
//! worked out. So no change waits for a million writes, and a crash half-way loses nothing.
//!
//! Whom a generation manages carries a mark. Where rules went out of force and their roles stay by hand, these are written,
//! too.

use std::collections::BTreeSet;
use std::sync::Arc;

use cardea_model::id::{AccountId, MemberId, OrgId};
use cardea_store::account::{self, Account};
use cardea_store::db::{DbError, Tx};
use cardea_store::group::{self, Told};
use cardea_store::job::{self, Job};
use cardea_store::member::{self, Member};
use cardea_store::{generation, grant};

use super::bulk::{Index, identities};
use super::plan::apart;
use super::{Earlier, Sets};
use crate::app::App;
use crate::error::GatewayError;
use crate::roles::{self, Known};

/// The writer is held for about a hundredth of a second by so many marks.
const CHUNK: i64 = 2_000;
/// The writer is held for less than a tenth of a second while the roles of so many people are written.
const PEOPLE: usize = 100;
/// Who gave the roles that rules have left.
const BY_RULES: &str = "rules";

/// Does the job.
pub(crate) async fn settle(app: &App, job: &Job) -> Result<(), GatewayError> {
    let org: OrgId =
        job.subject.split(' ').next().unwrap_or_default().parse().map_err(|_| GatewayError::Corrupt("job"))?;
    let row = account::of_org(&mut app.db.read().await?, &org.to_string()).await?;
    let newest = match row {
        Some(row) => everybody(app, &row).await?,
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

/// Writes what rules have left by hand, if the job has not yet: before that, no others come in force.
pub(crate) async fn finish(app: &App, account: AccountId) -> Result<(), DbError> {
    let mut conn = app.db.read().await?;
    let Some(row) = account::find(&mut conn, account).await? else { return Ok(()) };
    let sets = Arc::clone(&app.memory()).rules.sets(&mut conn, row.org, row.rules.generation).await?;
    drop(conn);
    if sets.left(row.rules.settled).is_none() {
        return Ok(());
    }
    if let Some(newest) = everybody(app, &row).await? {
        let mut tx = app.db.write().await?;
        generation::settled(&mut tx, row.org, newest).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Marks everybody whom an earlier generation manages, and writes what that left to them; the newest of those generations.
async fn everybody(app: &App, row: &Account) -> Result<Option<i64>, DbError> {
    let (of, row) = (app.clone(), row.clone());
    apart(app, async move { walk(&of, &row).await }).await.unwrap_or(Err(DbError::Busy))
}

async fn walk(app: &App, row: &Account) -> Result<Option<i64>, DbError> {
    let mut conn = app.db.read().await?;
    let sets = Arc::clone(&app.memory()).rules.sets(&mut conn, row.org, row.rules.generation).await?;
    let groups = group::of_account(&mut conn, row.id).await?;
    let due = sets.unsettled(row.rules.settled).map(|earlier| (earlier, Index::new(&earlier.rules, &groups)));
    let open = Open { sets: &sets, settled: row.rules.settled, due: due.collect() };
    let Some((newest, _)) = open.due.last() else { return Ok(None) };
    let mut after = String::new();
    loop {
        let page = group::page(&mut conn, row.id, &after, CHUNK).await?;
        let Some(last) = page.last() else { return Ok(Some(newest.number)) };
        after = last.member.to_string();
        mark(app, identities(&page).filter_map(|told| open.mark(told)).collect()).await?;
        let left: BTreeSet<MemberId> = identities(&page).filter_map(|told| open.left(told)).collect();
        for chunk in left.into_iter().collect::<Vec<_>>().chunks(PEOPLE) {
            leave(app, chunk).await?;
        }
    }
}

/// What there is to write.
struct Open<'a> {
    sets: &'a Sets,
    settled: i64,
    /// The generations whose people are to be marked, the oldest first.
    due: Vec<(&'a Earlier, Index<'a>)>,
}

/// Who, since when, and the mark that gives way to it.
type Mark = (MemberId, i64, Option<i64>);

impl Open<'_> {
    /// The generations that manage somebody by what was said about one identity of theirs.
    fn managing<'a>(&'a self, told: &'a [Told]) -> impl Iterator<Item = i64> + 'a {
        let (mut met, mut places) = (Vec::new(), Vec::new());
        let managing = self.due.iter().filter(move |(earlier, index)| {
            places.clear();
            let said = told.iter().filter(|told| !told.owner).filter_map(|told| told.said.as_ref());
            index.applying(said.filter(|said| earlier.knew(said.seen_at)), &mut met, &mut places);
            !places.is_empty()
        });
        managing.map(|(earlier, _)| earlier.number)
    }

    fn mark(&self, told: &[Told]) -> Option<Mark> {
        let (marks, who) = (&self.sets.marks, told.first()?);
        let noted = who.managed_since.filter(|mark| marks.stands(*mark));
        if noted.is_some_and(|mark| marks.count(mark)) {
            return None;
        }
        let any = || self.managing(told).next().filter(|_| noted.is_none());
        let since = self.managing(told).find(|number| marks.count(*number)).or_else(any)?;
        Some((who.member, since, who.managed_since.filter(|mark| marks.gives_way(*mark, since))))
    }

    /// Who it is, if rules that went out of force may have left them something: that is looked at once more when they are
    /// locked.
    fn left(&self, told: &[Told]) -> Option<MemberId> {
        let who = told.first()?;
        let managed = || who.managed_since.is_some() || self.managing(told).next().is_some();
        (self.sets.left(self.settled).is_some() && !who.owner && managed()).then_some(who.member)
    }
}

async fn mark(app: &App, marks: Vec<Mark>) -> Result<(), DbError> {
    if marks.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.write().await?;
    for (member, since, void) in marks {
        member::manage(&mut tx, member, since, void).await?;
    }
    tx.commit().await
}

async fn leave(app: &App, people: &[MemberId]) -> Result<(), DbError> {
    let mut tx = app.db.write().await?;
    for id in people {
        member::lock(&mut tx, *id).await?;
        if let Some(member) = member::find(&mut tx, *id).await? {
            keep(app, &mut tx, member).await?;
        }
    }
    tx.commit().await
}

/// Writes what rules that went out of force have left to a member by hand, unless it is written. Whoever changes what they
/// have by hand or what is known of their groups calls it first, with the member locked.
pub(crate) async fn keep(app: &App, tx: &mut Tx, member: Member) -> Result<Member, DbError> {
    let standing = member.rules;
    if standing.active || standing.settled + 1 >= standing.generation {
        return Ok(member);
    }
    let known = Known::read(app, tx, &member, app.clock.now()).await?;
    let Some(freeze) = known.unwritten(&member) else { return Ok(member) };
    if let Some(left) = roles::left_by_hand(app, tx, &member, &known).await? {
        grant::remove_all(tx, member.id).await?;
        let teams = account::teams(tx, member.org).await?;
        for role in left.roles {
            let team =
                role.team.map(|name| teams.iter().find(|team| team.name == name).map(|team| team.id.to_string()));
            let Some(team_id) = team.unwrap_or_else(|| Some(String::new())) else { continue };
            let row = grant::Role { team_id: &team_id, service: &role.service, role: &role.role };
            grant::add(tx, member.id, row, BY_RULES, app.clock.now()).await?;
        }
        member::set_account_role(tx, member.id, left.account_role.as_str()).await?;
    }
    member::freeze(tx, member.id, freeze).await?;
    Ok(member::find(tx, member.id).await?.unwrap_or(member))
}
