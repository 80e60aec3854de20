//! Keeps a private cluster running until its input ends: `keep [--durable] [--fetched]
//! [--offline] FOLDER`.
//!
//! For developers (run the tests against one server, look into a data folder) and for this crate's
//! own tests, which kill it. It prints the url of the database `postgres` as its first line, stops
//! the server at the end of its input, and fails if the server ends before that.
//! Deliberately absent: everything else.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use cluster::{Cluster, Durability, Error, Fetch, Options, Programs};

/// Enough for a test run.
const MAX_CONNECTIONS: u32 = 100;

fn main() -> ExitCode {
    let (flags, folders): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let [folder] = folders.as_slice() else {
        tell("usage: keep [--durable] [--fetched] [--offline] FOLDER");
        return ExitCode::from(2);
    };
    match start(folder.into(), &flags) {
        Ok(cluster) => keep(cluster),
        Err(error) => {
            tell(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn start(data: PathBuf, flags: &[String]) -> Result<Cluster, Error> {
    let given = |flag: &str| flags.iter().any(|word| word == flag);
    let fetch = if given("--offline") { Fetch::Offline } else { Fetch::Allowed };
    let find = if given("--fetched") { Programs::fetched } else { Programs::find };
    let programs = find(&data, fetch, &tell)?;
    let durability = if given("--durable") { Durability::Durable } else { Durability::Throwaway };
    Cluster::start(Options { data, durability, programs, max_connections: MAX_CONNECTIONS })
}

fn keep(cluster: Cluster) -> ExitCode {
    let shown = writeln!(std::io::stdout(), "{}", cluster.url("postgres"));
    let watch = cluster.watch();
    std::thread::spawn(move || {
        let exit = watch.wait();
        if !exit.asked {
            tell(&exit.to_string());
            std::process::exit(1);
        }
    });
    let mut rest = Vec::new();
    let ended = std::io::stdin().read_to_end(&mut rest);
    cluster.stop();
    if shown.is_ok() && ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A line for the operator; where it cannot be shown, nobody is there to read it.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
