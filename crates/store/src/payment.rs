//! Money that came or went, and where it went.
//!
//! Invariants: whoever writes a payment holds the billing accounts of its customers first, then the
//! invoices; what a payment pays, and the balances, move in the transaction that writes it.

mod insert;
mod owed;
mod read;
mod recovered;
mod reference;
mod refund;
mod write_off;

use domain::date::Date;
use domain::id::CustomerId;
use domain::payment::{Allocation, Payment};

pub use insert::{MatchedParts, insert, insert_parts};
pub use owed::{invoice_by_number, owed, owed_of};
pub use read::{Filter, by_attempts, by_external_ids, get, list, list_unmatched, returned};
pub use recovered::{count_unmatched, recovered};
pub use reference::{
    NewOneOff, OneOffPayment, chosen_by, insert_one_off, insert_one_offs, one_offs_of,
};
pub use refund::{
    RefundFilter, get_refunds, insert_refund, is_refund_to_ask, list_refunds, open_refunds,
    refunded_of, refunds_to_ask, save_refunds,
};
pub use write_off::{
    Dated, Lowered, lower_write_offs, owed_vat, save_write_offs, write_off_day, write_off_invoice,
    write_offs,
};

/// A payment as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The payment, with all its parts in order, also those of later matches.
    pub payment: Payment,
    /// Whose money each part is, and the day for which it counts, in the same order.
    pub of_parts: Vec<(Option<CustomerId>, Date)>,
}

impl Kept {
    /// What of it matches nothing now.
    ///
    /// # Errors
    /// [`domain::money::MoneyRefused`].
    pub fn unmatched(&self) -> Result<domain::money::Money, domain::money::MoneyRefused> {
        use domain::payment::Target;
        let is_unmatched = |part: &&Allocation| part.target == Target::Unmatched;
        let parts = self.payment.allocations.iter().filter(is_unmatched);
        domain::money::Money::sum(self.payment.amount.currency(), parts.map(|part| part.amount))
    }

    /// Whose money it is: the one whom it was booked for, or whom a part was matched to.
    #[must_use]
    pub fn customer_id(&self) -> Option<CustomerId> {
        let matched = || self.of_parts.iter().find_map(|(customer, _)| *customer);
        self.payment.customer_id.or_else(matched)
    }
}
