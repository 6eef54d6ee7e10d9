//! What people lose by a document besides roles: sessions of connections that are switched off and of passwords that are
//! replaced.
//!
//! A sign-in writes its member's row first and its connection's later. In the same order whoever is known to lose something
//! is locked before anything else is written here. What is lost is then read once more, so that a sign-in which was faster is
//! seen; one that is slower sees what stands now.

use std::collections::{BTreeMap, BTreeSet};

use cardea_model::id::{ConnectionId, MemberId, UserId};
use cardea_model::name::Email;
use cardea_model::numbers::{Cause, What};
use cardea_store::db::{Conn, Tx};
use cardea_store::{member, password, person, session};

use super::super::DeclareError;
use super::super::change::{ByHand, Outcome, Ownership, Upstream, Work};
use super::super::standing::Standing;
use crate::app::App;
use crate::context::Ctx;
use crate::revocation::{self, Ending};
use crate::state::Stage;

/// What goes, by the ids that stood before.
pub(super) struct Losses {
    connections: Vec<(ConnectionId, String)>,
    people: Vec<UserId>,
    /// Whose roles by hand change.
    changed: Vec<MemberId>,
}

/// Whose sessions end, and why.
type Losers = BTreeMap<MemberId, (Cause, String)>;

impl Losses {
    /// What the steps take away.
    pub(super) async fn of(conn: &mut Conn, standing: &Standing, outcome: &Outcome) -> Result<Self, DeclareError> {
        let mut losses = Self { connections: Vec::new(), people: Vec::new(), changed: Vec::new() };
        for step in &outcome.steps {
            match &step.work {
                Work::Upstream { connection, work } => losses.upstream(standing, connection, work),
                Work::Owner(Ownership::Added { email, hash: Some(_) } | Ownership::Password { email, .. }) => {
                    losses.people.extend(with_password(conn, email).await?);
                }
                Work::ByHand(ByHand::Change { member, .. }) => losses.changed.push(*member),
                // Somebody new here may be known in another account.
                Work::ByHand(ByHand::Add { user, hash: Some(_) }) => {
                    losses.people.extend(with_password(conn, user.email.as_deref().unwrap_or_default()).await?);
                }
                Work::Account { .. }
                | Work::ByHand(ByHand::Add { hash: None, .. })
                | Work::Invitation(_)
                | Work::Column(_)
                | Work::Owner(Ownership::Added { hash: None, .. })
                | Work::Service(_)
                | Work::KeyPolicy(_)
                | Work::Team(_)
                | Work::Client(_)
                | Work::Operator(_)
                | Work::InSection => {}
            }
        }
        Ok(losses)
    }

    fn upstream(&mut self, standing: &Standing, connection: &str, work: &Upstream) {
        match work {
            // On again as well: a sign-in that was overtaken by the switch must not live on with it.
            Upstream::Put { declared, .. } => {
                let linked = standing.connection(connection);
                let switched = linked.filter(|linked| (linked.row.stage == "off") != (declared.stage == Stage::Off));
                self.connections.extend(switched.map(|linked| (linked.row.id, linked.row.name.clone())));
            }
            Upstream::PutRule { .. }
            | Upstream::RemoveRule
            | Upstream::ReleaseDomain
            | Upstream::TakeDomain
            | Upstream::PutToken(_)
            | Upstream::RemoveToken => {}
        }
    }

    /// Locks everybody who loses something or has other roles then, in the order of their ids.
    pub(super) async fn lock(&self, app: &App, tx: &mut Tx) -> Result<(), DeclareError> {
        let all: BTreeSet<MemberId> =
            self.losers(app, tx).await?.into_keys().chain(self.changed.iter().copied()).collect();
        for id in all {
            member::lock(tx, id).await?;
        }
        Ok(())
    }

    /// Takes it away, after everything else but the feed.
    pub(super) async fn take(&self, app: &App, tx: &mut Tx, ctx: &Ctx) -> Result<(), DeclareError> {
        for (id, (cause, message)) in &self.losers(app, tx).await? {
            let (what, cause) = (What::Sessions, *cause);
            let ending = Ending { member: *id, what, hold: None, cause, source: "operator", message };
            revocation::end_access(app, tx, ctx, ending).await?;
        }
        Ok(())
    }

    async fn losers(&self, app: &App, conn: &mut Conn) -> Result<Losers, DeclareError> {
        let mut losers = Losers::new();
        for (id, name) in &self.connections {
            let message = format!("the connection {name} was switched off");
            for member in session::members_through(conn, *id, app.clock.now()).await? {
                losers.insert(member, (Cause::ConnectionOff, message.clone()));
            }
        }
        for user in &self.people {
            for member in member::all_of_user(conn, *user).await? {
                losers.insert(member.id, (Cause::PasswordChanged, "the password was given anew".to_owned()));
            }
        }
        Ok(losers)
    }
}

/// The person with this address, if they have a password that is replaced.
async fn with_password(conn: &mut Conn, email: &str) -> Result<Option<UserId>, DeclareError> {
    let Some(email) = Email::parse(email) else { return Ok(None) };
    let Some(person) = person::with_email(conn, &email.normal).await? else { return Ok(None) };
    Ok(password::find(conn, person.id).await?.map(|_| person.id))
}
