//! What the demonstration's customers wish, invest in and buy of it.
//!
//! Purpose: wishes with their verdicts; five investors of every VAT treatment, made for it, in the
//! Netherlands and Belgium; what they invest on which terms, and where that is to stand in the end.
//!
//! Invariants: pure. What decides where an investment stands does not depend on how many customers
//! there are: features that others buy too have investments that are far from recouped.
//!
//! Deliberately absent: prices and buyers (`sales`), when it happens (`wishes`), making it happen
//! (`invest`).

use domain::date::{self, Date};
use domain::feature::FeatureState;
use domain::id::{CustomerId, FeatureId, InvestmentId};
use domain::investment::{Acceptance, Basis, InvestmentState, ShareTreatment};
use domain::vat::VatTreatment;

use super::draw::Draw;
use super::names::{self, Country};
use super::scale::Scale;

/// A day of the demonstration: months since its beginning, and the day of the month.
pub(super) type Day = (u32, u32);

/// The date of a day.
pub(super) fn at(scale: &Scale, (month, day): Day) -> Date {
    let first = date::add_months(scale.opens_on(), month);
    date::add_days(first, i64::from(day) - 1)
}

/// What somebody wishes.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// The investor that wishes it, counted from 0; none: the vendor itself.
    pub(super) by: Option<usize>,
    /// What is said about it; nothing yet.
    pub(super) verdict: Option<Verdict>,
    /// Where it is to stand in the end.
    pub(super) ends: FeatureState,
}

/// What is said about a wish.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verdict {
    /// Of this value, and so much to build: both 1 to 10.
    Accept(u32, u32),
    /// Why it is worth nothing to others.
    Decline(&'static str),
}

/// An investor.
#[derive(Debug)]
pub(super) struct Investor {
    pub(super) name: &'static str,
    pub(super) country: &'static Country,
    pub(super) vat_treatment: VatTreatment,
    /// How it agrees with documents in its name, and after how many days without a word; none: it
    /// has signed no agreement.
    pub(super) agreement: Option<(Acceptance, Option<u32>)>,
    /// Before the numbers of its documents.
    pub(super) prefix: &'static str,
    /// Where it is paid.
    pub(super) iban: &'static str,
}

/// What is invested.
#[derive(Debug)]
pub(super) struct Funding {
    /// The wish, counted from 0.
    pub(super) wish: usize,
    /// The investor, counted from 0.
    pub(super) investor: usize,
    /// In whole euros.
    pub(super) principal: i64,
    /// In percent.
    pub(super) share: i64,
    /// In percent.
    pub(super) profit: i64,
    pub(super) basis: Basis,
    pub(super) vat_treatment: ShareTreatment,
    /// When it is proposed; it is accepted the day after.
    pub(super) on: Day,
    /// When its principal is paid; none: it is given up.
    pub(super) paid: Option<Day>,
}

const fn wish(
    title: &'static str,
    by: Option<usize>,
    verdict: Option<Verdict>,
    ends: FeatureState,
    description: &'static str,
) -> Wish {
    Wish { title, description, by, verdict, ends }
}

/// The wishes.
pub(super) const WISHES: [Wish; 9] = [
    wish(
        "Planbord",
        Some(0),
        Some(Verdict::Accept(8, 5)),
        FeatureState::Released,
        "Taken en mensen op een bord, met verlof en drukte in een oogopslag.",
    ),
    wish(
        "E-facturatie",
        Some(2),
        Some(Verdict::Accept(9, 4)),
        FeatureState::Released,
        "Facturen als UBL ontvangen en versturen over Peppol.",
    ),
    wish(
        "AVG-export",
        Some(3),
        Some(Verdict::Accept(6, 2)),
        FeatureState::Released,
        "Alle gegevens van een deelnemer in een bestand.",
    ),
    wish(
        "Archief",
        Some(4),
        Some(Verdict::Accept(5, 2)),
        FeatureState::Released,
        "Zeven jaar bewaren, doorzoekbaar en onveranderlijk.",
    ),
    wish(
        "Mobiele app",
        Some(4),
        Some(Verdict::Accept(7, 9)),
        FeatureState::InDevelopment,
        "De leeromgeving op telefoon en tablet, ook zonder verbinding.",
    ),
    wish(
        "Eenmalig aanmelden",
        None,
        Some(Verdict::Accept(7, 4)),
        FeatureState::Backlog,
        "Aanmelden met het account van de eigen organisatie.",
    ),
    wish(
        "Friese vertaling",
        Some(1),
        Some(Verdict::Accept(2, 3)),
        FeatureState::Backlog,
        "Alle schermen ook in het Fries.",
    ),
    wish(
        "Faxkoppeling",
        Some(3),
        Some(Verdict::Decline("Niemand anders heeft er iets aan")),
        FeatureState::Declined,
        "Certificaten per fax versturen.",
    ),
    wish(
        "Donkere modus",
        Some(0),
        None,
        FeatureState::Submitted,
        "Lichte letters op een donkere achtergrond.",
    ),
];

/// The wishes that others vote for.
pub(super) const VOTED: [usize; 3] = [5, 6, 8];

