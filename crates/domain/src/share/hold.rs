//! Why an investment is not credited for a while.
//!
//! Purpose: what would be credited is carried to the next month, and a person sees why.
//!
//! Invariants: what is held is never lost before the last month of a retired feature: the month
//! after the reason is gone credits it.
//!
//! Deliberately absent: what is too little to be credited, which needs nobody.

use super::Shared;
use crate::code::codes;
use crate::investment::ShareTreatment;

codes! {
    /// Why nothing is credited to an investment.
    Hold {
        /// What was paid for it is missing again: its payment went back.
        PrincipalOpen = "principal_open",
        /// Its document needs a VAT rate that is not there.
        VatRateMissing = "vat_rate_missing",
    }
}

impl Shared {
    /// Whether a VAT rate is needed to credit it.
    #[must_use]
    pub fn needs_rate(&self) -> bool {
        self.stakes.iter().any(|stake| stake.vat_treatment == ShareTreatment::WithVat)
    }

    /// Holds those that need the VAT rate, where it is missing, and lets them go where it is there.
    pub fn hold_without_rate(&mut self, is_missing: bool) {
        let with_vat = |stake: &&mut super::Stake| stake.vat_treatment == ShareTreatment::WithVat;
        for stake in self.stakes.iter_mut().filter(with_vat) {
            let principal = stake.held.filter(|held| *held == Hold::PrincipalOpen);
            stake.held = principal.or(is_missing.then_some(Hold::VatRateMissing));
        }
    }
}
