//! Payouts: what investors are paid, and how it went.
//!
//! Purpose: where a payout stands, what may happen to it, and when a second person has to look at
//! it.
//!
//! Invariants: a payout is paid to one account at a time; what the bank says twice changes nothing.
//! What the bank says may be turned around once: money that had arrived may come back. A payout that
//! came back goes again only when a person says so. Nobody is sent more than is owed ([`set_off`]).
//!
//! Deliberately absent: what it is for ([`crate::self_bill`]), the account number itself (sealed by
//! `app`).

mod set_off;

use crate::Outcome;
use crate::code::codes;
use crate::date::{self, Date};
use crate::id::{CustomerId, PayoutAccountId, PayoutBatchId, PayoutId, SelfBillId};
use crate::money::{Money, MoneyRefused};
use crate::self_bill::{SelfBill, SelfBillAcceptance, SelfBillKind};

pub use self::set_off::{Owed, set_off};

/// For how many days after an account took the place of another one a second person approves what
/// is paid to it: whoever took over a mailbox is mostly found out by then.
pub const WATCHED_DAYS: i64 = 14;

codes! {
    /// Where a payout stands.
    PayoutState {
        /// The investor's own invoice has not come yet.
        WaitingInvoice = "waiting_invoice",
        /// The investor has not agreed with the document yet.
        WaitingAcceptance = "waiting_acceptance",
        /// It goes with the next that are sent.
        Ready = "ready",
        /// It was handed to the bank.
        Sent = "sent",
        /// It has arrived.
        Settled = "settled",
        /// It went back: a person sends it again.
        Bounced = "bounced",
        /// Nothing is paid: its document was rejected, or all of it was set off.
        Cancelled = "cancelled",
    }
}

/// What happened to the money of a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// It was handed to the bank.
    Sent,
    /// It has arrived.
    Settled,
    /// It went back before it had arrived.
    Bounced,
    /// It had arrived, and came back.
    CameBack,
}

/// Where an investor's money goes, without the number of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutAccount {
    /// Identity.
    pub id: PayoutAccountId,
    /// Whose.
    pub investor_id: CustomerId,
    /// Whose name is on it.
    pub holder: String,
    /// The account, masked.
    pub masked: String,
    /// Since when.
    pub set_on: Date,
    /// By whose key.
    pub set_by: String,
    /// Whether it took the place of another one.
    pub is_change: bool,
    /// Since when it is another one's place.
    pub ended_on: Option<Date>,
}

impl PayoutAccount {
    /// Whether what is paid to it on a day needs a second person.
    #[must_use]
    pub fn is_watched(&self, today: Date) -> bool {
        self.is_change && today < date::add_days(self.set_on, WATCHED_DAYS)
    }
}

/// What an investor is paid for a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// Identity.
    pub id: PayoutId,
    /// To whom.
    pub investor_id: CustomerId,
    /// For which document.
    pub self_bill_id: SelfBillId,
    /// Including VAT, without what was set off; of an advice without VAT, until the investor's own
    /// invoice has come.
    pub amount: Money,
    /// What of it is not sent, because more was paid before than is due.
    pub set_off: Money,
    /// Where it stands.
    pub state: PayoutState,
    /// Why it went back or nothing is paid, in words.
    pub why: Option<String>,
    /// By whose key it was approved.
    pub approved_by: Option<String>,
    /// How often it was sent.
    pub times: i32,
    /// With which others it was sent.
    pub batch_id: Option<PayoutBatchId>,
    /// To which account it was sent, or is approved to be sent.
    pub account_id: Option<PayoutAccountId>,
    /// When it was sent.
    pub sent_on: Option<Date>,
    /// When it arrived.
    pub settled_on: Option<Date>,
    /// When it last went back.
    pub bounced_on: Option<Date>,
}

/// Why something does not happen to a payout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayoutRefused {
    /// It stands elsewhere.
    #[error("the payout is {state}: expected one that is {expected}")]
    State {
        /// Where it stands.
        state: PayoutState,
        /// Where it would have to stand.
        expected: &'static str,
    },
    /// The bank said that it went back.
    #[error("the payout went back on {on}: it can arrive only after it was sent again")]
    WentBack {
        /// When.
        on: Date,
    },
    /// Somebody else has to approve.
    #[error(
        "the account of this payout was changed on {set_on} by {set_by}: until {until} somebody \
         else approves what is paid to it"
    )]
    SecondPerson {
        /// When it was changed.
        set_on: Date,
        /// By whose key.
        set_by: String,
        /// The first day on which nobody has to.
        until: Date,
    },
    /// Amounts do not fit.
    #[error(transparent)]
    Money(#[from] MoneyRefused),
}

impl Payout {
    /// The payout of a document; nothing where nothing is paid.
    #[must_use]
    pub fn of(bill: &SelfBill, id: PayoutId) -> Option<Self> {
        let state = match bill.kind {
            _ if bill.total.minor() <= 0 => return None,
            SelfBillKind::CreditNote => return None,
            SelfBillKind::Advice => PayoutState::WaitingInvoice,
            SelfBillKind::Statement => PayoutState::Ready,
            SelfBillKind::Invoice => match (bill.acceptance, bill.accepts_on) {
                (SelfBillAcceptance::Waiting, None) => PayoutState::WaitingAcceptance,
                _ => PayoutState::Ready,
            },
        };
        Some(Self {
            id,
            investor_id: bill.investor_id,
            self_bill_id: bill.id,
            amount: bill.total,
            set_off: Money::zero(bill.total.currency()),
            state,
            why: None,
            approved_by: None,
            times: 0,
            batch_id: None,
            account_id: None,
            sent_on: None,
            settled_on: None,
            bounced_on: None,
        })
    }