/// The investors.
pub(super) const INVESTORS: [Investor; 5] = [
    Investor {
        name: "Brugman Zorggroep B.V.",
        country: &names::NL,
        vat_treatment: VatTreatment::Domestic,
        agreement: Some((Acceptance::Explicit, None)),
        prefix: "BRUG",
        iban: "NL66SNDB0000000011",
    },
    Investor {
        name: "Trainingsbureau Wiersma",
        country: &names::NL,
        vat_treatment: VatTreatment::Domestic,
        agreement: Some((Acceptance::Silent, Some(14))),
        prefix: "WIER",
        iban: "NL28SNDB0000000016",
    },
    Investor {
        name: "Verhaegen Opleidingen BV",
        country: &names::BE,
        vat_treatment: VatTreatment::EuReverseCharge,
        agreement: Some((Acceptance::Silent, Some(10))),
        prefix: "VERH",
        iban: "BE68539007547034",
    },
    Investor {
        name: "Stichting Oeverzwaluw",
        country: &names::NL,
        vat_treatment: VatTreatment::Domestic,
        agreement: None,
        prefix: "OEV",
        iban: "NL98SNDB0000000017",
    },
    Investor {
        name: "Van Galen Makelaardij N.V.",
        country: &names::NL,
        vat_treatment: VatTreatment::Domestic,
        agreement: None,
        prefix: "GAL",
        iban: "NL71SNDB0000000018",
    },
];

/// What is invested. The first feature has two investors.
pub(super) const FUNDINGS: [Funding; 7] = [
    Funding {
        wish: 0,
        investor: 0,
        principal: 10_000,
        share: 25,
        profit: 10,
        basis: Basis::Collected,
        vat_treatment: ShareTreatment::WithVat,
        on: (0, 11),
        paid: Some((0, 18)),
    },
    Funding {
        wish: 0,
        investor: 1,
        principal: 4_000,
        share: 10,
        profit: 10,
        basis: Basis::CollectedAndAged,
        vat_treatment: ShareTreatment::SmallBusiness,
        on: (0, 12),
        paid: Some((0, 24)),
    },
    Funding {
        wish: 1,
        investor: 2,
        principal: 4_000,
        share: 40,
        profit: 25,
        basis: Basis::Collected,
        vat_treatment: ShareTreatment::ReverseCharge,
        on: (1, 5),
        paid: Some((1, 14)),
    },
    Funding {
        wish: 2,
        investor: 3,
        principal: 3_000,
        share: 50,
        profit: 10,
        basis: Basis::Collected,
        vat_treatment: ShareTreatment::OutsideScope,
        on: (0, 17),
        paid: Some((0, 25)),
    },
    Funding {
        wish: 3,
        investor: 4,
        principal: 1_500,
        share: 60,
        profit: 10,
        basis: Basis::Invoiced,
        vat_treatment: ShareTreatment::WithVat,
        on: (0, 15),
        paid: Some((0, 22)),
    },
    Funding {
        wish: 4,
        investor: 4,
        principal: 6_000,
        share: 30,
        profit: 10,
        basis: Basis::Collected,
        vat_treatment: ShareTreatment::WithVat,
        on: (9, 7),
        paid: Some((9, 16)),
    },
    Funding {
        wish: 5,
        investor: 0,
        principal: 2_500,
        share: 20,
        profit: 10,
        basis: Basis::Collected,
        vat_treatment: ShareTreatment::WithVat,
        on: (4, 6),
        paid: None,
    },
];

impl Funding {
    /// Where it may stand in the end: exactly so where only its own buyers decide it.
    pub(super) fn ends(&self, scale: &Scale) -> &'static [InvestmentState] {
        use InvestmentState::{Completed, Funded, Recouped, Recouping, Withdrawn};
        match (self.wish, scale.years) {
            // Bought by others too: how many decides.
            (0, _) => &[Recouping, Recouped, Completed],
            (1, 1) => &[Recouping],
            // Credited in full, and not accrued any more.
            (1, 2) | (2, _) => &[Recouped],
            (4, _) => &[Funded],
            (5, _) => &[Withdrawn],
            _ => &[Completed],
        }
    }

    /// Whether it is opened again after it was completed.
    pub(super) fn is_reopened(&self) -> bool {
        self.wish == 2
    }
}

/// The id of the thing of a kind with a number.
pub(super) fn id(scale: &Scale, kind: &str, number: usize) -> uuid::Uuid {
    let number = number as u64;
    // Ids are ordered as what they name is made.
    Draw::of(scale.seed, kind, number).id(scale.moment(scale.opens_on()) + number)
}

/// The id of a wish, counted from 0.
pub(super) fn feature_id(scale: &Scale, wish: usize) -> FeatureId {
    FeatureId(id(scale, "feature", wish))
}

/// The id of an investor, counted from 0.
pub(super) fn investor_id(scale: &Scale, investor: usize) -> CustomerId {
    CustomerId(id(scale, "investor", investor))
}

/// The id of what is invested, counted from 0.
pub(super) fn investment_id(scale: &Scale, funding: usize) -> InvestmentId {
    InvestmentId(id(scale, "investment", funding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_fit_and_every_treatment_and_state_is_there() {
        for wish in 0..WISHES.len() {
            let fundings = FUNDINGS.iter().filter(|one| one.wish == wish);
            assert!(fundings.map(|one| one.share).sum::<i64>() <= 100);
        }
        for treatment in ShareTreatment::ALL {
            assert!(FUNDINGS.iter().any(|one| one.vat_treatment == *treatment), "{treatment}");
        }
        for basis in Basis::ALL {
            assert!(FUNDINGS.iter().any(|one| one.basis == *basis), "{basis}");
        }
        let scale = Scale { customers: 200, years: 2, seed: 1 };
        let ends: std::collections::BTreeSet<_> =
            FUNDINGS.iter().map(|one| one.ends(&scale)[0]).collect();
        assert_eq!(ends.len(), 5, "{ends:?}");
    }
}
