//! Cases about prices, minimums, roundings and usage.
//!
//! Purpose: each function computes the answers to one shape, or nothing when the case has another.
//!
//! Invariants: a price is asked only after our own check accepted it.
//!
//! Deliberately absent: maximums, free events, quantities prorated per day: the table says so.

use chrono::NaiveTime;
use domain::date::{self, Date};
use domain::decimal;
use domain::money::{Currency, Money};
use domain::period::Period;
use domain::price::{PriceModel, Tier, TierPart, true_up};
use domain::usage::{Aggregation, Event, Events, late};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::case::{self, Case};

const MODEL: &[&str] = &[
    "model",
    "policy",
    "tiers",
    "ranges",
    "package_size",
    "price_per_package",
    "free_units",
    "multiplier",
];
const QUANTITY: &[&str] = &["quantity", "quantity_before", "quantity_now"];

/// The price of a case, checked by our own rules.
fn model(case: &Case) -> Option<PriceModel> {
    let model = match case.text("model").unwrap_or("per_unit") {
        "per_unit" => PriceModel::PerUnit { unit_price: case.number("multiplier")? },
        "graduated_blocks" => blocks(case, "ALL_TIERS")?,
        "volume_blocks" => blocks(case, "TOP_TIER")?,
        "graduated_percentage" => PriceModel::Graduated { tiers: ranges(case, "rate_percent")? },
        "graduated" => PriceModel::Graduated { tiers: tiers(case)? },
        "volume" => PriceModel::Volume { tiers: tiers(case)? },
        "package" => PriceModel::Package {
            size: case.number("package_size")?,
            unit_price: case.number("price_per_package")?,
            free: if case.has("free_units") { case.number("free_units")? } else { Decimal::ZERO },
        },
        _ => return None,
    };
    model.checked(Currency::EUR).ok()
}

/// Tiers of blocks; beyond a bounded last tier that tier still prices everything.
fn blocks(case: &Case, policy: &str) -> Option<PriceModel> {
    (case.text("policy")? == policy).then_some(())?;
    let mut upper = Decimal::ZERO;
    let mut tiers = Vec::new();
    for tier in case.list("tiers")? {
        case::only(tier, &["block_size", "max_blocks", "price_per_block"])?;
        let size = case::number(tier.get("block_size")?)?;
        let most = match tier.get("max_blocks") {
            None | Some(Value::Null) => None,
            Some(most) => Some(case::number(most)?),
        };
        upper = upper.checked_add(most.unwrap_or_default().checked_mul(size)?)?;
        tiers.push(Tier {
            up_to: most.map(|_| upper),
            unit_price: case::number(tier.get("price_per_block")?)?,
            flat_fee: Decimal::ZERO,
            block: Some(size),
        });
    }
    tiers.last_mut()?.up_to = None;
    let volume = policy == "TOP_TIER";
    Some(if volume { PriceModel::Volume { tiers } } else { PriceModel::Graduated { tiers } })
}

fn tiers(case: &Case) -> Option<Vec<Tier>> {
    if case.has("ranges") {
        return ranges(case, "per_unit");
    }
    let tier = |tier: &Value| {
        case::only(tier, &["up_to", "unit", "flat"])?;
        Some(Tier {
            up_to: bound(tier.get("up_to")?)?,
            unit_price: case::number_or_zero(tier, "unit")?,
            flat_fee: case::number_or_zero(tier, "flat")?,
            block: None,
        })
    };
    case.list("tiers")?.iter().map(tier).collect()
}

fn bound(value: &Value) -> Option<Option<Decimal>> {
    if value.is_null() { Some(None) } else { case::number(value).map(Some) }
}

/// Ranges name both ends; each begins where the one before it ends, or one unit later.
fn ranges(case: &Case, unit: &str) -> Option<Vec<Tier>> {
    let percent = unit == "rate_percent";
    let mut tiers: Vec<Tier> = Vec::new();
    for range in case.list("ranges")? {
        case::only(range, &["from", "to", unit, "flat"])?;
        let from = case::number(range.get("from")?)?;
        let previous = tiers.last().map_or(Some(Decimal::ZERO), |tier| tier.up_to)?;
        let next = previous.checked_add(Decimal::ONE)?;
        let begins = from == previous || (!tiers.is_empty() && from == next);
        begins.then_some(())?;
        let price = case::number_or_zero(range, unit)?;
        tiers.push(Tier {
            up_to: bound(range.get("to")?)?,
            unit_price: if percent { price / Decimal::ONE_HUNDRED } else { price },
            flat_fee: case::number_or_zero(range, "flat")?,
            block: None,
        });
    }
    Some(tiers)
}

/// An amount with all its decimals; rounded once where the answer has no more than cents.
fn shown(case: &Case, exact: Decimal) -> Option<String> {
    let theirs = case.expected.get("amount").and_then(case::number)?;
    let rounded = Money::round(exact, Currency::EUR).ok()?.major();
    let in_cents = decimal::places(theirs) <= 2;
    Some(if in_cents { rounded } else { exact }.to_string())
}

