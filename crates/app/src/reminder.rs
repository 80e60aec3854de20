//! What is told about money that does not come.
//!
//! Purpose: steps of a policy that speak to the customer become events with the text to send
//! ([`tell`]); attempts that failed ([`failed`]) and invoices that are overdue from now on
//! ([`overdue`]) become events for other systems.
//!
//! Invariants: told in the transaction that causes it, so once; with a fixed number of statements
//! for any number of invoices. A text that asks for money names a reference by which the customer
//! can pay the invoice, the same one until another amount is open. Of what pays nothing but the
//! scheme is read here, so no account or token can get into a text.
//!
//! Deliberately absent: the words ([`domain::reminder`]); sending them: who does follows the events.

use std::collections::HashMap;

use domain::customer::Customer;
use domain::date::{self, Date};
use domain::dunning::{Action, Degree, Moment};
use domain::event::{CollectionFacts, EventKind, OneOffFacts, of_letter};
use domain::failure;
use domain::id::{CustomerId, InvoiceId};
use domain::money::Money;
use domain::payment::Scheme;
use domain::payment::attempt::{Attempt, Effect};
use domain::payment::reference::Reference;
use domain::reminder::{Consequence, Facts, Letter, Message, collection_costs, message};
use store::collection::{Collected, Which};
use store::invoice::Document;
use store::payment::NewOneOff;

use crate::Scope;
use crate::collection::{Desk, Step, Taken};
use crate::error::Error;
use crate::event::{self, News};

/// The country whose consumers get fourteen days before collection costs.
const NETHERLANDS: &str = "NL";

/// Tells customers what steps of policies say to them. Hold their billing accounts.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn tell(scope: &mut Scope, steps: &[Step]) -> Result<(), Error> {
    let letters: Vec<(&Step, Letter)> =
        steps.iter().filter_map(|step| Some((step, Letter::of(step.action)?))).collect();
    if letters.is_empty() {
        return Ok(());
    }
    let invoices = distinct(letters.iter().map(|(step, _)| step.invoice_id));
    let found = Found::load(scope, &invoices).await?;
    let desk = Desk::load(scope, &found.in_order()).await?;
    let customers = distinct(letters.iter().map(|(step, _)| step.customer_id));
    let customers = store::customer::get_many(&mut scope.tx, &customers).await?;
    let customers: HashMap<CustomerId, Customer> =
        customers.into_iter().map(|one| (one.id, one)).collect();
    let payable = letters.iter().filter(|(_, letter)| letter.asks_for_money());
    let payable = distinct(payable.map(|(step, _)| step.invoice_id));
    let one_offs = one_offs(scope, &found, &payable).await?;
    let today = scope.today();
    let mut news = Vec::with_capacity(letters.len());
    for (step, letter) in letters {
        let (Some((document, about)), Some(customer)) =
            (found.get(step.invoice_id), customers.get(&step.customer_id))
        else {
            continue;
        };
        let one_off = one_offs.get(&step.invoice_id).filter(|_| letter.asks_for_money());
        let text = text(scope, &desk, letter, (document, about, customer), one_off);
        let facts = CollectionFacts {
            step: Some(step.action),
            one_off: one_off.cloned(),
            message: Some(text),
            ..facts(scope, document, about)
        };
        news.push(event::of_collection(of_letter(letter), today, step.customer_id, facts));
    }
    scope.announce(news);
    Ok(())
}

/// Tells which attempts failed.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn failed(scope: &mut Scope, taken: &Taken) -> Result<(), Error> {
    let today = scope.today();
    let failures: Vec<(&Attempt, &str, Date)> = taken
        .each()
        .filter_map(|(attempt, effect)| match effect {
            Effect::Failed { code, .. } => Some((attempt, code.as_str(), today)),
            Effect::Bounced { code, on, .. } => Some((attempt, code.as_str(), *on)),
            _ => None,
        })
        .collect();
    if failures.is_empty() {
        return Ok(());
    }
    let invoices = distinct(failures.iter().map(|(attempt, ..)| attempt.invoice_id));
    let found = Found::load(scope, &invoices).await?;
    let mut news: Vec<News> = Vec::with_capacity(failures.len());
    for (attempt, code, on) in failures {
        let Some((document, about)) = found.get(attempt.invoice_id) else { continue };
        let facts = CollectionFacts {
            scheme: Some(attempt.scheme),
            class: Some(failure::reason(attempt.scheme, code).class),
            raw_code: Some(code.to_owned()),
            attempt: attempt.number,
            ..facts(scope, document, about)
        };
        news.push(event::of_collection(EventKind::PaymentFailed, on, attempt.customer_id, facts));
    }
    scope.announce(news);
    Ok(())
}

/// Tells which invoices are overdue and were not told to be, from their day zero on.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn overdue(
    scope: &mut Scope,
    desk: &Desk,
    failing: &[Collected],
) -> Result<(), Error> {
    let today = scope.today();
    let is_overdue = |one: &Collected| {
        let case = desk.case(one);
        case.is_some_and(|case| desk.policy(one).degree_on(&case, today) > Degree::Clear)
    };
    let new: Vec<InvoiceId> = failing
        .iter()
        .filter(|one| one.open.minor() > 0 && one.overdue_told != one.collection.day_zero)
        .filter(|one| is_overdue(one))
        .map(|one| one.collection.invoice_id)
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    let found = Found::load(scope, &new).await?;
    let mut news = Vec::with_capacity(new.len());
    for id in &new {
        let Some((document, about)) = found.get(*id) else { continue };
        let on = about.collection.day_zero.unwrap_or(today);
        let facts = facts(scope, document, about);
        news.push(event::of_collection(EventKind::InvoiceOverdue, on, document.customer_id, facts));
    }
    scope.announce(news);
    Ok(store::collection::save_overdue_told(&mut scope.tx, &new).await?)
}

