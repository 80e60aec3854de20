//! An event of the demonstration, made to happen.
//!
//! Invariants: an event is one transaction and carries a request id, as a careful client's call
//! does: what happened before an interruption is answered from the record. What the rules refuse
//! changes nothing, and life goes on.
//!
//! Deliberately absent: rules. Everything goes through the use cases that the interface calls.

use app::customer::{CreateCustomer, Facts};
use app::invoice::CreditInvoice;
use app::migration::MigratePlan;
use app::one_off::NewCharge;
use app::page::{MAX_SIZE, PageRequest};
use app::request::{RequestKey, once};
use app::subscription::{
    CancelSubscription, ChangeSubscription, CreateSubscription, PauseSubscription,
};
use app::usage::Sent;
use app::{Ctx, Scope};
use chrono::NaiveTime;
use domain::date;
use domain::id::{CustomerId, MigrationId, SubscriptionId};
use domain::invoice::DocumentKind;
use domain::invoice::credit::Wanted;
use domain::money::{Currency, Money};
use domain::subscription::MigrationWhen;
use domain::usage;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::catalogue::METER;
use super::course::{Act, Quantities};
use super::invest;
use super::lives::{Contract, What, Work};
use super::pay;
use super::people::Person;
use super::traffic::Reading;
use super::vendor::{Offer, Vendor};

/// The name under which the events' request ids are kept.
const METHOD: &str = "demonstration";
/// An hour of work, in EUR and in USD.
const HOUR: i64 = 85;
/// Only invoices of the last days are credited by hand.
const REMEMBERED_DAYS: i64 = 90;

/// Makes an event happen, once. Answers why, where the rules refuse it.
pub(super) async fn happen(
    ctx: &Ctx,
    vendor: &Vendor,
    id: Uuid,
    what: What,
) -> Result<Option<String>, app::Error> {
    let key = RequestKey { id, method: METHOD, content_hash: [0; 32] };
    let offer = std::sync::Arc::clone(&vendor.offer);
    let done = once(
        ctx,
        vendor.org,
        Some(key),
        |()| Vec::new(),
        move |scope| Box::pin(async move { event(scope, &offer, id, what).await }),
    );
    match done.await {
        Ok(_) => Ok(None),
        Err(app::Error::Refused(refusal) | app::Error::Exists(refusal)) => {
            Ok(Some(refusal.message))
        }
        Err(other) => Err(other),
    }
}

async fn event(scope: &mut Scope, offer: &Offer, id: Uuid, what: What) -> Result<(), app::Error> {
    match what {
        What::Join { id, person, buys } => {
            app::customer::create(scope, customer(id, *person)?).await?;
            for contract in buys {
                buy(scope, offer, id, contract).await?;
            }
            Ok(())
        }
        What::Buy { customer, buys } => buy(scope, offer, customer, *buys).await,
        What::Act { id, act } => self::act(scope, offer, id, act).await,
        What::Work(sold) => work(scope, offer, sold).await,
        What::Credit { customer, reason, whole } => credit(scope, customer, reason, whole).await,
        What::Measure(readings) => measure(scope, readings).await,
        What::Migrate { plan } => migrate(scope, offer, MigrationId(id), plan).await,
        What::Pay { customer, holder, pay } => pay::pay(scope, customer, &holder, pay).await,
        What::Statement(of) => pay::statement(scope, &of).await,
        What::Stray => pay::stray(scope).await,
        What::PayBack(payers) => pay::pay_back(scope, &payers).await,
        What::Invest(step) => invest::step(scope, offer, step).await,
    }
}

fn customer(id: CustomerId, person: Person) -> Result<CreateCustomer, app::Error> {
    let facts = Facts {
        name: person.name,
        address: person.address,
        email: Some(person.email),
        vat_number: person.vat_number,
        vat_treatment: person.vat_treatment,
        payment_terms_days: person.payment_terms_days,
        party_type: person.party_type,
        treat_as_consumer: false,
        language: None,
        external_reference: Some(person.reference),
    };
    Ok(CreateCustomer {
        id: Some(id),
        facts,
        currency: Some(Currency::from_code(person.currency)?),
    })
}

fn units(of: Quantities) -> Vec<(String, Decimal)> {
    of.into_iter().map(|(name, count)| (name.to_owned(), Decimal::from(count))).collect()
}

async fn buy(
    scope: &mut Scope,
    offer: &Offer,
    customer_id: CustomerId,
    contract: Contract,
) -> Result<(), app::Error> {
    let command = CreateSubscription {
        id: Some(contract.id),
        customer_id,
        plan_id: offer.plan(contract.plan)?,
        start_on: Some(contract.starts_on),
        alignment: contract.alignment,
        quantities: units(contract.quantities),
    };
    app::subscription::create(scope, command).await.map(drop)
}