/// What a quantity costs, also after an earlier one of the period.
pub(crate) fn tier_price(case: &Case) -> Option<Value> {
    case.only(&[MODEL, QUANTITY].concat())?;
    let model = model(case)?;
    let (before, now) = quantities(case)?;
    let exact = match before {
        None => model.exact(now).ok()?,
        Some(before) => model.difference(before, now).ok()?,
    };
    let before = before.unwrap_or_default();
    let lines = lines(&model, before, now)?;
    let amounts: Vec<&Value> = lines.iter().filter_map(|line| line.get("amount")).collect();
    Some(json!({ "amount": shown(case, exact)?, "tier_amounts": amounts, "lines": lines }))
}

/// The quantity counted before, if the case is about a further one, and the quantity.
fn quantities(case: &Case) -> Option<(Option<Decimal>, Decimal)> {
    if case.has("quantity") {
        case.only(&[MODEL, &["quantity", "minimum_spend"]].concat())?;
        return Some((None, case.number("quantity")?));
    }
    Some((Some(case.number("quantity_before")?), case.number("quantity_now")?))
}

/// What each tier contributes to a further quantity.
fn lines(model: &PriceModel, before: Decimal, now: Decimal) -> Option<Vec<Value>> {
    let first = before.is_zero();
    let earlier = if first { Vec::new() } else { model.parts(before).ok()? };
    let line = |part: TierPart| {
        let same = earlier.iter().find(|old| old.tier == part.tier);
        let quantity = part.quantity - same.map_or(Decimal::ZERO, |old| old.quantity);
        let amount = part.amount - same.map_or(Decimal::ZERO, |old| old.amount);
        let (quantity, amount) = (quantity.normalize(), amount.normalize());
        let worth = first || !(quantity.is_zero() && amount.is_zero());
        let (quantity, amount) = (quantity.to_string(), amount.to_string());
        worth.then(|| json!({ "tier": part.tier, "quantity": quantity, "amount": amount }))
    };
    Some(model.parts(before.checked_add(now)?).ok()?.into_iter().filter_map(line).collect())
}

/// A percentage of an amount; a fee per event is a second price, per unit.
pub(crate) fn percentage(case: &Case) -> Option<Value> {
    let own = ["model", "rate_percent", "quantity"];
    let events = ["fixed_per_event", "events", "running_total_of_first_events"];
    // Free events and bounds are known to be absent: `is_per_event` skips the case otherwise.
    case.only(&[&own[..], &events[..], PER_EVENT].concat())?;
    (case.text("model")? == "percentage").then_some(())?;
    let percent = PriceModel::Percentage { percent: case.number("rate_percent")? };
    let mut exact = percent.checked(Currency::EUR).ok()?.exact(case.number("quantity")?).ok()?;
    if case.has("fixed_per_event") {
        let fee = PriceModel::PerUnit { unit_price: case.number("fixed_per_event")? };
        let fees = fee.checked(Currency::EUR).ok()?.exact(case.number("events")?).ok()?;
        exact = exact.checked_add(fees)?;
    }
    Some(json!({ "amount": shown(case, exact)? }))
}

const PER_EVENT: &[&str] =
    &["free_events", "free_total", "per_event_min", "per_event_max", "event_amounts"];

/// Whether a percentage has free events, or bounds that hold for each event; none of them is none.
pub(crate) fn is_per_event(case: &Case) -> bool {
    PER_EVENT.iter().any(|key| case.has(key) && case.number(key) != Some(Decimal::ZERO))
}

/// Rounding of an amount, and of lines before they are added.
pub(crate) fn rounding(case: &Case) -> Option<Value> {
    case.only(&["amount", "credits", "lines", "currency"])?;
    let currency = Currency::from_code(case.text("currency")?).ok()?;
    let round = |value: &Value| Money::round(case::number(value)?, currency).ok();
    let mut answers = Map::new();
    if let Some(amount) = case.given("amount").or_else(|| case.given("credits")) {
        let amount = round(amount)?;
        answers.insert("amount".into(), json!(amount.major().to_string()));
        answers.insert("cents".into(), json!(amount.minor()));
    }
    if case.has("lines") {
        let lines: Option<Vec<Money>> = case.list("lines")?.iter().map(round).collect();
        let sum = Money::sum(currency, lines?).ok()?;
        answers.insert("subtotal".into(), json!(sum.major().to_string()));
    }
    Some(Value::Object(answers))
}

/// A period of so many days, and its first days.
fn days(served: i64, whole: i64) -> Option<(Period, Period)> {
    let start = date::EARLIEST;
    let period = |days: i64| Period { start, end: date::add_days(start, days) };
    (0 <= served && served <= whole).then(|| (period(whole), period(served)))
}

