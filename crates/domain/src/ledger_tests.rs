//! What events post, as tables.

use super::*;
use crate::invoice::tests::{charge_of, draft_of};
use crate::vat::VatCategory;
use proptest::prelude::*;
use uuid::Uuid;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn shown(entry: &Entry) -> Vec<String> {
    entry
        .postings()
        .iter()
        .map(|posting| format!("{} {}", posting.account, posting.amount.major()))
        .collect()
}

#[test]
fn an_invoice_posts_receivables_against_revenue_and_vat() {
    let month = ("2025-01-31", "2025-02-28");
    let year = ("2025-01-01", "2026-01-01");
    let table: [(Vec<_>, &[&str]); 3] = [
        (
            vec![charge_of("30.00", VatCategory::Standard, month)],
            &["1300 36.30", "8000 -30.00", "1520 -6.30"],
        ),
        (
            vec![charge_of("365.00", VatCategory::Standard, year)],
            &["1300 441.65", "2000 -334.00", "8000 -31.00", "1520 -76.65"],
        ),
        (
            vec![
                charge_of("10.00", VatCategory::Standard, month),
                charge_of("10.00", VatCategory::Reduced, month),
                charge_of("10.00", VatCategory::Zero, month),
            ],
            &["1300 33.00", "8000 -30.00", "1520 -0.90", "1520 -2.10"],
        ),
    ];
    for (charges, expected) in table {
        let draft = draft_of(charges, "2025-01-31", "2025-01-31");
        let entry = document_entry(EntryId(Uuid::nil()), &draft).unwrap().unwrap();
        assert_eq!(shown(&entry), expected);
        assert_eq!(entry.posted_on(), day("2025-01-31"));
    }
}

/// A credit of a line at 21 %, of which so much had not been earned.
fn credit_of(net: &str, unearned: &str, kind: crate::invoice::LineKind) -> crate::invoice::Charge {
    let money = |text| Money::parse(text, Currency::EUR).unwrap();
    let corrects = crate::invoice::Corrected {
        line_id: LineId(Uuid::nil()),
        invoice_id: crate::id::InvoiceId(Uuid::nil()),
        vat: LineVat {
            class: crate::vat::VatClass::Standard,
            percent: rust_decimal::Decimal::from(21),
        },
        unearned: money(unearned),
    };
    let charge = charge_of(net, VatCategory::Standard, ("2025-07-01", "2026-01-01"));
    crate::invoice::Charge { kind, corrects: Some(corrects), ..charge }
}

#[test]
fn credits_and_balances_post_what_was_earned_and_what_was_not() {
    use crate::balance::Balance;
    use crate::id::InvoiceId;
    use crate::invoice::LineKind::RecurringCredit;
    let eur = |text| Money::parse(text, Currency::EUR).unwrap();
    let month = ("2025-07-01", "2025-08-01");
    // Charges, what is open on the invoice that is credited, the balance before; what is posted.
    let table: [(Vec<_>, &str, &str, &[&str]); 6] = [
        (
            vec![charge_of("30.00", VatCategory::Standard, month)],
            "0",
            "6.30",
            &["1300 30.00", "2060 6.30", "8000 -30.00", "1520 -6.30"],
        ),
        (
            vec![charge_of("30.00", VatCategory::Standard, month)],
            "0",
            "100",
            &["2060 36.30", "8000 -30.00", "1520 -6.30"],
        ),
        (
            vec![credit_of("-184.00", "184.00", RecurringCredit)],
            "500",
            "0",
            &["1300 -222.64", "2000 184.00", "1520 38.64"],
        ),
        (
            vec![credit_of("-184.00", "150.00", RecurringCredit)],
            "22.64",
            "5",
            &["1300 -22.64", "2060 -200.00", "2000 150.00", "8000 34.00", "1520 38.64"],
        ),
        // Up: the credit lowers an invoice, and settles nothing else.
        (
            vec![
                credit_of("-10.00", "0", RecurringCredit),
                charge_of("30.00", VatCategory::Standard, month),
            ],
            "500",
            "4.20",
            &["1300 20.00", "2060 4.20", "8000 -20.00", "1520 -4.20"],
        ),
        // Up and down on one day.
        (
            vec![
                credit_of("-30.00", "0", RecurringCredit),
                charge_of("30.00", VatCategory::Standard, month),
            ],
            "500",
            "4.20",
            &[],
        ),
    ];
    for (charges, open, balance, expected) in table {
        let mut draft = draft_of(charges, "2025-07-31", "2025-07-31");
        let open = std::collections::HashMap::from([(InvoiceId(Uuid::nil()), eur(open))]);
        Balance { available: eur(balance), open }.settle(&mut draft).unwrap();
        let entry = document_entry(EntryId(Uuid::nil()), &draft).unwrap();
        assert_eq!(entry.as_ref().map(shown).unwrap_or_default(), expected);
    }
}

