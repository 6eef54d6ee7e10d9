//! The command line: what can be typed. Each command's doing is a file of [`cli`](self) or of its own.
//!
//! A command that is about an org (`--org`) asks the gateway that runs, as whoever signed in by `cardea login`. One that is
//! about an account (`--account`) or about the instance acts on the database itself, as the operator of this machine.
//!
//! Exit codes: 0 it is done; 1 it failed, and stderr says why; 2 it was typed wrongly.

mod answer;
mod app;
mod audit;
mod check;
mod doctor;
mod finding;
mod invite;
mod key;
mod login;
mod migrate;
mod org;
pub(crate) mod output;
mod owner;
mod people;
mod place;
mod progress;
mod registry;
mod remote;
mod role;
mod rule;
mod state;
mod team;
mod user;

use crate::config::{Config, Log};
use crate::environment::Environment;
use crate::{demo, lifecycle, telemetry};
use cardea_gateway::{App, Ctx};
use cardea_model::Caller;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use place::Of;
use std::path::PathBuf;
use std::process::ExitCode;

/// Lets the right people in through their identity provider, and takes all access away when it says so.
#[derive(Debug, Parser)]
#[command(name = "cardea", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Examples:
  cardea demo                          try it: everything simulated, nothing kept
  cardea serve --config cardea.toml    run the gateway
  cardea plan state.yaml               what would change
  cardea apply state.yaml              change it")]
pub(crate) struct Cli {
    /// The configuration [default: cardea.toml in the working directory, else the built-in defaults]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway
    ///
    /// Migrates the database first. Logs to stderr, as text on a terminal and as JSON otherwise. SIGTERM drains: it
    /// stops accepting requests and ends within 30 seconds.
    #[command(after_help = "Example:\n  cardea serve --config /etc/cardea/cardea.toml")]
    Serve,
    /// Run a throw-away instance with a simulated identity provider
    ///
    /// Everything happens on this machine and in a temporary folder, and goes away with Ctrl-C. It prints a tour.
    #[command(after_help = "Examples:\n  cardea demo\n  cardea demo --port 8800")]
    Demo(Demo),
    /// Bring the database to this version's schema
    #[command(after_help = "Example:\n  cardea migrate --config cardea.toml")]
    Migrate(Printed),
    /// Validate configuration, catalogue, keys and database, and say what to fix
    #[command(after_help = "Example:\n  cardea check --config cardea.toml --json")]
    Check(Printed),
    /// Make the instance what a file says it is
    ///
    /// One transaction per account; applying the same file again changes nothing.
    #[command(after_help = "Example:\n  cardea apply state.yaml")]
    Apply(Document),
    /// Show what `apply` would change
    #[command(after_help = "Example:\n  cardea plan state.yaml --json")]
    Plan(Document),
    /// Print the instance as a file for `apply`, without its secrets
    #[command(after_help = "Example:\n  cardea export > state.yaml")]
    Export(Printed),
    /// Operators of the instance
    #[command(subcommand)]
    Operator(Operator),
    /// Sign in to a running gateway, for the commands that ask it
    #[command(after_help = "Example:\n  cardea login --url https://id.acme.example --email ada@acme.example")]
    Login(login::Login),
    /// Sign out again
    #[command(after_help = "Example:\n  cardea logout")]
    Logout,
    /// The orgs that you are in
    #[command(subcommand)]
    Org(org::Org),
    /// Teams of an org
    #[command(subcommand)]
    Team(team::Team),
    /// People of an org
    #[command(subcommand)]
    User(user::User),
    /// Roles of people, by hand
    #[command(subcommand)]
    Role(role::Role),
    /// Invitations into an org
    #[command(subcommand)]
    Invite(invite::Invite),
    /// Owners of an org
    #[command(subcommand)]
    Owner(Owner),
    /// Membership rules of an org
    #[command(subcommand)]
    Rule(rule::Rule),
    /// API keys and the other secrets that Cardea issues
    #[command(subcommand)]
    Key(key::Key),
    /// Clients of your account for its scripts, which ask for tokens by client id and secret
    #[command(subcommand)]
    App(app::App),
    /// Container registries that trust the gateway's tokens
    #[command(subcommand)]
    Registry(Registry),
    /// The audit log
    #[command(subcommand)]
    Audit(Audit),
    /// Examine a running installation: database, feed, clocks, certificates, mail, connections
    #[command(after_help = "Example:\n  cardea doctor --json")]
    Doctor(Printed),
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  cardea completions bash > /etc/bash_completion.d/cardea")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// The demo.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Demo {
    /// The gateway's port [default: 8700 if it is free, else any]
    #[arg(long)]
    pub(crate) port: Option<u16>,
}

/// A command that prints data.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Printed {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A command that reads a declarative state.
#[derive(Debug, Args)]
pub(crate) struct Document {
    /// The state, in YAML
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// Owners of orgs and their accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum Owner {
    /// Print a one-time link with which somebody becomes the owner of an account, from the database of this machine
    #[command(after_help = "Example:\n  cardea owner invite --account acme --email ada@acme.example")]
    Invite {
        /// The account's name
        #[arg(long, value_name = "NAME")]
        account: String,
        /// Who may use the link
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        #[command(flatten)]
        printed: Printed,
    },
    #[command(flatten)]
    AtGateway(owner::Owners),
}

/// Operators of the instance.
#[derive(Debug, Subcommand)]
pub(crate) enum Operator {
    /// Print a new operator token; it is shown this once
    #[command(
        after_help = "Examples:\n  cardea operator create --name ci\n  cardea operator create --name ci --print-only    for `operators:` of a state file"
    )]
    Create {
        /// What the audit log calls the operator
        #[arg(long)]
        name: String,
        /// Make the token without storing it
        #[arg(long)]
        print_only: bool,
        #[command(flatten)]
        printed: Printed,
    },
}

