//! Whoever is given a role at the very moment when they leave has none, then and when they come back.

use anyhow::{Context as _, Result, ensure};
use cardea_gateway::members::{self, MemberError, Role};
use cardea_gateway::orgs::teams;
use cardea_gateway::pause::Point;
use cardea_gateway::{App, Ctx};
use cardea_model::rule::AccountRole;
use cardea_model::{Caller, Person, Standing};
use cardea_store::{account, grant, member};
use cardea_testkit::{Engine, races, stories};

use super::{Gate, newcomer, scene};

stories! {
    a_role_given_meanwhile_never_outlives_a_removal,
    a_naive_grant_outlives_a_removal,
    a_role_given_meanwhile_does_not_outlive_its_team,
    of_two_owners_who_leave_at_once_one_stays,
}

fn role() -> Role {
    Role { team: None, service: "registry".to_owned(), role: "user".to_owned() }
}

/// Somebody with a session whom the org has made an owner beside its first.
async fn owner(app: &App, number: usize) -> Result<Person> {
    let person = newcomer(app, number).await?;
    let mut tx = app.db.write().await?;
    ensure!(member::make_owner(&mut tx, person.member, "admin").await?);
    tx.commit().await?;
    Ok(Person { standing: Standing::Owner, account_role: AccountRole::Admin, ..person })
}

async fn remove(app: App, admin: Person, target: Person) -> Result<()> {
    let ctx = app.ctx(Caller::Person(admin));
    members::remove(&app, &ctx, target.account, &target.user.to_string()).await?;
    Ok(())
}

/// How many roles somebody has who was removed, and has when they are back.
async fn left_over(app: &App, admin: &Person, target: &Person) -> Result<usize> {
    let mut count = grant::of(&mut app.db.read().await?, target.member).await?.len();
    let ctx = app.ctx(Caller::Person(admin.clone()));
    let back = members::add(app, &ctx, target.account, &target.user.to_string()).await?;
    count += back.user.roles.len();
    Ok(count)
}

async fn a_role_given_meanwhile_never_outlives_a_removal(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Speaking);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let (giver, remover) = (owner(app, 0).await?, owner(app, 1).await?);
    let (mut left, mut refused) = (0, 0);
    for number in 2..races() + 2 {
        let target = newcomer(app, number).await?;
        let ctx = app.ctx(Caller::Person(giver.clone()));
        let user = target.user.to_string();
        let role = role();
        let giving = members::give(app, &ctx, target.account, &user, &role);
        let (given, removed) = gate.race(giving, remove(app.clone(), remover.clone(), target.clone())).await;
        removed?;
        match given {
            Ok(_) => {}
            Err(MemberError::LeftOrg) => refused += 1,
            Err(other) => return Err(other.into()),
        }
        left += left_over(app, &remover, &target).await?;
    }
    assert_eq!(left, 0);
    // And with the removal wholly in between, none is given.
    let target = newcomer(app, 1_000_000).await?;
    let ctx = app.ctx(Caller::Person(giver));
    let (user, role) = (target.user.to_string(), role());
    let giving = members::give(app, &ctx, target.account, &user, &role);
    let (given, removed) = gate.overtake(giving, remove(app.clone(), remover.clone(), target.clone())).await;
    removed?;
    assert!(matches!(given, Err(MemberError::LeftOrg)), "{given:?} after {refused}");
    assert_eq!(left_over(app, &remover, &target).await?, 0);
    Ok(())
}

/// The same race against a grant that looks before it writes, and locks nothing.
async fn a_naive_grant_outlives_a_removal(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Speaking);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let remover = owner(app, 0).await?;
    let mut left = 0;
    for number in 1..=20 {
        let target = newcomer(app, number).await?;
        let ctx = app.ctx(Caller::System("test"));
        let removing = remove(app.clone(), remover.clone(), target.clone());
        let (given, removed) = gate.overtake(naive(app, &ctx, &target), removing).await;
        given?;
        removed?;
        left += left_over(app, &remover, &target).await?;
    }
    assert!(left > 0, "the race does not race");
    Ok(())
}

async fn naive(app: &App, ctx: &Ctx, target: &Person) -> Result<()> {
    let row = member::find(&mut app.db.read().await?, target.member).await?.context("member")?;
    ensure!(row.left_org_at.is_none());
    app.pause.at(Point::Speaking).await;
    let mut tx = app.db.write().await?;
    let row = grant::Role { team_id: "", service: "registry", role: "user" };
    grant::add(&mut tx, target.member, row, "test", ctx.now).await?;
    tx.commit().await?;
    Ok(())
}

async fn a_role_given_meanwhile_does_not_outlive_its_team(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Speaking);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let (giver, target) = (owner(app, 0).await?, newcomer(app, 1).await?);
    let mut stayed = 0;
    for number in 0..races().min(100) {
        let name = format!("team-{number}");
        let ctx = app.ctx(Caller::Person(giver.clone()));
        let team = teams::create(app, &ctx, target.account, &name, "").await?;
        let (app_too, account, ending) = (app.clone(), target.account, name.clone());
        let end = async move {
            let ctx = app_too.ctx(Caller::System("test"));
            Ok(teams::end(&app_too, &ctx, account, &ending, None).await?)
        };
        let (user, role) = (target.user.to_string(), Role { team: Some(name), ..role() });
        let giving = members::give(app, &ctx, account, &user, &role);
        let (given, ended) = gate.race(giving, end).await;
        ended?;
        ensure!(matches!(given, Ok(_) | Err(MemberError::UnknownTeam(_))), "{given:?}");
        stayed += grant::members_of_team(&mut app.db.read().await?, team.id).await?.len();
    }
    assert_eq!(stayed, 0);
    Ok(())
}

/// Two owners must not each leave because the other one stays.
async fn of_two_owners_who_leave_at_once_one_stays(engine: Engine) -> Result<()> {
    let gate = Gate::at(Point::Speaking);
    let world = scene(engine, &gate).await?;
    let app = &world.node().app;
    let acme = account::named(&mut app.db.read().await?, "acme").await?.context("acme")?.id;
    let first = member::owners(&mut app.db.read().await?, acme).await?.into_iter().next().context("an owner")?;
    for number in 0..races().min(100) {
        let (one, other) = (owner(app, number).await?, owner(app, number).await?);
        // The account's own owner counts too, and never leaves: here there is none but the two.
        let mut tx = app.db.write().await?;
        cardea_store::leaving::leave_org(&mut tx, first.member, app.clock.now()).await?;
        tx.commit().await?;
        let ctx = app.ctx(Caller::Person(one.clone()));
        let (app_too, ctx_too) = (app.clone(), app.ctx(Caller::Person(other.clone())));
        let leaving = async move { Ok(members::leave(&app_too, &ctx_too).await.is_ok()) };
        let (left, too) = gate.race(members::leave(app, &ctx), leaving).await;
        assert!(!(left.is_ok() && too?), "both have left");
        assert_eq!(member::owners(&mut app.db.read().await?, acme).await?.len(), 1);
        // Whoever stayed makes room for the next two.
        let mut tx = app.db.write().await?;
        for person in [&one, &other] {
            cardea_store::leaving::leave_org(&mut tx, person.member, app.clock.now()).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
