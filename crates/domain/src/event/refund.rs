//! What events say about money that goes back to customers.
//!
//! Invariants: no account number and no token.

use serde::{Deserialize, Serialize};

use super::stored;
use crate::id::PaymentId;
use crate::money::Money;

/// A refund, as others need to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundFacts {
    /// Which: also the payment that records it, once the money went.
    pub id: PaymentId,
    /// The payment that had collected the money; nothing where somebody pays it back by hand.
    #[serde(default)]
    pub of_payment_id: Option<PaymentId>,
    /// How much, above zero.
    #[serde(with = "stored::money")]
    pub amount: Money,
    /// Why it failed, where a gateway said so.
    #[serde(default)]
    pub raw_code: Option<String>,
    /// The gateway's own reference, or what was written to the customer.
    #[serde(default)]
    pub reference: Option<String>,
}
