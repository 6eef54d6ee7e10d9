//! The command line: what can be typed. Each command's doing is a file of [`cli`](self) or of its own.
//!
//! Exit codes: 0 it is done; 1 it failed, and stderr says why; 2 it was typed wrongly.

mod audit;
mod check;
mod doctor;
mod finding;
mod key;
mod login;
mod migrate;
pub(crate) mod output;
mod people;
mod progress;
mod remote;
mod rule;
mod state;

use crate::config::{Config, Log};
use crate::environment::Environment;
use crate::{demo, lifecycle, telemetry};
use cardea_gateway::{App, Ctx};
use cardea_model::Caller;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
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
    /// Owners of accounts
    #[command(subcommand)]
    Owner(Owner),
    /// Operators of the instance
    #[command(subcommand)]
    Operator(Operator),
    /// People
    #[command(subcommand)]
    User(User),
    /// Sign in to a running gateway, for the commands that ask it
    #[command(after_help = "Example:\n  cardea login --url https://id.acme.example --email ada@acme.example")]
    Login(login::Login),
    /// Sign out again
    #[command(after_help = "Example:\n  cardea logout")]
    Logout,
    /// Membership rules of an org, at a running gateway
    #[command(subcommand)]
    Rule(rule::Rule),
    /// API keys and the other secrets that Cardea issues
    #[command(subcommand)]
    Key(key::Key),
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

/// Owners of accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum Owner {
    /// Print a one-time link with which somebody becomes the owner of an account
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

/// People.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// End all access of somebody, at once and on every node
    #[command(after_help = "Example:\n  cardea user deactivate ada@acme.example --account acme")]
    Deactivate(Member),
    /// Let somebody in again; keys and sessions that were ended stay ended
    #[command(after_help = "Example:\n  cardea user reactivate ada@acme.example --account acme")]
    Reactivate(Member),
}

/// One person in one account.
#[derive(Debug, Args)]
pub(crate) struct Member {
    /// Their e-mail address
    pub(crate) email: String,
    /// The account's name
    #[arg(long, value_name = "NAME")]
    pub(crate) account: String,
    #[command(flatten)]
    pub(crate) printed: Printed,
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
        Command::Owner(owner) => with(cli, async |config, _| people::owner(config, owner).await),
        Command::Operator(operator) => with(cli, async |config, _| people::operator(config, operator).await),
        Command::User(user) => with(cli, async |config, _| people::user(config, user).await),
        Command::Login(login) => to_the_end(login::login(&Environment::of_this_process(), login)),
        Command::Logout => to_the_end(login::logout(&Environment::of_this_process())),
        Command::Key(key) => to_the_end(key::key(&Environment::of_this_process(), key)),
        Command::Rule(rule) => to_the_end(rule::rule(&Environment::of_this_process(), rule)),
        Command::Audit(Audit::Verify(printed)) => {
            with(cli, async |config, _| audit::verify(config, printed.json).await)
        }
        Command::Doctor(printed) => with(cli, async |config, _| doctor::doctor(config, printed.json).await),
    }
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
mod tests {
    use super::*;
    use clap::Command as Definition;

    fn each(command: &Definition, visit: &mut impl FnMut(&Definition)) {
        visit(command);
        command.get_subcommands().filter(|sub| sub.get_name() != "help").for_each(|sub| each(sub, visit));
    }

    #[test]
    fn the_definitions_agree_with_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_carries_an_example() {
        let mut without = Vec::new();
        each(&Cli::command(), &mut |command| {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            if !command.has_subcommands() && !help.contains("  cardea ") {
                without.push(command.get_name().to_owned());
            }
        });
        assert_eq!(without, Vec::<String>::new());
    }

    #[test]
    fn every_example_is_understood() {
        let mut examples = Vec::new();
        each(&Cli::command(), &mut |command| {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            examples.extend(help.lines().filter_map(|line| {
                line.trim().find("cardea ").and_then(|at| line.trim().get(at..)).map(str::to_owned)
            }));
        });
        assert!(examples.len() > 15, "{examples:?}");
        for example in examples {
            let typed = example.split("    ").next().unwrap().split('>').next().unwrap();
            let words = typed.split_whitespace().filter(|word| *word != "|");
            Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{example}: {error}"));
        }
    }

    #[test]
    fn the_configuration_may_be_named_before_or_after_the_command() {
        for words in [["cardea", "--config", "x.toml", "serve"], ["cardea", "serve", "--config", "x.toml"]] {
            assert_eq!(Cli::try_parse_from(words).unwrap().config, Some(PathBuf::from("x.toml")));
        }
        let deep = Cli::try_parse_from([
            "cardea",
            "owner",
            "invite",
            "--account",
            "a",
            "--email",
            "o@a.test",
            "--config",
            "x.toml",
        ])
        .unwrap();
        assert_eq!(deep.config, Some(PathBuf::from("x.toml")));
    }

    #[test]
    fn what_is_typed_wrongly_ends_with_2() {
        for words in
            [vec!["cardea", "sevre"], vec!["cardea", "apply"], vec!["cardea", "owner", "invite"], vec!["cardea"]]
        {
            assert_eq!(Cli::try_parse_from(&words).unwrap_err().exit_code(), 2, "{words:?}");
        }
    }

    #[test]
    fn every_shell_gets_its_script() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            assert!(String::from_utf8(completions(shell)).unwrap().contains("deactivate"));
        }
    }
}
