//! Tables of documents: lines, VAT, totals, dates.

use super::*;
use crate::customer::PartyType;
use crate::decimal;
use crate::numbering::Pattern;
use crate::organization::{Address, Language, OrgKind};
use crate::vat::{VatCategory, VatTreatment, built_in_rates};
use proptest::prelude::*;
use uuid::Uuid;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) fn seller() -> Organization {
    Organization {
        id: crate::id::OrgId(Uuid::nil()),
        kind: OrgKind::Live,
        legal_name: "Vendor BV".into(),
        registration_number: None,
        address: Address { country: "NL".into(), ..Address::default() },
        vat_number: None,
        iban: None,
        email: None,
        default_currency: Currency::EUR,
        time_zone: chrono_tz::Europe::Amsterdam,
        language: Language::Dutch,
        small_business: false,
        issue_zero_invoices: false,
        draft_grace_days: 0,
        payout_day: 1,
        minimum_payout: crate::money::Money::zero(crate::money::Currency::EUR),
        pre_notification_days: 14,
        number_pattern: Pattern::default(),
        invoice_prefix: String::new(),
        credit_note_prefix: "C".into(),
        payment_terms_days: 14,
        chart: crate::ledger::Chart::default(),
        sandbox_now: None,
    }
}

pub(crate) fn buyer() -> Customer {
    Customer {
        id: CustomerId(Uuid::nil()),
        name: "Customer".into(),
        address: Address { country: "NL".into(), ..Address::default() },
        email: None,
        vat_number: None,
        vat_treatment: VatTreatment::Domestic,
        currency: Currency::EUR,
        payment_terms_days: Some(30),
        scheme: None,
        party_type: PartyType::Business,
        treat_as_consumer: false,
        language: None,
        external_reference: None,
        in_arrears: false,
        block: None,
    }
}

pub(crate) fn charge_of(net: &str, category: VatCategory, service: (&str, &str)) -> Charge {
    Charge {
        origin: Origin::Item {
            subscription_id: SubscriptionId(Uuid::nil()),
            item_id: ItemId(Uuid::nil()),
            change: 0,
        },
        kind: LineKind::Recurring,
        product_id: ProductId(Uuid::nil()),
        description: "Product".into(),
        unit_label: None,
        revenue: RevenueKind::Subscription,
        vat_category: category,
        service: Period { start: day(service.0), end: day(service.1) },
        quantity: Decimal::ONE,
        unit_price: decimal::parse(net).unwrap(),
        discount: Money::zero(Currency::EUR),
        net: Money::parse(net, Currency::EUR).unwrap(),
        corrects: None,
    }
}

pub(crate) fn ids() -> Sequence {
    Sequence::new(chrono::DateTime::UNIX_EPOCH)
}

pub(crate) fn draft_of(charges: Vec<Charge>, billing_on: &str, issue_on: &str) -> Draft {
    let rates = built_in_rates().into_iter().collect();
    drafted(&rates, day(billing_on), day(issue_on), charges).unwrap()
}

fn drafted(
    rates: &VatRates,
    billing_on: Date,
    issue_on: Date,
    charges: Vec<Charge>,
) -> Result<Draft, DraftRefused> {
    let (seller, customer) = (seller(), buyer());
    let currency = Currency::EUR;
    let (seller, customer) = (&seller, &customer);
    let heading = Heading { seller, customer, rates, currency, billing_on, issue_on };
    draft(&heading, &ids(), charges)
}

#[test]
fn a_document_adds_up() {
    let service = ("2025-01-01", "2025-02-01");
    let mut charges = vec![charge_of("0.03", VatCategory::Standard, service); 10];
    charges.push(charge_of("10.00", VatCategory::Reduced, service));
    let draft = draft_of(charges, "2025-01-01", "2025-01-01");
    let shown: Vec<_> = draft
        .vat_rows
        .iter()
        .map(|row| {
            format!(
                "{} {} {} {}",
                row.vat.class,
                row.vat.percent,
                row.base.major(),
                row.tax.major()
            )
        })
        .collect();
    assert_eq!(shown, ["S 9 10.00 0.90", "S 21 0.30 0.06"]);
    assert_eq!((draft.net.minor(), draft.tax.minor(), draft.total.minor()), (1_030, 96, 1_126));
    assert_eq!(draft.due_on, day("2025-01-31"));
}

#[test]
fn the_rate_is_that_of_the_tax_point() {
    // service, issued, percent: the reduced rate rose from 6 to 9 on 2019-01-01
    let table = [
        (("2018-12-01", "2019-01-01"), "2018-12-01", 6),
        (("2018-12-01", "2019-01-01"), "2019-01-01", 6),
        (("2018-12-15", "2019-01-15"), "2019-01-15", 9),
        (("2018-12-15", "2019-01-15"), "2018-12-15", 6),
        (("2019-01-01", "2019-02-01"), "2019-01-01", 9),
    ];
    for (service, issue_on, percent) in table {
        let draft =
            draft_of(vec![charge_of("1.00", VatCategory::Reduced, service)], issue_on, issue_on);
        assert_eq!(draft.lines[0].vat.percent, Decimal::from(percent), "{service:?} {issue_on}");
    }
}

#[test]
fn a_document_without_a_rate_or_with_too_many_lines_is_refused() {
    let rates = VatRates::default();
    let on = day("2025-01-01");
    let charges = vec![charge_of("1.00", VatCategory::Standard, ("2025-01-01", "2025-02-01"))];
    let refused = drafted(&rates, on, on, charges).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "no standard VAT rate for NL is in force on 2025-01-01: add one with SetVatRate"
    );
    let many =
        vec![charge_of("1.00", VatCategory::Zero, ("2025-01-01", "2025-02-01")); MAX_LINES + 1];
    let refused = drafted(&rates, on, on, many).unwrap_err();
    assert!(matches!(refused, DraftRefused::TooManyLines { .. }));
}

proptest! {
    #[test]
    fn totals_are_exact(nets in proptest::collection::vec((-100_000_i64..100_000, 0_usize..5), 1..40)) {
        let charges = nets
            .iter()
            .filter(|(_, category)| VatCategory::ALL[*category] != VatCategory::Intermediate)
            .map(|(minor, category)| Charge {
                net: Money::new(*minor, Currency::EUR),
                ..charge_of("0.00", VatCategory::ALL[*category], ("2025-01-01", "2025-02-01"))
            })
            .collect::<Vec<_>>();
        let draft = draft_of(charges, "2025-01-01", "2025-01-01");
        let lines: i64 = draft.lines.iter().map(|line| line.charge.net.minor()).sum();
        let bases: i64 = draft.vat_rows.iter().map(|row| row.base.minor()).sum();
        let taxes: i64 = draft.vat_rows.iter().map(|row| row.tax.minor()).sum();
        prop_assert_eq!(draft.net.minor(), lines);
        prop_assert_eq!(draft.net.minor(), bases);
        prop_assert_eq!(draft.total.minor(), lines + taxes);
        for row in &draft.vat_rows {
            let percent = i64::try_from(row.vat.percent.mantissa()).unwrap();
            prop_assert!((row.tax.minor() * 100 - row.base.minor() * percent).abs() <= 50);
        }
    }
}
