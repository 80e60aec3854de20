//! One-off charges: something sold once, on the next invoice or on one of its own.
//!
//! Purpose: what a charge costs, and the line that it becomes.
//!
//! Invariants: quantity times price is rounded once, when the charge is made, and never again; a
//! charge is never negative: what is to be given back is a credit of a line.
//!
//! Deliberately absent: VAT and deferral (the document's), when it waits and for which run
//! ([`crate::billing`]).

use rust_decimal::Decimal;

use crate::code::codes;
use crate::date::{self, Date};
use crate::decimal;
use crate::id::{ChargeId, CustomerId, InvoiceId, ProductId};
use crate::invoice::{Charge, LineKind, Origin};
use crate::money::{Currency, Money, MoneyRefused, multiply};
use crate::period::Period;
use crate::plan::{
    MAX_PRICE_DECIMALS, MAX_QUANTITY, MAX_QUANTITY_DECIMALS, MAX_UNIT_PRICE, Product,
};

codes! {
    /// Where a one-off charge stands.
    ChargeState {
        /// For the run of its billing date.
        Waiting = "waiting",
        /// It stands on a draft.
        Drafted = "drafted",
        /// It stands on an invoice, or came to nothing.
        Billed = "billed",
        /// The draft on which it stood was discarded.
        Waived = "waived",
        /// Taken back before it was billed.
        Removed = "removed",
    }
}

/// The longest service of a one-off charge, in days: ten years.
pub const MAX_SERVICE_DAYS: i64 = 3_653;

/// Something sold once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOff {
    /// Identity.
    pub id: ChargeId,
    /// To whom.
    pub customer_id: CustomerId,
    /// What.
    pub product_id: ProductId,
    /// Text of the line.
    pub description: String,
    /// Units.
    pub quantity: Decimal,
    /// Price of a unit, in major units.
    pub unit_price: Decimal,
    /// What it costs, without VAT.
    pub net: Money,
    /// The days it pays for.
    pub service: Period,
    /// The billing date: it is billed by the first run on or after it.
    pub bill_on: Date,
    /// The invoice for which it is a late fee. Such a charge stands on an invoice of its own, outside
    /// the scope of VAT.
    pub late_fee_of: Option<InvoiceId>,
}

/// Why a charge cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OneOffRefused {
    /// Nothing, less than nothing, too much, or too fine.
    #[error(
        "{given} is not possible: expected more than 0, at most {MAX_QUANTITY}, \
         at most {MAX_QUANTITY_DECIMALS} decimals"
    )]
    Quantity {
        /// What was given.
        given: Decimal,
    },
    /// Less than nothing, too much, or too fine.
    #[error(
        "{given} is not possible: expected 0 to {MAX_UNIT_PRICE}, at most {MAX_PRICE_DECIMALS} \
         decimals; what is to be given back is a credit of a line"
    )]
    UnitPrice {
        /// What was given.
        given: Decimal,
    },
    /// No day, or too many.
    #[error("{days} days of service are not possible: expected 1 to {MAX_SERVICE_DAYS}")]
    Service {
        /// How many.
        days: i64,
    },
    /// Amounts do not fit.
    #[error(transparent)]
    Money(#[from] MoneyRefused),
}

/// What so many units cost together.
///
/// # Errors
/// [`OneOffRefused`].
pub fn net(
    quantity: Decimal,
    unit_price: Decimal,
    currency: Currency,
) -> Result<Money, OneOffRefused> {
    let fits = quantity > Decimal::ZERO
        && quantity <= MAX_QUANTITY
        && decimal::places(quantity) <= MAX_QUANTITY_DECIMALS;
    if !fits {
        return Err(OneOffRefused::Quantity { given: quantity });
    }
    let fits = unit_price >= Decimal::ZERO
        && unit_price <= MAX_UNIT_PRICE
        && decimal::places(unit_price) <= MAX_PRICE_DECIMALS;
    if !fits {
        return Err(OneOffRefused::UnitPrice { given: unit_price });
    }
    Ok(Money::round(multiply(quantity, unit_price)?, currency)?)
}

/// Whether a charge can be for these days.
///
/// # Errors
/// [`OneOffRefused::Service`].
pub fn check_service(service: Period) -> Result<Period, OneOffRefused> {
    let days = service.days();
    if (1..=MAX_SERVICE_DAYS).contains(&days) {
        Ok(service)
    } else {
        Err(OneOffRefused::Service { days })
    }
}

impl OneOff {
    /// One unit of something, for this price without VAT, billed and of service on one day.
    #[must_use]
    pub fn on(
        day: Date,
        (id, customer_id, product_id): (ChargeId, CustomerId, ProductId),
        description: String,
        net: Money,
    ) -> Self {
        Self {
            id,
            customer_id,
            product_id,
            description,
            quantity: Decimal::ONE,
            unit_price: net.major(),
            net,
            service: Period { start: day, end: date::add_days(day, 1) },
            bill_on: day,
            late_fee_of: None,
        }
    }

    /// The line that it becomes.
    #[must_use]
    pub fn charge(&self, product: &Product) -> Charge {
        let origin = Origin::OneOff { charge_id: self.id };
        Charge {
            description: self.description.clone(),
            quantity: self.quantity,
            unit_price: self.unit_price,
            ..Charge::of_product(origin, LineKind::OneOff, product, self.service, self.net)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantity_times_price_is_rounded_once_and_never_negative() {
        // quantity, unit price, net or the refusal
        let table = [
            ("1", "100.00", "EUR 100.00"),
            ("2.5", "79.99", "EUR 199.98"),
            ("3", "0.005", "EUR 0.02"),
            ("1", "0", "EUR 0.00"),
            ("0", "1", "0 is not possible: expected more than 0"),
            ("-1", "1", "-1 is not possible: expected more than 0"),
            ("0.0000001", "1", "0.0000001 is not possible: expected more than 0"),
            ("1", "-0.01", "-0.01 is not possible: expected 0 to"),
            ("1", "0.000000001", "0.000000001 is not possible: expected 0 to"),
        ];
        for (quantity, price, expected) in table {
            let parse = |text| decimal::parse(text).unwrap();
            let found = match net(parse(quantity), parse(price), Currency::EUR) {
                Ok(net) => format!("{} {}", net.currency(), net.major()),
                Err(refused) => refused.to_string(),
            };
            assert!(found.starts_with(expected), "{quantity} x {price}: {found}");
        }
    }
}
