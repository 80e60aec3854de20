//! Two years of investments at random: whatever customers pay, take back and are credited, whatever
//! investors sign, refuse and send, statement, documents and ledger say the same of each of them.
//!
//! Every seed is a vendor of its own. At the end of every quarter the auditor looks at everything:
//! the months of every investment from the first, its cap, every document, payout and entry, and
//! every investor's statement. A failure names its seed: put it into `SEEDS` to see it again.

use std::collections::BTreeMap;

use app::access::Caller;
use app::customer::{CreateCustomer, Facts};
use app::feature::{SubmitFeature, Verdict};
use app::investment::{AcceptInvestment, ProposeInvestment, SignAgreement};
use app::invoice::CreditInvoice;
use app::payment::{RecordPayment, ReturnPayment, WhichInvoice};
use app::payout::{BankAnswer, Ready, ReportPayoutResult, SetPayoutAccount};
use app::self_bill::RecordInvestorInvoice;
use app::{Error, Scope};
use domain::customer::{Customer, PartyType};
use domain::date::{Date, add_days};
use domain::id::{
    ApiKeyId, CustomerId, FeatureId, InvestmentId, InvoiceId, PaymentId, PayoutId, SelfBillId,
};
use domain::investment::{Acceptance, Basis, ShareTreatment, Terms};
use domain::invoice::credit::Wanted;
use domain::money::{Currency, Money};
use domain::organization::Address;
use domain::period::{Interval, Unit};
use domain::vat::VatTreatment;
use rust_decimal::Decimal;
use testkit::{Database, ManualClock, Offer, Vendor, books, date};

use crate::world::Chance;

/// One vendor each.
const SEEDS: [u64; 2] = [5, 1_620_450_000];
/// Who buys; two of them also invest.
const BUYERS: usize = 8;
/// Who may invest.
const INVESTORS: usize = 5;
/// How often something happens, in days.
const PAUSE: std::ops::Range<u64> = 3..9;
const FIRST_DAY: &str = "2024-01-01";
const LAST_DAY: &str = "2025-12-31";

/// Accounts of investors.
const ACCOUNTS: [&str; 3] = ["NL91ABNA0417164300", "NL45SNDB0000000001", "NL18SNDB0000000002"];

/// What happened, unless it did not fit.
type Happened = Result<Option<&'static str>, Error>;

/// A vendor, its customers, and what is counted of their lives.
struct Life<'a> {
    seed: u64,
    database: &'a Database,
    vendor: Vendor,
    chance: Chance,
    investors: Vec<CustomerId>,
    features: Vec<FeatureId>,
    done: BTreeMap<&'static str, u32>,
}

/// A feature that everybody may buy.
async fn feature(vendor: &Vendor, title: &str) -> FeatureId {
    let mut scope = vendor.scope().await;
    let wish = SubmitFeature {
        id: None,
        title: title.to_owned(),
        description: title.to_owned(),
        requested_by: None,
    };
    let id = app::feature::submit(&mut scope, wish).await.unwrap().id;
    let verdict = Verdict::Accept { value: 5, complexity: 5, note: None };
    app::feature::assess(&mut scope, id, verdict).await.unwrap();
    scope.commit().await.unwrap();
    id
}

/// A Dutch business with a VAT number.
async fn business(vendor: &Vendor, at: usize) -> Customer {
    let address = Address {
        lines: vec![format!("Keizersgracht {at}")],
        postal_code: "1015 CC".to_owned(),
        city: "Amsterdam".to_owned(),
        country: "NL".to_owned(),
    };
    let facts = Facts {
        name: format!("Customer {at}"),
        address,
        email: None,
        vat_number: Some("NL001234567B01".to_owned()),
        vat_treatment: VatTreatment::Domestic,
        payment_terms_days: None,
        party_type: PartyType::Business,
        treat_as_consumer: false,
        language: None,
        external_reference: None,
    };
    let mut scope = vendor.scope().await;
    let command = CreateCustomer { id: None, facts, currency: None };
    let customer = app::customer::create(&mut scope, command).await.unwrap();
    scope.commit().await.unwrap();
    customer
}

