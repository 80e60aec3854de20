//! What was credited and is taken back, because less was accrued in the end.
//!
//! Invariants: never more is taken back than was credited; return goes first, then principal. VAT is
//! taken back at the rate at which it was posted last, whatever the rate is now; where none was
//! posted, none.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{Heading, Line, SelfBill, SelfBillKind, SelfBillRefused, compose};
use super::{SelfBillAcceptance, ShareTreatment};
use crate::id::{InvestmentId, SelfBillId};
use crate::investment::Investment;
use crate::money::{self, Money, MoneyRefused};
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

impl SelfBill {
    /// The rate at which its VAT was posted; nothing where it credits nothing any more.
    fn posted_percent(&self) -> Result<Option<Decimal>, MoneyRefused> {
        match (self.kind, &self.own) {
            (SelfBillKind::CreditNote, _) | (SelfBillKind::Advice, None) => Ok(None),
            _ if self.acceptance == SelfBillAcceptance::Rejected => Ok(None),
            (SelfBillKind::Advice, Some(own)) if own.tax != self.most_tax()? => {
                // Another rate than the standard one, as far as its cents tell.
                let exact = money::multiply(own.tax.major(), Decimal::ONE_HUNDRED)?;
                let percent = exact / self.net.major();
                let half_up = RoundingStrategy::MidpointAwayFromZero;
                Ok(Some(percent.round_dp_with_strategy(2, half_up).normalize()))
            }
            _ => Ok(Some(self.vat.percent)),
        }
    }
}

/// The rate of VAT, in percent, at which an investment is taken back: that of the newest document
/// that credits it. `crediting` are all documents that do, newest first.
///
/// # Errors
/// [`SelfBillRefused::InvoiceAwaited`] while it is not known for one of them.
pub fn posted_percent(crediting: &[SelfBill]) -> Result<Decimal, SelfBillRefused> {
    let is_awaited = |bill: &&SelfBill| bill.kind == SelfBillKind::Advice && bill.own.is_none();
    if let Some(advice) = crediting.iter().find(is_awaited) {
        let (id, issue_on) = (advice.id, advice.issue_on);
        return Err(SelfBillRefused::InvoiceAwaited { id, issue_on });
    }
    for bill in crediting {
        if let Some(percent) = bill.posted_percent()? {
            return Ok(percent);
        }
    }
    Ok(Decimal::ZERO)
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
