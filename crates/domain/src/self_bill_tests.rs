use super::*;
use crate::Outcome;
use crate::id::{AgreementId, FeatureId};
use crate::investment::{Basis, Investment, InvestmentState};
use proptest::prelude::*;
use uuid::Uuid;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn agreement(silent_days: Option<u32>) -> Agreement {
    Agreement {
        id: AgreementId(Uuid::nil()),
        investor_id: CustomerId(Uuid::nil()),
        signed_on: day("2025-01-10"),
        valid_until: Some(day("2025-12-31")),
        acceptance: if silent_days.is_some() { Acceptance::Silent } else { Acceptance::Explicit },
        silent_days,
        number_prefix: "SB".to_owned(),
    }
}

fn line(net: i64, principal: i64) -> Line {
    Line {
        investment_id: InvestmentId(Uuid::nil()),
        description: "Export".to_owned(),
        revenue: Some(euro(net * 2)),
        share_percent: Decimal::from(50),
        net: euro(net),
        principal: euro(principal),
    }
}

fn bill(treatment: ShareTreatment, agreement: Option<&Agreement>, lines: Vec<Line>) -> SelfBill {
    let recipient = Recipient {
        investor_id: CustomerId(Uuid::nil()),
        vat_treatment: treatment,
        currency: Currency::EUR,
    };
    let heading = Heading {
        recipient,
        month: day("2025-01-01"),
        issue_on: day("2025-02-01"),
        standard_percent: Decimal::from(21),
        agreement,
    };
    compose(&heading, SelfBillId(Uuid::nil()), lines).unwrap()
}

#[test]
fn the_treatment_and_the_agreement_make_the_document() {
    use ShareTreatment::{OutsideScope, ReverseCharge, SmallBusiness, WithVat};
    let (explicit, silent) = (agreement(None), agreement(Some(14)));
    let table = [
        (WithVat, None, "advice S 21 0 100.00 not_asked -"),
        (WithVat, Some(&explicit), "invoice S 21 21.00 121.00 waiting -"),
        (WithVat, Some(&silent), "invoice S 21 21.00 121.00 waiting 2025-02-15"),
        (SmallBusiness, None, "advice E 0 0 100.00 not_asked -"),
        (SmallBusiness, Some(&explicit), "invoice E 0 0 100.00 waiting -"),
        (ReverseCharge, None, "advice AE 0 0 100.00 not_asked -"),
        (ReverseCharge, Some(&silent), "invoice AE 0 0 100.00 waiting 2025-02-15"),
        (OutsideScope, None, "statement O 0 0 100.00 not_asked -"),
        (OutsideScope, Some(&explicit), "statement O 0 0 100.00 not_asked -"),
    ];
    for (treatment, agreement, expected) in table {
        let made = bill(treatment, agreement, vec![line(10_000, 10_000)]);
        let accepts_on = made.accepts_on.map_or("-".to_owned(), |on| on.to_string());
        let tax = if made.tax.is_zero() { "0".to_owned() } else { made.tax.major().to_string() };
        let found = format!(
            "{} {} {} {tax} {} {} {accepts_on}",
            made.kind,
            made.vat.class,
            made.vat.percent,
            made.total.major(),
            made.acceptance,
        );
        assert_eq!(found, expected, "{treatment} {}", agreement.is_some());
    }
}

#[test]
fn vat_is_rounded_once_for_the_document() {
    let made = bill(ShareTreatment::WithVat, Some(&agreement(None)), vec![line(3, 3); 10]);
    assert_eq!((made.net, made.tax, made.total), (euro(30), euro(6), euro(36)));
}

#[test]
fn an_investor_agrees_or_does_not_and_silence_agrees_on_its_day() {
    let today = day("2025-02-10");
    let explicit = bill(ShareTreatment::WithVat, Some(&agreement(None)), vec![line(100, 100)]);
    let silent = bill(ShareTreatment::WithVat, Some(&agreement(Some(9))), vec![line(100, 100)]);
    let advice = bill(ShareTreatment::WithVat, None, vec![line(100, 100)]);
    let mut one = explicit.clone();
    assert_eq!(one.accept(), Ok(Outcome::Applied(())));
    assert_eq!(one.accept(), Ok(Outcome::Unchanged));
    assert_eq!(one.reject(today), Err(SelfBillRefused::Accepted));
    let mut one = explicit;
    assert_eq!(one.reject(today), Ok(Outcome::Applied(())));
    assert_eq!(one.reject(today), Ok(Outcome::Unchanged));
    assert_eq!(one.accept(), Err(SelfBillRefused::Rejected));
    assert_eq!(silent.clone().reject(day("2025-02-09")), Ok(Outcome::Applied(())));
    assert_eq!(silent.clone().reject(today), Err(SelfBillRefused::Accepted));
    let not_asked = SelfBillRefused::NotAsked { kind: SelfBillKind::Advice };
    assert_eq!(advice.clone().accept(), Err(not_asked.clone()));
    assert_eq!(advice.clone().reject(today), Err(not_asked));
}