/// Money for an invoice.
fn receipt(invoice: InvoiceId, amount: Money, booked_on: Option<Date>) -> RecordPayment {
    RecordPayment {
        customer_id: None,
        invoice: Some(WhichInvoice::Id(invoice)),
        amount,
        booked_on,
        reference: None,
        payer_name: None,
        note: None,
        external_id: None,
    }
}

impl<'a> Life<'a> {
    async fn begin(database: &'a Database, ctx: &app::Ctx, seed: u64) -> Self {
        let vendor = Vendor::sandbox(ctx, FIRST_DAY).await;
        let mut life = Self {
            seed,
            database,
            vendor,
            chance: Chance(seed),
            investors: Vec::new(),
            features: Vec::new(),
            done: BTreeMap::new(),
        };
        for title in ["Export", "Import"] {
            life.features.push(feature(&life.vendor, title).await);
        }
        // Somebody invests before anything is sold, so that there is consent.
        let mut customers = Vec::new();
        for at in 0..BUYERS.max(INVESTORS) + INVESTORS - 2 {
            customers.push(business(&life.vendor, at).await);
        }
        life.investors = customers[BUYERS - 2..].iter().map(|one| one.id).collect();
        for place in 0..life.features.len() {
            let (feature, investor) = (life.features[place], life.investors[place]);
            let mut scope = life.vendor.scope().await;
            life.invest_in(&mut scope, feature, investor).await.unwrap();
            scope.commit().await.unwrap();
            let mut scope = life.vendor.scope().await;
            let open = "id::text FROM invoices WHERE org_id = ORG AND open_minor > 0";
            let principal = InvoiceId(life.any(open).await.unwrap());
            let amount = app::invoice::get(&mut scope, principal).await.unwrap().open;
            app::payment::record(&mut scope, receipt(principal, amount, None)).await.unwrap();
            scope.commit().await.unwrap();
        }
        let mut plans = Vec::new();
        for (place, (price, months)) in [("99.95", 1), ("250.00", 3)].into_iter().enumerate() {
            let interval = Interval::new(months, Unit::Month).unwrap();
            let offer = Offer::flat(interval, price);
            let feature = life.features[place];
            plans.push(life.vendor.feature_plan(&format!("plan{place}"), offer, feature).await);
        }
        for (at, customer) in customers[..BUYERS].iter().enumerate() {
            let from = add_days(date(FIRST_DAY), life.chance.within(0..60)).to_string();
            life.vendor.subscribe(customer, plans[at % 2], &from).await;
        }
        life
    }

    fn caller(&self, scope: &Scope, name: &str) -> Caller {
        let key = ApiKeyId::fresh(scope.now);
        Caller { org: self.vendor.org, key, name: name.into(), roles: Vec::new() }
    }

    /// What a question finds, which answers ids in an order that is the same every time.
    async fn all(&self, from: &str) -> Vec<uuid::Uuid> {
        let question = format!("SELECT {from}").replace("ORG", "($1::text)::uuid");
        let sql = self.database.sql().await;
        let rows = sql.query(&question, &[&self.vendor.org.to_string()]).await.unwrap();
        rows.iter().map(|row| row.get::<_, &str>(0).parse().unwrap()).collect()
    }

    async fn any(&mut self, from: &str) -> Option<uuid::Uuid> {
        let found = self.all(from).await;
        self.chance.one(&found).copied()
    }

    fn investor(&mut self) -> CustomerId {
        self.investors[self.chance.below(INVESTORS)]
    }

