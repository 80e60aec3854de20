//! Two years of payments that fail at random: whatever customers, banks and people do, what is kept
//! about every customer is what the rules make of its invoices, and no invoice is forgotten.
//!
//! Every seed is a vendor of its own, whose customers pay by methods of the sandbox that change at
//! random; people hold, skip, hurry, write off, credit, pay back. Whenever something happens it is
//! compared where the customers stand, and at the end of every quarter the auditor looks at
//! everything. A failure names its seed: put it into `SEEDS` to see it again.

use std::collections::BTreeMap;

use app::access::Caller;
use app::collection::queue;
use app::payment::{OrderRefund, RecordPayment, ReturnPayment, WhichInvoice};
use app::payment_method::{NewDetails, SetPaymentMethod};
use app::subscription::PauseSubscription;
use app::{Error, Scope};
use domain::customer::Customer;
use domain::date::{Date, add_days};
use domain::dunning::{Action, LateFee, Policy, Step, Terms};
use domain::id::{CustomerId, InvoiceId, PaymentId, SubscriptionId};
use domain::invoice::credit::Wanted;
use domain::money::{Currency, Money};
use domain::payment::attempt::AttemptState;
use domain::period::Interval;
use testkit::{Database, ManualClock, Offer, Vendor, books, date};

use crate::world::Chance;

/// One vendor each.
const SEEDS: [u64; 2] = [77, 4_242_424_242];
/// How many customers a vendor has.
const CUSTOMERS: usize = 6;
/// How often something happens besides what is due, in days: two years have about 150 of them.
const PAUSE: std::ops::Range<u64> = 2..9;
const FIRST_DAY: &str = "2024-01-01";
const LAST_DAY: &str = "2025-12-31";

/// How customers may pay: accounts and cards that fail in every way that the sandbox knows.
const METHODS: &[&str] = &[
    "settles",
    "settles",
    "NL45SNDB0000000001",
    "NL18SNDB0000000002",
    "NL93SNDB0000000010",
    "NL39SNDB0000000012",
    "NL82SNDB0000000014",
    "NL28SNDB0000000016",
    "NL98SNDB0000000017",
    "NL71SNDB0000000018",
    "NL44SNDB0000000019",
    "NL17SNDB0000000020",
    "NL87SNDB0000000021",
    "NL11SNDB0000000031",
    "NL59SNDB0000000040",
    "NL05SNDB0000000042",
    "NL75SNDB0000000043",
    "NL21SNDB0000000045",
    "NL53SNDB0000000051",
    "NL26SNDB0000000052",
    "NL04SNDB0000000060",
    "NL18SNDB0000000099",
    "declines_insufficient_funds",
    "declines_2_insufficient_funds",
    "declines_1_do_not_honor",
    "declines_expired_card",
    "declines_1_zz_top",
    "bounces_14_insufficient_funds_250",
    "first_1_silent",
    "silent",
    "settles_after_40",
    "refund_declines_expired_card",
    "transfer",
    "transfer",
];

/// A vendor, its customers, and what is counted of their lives.
struct Life<'a> {
    seed: u64,
    database: &'a Database,
    vendor: Vendor,
    chance: Chance,
    customers: Vec<CustomerId>,
    subscriptions: Vec<SubscriptionId>,
    done: BTreeMap<&'static str, u32>,
}

fn details(text: &str, today: Date) -> NewDetails {
    match text {
        "transfer" => NewDetails::BankTransfer,
        iban if iban.starts_with("NL") => NewDetails::DirectDebit {
            iban: iban.to_owned().into(),
            holder: "A. de Vries".into(),
            reference: None,
            signed_on: today,
        },
        token => NewDetails::Card {
            token: token.to_owned().into(),
            brand: "visa".into(),
            last_four: "4242".into(),
            expires_year: 2031,
            expires_month: 3,
            holder: None,
        },
    }
}

async fn pays_by(scope: &mut Scope, customer_id: CustomerId, text: &str) -> Result<(), Error> {
    let details = details(text, scope.today());
    let command = SetPaymentMethod { customer_id, id: None, details };
    app::payment_method::set(scope, command).await.map(drop)
}

