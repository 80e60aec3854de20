//! Recurring revenue: recorded with what changes it, and read as sums.
//!
//! Purpose: whoever writes a subscription records its segments in the same transaction; every figure
//! is then a question to the segments.
//!
//! Invariants: recording again changes nothing. What a month opens with is what the month before
//! closed with, because both are the same question. A subscription is recorded with its whole past
//! every time, so one that is recorded late has all its movements too, in the months they belong to.
//!
//! Deliberately absent: a sweep over subscriptions that were never recorded, because there are none:
//! the record came with the first release, and a subscription is recorded as it is made; when
//! segments begin and end, and what a movement is (`domain::mrr`); invoices, which change no segment.

use std::collections::{BTreeMap, HashMap};

use domain::date::{self, Date};
use domain::id::{CustomerId, PriceId};
use domain::money::{Currency, Money};
use domain::mrr::movement::{Movement, Totals, rate};
use domain::mrr::{ChurnKind, of_subscription};
use domain::plan::Price;
use domain::subscription::Subscription;
use rust_decimal::Decimal;
use store::mrr::Between;

use crate::Scope;
use crate::error::Error;
use crate::page::{Page, PageRequest};

pub use store::mrr::Worth;

/// Records what these subscriptions are worth, as they are now. Hold them.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn record(scope: &mut Scope, subscriptions: &[Subscription]) -> Result<(), Error> {
    let ids = crate::billing::price_ids(subscriptions);
    let prices = store::plan::prices(&mut scope.tx, &ids).await?;
    let prices: HashMap<PriceId, Price> = prices.into_iter().map(|one| (one.id, one)).collect();
    let discounts = crate::billing::discounts(scope, subscriptions, date::LATEST).await?;
    let segments = |one: &Subscription| {
        // What is too much for an amount cannot be billed either: its customer will be set aside.
        let found = of_subscription(one, &prices, &discounts).unwrap_or_else(|refused| {
            tracing::warn!(subscription = %one.id, %refused, "counts for no recurring revenue");
            Vec::new()
        });
        (one.id, found)
    };
    let all: Vec<_> = subscriptions.iter().map(segments).collect();
    Ok(store::mrr::replace(&mut scope.tx, &all).await?)
}

/// A calendar month, or as much of it as has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    /// Its first day.
    pub first: Date,
    /// The last day of the month before.
    pub opening: Date,
    /// Its last day, or today in the running month.
    pub closing: Date,
}

impl Month {
    /// The month that a day lies in, as far as `today`.
    #[must_use]
    pub fn of(day: Date, today: Date) -> Self {
        let first = date::first_of_month(day);
        let last = date::add_days(date::first_of_next_month(day), -1);
        Self { first, opening: date::add_days(first, -1), closing: last.min(today) }
    }

    /// The month that was asked for, by any of its days; the running one when absent.
    fn asked(scope: &Scope, day: Option<Date>) -> Result<Self, Error> {
        let today = scope.today();
        let month = Self::of(day.unwrap_or(today), today);
        if month.closing < month.first {
            let first = month.first;
            let message = format!("{first} is in the future: expected a day up to {today}");
            return Err(Error::invalid("month", message));
        }
        Ok(month)
    }

    fn between(self) -> Between {
        Between { opening: self.opening, closing: self.closing }
    }
}

/// What everything is worth on a day, by currency; today when absent.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn worth(scope: &mut Scope, on: Option<Date>) -> Result<(Date, Vec<Worth>), Error> {
    let on = on.unwrap_or_else(|| scope.today());
    Ok((on, store::mrr::worth(&mut scope.tx, on).await?))
}

/// How a customer moved in a month, in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Who.
    pub customer_id: CustomerId,
    /// What counted at the opening.
    pub opening: Money,
    /// What counts at the closing.
    pub closing: Money,
    /// What leads from one to the other.
    pub movements: Vec<Movement>,
}

