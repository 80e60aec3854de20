//! A small vendor for tests: one customer, one subscription, and what is stored about them.
//!
//! Purpose: runs the rules day by day as the use cases do, and keeps what a database would keep.
//!
//! Invariants: every run reads lines, deferrals, open amounts and the balance anew from what was
//! kept, so that nothing survives in memory from one run to the next.
//!
//! Deliberately absent: numbers; discounts and usage unless a test puts them in.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::*;
use crate::date;
use crate::decimal;
use crate::discount::AppliedDiscount;
use crate::id::{CustomerId, EntryId, IntentId, PlanId, PlanVersionId};
use crate::invoice::Line;
use crate::invoice::tests::{buyer, ids, seller};
use crate::ledger::{Account as LedgerAccount, document_entry, recognition_entry};
use crate::period::{Alignment, Interval, Unit};
use crate::plan::{CancelPolicy, PlanVersion, RevenueKind, Timing};
use crate::price::PriceModel;
use crate::subscription::{CancelReason, CancelWhen, Intent, Named, NewPause, Start, Turn};
use crate::vat::{VatCategory, built_in_rates};
use rust_decimal::Decimal;

/// The longest pause, in months.
pub(crate) const PAUSE_MONTHS: u32 = 3;

pub(crate) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// A version from its interval and, per component, its price model and minimum.
pub(crate) fn version(
    number: i32,
    interval: (u32, Unit),
    timing: Timing,
    prices: Vec<(PriceModel, Option<i64>)>,
) -> PlanVersion {
    let price = |(at, (model, minimum)): (usize, (PriceModel, Option<i64>))| Price {
        id: PriceId(id(u128::from(number.unsigned_abs()) * 100 + at as u128)),
        product_id: ProductId(id(1)),
        component: ["base", "seats", "extra"][at].to_owned(),
        currency: Currency::EUR,
        model,
        minimum: minimum.map(|minor| Money::new(minor, Currency::EUR)),
        meter_id: None,
        feature_id: None,
    };
    PlanVersion {
        id: PlanVersionId(id(u128::from(number.unsigned_abs()))),
        plan_id: PlanId(id(1)),
        number,
        valid_from: date::EARLIEST,
        interval: Interval::new(interval.0, interval.1).unwrap(),
        timing,
        trial_days: 0,
        cancel_policy: CancelPolicy::PeriodEnd,
        max_pause_months: PAUSE_MONTHS,
        prices: prices.into_iter().enumerate().map(price).collect(),
    }
}

pub(crate) fn flat(amount: &str) -> PriceModel {
    PriceModel::Flat { amount: decimal::parse(amount).unwrap() }
}

pub(crate) fn per_unit(unit_price: &str) -> PriceModel {
    PriceModel::PerUnit { unit_price: decimal::parse(unit_price).unwrap() }
}

/// The vendor, the customer, and all that is stored.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) seller: Organization,
    pub(crate) customer: Customer,
    pub(crate) versions: Vec<PlanVersion>,
    pub(crate) subscription: Subscription,
    pub(crate) today: Date,
    pub(crate) documents: Vec<Draft>,
    pub(crate) deferrals: BTreeMap<LineId, Deferral>,
    pub(crate) open: BTreeMap<InvoiceId, Money>,
    pub(crate) balance: Money,
    pub(crate) paid: Money,
    /// Debit less credit of each account.
    pub(crate) accounts: BTreeMap<LedgerAccount, Money>,
    pub(crate) turns: Vec<(Date, Turn)>,
    pub(crate) discounts: Vec<AppliedDiscount>,
    /// What a meter has counted: on which day, how much.
    pub(crate) counted: Vec<(Date, Decimal)>,
    /// The periods of usage that were billed.
    pub(crate) usage: BTreeMap<(ItemId, Date), BilledPeriod>,
    made: u128,
}

pub(crate) const NOTHING: Money = Money::zero(Currency::EUR);

impl World {
    /// A subscription to the first version from a day on, which is today.
    pub(crate) fn new(versions: Vec<PlanVersion>, start_on: Date, alignment: Alignment) -> Self {
        let start = Start {
            id: SubscriptionId(id(1)),
            customer_id: CustomerId(id(1)),
            currency: Currency::EUR,
            start_on,
            alignment,
            quantities: Vec::new(),
        };
        let mut made = 1_000;
        let fresh = || {
            made += 1;
            ItemId(id(made))
        };
        let subscription = Subscription::start(start, &versions[0], start_on, fresh).unwrap();
        Self {
            seller: Organization { issue_zero_invoices: true, ..seller() },
            customer: buyer(),
            versions,
            subscription,
            today: start_on,
            documents: Vec::new(),
            deferrals: BTreeMap::new(),
            open: BTreeMap::new(),
            balance: NOTHING,
            paid: NOTHING,
            accounts: BTreeMap::new(),
            turns: Vec::new(),
            discounts: Vec::new(),
            counted: Vec::new(),
            usage: BTreeMap::new(),
            made,
        }
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.documents.iter().flat_map(|draft| &draft.lines)
    }