fn cents(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

/// The part of a minimum that a part of a period needs.
pub(crate) fn minimum_of_part(case: &Case) -> Option<Value> {
    case.only(&["commitment_cents", "days_served", "period_days"])?;
    let (whole, part) = days(case.integer("days_served")?, case.integer("period_days")?)?;
    let minimum = true_up(cents(case.integer("commitment_cents")?), cents(0), whole, part).ok()?;
    Some(json!({ "prorated_commitment_cents": minimum.minor() }))
}

/// What is missing to a minimum, after fees in cents or after an amount that is rounded first.
pub(crate) fn minimum_missing(case: &Case) -> Option<Value> {
    let (whole, part) = days(1, 1)?;
    if case.has("commitment_cents") {
        case.only(&["commitment_cents", "fees_of_the_period_cents"])?;
        let fees: Option<Vec<i64>> =
            case.list("fees_of_the_period_cents")?.iter().map(Value::as_i64).collect();
        let charged = Money::sum(Currency::EUR, fees?.into_iter().map(cents)).ok()?;
        let minimum = cents(case.integer("commitment_cents")?);
        let missing = true_up(minimum, charged, whole, part).ok()?;
        return Some(json!({ "true_up_cents": missing.minor() }));
    }
    case.only(&["commitment", "used", "currency"])?;
    let currency = Currency::from_code(case.text("currency")?).ok()?;
    let minimum = Money::exact(case.number("commitment")?, currency).ok()?;
    let charged = Money::round(case.number("used")?, currency).ok()?;
    let missing = true_up(minimum, charged, whole, part).ok()?;
    Some(json!({ "true_up": missing.major().to_string() }))
}

/// What a price of tiers or packages costs with its minimum; the last of several bills of a
/// period makes up for what is missing.
pub(crate) fn minimum_of_price(case: &Case) -> Option<Value> {
    let more = ["minimum_spend", "billed_before", "last_slice_of_period"];
    case.only(&[MODEL, QUANTITY, &more[..]].concat())?;
    let model = model(case)?;
    let euros = |value: Decimal| Money::exact(value, Currency::EUR).ok();
    let billed =
        if case.has("billed_before") { case.number("billed_before")? } else { Decimal::ZERO };
    let amount = match (case.has("quantity"), case.has("quantity_before")) {
        (true, _) => model.amount(quantities(case)?.1, Currency::EUR).ok()?,
        (false, true) => {
            let (before, now) = quantities(case)?;
            Money::round(model.difference(before?, now).ok()?, Currency::EUR).ok()?
        }
        // Nothing more in this slice costs nothing more.
        (false, false) if case.number("quantity_now")?.is_zero() => cents(0),
        (false, false) => return None,
    };
    let charged = euros(billed)?.checked_add(amount).ok()?;
    let last = case.given("last_slice_of_period").is_none_or(|last| last == &json!(true));
    let least =
        if case.has("minimum_spend") { case.number("minimum_spend")? } else { Decimal::ZERO };
    let (whole, part) = days(1, 1)?;
    let missing = if last { true_up(euros(least)?, charged, whole, part).ok()? } else { cents(0) };
    Some(json!({
        "amount": amount.major().to_string(),
        "minimum_top_up": missing.major().to_string(),
        "total": amount.checked_add(missing).ok()?.major().to_string(),
    }))
}

/// Late usage of periods that were invoiced, each with its own tiers.
pub(crate) fn usage_delta(case: &Case) -> Option<Value> {
    let dates = ["usage", "period_start", "first_billing_date", "already_invoiced"];
    case.only(&[&["tiers", "policy"], &dates[..]].concat())?;
    let model = blocks(case, case.text("policy")?)?.checked(Currency::EUR).ok()?;
    let events = events(case)?;
    let mut items = Vec::new();
    let mut expected_start = case.date("period_start")?;
    for (position, invoiced) in case.list("already_invoiced")?.iter().enumerate() {
        case::only(invoiced, &["from", "to", "amount"])?;
        let start = case::date(invoiced.get("from")?)?;
        let end = match case::text(invoiced.get("to")?)? {
            "period_end" => date::LATEST,
            end => end.parse().ok()?,
        };
        (start == expected_start).then_some(())?;
        expected_start = end;
        let period = Period { start, end };
        let used = events.total(Aggregation::Sum, period, chrono_tz::UTC).ok()?.quantity();
        let billed = Money::exact(case::number(invoiced.get("amount")?)?, Currency::EUR).ok()?;
        let more = late(&model, used, cents(0), billed).ok()?;
        if !more.is_zero() {
            let (total, delta) = (billed.checked_add(more).ok()?.major(), more.major());
            items.push(json!({
                "period": position + 1,
                "to_be_billed_total": total.to_string(),
                "delta": delta.to_string(),
            }));
        }
    }
    Some(json!({ "new_items": items }))
}

fn events(case: &Case) -> Option<Events> {
    let event = |(position, usage): (usize, &Value)| {
        case::only(usage, &["date", "quantity"])?;
        let day: Date = case::date(usage.get("date")?)?;
        let quantity = case::number(usage.get("quantity")?)?;
        let at = day.and_time(NaiveTime::MIN).and_utc();
        Some(Event { id: format!("event {position}"), at, quantity, value: None })
    };
    case.list("usage")?.iter().enumerate().map(event).collect()
}