/// One person, at the running gateway or in the database of this machine.
#[derive(Debug, Args)]
pub(crate) struct Member {
    /// Their e-mail address
    pub(crate) email: String,
    /// The account's name: this machine does it, on the database itself
    #[arg(long, value_name = "NAME", conflicts_with = "org")]
    pub(crate) account: Option<String>,
    #[command(flatten)]
    pub(crate) of: Of,
}

/// Container registries.
#[derive(Debug, Subcommand)]
pub(crate) enum Registry {
    /// Print the certificates by which a registry knows the gateway's tokens (`rootcertbundle`)
    ///
    /// The first one is the authority, which stays the same; the others are the keys that sign now or next, for registries
    /// whose tokens carry no certificate (`x5c: false`). It acts on the database of this machine.
    #[command(after_help = "Example:\n  cardea registry trust-bundle > /etc/docker/registry/cardea.pem")]
    TrustBundle(Printed),
}

/// The audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Prove that no sealed entry was changed or taken out; names what is not sealed yet
    #[command(after_help = "Example:\n  cardea audit verify")]
    Verify(Printed),
}

/// Does what was typed.
pub(crate) fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::Completions { shell } => {
            output::print(&String::from_utf8(completions(*shell))?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Key(key::Key::Inspect { key, printed }) => key::inspect(key, printed.json),
        Command::Operator(operator @ Operator::Create { print_only: true, .. }) => people::print_only(operator),
        Command::Demo(options) => to_the_end(demo::run(options.port)),
        Command::Check(printed) => {
            let environment = Environment::of_this_process();
            to_the_end(check::check(cli.config.as_deref(), &environment, printed.json))
        }
        Command::Serve => with(cli, async |config, _| lifecycle::serve(config).await),
        Command::Migrate(printed) => with(cli, async |config, _| migrate::migrate(config, printed.json).await),
        Command::Apply(document) => {
            with(cli, async |config, variables| state::apply(config, variables, document).await)
        }
        Command::Plan(document) => with(cli, async |config, variables| state::plan(config, variables, document).await),
        Command::Export(printed) => with(cli, async |config, _| state::export(config, printed.json).await),
        Command::Owner(Owner::Invite { account, email, printed }) => {
            with(cli, async |config, _| people::invite_owner(config, (account, email), printed.json).await)
        }
        Command::User(user::User::Deactivate(Member { email, account: Some(account), of })) => {
            with(cli, async |config, _| people::deactivate(config, (account, email), of.json()).await)
        }
        Command::User(user::User::Reactivate(Member { email, account: Some(account), of })) => {
            with(cli, async |config, _| people::reactivate(config, (account, email), of.json()).await)
        }
        Command::Operator(operator) => with(cli, async |config, _| people::operator(config, operator).await),
        Command::Owner(Owner::AtGateway(owner)) => ask(async |environment| owner::owner(environment, owner).await),
        Command::User(user) => ask(async |environment| user::user(environment, user).await),
        Command::Login(login) => ask(async |environment| login::login(environment, login).await),
        Command::Logout => ask(async |environment| login::logout(environment).await),
        Command::Org(org) => ask(async |environment| org::org(environment, org).await),
        Command::Team(team) => ask(async |environment| team::team(environment, team).await),
        Command::Role(role) => ask(async |environment| role::role(environment, role).await),
        Command::Invite(invite) => ask(async |environment| invite::invite(environment, invite).await),
        Command::Key(key) => ask(async |environment| key::key(environment, key).await),
        Command::App(app) => ask(async |environment| app::app(environment, app).await),
        Command::Rule(rule) => ask(async |environment| rule::rule(environment, rule).await),
        Command::Registry(Registry::TrustBundle(printed)) => {
            with(cli, async |config, _| registry::trust_bundle(config, printed.json).await)
        }
        Command::Audit(Audit::Verify(printed)) => {
            with(cli, async |config, _| audit::verify(config, printed.json).await)
        }
        Command::Doctor(printed) => with(cli, async |config, _| doctor::doctor(config, printed.json).await),
    }
}

/// A command that asks the gateway that runs, and needs no configuration.
fn ask(work: impl AsyncFnOnce(&Environment) -> anyhow::Result<ExitCode>) -> anyhow::Result<ExitCode> {
    let environment = Environment::of_this_process();
    to_the_end(work(&environment))
}

/// A command that needs the configuration. Only `serve` writes a log; the others say themselves what they did, and log
/// what went wrong.
fn with(
    cli: &Cli,
    work: impl AsyncFnOnce(&Config, &Environment) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let environment = Environment::of_this_process();
    let config = Config::load(cli.config.as_deref(), &environment)?;
    if matches!(cli.command, Command::Serve) {
        telemetry::start(&config.log)?;
    } else {
        telemetry::start(&Log { level: "warn".to_owned(), ..config.log.clone() })?;
    }
    to_the_end(work(&config, &environment))
}

fn to_the_end(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    // What still blocks a thread, such as the look-up of a name, must not hold the end up.
    runtime.shutdown_background();
    done
}

/// The context of a command: it acts for whoever may run it on this machine, and says so in the audit log.
fn ctx(app: &App) -> Ctx {
    app.ctx(Caller::System("command_line"))
}

/// The script that completes our commands in `shell`.
pub(crate) fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cardea", &mut script);
    script
}

#[cfg(test)]
mod tests;
