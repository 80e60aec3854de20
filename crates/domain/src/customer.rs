//! Customers: who is billed, how they stand towards VAT, whether they may buy.
//!
//! Purpose: the facts of a customer and the rules that tie country, party type and VAT treatment
//! together; standing and block.
//!
//! Invariants: reverse charge only for a business with a VAT number in another EU country; a
//! consumer in another EU country only where a rate of that country is known; a blocked customer
//! buys nothing new.
//!
//! Deliberately absent: the details of payment methods, dunning.

use crate::Outcome;
use crate::code::codes;
use crate::date::Date;
use crate::id::CustomerId;
use crate::money::Currency;
use crate::organization::{Address, Language, Organization};
use crate::payment::Scheme;
use crate::vat::{EU_COUNTRIES, VatTreatment};

codes! {
    /// What the law takes the customer for.
    PartyType {
        /// Acts in a trade or profession.
        Business = "business",
        /// Everybody else.
        Consumer = "consumer",
    }
}

codes! {
    /// How the customer stands with the vendor.
    Standing {
        /// Nothing against them.
        Good = "good",
        /// Owes money that is overdue.
        InArrears = "in_arrears",
        /// Gets no new subscription or contract.
        Blocked = "blocked",
    }
}

/// Why a customer gets nothing new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// In words, for people.
    pub reason: String,
    /// Since when.
    pub blocked_on: Date,
    /// First day on which it no longer holds; for ever when absent.
    pub expires_on: Option<Date>,
    /// Who did it: the name of the key.
    pub blocked_by: String,
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Identity.
    pub id: CustomerId,
    /// Name on documents.
    pub name: String,
    /// Address on documents.
    pub address: Address,
    /// Where documents are sent.
    pub email: Option<String>,
    /// VAT number, checked by form.
    pub vat_number: Option<String>,
    /// Who owes the VAT.
    pub vat_treatment: VatTreatment,
    /// Currency of its invoices.
    pub currency: Currency,
    /// Days between issue and payment; the organization's when absent.
    pub payment_terms_days: Option<u32>,
    /// The way in which its money moves: the scheme of its active payment method.
    pub scheme: Option<Scheme>,
    /// Business or consumer.
    pub party_type: PartyType,
    /// A business to which consumer rules are applied.
    pub treat_as_consumer: bool,
    /// Language of its documents; the organization's when absent.
    pub language: Option<Language>,
    /// The caller's own reference.
    pub external_reference: Option<String>,
    /// Whether it owes overdue money.
    pub in_arrears: bool,
    /// Set while blocked.
    pub block: Option<Block>,
}

impl Customer {
    /// Whether the rules for consumers apply.
    #[must_use]
    pub fn is_consumer(&self) -> bool {
        self.party_type == PartyType::Consumer || self.treat_as_consumer
    }
}

/// Why a customer is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CustomerRefused {
    /// Reverse charge needs a VAT number.
    #[error("reverse charge needs the customer's VAT number")]
    VatNumberMissing,
    /// Reverse charge needs another EU country.
    #[error(
        "reverse charge needs an EU country other than the vendor's {seller}; the customer is in {country}"
    )]
    NotReverseCharge {
        /// The vendor's country.
        seller: String,
        /// The customer's.
        country: String,
    },
    /// Reverse charge is for businesses.
    #[error("reverse charge is for businesses, and the customer is a consumer")]
    ConsumerReverseCharge,
    /// Outside the EU means outside the EU.
    #[error(
        "the treatment outside_eu needs a country outside the EU; the customer is in {country}"
    )]
    InsideEu {
        /// The customer's country.
        country: String,
    },
    /// No rate of the consumer's country.
    #[error(
        "a consumer in {country} owes that country's VAT, and no rate for it is known: add one with SetVatRate first"
    )]
    NoForeignRate {
        /// The customer's country.
        country: String,
    },
    /// Blocked until somebody lifts it.
    #[error("customer {id} is blocked since {since}: {reason}")]
    Blocked {
        /// Which.
        id: CustomerId,
        /// Since when.
        since: Date,
        /// Why.
        reason: String,
    },
    /// Not blocked in the past.
    #[error("a block must expire after it begins: {expires_on} is not after {today}")]
    ExpiryPassed {
        /// What was given.
        expires_on: Date,
        /// The organization's date.
        today: Date,
    },
}

