//! What an investor answers: it agrees, it does not, it sends its own invoice.
//!
//! Invariants: silence agrees from a day on, whether or not anybody looked on that day. A document
//! that is rejected is taken back as a whole, and an advice with the same lines takes its place.

use rust_decimal::Decimal;

use super::{OwnInvoice, SelfBill, SelfBillAcceptance, SelfBillKind, SelfBillRefused, tax_on};
use crate::Outcome;
use crate::date::{self, Date};
use crate::id::SelfBillId;
use crate::investment::ShareTreatment;
use crate::money::{Money, MoneyRefused};

impl SelfBill {
    /// Whether silence has agreed.
    fn is_silently_accepted(&self, today: Date) -> bool {
        self.accepts_on.is_some_and(|on| on <= today)
    }

    /// The investor agrees. It agrees once.
    ///
    /// # Errors
    /// [`SelfBillRefused::NotAsked`], [`SelfBillRefused::Rejected`].
    pub fn accept(&mut self) -> Result<Outcome<()>, SelfBillRefused> {
        match self.acceptance {
            SelfBillAcceptance::NotAsked => Err(SelfBillRefused::NotAsked { kind: self.kind }),
            SelfBillAcceptance::Rejected => Err(SelfBillRefused::Rejected),
            SelfBillAcceptance::Accepted => Ok(Outcome::Unchanged),
            SelfBillAcceptance::Waiting => {
                self.acceptance = SelfBillAcceptance::Accepted;
                Ok(Outcome::Applied(()))
            }
        }
    }

    /// The investor does not agree. It says so once, before it agrees.
    ///
    /// # Errors
    /// [`SelfBillRefused::NotAsked`], [`SelfBillRefused::Accepted`].
    pub fn reject(&mut self, today: Date) -> Result<Outcome<()>, SelfBillRefused> {
        match self.acceptance {
            SelfBillAcceptance::NotAsked => Err(SelfBillRefused::NotAsked { kind: self.kind }),
            SelfBillAcceptance::Accepted => Err(SelfBillRefused::Accepted),
            SelfBillAcceptance::Rejected => Ok(Outcome::Unchanged),
            SelfBillAcceptance::Waiting if self.is_silently_accepted(today) => {
                Err(SelfBillRefused::Accepted)
            }
            SelfBillAcceptance::Waiting => {
                self.acceptance = SelfBillAcceptance::Rejected;
                Ok(Outcome::Applied(()))
            }
        }
    }

    /// The credit note that takes a rejected document back.
    ///
    /// # Errors
    /// [`MoneyRefused`].
    pub fn credit_note(
        &self,
        id: SelfBillId,
        today: Date,
        reason: &str,
    ) -> Result<Self, MoneyRefused> {
        let mut note = self.replaced(id, today, reason);
        note.kind = SelfBillKind::CreditNote;
        note.month = date::first_of_month(today);
        for line in &mut note.lines {
            line.net = line.net.negated()?;
            line.principal = line.principal.negated()?;
        }
        note.net = self.net.negated()?;
        note.tax = self.tax.negated()?;
        note.total = self.total.negated()?;
        Ok(note)
    }

    /// The advice that takes the place of a rejected document: what was credited stays credited, and
    /// the investor sends its own invoice for it.
    #[must_use]
    pub fn advice(&self, id: SelfBillId, today: Date, reason: &str) -> Self {
        let nothing = Money::zero(self.net.currency());
        let advice = self.replaced(id, today, reason);
        Self { kind: SelfBillKind::Advice, tax: nothing, total: self.net, ..advice }
    }

    fn replaced(&self, id: SelfBillId, today: Date, reason: &str) -> Self {
        Self {
            id,
            issue_on: today,
            corrects: Some(self.id),
            reason: Some(reason.to_owned()),
            acceptance: SelfBillAcceptance::NotAsked,
            accepts_on: None,
            own: None,
            ..self.clone()
        }
    }

    /// The most VAT that the investor's own invoice can bear.
    pub(super) fn most_tax(&self) -> Result<Money, MoneyRefused> {
        match self.vat_treatment {
            ShareTreatment::WithVat => tax_on(self.net, self.vat),
            ShareTreatment::SmallBusiness
            | ShareTreatment::ReverseCharge
            | ShareTreatment::OutsideScope => Ok(Money::zero(self.net.currency())),
        }
    }

    /// The investor's own invoice has come. The same again changes nothing.
    ///
    /// # Errors
    /// [`SelfBillRefused`].
    pub fn record_own(
        &mut self,
        own: OwnInvoice,
        today: Date,
    ) -> Result<Outcome<()>, SelfBillRefused> {
        if self.kind != SelfBillKind::Advice {
            return Err(SelfBillRefused::NoAdvice { kind: self.kind });
        }
        if let Some(recorded) = &self.own {
            if *recorded == own {
                return Ok(Outcome::Unchanged);
            }
            return Err(SelfBillRefused::Recorded { number: recorded.number.clone() });
        }
        if own.issue_on > today {
            return Err(SelfBillRefused::Later { on: own.issue_on, today });
        }
        let most = self.most_tax()?;
        let fits =
            own.tax.currency() == most.currency() && (0..=most.minor()).contains(&own.tax.minor());
        if !fits {
            let percent = if most.is_zero() { Decimal::ZERO } else { self.vat.percent };
            let (tax, net) = (own.tax, self.net);
            return Err(SelfBillRefused::Tax { tax, most, percent, net });
        }
        self.own = Some(own);
        Ok(Outcome::Applied(()))
    }
}
