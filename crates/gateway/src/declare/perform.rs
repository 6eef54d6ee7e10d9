//! The steps of a comparison as writes, in the transaction of their account. Every step is audited; what nodes keep in
//! memory goes into the feed, last.

mod losses;
mod people;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};

use cardea_model::id::{AccountId, ClientId, ConnectionId, MemberId, RuleId, TeamId};
use cardea_model::name::Email;
use cardea_model::numbers::Numbers;
use cardea_store::account::{self, Account as Row};
use cardea_store::client::{self, Client as ClientRow};
use cardea_store::db::{DbError, Tx};
use cardea_store::feed::{self, Kind};
use cardea_store::section::{self, Section};
use cardea_store::{connection, entitlement, password, person};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::change::{ClientWork, Column, Kept, Outcome, Ownership, ServiceWork, Step, TeamWork, Upstream, Work};
use super::standing::Standing;
use super::{DeclareError, canonical};
use crate::accounts::{self, AccountError};
use crate::app::App;
use crate::context::Ctx;
use crate::error::GatewayError;
use crate::keys::policy;
use crate::rules::{self, Change, Flip, Frozen};
use crate::state::{Account, Client, Problem, Rule};
use crate::{audit, check, revocation};
use losses::Losses;

/// What the steps of one account have in common.
struct Hand<'a> {
    app: &'a App,
    ctx: &'a Ctx,
    row: Row,
    /// Whether the account's or org's own columns have changed.
    dirty: bool,
    /// Whose roles by hand have changed.
    changed: BTreeSet<MemberId>,
    connections: BTreeMap<String, ConnectionId>,
    teams: BTreeMap<String, TeamId>,
    news: News,
}

/// What the nodes must hear of.
#[derive(Default)]
struct News {
    org: bool,
    connections: BTreeSet<String>,
    clients: BTreeSet<String>,
}

/// Performs the steps of one account.
pub(super) async fn account(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    declared: &Account,
    standing: Standing,
    outcome: &Outcome,
) -> Result<(), DeclareError> {
    let losses = Losses::of(tx, &standing, outcome).await?;
    losses.lock(app, tx).await?;
    let connections = standing.connections.iter().map(|linked| (linked.row.name.clone(), linked.row.id)).collect();
    let teams = standing.teams.iter().map(|team| (team.name.clone(), team.id)).collect();
    let row = match (standing.row, outcome.steps.first().map(|step| &step.work)) {
        (Some(row), _) => row,
        (None, Some(Work::Account { org, kind })) => {
            let added = accounts::add_account(app, tx, ctx, &declared.name, org, kind).await;
            added.map_err(|error| refused(&declared.name, error))?
        }
        (None, _) => return Err(DeclareError::Corrupt("account")),
    };
    let mut hand =
        Hand { app, ctx, row, dirty: false, changed: BTreeSet::new(), connections, teams, news: News::default() };
    for step in &outcome.steps {
        hand.perform(tx, step).await?;
    }
    account::lock_org(tx, hand.row.org).await?;
    if hand.dirty {
        account::update(tx, &hand.row).await?;
    }
    hand.rules(tx, outcome).await?;
    for kept in &outcome.sections {
        keep(app, tx, Some(hand.row.id), kept).await?;
    }
    for step in &outcome.steps {
        if let Work::Owner(ownership) = &step.work {
            hand.own(tx, step.noun, ownership).await?;
        }
    }
    // The feed's counter is taken here, last.
    for member in &hand.changed {
        revocation::roles_changed(app, tx, *member).await?;
    }
    losses.take(app, tx, ctx).await?;
    hand.tell(tx).await
}

/// Performs the steps that belong to no account.
pub(super) async fn instance(app: &App, tx: &mut Tx, ctx: &Ctx, outcome: &Outcome) -> Result<(), DeclareError> {
    let mut clients = BTreeSet::new();
    for step in &outcome.steps {
        match &step.work {
            // Audited there.
            Work::Operator(token) => {
                accounts::put_operator(app, tx, ctx, &step.name, token.expose_secret()).await?;
                continue;
            }
            Work::Client(work) => {
                of_client(app, tx, ctx, None, (&step.name, work)).await?;
                clients.insert(step.name.clone());
            }
            Work::InSection => {}
            Work::Account { .. }
            | Work::Column(_)
            | Work::Owner(_)
            | Work::ByHand(_)
            | Work::Invitation(_)
            | Work::Service(_)
            | Work::KeyPolicy(_)
            | Work::Team(_)
            | Work::Upstream { .. } => return Err(DeclareError::Corrupt("step")),
        }
        record(app, tx, ctx, None, step).await?;
    }
    for kept in &outcome.sections {
        keep(app, tx, None, kept).await?;
    }
    for id in &clients {
        append(app, tx, Kind::Client, id).await?;
    }
    Ok(())
}

