//! The scene: a temporary instance with the account `acme`, its provider and its directory, all on loopback.

use super::directory::Directory;
use super::saml::{Providers, Simulated};
use crate::chance::OsRandom;
use crate::config::Config;
use crate::lifecycle::{self, Server, Signals};
use crate::opening::{self, Opening, Purpose};
use anyhow::Context as _;
use cardea_gateway::state::State;
use cardea_gateway::state::format::{Prefix, Secret};
use cardea_gateway::{accounts, declare};
use cardea_model::{Caller, Clock, chance};
use cardea_simulate::oidc::{OidcProvider, ProviderSettings};
use cardea_simulate::people;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// The port that people remember.
const USUAL_PORT: u16 = 8700;
/// The connection's name, which is in its addresses.
pub(super) const CONNECTION: &str = "okta";
/// The account's and the org's.
pub(super) const ACCOUNT: &str = "acme";
const OWNER: &str = "owner@acme.test";

/// A running demo.
pub(super) struct Scene {
    /// The gateway.
    pub(super) server: Server,
    /// The people's identity provider.
    pub(super) provider: OidcProvider,
    /// The SAML providers of other companies.
    pub(super) saml: Providers,
    /// The owner's one-time link.
    pub(super) owner_link: String,
    /// The client secret of the service that checks keys.
    pub(super) portal_secret: String,
    directory_token: String,
    /// Removed when this is dropped.
    folder: tempfile::TempDir,
}

/// The secrets of one demo; every demo has its own.
struct Secrets {
    provider: String,
    portal: String,
    directory: String,
}

impl Scene {
    /// Sets the scene; the gateway listens on `port`, or on 8700 if that is free, or on any.
    pub(super) async fn set(port: Option<u16>) -> anyhow::Result<Self> {
        let listener = match port {
            Some(port) => lifecycle::bind(loopback(port)).await?,
            None => match TcpListener::bind(loopback(USUAL_PORT)).await {
                Ok(listener) => listener,
                Err(_) => lifecycle::bind(loopback(0)).await?,
            },
        };
        let folder = tempfile::Builder::new().prefix("cardea-demo-").tempdir()?;
        let config = config(&folder, listener.local_addr()?)?;
        let opening = Opening::read(&config, Purpose::Demo)?;
        let clock = Arc::clone(&opening.clock);
        let db = opening::database(&config).await?;
        db.migrate(clock.now()).await?;
        let app = opening.node(db).await?;
        let secrets = Secrets {
            provider: chance::base62(&OsRandom, 32),
            portal: issued(Prefix::Client),
            directory: issued(Prefix::Directory),
        };
        let provider = provider(&config, &secrets, Arc::clone(&clock)).await?;
        let saml = Providers::start(&config.public_url, clock).await?;
        let state: State =
            serde_json::from_value(state(provider.issuer(), &secrets, &saml)).context("the demo's state")?;
        let ctx = app.ctx(Caller::System("demo"));
        declare::apply(&app, &ctx, &state).await?;
        let link = accounts::invite_owner(&app, &ctx, ACCOUNT, OWNER).await?;
        let owner_link = lifecycle::link(&app, &link.reveal());
        let server = Server::start(app, listener, &config.http).await?;
        Ok(Self {
            server,
            provider,
            saml,
            owner_link,
            portal_secret: secrets.portal,
            directory_token: secrets.directory,
            folder,
        })
    }

    /// The provisioning client of the provider's company.
    pub(super) fn directory(&self) -> anyhow::Result<Directory> {
        Directory::new(self.server.app.clone(), &self.directory_token, self.provider.people())
    }

    /// Stops everything and removes what it wrote.
    pub(super) async fn strike(self, signals: Signals, soft: Duration) {
        self.server.stop(signals, soft).await;
        self.provider.stop().await;
        self.saml.stop();
        if let Err(error) = self.folder.close() {
            tracing::warn!(%error, "the folder of the demo could not be removed");
        }
    }
}

/// An address of this machine.
pub(super) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn issued(prefix: Prefix) -> String {
    Secret::generate(prefix, &OsRandom).expose().to_owned()
}

fn config(folder: &tempfile::TempDir, listen: SocketAddr) -> anyhow::Result<Config> {
    let within = |name: &str| folder.path().join(name);
    let mut config = Config { public_url: format!("http://{listen}"), listen, ..Config::default() };
    config.node.name = Some("demo".to_owned());
    config.database.url = format!("sqlite://{}", within("cardea.db").display()).into();
    config.keys.pepper_file = within("pepper");
    config.mail.path = within("mail");
    config.outbound.allow_cidrs = vec!["127.0.0.0/8".parse()?];
    Ok(config)
}

async fn provider(config: &Config, secrets: &Secrets, clock: Arc<dyn Clock>) -> anyhow::Result<OidcProvider> {
    let listener = lifecycle::bind(loopback(0)).await?;
    let issuer = format!("http://{}", listener.local_addr()?);
    let now = Arc::new(move || clock.now().as_seconds());
    let mut settings = ProviderSettings::new(&issuer, "cardea", &secrets.provider, now);
    settings.redirect_uris = vec![format!("{}/oidc/{CONNECTION}/callback", config.public_url)];
    settings.auto_sign_in = true;
    Ok(OidcProvider::start(listener, settings).await?)
}

/// What an operator would write into a file for `cardea apply`.
fn state(issuer: &str, secrets: &Secrets, saml: &Providers) -> Value {
    let rule = |name: &str, group: &str, grants: Value| json!({"name": name, "connection": CONNECTION, "any_of": [{"equals": group}], "grants": grants});
    let mut connections = vec![json!({"name": CONNECTION, "kind": "oidc", "issuer": issuer, "client_id": "cardea",
                "client_secret": secrets.provider, "scopes": ["openid", "profile", "email", "groups"],
                "groups": {"claim": "groups", "from": "claims", "on_missing": "treat_as_empty"},
                "domains": ["corp.example"], "jit": true, "stage": "live"})];
    connections.extend(saml.each().map(Simulated::connection));
    let mut rules = vec![
        rule(
            "Registry admins",
            people::REGISTRY_ADMINS,
            json!([{"service": "registry", "role": "admin"},
            {"team": "vision", "service": "catalog", "role": "read"}]),
        ),
        rule("Registry readers", people::REGISTRY_READERS, json!([{"service": "registry", "role": "viewer"}])),
        rule("Researchers", people::RESEARCH, json!([{"service": "public_api_endpoints", "role": "user"}])),
    ];
    rules.extend(saml.each().map(Simulated::rule));
    json!({"version": 1,
        "accounts": [{
            "name": ACCOUNT,
            "org": {"name": ACCOUNT, "kind": "enterprise", "services": ["catalog", "registry", "public_api_endpoints"],
                "teams": [{"name": "vision", "description": "Computer vision"}]},
            "connections": connections,
            "directories": [{"connection": CONNECTION, "tokens": [{"name": "primary", "secret": secrets.directory}]}],
            "rules": rules,
            "rules_state": "active"
        }],
        "clients": [{"client_id": "portal", "name": "Portal", "secret": secrets.portal, "resource_server": true,
            "services": ["registry", "catalog", "public_api_endpoints"]}]
    })
}
