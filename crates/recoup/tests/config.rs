//! Flags: what is taken, what is refused, what is shown.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers of tests; a failure is a failed test.

use clap::{CommandFactory as _, Parser as _};
use recoup::config::{Cli, Command, Direction, shown};
use secrecy::ExposeSecret as _;

fn parse(words: &[&str]) -> Result<Cli, String> {
    let words = std::iter::once("recoup").chain(words.iter().copied());
    Cli::try_parse_from(words).map_err(|error| error.to_string())
}

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn without_a_command_everything_runs_with_flags_before_or_after_it() {
    assert!(parse(&[]).unwrap().command.is_none());
    for words in [["--listen", "0.0.0.0:1", "serve"], ["serve", "--listen", "0.0.0.0:1"]] {
        let cli = parse(&words).unwrap();
        assert_eq!(cli.command.unwrap().name(), "serve");
        assert_eq!(cli.options.network.listen, "0.0.0.0:1".parse().unwrap());
    }
}

#[test]
fn numbers_out_of_range_and_bad_addresses_are_refused() {
    let table: [&[&str]; 8] = [
        &["--connections", "1"],
        &["--connections", "many"],
        &["--lease", "2"],
        &["--lease", "26"],
        &["--concurrency", "0"],
        &["--listen", "50051"],
        &["--log-format", "xml"],
        &["demo", "--customers", "0"],
    ];
    for words in table {
        let refused = parse(words).unwrap_err();
        assert!(refused.contains(words[words.len() - 2]), "{words:?}: {refused}");
    }
}

#[test]
fn a_live_organization_needs_a_name_and_a_clock_needs_a_sandbox() {
    assert!(parse(&["init"]).unwrap_err().contains("--legal-name"));
    assert!(parse(&["init", "--sandbox"]).is_ok());
    let words = ["init", "--legal-name", "A", "--clock-starts-on", "2025-01-01"];
    assert!(parse(&words).unwrap_err().contains("--sandbox"));
}

#[test]
fn tables_are_dropped_only_with_the_flag_that_says_so() {
    assert!(parse(&["migrate", "down"]).unwrap_err().contains("--yes-delete-everything"));
    let cli = parse(&["migrate", "down", "--yes-delete-everything"]).unwrap();
    let Some(Command::Migrate(options)) = cli.command else { panic!("not migrate") };
    assert!(matches!(options.direction, Some(Direction::Down { .. })));
}

#[test]
fn the_configuration_is_shown_without_the_password() {
    let cli =
        parse(&["--database-url", "postgres://ann:geheim@db/recoup", "--lease", "5"]).unwrap();
    let url = cli.options.database.database_url.as_ref().unwrap();
    assert!(url.expose_secret().contains("geheim"));
    assert!(!format!("{cli:?}").contains("geheim"));
    let shown = shown("all", &cli.options).unwrap();
    assert!(shown.contains(&("database", "postgres://ann:***@db:5432/recoup".to_owned())));
    assert!(shown.contains(&("lease", "5 s".to_owned())));
    assert!(!format!("{shown:?}").contains("geheim"));
}

#[test]
fn an_empty_address_means_the_embedded_database() {
    let cli = parse(&["--database-url", "", "--data", "/srv/recoup"]).unwrap();
    let shown = shown("serve", &cli.options).unwrap();
    let expected = ("database", "embedded PostgreSQL in /srv/recoup".to_owned());
    assert!(shown.contains(&expected), "{shown:?}");
}

/// The version and the width of the terminal are not what this is about.
fn help(words: &[&str]) -> String {
    let mut command = Cli::command().term_width(100);
    command.build();
    let found =
        words.iter().try_fold(&mut command, |command, word| command.find_subcommand_mut(word));
    found.unwrap().render_long_help().to_string()
}

#[test]
fn help_explains_the_program() {
    insta::assert_snapshot!("help", help(&[]));
}

#[test]
fn help_explains_the_commands() {
    let own = |name: &str| {
        let text = help(&[name]);
        // What all commands share stands in the program's own help.
        text.split("\nDatabase:").next().unwrap().trim().to_owned()
    };
    let commands = ["init", "migrate", "demo", "bench"].map(own).join("\n\n----\n\n");
    insta::assert_snapshot!("commands", commands);
}
