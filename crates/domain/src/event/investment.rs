//! What events say about investments and about what investors are paid.
//!
//! Invariants: no account number; amounts are as they were right after what happened.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::stored;
use crate::date::Date;
use crate::id::{FeatureId, InvestmentId, PayoutId, SelfBillId};
use crate::investment::InvestmentState;
use crate::money::Money;
use crate::payout::PayoutState;
use crate::self_bill::SelfBillKind;

/// An investment, as others need to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvestmentFacts {
    /// Which.
    pub id: InvestmentId,
    /// In what.
    pub feature_id: FeatureId,
    /// Where it stands.
    pub state: InvestmentState,
    /// What was or is to be paid for it, without VAT.
    #[serde(with = "stored::money")]
    pub principal: Money,
    /// What is credited at most.
    #[serde(with = "stored::money")]
    pub cap: Money,
    /// What was credited.
    #[serde(with = "stored::money")]
    pub credited: Money,
    /// Percent of what others pay.
    #[serde(with = "rust_decimal::serde::str")]
    pub share_percent: Decimal,
}

/// What an investor is credited and paid, as others need to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutFacts {
    /// The document of the credit.
    pub self_bill_id: SelfBillId,
    /// What the document is.
    pub kind: SelfBillKind,
    /// Its number; nothing where it has none.
    #[serde(default)]
    pub number: Option<String>,
    /// The first day of the month that is credited.
    pub month: Date,
    /// The date on which it was issued.
    pub issue_on: Date,
    /// Including VAT; negative when it takes back.
    #[serde(with = "stored::money")]
    pub total: Money,
    /// The payout; nothing where nothing is paid.
    #[serde(default)]
    pub payout_id: Option<PayoutId>,
    /// Where the payout stands.
    #[serde(default)]
    pub state: Option<PayoutState>,
}
