//! Cases about a subscription's life: changed and paused, with what is credited, and how credits
//! and balances settle invoices.
//!
//! Purpose: each function computes the answers to one shape by billing runs on the days on which
//! the case has them, or nothing when the case has another shape.
//!
//! Invariants: documents come from [`domain::billing::bill`], settlement from
//! [`domain::balance::Balance`]; an account credit that is generated or used is the movement of
//! the customer's balance.
//!
//! Deliberately absent: changes of the billing day, refunds.

use std::collections::HashMap;

use domain::balance::Balance;
use domain::billing::{Account, Horizon, Lines, Material, bill};
use domain::date::{self, Date};
use domain::id::{IntentId, ItemId, OrgId, PriceId, ProductId, Sequence};
use domain::invoice::{Charge, Draft, Heading, LineKind, Origin, draft};
use domain::ledger::Chart;
use domain::money::{Currency, Money};
use domain::numbering::Pattern;
use domain::organization::{Address, Language, OrgKind, Organization};
use domain::period::{Alignment, Interval, Period};
use domain::plan::{Price, PriceModel, Product, RevenueKind, Timing};
use domain::subscription::{Intent, NewPause, Subscription};
use domain::vat::{VatCategory, VatRates, VatTreatment};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::case::{self, Case};
use crate::documents::customer;
use crate::grid;

fn seller() -> Organization {
    Organization {
        id: OrgId(Uuid::nil()),
        kind: OrgKind::Sandbox,
        legal_name: String::new(),
        registration_number: None,
        address: Address { country: "NL".to_owned(), ..Address::default() },
        vat_number: None,
        iban: None,
        email: None,
        default_currency: Currency::EUR,
        time_zone: chrono_tz::UTC,
        language: Language::English,
        small_business: false,
        issue_zero_invoices: false,
        draft_grace_days: 0,
        payout_day: 1,
        minimum_payout: Money::zero(Currency::EUR),
        pre_notification_days: 14,
        number_pattern: Pattern::default(),
        invoice_prefix: String::new(),
        credit_note_prefix: String::new(),
        payment_terms_days: 0,
        chart: Chart::default(),
        sandbox_now: None,
    }
}

/// A subscription at a price that changes, with what was billed.
struct Life {
    currency: Currency,
    subscription: Subscription,
    prices: HashMap<PriceId, Price>,
    product: Product,
    lines: Lines,
    balance: Balance,
    ids: Sequence,
    made: u128,
}

impl Life {
    fn new(interval: Interval, timing: Timing, start: Date, price: Money) -> Option<Self> {
        let mut subscription = grid::subscribe(interval, timing, Alignment::OwnDay, start, 0)?;
        let product = Product {
            id: ProductId(Uuid::nil()),
            name: String::new(),
            vat_category: VatCategory::Zero,
            revenue: RevenueKind::Subscription,
            unit_label: None,
        };
        subscription.currency = price.currency();
        let mut life = Self {
            currency: price.currency(),
            subscription,
            prices: HashMap::new(),
            product,
            lines: Lines::default(),
            balance: Balance::of(Money::zero(price.currency())),
            ids: Sequence::new(chrono::DateTime::UNIX_EPOCH),
            made: 0,
        };
        let price = life.price(price);
        life.subscription.items.iter_mut().for_each(|item| item.price_id = price);
        Some(life)
    }

    fn price(&mut self, amount: Money) -> PriceId {
        self.made += 1;
        let id = PriceId(Uuid::from_u128(self.made));
        let price = Price {
            id,
            product_id: self.product.id,
            component: "base".to_owned(),
            currency: self.currency,
            model: PriceModel::Flat { amount: amount.major() },
            minimum: None,
            meter_id: None,
            feature_id: None,
        };
        self.prices.insert(id, price);
        id
    }

