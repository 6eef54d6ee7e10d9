//! The instance as it stands, read once for a comparison or an export.

use std::collections::BTreeMap;

use cardea_model::id::{AccountId, ConnectionId};
use cardea_model::name::Email;
use cardea_model::rule::RuleBody;
use cardea_store::account::{self, Account as Row, Team as TeamRow};
use cardea_store::client::{self, Client as ClientRow};
use cardea_store::connection::{self, Connection as ConnectionRow, Rule as RuleRow};
use cardea_store::db::Conn;
use cardea_store::{entitlement, generation, member, operator, password, person, section};

use super::people::People;
use super::secrets::Vault;
use super::{DeclareError, canonical};
use crate::app::App;
use crate::keys::policy::{self, Policy};
use crate::rules::Frozen;
use crate::state::{
    Account, Client, Connection, Directory, DirectoryToken, Entitlement, Operator, Org, OrgKind, Owner, Rule,
    RulesState, Secret, Signal, Team, Thing, Webhook,
};

/// The section of an account's streams.
pub(super) const SIGNALS: &str = "signals";
/// The section of clients' webhooks.
pub(super) const WEBHOOKS: &str = "webhooks";

/// One account, or what a new one begins with.
pub(super) struct Standing {
    /// Nothing while the account is new.
    pub(super) row: Option<Row>,
    name: String,
    org: Org,
    /// The owners' addresses, the first owner first.
    pub(super) owners: Vec<String>,
    owner_has_password: bool,
    pub(super) teams: Vec<TeamRow>,
    pub(super) connections: Vec<Linked>,
    pub(super) rules: Vec<RuleRow>,
    /// The rules in force; none if none are.
    pub(super) in_force: Option<Vec<Rule>>,
    pub(super) people: People,
    pub(super) services: Services,
    signals: Vec<Signal>,
    pub(super) signal_secrets: Vault,
}

/// A connection with what hangs on it.
pub(super) struct Linked {
    pub(super) row: ConnectionRow,
    pub(super) domains: Vec<String>,
    /// The directory's tokens, with their MACs.
    pub(super) tokens: Vec<(String, Vec<u8>)>,
}

/// The clients of an account, or the operator's own.
pub(super) struct Services {
    pub(super) clients: Vec<ClientRow>,
    pub(super) webhooks: BTreeMap<String, Vec<Webhook>>,
    pub(super) webhook_secrets: Vault,
}

/// What belongs to no account.
pub(super) struct Instance {
    /// The operators' names.
    pub(super) names: Vec<String>,
    pub(super) services: Services,
}

impl Standing {
    /// Reads the account of this name; of one that does not exist, what `declared` would begin with.
    pub(super) async fn read(
        app: &App,
        conn: &mut Conn,
        name: &str,
        declared: Option<&Account>,
    ) -> Result<Self, DeclareError> {
        let Some(row) = account::named(conn, name).await? else { return Ok(Self::blank(app, name, declared)) };
        let owners = member::owner_emails(conn, row.id).await?;
        let owner_has_password = match owners.first().and_then(|text| Email::parse(text)) {
            Some(email) => has_password(conn, &email).await?,
            None => false,
        };
        let (signals, signal_secrets) = kept(app, conn, Some(row.id), SIGNALS).await?;
        let org = Org {
            name: row.org_name.clone(),
            kind: if row.org_kind == "individual" { OrgKind::Individual } else { OrgKind::Enterprise },
            services: Some(canonical::entitlements(&entitlement::of(conn, row.org).await?)),
            teams: None,
            keys: Some(policy::of(conn, row.org).await?).filter(|policy| *policy != Policy::default()),
        };
        let mut teams = account::teams(conn, row.org).await?;
        teams.sort_by(|one, other| one.name.cmp(&other.name));
        let connections = linked(conn, row.id).await?;
        Ok(Self {
            name: name.to_owned(),
            org,
            owners,
            owner_has_password,
            teams,
            in_force: in_force(conn, &row, &connections).await?,
            people: People::read(app, conn, &row, declared).await?,
            connections,
            rules: connection::rules(conn, row.org).await?,
            services: Services::read(app, conn, Some(row.id)).await?,
            signals,
            signal_secrets,
            row: Some(row),
        })
    }

    fn blank(app: &App, name: &str, declared: Option<&Account>) -> Self {
        let org = declared.and_then(|account| account.org.as_ref());
        let kind = org.map_or(OrgKind::Enterprise, |org| org.kind);
        let on = app.catalogue.services().filter(|(_, service)| service.default_on.contains(&kind));
        let mut services: Vec<Entitlement> = on.map(|(_, service)| Entitlement::endless(&service.name)).collect();
        services.sort();
        let org_name = org.map_or(name, |org| &org.name).to_owned();
        Self {
            row: None,
            name: name.to_owned(),
            org: Org { name: org_name, kind, services: Some(services), teams: None, keys: None },
            owners: Vec::new(),
            owner_has_password: false,
            teams: Vec::new(),
            connections: Vec::new(),
            rules: Vec::new(),
            in_force: None,
            people: People::default(),
            services: Services { clients: Vec::new(), webhooks: BTreeMap::new(), webhook_secrets: Vault::default() },
            signals: Vec::new(),
            signal_secrets: Vault::default(),
        }
    }

