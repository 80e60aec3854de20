//! The gateways: those who move money for the vendor.
//!
//! Purpose: the port ([`Gateway`]) with its four questions, what is asked ([`Order`], [`Refund`]),
//! what is answered ([`Reply`]), and [`Gateways`], which chooses the adapter and limits the time of
//! every call.
//!
//! Invariants: an order carries its own key and was committed before it is submitted; the same key
//! twice is one effect. A call always has an answer and never an error: what did not come in time
//! is [`Answer::Unknown`], what surely never left is [`Answer::NotSent`]. No transaction is open
//! during a call. Time is an argument: the adapters know no clock. What pays ([`Secret`]) is in no
//! debug output.
//!
//! Deliberately absent: when to ask, what an answer means for the invoice (the attempts), adapters
//! that talk to a network.

mod manual;
mod sandbox;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::date::{self, Date};
use domain::id::{AttemptId, OrgId, PaymentId};
use domain::money::Money;
use domain::organization::OrgKind;
use domain::payment::{Answer, Scheme};
use futures::future::BoxFuture;

pub use self::manual::Manual;
pub use self::sandbox::{Sandbox, TEST_IBANS};

/// How long a call may take: longer than a payment service takes on a bad day (they promise answers
/// within some seconds and cut calls off themselves at 30), and well within the lease of a job, so
/// that nobody takes over an attempt whose call is still running.
pub const CALL_LIMIT: Duration = Duration::from_secs(30);

/// An answer to come.
pub type Call<'a> = BoxFuture<'a, Reply>;

/// Who moves money for the vendor.
///
/// An adapter keeps its errors to itself: it answers [`Answer::NotSent`] when the connection was
/// refused before anything left, and [`Answer::Unknown`] for everything that it cannot tell.
pub trait Gateway: Send + Sync + fmt::Debug {
    /// Asks to collect. The same key again is the same effect and the same reference.
    fn submit<'a>(&'a self, order: &'a Order) -> Call<'a>;

    /// Asks how an order stands. A key that the gateway never saw is [`Answer::NotSent`].
    fn query<'a>(&'a self, order: &'a Order) -> Call<'a>;

    /// Asks to withdraw an order: [`Answer::Cancelled`] when nothing was collected yet, and
    /// otherwise how it stands.
    fn cancel<'a>(&'a self, order: &'a Order) -> Call<'a>;

    /// Asks to pay back. The same key again is the same effect, so that asking again is also how a
    /// refund of which nothing was heard is looked up.
    fn refund<'a>(&'a self, refund: &'a Refund) -> Call<'a>;
}

/// An order to collect: what the attempt says, and the moment of the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The attempt: the key of the order.
    pub attempt: AttemptId,
    /// Which attempt at this invoice it is: 1, 2, ...
    pub number: u32,
    /// The vendor.
    pub org: OrgId,
    /// Whose clock the vendor follows: a sandbox's orders move no money.
    pub kind: OrgKind,
    /// The way in which the money moves.
    pub scheme: Scheme,
    /// How much.
    pub amount: Money,
    /// The number of the invoice.
    pub invoice: String,
    /// What the payer reads on the statement.
    pub description: String,
    /// What pays: a token of a card or the IBAN of an account; absent for a bank transfer.
    pub instrument: Option<Secret>,
    /// The mandate of a direct debit.
    pub mandate: Option<Mandate>,
    /// The day on which the bank is asked to take the money.
    pub collect_on: Date,
    /// When the attempt was committed, by the organization's clock: before it was submitted.
    pub submitted_at: DateTime<Utc>,
    /// When its withdrawal was asked for, if ever.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// The gateway's own reference, once it is known.
    pub reference: Option<String>,
    /// The moment of the question, by the organization's clock.
    pub now: DateTime<Utc>,
    /// The organization's zone.
    pub zone: Tz,
}

