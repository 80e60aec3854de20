//! Usage that arrives for days that have been billed: no event is lost between a run and a sender.

use app::usage::{Recorded, Sent, record};
use app::{Error, Scope};
use domain::Outcome;
use domain::customer::Customer;
use domain::id::MeterId;
use domain::money::{Currency, Money};
use domain::period::Interval;
use domain::price::PriceModel;
use domain::subscription::Item;
use domain::usage::{Aggregation, BilledPeriod, Event};
use store::billing::Account;
use store::usage::{Asked, record_billed, stale_periods, totals};
use testkit::{Database, ManualClock, Offer, Vendor, amount};

use super::period;
use crate::world::until;

/// A vendor on 2 July 2025 with a metered customer since May.
struct Metered {
    database: Database,
    vendor: Vendor,
    customer: Customer,
    item: Item,
    meter_id: MeterId,
}

const WAITS: &str = "SELECT EXISTS (SELECT FROM pg_stat_activity \
                     WHERE datname = current_database() AND wait_event_type = 'Lock')";

impl Metered {
    async fn sandbox() -> Self {
        let database = Database::fresh().await;
        let ctx = database.ctx(ManualClock::at("2025-07-02T09:00:00Z"));
        let vendor = Vendor::sandbox(&ctx, "2025-07-02").await;
        Self::of(database, vendor).await
    }

    async fn live() -> Self {
        let database = Database::fresh().await;
        let ctx = database.ctx(ManualClock::at("2025-07-02T09:00:00Z"));
        let vendor = Vendor::live(&ctx).await;
        Self::of(database, vendor).await
    }

    async fn of(database: Database, vendor: Vendor) -> Self {
        let plan = vendor.plan("monthly", Offer::flat(Interval::MONTHLY, "10.00")).await;
        let customer = vendor.customer("Ann").await;
        let subscription = vendor.subscribe(&customer, plan, "2025-05-01").await;
        let mut scope = vendor.scope().await;
        let command = app::meter::CreateMeter {
            id: None,
            code: "calls".to_owned(),
            name: "Calls".to_owned(),
            aggregation: Aggregation::Sum,
            unit_label: None,
        };
        let meter_id = app::meter::create(&mut scope, command).await.unwrap().id;
        scope.commit().await.unwrap();
        let item = subscription.items[0].clone();
        Self { database, vendor, customer, item, meter_id }
    }

    /// Writes one event, without committing it.
    async fn write(&self, scope: &mut Scope, text: &str) -> Result<Recorded, Error> {
        let words: Vec<&str> = text.split(' ').collect();
        let event = Event {
            id: words[0].to_owned(),
            at: words[1].parse().unwrap(),
            quantity: amount(words[2]),
            value: None,
        };
        let customer_id = self.customer.id;
        let sent = Sent { index: 0, meter: "calls".to_owned(), customer_id, event };
        record(scope, vec![sent]).await
    }

    /// Records one event; how many periods became stale.
    async fn send(&self, text: &str) -> usize {
        let mut scope = self.vendor.scope().await;
        let recorded = self.write(&mut scope, text).await.unwrap();
        assert_eq!(recorded.rejected, [], "{text}");
        scope.commit().await.unwrap();
        recorded.stale_periods
    }

    /// Takes what a run holds.
    async fn hold(&self, scope: &mut Scope) {
        let account = Account { customer_id: self.customer.id, currency: Currency::EUR };
        store::billing::lock(&mut scope.tx, account).await.unwrap();
    }

    /// The total of June.
    async fn june(&self, scope: &mut Scope) -> rust_decimal::Decimal {
        let period = period("2025-06-01", "2025-07-01");
        let asked = Asked { meter_id: self.meter_id, customer_id: self.customer.id, period };
        totals(&mut scope.tx, &[asked]).await.unwrap()[0]
    }

    /// June, billed for the first time at 0.10 each.
    fn first(&self, quantity: rust_decimal::Decimal) -> BilledPeriod {
        let billed = price().amount(quantity, Currency::EUR).unwrap();
        BilledPeriod {
            item_id: self.item.id,
            customer_id: self.customer.id,
            meter_id: self.meter_id,
            price_id: self.item.price_id,
            period: period("2025-06-01", "2025-07-01"),
            minimum: Money::new(0, Currency::EUR),
            quantity,
            billed,
            times: 1,
        }
    }

    /// Bills June as a run does, and commits.
    async fn bill(&self) -> BilledPeriod {
        let mut scope = self.vendor.scope().await;
        self.hold(&mut scope).await;
        let first = self.first(self.june(&mut scope).await);
        record_billed(&mut scope.tx, std::slice::from_ref(&first)).await.unwrap();
        scope.commit().await.unwrap();
        first
    }

