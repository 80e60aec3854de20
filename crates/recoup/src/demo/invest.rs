//! Events about features and investments, made to happen.
//!
//! Invariants: as of all events (`happen`).
//!
//! Deliberately absent: rules. Everything goes through the use cases that the interface calls.

use app::access::Caller;
use app::catalog::{CreatePlan, NewPrice, PublishVersion};
use app::feature::{SubmitFeature, Verdict};
use app::investment::{AcceptInvestment, ProposeInvestment, SignAgreement};
use app::payment::{self, RecordPayment, WhichInvoice};
use app::payout::{BankAnswer, ReportPayoutResult, SetPayoutAccount};
use app::self_bill::{Kept, RecordInvestorInvoice};
use app::{Error, Scope};
use domain::id::{ApiKeyId, CustomerId, FeatureId, InvestmentId};
use domain::investment::Terms;
use domain::money::{Currency, Money};
use domain::organization::Role;
use domain::payout::{Payout, PayoutState};
use domain::plan::{CancelPolicy, DEFAULT_PAUSE_MONTHS, PriceModel, Timing};
use domain::self_bill::{SelfBillAcceptance, SelfBillKind};
use rust_decimal::Decimal;
use secrecy::SecretString;
use uuid::Uuid;

use super::books::{next, page};
use super::features::{self, Funding, Investor};
use super::sales::Sale;
use super::vendor::Offer;
use super::wishes::Step;

/// Who keeps the books, and who looks after that.
const BOOKKEEPER: &str = "boekhouding";
const DIRECTOR: &str = "directie";
/// Where an investor is paid whose payout went back.
const MOVED_TO: &str = "BE71096123456769";

/// What happens about features.
pub(super) async fn step(scope: &mut Scope, offer: &Offer, step: Step) -> Result<(), Error> {
    use app::{feature as f, investment as i};
    match step {
        Step::Sign { id, investor } => sign(scope, id, investor).await,
        Step::Wish { id, by, wish } => {
            let command = SubmitFeature {
                id: Some(id),
                title: wish.title.to_owned(),
                description: wish.description.to_owned(),
                requested_by: by,
            };
            f::submit(scope, command).await.map(drop)
        }
        Step::Assess { id, wish } => match wish.verdict {
            None => Ok(()),
            Some(said) => f::assess(scope, id, verdict(said)).await.map(drop),
        },
        Step::Vote { id, customer } => f::vote(scope, id, customer).await.map(drop),
        Step::Propose { id, feature, investor, terms } => {
            propose(scope, id, (feature, investor), terms).await
        }
        Step::Accept(id) => {
            let command = AcceptInvestment { id, consents: true, agreement: None };
            i::accept(scope, command).await.map(drop)
        }
        Step::Fund(id) => fund(scope, id).await,
        Step::Withdraw(id) => i::withdraw(scope, id, "Toch geen begroting voor").await.map(drop),
        Step::Build(id) => f::start(scope, id).await.map(drop),
        Step::Sell { id, sale } => sell(scope, offer, id, sale).await,
        Step::Answer => answer(scope).await,
        Step::Send => {
            let (all, most) = (app::payout::Ready::default(), app::payout::MAX_SENT);
            app::payout::send(scope, all, most).await.map(drop)
        }
        Step::Report { bounces } => report(scope, bounces).await,
        Step::Move { id, holder } => moves(scope, id, holder).await,
    }
}

fn verdict(said: features::Verdict) -> Verdict {
    match said {
        features::Verdict::Accept(value, complexity) => {
            Verdict::Accept { value, complexity, note: None }
        }
        features::Verdict::Decline(reason) => Verdict::Decline { reason: reason.to_owned() },
    }
}

fn caller(scope: &Scope, name: &str) -> Caller {
    let key = ApiKeyId(Uuid::nil());
    Caller { org: scope.org(), key, name: name.to_owned(), roles: vec![Role::Finance] }
}

async fn set_account(
    scope: &mut Scope,
    investor_id: CustomerId,
    holder: &str,
    iban: &str,
) -> Result<(), Error> {
    let by = caller(scope, BOOKKEEPER);
    let iban = SecretString::from(iban);
    let command = SetPayoutAccount { investor_id, iban, holder: holder.to_owned() };
    app::payout::set_account(scope, &by, command).await.map(drop)
}

async fn sign(scope: &mut Scope, id: CustomerId, investor: &Investor) -> Result<(), Error> {
    if let Some((acceptance, silent_days)) = investor.agreement {
        let command = SignAgreement {
            id: None,
            signed_on: None,
            valid_until: None,
            acceptance,
            silent_days,
            number_prefix: Some(investor.prefix.to_owned()),
        };
        app::investment::sign(scope, id, command).await?;
    }
    set_account(scope, id, investor.name, investor.iban).await
}

async fn propose(
    scope: &mut Scope,
    id: InvestmentId,
    (feature_id, investor_id): (FeatureId, CustomerId),
    of: &Funding,
) -> Result<(), Error> {
    let terms = Terms {
        principal: Money::exact(Decimal::from(of.principal), Currency::EUR)?,
        share_percent: Decimal::from(of.share),
        return_percent: Decimal::from(of.profit),
        basis: of.basis,
        vat_treatment: of.vat_treatment,
    };
    let command = ProposeInvestment { id: Some(id), feature_id, investor_id, terms };
    app::investment::propose(scope, command).await.map(drop)
}