    fn expected(&self, expected: &'static str) -> PayoutRefused {
        PayoutRefused::State { state: self.state, expected }
    }

    /// The investor agreed with the document.
    pub fn accept(&mut self) -> Outcome<()> {
        if self.state != PayoutState::WaitingAcceptance {
            return Outcome::Unchanged;
        }
        self.state = PayoutState::Ready;
        Outcome::Applied(())
    }

    /// The investor's own invoice has come, with its VAT.
    ///
    /// # Errors
    /// [`PayoutRefused::Money`].
    pub fn invoiced(&mut self, tax: Money) -> Result<Outcome<()>, PayoutRefused> {
        if self.state != PayoutState::WaitingInvoice {
            return Ok(Outcome::Unchanged);
        }
        self.amount = self.amount.checked_add(tax)?;
        self.state = PayoutState::Ready;
        Ok(Outcome::Applied(()))
    }

    /// Its document was rejected: nothing is paid for it, unless the money has left already.
    pub fn cancel(&mut self) -> Outcome<()> {
        match self.state {
            PayoutState::Sent | PayoutState::Settled | PayoutState::Cancelled => Outcome::Unchanged,
            PayoutState::WaitingInvoice
            | PayoutState::WaitingAcceptance
            | PayoutState::Ready
            | PayoutState::Bounced => {
                self.state = PayoutState::Cancelled;
                Outcome::Applied(())
            }
        }
    }

    /// Whether it may be paid to an account on a day: not before somebody else has approved that,
    /// where the account is watched.
    ///
    /// # Errors
    /// [`PayoutRefused::SecondPerson`].
    pub fn check_account(&self, account: &PayoutAccount, today: Date) -> Result<(), PayoutRefused> {
        let is_approved = self.account_id == Some(account.id)
            && self.approved_by.as_ref().is_some_and(|by| *by != account.set_by);
        if is_approved || !account.is_watched(today) {
            return Ok(());
        }
        Err(PayoutRefused::SecondPerson {
            set_on: account.set_on,
            set_by: account.set_by.clone(),
            until: date::add_days(account.set_on, WATCHED_DAYS),
        })
    }

    /// It is handed to the bank.
    ///
    /// # Errors
    /// [`PayoutRefused::State`], [`PayoutRefused::SecondPerson`].
    pub fn send(
        &mut self,
        account: &PayoutAccount,
        batch: PayoutBatchId,
        today: Date,
    ) -> Result<(), PayoutRefused> {
        if self.state != PayoutState::Ready {
            return Err(self.expected("ready"));
        }
        self.check_account(account, today)?;
        self.state = PayoutState::Sent;
        self.why = None;
        self.times += 1;
        self.batch_id = Some(batch);
        self.account_id = Some(account.id);
        self.sent_on = Some(today);
        Ok(())
    }

    /// A person approves that it is paid to the account that the investor has now: one that went
    /// back is ready again.
    ///
    /// # Errors
    /// [`PayoutRefused::State`]; [`PayoutRefused::SecondPerson`] when it is who changed the account.
    pub fn approve(
        &mut self,
        by: &str,
        account: Option<&PayoutAccount>,
        today: Date,
    ) -> Result<Outcome<()>, PayoutRefused> {
        if !matches!(self.state, PayoutState::Ready | PayoutState::Bounced) {
            return Err(self.expected("ready or bounced"));
        }
        let mut approved = self.clone();
        approved.approved_by = Some(by.to_owned());
        approved.account_id = account.map(|account| account.id).or(self.account_id);
        if let Some(account) = account {
            approved.check_account(account, today)?;
            let is_free = self.check_account(account, today).is_ok();
            if self.state == PayoutState::Ready && is_free {
                return Ok(Outcome::Unchanged);
            }
        } else if self.state == PayoutState::Ready {
            return Ok(Outcome::Unchanged);
        }
        approved.state = PayoutState::Ready;
        *self = approved;
        Ok(Outcome::Applied(()))
    }

    /// The bank says that it has arrived.
    ///
    /// # Errors
    /// [`PayoutRefused::WentBack`], [`PayoutRefused::State`].
    pub fn settle(&mut self, on: Date) -> Result<Outcome<Move>, PayoutRefused> {
        match (self.state, self.bounced_on) {
            (PayoutState::Settled, _) => Ok(Outcome::Unchanged),
            (PayoutState::Sent, _) => {
                self.state = PayoutState::Settled;
                self.settled_on = Some(on);
                Ok(Outcome::Applied(Move::Settled))
            }
            (_, Some(on)) => Err(PayoutRefused::WentBack { on }),
            (_, None) => Err(self.expected("sent")),
        }
    }

    /// The bank says that it went back, even after it had arrived.
    ///
    /// # Errors
    /// [`PayoutRefused::State`].
    pub fn bounce(&mut self, on: Date, why: &str) -> Result<Outcome<Move>, PayoutRefused> {
        let moved = match self.state {
            PayoutState::Sent => Move::Bounced,
            PayoutState::Settled => Move::CameBack,
            // It went back, and nobody has sent it since.
            _ if self.bounced_on.is_some() => return Ok(Outcome::Unchanged),
            _ => return Err(self.expected("sent or settled")),
        };
        self.state = PayoutState::Bounced;
        self.why = Some(why.to_owned());
        self.approved_by = None;
        self.settled_on = None;
        self.bounced_on = Some(on);
        Ok(Outcome::Applied(moved))
    }
}

#[cfg(test)]
#[path = "payout_tests.rs"]
mod tests;