/// The vendor's policy: the built-in one, or one of two that charge a late fee, one with pay days.
async fn policy(vendor: &Vendor, chance: &mut Chance) {
    let strict: Terms = Policy::strict().terms().clone();
    let terms = match chance.below(3) {
        0 => return,
        1 => strict,
        _ => Terms { pay_days: vec![1, 25], ..strict },
    };
    let amounts = vec![Money::new(4_000, Currency::EUR)];
    let late_fee = Some(LateFee { product_id: vendor.product("late fees").await, amounts });
    let mut terms = Terms { late_fee, ..terms };
    let action = Action::ChargeLateFee;
    terms.steps.push(Step { day: 12, action, schemes: Vec::new(), classes: Vec::new() });
    terms.steps.sort_by_key(|step| step.day);
    let mut scope = vendor.scope().await;
    let command = app::dunning::CreateDunningPolicy { id: None, name: "Own".into(), terms };
    let made = app::dunning::create(&mut scope, command).await.unwrap();
    app::dunning::set_default(&mut scope, made.id).await.unwrap();
    scope.commit().await.unwrap();
}

impl<'a> Life<'a> {
    async fn begin(database: &'a Database, ctx: &app::Ctx, seed: u64) -> Self {
        let mut chance = Chance(seed);
        let vendor = Vendor::sandbox(ctx, FIRST_DAY).await;
        policy(&vendor, &mut chance).await;
        let monthly = vendor.plan("monthly", Offer::flat(Interval::MONTHLY, "49.99")).await;
        let quarter = Interval::new(3, domain::period::Unit::Month).unwrap();
        let quarterly = vendor.plan("quarterly", Offer::flat(quarter, "120.00")).await;
        let (mut customers, mut subscriptions) = (Vec::new(), Vec::new());
        for at in 0..CUSTOMERS {
            let customer: Customer = vendor.customer(&format!("Customer {at}")).await;
            let mut scope = vendor.scope().await;
            let pays = METHODS[chance.below(METHODS.len())];
            pays_by(&mut scope, customer.id, pays).await.unwrap();
            scope.commit().await.unwrap();
            let plan = if at % 3 == 0 { quarterly } else { monthly };
            let from = add_days(date(FIRST_DAY), chance.within(0..40)).to_string();
            subscriptions.push(vendor.subscribe(&customer, plan, &from).await.id);
            customers.push(customer.id);
        }
        let done = BTreeMap::new();
        Self { seed, database, vendor, chance, customers, subscriptions, done }
    }

    /// Ids of something, in an order that is the same every time.
    async fn ids(&self, question: &str) -> Vec<uuid::Uuid> {
        let sql = self.database.sql().await;
        let rows = sql.query(question, &[&self.vendor.org.to_string()]).await.unwrap();
        rows.iter().map(|row| row.get::<_, &str>(0).parse().unwrap()).collect()
    }

    async fn open_invoice(&mut self) -> Option<InvoiceId> {
        let open = "SELECT id::text FROM invoices WHERE org_id = ($1::text)::uuid \
                    AND open_minor > 0 ORDER BY issue_on, customer_id, id";
        let found = self.ids(open).await;
        self.chance.one(&found).map(|id| InvoiceId(*id))
    }

    async fn payment(&mut self, kinds: &str) -> Option<PaymentId> {
        let of = format!(
            "SELECT id::text FROM payments WHERE org_id = ($1::text)::uuid AND kind IN ({kinds}) \
             ORDER BY booked_on, amount_minor, id"
        );
        let found = self.ids(&of).await;
        self.chance.one(&found).map(|id| PaymentId(*id))
    }

    /// Something happens. What is refused, because it does not fit, is nobody's fault.
    async fn happen(&mut self) {
        let mut scope = self.vendor.scope().await;
        let which = self.chance.below(19);
        let done = match which {
            0..=3 => self.new_details(&mut scope).await,
            4..=6 => self.pay(&mut scope).await,
            7 => self.pause(&mut scope).await,
            8..=10 => self.queue(&mut scope).await,
            11 => self.write_off(&mut scope).await,
            12 => self.take_back(&mut scope).await,
            13..=14 => self.refund(&mut scope).await,
            15 => self.find_out(&mut scope).await,
            16..=17 => self.credit(&mut scope).await,
            _ => self.decide(&mut scope).await,
        };
        match done {
            Ok(Some(what)) => {
                scope.commit().await.unwrap();
                *self.done.entry(what).or_default() += 1;
            }
            Ok(None) | Err(Error::Refused(_) | Error::Invalid { .. }) => {}
            Err(other) => panic!("seed {}: {which}: {other:?}", self.seed),
        }
    }

