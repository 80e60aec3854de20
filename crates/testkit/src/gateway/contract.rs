//! The contract of gateways: what every adapter must keep.
//!
//! Purpose: [`gateway_contract`] puts an adapter through every clause and lists what it breaks.
//!
//! Invariants: it knows an adapter only by the port; a clause that an adapter has no order for (it
//! settles nothing at once, say) is passed over because its [`Subject`] says so, never silently.

use std::sync::Arc;

use app::gateway::{Gateway, Mandate, Order, Refund, Reply, Secret};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Europe::Amsterdam;
use domain::date;
use domain::id::{AttemptId, OrgId, PaymentId};
use domain::money::{Currency, Money};
use domain::organization::OrgKind;
use domain::payment::{Answer, Scheme};

/// How long after the submission an order is asked about for the last time, in days: longer than
/// any bank takes.
const LATE: i64 = 60;

/// An adapter and orders with which its promises can be tried.
pub struct Subject<'a> {
    /// Connects to the gateway: a second connection is another process that talks to the same one.
    pub connect: &'a dyn Fn() -> Arc<dyn Gateway>,
    /// An order that stands as accepted for at least a day.
    pub slow: Order,
    /// An order that is settled at once, if there is any.
    pub quick: Option<Order>,
    /// An order that the gateway never received, if it can tell.
    pub lost: Option<Order>,
}

/// An order of a sandbox organization, submitted on 1 March 2025, with a key of its own.
///
/// # Panics
/// Never.
#[must_use]
pub fn sample_order(scheme: Scheme, instrument: &str) -> Order {
    let now: DateTime<Utc> = "2025-03-01T14:00:00Z".parse().expect("an instant");
    let signed_on = date::from_parts(2024, 12, 1).expect("a date");
    let currency = Currency::from_code("EUR").expect("a currency");
    Order {
        attempt: AttemptId::fresh(now),
        number: 1,
        org: OrgId::fresh(now),
        kind: OrgKind::Sandbox,
        scheme,
        amount: Money::new(12_100, currency),
        invoice: "2025-0001".to_owned(),
        description: "Abonnement maart".to_owned(),
        instrument: Some(Secret::new(instrument)),
        mandate: Some(Mandate { reference: "M-1".to_owned(), signed_on }),
        collect_on: date::local(now, Amsterdam),
        submitted_at: now,
        withdrawn_at: None,
        reference: None,
        now,
        zone: Amsterdam,
    }
}

/// Tries every clause; answers what is broken, one sentence each: nothing when the contract is
/// kept.
pub async fn gateway_contract(subject: &Subject<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    let orders = [Some(&subject.slow), subject.quick.as_ref()];
    for order in orders.into_iter().flatten() {
        one_effect_per_key(subject, order, &mut broken).await;
        survives_a_caller_who_leaves(subject, order, &mut broken).await;
        one_refund_per_key(subject, order, &mut broken).await;
    }
    keys_are_apart(subject, &mut broken).await;
    stands_as_described(subject, &mut broken).await;
    withdraws_what_is_not_collected(subject, &mut broken).await;
    keeps_what_is_collected(subject, &mut broken).await;
    tells_what_it_never_received(subject, &mut broken).await;
    shows_no_secret(subject, &mut broken).await;
    broken
}

/// The same order with a key of its own.
fn another(order: &Order) -> Order {
    Order { attempt: AttemptId::fresh(order.submitted_at), ..order.clone() }
}

fn days_on(order: &Order, days: i64) -> Order {
    Order { now: order.now + Duration::days(days), ..order.clone() }
}

fn withdrawn(order: &Order) -> Order {
    Order { withdrawn_at: Some(order.now), ..order.clone() }
}

fn expect(broken: &mut Vec<String>, holds: bool, clause: &str, got: &[&Reply]) {
    if !holds {
        broken.push(format!("{clause}: {got:?}"));
    }
}

