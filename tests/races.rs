//! Nothing slips through: whatever is issued at the very moment when access ends is dead, and stays dead.
//!
//! Each race has its barrier between the read on which an issue rests and the write that makes it. The naive way of
//! writing the same thing is run through the same race, and must lose it: else the race would prove nothing.

mod claims;
mod crowd;
mod fences;
mod first_sign_in;
mod invitations;
mod keeping;
mod leaving;
mod passwords;
mod registry;
mod rotations;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use cardea_gateway::keys::{self, Wanted};
use cardea_gateway::login::admission;
use cardea_gateway::pause::{Pause, Point};
use cardea_gateway::{App, Ctx, people, session};
use cardea_model::id::{ConnectionId, KeyId, MemberId, SessionId, UserId};
use cardea_model::key::{Expiry, GrantSpec, KeyKind};
use cardea_model::rule::AccountRole;
use cardea_model::{Caller, Person, Standing, Timestamp};
use cardea_store::connection::{self, Connection};
use cardea_store::db::Tx;
use cardea_store::session as store_session;
use cardea_store::{account, flow, grant, key, member, person, secret};
use cardea_testkit::{Engine, Node, NodeBuilder, World, races, stories};
use tokio::sync::Barrier;

stories! {
    a_login_never_outruns_a_deactivation,
    a_key_creation_never_outruns_a_deactivation,
    a_naive_key_creation_outruns_a_deactivation,
    a_cache_fill_never_outruns_a_deactivation,
}

/// Stops whoever comes to `point`, while it is armed, until the other side is there too.
struct Gate {
    point: Point,
    armed: AtomicBool,
    /// Whether whoever stops waits on until the other side is through.
    for_all: AtomicBool,
    both: Barrier,
}

impl Gate {
    fn at(point: Point) -> Arc<Self> {
        let (armed, for_all) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { point, armed, for_all, both: Barrier::new(2) })
    }

    /// As [`race`](Self::race), but the other is through before the one who stops at the gate goes on.
    async fn overtake<A, B: Send + 'static>(
        self: &Arc<Self>,
        one: impl Future<Output = A>,
        other: impl Future<Output = Result<B>> + Send + 'static,
    ) -> (A, Result<B>) {
        self.for_all.store(true, Ordering::SeqCst);
        let gate = Arc::clone(self);
        let other = async move {
            let result = other.await;
            gate.both.wait().await;
            result
        };
        let both = self.race(one, other).await;
        self.for_all.store(false, Ordering::SeqCst);
        both
    }

    /// Runs the one who stops at the gate against the other, who starts on another task when the first has arrived.
    async fn race<A, B: Send + 'static>(
        self: &Arc<Self>,
        one: impl Future<Output = A>,
        other: impl Future<Output = Result<B>> + Send + 'static,
    ) -> (A, Result<B>) {
        self.armed.store(true, Ordering::SeqCst);
        let gate = Arc::clone(self);
        let other = tokio::spawn(async move {
            gate.both.wait().await;
            other.await
        });
        let one = one.await;
        (one, other.await.unwrap_or_else(|error| Err(error.into())))
    }
}

impl Pause for Gate {
    fn at(&self, point: Point) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            if point == self.point && self.armed.swap(false, Ordering::SeqCst) {
                self.both.wait().await;
                if self.for_all.load(Ordering::SeqCst) {
                    self.both.wait().await;
                }
            }
        })
    }
}

/// A member of `acme` with a role in the registry.
async fn newcomer(app: &App, number: usize) -> Result<Person> {
    let ctx = app.ctx(Caller::System("test"));
    let mut tx = app.db.write().await?;
    let acme = account::named(&mut tx, "acme").await?.context("acme")?;
    let (user, member) = (UserId::new(ctx.now, &*app.random), MemberId::new(ctx.now, &*app.random));
    person::add(&mut tx, user, &format!("Person {number}"), None, None, ctx.now).await?;
    member::add(&mut tx, member, acme.id, user, "member", ctx.now).await?;
    let role = grant::Role { team_id: "", service: "registry", role: "admin" };
    grant::add(&mut tx, member, role, "test", ctx.now).await?;
    let session = SessionId::new(ctx.now, &*app.random);
    let open = store_session::New {
        id: session,
        secret_hash: cardea_tokens::hash::sha256(session.to_string().as_bytes()),
        member,
        connection: None,
        epoch: 1,
        minted_at: ctx.now,
        expires_at: ctx.now.after(app.settings.session_max_age),
        provider: None,
    };
    store_session::add(&mut tx, &open).await?;
    tx.commit().await?;
    Ok(Person {
        user,
        member,
        account: acme.id,
        org: acme.org,
        standing: Standing::Member,
        account_role: AccountRole::Member,
        teams: Arc::default(),
        session,
    })
}