async fn act(
    scope: &mut Scope,
    offer: &Offer,
    id: SubscriptionId,
    act: Act,
) -> Result<(), app::Error> {
    use app::subscription as subscriptions;
    match act {
        Act::Change { plan, quantities, when } => {
            let plan_id = plan.map(|code| offer.plan(code)).transpose()?;
            let quantities = units(quantities);
            let command = ChangeSubscription { id, plan_id, quantities, when };
            subscriptions::change(scope, command).await.map(drop)
        }
        Act::Pause { from, until } => {
            let command = PauseSubscription { id, from: Some(from), until, note: None };
            subscriptions::pause(scope, command).await.map(drop)
        }
        Act::Resume => subscriptions::resume(scope, id, None).await.map(drop),
        Act::Cancel { when, reason } => {
            let command = CancelSubscription { id, when, reason, note: None };
            subscriptions::cancel(scope, command).await.map(drop)
        }
        Act::Undo => subscriptions::undo_cancel(scope, id).await.map(drop),
        Act::Discount(code) => {
            let which = app::discount::Which::Code(code.to_owned());
            app::discount::apply(scope, id, which, None).await.map(drop)
        }
    }
}

async fn work(scope: &mut Scope, offer: &Offer, sold: Work) -> Result<(), app::Error> {
    let charge = NewCharge {
        id: Some(sold.id),
        product_id: offer.product("advice")?,
        description: Some(sold.description.to_owned()),
        quantity: Decimal::from(sold.hours),
        unit_price: Decimal::from(HOUR),
        service_from: None,
        service_until: None,
    };
    match sold.bill_on {
        Some(_) => app::one_off::add(scope, sold.customer, charge, sold.bill_on).await.map(drop),
        None => app::one_off::invoice(scope, sold.customer, vec![charge]).await.map(drop),
    }
}

/// Credits all that is left of the customer's latest invoice, or a quarter of its largest line.
async fn credit(
    scope: &mut Scope,
    customer: CustomerId,
    reason: &str,
    whole: bool,
) -> Result<(), app::Error> {
    let filter = app::invoice::Filter {
        customer_id: Some(customer),
        issued_from: Some(date::add_days(scope.today(), -REMEMBERED_DAYS)),
        ..Default::default()
    };
    let page = PageRequest::new(i32::try_from(MAX_SIZE).unwrap_or(0), "")?;
    let found = app::invoice::list(scope, &filter, &page).await?.rows;
    let invoices = found.into_iter().filter(|one| one.kind == DocumentKind::Invoice);
    // Ids of one day are in any order; numbers are not.
    let Some(latest) = invoices.max_by(|one, other| one.number.cmp(&other.number)) else {
        return Ok(());
    };
    let currency = latest.total.currency();
    let lines = store::invoice::creditable(&mut scope.tx, latest.id, currency).await?;
    let largest = lines.into_iter().map(|line| (line.left.minor(), line.description, line.line_id));
    let largest = largest.max().filter(|(left, ..)| *left > 0);
    let Some((left, _, line_id)) = largest else { return Ok(()) };
    let amount = Money::new((left / 4).max(1), currency);
    let part = Wanted { line_id, amount: Some(amount) };
    let lines = if whole { Vec::new() } else { vec![part] };
    let command = CreditInvoice { id: latest.id, lines, reason: reason.to_owned() };
    app::invoice::credit(scope, command).await.map(drop)
}

async fn measure(scope: &mut Scope, readings: Vec<Reading>) -> Result<(), app::Error> {
    let noon = NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default();
    let sent = readings.into_iter().enumerate().map(|(index, reading)| Sent {
        index,
        meter: METER.to_owned(),
        customer_id: reading.customer,
        event: usage::Event {
            id: reading.id,
            at: reading.on.and_time(noon).and_utc(),
            quantity: Decimal::from(reading.calls),
            value: None,
        },
    });
    let sent: Vec<Sent> = sent.collect();
    let count = sent.len();
    let recorded = app::usage::record(scope, sent).await?;
    // Of those whose subscription was stopped nothing is taken.
    let refused = recorded.rejected.len() == count;
    match recorded.rejected.into_iter().next().filter(|_| refused) {
        None => Ok(()),
        Some(rejection) => Err(app::Error::refused(rejection.reason, rejection.message)),
    }
}

async fn migrate(
    scope: &mut Scope,
    offer: &Offer,
    id: MigrationId,
    plan: &str,
) -> Result<(), app::Error> {
    let plan_id = offer.plan(plan)?;
    let versions = app::catalog::get_plan(scope, plan_id).await?.versions;
    let newest = versions.last().ok_or_else(|| app::Error::not_found("plan version", plan))?;
    let command = MigratePlan {
        id: Some(id),
        plan_id,
        version_id: newest.id,
        from_version_id: None,
        subscription_id: None,
        when: MigrationWhen::PeriodEnd,
    };
    app::migration::start(scope, command).await.map(drop)
}