impl Customer {
    /// The standing on a day; an expired block no longer counts.
    #[must_use]
    pub fn standing(&self, today: Date) -> Standing {
        if self.active_block(today).is_some() {
            Standing::Blocked
        } else if self.in_arrears {
            Standing::InArrears
        } else {
            Standing::Good
        }
    }

    /// The block in force on a day.
    #[must_use]
    pub fn active_block(&self, today: Date) -> Option<&Block> {
        self.block.as_ref().filter(|block| block.expires_on.is_none_or(|expiry| today < expiry))
    }

    /// Whether something new may be sold.
    ///
    /// # Errors
    /// [`CustomerRefused::Blocked`].
    pub fn may_buy(&self, today: Date) -> Result<(), CustomerRefused> {
        match self.active_block(today) {
            None => Ok(()),
            Some(block) => Err(CustomerRefused::Blocked {
                id: self.id,
                since: block.blocked_on,
                reason: block.reason.clone(),
            }),
        }
    }

    /// Blocks the customer (zwarte lijst).
    ///
    /// # Errors
    /// [`CustomerRefused::ExpiryPassed`].
    pub fn block(&mut self, block: Block) -> Result<Outcome<()>, CustomerRefused> {
        let today = block.blocked_on;
        if let Some(expires_on) = block.expires_on.filter(|expiry| *expiry <= today) {
            return Err(CustomerRefused::ExpiryPassed { expires_on, today });
        }
        let same = self
            .active_block(today)
            .is_some_and(|old| old.reason == block.reason && old.expires_on == block.expires_on);
        if same {
            return Ok(Outcome::Unchanged);
        }
        self.block = Some(block);
        Ok(Outcome::Applied(()))
    }

    /// Lifts the block.
    pub fn unblock(&mut self) -> Outcome<()> {
        match self.block.take() {
            Some(_) => Outcome::Applied(()),
            None => Outcome::Unchanged,
        }
    }

    /// The country whose rates apply: the consumer's own within the EU, else the vendor's.
    #[must_use]
    pub fn vat_country<'a>(&'a self, seller_country: &'a str) -> &'a str {
        if self.is_foreign_consumer(seller_country) {
            &self.address.country
        } else {
            seller_country
        }
    }

    fn is_foreign_consumer(&self, seller_country: &str) -> bool {
        self.party_type == PartyType::Consumer
            && self.vat_treatment == VatTreatment::Domestic
            && self.address.country != seller_country
            && EU_COUNTRIES.contains(&self.address.country.as_str())
    }

    /// Checks that country, party type, VAT number and treatment fit together.
    /// `rate_known` tells whether a standard rate of a country is configured.
    ///
    /// # Errors
    /// [`CustomerRefused`] says what does not fit.
    pub fn check_vat(
        &self,
        seller: &Organization,
        rate_known: impl Fn(&str) -> bool,
    ) -> Result<(), CustomerRefused> {
        let country = self.address.country.clone();
        let seller_country = seller.address.country.as_str();
        let in_eu = EU_COUNTRIES.contains(&country.as_str());
        match self.vat_treatment {
            VatTreatment::EuReverseCharge if self.party_type == PartyType::Consumer => {
                Err(CustomerRefused::ConsumerReverseCharge)
            }
            VatTreatment::EuReverseCharge if !in_eu || country == seller_country => {
                Err(CustomerRefused::NotReverseCharge {
                    seller: seller_country.to_owned(),
                    country,
                })
            }
            VatTreatment::EuReverseCharge if self.vat_number.is_none() => {
                Err(CustomerRefused::VatNumberMissing)
            }
            VatTreatment::OutsideEu if in_eu => Err(CustomerRefused::InsideEu { country }),
            VatTreatment::Domestic
                if self.is_foreign_consumer(seller_country) && !rate_known(&country) =>
            {
                Err(CustomerRefused::NoForeignRate { country })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "customer_tests.rs"]
mod tests;
