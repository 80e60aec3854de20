//! Cases about what stands on documents: discounts, VAT, credits.
//!
//! Purpose: each function computes the answers to one shape, or nothing when the case has another.
//!
//! Invariants: shares are whole cents; VAT is computed once per rate of a document.
//!
//! Deliberately absent: what becomes of a credit (it settles invoices or adds to a balance).

use std::collections::BTreeSet;

use domain::customer::{Customer, PartyType};
use domain::date::{self, Date};
use domain::decimal;
use domain::discount::{Discount, Duration, Reduction, Scope, apply};
use domain::id::CustomerId;
use domain::money::{Currency, Money};
use domain::organization::Address;
use domain::period::{Period, prorate};
use domain::price::true_up;
use domain::vat::{
    EU_COUNTRIES, LineVat, VatCategory, VatClass, VatParties, VatRate, VatRates, VatTreatment,
    breakdown, line_vat,
};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::case::{self, Case};

fn cents(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn at_rate(percent: Decimal) -> LineVat {
    LineVat { class: VatClass::Standard, percent }
}

fn vat_of(net: Money, percent: Decimal) -> Option<Money> {
    let rows = breakdown(Currency::EUR, [(at_rate(percent), net)]).ok()?;
    Money::sum(Currency::EUR, rows.iter().map(|row| row.tax)).ok()
}

struct Fee {
    net: Money,
    percent: Option<Decimal>,
    subscription: Option<i64>,
}

fn fees(case: &Case) -> Option<Vec<Fee>> {
    let fee = |fee: &Value| {
        case::only(fee, &["name", "net_cents", "tax_percent", "subscription"])?;
        let percent = match fee.get("tax_percent") {
            None => None,
            Some(percent) => Some(case::number(percent)?),
        };
        let subscription = fee.get("subscription").and_then(Value::as_i64);
        Some(Fee { net: cents(fee.get("net_cents")?.as_i64()?), percent, subscription })
    };
    case.list("fees")?.iter().map(fee).collect()
}

fn coupons(case: &Case, fees: &[Fee]) -> Option<Vec<(Reduction, Scope)>> {
    let list = case.list("coupons").or_else(|| case.list("coupons_in_order"))?;
    let coupon = |coupon: &Value| {
        case::only(coupon, &["type", "cents", "percent", "applies_to"])?;
        let reduction = match coupon.get("type").map_or(Some("fixed"), case::text)? {
            "fixed" => Reduction::Fixed { amount: cents(coupon.get("cents")?.as_i64()?) },
            "percentage" | "percent" => {
                Reduction::Percentage { percent: case::number(coupon.get("percent")?)? }
            }
            _ => return None,
        };
        let discount = Discount { reduction, duration: Duration::Once };
        discount.checked(Currency::EUR).ok()?;
        let scope = coupon.get("applies_to").map_or(Some("all"), case::text)?;
        Some((reduction, scope_of(scope, fees)?))
    };
    list.iter().map(coupon).collect()
}

/// `all`, `fees 1-2`, `fee 3`, `subscription 2`.
fn scope_of(words: &str, fees: &[Fee]) -> Option<Scope> {
    if words == "all" {
        return Some(Scope::All);
    }
    let (what, which) = words.split_once(' ')?;
    if what == "subscription" {
        let number: i64 = which.parse().ok()?;
        let its =
            |(position, fee): (usize, &Fee)| (fee.subscription == Some(number)).then_some(position);
        return Some(Scope::Lines(fees.iter().enumerate().filter_map(its).collect()));
    }
    ["fee", "fees"].contains(&what).then_some(())?;
    let (first, last) = which.split_once('-').unwrap_or((which, which));
    let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    Some(Scope::Lines((first.checked_sub(1)?..last.min(fees.len())).collect()))
}

/// Coupons spread over fees before VAT.
pub(crate) fn discount(case: &Case) -> Option<Value> {
    case.only(&["fees", "coupons", "coupons_in_order"])?;
    let fees = fees(case)?;
    let nets: Vec<Money> = fees.iter().map(|fee| fee.net).collect();
    let discounted = apply(Currency::EUR, &nets, &coupons(case, &fees)?).ok()?;
    let sum = |amounts: &[Money]| Money::sum(Currency::EUR, amounts.iter().copied()).ok();
    let offs: Vec<Money> = (0..fees.len())
        .map(|position| discounted.off(position, Currency::EUR).ok())
        .collect::<Option<_>>()?;
    let left: Vec<Money> = discounted.uses.iter().map(|one| one.left).collect();
    let rated = fees.iter().zip(&discounted.nets);
    let rated: Vec<(LineVat, Money)> =
        rated.filter_map(|(fee, net)| Some((at_rate(fee.percent?), *net))).collect();
    let rows = breakdown(Currency::EUR, rated.iter().copied()).ok()?;
    let tax = sum(&rows.iter().map(|row| row.tax).collect::<Vec<_>>())?;
    let net = sum(&discounted.nets)?;
    let texts = |amounts: &[Money]| {
        amounts.iter().map(|one| one.minor().to_string()).collect::<Vec<String>>()
    };
    let mut answers = Map::new();
    let mut answer = |key: &str, value: Value| answers.insert(key.to_owned(), value);
    answer("coupon_share_cents", json!(texts(&offs)));
    answer("credit_cents", json!(sum(&offs)?.minor()));
    answer("coupon_left_cents", json!(sum(&left)?.minor()));
    answer("net_total", json!(sum(&nets)?.minor()));
    answer("discount_total", json!(sum(&offs)?.minor()));
    answer("net_after_discount", json!(net.minor()));
    answer("tax_total", json!(tax.minor()));
    answer("total", json!(net.checked_add(tax).ok()?.minor()));
    // A rate that one fee has alone: its VAT is the fee's VAT.
    if rows.len() == fees.len() {
        let own = |line: &(LineVat, Money)| rows.iter().find(|row| row.vat == line.0);
        let taxes: Vec<i64> = rated.iter().filter_map(own).map(|row| row.tax.minor()).collect();
        answer("tax_cents", json!(taxes));
    }
    Some(Value::Object(answers))
}

/// Whether a case wants shares with fractions of a cent.
pub(crate) fn has_parts_of_cents(case: &Case) -> bool {
    let whole = |value: &Value| case::number(value).is_some_and(|n| decimal::places(n) == 0);
    let shares = case.expected.get("coupon_share_cents").and_then(Value::as_array);
    case.expects("coupon_share_cents_5dp") || shares.is_some_and(|list| !list.iter().all(whole))
}

/// Whether a case wants the VAT of each of several fees of one rate.
pub(crate) fn has_vat_per_line(case: &Case) -> bool {
    let Some(fees) = fees(case) else { return false };
    let rates: BTreeSet<Decimal> = fees.iter().filter_map(|fee| fee.percent).collect();
    case.expects("tax_cents") && rates.len() < fees.len()
}

/// The net of an invoice credited by the unused days at the end of its period, and VAT on it as on
/// every document: once, on the rounded net.
pub(crate) fn credit_note(case: &Case) -> Option<Value> {
    case.only(&["amount_cents", "tax_percent", "period_days", "unused_days", "invoice"])?;
    let (whole, unused) = (case.integer("period_days")?, case.integer("unused_days")?);
    let start = date::EARLIEST;
    let whole = Period { start, end: date::add_days(start, whole) };
    let unused = Period { start: date::add_days(whole.end, -unused), ..whole };
    let (net, percent) = (cents(case.integer("amount_cents")?), case.number("tax_percent")?);
    if let Some(invoice) = case.given("invoice") {
        case::only(invoice, &["net", "tax", "total"])?;
        let stated = (invoice.get("net")?.as_i64()?, invoice.get("tax")?.as_i64()?);
        (stated == (net.minor(), vat_of(net, percent)?.minor())).then_some(())?;
    }
    let net = prorate(net, whole, unused).ok()?;
    let tax = vat_of(net, percent)?;
    Some(json!({
        "net_cents": net.minor(),
        "tax_cents": tax.minor(),
        "total_cents": net.checked_add(tax).ok()?.minor(),
    }))
}

/// The true-up of a period, or of one that ended early, on a document with VAT and a credit. Here
/// the last day served is inclusive, as the cases say.
pub(crate) fn minimum_on_document(case: &Case) -> Option<Value> {
    case.only(&["usage_cents", "minimum_cents", "served", "period_days", "tax_percent"])?;
    let (first, end, days) = if case.has("served") {
        let served: Option<Vec<Date>> = case.list("served")?.iter().map(case::date).collect();
        let [first, last] = served?[..] else { return None };
        (first, date::add_days(last, 1), case.integer("period_days")?)
    } else {
        (date::EARLIEST, date::add_days(date::EARLIEST, 1), 1)
    };
    let whole = Period { start: first, end: date::add_days(first, days) };
    let part = Period { start: first, end };
    let usage = cents(case.integer("usage_cents")?);
    let missing = true_up(cents(case.integer("minimum_cents")?), usage, whole, part).ok()?;
    let percent = case.number("tax_percent")?;
    let net = usage.checked_add(missing).ok()?;
    let tax = vat_of(net, percent)?;
    let total = net.checked_add(tax).ok()?;
    let credit = case.expected.get("unused_subscription_credit_cents").and_then(Value::as_i64);
    Some(json!({
        "true_up_cents": missing.minor(),
        "true_up_tax_cents": vat_of(missing, percent)?.minor(),
        "net_cents": net.minor(),
        "tax_cents": tax.minor(),
        "total_cents": total.minor(),
        "unused_subscription_credit_cents": credit,
        "due_cents": total.minor().checked_sub(credit.unwrap_or(0))?,
    }))
}

/// Which VAT a sale of a standard product bears. Every country gets a rate of its own, so that
/// the rate tells the country.
pub(crate) fn eu_vat(case: &Case) -> Option<Value> {
    case.only(&["seller", "country", "vat_id", "zip"])?;
    let (seller, country) = (case.text("seller")?, case.text("country")?);
    let in_eu = EU_COUNTRIES.contains(&country);
    let business = case.has("vat_id");
    let treatment = match (in_eu, business && country != seller) {
        (false, _) => VatTreatment::OutsideEu,
        (true, true) => VatTreatment::EuReverseCharge,
        (true, false) => VatTreatment::Domestic,
    };
    let party_type = if business { PartyType::Business } else { PartyType::Consumer };
    let customer = customer(country, treatment, party_type);
    let rate = |(position, country): (u8, &&str)| VatRate {
        country: (*country).to_owned(),
        category: VatCategory::Standard,
        valid_from: date::EARLIEST,
        percent: Decimal::from(position) + Decimal::ONE,
    };
    let rates: VatRates = (0..).zip(&EU_COUNTRIES).map(rate).collect();
    let rate_country = customer.vat_country(seller);
    let parties = VatParties { rate_country, small_business: false, treatment };
    let vat = line_vat(&rates, parties, VatCategory::Standard, date::LATEST).ok()?;
    let code = match vat.class {
        VatClass::ReverseCharge => "reverse_charge".to_owned(),
        VatClass::Export | VatClass::OutsideScope => "tax_exempt".to_owned(),
        _ => {
            let named = |country: &&&str| {
                rates.percent(country, VatCategory::Standard, date::LATEST) == Ok(vat.percent)
            };
            format!("{}_standard", EU_COUNTRIES.iter().find(named)?.to_lowercase())
        }
    };
    Some(json!({ "tax_code": code }))
}

pub(crate) fn customer(
    country: &str,
    vat_treatment: VatTreatment,
    party_type: PartyType,
) -> Customer {
    Customer {
        id: CustomerId(Uuid::nil()),
        name: String::new(),
        address: Address { country: country.to_owned(), ..Address::default() },
        email: None,
        vat_number: None,
        vat_treatment,
        currency: Currency::EUR,
        payment_terms_days: None,
        scheme: None,
        party_type,
        treat_as_consumer: false,
        language: None,
        external_reference: None,
        in_arrears: false,
        block: None,
    }
}

/// Whether the expected code is none of those that a country's own rate, reverse charge or a sale
/// outside the EU gives.
pub(crate) fn is_special_territory(case: &Case) -> bool {
    let code = case.expected.get("tax_code").and_then(Value::as_str).unwrap_or("");
    let plain = ["reverse_charge", "tax_exempt"].contains(&code);
    !plain && code.strip_suffix("_standard").is_none_or(|country| country.len() != 2)
}