/// An order to pay back what was collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// The payment that goes out: the key of the refund.
    pub payment: PaymentId,
    /// How much, above zero.
    pub amount: Money,
    /// When it was committed, by the organization's clock: before it was submitted.
    pub submitted_at: DateTime<Utc>,
    /// The order that collected the money; its `now` is the moment of this question.
    pub order: Order,
}

/// What the payer agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mandate {
    /// Its reference, as the payer's bank shows it.
    pub reference: String,
    /// When it was signed.
    pub signed_on: Date,
}

/// What pays: never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What a gateway answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// How it stands.
    pub answer: Answer,
    /// The gateway's own reference, when it told one.
    pub reference: Option<String>,
    /// When asking again may tell more, if the gateway knows: the end of what is under way, or the
    /// day on which what is settled may still change.
    pub ask_again: Option<DateTime<Utc>>,
}

/// The adapters, and which of them serves an order. Cheap to clone.
///
/// | organization | direct debit | card | bank transfer |
/// |---|---|---|---|
/// | sandbox | [`Sandbox`] | [`Sandbox`] | [`Manual`] |
/// | live | [`Manual`] | [`Manual`] | [`Manual`] |
///
/// A live organization hands its orders over by itself (a file to the bank, the terminal of its
/// payment service) and reports how they ended with `ReportPaymentResult`: until then they stand
/// as accepted.
#[derive(Debug, Clone)]
pub struct Gateways {
    sandbox: Arc<dyn Gateway>,
    manual: Arc<dyn Gateway>,
    limit: Duration,
}

impl Order {
    /// The local day of the question.
    #[must_use]
    pub fn today(&self) -> Date {
        date::local(self.now, self.zone)
    }

    /// The local day on which it was submitted.
    #[must_use]
    pub fn submitted_on(&self) -> Date {
        date::local(self.submitted_at, self.zone)
    }
}

impl Secret {
    /// Takes a token or an IBAN.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: only for the call to the gateway.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Reply {
    /// An answer with nothing else.
    #[must_use]
    pub fn bare(answer: Answer) -> Self {
        Self { answer, reference: None, ask_again: None }
    }
}

impl Default for Gateways {
    fn default() -> Self {
        Self { sandbox: Arc::new(Sandbox), manual: Arc::new(Manual), limit: CALL_LIMIT }
    }
}

impl Gateways {
    /// One gateway for every order, for tests.
    #[must_use]
    pub fn only(gateway: Arc<dyn Gateway>) -> Self {
        Self { sandbox: Arc::clone(&gateway), manual: gateway, limit: CALL_LIMIT }
    }

    /// The same with another limit of time.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Submits an order.
    pub async fn submit(&self, order: &Order) -> Reply {
        self.limited(self.of(order).submit(order)).await
    }

    /// Asks how an order stands.
    pub async fn query(&self, order: &Order) -> Reply {
        self.limited(self.of(order).query(order)).await
    }

    /// Withdraws an order.
    pub async fn cancel(&self, order: &Order) -> Reply {
        self.limited(self.of(order).cancel(order)).await
    }

    /// Pays back what an order collected.
    pub async fn refund(&self, refund: &Refund) -> Reply {
        self.limited(self.of(&refund.order).refund(refund)).await
    }

    /// The adapter that serves an order.
    fn of(&self, order: &Order) -> &dyn Gateway {
        match (order.kind, order.scheme) {
            (OrgKind::Sandbox, Scheme::DirectDebit | Scheme::Card) => &*self.sandbox,
            (OrgKind::Sandbox, Scheme::BankTransfer) | (OrgKind::Live, _) => &*self.manual,
        }
    }

    /// The answer, or [`Answer::Unknown`] when it does not come in time: the effect may have been.
    async fn limited(&self, call: Call<'_>) -> Reply {
        let expired = |_| Reply::bare(Answer::Unknown);
        tokio::time::timeout(self.limit, call).await.unwrap_or_else(expired)
    }
}
