//! What was credited and is taken back.

use domain::date;
use domain::feature::Feature;
use domain::id::{EntryId, InvestmentId, SelfBillId};
use domain::investment::{Investment, ShareTreatment, in_force};
use domain::ledger::share::forgone_entry;
use domain::organization::text;
use domain::self_bill::{Clawback, Heading, Recipient, SelfBill, claw_back, posted_percent};
use domain::share;
use store::self_bill::Kept;

use super::{get, issue};
use crate::Scope;
use crate::customer::MAX_NOTE;
use crate::error::{Error, Expect, Field};

/// Takes back of an investment what was credited beyond what was accrued, by a credit note, or by a
/// statement where no VAT is meant: return first, then principal. Nothing is paid or collected: it
/// lowers what the investor is owed.
///
/// # Errors
/// [`Error::Invalid`] for the reason; [`Error::NotFound`]; [`Error::Refused`] with
/// `NOTHING_TO_TAKE_BACK`, `AGREEMENT_MISSING` or `INVOICE_AWAITED`; [`Error::Busy`].
pub async fn settle_clawback(
    scope: &mut Scope,
    id: InvestmentId,
    reason: &str,
) -> Result<Kept, Error> {
    let reason = text(reason, MAX_NOTE).field("reason")?;
    let next_month = store::self_bill::hold_credits(&mut scope.tx).await?;
    let found = store::investment::get(&mut scope.tx, id).await.or_missing("investment", id)?;
    let feature = store::feature::lock(&mut scope.tx, found.feature_id).await?;
    let all = store::investment::lock_of(&mut scope.tx, &[feature.id]).await?;
    let mut investment =
        all.into_iter().find(|one| one.id == id).ok_or(Error::not_found("investment", id))?;
    // The wait may have lasted into another day.
    scope.refresh().await?;
    let taken = claw_back(&mut investment)?;
    let bill_id = document(scope, &investment, &feature, (taken, &reason)).await?;
    let is_forgone = feature
        .retired_on
        .is_some_and(|on| next_month.is_some_and(|next| next > share::last_month(on)));
    if is_forgone && !taken.principal.is_zero() {
        // As the rest of the principal after the feature's last month: it is not repaid any more.
        investment.forgone = investment.forgone.checked_add(taken.principal)?;
        let (entry_id, part) = (EntryId::fresh(scope.now), bill_id.to_string());
        let entry = forgone_entry(entry_id, id, part, scope.today(), taken.principal);
        let entry = entry.map_err(|refused| Error::fault(refused.to_string()))?;
        store::ledger::insert(&mut scope.tx, &[entry], scope.now).await?;
    }
    store::self_bill::save_taken_back(&mut scope.tx, &investment).await?;
    get(scope, bill_id).await
}

/// The document that takes it back, with its entry.
async fn document(
    scope: &mut Scope,
    investment: &Investment,
    feature: &Feature,
    (taken, reason): (Clawback, &str),
) -> Result<SelfBillId, Error> {
    let issue_on = scope.today();
    let suppliers = issue::suppliers(scope, &[investment.investor_id]).await?;
    let agreement = in_force(issue::agreement(&suppliers, investment.investor_id), issue_on);
    let vat_treatment = investment.vat_treatment;
    if agreement.is_none() && vat_treatment != ShareTreatment::OutsideScope {
        let message = format!(
            "without an agreement in force on {issue_on} no credit note is issued in the \
             investor's name: record one first"
        );
        return Err(Error::refused("AGREEMENT_MISSING", message));
    }
    let month = date::first_of_month(issue_on);
    let crediting = store::self_bill::crediting(&mut scope.tx, investment.id).await?;
    let crediting: Vec<SelfBill> = crediting.into_iter().map(|kept| kept.bill).collect();
    let standard_percent = posted_percent(&crediting)?;
    let currency = taken.amount.currency();
    let recipient = Recipient { investor_id: investment.investor_id, vat_treatment, currency };
    let heading = Heading { recipient, month, issue_on, standard_percent, agreement };
    let id = SelfBillId::fresh(scope.now);
    let bill = taken.document(&heading, id, investment, (&feature.title, reason))?;
    issue::write(scope, &suppliers, vec![bill], Vec::new()).await?;
    Ok(id)
}
