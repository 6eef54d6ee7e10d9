//! What activating the rules as they are edited now would do: compared with what is in force, person by person, and written
//! nowhere.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cardea_model::Caller;
use cardea_model::id::{ConnectionId, MemberId, UserId};
use cardea_model::rule::Matcher;
use cardea_store::account::{self, Account};
use cardea_store::db::{Conn, DbError};
use cardea_store::{grant, group, member, person};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::bulk::Index;
use super::comparison::{Comparison, Moved, Table};
use super::digest::Digest;
use super::draft::Targets;
use super::error::RulesError;
use super::{Frozen, RuleSet, drafted};
use crate::app::App;
use crate::context::Ctx;
use crate::error::GatewayError;

/// So many people are read at once.
const PAGE: i64 = 1_000;

const DIED: GatewayError = GatewayError::Corrupt("comparison");

/// What activation would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Names these rules over this catalogue after this generation; activation takes it.
    pub digest: String,
    /// The generation in force; 0 for none.
    pub generation: i64,
    /// How many people, by what becomes of them.
    pub counts: Counts,
    /// What activation asks to be confirmed with the org's name.
    pub guards: Vec<Guard>,
    /// Rules whose roles name a team that has ended, or a service that the org has lost: they give nothing there.
    pub broken: Vec<String>,
    /// Rules that read a claim of which no sign-in has told anything: by it they give nothing until people sign in.
    pub unasked: Vec<Unasked>,
    /// Whom it changes, those who lose most first; at the most 200.
    pub people: Vec<Changed>,
}

/// A claim that a rule reads and nobody has told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unasked {
    /// The rule's name.
    pub rule: String,
    /// The claim.
    pub claim: String,
}

/// How many people, by what becomes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Everybody in the org.
    pub people: u64,
    /// Owners, whom no rule touches.
    pub owners: u64,
    /// Whose roles come from rules now.
    #[serde(default)]
    pub managed: u64,
    /// Who matches a rule.
    pub matched: u64,
    /// Who gains some role.
    pub gaining: u64,
    /// Who loses some role.
    pub losing: u64,
    /// Who has some role now and none afterwards.
    pub losing_everything: u64,
    /// Whose roles stay as they are.
    pub unchanged: u64,
    /// Whose roles were given by hand and come from rules afterwards.
    pub migrated: u64,
    /// Whose roles were given by hand and stay so, because no rule matches them.
    pub unmatched: u64,
    /// Whose last sign-in left the groups out or cut them off.
    pub unknown: u64,
    /// Of whose groups nothing was ever said: they stay as they are until they sign in at their identity provider.
    pub never_seen: u64,
}

/// What activation asks to be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// More than a fifth of the people with a role lose every role.
    ManyLoseEverything,
    /// The one who asks would no longer manage users.
    YouLoseUserAdmin,
    /// No rule matches anybody.
    NobodyMatches,
    /// What rules gave no longer follows what anybody's identity provider says.
    RolesStay,
}

/// One person whom it changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The user.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: Option<String>,
    /// Whether their roles came by hand and come from rules afterwards.
    pub migrated: bool,
    /// What they gain.
    pub added: Vec<Named>,
    /// What they lose.
    pub removed: Vec<Named>,
}

/// A role in words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Named {
    /// The team; none for the whole org.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The service; `account` for the role in the account.
    pub service: String,
    /// The role.
    pub role: String,
}

/// What the comparison is made of.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) account: Account,
    pub(super) rules: Vec<Frozen>,
    pub(super) digest: Digest,
}

impl Draft {
    /// Reads the rules as they are edited now.
    pub(super) async fn read(app: &App, conn: &mut Conn, account: &Account) -> Result<Self, GatewayError> {
        let account = account::find(conn, account.id).await?.ok_or(GatewayError::Missing("org"))?;
        let rules = drafted(conn, account.org).await?;
        let digest = Digest::of(app, &account, &rules)?;
        Ok(Self { account, rules, digest })
    }
}

/// Whom a comparison tells of.
enum Told {
    /// Those who lose most.
    Worst,
    /// Everybody whom it changes, page by page.
    Each(mpsc::Sender<Result<Vec<Changed>, GatewayError>>),
}

/// What activation of `draft` would do, in the words of whoever asks, and its rules as they are evaluated. With `most`, lists
/// that are older than that do not count afterwards.
pub(super) async fn compare(
    app: &App,
    ctx: &Ctx,
    draft: Draft,
    most: Option<Duration>,
) -> Result<(Preview, Arc<RuleSet>), GatewayError> {
    let (of, asked) = (app.clone(), ctx.clone());
    let done = apart(app, async move { walk(&of, &asked, &draft, most, &Told::Worst).await }).await;
    done.unwrap_or(Err(DIED))
}

