//! Investments: proposed, accepted, funded, withdrawn; and the agreements about their documents.
//!
//! Purpose: what customers pay to have a feature built first, up to the day on which it is paid.
//!
//! Invariants: held in this order: the investor's billing account (where a document is made), the
//! feature, its investments. The terms hold from the moment the principal is invoiced; it is funded
//! with whatever settles that invoice, in the same transaction, and stays so when the money goes
//! back, until it is paid again or withdrawn.
//!
//! Deliberately absent: what is shared ([`crate::share`]) and paid out ([`crate::payout`]).

mod agreement;
mod principal;

use domain::Outcome;
use domain::date::{self, Date};
use domain::event::{EventKind, InvestmentFacts};
use domain::feature::Feature;
use domain::id::{CustomerId, FeatureId, InvestmentId, InvoiceId};
use domain::investment::{Investment, InvestmentRefused, Terms, TermsRefused, check_share};
use domain::organization::text;
use store::billing::Account;

use crate::access::id_taken;
use crate::customer::{self, MAX_NOTE};
use crate::error::{Error, Expect, Field, Refusal};
use crate::page::{Page, PageRequest};
use crate::{Scope, event, feature, invoice};

pub use agreement::{DEFAULT_PREFIX, SignAgreement, agreements, sign};
pub(crate) use principal::{refuse_principal, unpaid};
pub use store::investment::Filter;

/// What makes an investment.
#[derive(Debug, Clone)]
pub struct ProposeInvestment {
    /// Its id; a fresh one when absent.
    pub id: Option<InvestmentId>,
    /// In what.
    pub feature_id: FeatureId,
    /// Whose.
    pub investor_id: CustomerId,
    /// On which terms.
    pub terms: Terms,
}

/// What makes its terms hold.
#[derive(Debug, Clone)]
pub struct AcceptInvestment {
    /// Which.
    pub id: InvestmentId,
    /// Whether the investor agrees that the feature is sold to others.
    pub consents: bool,
    /// The agreement that it signs along.
    pub agreement: Option<SignAgreement>,
}

fn refused(refused: &InvestmentRefused, id: InvestmentId) -> Error {
    let refusal = Refusal::new(refused.reason(), refused);
    Error::Refused(match refused {
        InvestmentRefused::SharesExceeded { left, .. } => refusal.with("left", left),
        InvestmentRefused::ConsentMissing => refusal.with("investment_id", id),
        InvestmentRefused::Credited { credited } => {
            refusal.with("investment_id", id).with("credited", credited)
        }
        InvestmentRefused::AlreadyAccepted { on }
        | InvestmentRefused::Withdrawn { on }
        | InvestmentRefused::AlreadyFunded { on } => {
            refusal.with("investment_id", id).with("on", on)
        }
    })
}

/// An investment as others need to know it.
pub(crate) fn facts(now: &Investment) -> InvestmentFacts {
    InvestmentFacts {
        id: now.id,
        feature_id: now.feature_id,
        state: now.state,
        principal: now.principal,
        cap: now.cap,
        credited: now.credited,
        share_percent: now.share_percent,
    }
}

fn announce(scope: &mut Scope, kind: EventKind, on: Date, now: &Investment) {
    scope.announce([event::of_investment(kind, on, now.investor_id, facts(now))]);
}

/// An investment.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(scope: &mut Scope, id: InvestmentId) -> Result<Investment, Error> {
    store::investment::get(&mut scope.tx, id).await.or_missing("investment", id)
}

/// Investments by id.
///
/// # Errors
/// [`Error::Invalid`] for a page token that is not of this list.
pub async fn list(
    scope: &mut Scope,
    filter: Filter,
    page: &PageRequest,
) -> Result<Page<Investment>, Error> {
    let filters = format!("{filter:?}");
    let after = page.after(scope, "investments", filters.as_bytes()).await?.map(InvestmentId);
    let rows = store::investment::list(&mut scope.tx, filter, after, page.limit() + 1).await?;
    page.finish(scope, "investments", filters.as_bytes(), rows, |one| one.id.0).await
}