    async fn happen(&mut self) {
        let mut scope = self.vendor.scope().await;
        let which = self.chance.below(32);
        let done = match which {
            0..=10 => self.pay(&mut scope).await,
            11..=13 => self.take_back(&mut scope).await,
            14 => self.credit(&mut scope).await,
            15 | 16 => self.invest(&mut scope).await,
            17 => self.withdraw(&mut scope).await,
            18 => self.sign(&mut scope).await,
            19 => self.account(&mut scope).await,
            20..=22 => self.send(&mut scope).await,
            23..=26 => self.report(&mut scope).await,
            27 | 28 => self.answer(&mut scope).await,
            29 => self.record_own(&mut scope).await,
            30 => self.approve(&mut scope).await,
            _ => self.claw_back(&mut scope).await,
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

    /// Some customers pay: all of an invoice, a part of it, or too much.
    async fn pay(&mut self, scope: &mut Scope) -> Happened {
        let open = "id::text FROM invoices WHERE org_id = ORG AND open_minor > 0 \
                    ORDER BY issue_on, customer_id, id";
        let Some(id) = self.any(open).await else { return Ok(None) };
        let open = app::invoice::get(scope, InvoiceId(id)).await?.open.minor();
        let (what, minor) = match self.chance.below(6) {
            0 => ("paid in part", open / 3 + 1),
            1 => ("paid too much", open + 1_000),
            _ => ("paid", open),
        };
        // The bank's date may lie in a month that was credited.
        let booked_on = add_days(scope.today(), -self.chance.within(0..9));
        let amount = Money::new(minor, Currency::EUR);
        let command = receipt(InvoiceId(id), amount, Some(booked_on));
        app::payment::record(scope, command).await?;
        Ok(Some(what))
    }

    /// Money goes back to the customer: of one payment, or of all of the last weeks at once.
    async fn take_back(&mut self, scope: &mut Scope) -> Happened {
        let paid = "id::text FROM payments p WHERE org_id = ORG AND kind = 'receipt' \
                    AND NOT EXISTS (SELECT FROM payments r WHERE r.org_id = p.org_id \
                        AND r.reverses = p.id) ORDER BY booked_on DESC, amount_minor, id";
        let completed = "id::text FROM investments WHERE org_id = ORG AND state = 'completed'";
        let is_complete = !self.all(completed).await.is_empty();
        let (what, count) = match self.chance.below(6) {
            0 => ("much taken back", 15),
            1..=3 if is_complete => ("very much taken back", 40),
            _ => ("taken back", 1),
        };
        let found = self.all(paid).await;
        let from = if count == 1 { self.chance.below(found.len().max(1)) } else { 0 };
        let back: Vec<_> = found.into_iter().skip(from).take(count).collect();
        for id in &back {
            let command = ReturnPayment {
                payment_id: PaymentId(*id),
                booked_on: None,
                fee: None,
                note: None,
                external_id: None,
            };
            app::payment::give_back(scope, command).await?;
        }
        Ok((!back.is_empty()).then_some(what))
    }

    /// A part of an invoice, or all of it.
    async fn credit(&mut self, scope: &mut Scope) -> Happened {
        let sold = "id::text FROM invoices WHERE org_id = ORG AND kind = 'invoice' \
                    ORDER BY issue_on, customer_id, id";
        let Some(id) = self.any(sold).await else { return Ok(None) };
        let id = InvoiceId(id);
        let line = app::invoice::get(scope, id).await?.lines[0].id;
        let amount = Money::new(self.chance.within(1..5_000), Currency::EUR);
        let part = Wanted { line_id: line, amount: Some(amount) };
        let lines = if self.chance.below(2) == 0 { vec![part] } else { Vec::new() };
        let reason = "it did not work".to_owned();
        app::invoice::credit(scope, CreditInvoice { id, lines, reason }).await?;
        Ok(Some("credited"))
    }

    async fn invest(&mut self, scope: &mut Scope) -> Happened {
        let feature = self.features[self.chance.below(self.features.len())];
        let investor = self.investor();
        self.invest_in(scope, feature, investor).await
    }

    /// Small sums, so that two years bring them back, and more.
    async fn invest_in(
        &mut self,
        scope: &mut Scope,
        feature_id: FeatureId,
        investor_id: CustomerId,
    ) -> Happened {
        let treatments = [
            ShareTreatment::WithVat,
            ShareTreatment::WithVat,
            ShareTreatment::SmallBusiness,
            ShareTreatment::OutsideScope,
        ];
        let terms = Terms {
            principal: Money::new(self.chance.within(10_000..60_000), Currency::EUR),
            share_percent: Decimal::new(self.chance.within(100..450), 1),
            return_percent: Decimal::new(self.chance.within(0..200), 1),
            basis: Basis::ALL[self.chance.below(Basis::ALL.len())],
            vat_treatment: treatments[self.chance.below(treatments.len())],
        };
        let command = ProposeInvestment { id: None, feature_id, investor_id, terms };
        let id = app::investment::propose(scope, command).await?.id;
        let command = AcceptInvestment { id, consents: true, agreement: None };
        app::investment::accept(scope, command).await?;
        Ok(Some("invested"))
    }

    async fn withdraw(&mut self, scope: &mut Scope) -> Happened {
        let all = "id::text FROM investments WHERE org_id = ORG ORDER BY proposed_on, id";
        let Some(id) = self.any(all).await else { return Ok(None) };
        app::investment::withdraw(scope, InvestmentId(id), "thought better of it").await?;
        Ok(Some("withdrawn"))
    }

    async fn sign(&mut self, scope: &mut Scope) -> Happened {
        let investor = self.investor();
        let silent_days = (self.chance.below(2) == 0).then_some(5);
        let lasts = self.chance.within(30..300);
        let command = SignAgreement {
            id: None,
            signed_on: None,
            valid_until: (self.chance.below(2) == 0).then(|| add_days(scope.today(), lasts)),
            acceptance: if silent_days.is_some() {
                Acceptance::Silent
            } else {
                Acceptance::Explicit
            },
            silent_days,
            number_prefix: None,
        };
        app::investment::sign(scope, investor, command).await?;
        Ok(Some("signed"))
    }

    async fn account(&mut self, scope: &mut Scope) -> Happened {
        let command = SetPayoutAccount {
            investor_id: self.investor(),
            iban: ACCOUNTS[self.chance.below(ACCOUNTS.len())].to_owned().into(),
            holder: "A. de Vries".into(),
        };
        let caller = self.caller(scope, "Finance");
        app::payout::set_account(scope, &caller, command).await?;
        Ok(Some("account"))
    }

    async fn send(&mut self, scope: &mut Scope) -> Happened {
        let sent =
            app::payout::send(scope, Ready { investor_id: None, currency: None }, 500).await?;
        Ok((!sent.payouts.is_empty()).then_some("sent"))
    }

    async fn report(&mut self, scope: &mut Scope) -> Happened {
        let sent = "id::text FROM payouts WHERE org_id = ORG AND state IN ('sent', 'settled') \
                    ORDER BY state, sent_on, amount_minor, id";
        let Some(id) = self.any(sent).await.map(PayoutId) else { return Ok(None) };
        let batch_id = app::payout::get(scope, id).await?.batch_id;
        let (what, answer) = match self.chance.below(4) {
            0 => ("payout bounced", BankAnswer::Bounced { why: "AC04".into() }),
            _ => ("payout settled", BankAnswer::Settled),
        };
        let command = ReportPayoutResult { payout_id: id, batch_id, on: None, answer };
        app::payout::report(scope, command).await?;
        Ok(Some(what))
    }

    async fn answer(&mut self, scope: &mut Scope) -> Happened {
        let waits = "id::text FROM self_bills WHERE org_id = ORG AND kind = 'invoice' \
                     ORDER BY issue_on, investor_id, id";
        let Some(id) = self.any(waits).await.map(SelfBillId) else { return Ok(None) };
        if self.chance.below(3) == 0 {
            app::self_bill::reject(scope, id, "it is too little").await?;
            return Ok(Some("rejected"));
        }
        app::self_bill::accept(scope, id).await?;
        Ok(Some("accepted"))
    }

    /// The investor's own invoice for an advice, with the VAT that it says, or without.
    async fn record_own(&mut self, scope: &mut Scope) -> Happened {
        let advices = "id::text FROM self_bills WHERE org_id = ORG AND kind = 'advice' \
                       ORDER BY issue_on, investor_id, id";
        let Some(id) = self.any(advices).await.map(SelfBillId) else { return Ok(None) };
        let net = app::self_bill::get(scope, id).await?.bill.net.minor();
        let tax = if self.chance.below(3) == 0 { 0 } else { net * 21 / 100 };
        let command = RecordInvestorInvoice {
            self_bill_id: id,
            number: format!("F-{}", self.chance.below(1_000_000)),
            issue_on: scope.today(),
            tax: Money::new(tax, Currency::EUR),
        };
        app::self_bill::record_own(scope, command).await?;
        Ok(Some("own invoice"))
    }

    async fn approve(&mut self, scope: &mut Scope) -> Happened {
        let ready = "id::text FROM payouts WHERE org_id = ORG AND state IN ('ready', 'bounced') \
                     ORDER BY amount_minor, id";
        let Some(id) = self.any(ready).await else { return Ok(None) };
        let caller = self.caller(scope, "Another");
        app::payout::approve(scope, &caller, PayoutId(id)).await?;
        Ok(Some("approved"))
    }

    async fn claw_back(&mut self, scope: &mut Scope) -> Happened {
        let too_much = "id::text FROM investments WHERE org_id = ORG \
                        AND accrued_minor < credited_minor ORDER BY proposed_on, id";
        let Some(id) = self.any(too_much).await else { return Ok(None) };
        app::self_bill::settle_clawback(scope, InvestmentId(id), "settled by agreement").await?;
        Ok(Some("clawed back"))
    }

    async fn look(&self) {
        let today = self.vendor.today().await;
        let found = books::audit(self.database, &self.vendor.ctx, self.vendor.org).await.join("\n");
        assert!(found.is_empty(), "seed {} on {today}, after {:?}:\n{found}", self.seed, self.done);
    }

    async fn live(mut self) -> BTreeMap<&'static str, u32> {
        let (mut quarter, last) = (add_days(date(FIRST_DAY), 91), date(LAST_DAY));
        let retires = date("2025-08-15");
        let mut today = date(FIRST_DAY);
        while today < last {
            let before = today;
            today = add_days(today, self.chance.within(PAUSE)).min(last);
            self.vendor.live_until(today).await.unwrap();
            if today >= quarter || today == last {
                self.look().await;
                quarter = add_days(quarter, 91);
            }
            if before < retires && today >= retires {
                self.retire().await;
            }
            for _ in 0..3 {
                self.happen().await;
            }
        }
        self.vendor.live_until(add_days(last, 1)).await.unwrap();
        self.look().await;
        self.done
    }

    /// The second feature is given up, if all who fund it have paid.
    async fn retire(&mut self) {
        let mut scope = self.vendor.scope().await;
        match app::feature::retire(&mut scope, self.features[1]).await {
            Ok(_) => scope.commit().await.unwrap(),
            Err(Error::Refused(_)) => {}
            Err(other) => panic!("seed {}: {other:?}", self.seed),
        }
    }
}

/// What must have happened somewhere, so that this has seen what it is about. Ids differ from run to
/// run, and with them who is met by chance: what is rarer has tests of its own.
const SEEN: &[(&str, &str)] = &[
    ("recouped", "SELECT count(*) FROM events WHERE kind = 'investment_recouped'"),
    ("completed", "SELECT count(*) FROM events WHERE kind = 'investment_completed'"),
    ("carried below nothing", "SELECT count(*) FROM investment_months WHERE carried_minor < 0"),
    ("self-bills", "SELECT count(*) FROM self_bills WHERE kind = 'invoice'"),
    ("settled payouts", "SELECT count(*) FROM payouts WHERE state = 'settled'"),
];

#[tokio::test(flavor = "multi_thread")]
async fn after_two_years_of_investments_statement_documents_and_ledger_say_the_same_of_everybody() {
    let database = Database::fresh().await;
    let ctx = database.ctx(ManualClock::at(crate::world::NOW));
    let lives =
        SEEDS.iter().map(|seed| async { Life::begin(&database, &ctx, *seed).await.live().await });
    for done in futures::future::join_all(lives).await {
        assert!(done.len() > 10, "only {done:?}");
    }
    let sql = database.sql().await;
    for (what, question) in SEEN {
        let seen: i64 = sql.query_one(*question, &[]).await.unwrap().get(0);
        assert!(seen > 0, "no {what} in two years");
    }
}
