//! Credits by hand.

use domain::balance::Balance;
use domain::billing::BillRefused;
use domain::id::{EntryId, InvoiceId, LineId, ProductId, Sequence};
use domain::invoice::credit::{CreditRefused, Creditable, Wanted, choose};
use domain::invoice::{self as rules, DocumentKind, Heading, MAX_LINES, Party};
use domain::ledger::{Entry, recognition_entry};
use domain::money::Money;
use domain::organization::text;
use store::billing::Account;
use store::invoice::{Hold, NewDocument};

use super::issue::issue;
use crate::Scope;
use crate::customer::MAX_NOTE;
use crate::error::{Error, Expect, Field, Refusal};

/// What is to be credited.
#[derive(Debug, Clone)]
pub struct CreditInvoice {
    /// Which invoice.
    pub id: InvoiceId,
    /// Which of its lines; everything that is left when empty.
    pub lines: Vec<Wanted>,
    /// Why.
    pub reason: String,
}

fn refused(refused: &CreditRefused, id: InvoiceId) -> Error {
    match refused {
        CreditRefused::NothingLeft => {
            let refusal = Refusal::new("NOTHING_LEFT_TO_CREDIT", refused);
            Error::Refused(refusal.with("invoice_id", id))
        }
        CreditRefused::MoreThanLeft { id, left, .. } => Error::Refused(
            Refusal::new("MORE_THAN_LEFT", refused).with("line_id", id).with("left", left),
        ),
        CreditRefused::LineUnknown { .. }
        | CreditRefused::Doubled { .. }
        | CreditRefused::Amount { .. } => Error::invalid("lines", refused),
        CreditRefused::Money(_) => Error::refused("AMOUNT_TOO_LARGE", refused),
    }
}

/// Credits an invoice, whole or in part, by a credit note of today. What is still open on the
/// invoice is paid off first, the rest goes to the customer's balance. A draft is finalized first.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`]; [`Error::Refused`] with `CREDIT_NOTE`,
/// `NOTHING_LEFT_TO_CREDIT`, `MORE_THAN_LEFT`, `WRITTEN_OFF`, `INVESTMENT_PRINCIPAL` or
/// `DRAFT_DISCARDED`.
pub async fn credit(scope: &mut Scope, command: CreditInvoice) -> Result<InvoiceId, Error> {
    let CreditInvoice { id, lines, reason } = command;
    let reason = text(&reason, MAX_NOTE).field("reason")?;
    if lines.len() > MAX_LINES {
        let message = format!("{} are not possible: at most {MAX_LINES}", lines.len());
        return Err(Error::invalid("lines", message));
    }
    // What is still a draft is finalized first: only documents are credited.
    crate::draft::finalize(scope, id).await?;
    let header = store::invoice::header(&mut scope.tx, id).await.or_missing("invoice", id)?;
    if header.kind == DocumentKind::CreditNote {
        let message = "it is a credit note: only invoices can be credited";
        return Err(Error::Refused(Refusal::new("CREDIT_NOTE", message).with("invoice_id", id)));
    }
    crate::investment::refuse_principal(scope, id).await?;
    take_back(scope, header.account, id, &lines, reason).await
}

/// Takes lines of an invoice back, all of them when none is named: the reason is checked, and it is
/// an invoice of this account.
pub(crate) async fn take_back(
    scope: &mut Scope,
    account: Account,
    id: InvoiceId,
    lines: &[Wanted],
    reason: String,
) -> Result<InvoiceId, Error> {
    store::billing::lock(&mut scope.tx, account).await?;
    // The wait for the account may have lasted into another day.
    scope.refresh().await?;
    refuse_written_off(scope, id).await?;
    let found = store::invoice::creditable(&mut scope.tx, id, account.currency).await?;
    let mut chosen = choose(found, lines).map_err(|why| refused(&why, id))?;
    recognize(scope, &mut chosen).await?;
    let mut draft = draft(scope, account, &mut chosen).await?;
    let available = store::billing::balances(&mut scope.tx, &[account.customer_id]).await?;
    let nothing = Money::zero(account.currency);
    let mut balance = Balance {
        available: available.get(&account).copied().unwrap_or(nothing),
        open: store::invoice::open(&mut scope.tx, &[id], Hold::Lock).await?,
    };
    balance.settle(&mut draft)?;
    let credit_note = draft.id;
    let deferrals = chosen.into_iter().filter_map(|(line, _)| Some((line.line_id, line.deferral?)));
    let shortened: Vec<_> = deferrals.collect();
    let customer = crate::customer::get(scope, account.customer_id).await?;
    let document = NewDocument { draft, buyer: Party::buyer(&customer), reason: Some(reason) };
    issue(scope, document, &shortened, &[]).await?;
    Ok(credit_note)
}

/// What is not expected any more cannot be credited: the balance would be money that never came.
async fn refuse_written_off(scope: &mut Scope, id: InvoiceId) -> Result<(), Error> {
    let found = store::invoice::headers(&mut scope.tx, &[id]).await?;
    match found.first() {
        Some(invoice) if !invoice.written_off.is_zero() => {
            let message = "what is left of the invoice is written off: it cannot be credited";
            let refusal = Refusal::new("WRITTEN_OFF", message).with("invoice_id", id);
            Err(Error::Refused(refusal.with("written_off", invoice.written_off)))
        }
        _ => Ok(()),
    }
}

/// Posts what the lines have earned up to today, so that what is taken back of a line does not
/// depend on whether the day's work was done before.
async fn recognize(scope: &mut Scope, chosen: &mut [(Creditable, Money)]) -> Result<(), Error> {
    let today = scope.today();
    let ids = Sequence::new(scope.now);
    let mut entries: Vec<Entry> = Vec::new();
    for (line, _) in chosen {
        let id = line.line_id;
        let Some(deferral) = &mut line.deferral else { continue };
        let account = deferral.account;
        for step in deferral.recognize(today)? {
            let entry =
                recognition_entry(EntryId(ids.next()), id, account, step.until, step.amount);
            entries.push(entry.map_err(|refused| not_posted(id, &refused))?);
        }
    }
    Ok(store::ledger::insert(&mut scope.tx, &entries, scope.now).await?)
}

fn not_posted(id: LineId, refused: &impl std::fmt::Display) -> Error {
    Error::fault(format!("line {id} does not post: {refused}"))
}

async fn draft(
    scope: &mut Scope,
    account: Account,
    chosen: &mut [(Creditable, Money)],
) -> Result<rules::Draft, Error> {
    let customer = crate::customer::get(scope, account.customer_id).await?;
    let rates = store::vat::rates(&mut scope.tx).await?;
    let ids: Vec<ProductId> = chosen.iter().map(|(line, _)| line.product_id).collect();
    let products = store::plan::products(&mut scope.tx, &ids).await?;
    let mut charges = Vec::with_capacity(chosen.len());
    for (line, amount) in chosen {
        let product = products.iter().find(|product| product.id == line.product_id);
        let product = product.ok_or_else(|| Error::fault("a line's product is not known"))?;
        charges.push(line.credit(product, *amount)?);
    }
    let today = scope.today();
    let heading = Heading {
        seller: &scope.organization,
        customer: &customer,
        rates: &rates,
        currency: account.currency,
        billing_on: today,
        issue_on: today,
    };
    rules::draft(&heading, &Sequence::new(scope.now), charges)
        .map_err(BillRefused::from)
        .map_err(|refused| Error::refused(refused.reason(), refused))
}