impl Hand<'_> {
    async fn perform(&mut self, tx: &mut Tx, step: &Step) -> Result<(), DeclareError> {
        let name = step.name.as_str();
        match &step.work {
            // Made before or after the others, and audited where they are made.
            Work::Account { .. } | Work::Owner(_) | Work::Operator(_) => return Ok(()),
            Work::InSection => {}
            Work::Column(column) => self.column(column),
            Work::Service(ServiceWork::Put(given)) => {
                entitlement::put(tx, self.row.org, given).await?;
                self.news.org = true;
            }
            Work::Service(ServiceWork::Remove) => {
                entitlement::remove(tx, self.row.org, name).await?;
                self.news.org = true;
            }
            Work::KeyPolicy(policy) => {
                policy::put(tx, self.row.org, *policy).await?;
                self.news.org = true;
            }
            Work::Team(work) => self.team(tx, name, work).await?,
            Work::ByHand(work) => self.by_hand(tx, work).await?,
            Work::Invitation(work) => self.invitation(tx, name, work).await?,
            Work::Upstream { connection, work } => {
                self.upstream(tx, name, connection, work).await?;
                self.news.connections.insert(connection.clone());
            }
            Work::Client(work) => {
                of_client(self.app, tx, self.ctx, Some(self.row.id), (name, work)).await?;
                self.news.clients.insert(step.name.clone());
            }
        }
        record(self.app, tx, self.ctx, Some(self.row.id), step).await
    }

    fn column(&mut self, column: &Column) {
        match column {
            Column::Recovery(email) => self.row.recovery_email.clone_from(email),
            Column::OrgKind(kind) => {
                (*kind).clone_into(&mut self.row.org_kind);
                self.news.org = true;
            }
            Column::Description(text) => self.row.description.clone_from(text),
        }
        self.dirty = true;
    }

    async fn team(&mut self, tx: &mut Tx, name: &str, work: &TeamWork) -> Result<(), DeclareError> {
        let org = self.row.org;
        let known = self.teams.get(name).copied().ok_or(DeclareError::Corrupt("team"));
        match work {
            TeamWork::Add(team) => {
                let id = TeamId::new(self.ctx.now, &*self.app.random);
                let (name, description) = (team.name.clone(), team.description.clone());
                let row = account::Team { id, name, description, version: 1 };
                account::add_team(tx, org, &row).await?;
                self.teams.insert(team.name.clone(), id);
            }
            TeamWork::Describe(team) => {
                account::describe_team(tx, org, known?, &team.description).await?;
            }
            TeamWork::End => {
                let id = known?;
                account::end_team(tx, org, id, self.ctx.now).await?;
                self.news.org = true;
            }
        }
        Ok(())
    }

    /// Puts the declared rules in force: a declaration stands for its own preview.
    async fn rules(&mut self, tx: &mut Tx, outcome: &Outcome) -> Result<(), DeclareError> {
        let Some(wanted) = &outcome.in_force else { return Ok(()) };
        // Under the lock of the org: another generation may have come since the account was read.
        let row = account::find(tx, self.row.id).await?.ok_or(DeclareError::Corrupt("account"))?;
        let corrupt = |_: GatewayError| DeclareError::Corrupt("rule");
        let unwritten = |error| match error {
            GatewayError::Database(error) => DeclareError::Database(error),
            GatewayError::Denied(_) | GatewayError::Corrupt(_) | GatewayError::Missing(_) => corrupt(error),
        };
        let rules = self.frozen(tx, wanted.as_deref().unwrap_or_default()).await?;
        let (change, active) = if wanted.is_some() { (Change::Apply, true) } else { (Change::Revoke, false) };
        let flip = Flip { change, rules: &rules, active, digest: "", summary: "{}" };
        rules::put_in_force(self.app, tx, self.ctx, &row, flip).await.map_err(unwritten)?;
        self.news.org = true;
        Ok(())
    }

    /// Rules as a generation keeps them; one that is edited under the same name keeps its id.
    async fn frozen(&self, tx: &mut Tx, rules: &[Rule]) -> Result<Vec<Frozen>, DeclareError> {
        let edited = connection::rules(tx, self.row.org).await?;
        let frozen = |rule: &Rule| {
            let known = edited.iter().find(|known| known.name == rule.name).map(|known| known.id);
            let connection = self.connections.get(&rule.connection).copied();
            Ok(Frozen {
                id: known.unwrap_or_else(|| RuleId::new(self.ctx.now, &*self.app.random)),
                connection: connection.ok_or(DeclareError::Corrupt("connection"))?,
                name: rule.name.clone(),
                body: rule.body(),
            })
        };
        rules.iter().map(frozen).collect()
    }

    /// Owners come last: their membership's row and the feed's counter are written with them.
    async fn own(&mut self, tx: &mut Tx, noun: &str, ownership: &Ownership) -> Result<(), DeclareError> {
        let (app, ctx) = (self.app, self.ctx);
        match ownership {
            Ownership::Added { email, hash } => {
                let email = Email::parse(email).ok_or(DeclareError::Corrupt("address"))?;
                let added = accounts::add_owner(app, tx, ctx, &self.row, &email, hash.as_deref()).await;
                added.map_err(|error| refused(&self.row.name, error))?;
            }
            Ownership::Password { email, hash } => {
                let owner = person::with_email(tx, email).await?.ok_or(DeclareError::Corrupt("owner"))?;
                password::put(tx, owner.id, hash, ctx.now).await?;
                let (user, action) = (owner.id.to_string(), format!("{noun}.password_changed"));
                audit::record(app, tx, ctx, Some(self.row.id), &action, &user, json!({})).await?;
            }
        }
        Ok(())
    }

    async fn tell(&self, tx: &mut Tx) -> Result<(), DeclareError> {
        let news = &self.news;
        if news.org {
            append(self.app, tx, Kind::Org, &self.row.org.to_string()).await?;
        }
        for name in &news.connections {
            append(self.app, tx, Kind::Connection, name).await?;
        }
        for id in &news.clients {
            append(self.app, tx, Kind::Client, id).await?;
        }
        let (app, names) = (self.app.clone(), news.connections.clone());
        tx.after_commit(move || names.iter().for_each(|name| app.outside.forget(name)));
        Ok(())
    }
}

