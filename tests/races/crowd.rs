//! Everything at once on the same few people: whoever writes takes the locks in one order, so that nobody waits for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result, bail, ensure};
use cardea_gateway::keys::{self, KeyError, Whose};
use cardea_gateway::login::{LoginError, admission};
use cardea_gateway::members::{self, MemberError, Role};
use cardea_gateway::{App, GatewayError, people, session};
use cardea_model::{Caller, Person, Standing};
use cardea_simulate::people::REGISTRY_ADMINS;
use cardea_store::connection::Connection;
use cardea_testkit::world::DIRECTORY_TOKEN;
use cardea_testkit::{Answer, Browser, Engine, World, stories, tamper};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{asserted, begun, okta, wanted};

stories! {
    a_crowd_on_the_same_few_people_never_waits_for_ever,
}

const PEOPLE: usize = 3;
const TASKS: usize = 8;
const ROUNDS: usize = 40;

/// What the crowd knows of each other.
struct Crowd {
    app: App,
    okta: Connection,
    url: String,
    /// What the provider says of each, without a group.
    asserted: Vec<cardea_connect::Identity>,
    /// Whom the directory knows, by their ids there.
    records: Vec<String>,
    done: AtomicUsize,
}

async fn a_crowd_on_the_same_few_people_never_waits_for_ever(engine: Engine) -> Result<()> {
    let world = World::new(engine).await?;
    let app = world.node().app.clone();
    let okta = okta(&app).await?;
    let mut crowd = Crowd {
        url: world.node().url.clone(),
        asserted: (0..PEOPLE).map(|number| asserted(&world, number)).collect(),
        records: Vec::new(),
        done: AtomicUsize::new(0),
        app,
        okta,
    };
    for number in 0..PEOPLE {
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": format!("record{number}"), "externalId": format!("subject-{number}"), "active": true});
        let made = crowd.directory(Method::POST, "", &body).await?;
        crowd.records.push(made.json()["id"].as_str().context("an id")?.to_owned());
    }
    let crowd = Arc::new(crowd);
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let crowd = Arc::clone(&crowd);
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                crowd.turn(task + round, (task * 7 + round) % PEOPLE).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(result) = tasks.join_next().await {
        result??;
    }
    while cardea_store::job::count(&mut crowd.app.db.read().await?).await? > 0 {
        world.node().finish_jobs().await?;
    }
    assert_eq!(crowd.app.metrics.job_failures.get(), 0);
    assert!(crowd.done.load(Ordering::SeqCst) > ROUNDS, "next to nothing was done");
    assert_eq!(tamper::halves(&crowd.app.db).await?, Vec::<String>::new());
    Ok(())
}

impl Crowd {
    /// One thing that happens to one of them. A refusal is an answer; a statement that failed is none.
    async fn turn(&self, kind: usize, who: usize) -> Result<()> {
        match kind % 6 {
            0 => self.work(who, vec![REGISTRY_ADMINS.to_owned()]).await,
            1 => self.work(who, Vec::new()).await,
            2 => self.patch(who, false).await,
            3 => self.patch(who, true).await,
            4 => self.come_and_go(who).await,
            _ => self.quarrel(who).await,
        }
    }

    /// Signs in, makes a key and deletes it, and leaves everywhere.
    async fn work(&self, who: usize, groups: Vec<String>) -> Result<()> {
        let Some(person) = self.sign_in(who, groups).await? else { return Ok(()) };
        let (app, ctx) = (&self.app, self.app.ctx(Caller::Person(person.clone())));
        match keys::create(app, &ctx, wanted()).await {
            Ok(made) => {
                self.done.fetch_add(1, Ordering::SeqCst);
                if let Err(KeyError::Database(error)) = keys::delete(app, &ctx, &Whose::Own, made.key.id).await {
                    Err(error)?;
                }
            }
            Err(KeyError::Database(error)) => Err(error)?,
            Err(_) => {}
        }
        harmless(session::sign_out_everywhere(app, &ctx).await)
    }