async fn one_effect_per_key(subject: &Subject<'_>, order: &Order, broken: &mut Vec<String>) {
    let order = another(order);
    let (here, there) = ((subject.connect)(), (subject.connect)());
    let first = here.submit(&order).await;
    let again = here.submit(&order).await;
    expect(broken, first == again, "the same key again is the same answer", &[&first, &again]);
    let elsewhere = there.submit(&order).await;
    let clause = "the same key from another process is the same answer";
    expect(broken, first == elsewhere, clause, &[&first, &elsewhere]);
    let told = there.query(&order).await;
    expect(broken, first == told, "a query agrees with the submission", &[&first, &told]);
    let twice = here.query(&order).await;
    expect(broken, told == twice, "a query changes nothing", &[&told, &twice]);
    let late = days_on(&order, LATE);
    let (told, again) = (here.query(&late).await, there.submit(&late).await);
    let same = told.answer == again.answer && told.reference == first.reference;
    expect(broken, same, "a late repeat is no second effect", &[&first, &told, &again]);
    let coming = |reply: &Reply, order: &Order| reply.ask_again.is_none_or(|at| at > order.now);
    let clause = "to be asked again lies in the future";
    expect(broken, coming(&first, &order) && coming(&told, &late), clause, &[&first, &told]);
}

/// The caller's time is over before the answer is there: nothing is known, and the key still is
/// one effect.
async fn survives_a_caller_who_leaves(
    subject: &Subject<'_>,
    order: &Order,
    broken: &mut Vec<String>,
) {
    let (order, undisturbed) = (another(order), another(order));
    let gateway = (subject.connect)();
    drop(gateway.submit(&order));
    let left = tokio::time::timeout(std::time::Duration::ZERO, gateway.submit(&order)).await;
    let (again, told) = (gateway.submit(&order).await, gateway.query(&order).await);
    let expected = gateway.submit(&undisturbed).await;
    let same = again == told
        && again.answer == expected.answer
        && left.as_ref().is_ok_and(|left| *left == again) | left.is_err();
    expect(broken, same, "a caller who left finds one effect", &[&again, &told, &expected]);
}

async fn keys_are_apart(subject: &Subject<'_>, broken: &mut Vec<String>) {
    let (one, other) = (another(&subject.slow), another(&subject.slow));
    let gateway = (subject.connect)();
    let (first, second) = (gateway.submit(&one).await, gateway.submit(&other).await);
    let apart = first.reference.is_none() || first.reference != second.reference;
    expect(broken, apart, "two keys are two references", &[&first, &second]);
    let cancelled = gateway.cancel(&one).await;
    let told = gateway.query(&other).await;
    let clause = "to withdraw one order leaves the other";
    expect(broken, told.answer == Answer::Accepted, clause, &[&cancelled, &told]);
}

/// What the subject says of its orders is so; else the other clauses say nothing.
async fn stands_as_described(subject: &Subject<'_>, broken: &mut Vec<String>) {
    let gateway = (subject.connect)();
    let slow = another(&subject.slow);
    let (first, told) = (gateway.submit(&slow).await, gateway.query(&days_on(&slow, 1)).await);
    let accepted = first.answer == Answer::Accepted && told.answer == Answer::Accepted;
    expect(broken, accepted, "the slow order is accepted for a day", &[&first, &told]);
    let Some(quick) = subject.quick.as_ref().map(another) else { return };
    let first = gateway.submit(&quick).await;
    let settled = first.answer == Answer::Settled { on: quick.today() };
    expect(broken, settled, "the quick order is settled at once", &[&first]);
}

