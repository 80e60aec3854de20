//! From a command to what runs.
//!
//! Purpose: the log, the configuration shown, the signals, and then the command, on a runtime of
//! its own.
//!
//! Invariants: whatever happens, an embedded database is stopped before the process ends. Exit
//! code 0: done, or stopped as asked; 1: failed, and standard error says why.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use app::clock::WallClock;
use tokio_util::sync::CancellationToken;

use crate::config::{self, Cli, Command, Direction, Options};
use crate::database::Database;
use crate::service::{Parts, Service, Settings};
use crate::{Error, bench, demo, init, migrate, output, stop, telemetry};

/// How long tasks that are left over may hold up the end of the process.
const LEFTOVERS: Duration = Duration::from_secs(5);

/// What `demo` logs unless told otherwise: its progress is to stay readable.
const DEMO_LOG: &str = "warn,recoup::command=info";
/// What `bench` logs unless told otherwise: the database of the flags is not the one it uses.
const BENCH_LOG: &str = "warn";

/// Runs what the flags say, to its end.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let command = cli.command.unwrap_or(Command::All);
    let done = start(&command, &cli.options);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::tell(&format!("recoup: {}", error.chain()));
            ExitCode::FAILURE
        }
    }
}

fn start(command: &Command, options: &Options) -> Result<(), Error> {
    let quiet = match command {
        Command::Demo(_) => Some(DEMO_LOG),
        Command::Bench(_) => Some(BENCH_LOG),
        _ => None,
    };
    telemetry::start(&options.log, quiet)?;
    let settings = config::shown(command.name(), options)?;
    let settings: Vec<String> =
        settings.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    tracing::info!("recoup {}: {}", env!("CARGO_PKG_VERSION"), settings.join(", "));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Error::System { doing: "start the runtime", source })?;
    let done = runtime.block_on(execute(command, options));
    runtime.shutdown_timeout(LEFTOVERS);
    done
}

async fn execute(command: &Command, options: &Options) -> Result<(), Error> {
    let stop = stop::on_signals()?;
    match command {
        Command::Serve => serve(options, Parts::Serve, &stop).await,
        Command::Work => serve(options, Parts::Work, &stop).await,
        Command::All => serve(options, Parts::All, &stop).await,
        Command::Demo(size) => demo::run(options, size, &stop).await,
        Command::Bench(options_of) => bench::run(options, options_of, &stop).await,
        Command::Init(first) => {
            let database = Database::open(&options.database).await?;
            let done = unless(&stop, init::run(&database, first)).await;
            database.close().await;
            done
        }
        Command::Migrate(options_of) => {
            let direction = options_of.direction.unwrap_or(Direction::Up);
            let database = Database::open(&options.database).await?;
            let done = unless(&stop, migrate::run(&database, direction)).await;
            database.close().await;
            done
        }
    }
}

/// Serves until it is stopped; a stop during the start is obeyed at its end.
async fn serve(options: &Options, parts: Parts, stop: &CancellationToken) -> Result<(), Error> {
    let settings = Settings::of(options, parts);
    let service = Service::launch(settings, &options.database, Arc::new(WallClock)).await?;
    let address = |address: Option<SocketAddr>| {
        address.map_or_else(|| "nowhere".to_owned(), |address| address.to_string())
    };
    let (grpc, metrics) = (address(service.grpc()), address(service.metrics()));
    if service.store().health().is_up() {
        tracing::info!(grpc, metrics, "ready");
    } else {
        tracing::warn!(grpc, metrics, "listening, while the database is away");
    }
    service.until(stop).await
}

/// The work, unless the stop comes first.
async fn unless<T>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    stop.run_until_cancelled(work).await.unwrap_or(Err(Error::Stopped))
}
