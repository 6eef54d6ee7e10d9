//! The usual scene: one account `acme` with an owner, a provider `okta` with its directory, rules, and a portal that checks keys.

use anyhow::{Result, ensure};
use cardea_simulate::oidc::{OidcProvider, ProviderSettings};
use cardea_simulate::people;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;

use crate::browser::{Answer, Browser};
use crate::node::{Database, Engine, Node, NodeBuilder};

/// The secret of the portal, and of the directory's token.
pub const PORTAL_SECRET: &str = "portal-secret-of-the-stories";
/// The directory's token.
pub const DIRECTORY_TOKEN: &str = "directory-secret-of-the-stories";
/// The owner's address and password.
pub const OWNER: (&str, &str) = ("owner@acme.test", "Correct-horse-7-battery");

/// The scene. The first node has migrated the database and holds the account.
pub struct World {
    /// The database under all nodes.
    pub database: Database,
    /// The people's identity provider.
    pub provider: OidcProvider,
    /// The nodes; at least one.
    pub nodes: Vec<Node>,
}

impl World {
    /// The scene with one node.
    ///
    /// # Errors
    /// Anything that keeps it from being set.
    pub async fn new(engine: Engine) -> Result<Self> {
        Self::with(engine, NodeBuilder::default()).await
    }

    /// The scene with a first node of one's own.
    ///
    /// # Errors
    /// Anything that keeps it from being set.
    pub async fn with(engine: Engine, builder: NodeBuilder) -> Result<Self> {
        Self::on(Database::fresh(engine)?, builder).await
    }

    /// The scene on a database of one's own.
    ///
    /// # Errors
    /// Anything that keeps it from being set.
    pub async fn on(database: Database, builder: NodeBuilder) -> Result<Self> {
        let node = builder.start(&database).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let issuer = format!("http://{}", listener.local_addr()?);
        let clock = Arc::clone(&node.app.clock);
        let now = Arc::new(move || clock.now().as_seconds());
        let mut settings = ProviderSettings::new(&issuer, "gw", "provider-secret", now);
        settings.redirect_uris = vec![format!("{}/oidc/okta/callback", node.url)];
        settings.people = people::everyone();
        let provider = OidcProvider::start(listener, settings).await?;
        node.apply(state(&issuer)).await?;
        node.catch_up().await?;
        Ok(Self { database, provider, nodes: vec![node] })
    }

    /// Adds a node on the same database.
    ///
    /// # Errors
    /// Anything that keeps it from starting.
    pub async fn add_node(&mut self, builder: NodeBuilder) -> Result<&Node> {
        let node = builder.start(&self.database).await?;
        self.provider.register_redirect_uri(&format!("{}/oidc/okta/callback", node.url));
        self.nodes.push(node);
        self.nodes.last().ok_or_else(|| anyhow::anyhow!("a node was just added"))
    }

    /// The first node.
    #[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "the scene is never without a node")]
    #[must_use]
    pub fn node(&self) -> &Node {
        self.nodes.first().expect("the scene has a node")
    }

    /// A browser in front of the first node.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn browser(&self) -> Result<Browser> {
        Browser::new(&self.node().url)
    }

    /// A browser that has signed in through the provider.
    ///
    /// # Errors
    /// They did not get in.
    pub async fn sign_in(&self, person: &str) -> Result<Browser> {
        let browser = self.browser()?;
        let answer = browser.sign_in("okta", person).await?;
        ensure!(answer.status == 200, "{person} did not get in: {} {}", answer.status, answer.body);
        Ok(browser)
    }

    /// A browser in which the owner has signed in by password.
    ///
    /// # Errors
    /// They did not get in.
    pub async fn sign_in_owner(&self) -> Result<Browser> {
        let browser = self.browser()?;
        let fields = [("email", OWNER.0), ("password", OWNER.1)];
        let answer = browser.post_form("/login/password", &fields).await?;
        ensure!(answer.status == 303, "the owner did not get in: {} {}", answer.status, answer.body);
        Ok(browser)
    }

    /// Asks the node whether this key may pull a container of the org's registry.
    ///
    /// # Errors
    /// The connection's.
    pub async fn check(&self, node: &Node, key: &str) -> Result<Answer> {
        self.ask(
            node,
            &json!({"key": key, "service": "registry", "action": "download_container",
            "entity_type": "container", "entity": "acme/app"}),
        )
        .await
    }

    /// Asks the node a question as the portal.
    ///
    /// # Errors
    /// The connection's.
    pub async fn ask(&self, node: &Node, question: &Value) -> Result<Answer> {
        let portal = Browser::new(&node.url)?;
        let request = portal.request(Method::POST, "/api/v1/keys/check").basic_auth("portal", Some(PORTAL_SECRET));
        Answer::read(request.json(question).send().await?).await
    }
}

/// The usual state: what `cardea apply` would be given.
#[must_use]
pub fn state(issuer: &str) -> Value {
    json!({"version": 1,
        "accounts": [{
            "name": "acme",
            "owner": {"email": OWNER.0, "password": OWNER.1},
            "org": {"name": "acme", "kind": "enterprise", "services": ["catalog", "registry", "public_api_endpoints"],
                "teams": [{"name": "vision", "description": "Computer vision"}]},
            "connections": [{"name": "okta", "kind": "oidc", "issuer": issuer, "client_id": "gw",
                "client_secret": "provider-secret", "scopes": ["openid", "profile", "email", "groups"],
                "groups": {"claim": "groups", "from": "claims", "on_missing": "treat_as_empty"},
                "domains": ["corp.example"], "jit": true, "stage": "live"}],
            "directories": [{"connection": "okta", "tokens": [{"name": "primary", "secret": DIRECTORY_TOKEN}]}],
            "rules": [{"name": "Registry admins", "connection": "okta", "any_of": [{"equals": people::REGISTRY_ADMINS}],
                "grants": [{"service": "registry", "role": "admin"}, {"team": "vision", "service": "catalog", "role": "read"}]}],
            "rules_state": "active"
        }],
        "clients": [{"client_id": "portal", "name": "Portal", "secret": PORTAL_SECRET, "resource_server": true,
            "services": ["registry", "catalog"]}]
    })
}