    async fn stale(&self) -> Vec<BilledPeriod> {
        let mut scope = self.vendor.scope().await;
        stale_periods(&mut scope.tx, &[self.customer.id]).await.unwrap()
    }
}

fn price() -> PriceModel {
    PriceModel::PerUnit { unit_price: amount("0.10") }
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_for_a_billed_period_is_billed_once_as_the_difference() {
    let metered = Metered::sandbox().await;
    assert_eq!(metered.send("a 2025-06-10T12:00:00Z 100").await, 0);
    let mut billed = metered.bill().await;
    assert_eq!((billed.billed, metered.stale().await), (eur(1_000), Vec::new()));
    // Neither what was there, nor days around it; the second late event finds it stale already.
    for (text, marked) in [
        ("a 2025-06-10T12:00:00Z 100", 0),
        ("b 2025-05-31T21:59:59Z 1000", 0),
        ("c 2025-06-30T22:00:00Z 1000", 0),
        ("d 2025-05-31T22:00:00Z 30", 1),
        ("e 2025-06-30T21:59:59Z 20", 0),
    ] {
        assert_eq!(metered.send(text).await, marked, "{text}");
    }
    for (more, difference) in [(None, 500), (Some("f 2025-06-01T12:00:00Z -30"), -300)] {
        if let Some(text) = more {
            assert_eq!(metered.send(text).await, 1);
        }
        assert_eq!(metered.stale().await, [billed.clone()]);
        let mut scope = metered.vendor.scope().await;
        metered.hold(&mut scope).await;
        let now = metered.june(&mut scope).await;
        let (outcome, after) = billed.late(&price(), now).unwrap();
        assert_eq!(outcome, Outcome::Applied(eur(difference)));
        record_billed(&mut scope.tx, std::slice::from_ref(&after)).await.unwrap();
        scope.commit().await.unwrap();
        assert_eq!(metered.stale().await, []);
        billed = after;
    }
    assert_eq!((billed.billed, billed.times), (eur(1_200), 3));
    // The same billing again, and one before it.
    let mut scope = metered.vendor.scope().await;
    for again in [billed.clone(), metered.first(amount("100"))] {
        let refused = record_billed(&mut scope.tx, &[again]).await;
        assert!(matches!(refused, Err(store::Error::Exists(_))), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_arrives_while_a_run_adds_up_is_not_lost() {
    let metered = Metered::sandbox().await;
    metered.send("a 2025-06-10T12:00:00Z 100").await;
    let mut run = metered.vendor.scope().await;
    metered.hold(&mut run).await;
    let first = metered.first(metered.june(&mut run).await);
    let sending = metered.send("b 2025-06-11T12:00:00Z 50");
    let billing = async {
        until(&metered.database, WAITS).await;
        record_billed(&mut run.tx, std::slice::from_ref(&first)).await.unwrap();
        run.commit().await.unwrap();
    };
    let (marked, ()) = futures::join!(sending, billing);
    assert_eq!((first.quantity, marked), (amount("100"), 1));
    assert_eq!(metered.stale().await, [first]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_begins_while_an_event_arrives_adds_it_up() {
    let metered = Metered::sandbox().await;
    let mut sending = metered.vendor.scope().await;
    metered.write(&mut sending, "a 2025-06-10T12:00:00Z 100").await.unwrap();
    // A run that claims leaves the customer for later.
    let mut run = metered.vendor.scope().await;
    let today = run.today();
    let claimed = store::billing::claim(&mut run.tx, today, 10).await.unwrap();
    assert_eq!(claimed, []);
    drop(run);
    let committing = async {
        until(&metered.database, WAITS).await;
        sending.commit().await.unwrap();
    };
    let (billed, ()) = futures::join!(metered.bill(), committing);
    assert_eq!(billed.quantity, amount("100"));
    assert_eq!(metered.stale().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_today_waits_for_no_run() {
    let metered = Metered::live().await;
    let mut run = metered.vendor.scope().await;
    metered.hold(&mut run).await;
    assert_eq!(metered.send("a 2025-07-02T08:00:00Z 1").await, 0);
    let yesterday = metered.send("b 2025-07-01T21:59:59Z 1");
    let billing = async {
        until(&metered.database, WAITS).await;
        run.commit().await.unwrap();
    };
    let (marked, ()) = futures::join!(yesterday, billing);
    assert_eq!(marked, 0);
}