async fn withdraws_what_is_not_collected(subject: &Subject<'_>, broken: &mut Vec<String>) {
    let gateway = (subject.connect)();
    let order = another(&subject.slow);
    let submitted = gateway.submit(&order).await;
    let cancelled = gateway.cancel(&order).await;
    let done = cancelled.answer == Answer::Cancelled;
    expect(broken, done, "what is not collected is withdrawn", &[&submitted, &cancelled]);
    let order = withdrawn(&order);
    let again = gateway.cancel(&order).await;
    expect(broken, again.answer == Answer::Cancelled, "to withdraw twice is once", &[&again]);
    let late = (subject.connect)().query(&days_on(&order, LATE)).await;
    let clause = "what is withdrawn is never collected";
    expect(broken, late.answer == Answer::Cancelled, clause, &[&late]);
    let resent = gateway.submit(&days_on(&order, 1)).await;
    let clause = "to submit what is withdrawn does not revive it";
    expect(broken, resent.answer == Answer::Cancelled, clause, &[&resent]);
}

async fn keeps_what_is_collected(subject: &Subject<'_>, broken: &mut Vec<String>) {
    let Some(quick) = subject.quick.as_ref().map(another) else { return };
    let gateway = (subject.connect)();
    let first = gateway.submit(&quick).await;
    let cancelled = gateway.cancel(&days_on(&quick, 1)).await;
    let kept = first.answer == cancelled.answer;
    expect(broken, kept, "to withdraw too late changes nothing", &[&first, &cancelled]);
    let order = withdrawn(&days_on(&quick, 1));
    let told = gateway.query(&order).await;
    let clause = "a withdrawal that came too late leaves the order settled";
    expect(broken, told.answer == first.answer, clause, &[&first, &told]);
}

async fn tells_what_it_never_received(subject: &Subject<'_>, broken: &mut Vec<String>) {
    let Some(lost) = subject.lost.as_ref().map(another) else { return };
    let gateway = (subject.connect)();
    let told = gateway.query(&lost).await;
    let clause = "a key that it never received was not sent";
    expect(broken, told == Reply::bare(Answer::NotSent), clause, &[&told]);
    let late = (subject.connect)().query(&days_on(&lost, LATE)).await;
    let clause = "to ask about a key does not create it";
    expect(broken, late.answer == Answer::NotSent, clause, &[&late]);
    let cancelled = gateway.cancel(&lost).await;
    let harmless = matches!(cancelled.answer, Answer::NotSent | Answer::Cancelled);
    expect(broken, harmless, "what was never received can be withdrawn", &[&cancelled]);
}

async fn one_refund_per_key(subject: &Subject<'_>, order: &Order, broken: &mut Vec<String>) {
    let order = another(order);
    let gateway = (subject.connect)();
    let collected = gateway.submit(&order).await;
    let day = days_on(&order, LATE);
    let payment = PaymentId::fresh(day.now);
    let refund =
        Refund { payment, amount: order.amount, submitted_at: day.now, order: day.clone() };
    let first = gateway.refund(&refund).await;
    let again = (subject.connect)().refund(&refund).await;
    let later = Refund { order: days_on(&day, 3), ..refund.clone() };
    let later = gateway.refund(&later).await;
    let got = [&collected, &first, &again, &later];
    expect(broken, first == again && first == later, "the same refund again is no second", &got);
    let other = Refund { payment: PaymentId::fresh(day.now), ..refund };
    let other = gateway.refund(&other).await;
    let apart = first.reference.is_none() || first.reference != other.reference;
    expect(broken, apart, "two refunds are two references", &[&first, &other]);
    let told = gateway.query(&order).await;
    let clause = "a refund leaves the order as it was";
    expect(broken, told.answer == collected.answer, clause, &[&collected, &told]);
}

async fn shows_no_secret(subject: &Subject<'_>, broken: &mut Vec<String>) {
    let gateway = (subject.connect)();
    let orders = [Some(&subject.slow), subject.quick.as_ref(), subject.lost.as_ref()];
    for order in orders.into_iter().flatten().map(another) {
        let reply = gateway.submit(&order).await;
        let shown = format!("{order:?} {reply:?} {gateway:?}");
        let secret = order.instrument.as_ref().map(Secret::expose);
        if secret.is_some_and(|secret| shown.contains(secret)) {
            broken.push("what pays is never shown".to_owned());
        }
    }
}
