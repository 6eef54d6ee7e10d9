//! What is measured on: the stories' account, filled with as many members and keys as wanted, and nodes in processes of
//! their own over the same database.

use anyhow::{Context as _, Result, ensure};
use cardea_gateway::App;
use cardea_model::id::{KeyId, MemberId, OrgId, UserId};
use cardea_store::db::Tx;
use cardea_store::{account, grant, key, member, person, secret};
use cardea_testkit::{Database, Engine, NodeBuilder, World};
use cardea_tokens::format::{Prefix, Secret};
use serde::{Deserialize, Serialize};

use crate::directory;
use crate::loader::Connection;
use crate::process::{Child, Serving};

/// As many personal keys as one user may have.
pub(crate) const KEYS_A_MEMBER: usize = 8;
const BATCH: usize = 125;

/// What a node is told.
#[derive(Deserialize, Serialize)]
pub(crate) struct Orders {
    url: String,
    pepper: String,
    name: String,
}

/// A database that is ready to be served, with the people's identity provider.
pub(crate) struct Scene {
    pub(crate) world: World,
    /// The secrets of all keys.
    pub(crate) keys: Vec<String>,
}

impl Scene {
    /// The account with `members` who hold [`KEYS_A_MEMBER`] keys each. No node runs here when it is done.
    pub(crate) async fn new(engine: Engine, members: usize) -> Result<Self> {
        let mut world = World::with(engine, NodeBuilder::default().on_real_time()).await?;
        let node = world.nodes.pop().context("the world begins with a node")?;
        let keys = fill(&node.app, members).await?;
        node.stop().await;
        Ok(Self { world, keys })
    }

    /// Starts a node in a process of its own.
    pub(crate) fn serve(&self, name: &str) -> Result<Child> {
        let database = &self.world.database;
        let orders = Orders { url: database.url.clone(), pepper: database.pepper().to_owned(), name: name.to_owned() };
        let child = Child::start("node", &orders)?;
        self.world.provider.register_redirect_uri(&format!("{}/oidc/okta/callback", child.url()));
        Ok(child)
    }
}

/// The child's side. The limits of directories and sign-ins are off: they would be what is measured.
pub(crate) async fn node(orders: Orders) -> Result<Serving> {
    let engine = if orders.url.starts_with("sqlite:") { Engine::Sqlite } else { Engine::Postgres };
    let database = Database::shared(orders.url, engine, orders.pepper)?;
    let builder = NodeBuilder::default().on_real_time().named(&orders.name);
    let unlimited = builder.with(|settings| (settings.directory_rate, settings.sign_ins_per_minute) = (0, u32::MAX));
    let node = unlimited.start(&database).await?;
    let address = node.url.trim_start_matches("http://").to_owned();
    Ok(Serving { address, _alive: Box::new((node, database)) })
}

/// Adds members with a role in the registry and [`KEYS_A_MEMBER`] keys each; returns the keys' secrets.
async fn fill(app: &App, members: usize) -> Result<Vec<String>> {
    let acme = account::named(&mut app.db.read().await?, "acme").await?.context("no account")?;
    let mut secrets = Vec::with_capacity(members * KEYS_A_MEMBER);
    for first in (0..members).step_by(BATCH) {
        let mut tx = app.db.write().await?;
        for number in first..members.min(first + BATCH) {
            let now = app.clock.now();
            let holder = Holder {
                org: acme.org,
                user: UserId::new(now, &*app.random),
                member: MemberId::new(now, &*app.random),
            };
            person::add(&mut tx, holder.user, &format!("Person {number}"), None, None, now).await?;
            member::add(&mut tx, holder.member, acme.id, holder.user, "member", now).await?;
            give_role(app, &mut tx, &holder).await?;
            for number in 0..KEYS_A_MEMBER {
                secrets.push(give_key(app, &mut tx, &holder, &format!("key {number}")).await?);
            }
        }
        tx.commit().await?;
    }
    Ok(secrets)
}

struct Holder {
    org: OrgId,
    user: UserId,
    member: MemberId,
}

async fn give_role(app: &App, tx: &mut Tx, holder: &Holder) -> Result<()> {
    let role = grant::Role { team_id: "", service: "registry", role: "admin" };
    grant::add(tx, holder.member, role, "bench", app.clock.now()).await?;
    Ok(())
}

async fn give_key(app: &App, tx: &mut Tx, holder: &Holder, name: &str) -> Result<String> {
    let now = app.clock.now();
    let new = key::New {
        id: KeyId::new(now, &*app.random),
        kind: "personal",
        org: holder.org,
        owner: key::Owner::Person { user: holder.user, member: holder.member },
        name,
        name_folded: name,
        grants: r#"[{"service":"registry"}]"#,
        epoch: 1,
        created_by: holder.user,
        created_at: now,
        expires_at: None,
        warned: 0,
    };
    let fresh = Secret::generate(Prefix::Personal, &*app.random);
    ensure!(key::add_below(tx, &new, 8).await?, "a key was not added");
    let mac = app.peppers.mac(fresh.expose()).to_bytes();
    secret::add(tx, new.id, fresh.kid().as_str(), &mac, now).await?;
    Ok(fresh.expose().to_owned())
}

/// People of the directory, each with a key: their SCIM ids and the keys' secrets.
pub(crate) async fn directory_people(scene: &Scene, count: usize) -> Result<Vec<(String, String)>> {
    let builder = NodeBuilder::default().on_real_time().named("preparing");
    let node = builder.with(|settings| settings.directory_rate = 0).start(&scene.world.database).await?;
    let mut connection = Connection::open(node.url.trim_start_matches("http://").parse()?).await?;
    let acme = account::named(&mut node.app.db.read().await?, "acme").await?.context("no account")?;
    let mut people = Vec::with_capacity(count);
    for number in 0..count {
        connection.request.clear();
        connection.request.extend(directory::creation(0, number).bytes());
        let (status, body) = connection.exchange().await?;
        ensure!(status == 201, "a person was not created: {status} {}", String::from_utf8_lossy(body));
        let id = directory::id_of(body)?;
        let user = id.parse()?;
        let row = member::of_user(&mut node.app.db.read().await?, acme.id, user).await?.context("no member")?;
        let holder = Holder { org: acme.org, user, member: row.id };
        let mut tx = node.app.db.write().await?;
        give_role(&node.app, &mut tx, &holder).await?;
        let key = give_key(&node.app, &mut tx, &holder, "key").await?;
        tx.commit().await?;
        people.push((id, key));
    }
    node.stop().await;
    Ok(people)
}
