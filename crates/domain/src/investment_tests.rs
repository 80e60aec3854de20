use proptest::prelude::*;

use super::*;
use crate::invoice::tests::buyer;
use crate::money::Currency;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn percent(text: &str) -> Decimal {
    decimal::parse(text).unwrap()
}

fn terms(principal: i64, share: &str, beyond: &str) -> Terms {
    Terms {
        principal: Money::new(principal, Currency::EUR),
        share_percent: percent(share),
        return_percent: percent(beyond),
        basis: Basis::Collected,
        vat_treatment: ShareTreatment::WithVat,
    }
}

/// A domestic business with a VAT number.
fn investor() -> Customer {
    Customer { vat_number: Some("NL002345678B01".to_owned()), ..buyer() }
}

/// An investment of EUR 10,000.00 at 40 % and 10 % in a state.
pub(crate) fn investment(state: InvestmentState) -> Investment {
    let (id, feature) = (InvestmentId(uuid::Uuid::nil()), FeatureId(uuid::Uuid::nil()));
    let terms = terms(1_000_000, "40", "10");
    let mut one = Investment::propose(id, feature, &investor(), terms, day("2026-01-01")).unwrap();
    if state == InvestmentState::Withdrawn {
        let _ = one.withdraw(day("2026-01-02"), false).unwrap();
    } else if state != InvestmentState::Proposed {
        one.accept(InvoiceId(uuid::Uuid::nil()), day("2026-01-03"));
        if state != InvestmentState::Accepted {
            let _ = one.fund(day("2026-01-04"));
        }
        one.state = state;
        let credited = match state {
            InvestmentState::Recouping => 100_000,
            InvestmentState::Recouped => 1_000_000,
            InvestmentState::Completed => 1_100_000,
            _ => 0,
        };
        one.credited = Money::new(credited, one.cap.currency());
    }
    one
}

#[test]
fn the_cap_is_principal_and_return_rounded_once() {
    // principal in cents, share, return; cap in cents or what is wrong
    let table = [
        (1_000_000, "40", "10", "1100000"),
        (1_000_000, "100", "0", "1000000"),
        (1_000_000, "0.0001", "100", "2000000"),
        (1, "40", "49", "1"),
        (1, "40", "50", "2"),
        (333_333, "40", "12.3456", "374485"),
        (0, "40", "10", "principal: EUR 0.00 is not possible"),
        (-1, "40", "10", "principal: EUR -0.01 is not possible"),
        (100_000_000_000_001, "40", "10", "principal: EUR 1000000000000.01 is not possible"),
        (1, "0", "10", "share_percent: 0 is not possible"),
        (1, "-1", "10", "share_percent: -1 is not possible"),
        (1, "100.0001", "10", "share_percent: 100.0001 is not possible"),
        (1, "0.00001", "10", "share_percent: 0.00001 is not possible"),
        (1, "40", "-0.0001", "return_percent: -0.0001 is not possible"),
        (1, "40", "100.01", "return_percent: 100.01 is not possible"),
    ];
    for (principal, share, beyond, expected) in table {
        let found = match terms(principal, share, beyond).cap() {
            Ok(cap) => cap.minor().to_string(),
            Err(refused) => format!("{}: {refused}", refused.field()),
        };
        assert!(found.starts_with(expected), "{principal} {share} {beyond}: {found}");
    }
}

#[test]
fn the_treatment_fits_the_investor() {
    use PartyType::{Business, Consumer};
    use VatTreatment::{Domestic, EuReverseCharge, OutsideEu};
    // Who it is; whether with VAT, small business, reverse charge, outside the scope fit.
    let table = [
        (Business, Domestic, [true, true, false, true]),
        (Business, EuReverseCharge, [false, false, true, true]),
        (Business, OutsideEu, [false, false, false, true]),
        (Consumer, Domestic, [false, false, false, true]),
    ];
    for (party_type, vat_treatment, expected) in table {
        let investor = Customer { party_type, vat_treatment, ..investor() };
        for (treatment, fits) in ShareTreatment::ALL.iter().zip(expected) {
            let terms = Terms { vat_treatment: *treatment, ..terms(1, "1", "1") };
            let found = terms.check_investor(&investor);
            assert_eq!(found.is_ok(), fits, "{party_type} {vat_treatment} {treatment}: {found:?}");
        }
    }
}

#[test]
fn an_invoice_with_vat_shows_the_vat_number_of_its_supplier() {
    for (treatment, fits) in ShareTreatment::ALL.iter().zip([false, true, false, true]) {
        let terms = Terms { vat_treatment: *treatment, ..terms(1, "1", "1") };
        assert_eq!(terms.check_investor(&buyer()).is_ok(), fits, "{treatment}");
    }
}