    /// The account as a document.
    pub(super) fn declared(&self) -> Result<Account, DeclareError> {
        let mut connections = Vec::with_capacity(self.connections.len());
        for linked in &self.connections {
            let client_secret = linked.row.secret.as_ref().map(|_| Secret::Kept);
            let stored = canonical::stored_connection(&linked.row, &linked.domains)?;
            connections.push(Connection { client_secret, ..stored });
        }
        let password = self.owner_has_password.then_some(Secret::Kept);
        let teams = self.teams.iter().map(|row| Team { name: row.name.clone(), description: row.description.clone() });
        let rules: Vec<Rule> = self.rules.iter().map(|row| self.rule(row)).collect::<Result<_, _>>()?;
        let state = if self.in_force.is_some() { RulesState::Active } else { RulesState::Draft };
        Ok(Account {
            name: self.name.clone(),
            owner: self.owners.first().map(|email| Owner { email: email.clone(), password }),
            description: self.row.as_ref().map(|row| row.description.clone()),
            recovery_email: self.row.as_ref().and_then(|row| row.recovery_email.clone()),
            org: Some(Org { teams: Some(teams.collect()), ..self.org.clone() }),
            connections: Some(connections),
            directories: Some(self.directories()),
            signals: Some(self.signals.iter().map(|signal| self.with_secrets(signal)).collect()),
            rules_state: Some(state),
            rules_in_force: self.in_force.clone().filter(|in_force| *in_force != rules),
            rules: Some(rules),
            users: None,
            invitations: Some(self.people.invitations.iter().map(|asked| asked.declared.clone()).collect()),
            clients: Some(self.services.declared()?),
        })
    }

    fn directories(&self) -> Vec<Directory> {
        let provisioned = self.connections.iter().filter(|linked| !linked.tokens.is_empty());
        provisioned
            .map(|linked| {
                let token = |name: &String| DirectoryToken { name: name.clone(), secret: Some(Secret::Kept) };
                let tokens = linked.tokens.iter().map(|(name, _)| token(name)).collect();
                Directory { connection: linked.row.name.clone(), tokens: Some(tokens) }
            })
            .collect()
    }

    fn with_secrets(&self, signal: &Signal) -> Signal {
        Signal {
            authorization: self.signal_secrets.kept(&signal_key(&signal.name, "authorization")),
            client_secret: self.signal_secrets.kept(&signal_key(&signal.name, "client_secret")),
            ..signal.clone()
        }
    }

    fn rule(&self, row: &RuleRow) -> Result<Rule, DeclareError> {
        let body: RuleBody = canonical::read(&row.document, "rule")?;
        rule(&self.connections, (&row.name, row.connection), body)
    }

    /// The connection of this name.
    pub(super) fn connection(&self, name: &str) -> Option<&Linked> {
        self.connections.iter().find(|linked| linked.row.name == name)
    }

    /// The streams, in the order of their names.
    pub(super) fn signals(&self) -> &[Signal] {
        &self.signals
    }

    /// Whether the secret that a document does not give stands already.
    pub(super) fn has_secret(&self, thing: &Thing<'_>, path: &str) -> bool {
        match thing {
            // Of a user whom the document names the passwords tell.
            Thing::Operator(_) | Thing::User { .. } => false,
            Thing::Owner(_) => self.owner_has_password,
            Thing::Connection(name) => self.connection(name).is_some_and(|linked| linked.row.secret.is_some()),
            Thing::DirectoryToken { connection, token } => {
                self.connection(connection).is_some_and(|linked| linked.tokens.iter().any(|(name, _)| name == token))
            }
            Thing::Signal(name) => {
                let field = path.rsplit('.').next().unwrap_or_default();
                self.signal_secrets.kept(&signal_key(name, field)).is_some()
            }
            Thing::Client(_) | Thing::Webhook { .. } => self.services.has_secret(thing),
        }
    }
}

impl Services {
    pub(super) async fn read(app: &App, conn: &mut Conn, account: Option<AccountId>) -> Result<Self, DeclareError> {
        let mut clients = client::of_account(conn, account).await?;
        clients.sort_by(|one, other| one.client_id.cmp(&other.client_id));
        let (webhooks, webhook_secrets) = kept(app, conn, account, WEBHOOKS).await?;
        Ok(Self { clients, webhooks, webhook_secrets })
    }

    /// The clients as a document.
    pub(super) fn declared(&self) -> Result<Vec<Client>, DeclareError> {
        self.clients.iter().map(|row| self.client(row)).collect()
    }

