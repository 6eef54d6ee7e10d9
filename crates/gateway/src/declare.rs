//! Declarative state: what applying a document would change, the change itself, and the document that says it all back.
//!
//! ```text
//! document ─► checks ─► canonical ─┐
//!                                  ├─► steps ─► plan: told
//! database ─► standing ────────────┘        └─► apply: performed, one transaction per account
//! ```
//! | file | what it is for |
//! |---|---|
//! | [`change`] | what differs, in words, and the step that makes it so |
//! | [`standing`] | the instance as it stands, and as a document |
//! | [`canonical`] | the one form of each thing, so that equal meanings are equal texts |
//! | [`compare`] | from the two to the steps; pure |
//! | [`people`] | who is here by hand, and who is asked to come |
//! | [`foreign`] | what only the database can object to: names, domains and secrets of others |
//! | [`perform`] | the steps, as writes |
//! | [`secrets`] | whether a given secret is the one that stands |
//! | [`served`] | sections that are kept and not served yet |
//!
//! Plan and apply run the same comparison. Apply looks at the whole document first and writes nothing while anything is
//! wrong with it; then each account is compared once more under its lock. A comparison without a step is rolled back, so
//! that a second apply leaves no trace at all.
//!
//! Whoever only looks takes the turn of those who apply and drops it: the many reads of a comparison are else from before
//! and after somebody's commit, and what stands half would look like a mistake.

mod canonical;
mod change;
mod compare;
mod foreign;
mod people;
mod perform;
mod secrets;
mod served;
mod standing;

use cardea_model::{Denied, Fault, Kind, Permission, Place};
use cardea_store::account;
use cardea_store::db::{Conn, DbError};
use cardea_store::operator;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::accounts::turn;
use crate::app::App;
use crate::context::Ctx;
use crate::feed;
use crate::password::PasswordError;
use crate::rules;
use crate::state::{Account, Problem, Secret, State, Thing, Version, check};

pub(crate) use canonical::stored_client;
pub(crate) use change::Asking;
use change::Outcome;
pub use change::{Action, Change, Field, Warning};
use compare::Comparison;
use foreign::Seen;
use secrets::Passwords;
use standing::{Instance, Standing};

/// How often an account is compared anew because something got in between.
const TRIES: usize = 3;

/// What applying a document would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The differences, in the order in which they would be made.
    pub changes: Vec<Change>,
    /// What the operator should know besides.
    pub warnings: Vec<Warning>,
}

/// What applying a document changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// The changes, in the order in which they were made; none if all was as the document says.
    pub changes: Vec<Change>,
    /// What the operator should know besides.
    pub warnings: Vec<Warning>,
}

/// Why a document was not planned, applied or exported.
#[derive(Debug, thiserror::Error)]
pub enum DeclareError {
    /// The caller is no operator.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The document cannot be; nothing of it was applied (422).
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<Problem>),
    /// No owner's password could be checked now (503).
    #[error("a password could not be checked")]
    Password(#[source] PasswordError),
    /// Others changed the same account again and again (409); accounts before it were applied.
    #[error("the account was changed by others at the same time; apply again")]
    Overtaken,
    /// A stored document cannot be read.
    #[error("a stored {0} cannot be read")]
    Corrupt(&'static str),
    /// The database did not do it; accounts before it were applied.
    #[error("the database did not answer")]
    Database(#[source] DbError),
}

impl From<DbError> for DeclareError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl Fault for DeclareError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Problems(_) => Kind::Unprocessable,
            Self::Password(error) => error.kind(),
            Self::Overtaken => Kind::Conflict,
            Self::Corrupt(_) => Kind::Internal,
            Self::Database(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Problems(_) => "invalid_state",
            Self::Password(error) => error.code(),
            Self::Overtaken => "overtaken",
            Self::Corrupt(_) => "internal",
            Self::Database(error) => error.code(),
        }
    }
}

/// What applying this document would change. Writes nothing.
///
/// # Errors
/// [`DeclareError`]; all problems of the document at once.
pub async fn plan(app: &App, ctx: &Ctx, state: &State) -> Result<Plan, DeclareError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let (outcome, _) = look(app, state).await?;
    let changes = outcome.steps.into_iter().map(|step| step.change).collect();
    Ok(Plan { changes, warnings: with_unserved(outcome.warnings, state) })
}

/// Makes the instance what this document says. Applying it again changes nothing.
///
/// # Errors
/// [`DeclareError`]. With [`DeclareError::Problems`] from the document itself nothing was applied; after any other,
/// whole accounts before the failing one may have been, and applying again goes on from there.
pub async fn apply(app: &App, ctx: &Ctx, state: &State) -> Result<Applied, DeclareError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let (_, passwords) = look(app, state).await?;
    let mut seen = Seen::default();
    let mut all = Outcome::default();
    for ((index, declared), password) in state.accounts.iter().enumerate().zip(passwords) {
        all.join(apply_account(app, ctx, (index, declared), password, &mut seen).await?);
    }
    all.join(apply_instance(app, ctx, state, &mut seen).await?);
    // What this node answers from memory is what was declared. Everything is committed: if it cannot be read, the feed
    // brings it later.
    let _later = feed::catch_up(app).await;
    let changes = all.steps.into_iter().map(|step| step.change).collect();
    Ok(Applied { changes, warnings: with_unserved(all.warnings, state) })
}