#[test]
fn a_document_of_zero_posts_nothing() {
    let draft = draft_of(
        vec![charge_of("0.00", VatCategory::Standard, ("2025-01-01", "2025-02-01"))],
        "2025-01-01",
        "2025-01-01",
    );
    assert!(draft.is_zero());
    let entry = document_entry(EntryId(Uuid::nil()), &draft).unwrap();
    assert_eq!(entry, None);
}

#[test]
fn earned_days_move_from_deferred_to_revenue() {
    let entry = recognition_entry(
        EntryId(Uuid::nil()),
        LineId(Uuid::nil()),
        Account::ServiceRevenue,
        day("2025-03-01"),
        Money::new(2_800, Currency::EUR),
    )
    .unwrap();
    assert_eq!(shown(&entry), ["2000 28.00", "8010 -28.00"]);
    assert_eq!(entry.posted_on(), day("2025-02-28"));
    assert_eq!(entry.source().part, "2025-03-01");
}

#[test]
fn accounts_are_known_by_the_organizations_own_codes() {
    let chart = |codes: &[(Account, &str)]| {
        Chart::new(codes.iter().map(|(account, code)| (*account, (*code).to_owned())))
    };
    let own = chart(&[(Account::Receivables, "13000"), (Account::Bank, "1300")]).unwrap();
    let table =
        [(Account::Receivables, "13000"), (Account::Bank, "1300"), (Account::VatPayable, "1520")];
    for (account, code) in table {
        assert_eq!(own.code(account), code);
        assert_eq!(own.account(code), Some(account));
    }
    assert_eq!(own.account("1000"), None);
    let doubled = chart(&[(Account::Bank, "1300")]).unwrap_err();
    assert_eq!(
        doubled.to_string(),
        "the code \"1300\" is given to both 1000 and 1300: expected one account"
    );
    for wrong in ["", "13 00", "€", "123456789012345678901"] {
        let refused = chart(&[(Account::Bank, wrong)]).unwrap_err();
        assert!(matches!(refused, ChartRefused::Form { .. }), "{wrong:?}");
    }
    let stored = serde_json::to_value(&own).unwrap();
    assert_eq!(stored, serde_json::json!({"1000": "1300", "1300": "13000"}));
    assert_eq!(serde_json::from_value::<Chart>(stored).unwrap(), own);
}

#[test]
fn what_does_not_balance_is_no_entry() {
    let source = Source { kind: SourceKind::Invoice, id: Uuid::nil(), part: String::new() };
    let cents = |minor| Money::new(minor, Currency::EUR);
    let entry =
        |postings| Entry::new(EntryId(Uuid::nil()), day("2025-01-01"), source.clone(), postings);
    let one_sided = entry(vec![debit(Account::Bank, cents(5))]);
    assert_eq!(one_sided, Err(EntryRefused::TooFew { given: 1 }));
    let off = entry(vec![debit(Account::Bank, cents(5)), debit(Account::Receivables, cents(-4))]);
    assert_eq!(off, Err(EntryRefused::Unbalanced { difference: cents(1) }));
    let yen = Money::new(-5, Currency::from_code("JPY").unwrap());
    let mixed = entry(vec![debit(Account::Bank, cents(5)), debit(Account::Receivables, yen)]);
    assert!(matches!(mixed, Err(EntryRefused::Unbalanced { .. })));
}

proptest! {
    #[test]
    fn every_invoice_can_be_posted(
        nets in proptest::collection::vec((-100_000_i64..100_000, 0_i64..800), 1..20),
        issue in 0_i64..900,
    ) {
        let start = day("2024-01-31");
        let charges = nets
            .iter()
            .map(|(minor, days)| {
                let mut charge = charge_of("0.00", VatCategory::Standard, ("2024-01-31", "2024-02-29"));
                charge.net = Money::new(*minor, Currency::EUR);
                charge.service.end = crate::date::add_days(start, days + 1);
                charge
            })
            .collect();
        let issue_on = crate::date::add_days(start, issue).to_string();
        let draft = draft_of(charges, "2024-01-31", &issue_on);
        let entry =
            document_entry(EntryId(Uuid::nil()), &draft);
        prop_assert!(entry.is_ok(), "{:?}", entry);
    }
}