    fn client(&self, row: &ClientRow) -> Result<Client, DeclareError> {
        let webhooks = self.webhooks.get(&row.client_id).map(|list| {
            let secret = |webhook: &Webhook| self.webhook_secrets.kept(&webhook_key(&row.client_id, &webhook.url));
            list.iter().map(|webhook| Webhook { secret: secret(webhook), ..webhook.clone() }).collect()
        });
        let secret = row.mac.as_ref().map(|_| Secret::Kept);
        Ok(Client { secret, webhooks, ..canonical::stored_client(row)? })
    }

    fn has_secret(&self, thing: &Thing<'_>) -> bool {
        match thing {
            Thing::Client(id) => self.clients.iter().any(|row| row.client_id == *id && row.mac.is_some()),
            Thing::Webhook { client, url } => self.webhook_secrets.kept(&webhook_key(client, url)).is_some(),
            Thing::Operator(_)
            | Thing::Owner(_)
            | Thing::User { .. }
            | Thing::Connection(_)
            | Thing::DirectoryToken { .. }
            | Thing::Signal(_) => false,
        }
    }
}

impl Instance {
    pub(super) async fn read(app: &App, conn: &mut Conn) -> Result<Self, DeclareError> {
        let mut names: Vec<String> = operator::all(conn).await?.into_iter().map(|row| row.name).collect();
        names.sort();
        Ok(Self { names, services: Services::read(app, conn, None).await? })
    }

    pub(super) fn operators(&self) -> Vec<Operator> {
        self.names.iter().map(|name| Operator { name: name.clone(), token: Some(Secret::Kept) }).collect()
    }

    pub(super) fn has_secret(&self, thing: &Thing<'_>) -> bool {
        match thing {
            Thing::Operator(name) => self.names.iter().any(|known| known == name),
            Thing::Owner(_)
            | Thing::User { .. }
            | Thing::Connection(_)
            | Thing::DirectoryToken { .. }
            | Thing::Signal(_)
            | Thing::Client(_)
            | Thing::Webhook { .. } => self.services.has_secret(thing),
        }
    }
}

/// Under which name a stream's secret is kept.
pub(super) fn signal_key(signal: &str, field: &str) -> String {
    format!("{signal} {field}")
}

/// Under which name a webhook's secret is kept; a client's name has no space.
pub(super) fn webhook_key(client: &str, url: &str) -> String {
    format!("{client} {url}")
}

/// A rule as the document says it.
fn rule(connections: &[Linked], (name, id): (&str, ConnectionId), body: RuleBody) -> Result<Rule, DeclareError> {
    let connection = connections.iter().find(|linked| linked.row.id == id).ok_or(DeclareError::Corrupt("rule"))?;
    Ok(Rule {
        name: name.to_owned(),
        connection: connection.row.name.clone(),
        enabled: body.enabled,
        any_of: body.any_of,
        account_role: body.account_role,
        grants: body.grants,
    })
}

/// The rules in force, which may be others than those that are edited.
async fn in_force(conn: &mut Conn, row: &Row, connections: &[Linked]) -> Result<Option<Vec<Rule>>, DeclareError> {
    if !row.rules.active {
        return Ok(None);
    }
    let generation = generation::find(conn, row.org, row.rules.generation).await?;
    let generation = generation.ok_or(DeclareError::Corrupt("generation"))?;
    let frozen: Vec<Frozen> = canonical::read(&generation.rules, "generation")?;
    let read = |frozen: Frozen| rule(connections, (&frozen.name, frozen.connection), frozen.body);
    frozen.into_iter().map(read).collect::<Result<_, _>>().map(Some)
}

async fn has_password(conn: &mut Conn, email: &Email) -> Result<bool, DeclareError> {
    let Some(person) = person::with_email(conn, &email.normal).await? else { return Ok(false) };
    Ok(password::find(conn, person.id).await?.is_some())
}

async fn linked(conn: &mut Conn, account: AccountId) -> Result<Vec<Linked>, DeclareError> {
    let mut all = Vec::new();
    for row in connection::of_account(conn, account).await? {
        let domains = canonical::sorted(&connection::domains(conn, row.id).await?);
        let mut tokens = connection::directory_token_macs(conn, row.id).await?;
        tokens.sort();
        all.push(Linked { row, domains, tokens });
    }
    all.sort_by(|one, other| one.row.name.cmp(&other.row.name));
    Ok(all)
}

async fn kept<T: serde::de::DeserializeOwned + Default>(
    app: &App,
    conn: &mut Conn,
    account: Option<AccountId>,
    name: &'static str,
) -> Result<(T, Vault), DeclareError> {
    let Some(section) = section::find(conn, account, name).await? else { return Ok((T::default(), Vault::default())) };
    let vault = Vault::open(app, account, name, section.secrets.as_deref())?;
    Ok((canonical::read(&section.document, name)?, vault))
}
