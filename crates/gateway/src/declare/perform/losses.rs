//! What people lose by a document: roles of teams and rules that go, sessions of connections that are switched off and of
//! passwords that are replaced.
//!
//! A sign-in writes its member's row first, its connection's, and its org's before it adds a role. In the same order whoever
//! is known to lose something is locked before anything else is written here, and the org after the connections. What is
//! lost is then read once more, so that a sign-in which was faster is seen; one that is slower sees the new rules.

use std::collections::{BTreeMap, BTreeSet};

use cardea_model::id::{ConnectionId, MemberId, RuleId, UserId};
use cardea_model::name::Email;
use cardea_model::numbers::{Cause, What};
use cardea_store::account::Team;
use cardea_store::db::{Conn, Tx};
use cardea_store::grant::{self, OfRule};
use cardea_store::{member, password, person, session};

use super::super::DeclareError;
use super::super::change::{Column, Outcome, Ownership, TeamWork, Upstream, Work};
use super::super::standing::Standing;
use crate::app::App;
use crate::context::Ctx;
use crate::revocation::{self, Ending};
use crate::state::{Rule, Stage};

/// What goes, by the ids that stood before.
pub(super) struct Losses {
    teams: Vec<Team>,
    /// Rules with what they still give; nothing for one that goes, reads other groups or does not count any more.
    rules: Vec<(RuleId, Option<Rule>)>,
    connections: Vec<(ConnectionId, String)>,
    people: Vec<UserId>,
}

/// Who loses it.
#[derive(Default)]
struct Losers {
    grants: Vec<OfRule>,
    roles: BTreeSet<MemberId>,
    sessions: BTreeMap<MemberId, (Cause, String)>,
}

impl Losses {
    /// What the steps take away.
    pub(super) async fn of(conn: &mut Conn, standing: &Standing, outcome: &Outcome) -> Result<Self, DeclareError> {
        let mut losses = Self { teams: Vec::new(), rules: Vec::new(), connections: Vec::new(), people: Vec::new() };
        for step in &outcome.steps {
            match &step.work {
                Work::Team(TeamWork::End) => {
                    losses.teams.extend(standing.teams.iter().filter(|team| team.name == step.name).cloned());
                }
                Work::Column(Column::RulesActive(false)) => {
                    losses.rules.extend(standing.rules.iter().map(|rule| (rule.id, None)));
                }
                Work::Upstream { connection, work } => losses.upstream(standing, (&step.name, connection), work),
                Work::Owner(Ownership::Added { email, hash: Some(_) } | Ownership::Password { email, .. }) => {
                    losses.people.extend(with_password(conn, email).await?);
                }
                Work::Account { .. }
                | Work::Column(Column::Recovery(_) | Column::OrgKind(_) | Column::RulesActive(true))
                | Work::Owner(Ownership::Added { hash: None, .. })
                | Work::Service(_)
                | Work::Team(TeamWork::Add(_) | TeamWork::Describe(_))
                | Work::Client(_)
                | Work::Operator(_)
                | Work::InSection => {}
            }
        }
        Ok(losses)
    }

    fn upstream(&mut self, standing: &Standing, (name, connection): (&str, &str), work: &Upstream) {
        let linked = standing.connection(connection);
        let known = standing.rules.iter().find(|row| row.name == name);
        match work {
            // On again as well: a sign-in that was overtaken by the switch must not live on with it.
            Upstream::Put { declared, .. } => {
                let switched = linked.filter(|linked| (linked.row.stage == "off") != (declared.stage == Stage::Off));
                self.connections.extend(switched.map(|linked| (linked.row.id, linked.row.name.clone())));
            }
            Upstream::PutRule { rule, .. } => {
                // One that reads another connection's groups becomes another rule.
                let stays = |id: ConnectionId| linked.is_some_and(|linked| linked.row.id == id);
                self.rules.extend(known.map(|row| (row.id, stays(row.connection).then(|| rule.clone()))));
            }
            Upstream::RemoveRule => self.rules.extend(known.map(|row| (row.id, None))),
            Upstream::ReleaseDomain | Upstream::TakeDomain | Upstream::PutToken(_) | Upstream::RemoveToken => {}
        }
    }

    /// Locks everybody who loses something, in the order of their ids.
    pub(super) async fn lock(&self, app: &App, tx: &mut Tx) -> Result<(), DeclareError> {
        let losers = self.losers(app, tx).await?;
        let all: BTreeSet<_> = losers.roles.iter().chain(losers.sessions.keys()).collect();
        for id in all {
            member::lock(tx, *id).await?;
        }
        Ok(())
    }

    /// Takes it away, after everything else but the feed.
    pub(super) async fn take(&self, app: &App, tx: &mut Tx, ctx: &Ctx) -> Result<(), DeclareError> {
        let losers = self.losers(app, tx).await?;
        for row in &losers.grants {
            grant::remove(tx, row.member, &row.team_id, &row.grant).await?;
        }
        for id in &losers.roles {
            revocation::roles_changed(app, tx, *id).await?;
        }
        for (id, (cause, message)) in &losers.sessions {
            let (what, cause) = (What::Sessions, *cause);
            let ending = Ending { member: *id, what, hold: None, cause, source: "operator", message };
            revocation::end_access(app, tx, ctx, ending).await?;
        }
        Ok(())
    }

    async fn losers(&self, app: &App, conn: &mut Conn) -> Result<Losers, DeclareError> {
        let mut losers = Losers::default();
        for team in &self.teams {
            losers.roles.extend(grant::members_of_team(conn, team.id).await?);
        }
        for (id, still) in &self.rules {
            let rows = grant::of_rule(conn, *id).await?;
            losers.grants.extend(rows.into_iter().filter(|row| !gives(still.as_ref(), row)));
        }
        losers.roles.extend(losers.grants.iter().map(|row| row.member));
        for (id, name) in &self.connections {
            let message = format!("the connection {name} was switched off");
            for member in session::members_through(conn, *id, app.clock.now()).await? {
                losers.sessions.insert(member, (Cause::ConnectionOff, message.clone()));
            }
        }
        for user in &self.people {
            for member in member::all_of_user(conn, *user).await? {
                let message = "the password was given anew".to_owned();
                losers.sessions.insert(member.id, (Cause::PasswordChanged, message));
            }
        }
        Ok(losers)
    }
}

/// Whether the rule, as it is now, still gives this to whomever it matches. Whether it still matches them is seen when
/// they next sign in: only then are their groups known.
fn gives(rule: Option<&Rule>, row: &OfRule) -> bool {
    let same = |team: Option<&str>| team.unwrap_or_default() == row.grant.team;
    rule.is_some_and(|rule| {
        rule.grants.iter().any(|grant| {
            same(grant.team.as_deref()) && grant.service == row.grant.service && grant.role == row.grant.role
        })
    })
}

/// The person with this address, if they have a password that is replaced.
async fn with_password(conn: &mut Conn, email: &str) -> Result<Option<UserId>, DeclareError> {
    let Some(email) = Email::parse(email) else { return Ok(None) };
    let Some(person) = person::with_email(conn, &email.normal).await? else { return Ok(None) };
    Ok(password::find(conn, person.id).await?.map(|_| person.id))
}