    pub(crate) fn price_of(&self, item: ItemId) -> &Price {
        let item = self.subscription.items.iter().find(|one| one.id == item).unwrap();
        let prices = self.versions.iter().flat_map(|version| &version.prices);
        prices.into_iter().find(|price| price.id == item.price_id).unwrap()
    }

    pub(crate) fn fresh(&mut self) -> Uuid {
        self.made += 1;
        id(self.made)
    }

    /// What a use case does before it changes something.
    fn lock(&mut self) {
        let next = self.subscription.next_billing_on();
        self.turns.extend(self.subscription.turn(self.today));
        let after = self.subscription.next_billing_on();
        assert!(
            after == next || next.is_some_and(|next| next <= self.today),
            "what is due next does not move when days pass: {next:?} became {after:?}"
        );
    }

    pub(crate) fn change(&mut self, version: usize, seats: Option<i64>, on: Date) -> bool {
        self.lock();
        let made = &mut self.made;
        let fresh = || {
            *made += 1;
            ItemId(id(*made))
        };
        let quantities: Vec<_> =
            seats.map(|seats| ("seats".to_owned(), Decimal::from(seats))).into_iter().collect();
        let version = &self.versions[version];
        let terms = self.subscription.terms_of_change(version, on, &quantities, fresh).unwrap();
        let named = Some(Named::new(true, &quantities, &terms));
        let intent = Intent { id: IntentId(self.fresh()), on, terms, named, migration_id: None };
        self.subscription.change(self.today, intent).is_ok()
    }

    pub(crate) fn pause(&mut self, from_on: Date, until_on: Option<Date>) -> bool {
        self.lock();
        let pause = NewPause { id: IntentId(self.fresh()), from_on, until_on, note: None };
        self.subscription.pause(self.today, pause, PAUSE_MONTHS).is_ok()
    }

    pub(crate) fn resume(&mut self, on: Date) -> bool {
        self.lock();
        self.subscription.resume(self.today, on).is_ok()
    }

    pub(crate) fn cancel(&mut self, when: CancelWhen) -> bool {
        self.lock();
        self.subscription.cancel(self.today, when, CancelReason::Unknown, None).is_ok()
    }

    pub(crate) fn suspend(&mut self) -> bool {
        self.lock();
        let id = IntentId(self.fresh());
        matches!(self.subscription.suspend(self.today, id), crate::Outcome::Applied(()))
    }

    pub(crate) fn restore(&mut self) -> bool {
        self.lock();
        matches!(self.subscription.restore(self.today), crate::Outcome::Applied(()))
    }

    pub(crate) fn undo(&mut self) -> bool {
        self.lock();
        self.subscription.undo_cancel(self.today).is_ok()
    }

    /// Takes the n-th change or pause to come back.
    pub(crate) fn revoke(&mut self, which: usize) -> bool {
        self.lock();
        let intents = self.subscription.intents.iter().map(|intent| intent.id);
        let pauses = self.subscription.pauses.iter().map(|pause| pause.id);
        let ids: Vec<IntentId> = intents.chain(pauses).collect();
        let Some(id) = ids.get(which % ids.len().max(1)) else { return false };
        self.subscription.revoke(self.today, *id).is_ok()
    }

    /// Pays what is open.
    pub(crate) fn pay(&mut self) {
        for open in self.open.values_mut() {
            self.paid = self.paid.checked_add(*open).unwrap();
            *open = NOTHING;
        }
    }

    fn post(&mut self, entry: &crate::ledger::Entry) {
        for posting in entry.postings() {
            let sum = self.accounts.entry(posting.account).or_insert(NOTHING);
            *sum = sum.checked_add(posting.amount).unwrap();
        }
    }

    /// Earns every month that is over.
    pub(crate) fn recognize(&mut self, today: Date) {
        let mut entries = Vec::new();
        for (line, deferral) in &mut self.deferrals {
            let account = deferral.account;
            for step in deferral.recognize(today).unwrap() {
                let entry = EntryId(Uuid::nil());
                entries.push(recognition_entry(entry, *line, account, step.until, step.amount));
            }
        }
        entries.into_iter().for_each(|entry| self.post(&entry.unwrap()));
    }