/// Proposes terms.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] names the term; [`Error::Exists`] with `ID_TAKEN`;
/// [`Error::Refused`] with `FEATURE_NOT_ACCEPTED`, `FEATURE_CLOSED`, `CURRENCY_DIFFERS` or
/// `SHARES_EXCEEDED`.
pub async fn propose(scope: &mut Scope, command: ProposeInvestment) -> Result<Investment, Error> {
    let ProposeInvestment { id, feature_id, investor_id, terms } = command;
    let investor = customer::get(scope, investor_id).await?;
    let (mut feature, today) = feature::held(scope, feature_id).await?;
    feature.check_investment().map_err(|why| feature::refused(&why, feature_id))?;
    let id = id.unwrap_or_else(|| InvestmentId::fresh(scope.now));
    let invalid = |why: TermsRefused| Error::invalid(format!("terms.{}", why.field()), why);
    let new = Investment::propose(id, feature_id, &investor, terms, today).map_err(invalid)?;
    let settled = feature.settle_on(new.principal.currency());
    let settled = settled.map_err(|why| feature::refused(&why, feature_id))?;
    let beside = store::investment::of_features(&mut scope.tx, &[feature_id]).await?;
    check_share(new.share_percent, &beside).map_err(|why| refused(&why, id))?;
    match store::investment::insert(&mut scope.tx, &new, scope.now).await {
        Ok(()) => {}
        Err(store::Error::Exists(_)) => return Err(id_taken("investment", id)),
        Err(other) => return Err(other.into()),
    }
    if settled == Outcome::Applied(()) {
        store::feature::save(&mut scope.tx, &feature).await?;
    }
    Ok(new)
}

/// What an investment is changed with: all held until the end of the transaction.
struct Held {
    feature: Feature,
    /// All that were ever proposed for the feature.
    investments: Vec<Investment>,
    at: usize,
}

impl Held {
    fn investment(&mut self) -> &mut Investment {
        &mut self.investments[self.at]
    }
}

/// Holds the investor's billing account where documents are made, the feature and its investments.
async fn held(scope: &mut Scope, id: InvestmentId, with_account: bool) -> Result<Held, Error> {
    let found = get(scope, id).await?;
    if with_account {
        let (customer_id, currency) = (found.investor_id, found.principal.currency());
        store::billing::lock(&mut scope.tx, Account { customer_id, currency }).await?;
    }
    let (feature, _) = feature::held(scope, found.feature_id).await?;
    let investments = store::investment::lock_of(&mut scope.tx, &[found.feature_id]).await?;
    let at = investments.iter().position(|one| one.id == id);
    let at = at.ok_or_else(|| Error::not_found("investment", id))?;
    Ok(Held { feature, investments, at })
}

/// Makes the terms hold, and invoices the principal at once.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Exists`] with `AGREEMENT_EXISTS`;
/// [`Error::Refused`] with `ALREADY_ACCEPTED`, `INVESTMENT_WITHDRAWN`, `CONSENT_MISSING`,
/// `FEATURE_CLOSED`, `VAT_TREATMENT_DIFFERS`, or the reason for which no document can be made.
pub async fn accept(scope: &mut Scope, command: AcceptInvestment) -> Result<Investment, Error> {
    let AcceptInvestment { id, consents, agreement } = command;
    let mut held = held(scope, id, true).await?;
    let today = scope.today();
    let feature_id = held.feature.id;
    held.feature.check_investment().map_err(|why| feature::refused(&why, feature_id))?;
    let is_sold = store::feature::is_sold(&mut scope.tx, feature_id).await?;
    let mut now = held.investment().clone();
    now.check_acceptance(consents, is_sold).map_err(|why| refused(&why, id))?;
    let investor = customer::get(scope, now.investor_id).await?;
    now.terms().check_investor(&investor).map_err(|why| {
        let refusal = Refusal::new("VAT_TREATMENT_DIFFERS", why);
        Error::Refused(refusal.with("investment_id", id).with("vat_treatment", now.vat_treatment))
    })?;
    if consents {
        let (Outcome::Applied(()) | Outcome::Unchanged) =
            now.consent(today).map_err(|why| refused(&why, id))?;
    }
    if let Some(agreement) = agreement {
        agreement::sign_at(scope, now.investor_id, agreement, "agreement.").await?;
    }
    let principal = principal::invoice(scope, &now, &held.feature, &investor).await?;
    now.accept(principal.id, today);
    store::investment::save(&mut scope.tx, &now).await?;
    announce(scope, EventKind::InvestmentAccepted, today, &now);
    if principal.is_settled {
        funded(scope, &[principal.id], today).await?;
    }
    get(scope, id).await
}