async fn deactivate(app: App, person: Person) -> Result<()> {
    let ctx = app.ctx(Caller::System("test"));
    people::deactivate(&app, &ctx, person.account, &person.user.to_string()).await?;
    rows_follow(&app).await
}

/// Waits until the rows have followed, so that whatever is inserted later stands out. The node's own loop does jobs too.
async fn rows_follow(app: &App) -> Result<()> {
    while cardea_store::job::count(&mut app.db.read().await?).await? > 0 {
        cardea_gateway::jobs::run_due(app).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn reactivate(app: &App, person: Person) -> Result<()> {
    let ctx = app.ctx(Caller::System("test"));
    assert!(people::reactivate(app, &ctx, person.account, &person.user.to_string()).await?);
    Ok(())
}

fn wanted() -> Wanted {
    Wanted {
        name: "laptop".to_owned(),
        expiry: Expiry::Never,
        grants: vec![GrantSpec::whole("registry")],
        org: None,
        kind: KeyKind::Personal,
        once: None,
    }
}

/// The connection of the scene.
pub(crate) async fn okta(app: &App) -> Result<Connection> {
    connection::named(&mut app.db.read().await?, "okta").await?.context("okta")
}

/// A sign-in's attempt, begun now.
pub(crate) fn begun(ctx: &Ctx, connection: ConnectionId) -> flow::Flow {
    flow::Flow {
        connection,
        nonce: String::new(),
        verifier: Vec::new(),
        browser_hash: Vec::new(),
        return_to: "/".to_owned(),
        begun_at: ctx.now,
        expires_at: ctx.now,
    }
}

async fn scene(engine: Engine, gate: &Arc<Gate>) -> Result<World> {
    World::with(engine, NodeBuilder::default().paused_by(Arc::<Gate>::clone(gate))).await
}

async fn a_login_never_outruns_a_deactivation(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Login);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let okta = okta(app).await?;
    let mut survivors = 0;
    for number in 0..races() {
        let asserted = asserted(&world, number);
        let ctx = app.ctx(Caller::Nobody);
        let first = admission::admit(app, &ctx, &okta, &begun(&ctx, okta.id), &asserted).await?;
        let Caller::Person(person) = session::caller(app, &first.secret, app.clock.now()).await? else {
            anyhow::bail!("the first sign-in did not work");
        };
        let ctx = app.ctx(Caller::Nobody);
        let flow = begun(&ctx, okta.id);
        let login = admission::admit(app, &ctx, &okta, &flow, &asserted);
        let (late, ended) = gate.race(login, deactivate(app.clone(), person.clone())).await;
        ended?;
        let late = late.ok().map(|opened| opened.secret);
        for secret in std::iter::once(first.secret).chain(late.clone()) {
            survivors += usize::from(session::caller(app, &secret, app.clock.now()).await? != Caller::Nobody);
        }
        reactivate(app, person.clone()).await?;
        if let Some(secret) = late {
            survivors += usize::from(session::caller(app, &secret, app.clock.now()).await? != Caller::Nobody);
        }
        // An answer to a question asked before the end is not a new sign-in, even when the door is open again.
        let ctx = app.ctx(Caller::Nobody);
        survivors += usize::from(admission::admit(app, &ctx, &okta, &flow, &asserted).await.is_ok());
    }
    assert_eq!(survivors, 0);
    Ok(())
}

fn asserted(world: &World, number: usize) -> cardea_connect::Identity {
    asserted_by(world.provider.issuer(), number, world.node().app.clock.now())
}

/// What a provider says of somebody in no group.
pub(crate) fn asserted_by(issuer: &str, number: usize, issued_at: Timestamp) -> cardea_connect::Identity {
    cardea_connect::Identity {
        subject: format!("subject-{number}"),
        issuer: issuer.to_owned(),
        email: None,
        name: Some(format!("Person {number}")),
        given_name: None,
        family_name: None,
        preferred_username: Some(format!("person{number}")),
        upn: None,
        groups: cardea_connect::GroupClaims::Present(Vec::new()),
        claims: std::collections::BTreeMap::new(),
        auth_time: None,
        issued_at,
        sid: None,
        amr: Vec::new(),
        once: None,
        session_until: None,
        name_id: None,
        remarks: Vec::new(),
    }
}

async fn a_key_creation_never_outruns_a_deactivation(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::KeyCreation);
    let world = scene(engine, &gate).await?;
    let node = world.node();
    let mut survivors = 0;
    for number in 0..races() {
        let person = newcomer(&node.app, number).await?;
        let ctx = node.app.ctx(Caller::Person(person.clone()));
        let creation = keys::create(&node.app, &ctx, wanted());
        let (made, ended) = gate.race(creation, deactivate(node.app.clone(), person.clone())).await;
        ended?;
        survivors += living_rows(&node.app, person.clone()).await?;
        if let Ok(made) = made {
            let secret = made.secret.reveal();
            survivors += usize::from(works(&world, node, &secret).await?);
            reactivate(&node.app, person.clone()).await?;
            survivors += usize::from(works(&world, node, &secret).await?);
        }
    }
    assert_eq!(survivors, 0);
    Ok(())
}

