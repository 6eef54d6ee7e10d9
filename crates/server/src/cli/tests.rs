//! What can be typed: every command has an example that is understood.

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
        examples
            .extend(help.lines().filter_map(|line| {
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
    for words in [vec!["cardea", "sevre"], vec!["cardea", "apply"], vec!["cardea", "owner", "invite"], vec!["cardea"]] {
        assert_eq!(Cli::try_parse_from(&words).unwrap_err().exit_code(), 2, "{words:?}");
    }
}

#[test]
fn every_shell_gets_its_script() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        assert!(String::from_utf8(completions(shell)).unwrap().contains("deactivate"));
    }
}