#[test]
fn what_is_rejected_is_taken_back_whole_and_advised_again() {
    let lines = vec![line(10_000, 4_000), line(500, 500)];
    let rejected = bill(ShareTreatment::WithVat, Some(&agreement(None)), lines.clone());
    let note = rejected.credit_note(SelfBillId(Uuid::max()), day("2025-03-05"), "no").unwrap();
    assert_eq!(note.kind, SelfBillKind::CreditNote);
    assert_eq!((note.month, note.issue_on), (day("2025-03-01"), day("2025-03-05")));
    assert_eq!((note.net, note.tax, note.total), (euro(-10_500), euro(-2_205), euro(-12_705)));
    assert_eq!((note.lines[0].net, note.lines[0].principal), (euro(-10_000), euro(-4_000)));
    let advice = rejected.advice(SelfBillId(Uuid::max()), day("2025-03-05"), "no");
    assert_eq!((advice.kind, advice.month), (SelfBillKind::Advice, day("2025-01-01")));
    assert_eq!((advice.tax, advice.total), (euro(0), euro(10_500)));
    assert_eq!((advice.lines, advice.corrects), (lines, Some(rejected.id)));
}

#[test]
fn an_own_invoice_bears_at_most_the_vat_of_the_law() {
    use ShareTreatment::{ReverseCharge, SmallBusiness, WithVat};
    let table = [
        (WithVat, 2_100, "2025-02-10", "recorded"),
        (WithVat, 0, "2025-02-10", "recorded"),
        (WithVat, 2_101, "2025-02-10", "EUR 21.01 of VAT is not possible"),
        (WithVat, -1, "2025-02-10", "EUR -0.01 of VAT is not possible"),
        (WithVat, 2_100, "2025-02-11", "an invoice of 2025-02-11 cannot have come"),
        (SmallBusiness, 1, "2025-02-10", "EUR 0.01 of VAT is not possible"),
        (ReverseCharge, 1, "2025-02-10", "EUR 0.01 of VAT is not possible"),
        (ReverseCharge, 0, "2025-02-10", "recorded"),
    ];
    let own = |tax, on| OwnInvoice { number: "7".to_owned(), issue_on: day(on), tax: euro(tax) };
    let today = day("2025-02-10");
    for (treatment, tax, on, expected) in table {
        let mut advice = bill(treatment, None, vec![line(10_000, 10_000)]);
        let found = match advice.record_own(own(tax, on), today) {
            Ok(_) => "recorded".to_owned(),
            Err(refused) => refused.to_string(),
        };
        assert!(found.starts_with(expected), "{treatment} {tax} {on}: {found}");
    }
    let mut advice = bill(WithVat, None, vec![line(10_000, 10_000)]);
    assert_eq!(advice.record_own(own(2_100, "2025-02-10"), today), Ok(Outcome::Applied(())));
    assert_eq!(advice.record_own(own(2_100, "2025-02-10"), today), Ok(Outcome::Unchanged));
    let recorded = SelfBillRefused::Recorded { number: "7".to_owned() };
    assert_eq!(advice.record_own(own(0, "2025-02-10"), today), Err(recorded));
    let mut invoice = bill(WithVat, Some(&agreement(None)), vec![line(1, 1)]);
    let no_advice = SelfBillRefused::NoAdvice { kind: SelfBillKind::Invoice };
    assert_eq!(invoice.record_own(own(0, "2025-02-10"), today), Err(no_advice));
}

fn investment(credited: i64, accrued: i64) -> Investment {
    Investment {
        id: InvestmentId(Uuid::nil()),
        feature_id: FeatureId(Uuid::nil()),
        investor_id: CustomerId(Uuid::nil()),
        principal: euro(10_000),
        share_percent: Decimal::from(40),
        return_percent: Decimal::from(10),
        cap: euro(11_000),
        basis: Basis::Collected,
        vat_treatment: ShareTreatment::WithVat,
        state: InvestmentState::Completed,
        proposed_on: day("2025-01-01"),
        accepted_on: None,
        withdrawn_on: None,
        consent_on: None,
        invoice_id: None,
        funded_on: Some(day("2025-01-01")),
        recouped_on: None,
        completed_on: None,
        accrued: euro(accrued),
        credited: euro(credited),
        forgone: euro(0),
    }
}

