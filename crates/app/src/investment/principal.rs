//! The invoice of a principal.
//!
//! Invariants: it is made by accepting an investment and taken back by withdrawing it, and by
//! nothing else: it is neither credited by hand nor written off.

use domain::balance::Balance;
use domain::billing::BillRefused;
use domain::customer::Customer;
use domain::feature::Feature;
use domain::id::{ChargeId, EntryId, InvestmentId, InvoiceId, ProductId, Sequence};
use domain::investment::{Investment, ShareTreatment};
use domain::invoice::{self as rules, Draft, Heading, Party};
use domain::ledger::share::forgone_entry;
use domain::money::Money;
use domain::one_off::OneOff;
use domain::organization::Language;
use domain::plan::{Product, RevenueKind};
use domain::vat::VatCategory;
use store::billing::Account;
use store::invoice::{Hold, NewDocument};

use crate::Scope;
use crate::error::{Error, Refusal};
use crate::invoice::issue::issue;

/// What was invoiced.
pub(super) struct Principal {
    /// The invoice.
    pub(super) id: InvoiceId,
    /// Whether the customer's balance paid it.
    pub(super) is_settled: bool,
}

/// Invoices the principal of an investment today. Hold the billing account.
pub(super) async fn invoice(
    scope: &mut Scope,
    investment: &Investment,
    feature: &Feature,
    investor: &Customer,
) -> Result<Principal, Error> {
    let product = product(scope).await?;
    let one_off = one_off(scope, investment, feature, investor, &product);
    let mut draft = draft(scope, investment, investor, &one_off, &product).await?;
    let account = Account { customer_id: investor.id, currency: draft.currency };
    let balances = store::billing::balances(&mut scope.tx, &[investor.id]).await?;
    let nothing = Money::zero(draft.currency);
    Balance::of(balances.get(&account).copied().unwrap_or(nothing)).settle(&mut draft)?;
    let principal = Principal { id: draft.id, is_settled: draft.settlement.open.is_zero() };
    let billed = [(one_off.id, Some(draft.id))];
    store::one_off::insert(&mut scope.tx, &[one_off], scope.now).await?;
    let document = NewDocument { draft, buyer: Party::buyer(investor), reason: None };
    issue(scope, document, &[], &billed).await?;
    Ok(principal)
}

async fn draft(
    scope: &mut Scope,
    investment: &Investment,
    investor: &Customer,
    one_off: &OneOff,
    product: &Product,
) -> Result<Draft, Error> {
    let rates = store::vat::rates(&mut scope.tx).await?;
    let today = scope.today();
    let heading = Heading {
        seller: &scope.organization,
        customer: investor,
        rates: &rates,
        currency: investment.principal.currency(),
        billing_on: today,
        issue_on: today,
    };
    let charges = vec![one_off.charge(product)];
    let mut drafted = rules::draft(&heading, &Sequence::new(scope.now), charges);
    if investment.vat_treatment == ShareTreatment::OutsideScope {
        drafted = drafted.and_then(Draft::outside_scope);
    }
    drafted.map_err(BillRefused::from).map_err(|refused| Error::refused(refused.reason(), refused))
}

fn one_off(
    scope: &Scope,
    investment: &Investment,
    feature: &Feature,
    investor: &Customer,
    product: &Product,
) -> OneOff {
    let description = match scope.language_of(investor) {
        Language::Dutch => format!("Investering in {}", feature.title),
        Language::English => format!("Investment in {}", feature.title),
    };
    let ids = (ChargeId::fresh(scope.now), investor.id, product.id);
    OneOff::on(scope.today(), ids, description, investment.principal)
}

/// The organization's one product of principals, which is made by itself.
async fn product(scope: &mut Scope) -> Result<Product, Error> {
    if let Some(known) = store::plan::investment_product(&mut scope.tx).await? {
        return Ok(known);
    }
    let name = match scope.organization.language {
        Language::Dutch => "Investering",
        Language::English => "Investment",
    };
    let new = Product {
        id: ProductId::fresh(scope.now),
        name: name.to_owned(),
        vat_category: VatCategory::Standard,
        revenue: RevenueKind::Investment,
        unit_label: None,
    };
    store::plan::insert_investment_product(&mut scope.tx, &new, scope.now).await?;
    // Somebody else may have been first.
    let made = store::plan::investment_product(&mut scope.tx).await?;
    made.ok_or_else(|| Error::fault("the product of investments is not there"))
}

/// Takes back that a principal is not repaid: it was never paid for good, and its invoice is credited.
pub(super) async fn regain(scope: &mut Scope, investment: &mut Investment) -> Result<(), Error> {
    let forgone = investment.forgone;
    if forgone.is_zero() {
        return Ok(());
    }
    investment.forgone = Money::zero(forgone.currency());
    let (id, part) = (EntryId::fresh(scope.now), "withdrawn".to_owned());
    let entry = forgone_entry(id, investment.id, part, scope.today(), forgone.negated()?);
    let entry = entry.map_err(|refused| Error::fault(refused.to_string()))?;
    Ok(store::ledger::insert(&mut scope.tx, &[entry], scope.now).await?)
}

/// Those of some investments whose principal is invoiced and to be paid, in their order.
pub(crate) async fn unpaid(
    scope: &mut Scope,
    investments: &[Investment],
) -> Result<Vec<InvestmentId>, Error> {
    let invoices: Vec<InvoiceId> = investments
        .iter()
        .filter(|one| one.is_binding())
        .filter_map(|one| one.invoice_id)
        .collect();
    let open = store::invoice::open(&mut scope.tx, &invoices, Hold::Read).await?;
    let is_open = |invoice: InvoiceId| open.get(&invoice).is_some_and(|open| !open.is_zero());
    let unpaid =
        investments.iter().filter(|one| one.is_binding() && one.invoice_id.is_some_and(is_open));
    Ok(unpaid.map(|one| one.id).collect())
}

/// Refuses what is not done to the invoice of a principal by hand.
///
/// # Errors
/// [`Error::Refused`] with `INVESTMENT_PRINCIPAL`.
pub(crate) async fn refuse_principal(scope: &mut Scope, id: InvoiceId) -> Result<(), Error> {
    match store::investment::of_invoices(&mut scope.tx, &[id]).await?.pop() {
        None => Ok(()),
        Some(investment) => {
            let message = "the invoice is the principal of an investment: withdraw that, as long \
                           as it is not funded, or its payment went back and nothing is credited";
            let refusal = Refusal::new("INVESTMENT_PRINCIPAL", message).with("invoice_id", id);
            Err(Error::Refused(refusal.with("investment_id", investment.id)))
        }
    }
}