    /// What a run on a day makes. Everything before it has been paid.
    fn run(&mut self, today: Date) -> Option<Vec<Draft>> {
        let _ = self.subscription.turn(today);
        self.balance.open.clear();
        let (seller, rates) = (seller(), VatRates::default());
        let customer =
            customer("NL", VatTreatment::Domestic, domain::customer::PartyType::Business);
        let products = HashMap::from([(self.product.id, self.product.clone())]);
        let mut subscriptions = [self.subscription.clone()];
        let mut account = Account {
            customer: &customer,
            currency: self.currency,
            subscriptions: &mut subscriptions,
            waiting: Vec::new(),
            discounts: Vec::new(),
            usage: domain::billing::Usage::default(),
            lines: self.lines.clone(),
            balance: self.balance.clone(),
        };
        let (prices, ids) = (&self.prices, &self.ids);
        let material =
            Material { seller: &seller, rates: &rates, prices, products: &products, ids };
        let billed = bill(&material, &mut account, Horizon::run(today));
        (self.lines, self.balance) = (account.lines, account.balance);
        [self.subscription] = subscriptions;
        billed.refused.is_none().then_some(billed.drafts)
    }

    fn change(&mut self, on: Date, amount: Money) -> Option<()> {
        let price_id = self.price(amount);
        let mut terms = self.subscription.terms_on(on);
        for item in &mut terms.items {
            item.price_id = price_id;
            item.id = ItemId(Uuid::from_u128(self.made));
        }
        let id = IntentId(Uuid::from_u128(self.made));
        self.subscription.change(on, Intent { id, on, terms, named: None, migration_id: None }).ok()
    }

    fn pause(&mut self, from_on: Date, until_on: Date) -> Option<()> {
        let id = IntentId(Uuid::nil());
        let pause = NewPause { id, from_on, until_on: Some(until_on), note: None };
        self.subscription.pause(from_on, pause, LONG_PAUSE).ok().map(drop)
    }
}

/// In months: longer than any case pauses.
const LONG_PAUSE: u32 = 24;

/// A document as the cases write it: charges, credits, then what it did to the balance.
fn items(draft: &Draft) -> Vec<Value> {
    let item = |kind: &'static str, period: Period, amount: Money| {
        json!({
            "from": period.start, "to": period.end, "type": kind,
            "amount": amount.major().to_string(),
        })
    };
    let of = |kind: LineKind, name: &'static str| {
        let lines = draft.lines.iter().filter(move |line| line.charge.kind == kind);
        lines.map(move |line| item(name, line.charge.service, line.charge.net))
    };
    let charges = of(LineKind::Recurring, "recurring");
    let credits = of(LineKind::RecurringCredit, "repair");
    let moved = draft.settlement.balance;
    let day = Period { start: draft.issue_on, end: draft.issue_on };
    let balance = (!moved.is_zero()).then(|| item("account_credit", day, moved));
    charges.chain(credits).chain(balance).collect()
}

fn money(value: Option<&Value>, currency: Currency) -> Option<Money> {
    Money::parse(case::text(value?)?, currency).ok()
}

fn period(case: &Case, key: &str) -> Option<Period> {
    let days: Option<Vec<Date>> = case.list(key)?.iter().map(case::date).collect();
    let [start, end] = days?[..] else { return None };
    Some(Period { start, end })
}

/// A subscription on the first of its periods, which the case gives.
fn running(case: &Case, price: &str) -> Option<(Life, Period)> {
    let interval = grid::interval(case.text("period")?)?;
    let first = period(case, "service_period")?;
    let price = money(case.given(price), Currency::EUR)?;
    let life = Life::new(interval, grid::timing(case.text("mode")?)?, first.start, price)?;
    (life.subscription.grid.period_containing(first.start) == first).then_some((life, first))
}

/// A price that changes within a period; then runs on days that are given.
pub(crate) fn plan_change(case: &Case) -> Option<Value> {
    case.only(&["mode", "period", "service_period", "initial_price", "changes", "next_runs"])?;
    let (mut life, first) = running(case, "initial_price")?;
    let mut drafts = life.run(first.start)?;
    for change in case.list("changes")? {
        case::only(change, &["date", "new_price"])?;
        let on = case::date(change.get("date")?)?;
        life.change(on, money(change.get("new_price"), life.currency)?)?;
        drafts.extend(life.run(on)?);
    }
    for on in case.list("next_runs").into_iter().flatten() {
        drafts.extend(life.run(case::date(on)?)?);
    }
    Some(json!({ "invoices": drafts.iter().map(items).collect::<Vec<_>>() }))
}