/// A document of 100.00 that credits: `invoice 21`, `rejected`, `advice 9.00` with the VAT of the
/// investor's own invoice, `advice` without one, `statement`.
fn crediting(told: &str) -> SelfBill {
    let (kind, rest) = told.split_once(' ').unwrap_or((told, ""));
    let with_vat = |agreement: Option<&Agreement>| {
        bill(ShareTreatment::WithVat, agreement, vec![line(10_000, 10_000)])
    };
    let mut made = match kind {
        "invoice" => with_vat(Some(&agreement(None))),
        "rejected" => SelfBill {
            acceptance: SelfBillAcceptance::Rejected,
            ..with_vat(Some(&agreement(None)))
        },
        "advice" => with_vat(None),
        "statement" => bill(ShareTreatment::OutsideScope, None, vec![line(10_000, 10_000)]),
        other => panic!("{other} is no document"),
    };
    if kind == "invoice" {
        made.vat.percent = rest.parse().unwrap();
    } else if !rest.is_empty() {
        let tax = Money::round(rest.parse().unwrap(), Currency::EUR).unwrap();
        let own = OwnInvoice { number: "7".to_owned(), issue_on: made.issue_on, tax };
        let (Outcome::Applied(()) | Outcome::Unchanged) =
            made.record_own(own, made.issue_on).unwrap();
    }
    made
}

#[test]
fn vat_is_taken_back_at_the_rate_at_which_it_was_posted_last() {
    let table = [
        ("invoice 21", "21"),
        // The rate has changed since.
        ("invoice 21, invoice 19", "21"),
        ("invoice 9, invoice 21", "9"),
        ("advice 21.00, rejected", "21"),
        ("advice 9.00, rejected", "9"),
        ("advice 8.99, rejected", "8.99"),
        ("advice 0, rejected, invoice 21", "0"),
        ("invoice 21, advice 0", "21"),
        ("statement, statement", "0"),
        ("invoice 21, advice", "awaited"),
        ("advice, rejected", "awaited"),
        ("", "0"),
    ];
    for (documents, expected) in table {
        let told = documents.split(", ").filter(|told| !told.is_empty());
        let newest_first: Vec<SelfBill> = told.map(crediting).collect();
        let found = match posted_percent(&newest_first) {
            Ok(percent) => percent.to_string(),
            Err(SelfBillRefused::InvoiceAwaited { .. }) => "awaited".to_owned(),
            Err(refused) => refused.to_string(),
        };
        assert_eq!(found, expected, "{documents}");
    }
}

#[test]
fn return_is_taken_back_before_principal() {
    // credited, accrued: taken back, the principal in it, left, state.
    let table = [
        (11_000, 10_400, "600 0 10400 recouped"),
        (11_000, 9_000, "2000 1000 9000 recouping"),
        (9_000, 4_000, "5000 5000 4000 recouping"),
        (9_000, -300, "9000 9000 0 funded"),
    ];
    for (credited, accrued, expected) in table {
        let mut one = investment(credited, accrued);
        let taken = claw_back(&mut one).unwrap();
        let found = format!(
            "{} {} {} {}",
            taken.amount.minor(),
            taken.principal.minor(),
            one.credited.minor(),
            one.state
        );
        assert_eq!(found, expected, "{credited} {accrued}");
    }
    for (credited, accrued) in [(0, -5), (400, 400), (400, 900)] {
        let refused = claw_back(&mut investment(credited, accrued));
        assert!(matches!(refused, Err(SelfBillRefused::NothingToTakeBack { .. })), "{credited}");
    }
}

proptest! {
    #[test]
    fn what_is_taken_back_and_what_is_left_is_what_was_credited(
        credited in 0_i64..=11_000,
        accrued in -20_000_i64..=20_000,
    ) {
        let mut one = investment(credited, accrued);
        if let Ok(taken) = claw_back(&mut one) {
            prop_assert_eq!(taken.amount.minor() + one.credited.minor(), credited);
            prop_assert_eq!(one.credited.minor(), accrued.max(0));
            prop_assert!(taken.principal.minor() >= 0);
            prop_assert!(taken.principal.minor() <= taken.amount.minor());
            // Principal only after all return is gone.
            let was_return = (credited - 10_000).max(0);
            let back = taken.amount.minor() - taken.principal.minor();
            prop_assert_eq!(back, was_return.min(taken.amount.minor()));
        }
    }
}
