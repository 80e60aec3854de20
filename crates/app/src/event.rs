//! Events for other systems: announced by use cases, read by page or watched.
//!
//! Purpose: a use case says what happened by [`crate::Scope::announce`]; the commit of its scope
//! writes it into the organization's ordered outbox ([`store::event`] says why the order holds).
//! Readers go on after a cursor, by page ([`list`]) or by following ([`Watch`]).
//!
//! Invariants: an event is written in the transaction that causes it, with a fixed number of
//! statements however many there are. A cursor is a place in the organization's order, signed with
//! its secret: it survives everything but another database, and works with any filter. Reading
//! looks at a bounded number of events at a time.
//!
//! Deliberately absent: which events a change is (`domain::event`, `domain::renewal`), delivery to
//! addresses of others: they come and get them.

use std::collections::HashMap;

use domain::date::{self, Date};
use domain::event::{
    self as rules, CollectionFacts, DocumentFacts, Event, EventKind, InvestmentFacts, ItemFacts,
    PayoutFacts, RefundFacts, Subject, SubscriptionFacts,
};
use domain::id::{CustomerId, EventId, InvoiceId, PriceId, ProductId, Sequence, SubscriptionId};
use domain::invoice::{DocumentKind, Draft};
use domain::renewal;
use domain::subscription::{Subscription, Turn};
use store::invoice::Document;

use crate::Scope;
use crate::error::Error;

mod read;
mod watch;

pub use read::{Batch, Numbered, list};
pub use store::event::Filter;
pub use watch::{Begin, Watch, call, hear};

/// Something that happened, on its way into an event.
#[derive(Debug, Clone)]
pub struct News {
    kind: EventKind,
    effective_on: Date,
    customer_id: CustomerId,
    about: About,
}

#[derive(Debug, Clone)]
enum About {
    Subscription(Box<Subscription>),
    Document(DocumentFacts),
    Collection(Box<CollectionFacts>),
    Investment(InvestmentFacts),
    Payout(PayoutFacts),
    Refund(RefundFacts),
}

/// Something that happened to a subscription, which now stands as given.
#[must_use]
pub fn of_subscription(kind: EventKind, effective_on: Date, now: &Subscription) -> News {
    let about = About::Subscription(Box::new(now.clone()));
    News { kind, effective_on, customer_id: now.customer_id, about }
}

/// What happened to a subscription by itself, which now stands as given.
#[must_use]
pub fn of_turns(turns: &[(Date, Turn)], now: &Subscription) -> Vec<News> {
    turns.iter().map(|(on, turn)| of_subscription(rules::of_turn(*turn), *on, now)).collect()
}

/// What has happened to a new subscription already.
#[must_use]
pub fn of_birth(now: &Subscription) -> Vec<News> {
    let mut born = now.clone();
    born.turned_on = date::add_days(now.start_on.min(now.turned_on), -1);
    let turns = born.turn(now.turned_on);
    of_turns(&turns, now)
}

/// The subscriptions that went on into another period.
pub(crate) fn renewed(renewed: &[(SubscriptionId, Date)], now: &[Subscription]) -> Vec<News> {
    let renewed = renewed.iter().filter_map(|(id, day)| {
        let one = now.iter().find(|one| one.id == *id)?;
        Some(of_subscription(EventKind::SubscriptionRenewed, *day, one))
    });
    renewed.collect()
}

/// Documents that have their numbers now, in the order of these. What has nothing open is settled.
pub(crate) fn finalized(documents: &[&Draft], numbers: &[(InvoiceId, String)]) -> Vec<News> {
    let mut news = Vec::new();
    for (document, (_, number)) in documents.iter().zip(numbers) {
        let open = document.settlement.open;
        let facts = DocumentFacts {
            id: document.id,
            number: number.clone(),
            kind: document.kind,
            issue_on: document.issue_on,
            due_on: document.due_on,
            total: document.total,
            open,
        };
        let customer_id = document.customer_id;
        match document.kind {
            DocumentKind::CreditNote => {
                news.push(of_document(EventKind::CreditNoteFinalized, customer_id, facts));
            }
            DocumentKind::Invoice => {
                let settled = (open.minor() == 0)
                    .then(|| of_document(EventKind::InvoiceSettled, customer_id, facts.clone()));
                news.push(of_document(EventKind::InvoiceFinalized, customer_id, facts));
                news.extend(settled);
            }
        }
    }
    news
}

/// Invoices that credit notes have paid off on a day.
pub(crate) fn paid_off(invoices: Vec<Document>, on: Date) -> Vec<News> {
    let settled = invoices.into_iter().map(|now| of_invoice(EventKind::InvoiceSettled, on, now));
    settled.collect()
}

/// Something that happened to an invoice on a day, which now stands as given.
pub(crate) fn of_invoice(kind: EventKind, on: Date, now: Document) -> News {
    let customer_id = now.customer_id;
    News { effective_on: on, ..of_document(kind, customer_id, document_facts(now)) }
}

