//! Documents outside the scope of VAT.

use crate::balance::Settlement;
use crate::id::Sequence;
use crate::invoice::{self, Charge, Draft, DraftRefused, Heading};
use crate::money::Money;
use crate::vat::{self, LineVat, VatCategory};

/// Makes a document of charges that are outside the scope of VAT, whatever the categories of their
/// products; no rate is asked for that the vendor may not have. It is not settled yet.
///
/// # Errors
/// [`DraftRefused`] says why the customer cannot be billed.
pub fn draft_outside_scope(
    heading: &Heading<'_>,
    ids: &Sequence,
    mut charges: Vec<Charge>,
) -> Result<Draft, DraftRefused> {
    for charge in &mut charges {
        charge.vat_category = VatCategory::Exempt;
    }
    invoice::draft(heading, ids, charges)?.outside_scope()
}

impl Draft {
    /// The document as one of what is outside the scope of VAT, such as a loan. It is not settled.
    ///
    /// # Errors
    /// [`DraftRefused::Money`].
    pub fn outside_scope(mut self) -> Result<Self, DraftRefused> {
        for line in &mut self.lines {
            line.vat = LineVat::OUTSIDE_SCOPE;
        }
        let nets = self.lines.iter().map(|line| (line.vat, line.charge.net));
        self.vat_rows = vat::breakdown(self.currency, nets)?;
        self.tax = Money::zero(self.currency);
        self.total = self.net;
        self.settlement = Settlement::none(self.total);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use crate::invoice::tests::{charge_of, draft_of};
    use crate::vat::{VatCategory, VatClass};

    #[test]
    fn no_vat_stands_on_it() {
        let service = ("2026-01-01", "2026-01-02");
        let charges =
            ["100.00", "0.05"].map(|net| charge_of(net, VatCategory::Standard, service)).into();
        let draft = draft_of(charges, "2026-01-01", "2026-01-01");
        assert_eq!((draft.tax.minor(), draft.total.minor()), (2101, 12106));
        let draft = draft.outside_scope().unwrap();
        let amounts = (draft.net.minor(), draft.tax.minor(), draft.total.minor());
        assert_eq!(amounts, (10_005, 0, 10_005));
        assert_eq!(draft.settlement.open.minor(), 10_005);
        assert!(draft.lines.iter().all(|line| line.vat.class == VatClass::OutsideScope));
        let [row] = draft.vat_rows.as_slice() else { panic!("{:?}", draft.vat_rows) };
        assert_eq!(
            (row.vat.class, row.base.minor(), row.tax.minor()),
            (VatClass::OutsideScope, 10_005, 0)
        );
    }
}