    /// The lines that credits may take back, as the database finds them.
    fn latest(&self) -> Lines {
        let mut latest: HashMap<(ItemId, LineKind), (i32, Charged)> = HashMap::new();
        for draft in &self.documents {
            for line in &draft.lines {
                let (kind, change) = (line.charge.kind, line.charge.origin.change());
                let Some(item) = line.charge.origin.item_id() else { continue };
                let charged = Charged {
                    line_id: line.id,
                    invoice_id: draft.id,
                    service: line.charge.service,
                    discount: line.charge.discount,
                    net: line.charge.net,
                    vat: line.vat,
                    deferral: self.deferrals.get(&line.id).cloned(),
                };
                let newest = latest.get(&(item, kind)).is_none_or(|(other_change, other)| {
                    (other.service.start, *other_change) < (charged.service.start, change)
                });
                if newest && matches!(kind, LineKind::Recurring | LineKind::Minimum) {
                    latest.insert((item, kind), (change, charged));
                }
            }
        }
        let asked: HashSet<ItemId> =
            self.subscription.creditable_items().map(|item| item.id).collect();
        let latest = latest.into_iter().filter(|((item, _), _)| asked.contains(item));
        let latest = latest.map(|(key, (_, line))| (key, line)).collect();
        Lines { latest, asked, ..Lines::default() }
    }

    fn count_of(&self, days: Period) -> Decimal {
        let own = self.counted.iter().filter(|(day, _)| days.contains(*day));
        own.map(|(_, quantity)| *quantity).sum()
    }

    /// What the meter counted in all metered parts up to a day, and what arrived late.
    fn usage_until(&self, until: Date) -> super::Usage {
        let metered = self.versions.iter().flat_map(|version| &version.prices);
        if metered.into_iter().all(|price| price.meter_id.is_none()) {
            return super::Usage::default();
        }
        let dues = self.subscription.dues_until(until).into_iter();
        let totals = dues.map(|due| ((due.item_id, due.part), self.count_of(due.part)));
        let subscription_id = self.subscription.id;
        let late = self.usage.values().map(|period| {
            let quantity = self.count_of(period.period);
            Late { subscription_id, period: period.clone(), quantity }
        });
        let late: Vec<Late> = late.filter(|late| late.quantity != late.period.quantity).collect();
        super::Usage { totals: totals.collect(), late, late_alone: true }
    }

    /// The decision for a horizon, about a copy.
    pub(crate) fn billed(&self, horizon: Horizon) -> (Billed, Subscription, Balance) {
        let prices: HashMap<_, _> = self
            .versions
            .iter()
            .flat_map(|version| &version.prices)
            .map(|price| (price.id, price.clone()))
            .collect();
        let product = Product {
            id: ProductId(id(1)),
            name: "Product".into(),
            vat_category: VatCategory::Standard,
            revenue: RevenueKind::Subscription,
            unit_label: None,
        };
        let products = HashMap::from([(product.id, product)]);
        let rates = built_in_rates().into_iter().collect();
        let ids = ids();
        let material = Material {
            seller: &self.seller,
            rates: &rates,
            prices: &prices,
            products: &products,
            ids: &ids,
        };
        let mut subscriptions = [self.subscription.clone()];
        let open = self.open.iter().map(|(id, open)| (*id, *open)).collect();
        let mut account = Account {
            customer: &self.customer,
            currency: Currency::EUR,
            subscriptions: &mut subscriptions,
            waiting: Vec::new(),
            discounts: self.discounts.clone(),
            usage: self.usage_until(horizon.until),
            lines: self.latest(),
            balance: Balance { available: self.balance, open },
        };
        let billed = bill(&material, &mut account, horizon);
        let balance = account.balance;
        let [subscription] = subscriptions;
        (billed, subscription, balance)
    }

    /// A billing run on the day that it is, with everything that is written by it.
    pub(crate) fn run(&mut self) {
        self.lock();
        for _ in 0..20 {
            let (billed, subscription, balance) = self.billed(Horizon::run(self.today));
            assert_eq!(billed.refused, None);
            self.subscription = subscription;
            self.keep(billed);
            self.balance = balance.available;
            for (id, open) in balance.open {
                self.open.insert(id, open);
            }
            if self.subscription.next_billing_on().is_none_or(|on| on > self.today) {
                return;
            }
        }
        panic!("a run comes to an end");
    }

    fn keep(&mut self, billed: Billed) {
        for draft in billed.drafts {
            if let Some(entry) = document_entry(EntryId(Uuid::nil()), &draft).unwrap() {
                self.post(&entry);
            }
            self.documents.push(draft);
        }
        for now in billed.discounts {
            self.discounts
                .iter_mut()
                .filter(|one| one.id == now.id)
                .for_each(|one| *one = now.clone());
        }
        let periods = billed.usage.into_iter();
        self.usage.extend(periods.map(|one| ((one.item_id, one.period.start), one)));
        self.deferrals.extend(billed.deferrals);
        for (line, deferral) in billed.shortened {
            assert!(self.deferrals.insert(line, deferral).is_some(), "it was there before");
        }
    }
}
