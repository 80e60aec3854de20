//! What investors answer: they agree or do not, or send their own invoices.

use domain::Outcome;
use domain::date::Date;
use domain::id::{EntryId, PayoutId, SelfBillId, Sequence};
use domain::ledger::share::own_invoice_entry;
use domain::money::Money;
use domain::organization::text;
use domain::payout::Payout;
use domain::self_bill::{OwnInvoice, SelfBill};
use store::self_bill::Kept;

use super::{get, issue};
use crate::Scope;
use crate::customer::MAX_NOTE;
use crate::error::{Error, Expect, Field};

/// The longest number of an investor's own invoice, in characters.
const MAX_NUMBER: usize = 60;

/// An investor's own invoice for an advice.
#[derive(Debug, Clone)]
pub struct RecordInvestorInvoice {
    /// The advice.
    pub self_bill_id: SelfBillId,
    /// The investor's number.
    pub number: String,
    /// Its date.
    pub issue_on: Date,
    /// The VAT on it.
    pub tax: Money,
}

/// Holds a document until the end of the transaction.
pub(crate) async fn hold(scope: &mut Scope, id: SelfBillId) -> Result<Kept, Error> {
    let kept = store::self_bill::lock(&mut scope.tx, id);
    let kept = kept.await.or_missing("self-billing document", id)?;
    // The wait may have lasted into another day.
    scope.refresh().await?;
    Ok(kept)
}

/// The investor agrees with a document: it is paid with the next that are sent. Saying it again
/// changes nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `ACCEPTANCE_NOT_ASKED` or `SELF_BILL_REJECTED`.
pub async fn accept(scope: &mut Scope, id: SelfBillId) -> Result<Kept, Error> {
    let mut kept = hold(scope, id).await?;
    if let Outcome::Applied(()) = kept.bill.accept()? {
        store::self_bill::save(&mut scope.tx, &kept.bill).await?;
        if let Some(mut payout) = store::payout::lock_of(&mut scope.tx, id).await?
            && let Outcome::Applied(()) = payout.accept()
        {
            store::payout::save(&mut scope.tx, &[payout]).await?;
        }
    }
    Ok(kept)
}

/// Lets silence agree with all documents whose day has come; answers how many. Their payouts did
/// not wait for it. One statement.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn accept_due(scope: &mut Scope) -> Result<u64, Error> {
    let today = scope.today();
    let accepted = store::self_bill::accept_silent(&mut scope.tx, today).await?;
    Ok(accepted as u64)
}

/// Whether silence is to agree with a document today: one index look-up.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn accepts_due(scope: &mut Scope) -> Result<bool, Error> {
    let today = scope.today();
    Ok(store::self_bill::is_silence_due(&mut scope.tx, today).await?)
}

/// The investor does not agree: a credit note takes the document back, and an advice with the same
/// lines takes its place, for which the investor sends its own invoice. What was sent already stays
/// so. Saying it again changes nothing. Answers the document as it is now.
///
/// # Errors
/// [`Error::Invalid`] for the reason; [`Error::NotFound`]; [`Error::Refused`] with
/// `ACCEPTANCE_NOT_ASKED` or `SELF_BILL_ACCEPTED`; [`Error::Busy`].
pub async fn reject(scope: &mut Scope, id: SelfBillId, reason: &str) -> Result<Kept, Error> {
    let reason = text(reason, MAX_NOTE).field("reason")?;
    let mut kept = hold(scope, id).await?;
    let today = scope.today();
    let Outcome::Applied(()) = kept.bill.reject(today)? else { return Ok(kept) };
    store::self_bill::save(&mut scope.tx, &kept.bill).await?;
    let ids = Sequence::new(scope.now);
    let note = kept.bill.credit_note(SelfBillId(ids.next()), today, &reason)?;
    let advice = kept.bill.advice(SelfBillId(ids.next()), today, &reason);
    let mut payouts = Vec::new();
    if let Some(mut payout) = store::payout::lock_of(&mut scope.tx, id).await?
        && let Outcome::Applied(()) = payout.cancel()
    {
        store::payout::save(&mut scope.tx, &[payout]).await?;
        payouts.extend(Payout::of(&advice, PayoutId(ids.next())));
    }
    let suppliers = issue::suppliers(scope, &[kept.bill.investor_id]).await?;
    issue::write(scope, &suppliers, vec![note, advice], payouts).await?;
    Ok(kept)
}

/// The investor's own invoice for an advice has come: its VAT is posted, and the advice is paid with
/// the next that are sent. The same again changes nothing.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::NotFound`]; [`Error::Refused`] with
/// `NOT_AN_ADVICE` or `INVOICE_RECORDED`.
pub async fn record_own(scope: &mut Scope, command: RecordInvestorInvoice) -> Result<Kept, Error> {
    let RecordInvestorInvoice { self_bill_id: id, number, issue_on, tax } = command;
    let number = text(&number, MAX_NUMBER).field("number")?;
    store::self_bill::hold_credits(&mut scope.tx).await?;
    let mut kept = hold(scope, id).await?;
    let today = scope.today();
    let own = OwnInvoice { number, issue_on, tax };
    let Outcome::Applied(()) = kept.bill.record_own(own, today)? else { return Ok(kept) };
    store::self_bill::save(&mut scope.tx, &kept.bill).await?;
    let reclaims = !kept.buyer.small_business;
    let entry = own_invoice_entry(EntryId::fresh(scope.now), &kept.bill, today, reclaims);
    let entry = entry.map_err(|refused| Error::fault(format!("{id} does not post: {refused}")))?;
    store::ledger::insert(&mut scope.tx, entry.as_slice(), scope.now).await?;
    match store::payout::lock_of(&mut scope.tx, id).await? {
        Some(mut payout) => {
            if let Outcome::Applied(()) = payout.invoiced(tax)? {
                store::payout::save(&mut scope.tx, &[payout]).await?;
            }
        }
        None => pay_rest(scope, &kept.bill, tax).await?,
    }
    get(scope, id).await
}

/// The document that an advice stands for was paid before it was rejected. While the VAT waited, it
/// was set off against other payouts: then the advice has a payout after all, which is lowered to
/// what is owed when it is sent.
async fn pay_rest(scope: &mut Scope, advice: &SelfBill, tax: Money) -> Result<(), Error> {
    let (investor, currency) = (advice.investor_id, advice.total.currency());
    let rest = store::payout::unclaimed(&mut scope.tx, investor, currency).await?;
    if rest.minor() <= 0 {
        return Ok(());
    }
    let Some(mut payout) = Payout::of(advice, PayoutId::fresh(scope.now)) else { return Ok(()) };
    let (Outcome::Applied(()) | Outcome::Unchanged) = payout.invoiced(tax)?;
    store::payout::insert(&mut scope.tx, &[payout], scope.now).await?;
    Ok(())
}