/// The movements of a month, by customer and currency; of customers of whom nothing moved, none. A
/// page holds so many customers.
///
/// # Errors
/// [`Error::Invalid`] for a month in the future, or a page token that is not of this list.
pub async fn movements(
    scope: &mut Scope,
    day: Option<Date>,
    only: Option<CustomerId>,
    page: &PageRequest,
) -> Result<(Month, Page<Vec<Moved>>), Error> {
    let month = Month::asked(scope, day)?;
    let filters = format!("{} {only:?}", month.first);
    let after = page.after(scope, "movements", filters.as_bytes()).await?.map(CustomerId);
    let limit = page.limit() + 1;
    let changes = store::mrr::changes(&mut scope.tx, month.between(), only, after, limit).await?;
    let mut rows: Vec<Vec<Moved>> = Vec::new();
    for store::mrr::CustomerChange { customer_id, change } in changes {
        let movements = change.movements()?;
        let moved =
            Moved { customer_id, opening: change.opening, closing: change.closing, movements };
        match rows.last_mut().filter(|of| of.iter().any(|one| one.customer_id == customer_id)) {
            Some(of_customer) => of_customer.push(moved),
            None => rows.push(vec![moved]),
        }
    }
    let id = |of: &Vec<Moved>| of.first().map(|one| one.customer_id.0).unwrap_or_default();
    Ok((month, page.finish(scope, "movements", filters.as_bytes(), rows, id).await?))
}

/// What a month lost, and moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Churn {
    /// Which month.
    pub month: Month,
    /// Customers at the opening: with something that counted, or paused.
    pub opening_customers: i64,
    /// Of these, who had nothing at the closing, by kind; every kind occurs.
    pub lost: Vec<(ChurnKind, i64)>,
    /// Lost of opening customers; no value when there were none.
    pub rate: Option<Decimal>,
    /// The movements, by currency.
    pub totals: Vec<Totals>,
}

/// What a month lost, and moved.
///
/// # Errors
/// [`Error::Invalid`] for a month in the future.
pub async fn churn(scope: &mut Scope, day: Option<Date>) -> Result<Churn, Error> {
    let month = Month::asked(scope, day)?;
    let before = store::mrr::standing(&mut scope.tx, month.opening).await?;
    let opening_customers = before.paying + before.paused;
    let lost = lost(scope, month).await?;
    let gone: i64 = lost.iter().map(|(_, customers)| customers).sum();
    let rate = rate(gone.into(), opening_customers.into());
    let totals = totals(&mut scope.tx, month).await?.into_values().collect();
    Ok(Churn { month, opening_customers, lost, rate, totals })
}

async fn lost(scope: &mut Scope, month: Month) -> Result<Vec<(ChurnKind, i64)>, Error> {
    let gone = store::mrr::gone(&mut scope.tx, month.opening, month.closing).await?;
    let of = |kind: ChurnKind| gone.iter().filter(move |one| one.kind == kind);
    let each = |kind: &ChurnKind| (*kind, of(*kind).map(|one| one.customers).sum());
    Ok(ChurnKind::ALL.iter().map(each).collect())
}

/// The movements of a month by currency. Opening and closing are asked for without them.
pub(crate) async fn totals(
    tx: &mut store::Tx,
    month: Month,
) -> Result<BTreeMap<Currency, Totals>, Error> {
    let mut totals: BTreeMap<Currency, Totals> = BTreeMap::new();
    let begin = |currency| Totals::begin(Money::zero(currency), Money::zero(currency));
    for worth in store::mrr::worth(tx, month.opening).await? {
        let currency = worth.mrr.currency();
        totals.entry(currency).or_insert_with(|| begin(currency)).opening = worth.mrr;
    }
    for worth in store::mrr::worth(tx, month.closing).await? {
        let currency = worth.mrr.currency();
        totals.entry(currency).or_insert_with(|| begin(currency)).closing = worth.mrr;
    }
    for sum in store::mrr::change_sums(tx, month.between()).await? {
        let currency = sum.change.opening.currency();
        let of_currency = totals.entry(currency).or_insert_with(|| begin(currency));
        for movement in sum.change.movements()? {
            of_currency.add(&movement)?;
        }
    }
    Ok(totals)
}