/// Everybody whom activation of `draft` would change, page by page, in the order of their ids.
pub(super) fn each(app: &App, ctx: &Ctx, draft: Draft) -> Rows {
    let (sender, receiver) = mpsc::channel(2);
    let (app, ctx) = (app.clone(), ctx.clone());
    tokio::spawn(async move {
        let (of, told) = (app.clone(), Told::Each(sender.clone()));
        let work = async move { walk(&of, &ctx, &draft, None, &told).await.map(drop) };
        if let Err(error) = apart(&app, work).await.unwrap_or(Err(DIED)) {
            // Whoever listens no more does not hear it.
            let _gone = sender.send(Err(error)).await;
        }
    });
    Rows(receiver)
}

/// People whom an activation would change, as they are found.
pub struct Rows(mpsc::Receiver<Result<Vec<Changed>, GatewayError>>);

impl Rows {
    /// The next page; nothing after the last one.
    ///
    /// # Errors
    /// The database's; then the list is not whole.
    pub async fn next(&mut self) -> Option<Result<Vec<Changed>, RulesError>> {
        self.0.recv().await.map(|page| page.map_err(RulesError::from))
    }
}

/// Does work that keeps a processor busy on a thread of its own, so that nobody else waits for an answer; the node does so
/// much of it at once as [`super::Shelf`] allows. Nothing if it was not brought to an end.
pub(super) async fn apart<T: Send + 'static>(app: &App, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let comparisons = app.memory().rules.comparisons();
    let turn = comparisons.acquire_owned().await.ok()?;
    let handle = Handle::current();
    let done = tokio::task::spawn_blocking(move || {
        let done = handle.block_on(work);
        drop(turn);
        done
    });
    done.await.ok()
}

async fn walk(
    app: &App,
    ctx: &Ctx,
    draft: &Draft,
    most: Option<Duration>,
    told: &Told,
) -> Result<(Preview, Arc<RuleSet>), GatewayError> {
    let set = Arc::new(RuleSet::compile(&draft.rules).ok_or(GatewayError::Corrupt("rule"))?);
    let mut conn = app.db.read().await?;
    let account = &draft.account;
    let sets = Arc::clone(&app.memory()).rules.sets(&mut conn, account.org, account.rules.generation).await?;
    let groups = group::of_account(&mut conn, account.id).await?;
    let targets = Targets::read(&mut conn, account.org).await?;
    let mut table = Table::new(targets.teams.clone());
    let ruled = (table.ruled(Index::new(&sets.giving, &groups)), table.ruled(Index::new(&set, &groups)));
    let settled = account.rules.settled;
    let mut comparison = Comparison::new((&sets, settled), ruled, &groups, (speaker(ctx), ctx.now, most));
    let mut after = String::new();
    loop {
        let page = group::page(&mut conn, account.id, &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        let until = last.member.to_string();
        let by_hand = grant::between(&mut conn, account.id, (&after, &until)).await?;
        comparison.take(&mut table, &page, &by_hand);
        after = until;
        if let Told::Each(sender) = told {
            let people = named(&mut conn, &table, comparison.take_all()).await?;
            if sender.send(Ok(people)).await.is_err() {
                break;
            }
        } else {
            comparison.keep_worst();
        }
    }
    let (guards, counts) = (comparison.guards(), comparison.counts());
    let people = named(&mut conn, &table, comparison.take_all()).await?;
    let broken = draft.rules.iter().filter(|rule| rule.body.enabled && !targets.broken(app, &rule.body).is_empty());
    let preview = Preview {
        digest: draft.digest.counted(counts).to_string(),
        generation: account.rules.generation,
        counts,
        guards,
        broken: broken.map(|rule| rule.name.clone()).collect(),
        unasked: unasked(&draft.rules, |connection, claim| comparison.is_told(connection, claim)),
        people,
    };
    Ok((preview, set))
}

/// The claims besides a connection's own that rules read and nobody has told.
fn unasked(rules: &[Frozen], is_told: impl Fn(ConnectionId, &str) -> bool) -> Vec<Unasked> {
    let mut unasked = Vec::new();
    for rule in rules.iter().filter(|rule| rule.body.enabled) {
        let claims: BTreeSet<&str> = rule.body.any_of.iter().flat_map(Matcher::claims).collect();
        let untold = claims.into_iter().filter(|claim| !claim.is_empty() && !is_told(rule.connection, claim));
        unasked.extend(untold.map(|claim| Unasked { rule: rule.name.clone(), claim: claim.to_owned() }));
    }
    unasked
}

fn speaker(ctx: &Ctx) -> Option<MemberId> {
    match &ctx.caller {
        Caller::Person(person) => Some(person.member),
        Caller::Nobody | Caller::Directory { .. } | Caller::Client(_) | Caller::Operator(_) | Caller::System(_) => None,
    }
}

async fn named(conn: &mut Conn, table: &Table, worst: Vec<Moved>) -> Result<Vec<Changed>, DbError> {
    let mut people = Vec::with_capacity(worst.len());
    for moved in worst {
        let Some(row) = member::find(conn, moved.member).await? else { continue };
        let Some(person) = person::find(conn, row.user).await? else { continue };
        people.push(Changed {
            user: person.id,
            name: person.name,
            email: person.email,
            migrated: moved.migrated,
            added: table.words(&moved.added),
            removed: table.words(&moved.removed),
        });
    }
    Ok(people)
}
