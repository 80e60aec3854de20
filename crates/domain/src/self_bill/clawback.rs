//! What was credited and is taken back, because less was accrued in the end.
//!
//! Invariants: never more is taken back than was credited; return goes first, then principal.

use super::{Heading, Line, SelfBill, SelfBillKind, SelfBillRefused, compose};
use super::{SelfBillAcceptance, ShareTreatment};
use crate::id::{InvestmentId, SelfBillId};
use crate::investment::Investment;
use crate::money::{Money, MoneyRefused};
use crate::share;

/// What is taken back of an investment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clawback {
    /// Of which.
    pub investment_id: InvestmentId,
    /// How much; above zero.
    pub amount: Money,
    /// The principal in it.
    pub principal: Money,
}

/// Takes back of an investment what was credited beyond what was accrued: it then stands as if only
/// that had been credited.
///
/// # Errors
/// [`SelfBillRefused::NothingToTakeBack`].
pub fn claw_back(investment: &mut Investment) -> Result<Clawback, SelfBillRefused> {
    let (credited, accrued) = (investment.credited, investment.accrued);
    let currency = credited.currency();
    let left = Money::new(accrued.minor().max(0), currency);
    if left.minor() >= credited.minor() {
        return Err(SelfBillRefused::NothingToTakeBack { accrued, credited });
    }
    let principal = share::principal_part(left, credited, investment.principal)?;
    let amount = credited.checked_sub(left)?;
    investment.credited = left;
    investment.state = share::state(left, accrued, investment.principal, investment.cap);
    Ok(Clawback { investment_id: investment.id, amount, principal })
}

impl Clawback {
    /// The document that takes it back: a credit note, or a statement where no VAT is meant.
    ///
    /// # Errors
    /// [`MoneyRefused`].
    pub fn document(
        &self,
        heading: &Heading<'_>,
        id: SelfBillId,
        investment: &Investment,
        (title, reason): (&str, &str),
    ) -> Result<SelfBill, MoneyRefused> {
        let line = Line {
            investment_id: self.investment_id,
            description: title.to_owned(),
            revenue: None,
            share_percent: investment.share_percent,
            net: self.amount.negated()?,
            principal: self.principal.negated()?,
        };
        let mut bill = compose(heading, id, vec![line])?;
        if bill.vat_treatment != ShareTreatment::OutsideScope {
            bill.kind = SelfBillKind::CreditNote;
        }
        bill.acceptance = SelfBillAcceptance::NotAsked;
        bill.accepts_on = None;
        bill.reason = Some(reason.to_owned());
        Ok(bill)
    }
}