/// A pause within a period; the first document is the one that credits it.
pub(crate) fn pause_resume(case: &Case) -> Option<Value> {
    case.only(&["mode", "period", "service_period", "price", "pause", "resume"])?;
    let (mut life, first) = running(case, "price")?;
    let (pause, resume) = (case.date("pause")?, case.date("resume")?);
    (resume < first.end).then_some(())?;
    life.run(first.start)?;
    life.pause(pause, resume)?;
    let mut drafts = life.run(pause)?;
    drafts.extend(life.run(resume)?);
    drafts.extend(life.run(first.end)?);
    Some(json!({ "invoices": drafts.iter().map(items).collect::<Vec<_>>() }))
}

/// Whether a case charges beyond the end of the period in which it pauses: on a grid that the
/// pause moved.
pub(crate) fn pause_moves_the_anchor(case: &Case) -> bool {
    let Some(first) = period(case, "service_period") else { return false };
    let invoices = case.expected.get("invoices").and_then(Value::as_array);
    let items = invoices.into_iter().flatten().filter_map(Value::as_array).flatten();
    let date = |item: &Value, key: &str| item.get(key).and_then(case::date);
    case.has("pause")
        && items.filter(|item| item.get("type") == Some(&json!("recurring"))).any(|item| {
            let (from, to) = (date(item, "from"), date(item, "to"));
            from.is_some_and(|from| from < first.end) && to.is_some_and(|to| to > first.end)
        })
}

/// A pause in a long period: what is credited and what is charged again.
pub(crate) fn pause_in_period(case: &Case) -> Option<Value> {
    case.only(&["mode", "period", "billing_day", "start", "pause", "resume"])?;
    let (start, pause, resume) = (case.date("start")?, case.date("pause")?, case.date("resume")?);
    let interval = grid::interval(case.text("period")?)?;
    (i64::from(chrono::Datelike::day(&start)) == case.integer("billing_day")?).then_some(())?;
    let price = Money::new(100_000, Currency::EUR);
    let mut life = Life::new(interval, grid::timing(case.text("mode")?)?, start, price)?;
    let of = |drafts: &[Draft], kind: LineKind| {
        let [draft] = drafts else { return None };
        let [line] = &draft.lines[..] else { return None };
        (line.charge.kind == kind).then_some(line.charge.service)
    };
    let first = of(&life.run(start)?, LineKind::Recurring)?;
    life.pause(pause, resume)?;
    let credited = of(&life.run(pause)?, LineKind::RecurringCredit)?;
    let again = of(&life.run(resume)?, LineKind::Recurring)?;
    // Nothing more before the period is over.
    life.run(date::add_days(first.end, -1))?.is_empty().then_some(())?;
    let days = |period: Period| json!([period.start, period.end]);
    let fraction = |part: Period| format!("{}/{}", part.days(), first.days());
    Some(json!({
        "first_invoice": days(first),
        "repair": days(credited),
        "repair_fraction_of_year": fraction(credited),
        "after_resume": days(again),
        "rebilled_fraction_of_year": fraction(again),
    }))
}

