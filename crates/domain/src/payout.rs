//! Payouts: what investors are paid, and how it went.
//!
//! Purpose: where a payout stands, and what may happen to it.
//!
//! Deliberately absent: what it is for ([`crate::self_bill`]).

use crate::code::codes;

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
        /// Nothing is paid: its document was rejected.
        Cancelled = "cancelled",
    }
}