/// The whole instance as one document, canonical and without secrets.
///
/// # Errors
/// [`DeclareError`].
pub async fn export(app: &App, ctx: &Ctx) -> Result<State, DeclareError> {
    ctx.caller.may(Permission::Operate, &Place::Here)?;
    let mut tx = turn(app).await?;
    let instance = Instance::read(app, &mut tx).await?;
    let mut names: Vec<String> = account::all(&mut tx).await?.into_iter().map(|row| row.name).collect();
    drop(tx);
    // The engines sort text by rules of their own.
    names.sort();
    let mut accounts = Vec::with_capacity(names.len());
    for name in names {
        let mut tx = turn(app).await?;
        let standing = Standing::read(app, &mut tx, &name, None).await?;
        drop(tx);
        // There may be many of them: nobody waits for that.
        let users = match &standing.row {
            Some(row) => Some(people::export(app, &mut app.db.read().await?, row.id).await?),
            None => None,
        };
        accounts.push(Account { users, ..standing.declared()? });
    }
    Ok(State {
        version: Version,
        operators: instance.operators(),
        accounts,
        clients: Some(instance.services.declared()?),
    })
}

/// Everything that is wrong with the document, or everything that it would change, with the passwords compared.
async fn look(app: &App, state: &State) -> Result<(Outcome, Vec<Passwords>), DeclareError> {
    let mut problems = check::problems(state, &|service| roles(app, service));
    problems.extend(secrets::wrong_operator_tokens(state));
    problems.extend(secrets::wrong_passwords(state));
    if !problems.is_empty() {
        return Err(DeclareError::Problems(problems));
    }
    let (mut all, mut seen, mut passwords) = (Outcome::default(), Seen::default(), Vec::new());
    for (index, declared) in state.accounts.iter().enumerate() {
        let compared = Passwords::compare(app, declared).await?;
        let mut tx = turn(app).await?;
        let standing = Standing::read(app, &mut tx, &declared.name, Some(declared)).await?;
        all.join(compare_account(app, &mut tx, (index, declared), &standing, &compared, &mut seen).await?);
        passwords.push(compared);
    }
    let mut tx = turn(app).await?;
    let instance = Instance::read(app, &mut tx).await?;
    all.join(compare_instance(app, &mut tx, state, &instance, &mut seen).await?);
    if all.problems.is_empty() { Ok((all, passwords)) } else { Err(DeclareError::Problems(all.problems)) }
}

async fn apply_account(
    app: &App,
    ctx: &Ctx,
    (index, declared): (usize, &Account),
    mut passwords: Passwords,
    seen: &mut Seen,
) -> Result<Outcome, DeclareError> {
    let standing = account::named(&mut app.db.read().await?, &declared.name).await?;
    if let Some(row) = standing {
        rules::finish(app, row.id).await?;
    }
    for attempt in 1..=TRIES {
        match try_account(app, ctx, (index, declared), &passwords, seen).await {
            Ok(Some(outcome)) => return Ok(outcome),
            // Hashing takes longer than anybody else should wait for a transaction.
            Ok(None) => passwords = Passwords::compare(app, declared).await?,
            // Whoever changes a member locks them before the account, a document the other way round: one has to give way.
            Err(DeclareError::Database(DbError::Busy)) if attempt < TRIES => {}
            Err(error) => return Err(error),
        }
    }
    Err(DeclareError::Overtaken)
}

/// Nothing if a password has changed since they were compared.
async fn try_account(
    app: &App,
    ctx: &Ctx,
    (index, declared): (usize, &Account),
    passwords: &Passwords,
    seen: &mut Seen,
) -> Result<Option<Outcome>, DeclareError> {
    let mut tx = turn(app).await?;
    if let Some(row) = account::named(&mut tx, &declared.name).await? {
        account::lock(&mut tx, row.id).await?;
    }
    if !passwords.stand(&mut tx).await? {
        return Ok(None);
    }
    let standing = Standing::read(app, &mut tx, &declared.name, Some(declared)).await?;
    let mut trial = seen.clone();
    let outcome = compare_account(app, &mut tx, (index, declared), &standing, passwords, &mut trial).await?;
    if !outcome.problems.is_empty() {
        return Err(DeclareError::Problems(outcome.problems));
    }
    if !outcome.steps.is_empty() {
        perform::account(app, &mut tx, ctx, declared, standing, &outcome).await?;
        tx.commit().await?;
    }
    *seen = trial;
    Ok(Some(outcome))
}

