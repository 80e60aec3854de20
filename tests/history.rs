//! Properties: whatever happened, the books are right.
//!
//! Purpose: random histories of several customers on plans of all kinds, with cancellations taken
//! back, a clock that jumps, and connections that break anywhere. After each, the auditor's own
//! computation agrees line by line, numbers have no gap, and every preview was what the run made.

use std::sync::Arc;

use app::{Ctx, Error};
use domain::customer::Customer;
use domain::date::{Date, add_days};
use domain::id::{PlanId, SubscriptionId};
use domain::period::{Alignment, Interval, Unit};
use domain::plan::{PriceModel, Timing};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use testkit::{Cut, Database, ManualClock, Offer, Proxy, Vendor, amount, books};

/// Histories per property: each takes about a second.
const CASES: u32 = 8;
/// Days after the last event: every period that is shorter than a quarter begins anew.
const AFTERWARDS: i64 = 40;

/// What happens, one after the other. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Event {
    Subscribe { customer: usize, plan: usize, offset: i64, calendar: bool, quantity: u32 },
    Cancel { subscription: usize },
    UndoCancel { subscription: usize },
    Bill,
    Jump { days: i64, cut: usize, after: bool },
}

fn event() -> impl Strategy<Value = Event> {
    let subscribe = (0..3_usize, 0..64_usize, -70..40_i64, any::<bool>(), 0..2_000_u32).prop_map(
        |(customer, plan, offset, calendar, quantity)| Event::Subscribe {
            customer,
            plan,
            offset,
            calendar,
            quantity,
        },
    );
    let jump = (0..35_i64, 1..900_usize, any::<bool>())
        .prop_map(|(days, cut, after)| Event::Jump { days, cut, after });
    prop_oneof![
        4 => subscribe,
        2 => (0..8_usize).prop_map(|subscription| Event::Cancel { subscription }),
        1 => (0..8_usize).prop_map(|subscription| Event::UndoCancel { subscription }),
        1 => Just(Event::Bill),
        4 => jump,
    ]
}

/// The first day, chosen for what lies ahead: leap days, ends of months and of the year.
fn first_day() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("2024-01-31"), Just("2024-12-20"), Just("2025-01-29"), Just("2023-12-30")]
}

/// Plans of all kinds: intervals, timings, trials, prices.
async fn plans(vendor: &Vendor) -> Vec<PlanId> {
    let intervals =
        [(10, Unit::Day), (1, Unit::Week), (1, Unit::Month), (3, Unit::Month), (1, Unit::Year)];
    let mut plans = Vec::new();
    for (count, unit) in intervals {
        for (timing, trial_days, price) in [
            (Timing::InAdvance, 0, PriceModel::Flat { amount: amount("49.99") }),
            (Timing::InArrears, 0, PriceModel::PerUnit { unit_price: amount("0.0333") }),
            (Timing::InAdvance, 29, PriceModel::PerUnit { unit_price: amount("12.345") }),
        ] {
            let offer = Offer {
                timing,
                trial_days,
                price,
                ..Offer::flat(Interval::new(count, unit).unwrap(), "0")
            };
            plans.push(vendor.plan(&format!("{count} {unit} {timing} {trial_days}"), offer).await);
        }
    }
    plans.push(vendor.plan("free", Offer::flat(Interval::MONTHLY, "0")).await);
    plans
}

/// A history in the making.
struct Life {
    vendor: Vendor,
    clock: Arc<ManualClock>,
    customers: Vec<Customer>,
    plans: Vec<PlanId>,
    subscriptions: Vec<SubscriptionId>,
}