    async fn sign_in(&self, who: usize, groups: Vec<String>) -> Result<Option<Person>> {
        let (app, ctx) = (&self.app, self.app.ctx(Caller::Nobody));
        let mut asserted = self.asserted.get(who).context("a person")?.clone();
        asserted.groups = cardea_connect::GroupClaims::Present(groups);
        let flow = begun(&ctx, self.okta.id);
        let opened = match admission::admit(app, &ctx, &self.okta, &flow, &asserted).await {
            Ok(opened) => opened,
            Err(LoginError::Database(error)) => return Err(error.into()),
            Err(_) => return Ok(None),
        };
        let caller = session::caller(app, &opened.secret, app.clock.now()).await?;
        Ok(if let Caller::Person(person) = caller { Some(person) } else { None })
    }

    /// The directory opens or shuts the door.
    async fn patch(&self, who: usize, active: bool) -> Result<()> {
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "active", "value": active}]});
        let record = self.records.get(who).context("a record")?;
        self.directory(Method::PATCH, &format!("/{record}"), &body).await?;
        self.done.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn directory(&self, method: Method, path: &str, body: &Value) -> Result<Answer> {
        let request = Browser::new(&self.url)?.request(method, &format!("/scim/v2/Users{path}"));
        let request = request.bearer_auth(DIRECTORY_TOKEN).header("content-type", "application/scim+json");
        let answer = Answer::read(request.body(body.to_string()).send().await?).await?;
        ensure!(answer.status < 300, "{} {}", answer.status, answer.body);
        Ok(answer)
    }

    /// They are given a role and lose it, are removed from org and account and added again, and leave by themselves.
    async fn come_and_go(&self, who: usize) -> Result<()> {
        let (app, account) = (&self.app, self.okta.account);
        let user = self.records.get(who).context("a record")?;
        let ctx = app.ctx(Caller::System("test"));
        let role = Role { team: None, service: "registry".to_owned(), role: "user".to_owned() };
        refused(members::give(app, &ctx, account, user, &role).await)?;
        refused(members::take(app, &ctx, account, user, &role).await)?;
        refused(members::remove(app, &ctx, account, user).await)?;
        refused(members::remove_from_account(app, &ctx, account, user).await)?;
        refused(members::add(app, &ctx, account, user).await)?;
        self.done.fetch_add(1, Ordering::SeqCst);
        let Some(person) = self.sign_in(who, Vec::new()).await? else { return Ok(()) };
        refused(members::leave(app, &app.ctx(Caller::Person(person))).await)?;
        refused(members::add(app, &ctx, account, user).await)
    }

    /// One who was an admin when the request came shuts the door on the next one and opens it again, and an operator does.
    async fn quarrel(&self, who: usize) -> Result<()> {
        let Some(speaker) = self.sign_in(who, Vec::new()).await? else { return Ok(()) };
        let (app, account) = (&self.app, speaker.account);
        let other = self.records.get((who + 1) % PEOPLE).context("a record")?;
        let admin = app.ctx(Caller::Person(Person { standing: Standing::UserAdmin, ..speaker }));
        for ctx in [admin, app.ctx(Caller::System("test"))] {
            harmless(people::deactivate(app, &ctx, account, other).await)?;
            harmless(people::reactivate(app, &ctx, account, other).await)?;
        }
        Ok(())
    }
}

/// Everything but a failed statement, which a refusal is not.
fn refused<T>(result: Result<T, MemberError>) -> Result<()> {
    match result {
        Err(error @ (MemberError::Database(_) | MemberError::Corrupt(_))) => bail!("{error:?}"),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn harmless<T>(result: Result<T, GatewayError>) -> Result<()> {
    match result {
        Err(error @ (GatewayError::Database(_) | GatewayError::Corrupt(_))) => bail!("{error:?}"),
        Ok(_) | Err(_) => Ok(()),
    }
}