    async fn new_details(&mut self, scope: &mut Scope) -> Result<Option<&'static str>, Error> {
        let customer = self.customers[self.chance.below(CUSTOMERS)];
        pays_by(scope, customer, METHODS[self.chance.below(METHODS.len())]).await?;
        Ok(Some("new details"))
    }

    /// All of an invoice, a part of it, or too much.
    async fn pay(&mut self, scope: &mut Scope) -> Result<Option<&'static str>, Error> {
        let Some(id) = self.open_invoice().await else { return Ok(None) };
        let open = app::invoice::get(scope, id).await?.open.minor();
        let (what, minor) = match self.chance.below(3) {
            0 => ("paid in part", open / 3 + 1),
            1 => ("paid too much", open + 1_000),
            _ => ("paid", open),
        };
        let command = RecordPayment {
            customer_id: None,
            invoice: Some(WhichInvoice::Id(id)),
            amount: Money::new(minor, Currency::EUR),
            booked_on: None,
            reference: None,
            payer_name: None,
            note: None,
            external_id: None,
        };
        app::payment::record(scope, command).await?;
        Ok(Some(what))
    }

    async fn pause(&mut self, scope: &mut Scope) -> Result<Option<&'static str>, Error> {
        let id = self.subscriptions[self.chance.below(CUSTOMERS)];
        if self.chance.below(3) == 0 {
            app::subscription::resume(scope, id, None).await?;
            return Ok(Some("resumed"));
        }
        let from = add_days(scope.today(), self.chance.within(0..5));
        let until = Some(add_days(from, self.chance.within(1..60)));
        let command = PauseSubscription { id, from: Some(from), until, note: None };
        app::subscription::pause(scope, command).await?;
        Ok(Some("paused"))
    }

    async fn queue(&mut self, scope: &mut Scope) -> Result<Option<&'static str>, Error> {
        let Some(id) = self.open_invoice().await else { return Ok(None) };
        let until = add_days(scope.today(), self.chance.within(1..30));
        let until = (self.chance.below(2) == 0).then_some(until);
        let caller = self.caller(scope);
        Ok(Some(match self.chance.below(5) {
            0 => queue::hold(scope, &caller, id, until).await.map(|_| "held")?,
            1 | 2 => queue::release(scope, id).await.map(|_| "released")?,
            3 => queue::skip(scope, id).await.map(|_| "skipped")?,
            _ => queue::retry_now(scope, id).await.map(|_| "hurried")?,
        }))
    }

    fn caller(&self, scope: &Scope) -> Caller {
        let key = domain::id::ApiKeyId::fresh(scope.now);
        Caller { org: self.vendor.org, key, name: "Finance".into(), roles: Vec::new() }
    }

    async fn write_off(&mut self, scope: &mut Scope) -> Result<Option<&'static str>, Error> {
        let Some(id) = self.open_invoice().await else { return Ok(None) };
        app::payment::write_off(scope, id, "lost").await?;
        Ok(Some("written off"))
    }

    /// All of an invoice, or a part of it, whether it was paid or not.
    async fn credit(&mut self, scope: &mut Scope) -> Result<Option<&'static str>, Error> {
        let all = "SELECT id::text FROM invoices WHERE org_id = ($1::text)::uuid \
                   AND kind = 'invoice' ORDER BY issue_on, customer_id, id";
        let found = self.ids(all).await;
        let Some(id) = self.chance.one(&found).map(|id| InvoiceId(*id)) else { return Ok(None) };
        let mut lines = Vec::new();
        if self.chance.below(2) == 0 {
            let line = app::invoice::get(scope, id).await?.lines.remove(0);
            let net = Money::new(self.chance.within(100..4_000), Currency::EUR);
            lines.push(Wanted { line_id: line.id, amount: Some(net) });
        }
        let command = app::invoice::CreditInvoice { id, lines, reason: "wrong".into() };
        app::invoice::credit(scope, command).await?;
        Ok(Some("credited"))
    }

    async fn take_back(&mut self, scope: &mut Scope) -> Result<Option<&'static str>, Error> {
        let kinds = "'receipt', 'collection', 'refund'";
        let Some(payment_id) = self.payment(kinds).await else { return Ok(None) };
        let command =
            ReturnPayment { payment_id, booked_on: None, fee: None, note: None, external_id: None };
        app::payment::give_back(scope, command).await?;
        Ok(Some("taken back"))
    }

    async fn refund(&mut self, scope: &mut Scope) -> Result<Option<&'static str>, Error> {
        let of_balance = "SELECT p.id::text FROM payments p JOIN billing_accounts a \
                ON a.org_id = p.org_id AND a.customer_id = p.customer_id \
            WHERE p.org_id = ($1::text)::uuid AND p.kind = 'collection' \
                AND a.balance_minor > a.refunding_minor \
            ORDER BY p.booked_on, p.amount_minor, p.id";
        let found = self.ids(of_balance).await;
        let Some(payment_id) = self.chance.one(&found).map(|id| PaymentId(*id)) else {
            return Ok(None);
        };
        let payment = app::payment::get(scope, payment_id).await?.payment;
        let Some(customer_id) = payment.customer_id else { return Ok(None) };
        let amount = Money::new(self.chance.within(1..500), Currency::EUR);
        let command = OrderRefund { customer_id, payment_id, amount, note: None };
        app::payment::order(scope, command).await?;
        Ok(Some("refunded"))
    }

    /// A person finds out how an attempt ended of which nobody knows.
    async fn find_out(&mut self, scope: &mut Scope) -> Result<Option<&'static str>, Error> {
        let unknown = "SELECT id::text FROM payment_attempts WHERE org_id = ($1::text)::uuid \
                       AND state = 'unknown' ORDER BY submitted_at, id";
        let found = self.ids(unknown).await;
        let Some(id) = self.chance.one(&found).copied() else { return Ok(None) };
        let results = [AttemptState::Settled, AttemptState::Declined, AttemptState::NotSent];
        let told = queue::Report {
            attempt_id: domain::id::AttemptId(id),
            result: results[self.chance.below(results.len())],
            raw_code: Some("AM04".into()),
            on: None,
            fee: None,
            reference: None,
        };
        queue::resolve_unknown(scope, told).await?;
        Ok(Some("found out"))
    }

    async fn decide(&mut self, scope: &mut Scope) -> Result<Option<&'static str>, Error> {
        let open = "SELECT id::text FROM decisions WHERE org_id = ($1::text)::uuid \
                    AND state = 'open' ORDER BY proposed_on, customer_id, id";
        let found = self.ids(open).await;
        let Some(id) = self.chance.one(&found).copied() else { return Ok(None) };
        let verdict = match self.chance.below(2) {
            0 => domain::decision::Verdict::Confirm,
            _ => domain::decision::Verdict::Reject,
        };
        let command = app::decision::Decide {
            id: domain::id::DecisionId(id),
            verdict,
            note: None,
            block_expires_on: None,
        };
        let caller = self.caller(scope);
        app::decision::decide(scope, &caller, command).await?;
        Ok(Some("decided"))
    }

    /// Every customer stands where its invoices put it, counted from the day on which the last money
    /// for them went back.
    async fn glance(&mut self) {
        let mut scope = self.vendor.scope().await;
        let mut found = app::arrears::differences(&mut scope, &self.customers).await.unwrap();
        let stale = "SELECT concat_ws(' ', 'invoice', a.invoice_id, 'is overdue since', a.day_zero, \
                         'though it was paid, and not since', e.effective_on) \
                     FROM arrears a JOIN events e ON e.org_id = a.org_id \
                         AND e.invoice_id = a.invoice_id AND e.kind = 'invoice_reopened' \
                     WHERE a.org_id = ($1::text)::uuid AND e.effective_on > a.day_zero";
        let sql = self.database.sql().await;
        let rows = sql.query(stale, &[&self.vendor.org.to_string()]).await.unwrap();
        found.extend(rows.iter().map(|row| row.get::<_, String>(0)));
        let person = "SELECT count(*) FROM collections \
                      WHERE org_id = ($1::text)::uuid AND state = 'person'";
        let rows = sql.query_one(person, &[&self.vendor.org.to_string()]).await.unwrap();
        if rows.get::<_, i64>(0) > 0 {
            *self.done.entry(LISTED).or_default() += 1;
        }
        let (seed, today, done) = (self.seed, scope.today(), &self.done);
        assert!(found.is_empty(), "seed {seed} on {today}, after {done:?}: {}", found.join("\n"));
    }

    /// Everything agrees, and nothing is forgotten.
    async fn look(&self) {
        let today = self.vendor.today().await;
        let mut findings = books::audit(self.database, &self.vendor.ctx, self.vendor.org).await;
        findings.extend(self.forgotten().await);
        let found = findings.join("\n");
        assert!(found.is_empty(), "seed {} on {today}, after {:?}:\n{found}", self.seed, self.done);
    }

    /// Invoices that are neither settled, nor worked on, nor listed for a person.
    async fn forgotten(&self) -> Vec<String> {
        let question = "
            SELECT concat_ws(' ', 'invoice', i.id, 'is forgotten:', c.state, c.next_at, c.why)
            FROM invoices i
            LEFT JOIN collections c ON c.org_id = i.org_id AND c.invoice_id = i.id
            JOIN organizations o ON o.org_id = i.org_id
            WHERE i.org_id = ($1::text)::uuid AND i.open_minor > 0 AND NOT coalesce(CASE c.state
                WHEN 'waiting' THEN c.next_at > o.sandbox_now
                WHEN 'held' THEN c.held_by IS NOT NULL
                WHEN 'under_way' THEN EXISTS (SELECT FROM payment_attempts a
                    WHERE a.org_id = i.org_id AND a.invoice_id = i.id
                    AND a.state IN ('submitting', 'accepted') AND a.ask_at > o.sandbox_now)
                WHEN 'unknown' THEN EXISTS (SELECT FROM payment_attempts a
                    WHERE a.org_id = i.org_id AND a.invoice_id = i.id
                    AND a.state = 'unknown' AND a.ask_at > o.sandbox_now)
                ELSE c.state = 'person' END, false)";
        let sql = self.database.sql().await;
        let rows = sql.query(question, &[&self.vendor.org.to_string()]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn live(mut self) -> BTreeMap<&'static str, u32> {
        let (mut quarter, last) = (add_days(date(FIRST_DAY), 91), date(LAST_DAY));
        let mut today = date(FIRST_DAY);
        while today < last {
            today = add_days(today, self.chance.within(PAUSE)).min(last);
            self.vendor.live_until(today).await.unwrap();
            self.glance().await;
            if today >= quarter || today == last {
                self.look().await;
                quarter = add_days(quarter, 91);
            }
            self.happen().await;
            self.glance().await;
        }
        self.vendor.live_until(add_days(last, 1)).await.unwrap();
        self.look().await;
        self.done
    }
}