/// The investor agrees that the feature is sold to others. Doing it again changes nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `INVESTMENT_WITHDRAWN`.
pub async fn consent(scope: &mut Scope, id: InvestmentId) -> Result<Investment, Error> {
    let mut held = held(scope, id, false).await?;
    let today = scope.today();
    let now = held.investment();
    if now.consent(today).map_err(|why| refused(&why, id))? == Outcome::Applied(()) {
        store::investment::save(&mut scope.tx, now).await?;
    }
    Ok(now.clone())
}

/// Gives an investment up: before it is funded, or when its payment went back before anything was
/// credited. Its invoice is credited; what was paid of it goes to the customer's balance. Doing it
/// again changes nothing.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Refused`] with `ALREADY_FUNDED` or
/// `SHARES_CREDITED`.
pub async fn withdraw(
    scope: &mut Scope,
    id: InvestmentId,
    reason: &str,
) -> Result<Investment, Error> {
    let reason = text(reason, MAX_NOTE).field("reason")?;
    let mut held = held(scope, id, true).await?;
    let today = scope.today();
    let is_unpaid = unpaid(scope, &held.investments).await?.contains(&id);
    let outcome = held.investment().withdraw(today, is_unpaid).map_err(|why| refused(&why, id))?;
    let Outcome::Applied(invoiced) = outcome else { return Ok(held.investment().clone()) };
    principal::regain(scope, held.investment()).await?;
    let now = held.investment().clone();
    store::investment::save(&mut scope.tx, &now).await?;
    let is_sold = store::feature::is_sold(&mut scope.tx, held.feature.id).await?;
    let lost = held.feature.lose_funding(&held.investments);
    let freed = held.feature.free_currency(&held.investments, is_sold);
    if [lost, freed].contains(&Outcome::Applied(())) {
        store::feature::save(&mut scope.tx, &held.feature).await?;
    }
    if let Some(invoice) = invoiced {
        let (customer_id, currency) = (now.investor_id, now.principal.currency());
        let account = Account { customer_id, currency };
        invoice::take_back(scope, account, invoice, &[], reason).await?;
    }
    announce(scope, EventKind::InvestmentWithdrawn, today, &now);
    Ok(now)
}

/// Invoices were settled: those that are principals fund their investments, from this day on. Hold
/// the billing accounts of the customers. A fixed number of statements however many there are; one
/// when none is a principal.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn funded(
    scope: &mut Scope,
    settled: &[InvoiceId],
    on: Date,
) -> Result<(), Error> {
    if settled.is_empty() {
        return Ok(());
    }
    let found = store::investment::of_invoices(&mut scope.tx, settled).await?;
    let mut features: Vec<FeatureId> =
        found.iter().filter(|one| one.is_open()).map(|one| one.feature_id).collect();
    features.sort_unstable();
    features.dedup();
    if features.is_empty() {
        return Ok(());
    }
    let mut features = store::feature::lock_many(&mut scope.tx, &features).await?;
    let held: Vec<FeatureId> = features.iter().map(|feature| feature.id).collect();
    let mut investments = store::investment::lock_of(&mut scope.tx, &held).await?;
    investments.retain_mut(|one| {
        let is_paid = one.invoice_id.is_some_and(|invoice| settled.contains(&invoice));
        is_paid && one.fund(on) == Outcome::Applied(())
    });
    let new = |feature: &mut Feature| {
        let is_paid = investments.iter().any(|one| one.feature_id == feature.id);
        is_paid && feature.fund() == Outcome::Applied(())
    };
    features.retain_mut(new);
    store::investment::save_funded(&mut scope.tx, &investments).await?;
    store::feature::save_funded(&mut scope.tx, &features).await?;
    store::investment::begin_shares(&mut scope.tx, date::first_of_month(on)).await?;
    for one in &investments {
        announce(scope, EventKind::InvestmentFunded, on, one);
    }
    Ok(())
}
