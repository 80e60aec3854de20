//! The `recoup` binary.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    recoup::command::run(recoup::config::Cli::parse())
}
