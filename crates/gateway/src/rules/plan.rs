//! What activating the rules as they are edited now would do: compared with what is in force, person by person, and written
//! nowhere.

use std::sync::Arc;
use std::time::Duration;

use cardea_model::Caller;
use cardea_model::id::{MemberId, UserId};
use cardea_store::account::{self, Account};
use cardea_store::db::{Conn, DbError};
use cardea_store::{grant, group, member, person};
use cardea_tokens::hash::{base64url, sha256};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::bulk::Index;
use super::comparison::{Comparison, Moved, Table};
use super::{Frozen, RuleSet, drafted};
use crate::app::App;
use crate::context::Ctx;
use crate::error::GatewayError;

/// So many people are read at once.
const PAGE: i64 = 1_000;

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
    /// Rules whose roles name a team that has ended or never was: they give nothing there.
    pub broken: Vec<String>,
    /// Whom it changes, those who lose most first; at the most 200.
    pub people: Vec<Changed>,
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
pub(super) struct Draft {
    pub(super) account: Account,
    pub(super) rules: Vec<Frozen>,
    pub(super) digest: String,
}

impl Draft {
    /// Reads the rules as they are edited now.
    pub(super) async fn read(app: &App, conn: &mut Conn, account: &Account) -> Result<Self, GatewayError> {
        let account = account::find(conn, account.id).await?.ok_or(GatewayError::Missing("org"))?;
        let rules = drafted(conn, account.org).await?;
        let digest = digest(app, &account, &rules)?;
        Ok(Self { account, rules, digest })
    }
}

/// The digest of rules over the catalogue after the generation in force.
fn digest(app: &App, account: &Account, rules: &[Frozen]) -> Result<String, GatewayError> {
    let mut rules: Vec<&Frozen> = rules.iter().collect();
    rules.sort_by(|one, other| one.name.cmp(&other.name));
    let whole = json!({"org": account.org.to_string(), "generation": account.rules.generation,
        "active": account.rules.active, "catalogue": app.catalogue_digest, "rules": rules});
    let text = serde_json::to_vec(&whole).map_err(|_| GatewayError::Corrupt("rule"))?;
    Ok(base64url(&sha256(&text)))
}

/// What activation of `draft` would do, in the words of whoever asks. With `most`, lists that are older than that do not
/// count afterwards.
pub(super) async fn compare(
    app: &App,
    ctx: &Ctx,
    draft: &Draft,
    most: Option<Duration>,
) -> Result<Preview, GatewayError> {
    let set = RuleSet::compile(&draft.rules).ok_or(GatewayError::Corrupt("rule"))?;
    let mut conn = app.db.read().await?;
    let account = &draft.account;
    let sets = Arc::clone(&app.memory()).rules.sets(&mut conn, account.org, account.rules.generation).await?;
    let groups = group::of_account(&mut conn, account.id).await?;
    let teams = account::teams(&mut conn, account.org).await?;
    let mut table = Table::new(teams.into_iter().map(|team| team.name).collect());
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
        tokio::task::yield_now().await;
    }
    let (guards, counts) = (comparison.guards(), comparison.counts());
    let people = named(&mut conn, &table, comparison.into_worst()).await?;
    let broken = table.broken.into_iter().collect();
    Ok(Preview { digest: draft.digest.clone(), generation: account.rules.generation, counts, guards, broken, people })
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
