//! What begins in the time to come: starts, ends of trials and renewals of all subscriptions.
//!
//! Purpose: other systems plan their stock and work ahead by it; when a day comes, an event says so.
//!
//! Invariants: the days are those of [`domain::renewal`], as things stand today. A page looks at a
//! bounded number of subscriptions, so it may be short although there are more.

use domain::date::{self, Date};
use domain::event::ItemFacts;
use domain::id::SubscriptionId;
use domain::renewal::{self as rules, Upcoming};
use domain::subscription::Subscription;
use store::subscription::Filter;
use uuid::Uuid;

use crate::Scope;
use crate::error::Error;
use crate::page::{self, Page, PageRequest};

/// How far ahead may be looked, in months.
pub const MOST_MONTHS: u32 = 24;
/// What page tokens are signed for.
const LIST: &str = "upcoming renewals";
/// Subscriptions that one query reads.
const BATCH: i64 = 500;
/// Queries of one page: where few are renewed, so many subscriptions are looked at.
const MOST_BATCHES: usize = 10;

/// Something that will begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// When, and what.
    pub upcoming: Upcoming,
    /// Whose, with its plan.
    pub subscription: Subscription,
    /// What is delivered then.
    pub items: Vec<ItemFacts>,
}

/// A place in the list: everything up to this day of this subscription was answered.
#[derive(Debug, Clone, Copy)]
struct Place {
    id: SubscriptionId,
    on: Date,
}

impl Place {
    /// All of a subscription was answered.
    fn behind(id: SubscriptionId) -> Self {
        Self { id, on: date::LATEST }
    }

    fn bytes(self) -> Vec<u8> {
        [self.id.0.as_bytes().as_slice(), self.on.to_string().as_bytes()].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (id, on) = bytes.split_at_checked(16)?;
        let on = std::str::from_utf8(on).ok()?.parse().ok()?;
        Some(Self { id: SubscriptionId(Uuid::from_slice(id).ok()?), on })
    }

    /// The id that lies right before, to read its subscription again.
    fn before(self) -> Option<SubscriptionId> {
        self.id.0.as_u128().checked_sub(1).map(|before| SubscriptionId(Uuid::from_u128(before)))
    }
}

/// What begins after today and before `until`, by subscription and then by day.
///
/// # Errors
/// [`Error::Invalid`] for a day that has come or lies more than [`MOST_MONTHS`] ahead, and for a
/// page token that is not of this list.
pub async fn list(
    scope: &mut Scope,
    filter: &Filter,
    until: Date,
    page: &PageRequest,
) -> Result<Page<Planned>, Error> {
    let today = scope.today();
    let latest = date::add_months(today, MOST_MONTHS);
    if until <= today || until > latest {
        let message =
            format!("{until} is not possible: expected a date after {today}, at most {latest}");
        return Err(Error::invalid("until", message));
    }
    let filters = format!("{filter:?} {until}");
    let secret = store::organization::page_secret(&mut scope.tx).await?;
    let mut place = match page.token() {
        "" => None,
        token => {
            let bytes = page::unseal(&secret, LIST, filters.as_bytes(), token)?;
            let place = bytes.and_then(|bytes| Place::read(&bytes));
            Some(place.ok_or_else(page::not_of_this_list)?)
        }
    };
    let limit = usize::try_from(page.limit()).unwrap_or(usize::MAX);
    let mut rows = Vec::new();
    let mut is_all = false;
    for _ in 0..MOST_BATCHES {
        let after = place.and_then(Place::before);
        let batch = store::subscription::list(&mut scope.tx, filter, after, BATCH).await?;
        if add(&mut rows, &batch, (today, until), &mut place, limit) {
            break;
        }
        is_all = i64::try_from(batch.len()).is_ok_and(|read| read < BATCH);
        if is_all {
            break;
        }
    }
    let next = match place.filter(|_| !is_all) {
        Some(place) => page::seal(&secret, LIST, filters.as_bytes(), &place.bytes())?,
        None => String::new(),
    };
    Ok(Page { rows: with_items(scope, rows).await?, next })
}

/// Adds what subscriptions will begin, and moves the place behind it; true when the page is full
/// and there is more.
fn add(
    rows: &mut Vec<(Upcoming, Subscription)>,
    batch: &[Subscription],
    (today, until): (Date, Date),
    place: &mut Option<Place>,
    limit: usize,
) -> bool {
    for subscription in batch {
        let answered = place.filter(|place| place.id == subscription.id).map(|place| place.on);
        let after = answered.map_or(today, |on| on.max(today));
        for upcoming in rules::upcoming(subscription, after, until) {
            if rows.len() == limit {
                return true;
            }
            rows.push((upcoming, subscription.clone()));
            *place = Some(Place { id: subscription.id, on: upcoming.on });
        }
        *place = Some(Place::behind(subscription.id));
    }
    false
}

async fn with_items(
    scope: &mut Scope,
    rows: Vec<(Upcoming, Subscription)>,
) -> Result<Vec<Planned>, Error> {
    let subscriptions = rows.iter().map(|(_, subscription)| subscription);
    let products = crate::event::products_of(scope, subscriptions).await?;
    let planned = rows.into_iter().map(|(upcoming, subscription)| {
        let mut then = subscription.clone();
        let _ = then.apply_changes(upcoming.on);
        let items = crate::event::items_of(&then, upcoming.on, &products);
        Planned { upcoming, subscription, items }
    });
    Ok(planned.collect())
}
