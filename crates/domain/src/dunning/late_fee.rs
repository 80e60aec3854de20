//! Late fees: what a customer is charged for paying late.
//!
//! Purpose: the amount per currency and the product that a policy names, who may be charged by
//! itself, and the words of the charge.
//!
//! Invariants: an invoice is charged one fee, however often it fails. What bills nothing but late
//! fees, or the principal of an investment, which nobody need pay, is charged none. A consumer is
//! charged none by itself: the law gives it a reminder for nothing and fourteen days first, and
//! limits the amount; a person decides.
//!
//! Sources: a business owes at least EUR 40 (directive 2011/7/EU, article 6; Burgerlijk Wetboek 6:96
//! lid 4; the Belgian law of 2 August 2002, article 6). Consumers: Burgerlijk Wetboek 6:96 lid 5 to
//! 7; Wetboek van economisch recht XIX.2 and XIX.4. A fee makes good a damage and is no price of
//! anything, so it is outside the scope of VAT, whatever the VAT category of the product that the
//! policy names (Court of Justice, 1 July 1982, 222/81, BAZ Bausystem).
//!
//! Deliberately absent: interest.

use crate::customer::Customer;
use crate::id::ProductId;
use crate::money::{Currency, Money};
use crate::organization::Language;

/// The most amounts of a late fee: one for each of so many currencies.
pub const MAX_LATE_FEES: usize = 20;

/// What a step that charges a late fee charges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateFee {
    /// The product of the line: it decides the account of the revenue.
    pub product_id: ProductId,
    /// The fee, without VAT, once per currency. Nothing is charged in another currency.
    pub amounts: Vec<Money>,
}

impl LateFee {
    /// The fee in a currency.
    #[must_use]
    pub fn amount(&self, currency: Currency) -> Option<Money> {
        self.amounts.iter().copied().find(|amount| amount.currency() == currency)
    }

    /// Whether a customer is charged none by itself for an invoice. What is billed was `sold`, unless
    /// it is a late fee or the principal of an investment.
    #[must_use]
    pub fn spares(customer: &Customer, sold: bool) -> bool {
        !sold || customer.is_consumer()
    }
}

/// The text of the line that charges a late fee for an invoice.
#[must_use]
pub fn description(number: &str, language: Language) -> String {
    match language {
        Language::Dutch => format!("Aanmaningskosten factuur {number}"),
        Language::English => format!("Late fee for invoice {number}"),
    }
}
