//! Events about paying, made to happen.
//!
//! Invariants: as of all events (`happen`). What a statement brings is known by the movement's own
//! name, so that it is recorded once.
//!
//! Deliberately absent: rules. Everything goes through the use cases that the interface calls.

use std::collections::BTreeMap;

use app::collection::queue::{self, Collected};
use app::payment::{self, MatchPayment, RecordPayment, RefundPayment};
use app::payment_method::{self, NewDetails, SetPaymentMethod};
use app::{Error, Scope};
use domain::collection::CollectionState;
use domain::date::{self, Date};
use domain::id::CustomerId;
use domain::money::{Currency, Money};
use secrecy::SecretString;

use super::books::{next, page};
use super::purse::{Method, Pay};
use super::transfer::{Share, Transfer, transfers};

/// Who transfers by itself, with the day from which on it pays nothing any more.
pub(super) type Payers = BTreeMap<CustomerId, Option<Date>>;

/// A statement of the bank, entered at the office.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) seed: u64,
    /// The day of the statement before: movements after it are on this one.
    pub(super) after: Date,
    pub(super) payers: std::sync::Arc<Payers>,
}

/// Finance gives up what is due since so long.
const GIVEN_UP_DAYS: i64 = 60;
/// Money without a word is found to be whose after so many days.
const FOUND_DAYS: i64 = 6;
/// The year in which all cards of the demonstration end.
const CARDS_END: i32 = 2039;
/// A balance is paid back from so many minor units on.
const PAID_BACK_FROM: i64 = 500;
/// So many balances are paid back at a time.
const PAID_BACK: usize = 3;

/// What a customer does about paying, or finance about the customer.
pub(super) async fn pay(
    scope: &mut Scope,
    customer: CustomerId,
    holder: &str,
    pay: Pay,
) -> Result<(), Error> {
    match pay {
        Pay::With(method) => set(scope, customer, holder, method).await,
        Pay::Once => once(scope, customer).await,
        Pay::WriteOff => write_off(scope, customer).await,
    }
}

async fn set(
    scope: &mut Scope,
    customer_id: CustomerId,
    holder: &str,
    method: Method,
) -> Result<(), Error> {
    let details = match method {
        Method::Debit(iban) => NewDetails::DirectDebit {
            iban: SecretString::from(iban),
            holder: holder.to_owned(),
            reference: None,
            signed_on: scope.today(),
        },
        Method::Card(token) => NewDetails::Card {
            token: SecretString::from(token),
            brand: "visa".to_owned(),
            last_four: "4242".to_owned(),
            expires_year: CARDS_END,
            expires_month: 12,
            holder: Some(holder.to_owned()),
        },
        Method::Transfer => NewDetails::BankTransfer,
    };
    let command = SetPaymentMethod { customer_id, id: None, details };
    payment_method::set(scope, command).await.map(drop)
}

/// Collections that are not closed, of one customer or of all, in the order of the numbers.
async fn open(scope: &mut Scope, customer_id: Option<CustomerId>) -> Result<Vec<Collected>, Error> {
    let filter = queue::Filter { customer_id, ..Default::default() };
    let (mut found, mut token) = (Vec::new(), Some(String::new()));
    while let Some(after) = token {
        let mut rows = queue::list(scope, filter, &page(after)?).await?;
        found.append(&mut rows.rows);
        token = next(rows);
    }
    found.sort_by(|one, other| one.number.cmp(&other.number));
    Ok(found)
}

/// Pays what failed with a reference that the customer was given for it.
async fn once(scope: &mut Scope, customer: CustomerId) -> Result<(), Error> {
    let failed = open(scope, Some(customer)).await?;
    let failed = failed.iter().filter(|one| {
        one.collection.failure.is_some() && one.collection.state != CollectionState::UnderWay
    });
    let invoices: Vec<_> = failed.map(|one| one.collection.invoice_id).collect();
    if invoices.is_empty() {
        return Ok(());
    }
    let started = payment::start_one_off(scope, customer, &invoices).await?;
    let money = movement(started.amount, scope.today(), started.reference.to_string());
    payment::record(scope, money).await.map(drop)
}

async fn write_off(scope: &mut Scope, customer: CustomerId) -> Result<(), Error> {
    let long_ago = date::add_days(scope.today(), -GIVEN_UP_DAYS);
    let rest = [CollectionState::Waiting, CollectionState::Person];
    for one in open(scope, Some(customer)).await? {
        let overdue = one.collection.day_zero.is_some() && one.collection.due_on <= long_ago;
        if overdue && rest.contains(&one.collection.state) {
            payment::write_off(scope, one.collection.invoice_id, "Oninbaar gebleken").await?;
        }
    }
    Ok(())
}