/// Another price within a period: what is charged and not credited.
pub(crate) fn change_in_period(case: &Case) -> Option<Value> {
    case.only(&["mode", "currency", "period", "old_price", "new_price", "change_on"])?;
    let currency = Currency::from_code(case.text("currency")?).ok()?;
    let (first, on) = (period(case, "period")?, case.date("change_on")?);
    let timing = grid::timing(case.text("mode")?)?;
    let price = |key: &str| money(case.given(key), currency);
    let mut life = Life::new(Interval::MONTHLY, timing, first.start, price("old_price")?)?;
    (life.subscription.grid.period_containing(first.start) == first).then_some(())?;
    let mut drafts = life.run(first.start)?;
    life.change(on, price("new_price")?)?;
    let error = match life.run(on) {
        Some(more) => {
            drafts.extend(more);
            Value::Null
        }
        None => json!("refused"),
    };
    let lines: Vec<_> = drafts.iter().flat_map(|draft| &draft.lines).collect();
    let mut net = Vec::new();
    for line in lines.iter().filter(|line| line.charge.corrects.is_none()) {
        let (mut service, mut amount) = (line.charge.service, line.charge.net);
        for credit in &lines {
            if credit.charge.corrects.as_ref().is_some_and(|taken| taken.line_id == line.id) {
                service.end = service.end.min(credit.charge.service.start);
                amount = amount.checked_add(credit.charge.net).ok()?;
            }
        }
        if !service.is_empty() {
            net.push(json!([service.start, service.end, amount.major().to_string()]));
        }
    }
    let total = Money::sum(currency, drafts.iter().map(|draft| draft.total)).ok()?;
    Some(json!({
        "net_items": net,
        "total": total.major().to_string(),
        "error": error,
    }))
}

/// A document of one amount without VAT; below zero it corrects an invoice.
fn document(minor: i64, corrects: Option<&Draft>) -> Option<Draft> {
    let (seller, rates) = (seller(), VatRates::default());
    let customer = customer("NL", VatTreatment::Domestic, domain::customer::PartyType::Business);
    let day = date::EARLIEST;
    let net = Money::new(minor, Currency::EUR);
    let product = Product {
        id: ProductId(Uuid::nil()),
        name: String::new(),
        vat_category: VatCategory::Zero,
        revenue: RevenueKind::Subscription,
        unit_label: None,
    };
    let origin = Origin::OneOff { charge_id: domain::id::ChargeId(Uuid::nil()) };
    let service = Period { start: day, end: date::add_days(day, 1) };
    let charge = Charge::of_product(origin, LineKind::OneOff, &product, service, net);
    let corrects = corrects.and_then(|draft| {
        let line = draft.lines.first()?;
        Some(domain::invoice::Corrected {
            line_id: line.id,
            invoice_id: draft.id,
            vat: line.vat,
            unearned: Money::zero(Currency::EUR),
        })
    });
    let heading = Heading {
        seller: &seller,
        customer: &customer,
        rates: &rates,
        currency: Currency::EUR,
        billing_on: day,
        issue_on: day,
    };
    let ids = Sequence::new(chrono::DateTime::UNIX_EPOCH);
    draft(&heading, &ids, vec![Charge { corrects, ..charge }]).ok()
}

/// An invoice with what pays it: the balance, money, a credit note.
pub(crate) fn invoice_balance(case: &Case) -> Option<Value> {
    let charges = ["recurring", "external_charge"];
    case.only(&[&charges[..], &["account_credit", "paid", "item_adjustment"]].concat())?;
    let minor = |key: &str| match case.given(key) {
        None => Some(0),
        given => Some(money(given, Currency::EUR)?.minor()),
    };
    let [charged] = charges.iter().filter(|key| case.has(key)).collect::<Vec<_>>()[..] else {
        return None;
    };
    let mut balance = Balance::of(Money::new(minor("account_credit")?, Currency::EUR));
    let mut invoice = document(minor(charged)?, None)?;
    balance.settle(&mut invoice).ok()?;
    let open = balance.open.get_mut(&invoice.id)?;
    *open = open.checked_sub(Money::new(minor("paid")?, Currency::EUR)).ok()?;
    (open.minor() >= 0).then_some(())?;
    let (mut net, mut generated) = (invoice.total, Money::zero(Currency::EUR));
    if case.has("item_adjustment") {
        let mut credit_note = document(minor("item_adjustment")?, Some(&invoice))?;
        balance.settle(&mut credit_note).ok()?;
        net = net.checked_add(credit_note.total).ok()?;
        generated = credit_note.settlement.balance;
    }
    let text = |amount: Money| amount.major().to_string();
    Some(json!({
        "charged": text(net),
        "balance": text(*balance.open.get(&invoice.id)?),
        "account_credit_generated": text(generated),
    }))
}