/// Something that is done about an invoice on a day.
pub(crate) fn of_collection(
    kind: EventKind,
    on: Date,
    customer_id: CustomerId,
    facts: CollectionFacts,
) -> News {
    News { kind, effective_on: on, customer_id, about: About::Collection(Box::new(facts)) }
}

/// Something that happened to an investment on a day.
pub(crate) fn of_investment(
    kind: EventKind,
    on: Date,
    investor: CustomerId,
    facts: InvestmentFacts,
) -> News {
    News { kind, effective_on: on, customer_id: investor, about: About::Investment(facts) }
}

/// Something that happened to what an investor is credited and paid, on a day.
pub(crate) fn of_payout(
    kind: EventKind,
    on: Date,
    investor: CustomerId,
    facts: PayoutFacts,
) -> News {
    News { kind, effective_on: on, customer_id: investor, about: About::Payout(facts) }
}

/// Money that went back to a customer on a day, or did not.
pub(crate) fn of_refund(
    kind: EventKind,
    on: Date,
    customer_id: CustomerId,
    facts: RefundFacts,
) -> News {
    News { kind, effective_on: on, customer_id, about: About::Refund(facts) }
}

/// A document, as others need to know it.
pub(crate) fn document_facts(now: Document) -> DocumentFacts {
    DocumentFacts {
        id: now.id,
        number: now.number,
        kind: now.kind,
        issue_on: now.issue_on,
        due_on: now.due_on,
        total: now.total,
        open: now.open,
    }
}

/// Something that happened to a document on the day of its issue.
fn of_document(kind: EventKind, customer_id: CustomerId, facts: DocumentFacts) -> News {
    News { kind, effective_on: facts.issue_on, customer_id, about: About::Document(facts) }
}

/// Writes what a scope has announced; says whether there was anything.
pub(crate) async fn write(scope: &mut Scope) -> Result<bool, Error> {
    let news = std::mem::take(&mut scope.news);
    if news.is_empty() {
        return Ok(false);
    }
    let products = products(scope, &news).await?;
    let ids = Sequence::new(scope.now);
    let occurred_at = scope.now;
    let events: Vec<Event> = news
        .into_iter()
        .map(|one| Event {
            id: EventId(ids.next()),
            kind: one.kind,
            occurred_at,
            effective_on: one.effective_on,
            customer_id: one.customer_id,
            subject: match one.about {
                About::Document(facts) => Subject::Document(facts),
                About::Collection(facts) => Subject::Collection(facts),
                About::Investment(facts) => Subject::Investment(facts),
                About::Payout(facts) => Subject::Payout(facts),
                About::Refund(facts) => Subject::Refund(facts),
                About::Subscription(now) => {
                    Subject::Subscription(facts_of(&now, one.effective_on, &products))
                }
            },
        })
        .collect();
    // The last statements before commit: see `store::event`.
    store::event::append(&mut scope.tx, &events).await?;
    Ok(true)
}

/// The products of everything that is announced, in one query.
async fn products(scope: &mut Scope, news: &[News]) -> Result<HashMap<PriceId, ProductId>, Error> {
    let subscriptions = news.iter().filter_map(|one| match &one.about {
        About::Subscription(now) => Some(now.as_ref()),
        _ => None,
    });
    products_of(scope, subscriptions).await
}

/// What the items of subscriptions deliver, in one query.
pub(crate) async fn products_of<'a>(
    scope: &mut Scope,
    subscriptions: impl IntoIterator<Item = &'a Subscription>,
) -> Result<HashMap<PriceId, ProductId>, Error> {
    let ids = crate::billing::price_ids(subscriptions);
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let prices = store::plan::prices(&mut scope.tx, &ids).await?;
    Ok(prices.into_iter().map(|price| (price.id, price.product_id)).collect())
}

/// What a subscription delivers on a day.
pub(crate) fn items_of(
    subscription: &Subscription,
    on: Date,
    products: &HashMap<PriceId, ProductId>,
) -> Vec<ItemFacts> {
    let in_force = subscription.items.iter().filter(|item| item.is_in_force(on));
    let delivered = in_force.filter_map(|item| {
        // A foreign key says that the price is there.
        let product_id = *products.get(&item.price_id)?;
        let component = item.component.clone();
        Some(ItemFacts { product_id, component, quantity: item.quantity })
    });
    delivered.collect()
}

fn facts_of(
    now: &Subscription,
    effective_on: Date,
    products: &HashMap<PriceId, ProductId>,
) -> SubscriptionFacts {
    SubscriptionFacts {
        id: now.id,
        plan_id: now.plan_id,
        version_id: now.version_id,
        state: now.state,
        currency: now.currency,
        items: items_of(now, effective_on, products),
        next_renewal_on: renewal::next_renewal_on(now, effective_on),
        ends_on: now.ends_on(),
    }
}