/// The same race against a creation that looks before it writes but does not touch the member's row.
async fn a_naive_key_creation_outruns_a_deactivation(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::KeyCreation);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let mut survivors = 0;
    for number in 0..50 {
        let person = newcomer(app, number).await?;
        let ctx = app.ctx(Caller::Person(person.clone()));
        let (made, ended) = gate.race(naive(app, &ctx, person.clone()), deactivate(app.clone(), person.clone())).await;
        made?;
        ended?;
        survivors += living_rows(app, person.clone()).await?;
    }
    assert!(survivors > 0, "the race does not race: {survivors}");
    Ok(())
}

async fn naive(app: &App, ctx: &Ctx, person: Person) -> Result<()> {
    let row = member::find(&mut app.db.read().await?, person.member).await?.context("member")?;
    app.pause.at(Point::KeyCreation).await;
    // A slow thread, as it happens now and then: by the time it writes, the other side is through.
    while !member::find(&mut app.db.read().await?, person.member).await?.context("member")?.numbers.held {
        tokio::task::yield_now().await;
    }
    rows_follow(app).await?;
    let id = KeyId::new(ctx.now, &*app.random);
    let key = key::New {
        id,
        kind: "personal",
        org: person.org,
        owner: key::Owner::Person { user: person.user, member: person.member },
        name: "laptop",
        name_folded: "laptop",
        grants: "[]",
        epoch: row.numbers.epoch,
        created_by: person.user,
        created_at: ctx.now,
        expires_at: None,
        warned: 0,
    };
    let mut tx: Tx = app.db.write().await?;
    key::add_below(&mut tx, &key, 8).await?;
    secret::add(&mut tx, id, &format!("{:012}", ctx.now.as_micros() % 1_000_000_000_000), b"-", ctx.now).await?;
    tx.commit().await?;
    Ok(())
}

/// Keys of the person that no end of access has marked.
async fn living_rows(app: &App, person: Person) -> Result<usize> {
    Ok(key::of_member(&mut app.db.read().await?, person.member).await?.len())
}

async fn works(world: &World, node: &Node, secret: &str) -> Result<bool> {
    Ok(world.check(node, secret).await?.json()["allowed"] == true)
}

async fn a_cache_fill_never_outruns_a_deactivation(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::CacheFill);
    let mut world = World::new(engine).await?;
    world.add_node(NodeBuilder::default().named("two").paused_by(Arc::<Gate>::clone(&gate))).await?;
    let [one, two] = world.nodes.as_slice() else { anyhow::bail!("two nodes") };
    let mut survivors = 0;
    for number in 0..races() {
        let person = newcomer(&one.app, number).await?;
        let ctx = one.app.ctx(Caller::Person(person.clone()));
        let secret = keys::create(&one.app, &ctx, wanted()).await?.secret.reveal();
        // The second node has never heard of this key: it reads it now, while the first ends it.
        let (first, ended) = gate.race(works(&world, two, &secret), deactivate(one.app.clone(), person.clone())).await;
        first?;
        ended?;
        two.follow().await?;
        survivors += usize::from(works(&world, two, &secret).await?);
        survivors += usize::from(works(&world, one, &secret).await?);
    }
    assert_eq!(survivors, 0);
    Ok(())
}
