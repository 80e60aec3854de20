//! What the bank says about payouts, and what people then say.

use domain::Outcome;
use domain::date::Date;
use domain::event::EventKind;
use domain::id::{EntryId, PayoutBatchId, PayoutId};
use domain::ledger::share::payout_entry;
use domain::organization::text;
use domain::payout::{Move, Payout};
use domain::self_bill::SelfBillAcceptance;
use store::self_bill::Kept;

use super::get;
use super::send::news;
use crate::Scope;
use crate::access::Caller;
use crate::customer::MAX_NOTE;
use crate::error::{Error, Expect, Field, Refusal};
use crate::self_bill::hold;

/// What the bank says.
#[derive(Debug, Clone)]
pub enum BankAnswer {
    /// It has arrived.
    Settled,
    /// It went back.
    Bounced {
        /// Why, in words.
        why: String,
    },
}

/// What the bank says about a payout.
#[derive(Debug, Clone)]
pub struct ReportPayoutResult {
    /// Which.
    pub payout_id: PayoutId,
    /// With which batch it went; needed once it was sent more than once.
    pub batch_id: Option<PayoutBatchId>,
    /// The bank's date; today when absent.
    pub on: Option<Date>,
    /// What it says.
    pub answer: BankAnswer,
}

/// A payout and its document, both held.
async fn held(scope: &mut Scope, id: PayoutId) -> Result<(Payout, Kept), Error> {
    let found = get(scope, id).await?;
    let kept = hold(scope, found.self_bill_id).await?;
    let payout = store::payout::lock(&mut scope.tx, id).await.or_missing("payout", id)?;
    Ok((payout, kept))
}

/// Records what the bank says about a payout. The same again changes nothing.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::NotFound`]; [`Error::Refused`] with `PAYOUT_STATE`,
/// `PAYOUT_BOUNCED` when it went back and was not sent again, `OTHER_BATCH`.
pub async fn report(scope: &mut Scope, command: ReportPayoutResult) -> Result<Payout, Error> {
    let (mut payout, kept) = held(scope, command.payout_id).await?;
    let today = scope.today();
    if command.batch_id.is_none() && payout.times > 1 {
        let message = format!(
            "the payout was sent {} times: expected the batch that the bank speaks of",
            payout.times
        );
        return Err(Error::invalid("batch_id", message));
    }
    if let (Some(said), Some(last)) = (command.batch_id, payout.batch_id)
        && said != last
    {
        let message = format!("the payout was last sent with batch {last}, not with {said}");
        return Err(Error::Refused(Refusal::new("OTHER_BATCH", message).with("batch_id", last)));
    }
    let on = command.on.unwrap_or(today);
    let earliest = payout.sent_on.unwrap_or(on);
    if on > today || on < earliest {
        let message = format!("{on} is not possible: expected {earliest} to {today}");
        return Err(Error::invalid("on", message));
    }
    let done = match command.answer {
        BankAnswer::Settled => payout.settle(on)?,
        BankAnswer::Bounced { why } => payout.bounce(on, &text(&why, MAX_NOTE).field("why")?)?,
    };
    let Outcome::Applied(moved) = done else { return Ok(payout) };
    let entry = payout_entry(EntryId::fresh(scope.now), &payout, moved, on)
        .map_err(|refused| Error::fault(format!("{} does not post: {refused}", payout.id)))?;
    store::ledger::insert(&mut scope.tx, &[entry], scope.now).await?;
    let kind = match moved {
        Move::Settled | Move::Sent => EventKind::PayoutSettled,
        Move::Bounced | Move::CameBack => {
            replace(scope, &mut payout, &kept).await?;
            EventKind::PayoutBounced
        }
    };
    store::payout::save(&mut scope.tx, std::slice::from_ref(&payout)).await?;
    scope.announce([news(kind, on, &kept, &payout)]);
    Ok(payout)
}

/// A payout that came back of a document that was rejected meanwhile is not sent again: the advice
/// that took the document's place is paid instead.
async fn replace(scope: &mut Scope, payout: &mut Payout, kept: &Kept) -> Result<(), Error> {
    if kept.bill.acceptance != SelfBillAcceptance::Rejected {
        return Ok(());
    }
    let advice = store::self_bill::advice_of(&mut scope.tx, kept.bill.id).await?.bill;
    if store::payout::lock_of(&mut scope.tx, advice.id).await?.is_some() {
        // The advice pays what the two differ in: what came back is still to be paid by itself.
        return Ok(());
    }
    let (Outcome::Applied(()) | Outcome::Unchanged) = payout.cancel();
    let Some(mut new) = Payout::of(&advice, PayoutId::fresh(scope.now)) else { return Ok(()) };
    store::payout::insert(&mut scope.tx, std::slice::from_ref(&new), scope.now).await?;
    if let Some(own) = &advice.own
        && let Outcome::Applied(()) = new.invoiced(own.tax)?
    {
        store::payout::save(&mut scope.tx, &[new]).await?;
    }
    Ok(())
}

/// A person approves that a payout goes to the account that the investor has now: one that went
/// back goes again, and one that waited for a second person goes. Saying it again changes nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] with `PAYOUT_STATE`, or `SECOND_PERSON_NEEDED` for who
/// changed the account.
pub async fn approve(scope: &mut Scope, caller: &Caller, id: PayoutId) -> Result<Payout, Error> {
    let (mut payout, _) = held(scope, id).await?;
    let account = store::payout::active(&mut scope.tx, &[payout.investor_id]).await?.pop();
    let account = account.map(|kept| kept.account);
    let today = scope.today();
    if let Outcome::Applied(()) = payout.approve(&caller.name, account.as_ref(), today)? {
        store::payout::save(&mut scope.tx, std::slice::from_ref(&payout)).await?;
    }
    Ok(payout)
}
