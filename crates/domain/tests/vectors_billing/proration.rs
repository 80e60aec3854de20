//! Cases about parts of periods: what a run bills and what a part costs.
//!
//! Purpose: each function computes the answers to one shape, or nothing when the case has another.
//!
//! Invariants: every part costs what [`prorate`] says.
//!
//! Deliberately absent: parts that end by a pause or a change.

use chrono::Datelike;
use domain::date::{self, Date};
use domain::money::{Currency, Money};
use domain::period::{Period, prorate};
use domain::subscription::Due;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use crate::case::Case;
use crate::grid::{self, bill, subscription};

const SUBSCRIPTION: &[&str] = &["start", "end", "target", "anchor_day", "period", "mode"];

/// A price of so many minor units that the rounding to a whole unit does not show in a fraction.
const FINE: i64 = 1_000_000_000_000_000;
const FINE_DECIMALS: u32 = 15;
/// Decimals of the fractions in the cases.
const FRACTION_DECIMALS: u32 = 9;

/// The part of the price of a whole period that a part of it costs, to nine decimals.
fn fraction(whole: Period, part: Period) -> Option<Decimal> {
    let charged = prorate(Money::new(FINE, Currency::EUR), whole, part).ok()?;
    let away = RoundingStrategy::MidpointAwayFromZero;
    let exact = Decimal::new(charged.minor(), FINE_DECIMALS);
    Some(exact.round_dp_with_strategy(FRACTION_DECIMALS, away))
}

fn charged(dues: &[Due], price: Money) -> Option<Vec<Money>> {
    dues.iter().map(|due| prorate(price, due.whole, due.part).ok()).collect()
}

/// How many whole periods a run on the target date bills.
pub(crate) fn cycles(case: &Case) -> Option<Value> {
    case.only(SUBSCRIPTION)?;
    let dues = bill(&mut subscription(case)?, case.date("target")?);
    let fractions: Option<Vec<Decimal>> =
        dues.iter().map(|due| fraction(due.whole, due.part)).collect();
    Some(json!({ "cycles": fractions?.iter().sum::<Decimal>().to_string() }))
}

/// The periods that a run on the target date bills.
pub(crate) fn item_periods(case: &Case) -> Option<Value> {
    case.only(SUBSCRIPTION)?;
    let dues = bill(&mut subscription(case)?, case.date("target")?);
    let periods: Vec<[Date; 2]> = dues.iter().map(|due| [due.part.start, due.part.end]).collect();
    Some(json!({ "periods": periods }))
}

/// An end before the start is refused where its price is asked, and is never billed.
pub(crate) fn error(case: &Case) -> Option<Value> {
    case.only(SUBSCRIPTION)?;
    let mut subscription = subscription(case)?;
    let (start, end) = (subscription.start_on, case.date("end")?);
    let whole = subscription.grid.interval.period_containing(subscription.grid.anchor_on, start);
    let refused = prorate(Money::new(FINE, Currency::EUR), whole, Period { start, end }).is_err();
    let nothing = bill(&mut subscription, case.date("target")?).is_empty();
    Some(json!({ "error": (refused && nothing).then_some("invalid_date_sequence") }))
}

/// Whether the only mistake of a case is a run before the start.
pub(crate) fn runs_before_the_start(case: &Case) -> bool {
    let (start, target) = (case.date("start"), case.date("target"));
    let before = target.zip(start).is_some_and(|(target, start)| target < start);
    let in_order = case.date("end").zip(start).is_none_or(|(end, start)| start <= end);
    before && in_order
}

/// A part at the beginning or at the end of a period.
pub(crate) fn part(case: &Case) -> Option<Value> {
    case.only(&["from", "to", "side", "period"])?;
    let (from, to) = (case.date("from")?, case.date("to")?);
    let interval = grid::interval(case.text("period")?)?;
    let whole = match case.text("side")? {
        "trailing" => Period { start: from, end: interval.boundary(from, 1) },
        "leading" => {
            let last = date::add_days(to, -1);
            let anchor = grid::anchor_of_day(interval, to, to.day())?;
            let anchor = grid::anchor_until(interval, anchor, last)?;
            let whole = interval.period_containing(anchor, last);
            Period { end: to, ..whole }
        }
        _ => return None,
    };
    let part = Period { start: from, end: to };
    Some(json!({ "fraction": fraction(whole, part)?.to_string() }))
}

/// Items and total of a run.
pub(crate) fn invoice(case: &Case) -> Option<Value> {
    case.only(&["start", "end", "anchor_day", "period", "price", "target", "currency", "mode"])?;
    let currency = Currency::from_code(case.text("currency").unwrap_or("EUR")).ok()?;
    let price = Money::parse(case.text("price")?, currency).ok()?;
    let dues = bill(&mut subscription(case)?, case.date("target")?);
    let amounts = charged(&dues, price)?;
    let item = |(due, amount): (&Due, &Money)| {
        let (from, to) = (due.part.start, due.part.end);
        json!({ "from": from, "to": to, "amount": amount.major().to_string() })
    };
    let total = Money::sum(currency, amounts.iter().copied()).ok()?.major().to_string();
    let items: Vec<Value> = dues.iter().zip(&amounts).map(item).collect();
    Some(json!({ "items": items, "balance": total, "total": total }))
}

/// A second run over the same dates.
pub(crate) fn rerun(case: &Case) -> Option<Value> {
    let inputs = ["start", "end", "anchor_day", "period", "mode", "price"];
    let targets = ["first_run_target", "second_run_target"];
    case.only(&[&inputs[..], &targets[..]].concat())?;
    let mut subscription = subscription(case)?;
    let first = bill(&mut subscription, case.date(targets[0])?);
    let second = bill(&mut subscription, case.date(targets[1])?);
    let invoice = |dues: Vec<Due>| {
        let periods: Vec<[Date; 2]> =
            dues.iter().map(|due| [due.part.start, due.part.end]).collect();
        (!periods.is_empty()).then_some(periods)
    };
    Some(json!({ "first_run_invoice": invoice(first), "second_run_invoice": invoice(second) }))
}

/// A term that is no multiple of the billing period.
pub(crate) fn term(case: &Case) -> Option<Value> {
    case.only(&["mode", "term_months", "billing_period_months", "start"])?;
    let months = |key: &str| u32::try_from(case.integer(key)?).ok();
    let (term, billed) = (months("term_months")?, months("billing_period_months")?);
    let interval = domain::period::Interval::new(billed, domain::period::Unit::Month).ok()?;
    let start = case.date("start")?;
    let alignment = domain::period::Alignment::OwnDay;
    let timing = grid::timing(case.text("mode")?)?;
    let mut running = grid::subscribe(interval, timing, alignment, start, 0)?;
    let end = date::add_months(start, term);
    grid::ends(&mut running, end);
    let dues = bill(&mut running, end);
    let periods: Vec<[Date; 2]> = dues.iter().map(|due| [due.part.start, due.part.end]).collect();
    let last = dues.last()?;
    let months_since_year_0 = |day: Date| i64::from(day.year()) * 12 + i64::from(day.month0());
    let between = |from: Date, to: Date| months_since_year_0(to) - months_since_year_0(from);
    let of = between(last.whole.start, last.whole.end);
    let partial = format!("{} of {of} months", between(last.part.start, last.part.end));
    Some(json!({ "service_periods": periods, "second_is_partial": partial }))
}