impl Life {
    async fn begin(ctx: &Ctx, clock: &Arc<ManualClock>, first_day: &str, grace: u32) -> Self {
        let vendor = Vendor::sandbox(ctx, first_day).await;
        let mut scope = vendor.scope().await;
        let keep = |facts| app::organization::Facts { draft_grace_days: grace, ..facts };
        app::organization::update(&mut scope, keep).await.unwrap();
        scope.commit().await.unwrap();
        let mut customers = Vec::new();
        for name in ["Ann", "Ben", "Cor"] {
            customers.push(vendor.customer(name).await);
        }
        let plans = plans(&vendor).await;
        let clock = Arc::clone(clock);
        Self { vendor, clock, customers, plans, subscriptions: Vec::new() }
    }

    fn pick(&self, number: usize) -> Option<SubscriptionId> {
        self.subscriptions.get(number % self.subscriptions.len().max(1)).copied()
    }

    async fn subscribe(&mut self, event: &Event) {
        let Event::Subscribe { customer, plan, offset, calendar, quantity } = event else { return };
        let plan = plan % self.plans.len();
        // Ten days are no unit of the calendar; the free plan is flat.
        let calendar = *calendar && plan > 2;
        let alignment = if calendar { Alignment::Calendar } else { Alignment::OwnDay };
        let from = add_days(self.vendor.today().await, *offset);
        let quantity = Some((*quantity).into());
        let customer = &self.customers[*customer];
        let made = self
            .vendor
            .subscribe_aligned(customer, self.plans[plan], from, alignment, quantity)
            .await;
        self.subscriptions.push(made.id);
    }

