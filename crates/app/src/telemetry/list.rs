//! The list of everything that is exported, with its meaning.
//!
//! Invariants: nothing is recorded that is not here.

#[allow(clippy::wildcard_imports)] // All of the names, as they are told.
use super::*;

/// Seconds of calls: from well below to well above what a caller waits for.
const CALL_SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Seconds of background work: up to its time limit of ten minutes.
const WORK_SECONDS: &[f64] =
    &[0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// Every metric of the program.
pub const METRICS: &[Metric] = &[
    Metric {
        name: GRPC_REQUESTS,
        kind: Kind::Counter,
        help: "Calls answered, by method and status code.",
        labels: &["method", "code"],
    },
    Metric {
        name: GRPC_REQUEST_DURATION,
        kind: Kind::Histogram(CALL_SECONDS),
        help: "How long calls took, from their arrival to the end of their answer.",
        labels: &["method"],
    },
    Metric {
        name: GRPC_IN_FLIGHT,
        kind: Kind::Gauge,
        help: "Calls under way in this process, by method.",
        labels: &["method"],
    },
    Metric {
        name: JOBS,
        kind: Kind::Gauge,
        help: "Jobs that wait (queued), are worked on (running) or were given up (dead).",
        labels: &["queue", "status"],
    },
    Metric {
        name: JOBS_OLDEST_DUE,
        kind: Kind::Gauge,
        help: "Since when the oldest waiting job of the queue is due; 0: none is.",
        labels: &["queue"],
    },
    Metric {
        name: JOBS_RUN,
        kind: Kind::Counter,
        help: "Attempts of this process that ended: done, retried, dead, handed_back, lost.",
        labels: &["queue", "result"],
    },
    Metric {
        name: JOB_DURATION,
        kind: Kind::Histogram(WORK_SECONDS),
        help: "How long attempts took, without their acknowledgement.",
        labels: &["queue"],
    },
    Metric {
        name: DB_POOL_CONNECTIONS,
        kind: Kind::Gauge,
        help: "Database connections of this process: open, and of these idle.",
        labels: &["state"],
    },
    Metric {
        name: DB_POOL_WAITING,
        kind: Kind::Gauge,
        help: "Callers of this process that wait for a database connection.",
        labels: &[],
    },
    Metric {
        name: BILLING_DUE_ACCOUNTS,
        kind: Kind::Gauge,
        help: "Billing accounts of live organizations with something to invoice today or earlier.",
        labels: &[],
    },
    Metric {
        name: BILLING_OLDEST_DUE,
        kind: Kind::Gauge,
        help: "Local midnight of the oldest due date of those accounts; 0: none is due.",
        labels: &[],
    },
    Metric {
        name: SET_ASIDE,
        kind: Kind::Gauge,
        help: "Records of live organizations that wait for a person to mend their cause.",
        labels: &["kind"],
    },
    Metric {
        name: INVOICES_ISSUED,
        kind: Kind::Counter,
        help: "Invoices that this process issued.",
        labels: &[],
    },
    Metric {
        name: BILLING_SET_ASIDE,
        kind: Kind::Counter,
        help: "Times that a billing run of this process set a customer aside.",
        labels: &[],
    },
    Metric {
        name: BILLING_LAST_SUCCESS,
        kind: Kind::Gauge,
        help: "When a billing run of this process last went through.",
        labels: &[],
    },
    Metric {
        name: BILLING_RUN_DURATION,
        kind: Kind::Histogram(WORK_SECONDS),
        help: "How long billing runs of one organization took.",
        labels: &[],
    },
    Metric {
        name: LEDGER_MISMATCHES,
        kind: Kind::Gauge,
        help: "Comparisons that did not hold in the last proofs of live organizations; 0 is right.",
        labels: &[],
    },
    Metric {
        name: LEDGER_VERIFIED,
        kind: Kind::Gauge,
        help: "Oldest last proof of live organizations' ledgers, or their beginning; 0: there is none.",
        labels: &[],
    },
    Metric {
        name: MRR,
        kind: Kind::Gauge,
        help: "Monthly worth of what is in force today in live organizations, in major units.",
        labels: &["currency"],
    },
    Metric {
        name: MRR_COMMITTED,
        kind: Kind::Gauge,
        help: "Monthly worth of what is known to be in force in the end, in major units.",
        labels: &["currency"],
    },
    Metric {
        name: MRR_AT_RISK,
        kind: Kind::Gauge,
        help: "The part of recoup_mrr of customers in arrears, in major units.",
        labels: &["currency"],
    },
    Metric {
        name: MRR_MOVEMENT_MONTH,
        kind: Kind::Gauge,
        help: "Movements since the month began, net per customer, signed, in major units.",
        labels: &["currency", "movement"],
    },
    Metric {
        name: CUSTOMERS,
        kind: Kind::Gauge,
        help: "Customers of live organizations: paying, else paused, else starting later.",
        labels: &["state"],
    },
    Metric {
        name: CHURNED_CUSTOMERS_LAST_MONTH,
        kind: Kind::Gauge,
        help: "Customers that were there as last month opened and gone as it closed, by kind.",
        labels: &["kind"],
    },
    Metric {
        name: RETRIES,
        kind: Kind::Gauge,
        help: "Invoices of live organizations that are being collected, by where they stand.",
        labels: &["state"],
    },
    Metric {
        name: RETRIES_DUE,
        kind: Kind::Gauge,
        help: "Those of which something is to be done now or was to be done before.",
        labels: &[],
    },
    Metric {
        name: RETRIES_OLDEST_DUE,
        kind: Kind::Gauge,
        help: "Since when the first of those is due; 0: none is.",
        labels: &[],
    },
    Metric {
        name: PAYMENT_ATTEMPTS,
        kind: Kind::Counter,
        help: "Attempts of live organizations that this process submitted or learnt more of.",
        labels: &["scheme", "outcome"],
    },
    Metric {
        name: PAYMENT_FAILURES,
        kind: Kind::Counter,
        help: "Attempts that this process learnt were declined or bounced, by the class of the code.",
        labels: &["class"],
    },
    Metric {
        name: PAYMENT_UNKNOWN_CODES,
        kind: Kind::Counter,
        help: "Those of them whose code is not in the table of reasons, or is unknown there.",
        labels: &[],
    },
    Metric {
        name: PAYMENT_RECOVERED,
        kind: Kind::Gauge,
        help: "Collected this month on invoices that had failed before, in major units.",
        labels: &["currency"],
    },
    Metric {
        name: PAYMENT_UNMATCHED,
        kind: Kind::Gauge,
        help: "Payments of live organizations of which something matches nothing.",
        labels: &[],
    },
    Metric {
        name: REFUNDS,
        kind: Kind::Gauge,
        help: "Refunds of live organizations that are not at their end; lost: nobody knows, and nobody is asked any more.",
        labels: &["state"],
    },
    Metric {
        name: REFUND_OUTCOMES,
        kind: Kind::Counter,
        help: "Answers about refunds of live organizations that this process took in.",
        labels: &["outcome"],
    },
    Metric {
        name: DRAFTS,
        kind: Kind::Gauge,
        help: "Documents of live organizations that wait as drafts for their day.",
        labels: &[],
    },
    Metric {
        name: INVESTOR_OWED,
        kind: Kind::Gauge,
        help: "What investors of live organizations may still be credited: principal and return, and what is accrued of both, in major units.",
        labels: &["currency", "kind"],
    },
    Metric {
        name: INVESTOR_PAYABLE,
        kind: Kind::Gauge,
        help: "What they were credited and not sent, with VAT, in major units.",
        labels: &["currency"],
    },
    Metric {
        name: INVESTOR_IN_TRANSIT,
        kind: Kind::Gauge,
        help: "Payouts that were sent and not answered, in major units.",
        labels: &["currency"],
    },
    Metric {
        name: INVESTOR_CREDITED,
        kind: Kind::Gauge,
        help: "What they were credited since the month began, without VAT, in major units.",
        labels: &["currency"],
    },
    Metric {
        name: INVESTOR_PAID,
        kind: Kind::Gauge,
        help: "Payouts that arrived since the month began, with VAT, in major units.",
        labels: &["currency"],
    },
    Metric {
        name: INVESTOR_MISMATCH,
        kind: Kind::Gauge,
        help: "By how much accounts 1530, 1600, 1610, 1620 and 4500 differ from investments, documents and payouts, in major units; 0 is right.",
        labels: &["currency"],
    },
    Metric {
        name: INVESTMENTS,
        kind: Kind::Gauge,
        help: "Investments in live organizations, by where they stand.",
        labels: &["state"],
    },
    Metric {
        name: PAYOUTS,
        kind: Kind::Gauge,
        help: "Payouts of live organizations that are not over, by where they stand.",
        labels: &["state"],
    },
    Metric {
        name: SHARE_MONTHS_LATE,
        kind: Kind::Gauge,
        help: "Months that should have been credited before today, of the organization that is latest.",
        labels: &[],
    },
    Metric {
        name: SHARES_HELD,
        kind: Kind::Gauge,
        help: "Investments in live organizations whose share of the last month is held, by the reason.",
        labels: &["reason"],
    },
    Metric {
        name: SNAPSHOT,
        kind: Kind::Gauge,
        help: "When the gauges that are read from the database were read, all at once.",
        labels: &[],
    },
];