#[test]
fn shares_are_at_most_the_whole() {
    let mut beside = vec![
        investment(InvestmentState::Funded),
        investment(InvestmentState::Withdrawn),
        investment(InvestmentState::Proposed),
    ];
    assert_eq!(check_share(percent("20"), &beside), Ok(()));
    let refused = check_share(percent("20.0001"), &beside).unwrap_err();
    assert!(refused.to_string().contains("20 % of the feature's revenue is left"), "{refused}");
    beside.clear();
    assert_eq!(check_share(percent("100"), &beside), Ok(()));
}

fn done(one: &mut Investment, what: &str) -> String {
    let today = day("2026-02-01");
    let outcome = match what {
        "accept" => one.check_acceptance(false, false).map(|()| {
            one.accept(InvoiceId(uuid::Uuid::nil()), today);
            Outcome::Applied(())
        }),
        "accept, sold" => one.check_acceptance(false, true).map(|()| Outcome::Unchanged),
        "consenting, sold" => one.check_acceptance(true, true).map(|()| Outcome::Unchanged),
        "consent" => one.consent(today),
        "withdraw" | "withdraw, unpaid" => {
            one.withdraw(today, what != "withdraw").map(|outcome| match outcome {
                Outcome::Applied(_) => Outcome::Applied(()),
                Outcome::Unchanged => Outcome::Unchanged,
            })
        }
        "fund" => Ok(one.fund(today)),
        other => panic!("{other}"),
    };
    match outcome {
        Ok(Outcome::Applied(())) => one.state.to_string(),
        Ok(Outcome::Unchanged) => "-".into(),
        Err(refused) => refused.reason().into(),
    }
}

/// What happens in which state: the state afterwards, nothing (-), or the refusal.
const TABLE: &str = "
                 | proposed        | accepted         | funded           | recouping        | completed        | withdrawn
accept           | accepted        | ALREADY_ACCEPTED | ALREADY_ACCEPTED | ALREADY_ACCEPTED | ALREADY_ACCEPTED | INVESTMENT_WITHDRAWN
accept, sold     | CONSENT_MISSING | ALREADY_ACCEPTED | ALREADY_ACCEPTED | ALREADY_ACCEPTED | ALREADY_ACCEPTED | INVESTMENT_WITHDRAWN
consenting, sold | -               | ALREADY_ACCEPTED | ALREADY_ACCEPTED | ALREADY_ACCEPTED | ALREADY_ACCEPTED | INVESTMENT_WITHDRAWN
consent          | proposed        | accepted         | funded           | recouping        | completed        | INVESTMENT_WITHDRAWN
withdraw         | withdrawn       | withdrawn        | ALREADY_FUNDED   | ALREADY_FUNDED   | ALREADY_FUNDED   | -
withdraw, unpaid | withdrawn       | withdrawn        | withdrawn        | SHARES_CREDITED  | SHARES_CREDITED  | -
fund             | -               | funded           | -                | -                | -                | -
";

#[test]
fn what_may_happen_in_which_state() {
    let cells = |line: &str| -> Vec<String> {
        line.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = TABLE.lines().filter(|line| !line.is_empty());
    let states = cells(lines.next().unwrap());
    for line in lines {
        let row = cells(line);
        for (state, expected) in states[1..].iter().zip(&row[1..]) {
            let mut one = investment(state.parse().unwrap());
            assert_eq!(&done(&mut one, &row[0]), expected, "{} in {state}", row[0]);
        }
    }
}

#[test]
fn consent_is_given_once_and_stays() {
    let mut one = investment(InvestmentState::Proposed);
    assert_eq!(one.consent(day("2026-02-01")), Ok(Outcome::Applied(())));
    assert_eq!(one.consent(day("2026-03-01")), Ok(Outcome::Unchanged));
    assert_eq!(one.consent_on, Some(day("2026-02-01")));
    assert_eq!(one.check_acceptance(false, true), Ok(()), "given before");
}

#[test]
fn what_is_withdrawn_names_the_invoice_to_credit() {
    let mut one = investment(InvestmentState::Proposed);
    assert_eq!(one.withdraw(day("2026-02-01"), false), Ok(Outcome::Applied(None)));
    let mut one = investment(InvestmentState::Accepted);
    let invoice = one.invoice_id;
    assert!(invoice.is_some());
    assert_eq!(one.withdraw(day("2026-02-01"), true), Ok(Outcome::Applied(invoice)));
    let mut one = investment(InvestmentState::Funded);
    assert_eq!(one.withdraw(day("2026-02-01"), true), Ok(Outcome::Applied(invoice)));
    assert_eq!(one.funded_on, None, "its money went back");
}

proptest! {
    #[test]
    fn the_cap_is_never_less_than_the_principal_nor_more_than_twice(
        principal in 1..=MAX_PRINCIPAL_MINOR,
        beyond in 0_i64..=1_000_000,
    ) {
        let terms = Terms { return_percent: Decimal::new(beyond, 4), ..terms(principal, "1", "0") };
        let cap = terms.cap().unwrap().minor();
        prop_assert!(cap >= principal && cap <= 2 * principal);
    }
}