    /// Moves the clock, again and again until it has arrived, with its connection cut on the way.
    async fn jump(&self, days: i64, mut cut: impl FnMut()) {
        let target = add_days(self.vendor.today().await, days);
        for _ in 0..5 {
            cut();
            match self.vendor.live_until(target).await {
                Ok(_) => return,
                Err(Error::Unavailable(_) | Error::Busy(_)) => {
                    self.clock.advance(chrono::Duration::seconds(61));
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        self.vendor.live_until(target).await.expect("without a cut it arrives");
    }

    async fn happen(&mut self, event: &Event, proxy: Option<&Proxy>) {
        match event {
            Event::Subscribe { .. } => self.subscribe(event).await,
            Event::Cancel { subscription } => {
                if let Some(id) = self.pick(*subscription) {
                    refused_if_ended(self.vendor.cancel(id).await);
                }
            }
            Event::UndoCancel { subscription } => {
                if let Some(id) = self.pick(*subscription) {
                    refused_if_ended(self.vendor.undo_cancel(id).await);
                }
            }
            Event::Bill => drop(self.vendor.bill().await.unwrap()),
            Event::Jump { days, cut, after } => match proxy {
                None => self.jump_as_previewed(*days).await,
                Some(proxy) => {
                    let side = if *after { Cut::After } else { Cut::Before };
                    self.jump(*days, || proxy.cut(*cut, side)).await;
                    let _ = proxy.mend();
                }
            },
        }
    }

    /// What the previews of all customers promise is what the days then bring.
    async fn jump_as_previewed(&self, days: i64) {
        let until = add_days(self.vendor.today().await, days);
        let mut promised = Vec::new();
        for customer in &self.customers {
            let mut scope = self.vendor.scope().await;
            let drafts = app::invoice::preview(&mut scope, customer.id, Some(until)).await.unwrap();
            promised.extend(drafts.iter().map(|draft| {
                let lines: Vec<String> = draft.lines.iter().map(line_of_draft).collect();
                document(
                    draft.customer_id.0,
                    draft.billing_on,
                    draft.issue_on,
                    draft.total.minor(),
                    &lines,
                )
            }));
        }
        let before = self.documents().await;
        self.jump(days, || {}).await;
        let mut made = self.documents().await;
        made.retain(|document| !before.contains(document));
        promised.sort_unstable();
        assert_eq!(made, promised);
    }

    /// All documents, one line each, sorted.
    async fn documents(&self) -> Vec<String> {
        let mut scope = self.vendor.scope().await;
        let page = app::page::PageRequest::new(500, "").unwrap();
        let filter = app::invoice::Filter::default();
        let listed = app::invoice::list(&mut scope, &filter, &page).await.unwrap();
        let mut documents = Vec::new();
        for listed in listed.rows {
            let whole = app::invoice::get(&mut scope, listed.id).await.unwrap();
            let lines: Vec<String> = whole
                .lines
                .iter()
                .map(|line| {
                    line_text(
                        line.item_id.expect("an item").0,
                        line.service_from,
                        line.service_until,
                        line.net.minor(),
                    )
                })
                .collect();
            let customer = whole.customer_id.0;
            let minor = whole.total.minor();
            documents.push(document(customer, whole.billing_on, whole.issue_on, minor, &lines));
        }
        documents.sort_unstable();
        documents
    }
}

fn line_of_draft(line: &domain::invoice::Line) -> String {
    let charge = &line.charge;
    line_text(
        charge.origin.item_id().expect("an item").0,
        charge.service.start,
        charge.service.end,
        charge.net.minor(),
    )
}

fn line_text(item: uuid::Uuid, from: Date, until: Date, net: i64) -> String {
    format!("{item} {from}..{until} {net}")
}

fn document(
    customer: uuid::Uuid,
    billing_on: Date,
    issue_on: Date,
    total: i64,
    lines: &[String],
) -> String {
    format!("{customer} {billing_on} {issue_on} {total}: {}", lines.join(", "))
}

fn refused_if_ended<T>(answer: Result<T, Error>) {
    if let Err(error) = answer {
        let is_over =
            matches!(&error, Error::Refused(refusal) if refusal.reason == "ALREADY_ENDED");
        assert!(is_over, "{error:?}");
    }
}

/// Lives random histories on one database, each in an organization of its own with so many grace
/// days.
fn for_all_histories(broken: bool, grace: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let database = runtime.block_on(Database::fresh());
    let clock = Arc::new(ManualClock::at(crate::world::NOW));
    let direct = testkit::ctx(database.store(), clock.clone());
    let proxy = broken.then(|| runtime.block_on(Proxy::before(&database)));
    let ctx = match &proxy {
        Some(proxy) => testkit::ctx(proxy.store(), clock.clone()),
        None => direct.clone(),
    };
    let histories = (first_day(), proptest::collection::vec(event(), 6..14));
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&histories, |(first_day, events)| {
        runtime.block_on(async {
            let mut life = Life::begin(&ctx, &clock, first_day, grace).await;
            for event in &events {
                life.happen(event, proxy.as_ref()).await;
            }
            life.jump(AFTERWARDS, || {}).await;
            let findings = books::audit(&database, &direct, life.vendor.org).await;
            prop_assert!(findings.is_empty(), "{}", findings.join("\n"));
            Ok(())
        })
    });
    outcome.unwrap_or_else(|failed| panic!("{failed}"));
}

#[test]
fn whatever_happens_everything_is_invoiced_once_and_as_it_was_previewed() {
    for_all_histories(false, 0);
}

#[test]
fn wherever_connections_break_everything_is_invoiced_once_and_no_number_is_lost() {
    for_all_histories(true, 0);
}

#[test]
fn whatever_was_kept_as_a_draft_is_invoiced_once_wherever_connections_break() {
    for_all_histories(true, 3);
}

#[test]
fn months_for_nothing_beside_a_quarter_are_billed_without_documents() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let database = Database::fresh().await;
        let clock = Arc::new(ManualClock::at(crate::world::NOW));
        let ctx = testkit::ctx(database.store(), clock.clone());
        let mut life = Life::begin(&ctx, &clock, "2023-12-30", 0).await;
        // A quarter for 49.99, and the free month, both on the calendar.
        for plan in [9, 15] {
            let (calendar, quantity) = (true, 1);
            life.subscribe(&Event::Subscribe { customer: 0, plan, offset: 0, calendar, quantity })
                .await;
        }
        // On 1 January there is a document for both; on 1 February and 1 March none.
        life.jump(72, || {}).await;
        let findings = books::audit(&database, &ctx, life.vendor.org).await;
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    });
}
