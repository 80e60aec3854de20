//! Late fees, invoiced.
//!
//! Invariants: each stands on an invoice of its own, because what is outside the scope of VAT stands
//! beside nothing else (EN 16931, BR-O-11 to BR-O-14); a fixed number of statements for any number
//! of fees.

use std::collections::HashMap;

use domain::balance::Balance;
use domain::billing::BillRefused;
use domain::customer::Customer;
use domain::dunning::late_fee_description;
use domain::id::{ChargeId, CustomerId, InvoiceId, ProductId, Sequence};
use domain::invoice::{Heading, Party, draft_outside_scope};
use domain::money::Money;
use domain::one_off::OneOff;
use domain::plan::Product;
use domain::vat::VatRates;
use store::billing::Account;
use store::invoice::NewDocument;

use super::step::{Fee, Step};
use crate::Scope;
use crate::day::Done;
use crate::error::Error;
use crate::invoice::issue::issue_all;

/// What the fees of a batch are made of.
struct Desk {
    numbers: HashMap<InvoiceId, String>,
    customers: HashMap<CustomerId, Customer>,
    products: HashMap<ProductId, Product>,
    rates: VatRates,
    balances: HashMap<Account, Balance>,
}

/// Invoices the late fees of these steps, at once and not as drafts: what a policy says is not looked
/// at again. Hold the billing accounts of the customers.
///
/// # Errors
/// [`Error::Unavailable`]; [`Error::Busy`] or [`Error::Refused`] when there is no number for them.
pub(super) async fn charge(scope: &mut Scope, steps: &[Step]) -> Result<Done, Error> {
    let fees: Vec<(&Step, Fee)> = steps.iter().filter_map(|step| Some((step, step.fee?))).collect();
    if fees.is_empty() {
        return Ok(Done::default());
    }
    let mut desk = Desk::load(scope, &fees).await?;
    let ids = Sequence::new(scope.now);
    let (mut one_offs, mut billed) = (Vec::new(), Vec::new());
    let mut documents = Vec::with_capacity(fees.len());
    for (step, fee) in fees {
        let one_off = desk.one_off(scope, ChargeId(ids.next()), step, fee)?;
        let document = desk.document(scope, &ids, &one_off)?;
        billed.push((one_off.id, Some(document.draft.id)));
        one_offs.push(one_off);
        documents.push(document);
    }
    store::one_off::insert(&mut scope.tx, &one_offs, scope.now).await?;
    let entries = issue_all(scope, &documents, &[], &billed).await?;
    let mut done = Done { entries: entries as u64, ..Done::default() };
    for NewDocument { draft, .. } in documents {
        done.add(Done { invoices: 1, invoiced: vec![draft.total], ..Done::default() });
    }
    Ok(done)
}

impl Desk {
    async fn load(scope: &mut Scope, fees: &[(&Step, Fee)]) -> Result<Self, Error> {
        let invoices: Vec<InvoiceId> = fees.iter().map(|(step, _)| step.invoice_id).collect();
        let customers: Vec<CustomerId> = fees.iter().map(|(step, _)| step.customer_id).collect();
        let products: Vec<ProductId> = fees.iter().map(|(_, fee)| fee.product_id).collect();
        let tx = &mut scope.tx;
        let numbers = store::invoice::headers(tx, &invoices).await?;
        let available = store::billing::balances(tx, &customers).await?;
        let customers = store::customer::get_many(tx, &customers).await?;
        let products = store::plan::products(tx, &products).await?;
        Ok(Self {
            numbers: numbers.into_iter().map(|one| (one.id, one.number)).collect(),
            customers: customers.into_iter().map(|one| (one.id, one)).collect(),
            products: products.into_iter().map(|one| (one.id, one)).collect(),
            rates: store::vat::rates(tx).await?,
            balances: available.into_iter().map(|(id, one)| (id, Balance::of(one))).collect(),
        })
    }

    fn customer(&self, id: CustomerId) -> Result<&Customer, Error> {
        self.customers.get(&id).ok_or_else(|| Error::fault(format!("no customer {id}")))
    }

    fn one_off(&self, scope: &Scope, id: ChargeId, step: &Step, fee: Fee) -> Result<OneOff, Error> {
        let invoice = step.invoice_id;
        let number = self.numbers.get(&invoice);
        let number = number.ok_or_else(|| Error::fault(format!("no invoice {invoice}")))?;
        let language = scope.language_of(self.customer(step.customer_id)?);
        let ids = (id, step.customer_id, fee.product_id);
        let text = late_fee_description(number, language);
        let one_off = OneOff::on(scope.today(), ids, text, fee.amount);
        Ok(OneOff { late_fee_of: Some(invoice), ..one_off })
    }

    fn document(
        &mut self,
        scope: &Scope,
        ids: &Sequence,
        one_off: &OneOff,
    ) -> Result<NewDocument, Error> {
        let product = self.products.get(&one_off.product_id);
        let product = product.ok_or_else(|| Error::fault("the product of a late fee is gone"))?;
        let customer = self.customer(one_off.customer_id)?;
        let today = scope.today();
        let heading = Heading {
            seller: &scope.organization,
            customer,
            rates: &self.rates,
            currency: one_off.net.currency(),
            billing_on: today,
            issue_on: today,
        };
        let mut draft = draft_outside_scope(&heading, ids, vec![one_off.charge(product)])
            .map_err(BillRefused::from)
            .map_err(|refused| Error::refused(refused.reason(), refused))?;
        let account = Account { customer_id: customer.id, currency: draft.currency };
        let buyer = Party::buyer(customer);
        let nothing = Balance::of(Money::zero(account.currency));
        self.balances.entry(account).or_insert(nothing).settle(&mut draft)?;
        Ok(NewDocument { draft, buyer, reason: None })
    }
}