/// That something waited for a person.
const LISTED: &str = "listed for a person";
/// What must have happened somewhere, so that this has seen what it is about.
const SEEN: &[(&str, &str)] = &[
    ("failures", "SELECT count(*) FROM payment_attempts WHERE state = 'declined'"),
    ("bounces", "SELECT count(*) FROM payments WHERE kind = 'bounce'"),
    ("steps", "SELECT count(*) FROM collection_steps"),
    ("suspensions", "SELECT count(*) FROM events WHERE kind = 'subscription_suspended'"),
    ("restorations", "SELECT count(*) FROM events WHERE kind = 'subscription_restored'"),
    ("late fees", "SELECT count(*) FROM charges WHERE late_fee_of IS NOT NULL"),
    ("refunds", "SELECT count(*) FROM payment_refunds"),
    ("credits by hand", "SELECT count(*) FROM invoices WHERE reason IS NOT NULL"),
];

#[tokio::test(flavor = "multi_thread")]
async fn after_two_years_of_random_failures_what_is_kept_is_what_the_rules_say_and_nothing_is_forgotten()
 {
    let database = Database::fresh().await;
    let ctx = database.ctx(ManualClock::at(crate::world::NOW));
    let mut was_listed = false;
    // Two at a time: there is more to wait for than to compute.
    for pair in SEEDS.chunks(2) {
        let lives = pair
            .iter()
            .map(|seed| async { Life::begin(&database, &ctx, *seed).await.live().await });
        for done in futures::future::join_all(lives).await {
            assert!(done.len() > 9, "only {done:?}");
            was_listed |= done.contains_key(LISTED);
        }
    }
    assert!(was_listed, "nothing waited for a person in two years");
    let sql = database.sql().await;
    for (what, question) in SEEN {
        let seen: i64 = sql.query_one(*question, &[]).await.unwrap().get(0);
        assert!(seen > 0, "no {what} in two years");
    }
}