fn distinct<T: Ord>(ids: impl Iterator<Item = T>) -> Vec<T> {
    let mut ids: Vec<T> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Invoices with their collections.
struct Found {
    documents: HashMap<InvoiceId, Document>,
    collections: HashMap<InvoiceId, Collected>,
}

impl Found {
    async fn load(scope: &mut Scope, invoices: &[InvoiceId]) -> Result<Self, Error> {
        let documents = store::invoice::headers(&mut scope.tx, invoices).await?;
        let collections = store::collection::load(&mut scope.tx, Which::Of(invoices)).await?;
        Ok(Self {
            documents: documents.into_iter().map(|one| (one.id, one)).collect(),
            collections: collections
                .into_iter()
                .map(|one| (one.collection.invoice_id, one))
                .collect(),
        })
    }

    fn get(&self, id: InvoiceId) -> Option<(&Document, &Collected)> {
        Some((self.documents.get(&id)?, self.collections.get(&id)?))
    }

    fn in_order(&self) -> Vec<Collected> {
        let mut all: Vec<Collected> = self.collections.values().cloned().collect();
        all.sort_unstable_by_key(|one| one.collection.invoice_id);
        all
    }
}

/// What every event about a collection says.
fn facts(scope: &Scope, document: &Document, about: &Collected) -> CollectionFacts {
    let one = &about.collection;
    let zone = scope.organization.time_zone;
    CollectionFacts {
        document: event::document_facts(document.clone()),
        scheme: one.scheme,
        class: one.failure.as_ref().map(|(class, _)| *class),
        raw_code: one.failure.as_ref().map(|(_, code)| code.clone()),
        attempt: one.attempts,
        next_on: one.next.map(|next| date::local(next.at, zone)),
        step: None,
        one_off: None,
        message: None,
    }
}

/// References by which invoices can be paid: those that were made, as long as the same amount is
/// open, else new ones.
async fn one_offs(
    scope: &mut Scope,
    found: &Found,
    invoices: &[InvoiceId],
) -> Result<HashMap<InvoiceId, OneOffFacts>, Error> {
    let made = store::payment::one_offs_of(&mut scope.tx, invoices).await?;
    let mut all: HashMap<InvoiceId, OneOffFacts> = HashMap::new();
    for (id, reference, amount) in made {
        if found.documents.get(&id).is_some_and(|document| document.open == amount) {
            all.insert(id, OneOffFacts { reference, amount });
        }
    }
    let mut new = Vec::new();
    for id in invoices.iter().filter(|id| !all.contains_key(id)) {
        let Some(document) = found.documents.get(id).filter(|one| one.open.minor() > 0) else {
            continue;
        };
        let own = domain::id::fresh(scope.now);
        new.push(NewOneOff {
            id: own,
            customer_id: document.customer_id,
            amount: document.open,
            reference: Reference::of(own),
            started_on: scope.today(),
            invoices: vec![(*id, document.open)],
        });
    }
    store::payment::insert_one_offs(&mut scope.tx, &new, scope.now).await?;
    for one in new {
        let reference = one.reference.to_string();
        let facts = OneOffFacts { reference, amount: one.amount };
        all.extend(one.invoices.iter().map(|(id, _)| (*id, facts.clone())));
    }
    Ok(all)
}

/// The words of a letter about an invoice.
fn text(
    scope: &Scope,
    desk: &Desk,
    letter: Letter,
    (document, about, customer): (&Document, &Collected, &Customer),
    one_off: Option<&OneOffFacts>,
) -> Message {
    let (vendor, today) = (&scope.organization, scope.today());
    let case = desk.case(about);
    let plan = case.as_ref().map(|case| desk.policy(about).plan(case)).unwrap_or_default();
    let retry = plan.iter().find(|step| step.on > today && step.key.action == Action::Retry);
    let scheme = about.collection.scheme.unwrap_or(Scheme::BankTransfer);
    let failure = about.collection.failure.as_ref();
    let facts = Facts {
        vendor: &vendor.legal_name,
        vendor_email: vendor.email.as_deref(),
        vendor_iban: vendor.iban.as_deref(),
        customer: &customer.name,
        number: &document.number,
        issue_on: document.issue_on,
        due_on: document.due_on,
        total: document.total,
        open: document.open,
        scheme,
        reason: failure.map(|(_, code)| failure::reason(scheme, code)),
        one_off: one_off.map(|one| (one.reference.as_str(), one.amount)),
        collects_on: retry.filter(|_| desk.is_collectable(about)).map(|step| step.on),
        late_fee: late_fee(desk, about, today).filter(|_| letter.asks_for_money()),
        follows: case.and_then(|case| Consequence::next(desk.policy(about), &case, today)),
        costs: collection_costs(document.open).filter(|_| is_protected(customer)),
    };
    message(letter, &facts, scope.language_of(customer))
}

/// The late fee that is still to be charged for an invoice, and when.
fn late_fee(desk: &Desk, about: &Collected, today: Date) -> Option<(Money, Date)> {
    let fee = desk.policy(about).late_fee(about.collection.currency)?;
    let coming = desk.coming(about).into_iter().filter(|moment| moment.on > today);
    let charges =
        |moment: &Moment| moment.steps.iter().any(|step| step.key.action == Action::ChargeLateFee);
    coming.filter(charges).map(|moment| (fee, moment.on)).next()
}

/// Whether the law on collection costs protects the customer: a consumer in the Netherlands.
fn is_protected(customer: &Customer) -> bool {
    customer.is_consumer() && customer.address.country == NETHERLANDS
}