/// A movement without a customer, whose text is also its name.
fn movement(amount: Money, on: Date, text: String) -> RecordPayment {
    RecordPayment {
        customer_id: None,
        invoice: None,
        amount,
        booked_on: Some(on),
        reference: Some(text.clone()),
        payer_name: None,
        note: None,
        external_id: Some(text),
    }
}

/// Records what came since the last statement, and finds whose the money without a word is.
pub(super) async fn statement(scope: &mut Scope, of: &Statement) -> Result<(), Error> {
    find(scope).await?;
    let today = scope.today();
    for one in open(scope, None).await? {
        let (number, due_on) = (&one.number, one.collection.due_on);
        let Some(stops_on) = of.payers.get(&one.collection.customer_id) else { continue };
        if stops_on.is_some_and(|stops_on| due_on >= stops_on) {
            continue;
        }
        let mut left = one.open;
        for transfer in transfers(of.seed, number, due_on) {
            // What comes in full comes once: nothing is open then. A half, and money without a
            // word, leave something open.
            let repeats = transfer.share == Share::Half || !transfer.named;
            let is_new = transfer.on > of.after || !repeats;
            if transfer.on <= today && is_new && left.minor() > 0 {
                left = receive(scope, &one, transfer, left).await?;
            }
        }
    }
    Ok(())
}

/// Records money for an invoice. Answers what it leaves open, as far as the payer knows.
async fn receive(
    scope: &mut Scope,
    about: &Collected,
    transfer: Transfer,
    left: Money,
) -> Result<Money, Error> {
    let minor = match transfer.share {
        Share::Whole => left.minor(),
        Share::Half => (left.minor() / 2).max(1),
        Share::TooMuch => (left.minor() / 1000 + 1) * 1000,
    };
    let amount = Money::new(minor, left.currency());
    let number = &about.number;
    // Nothing comes before it is asked for.
    let name = format!("{number}/{}", transfer.on.format("%m%d"));
    let text = if transfer.named { number.clone() } else { "Betaling, dank u".to_owned() };
    let money = RecordPayment {
        reference: Some(text),
        payer_name: Some("Klant".to_owned()),
        external_id: Some(name),
        ..movement(amount, transfer.on, String::new())
    };
    payment::record(scope, money).await?;
    Ok(Money::new((left.minor() - minor).max(0), left.currency()))
}

/// Gives money that matches nothing to whose it is: the movement's name says it.
async fn find(scope: &mut Scope) -> Result<(), Error> {
    let old = date::add_days(scope.today(), -FOUND_DAYS);
    let waiting = payment::list_unmatched(scope, &page(String::new())?).await?.rows;
    for kept in waiting.into_iter().filter(|kept| kept.payment.booked_on <= old) {
        let name = kept.payment.external_id.as_deref().unwrap_or_default();
        let number = name.split('/').next().unwrap_or_default().to_owned();
        let filter = app::invoice::Filter { number: Some(number), ..Default::default() };
        let found = app::invoice::list(scope, &filter, &page(String::new())?).await?.rows;
        let Some(invoice) = found.into_iter().next() else { continue };
        let command = MatchPayment {
            payment_id: kept.payment.id,
            customer_id: invoice.customer_id,
            invoices: vec![invoice.id],
        };
        payment::match_payment(scope, command).await?;
    }
    Ok(())
}

/// Money of somebody whom nobody knows.
pub(super) async fn stray(scope: &mut Scope) -> Result<(), Error> {
    let today = scope.today();
    let amount = Money::new(12_100, Currency::EUR);
    payment::record(scope, movement(amount, today, format!("Contributie {today}"))).await.map(drop)
}

/// Pays the largest balances back to customers who paid too much.
pub(super) async fn pay_back(scope: &mut Scope, payers: &Payers) -> Result<(), Error> {
    let customers: Vec<CustomerId> = payers.keys().copied().collect();
    let balances = store::billing::balances(&mut scope.tx, &customers).await?;
    let mut balances: Vec<_> = balances
        .into_iter()
        .filter(|(_, balance)| balance.minor() >= PAID_BACK_FROM)
        .map(|(account, balance)| {
            (std::cmp::Reverse(balance.minor()), account.customer_id, balance)
        })
        .collect();
    balances.sort_unstable_by_key(|(largest, customer, _)| (*largest, *customer));
    for (_, customer_id, amount) in balances.into_iter().take(PAID_BACK) {
        let command = RefundPayment {
            customer_id,
            amount,
            booked_on: None,
            reference: Some("Te veel betaald".to_owned()),
            note: None,
            external_id: None,
        };
        payment::refund(scope, command).await?;
    }
    Ok(())
}