async fn append(app: &App, tx: &mut Tx, kind: Kind, subject: &str) -> Result<(), DbError> {
    feed::append(tx, kind, subject, Numbers::default(), app.clock.now()).await.map(drop)
}

async fn of_client(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    account: Option<AccountId>,
    (name, work): (&str, &ClientWork),
) -> Result<(), DeclareError> {
    match work {
        ClientWork::Put { declared, secret } => {
            let row = client_row(app, ctx, account, declared, secret.as_ref())?;
            client::put(tx, &row, ctx.now).await?;
            // Whoever signs now has no secret to come back to.
            if declared.has_keys() {
                client::forget_secret(tx, name).await?;
            }
        }
        ClientWork::Remove => {
            client::remove(tx, name).await?;
        }
    }
    Ok(())
}

fn client_row(
    app: &App,
    ctx: &Ctx,
    account: Option<AccountId>,
    declared: &Client,
    secret: Option<&SecretString>,
) -> Result<ClientRow, DeclareError> {
    let id = &declared.client_id;
    let mac = |secret: &SecretString| {
        app.peppers.mac_secret(check::CLIENT_SECRET, id, secret.expose_secret()).to_bytes().to_vec()
    };
    Ok(ClientRow {
        id: ClientId::new(ctx.now, &*app.random),
        account,
        client_id: id.clone(),
        name: declared.name.clone(),
        mac: secret.map(mac),
        resource_server: declared.resource_server,
        services: canonical::json(&declared.services)?.to_string(),
        document: canonical::client_document(declared)?,
        app: None,
    })
}

async fn keep(app: &App, tx: &mut Tx, account: Option<AccountId>, kept: &Kept) -> Result<(), DeclareError> {
    let secrets = kept.secrets.seal(app, account, kept.name)?;
    let row = Section { name: kept.name.to_owned(), document: kept.document.clone(), secrets };
    Ok(section::put(tx, account, &row).await?)
}

/// The audit event of a step: which settings changed, never their values.
async fn record(
    app: &App,
    tx: &mut Tx,
    ctx: &Ctx,
    account: Option<AccountId>,
    step: &Step,
) -> Result<(), DeclareError> {
    let action = format!("{}.{}", step.noun, step.change.action.as_str());
    let settings: Vec<&str> = step.change.fields.iter().map(|field| field.name.as_str()).collect();
    let proof = matches!(step.work, Work::Upstream { work: Upstream::TakeDomain, .. }).then_some("operator");
    let detail = match proof {
        Some(proof) => json!({"path": step.change.path, "proof": proof}),
        None => json!({"path": step.change.path, "settings": settings}),
    };
    Ok(audit::record(app, tx, ctx, account, &action, &step.name, detail).await?)
}

/// A refusal that the checks before would have made, had the thing not come about in between.
fn refused(account: &str, error: AccountError) -> DeclareError {
    match error {
        AccountError::Database(error) => DeclareError::Database(error),
        AccountError::Denied(denied) => DeclareError::Denied(denied),
        error @ (AccountError::Link
        | AccountError::SignUpOff
        | AccountError::NoAccount(_)
        | AccountError::Email
        | AccountError::Name
        | AccountError::NameTaken
        | AccountError::EmailTaken
        | AccountError::Individual
        | AccountError::Description
        | AccountError::Recovery
        | AccountError::Owners
        | AccountError::OwnerDomain(_)
        | AccountError::OtherPassword
        | AccountError::TemporaryPassword
        | AccountError::SamePassword
        | AccountError::TooMany(_)
        | AccountError::Password(_)) => {
            DeclareError::Problems(vec![Problem { path: format!("accounts[{account}]"), what: error.to_string() }])
        }
    }
}