/// The investor transfers what the invoice of its principal asks.
async fn fund(scope: &mut Scope, id: InvestmentId) -> Result<(), Error> {
    let investment = app::investment::get(scope, id).await?;
    let Some(invoice_id) = investment.invoice_id else { return Ok(()) };
    let invoice = app::invoice::get(scope, invoice_id).await?;
    let money = RecordPayment {
        customer_id: Some(investment.investor_id),
        invoice: Some(WhichInvoice::Id(invoice_id)),
        amount: invoice.open,
        booked_on: None,
        reference: Some(invoice.number.clone()),
        payer_name: None,
        note: None,
        external_id: Some(format!("{}/inleg", invoice.number)),
    };
    payment::record(scope, money).await.map(drop)
}

/// It is there, and is sold by a plan of its own.
async fn sell(scope: &mut Scope, offer: &Offer, id: FeatureId, sale: &Sale) -> Result<(), Error> {
    app::feature::release(scope, id).await?;
    let amount = domain::decimal::parse(sale.price);
    let amount = amount.map_err(|refused| Error::invalid("price", refused))?;
    let price = NewPrice {
        id: None,
        product_id: offer.product("feature")?,
        component: "feature".to_owned(),
        currency: Currency::EUR,
        model: PriceModel::Flat { amount },
        minimum: None,
        meter_id: None,
        feature_id: Some(id),
    };
    let version = PublishVersion {
        id: None,
        valid_from: None,
        interval: sale.interval,
        timing: Timing::InAdvance,
        trial_days: 0,
        cancel_policy: CancelPolicy::PeriodEnd,
        max_pause_months: DEFAULT_PAUSE_MONTHS,
        prices: vec![price],
    };
    let (code, name) = (sale.plan.to_owned(), sale.name.to_owned());
    let command = CreatePlan { id: Some(offer.plan(sale.plan)?), code, name, version };
    app::catalog::create_plan(scope, command).await.map(drop)
}

/// All documents, or those of one kind.
pub(super) async fn documents(
    scope: &mut Scope,
    filter: app::self_bill::Filter,
) -> Result<Vec<Kept>, Error> {
    let (mut found, mut token) = (Vec::new(), Some(String::new()));
    while let Some(after) = token {
        let mut rows = app::self_bill::list(scope, filter, &page(after)?).await?;
        found.append(&mut rows.rows);
        token = next(rows);
    }
    Ok(found)
}

/// All payouts, or those that stand so.
pub(super) async fn payouts(
    scope: &mut Scope,
    state: Option<PayoutState>,
) -> Result<Vec<Payout>, Error> {
    let filter = app::payout::Filter { state, ..Default::default() };
    let (mut found, mut token) = (Vec::new(), Some(String::new()));
    while let Some(after) = token {
        let mut rows = app::payout::list(scope, filter, &page(after)?).await?;
        found.append(&mut rows.rows);
        token = next(rows);
    }
    Ok(found)
}

/// Who is to say so agrees with every document. Whoever has signed nothing sends invoices of its own
/// for what it was advised of, but for the latest.
async fn answer(scope: &mut Scope) -> Result<(), Error> {
    let waiting = Some(SelfBillAcceptance::Waiting);
    let filter = app::self_bill::Filter { acceptance: waiting, ..Default::default() };
    for kept in documents(scope, filter).await? {
        if kept.bill.accepts_on.is_none() {
            app::self_bill::accept(scope, kept.bill.id).await?;
        }
    }
    let advice = Some(SelfBillKind::Advice);
    let filter = app::self_bill::Filter { kind: advice, ..Default::default() };
    let mut advices = documents(scope, filter).await?;
    advices.sort_by_key(|kept| kept.bill.month);
    advices.pop();
    for kept in advices.into_iter().filter(|kept| kept.bill.own.is_none()) {
        let bill = kept.bill;
        let exact = bill.net.major() * bill.vat.percent / Decimal::ONE_HUNDRED;
        let command = RecordInvestorInvoice {
            self_bill_id: bill.id,
            number: bill.month.format("VG%Y-%m").to_string(),
            issue_on: scope.today(),
            tax: Money::round(exact, bill.net.currency())?,
        };
        app::self_bill::record_own(scope, command).await?;
    }
    Ok(())
}

async fn report(scope: &mut Scope, bounces: Option<CustomerId>) -> Result<(), Error> {
    for payout in payouts(scope, Some(PayoutState::Sent)).await? {
        let answer = if bounces == Some(payout.investor_id) {
            BankAnswer::Bounced { why: "AC04: rekening opgeheven".to_owned() }
        } else {
            BankAnswer::Settled
        };
        let (payout_id, batch_id) = (payout.id, payout.batch_id);
        let command = ReportPayoutResult { payout_id, batch_id, on: None, answer };
        app::payout::report(scope, command).await?;
    }
    Ok(())
}

/// What went back goes to the new account, once somebody else has looked at it.
async fn moves(scope: &mut Scope, id: CustomerId, holder: &str) -> Result<(), Error> {
    set_account(scope, id, holder, MOVED_TO).await?;
    let director = caller(scope, DIRECTOR);
    for payout in payouts(scope, Some(PayoutState::Bounced)).await? {
        if payout.investor_id == id {
            app::payout::approve(scope, &director, payout.id).await?;
        }
    }
    Ok(())
}