async fn apply_instance(app: &App, ctx: &Ctx, state: &State, seen: &mut Seen) -> Result<Outcome, DeclareError> {
    let mut tx = turn(app).await?;
    let instance = Instance::read(app, &mut tx).await?;
    let outcome = compare_instance(app, &mut tx, state, &instance, seen).await?;
    if !outcome.problems.is_empty() {
        return Err(DeclareError::Problems(outcome.problems));
    }
    if !outcome.steps.is_empty() {
        perform::instance(app, &mut tx, ctx, &outcome).await?;
        tx.commit().await?;
    }
    Ok(outcome)
}

/// One account of the document against what stands; what it says and what it leaves alone are checked together.
async fn compare_account(
    app: &App,
    conn: &mut Conn,
    (index, declared): (usize, &Account),
    standing: &Standing,
    passwords: &Passwords,
    seen: &mut Seen,
) -> Result<Outcome, DeclareError> {
    let before = standing.declared()?;
    let after = canonical::merged(declared, &before);
    let mut problems = together(app, index, declared, &after, (standing, passwords));
    problems.extend(passwords.problems(index));
    problems.extend(foreign::of_kind(app, index, standing, &after));
    problems.extend(foreign::of_account(app, conn, (index, declared), standing, seen).await?);
    if !problems.is_empty() {
        return Ok(Outcome { problems, ..Outcome::default() });
    }
    let path = format!("accounts[{}]", declared.name);
    let mut comparison = Comparison::new(app, path);
    compare::account(&mut comparison, declared, (standing, &before), &after, passwords)?;
    Ok(comparison.outcome)
}

/// What is wrong with the account as it would then stand. A new account is checked for the secrets that it lacks, too.
fn together(
    app: &App,
    index: usize,
    declared: &Account,
    after: &Account,
    (standing, passwords): (&Standing, &Passwords),
) -> Vec<Problem> {
    let alone = State { version: Version, operators: Vec::new(), accounts: vec![after.clone()], clients: None };
    let mut problems = check::problems(&alone, &|service| roles(app, service));
    problems.extend(secrets::missing(&alone.withheld(), |thing, path| {
        let named = match thing {
            // The document may name another owner than the first one.
            Thing::Owner(_) => declared.owner.as_ref().map(|owner| owner.email.as_str()),
            Thing::User { email, .. } => Some(*email),
            Thing::Operator(_)
            | Thing::Connection(_)
            | Thing::DirectoryToken { .. }
            | Thing::Signal(_)
            | Thing::Client(_)
            | Thing::Webhook { .. } => None,
        };
        named.map_or_else(|| standing.has_secret(thing, path), |email| passwords.has(email))
    }));
    for problem in &mut problems {
        if let Some(rest) = problem.path.strip_prefix("accounts[0]") {
            problem.path = format!("accounts[{index}]{rest}");
        }
    }
    problems
}

async fn compare_instance(
    app: &App,
    conn: &mut Conn,
    state: &State,
    instance: &Instance,
    seen: &mut Seen,
) -> Result<Outcome, DeclareError> {
    let own = State {
        version: Version,
        operators: state.operators.clone(),
        accounts: Vec::new(),
        clients: state.clients.clone(),
    };
    let mut problems = secrets::missing(&own.withheld(), |thing, _| instance.has_secret(thing));
    problems.extend(foreign::of_clients(conn, "clients", state.clients.as_deref(), &instance.services, seen).await?);
    let mut comparison = Comparison::new(app, String::new());
    for (index, declared) in state.operators.iter().enumerate() {
        let Some(Secret::Given(token)) = &declared.token else { continue };
        let mut holder = None;
        for mac in app.peppers.macs(token.expose_secret()) {
            holder = holder.or(operator::of_token(conn, &mac.to_bytes()).await?);
        }
        match holder {
            Some(holder) if holder.name == declared.name => {}
            Some(holder) => problems.push(Problem {
                path: format!("operators[{index}].token"),
                what: format!("is the token of the operator `{}`", holder.name),
            }),
            None => comparison.operator(declared, instance.names.contains(&declared.name)),
        }
    }
    let list = state.clients.as_ref().map(|list| canonical::clients(list));
    compare::clients(&mut comparison, "clients", list.as_deref(), &instance.services)?;
    comparison.outcome.problems = problems;
    Ok(comparison.outcome)
}

fn roles(app: &App, service: &str) -> Option<Vec<String>> {
    let index = app.catalogue.service_named(service)?;
    Some(app.catalogue.service(index)?.roles.keys().map(ToString::to_string).collect())
}

fn with_unserved(mut warnings: Vec<Warning>, state: &State) -> Vec<Warning> {
    warnings.extend(served::not_yet(state));
    warnings
}

#[cfg(test)]
mod tests;
