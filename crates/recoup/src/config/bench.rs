//! Flags of `bench`.

use clap::{Args, Subcommand};

/// What is measured, and how it is told.
#[derive(Debug, Clone, Args)]
pub struct BenchOptions {
    /// What to measure.
    #[command(subcommand)]
    pub benchmark: Benchmark,
    /// The figures as one JSON object instead of lines for people.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What is measured.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Benchmark {
    /// Invoices made per second by the billing run, and by plain set-based SQL beside it.
    Billing(BillingBenchOptions),
    /// How long it takes to credit investors their shares of a month, and with how many statements.
    Payouts(PayoutsBenchOptions),
    /// Attempts to collect per second, and the least that their database could take beside it.
    Retries(RetriesBenchOptions),
    /// Events of usage recorded per second, and totals added up from them.
    Usage(UsageBenchOptions),
}

/// How much is billed.
#[derive(Debug, Clone, Copy, Args)]
pub struct BillingBenchOptions {
    /// How many subscriptions, each of a customer of its own, due on the same day.
    #[arg(long, default_value_t = 10_000, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub subscriptions: u32,
    /// How many months are billed; the median of them counts.
    #[arg(long, default_value_t = 3, value_name = "N",
        value_parser = clap::value_parser!(u8).range(1..=11))]
    pub months: u8,
}

/// How much usage is recorded.
#[derive(Debug, Clone, Copy, Args)]
pub struct UsageBenchOptions {
    /// How many events.
    #[arg(long, default_value_t = 200_000, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1_000..=100_000_000))]
    pub events: u32,
    /// How many customers they are of.
    #[arg(long, default_value_t = 500, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub customers: u32,
    /// How many senders at once, each with a stream of its own.
    #[arg(long, default_value_t = 4, value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=64))]
    pub senders: u16,
}

/// How much is collected.
#[derive(Debug, Clone, Copy, Args)]
pub struct RetriesBenchOptions {
    /// How many attempts are due at once, each at an invoice of a customer of its own.
    #[arg(long, default_value_t = 10_000, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub due: u32,
}

/// How much is shared.
#[derive(Debug, Clone, Copy, Args)]
pub struct PayoutsBenchOptions {
    /// How many investments, each of an investor of its own, two in every feature.
    #[arg(long, default_value_t = 1_000, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub investments: u32,
    /// How many lines the month's invoices have, each of a customer of its own; at least twice the
    /// investments.
    #[arg(long, default_value_t = 100_000, value_name = "N",
        value_parser = clap::value_parser!(u32).range(2..=10_000_000))]
    pub lines: u32,
}
