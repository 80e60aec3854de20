use uuid::Uuid;

use super::*;
use crate::money::Currency;

pub(super) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

pub(super) fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

fn percent(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// EUR 10,000 at 40 % and 10 % return, unless a test says otherwise.
pub(super) fn stake(id: u128, share: &str) -> Stake {
    Stake {
        id: InvestmentId(Uuid::from_u128(id)),
        investor_id: CustomerId(Uuid::from_u128(id + 100)),
        basis: Basis::Collected,
        vat_treatment: ShareTreatment::WithVat,
        share_percent: percent(share),
        principal: eur("10000"),
        cap: eur("11000"),
        held: None,
        funded_on: date("2025-01-20"),
        state: InvestmentState::Funded,
        recouped_on: None,
        completed_on: None,
        accrued: eur("0"),
        credited: eur("0"),
        forgone: eur("0"),
    }
}

pub(super) fn feature(stakes: Vec<Stake>) -> Shared {
    Shared {
        id: FeatureId(Uuid::from_u128(1)),
        title: "Export".to_owned(),
        retired_on: None,
        owned_on: None,
        is_awaited: false,
        stakes,
        counted: BTreeMap::new(),
    }
}

/// Month 1 is January 2025, credited on the first of February.
pub(super) fn month(number: u32) -> Terms {
    let month = date::add_months(date("2025-01-01"), number - 1);
    Terms { month, issue_on: date::first_of_next_month(month), minimum: eur("0") }
}

/// What counts to date, collected.
pub(super) fn collected(minor: i64) -> Counted {
    let mut counted = Counted::default();
    counted.add(&Line { net: minor, credited: 0, due: 0, settled: 0, aged: 0 }).unwrap();
    counted
}

fn happened(outcome: &Outcome) -> String {
    let kinds = outcome.happened.iter().map(|(_, kind)| kind.as_str());
    kinds.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_of_a_line_counts() {
    // net, credited, due, settled, aged: collected, invoiced, aged
    let table = [
        ((10_000, 0, 12_100, 0, 0), (0, 10_000, 0)),
        ((10_000, 0, 12_100, 12_100, 0), (10_000, 10_000, 0)),
        ((10_000, 0, 12_100, 12_100, 12_100), (10_000, 10_000, 10_000)),
        // In part, each line rounded once: a third of 100.00 and of 0.01.
        ((10_000, 0, 300, 100, 0), (3_333, 10_000, 0)),
        ((1, 0, 300, 150, 149), (1, 1, 0)),
        // More than is due, less than nothing.
        ((10_000, 0, 12_100, 20_000, -5), (10_000, 10_000, 0)),
        // Credited in part and in full.
        ((10_000, -4_000, 7_260, 3_630, 0), (3_000, 6_000, 0)),
        ((10_000, -10_000, 0, 0, 0), (0, 0, 0)),
        // Nothing is due: set off, a total of nothing, a credit note.
        ((10_000, 0, 0, 0, 0), (10_000, 10_000, 10_000)),
        ((10_000, 0, -100, 0, 0), (10_000, 10_000, 10_000)),
        ((-10_000, 0, 12_100, 6_050, 0), (-5_000, -10_000, 0)),
    ];
    for ((net, credited, due, settled, aged), (is, invoiced, old)) in table {
        let line = Line { net, credited, due, settled, aged };
        let mut counted = Counted::default();
        counted.add(&line).unwrap();
        let found = [Basis::Collected, Basis::Invoiced, Basis::CollectedAndAged]
            .map(|basis| counted.of(basis));
        assert_eq!(found, [is, invoiced, old], "{line:?}");
    }
    let most = Line { net: i64::MAX, credited: 0, due: i64::MAX, settled: i64::MAX - 1, aged: 0 };
    assert_eq!(most.counted(Basis::Collected), Ok(i64::MAX - 1));
    let mut twice = Counted::default();
    twice.add(&most).unwrap();
    assert_eq!(twice.add(&most), Err(MoneyRefused::Overflow));
}

#[test]
fn the_worked_case() {
    let mut feature = feature(vec![stake(1, "40")]);
    // counted to date: revenue, credited, principal in it, so far, state, what happened
    let table = [
        ("1000", "1000", "400", "400", "400", "recouping", ""),
        ("3500", "2500", "1000", "1000", "1400", "recouping", ""),
        ("11000", "7500", "3000", "3000", "4400", "recouping", ""),
        ("21500", "10500", "4200", "4200", "8600", "recouping", ""),
        (
            "26000",
            "4500",
            "1800",
            "1400",
            "10400",
            "recouped",
            "investment_recouped feature_ownership_passed",
        ),
        ("31000", "5000", "600", "0", "11000", "completed", "investment_completed"),
    ];
    for (number, (counted, revenue, credited, principal, so_far, state, news)) in (1..).zip(table) {
        let terms = month(number);
        let outcome = feature.credit(&terms, collected(eur(counted).minor())).unwrap();
        let got = &outcome.investments[0];
        assert_eq!((got.revenue, got.credited), (eur(revenue), eur(credited)), "month {number}");
        assert_eq!((got.principal, got.credited_total), (eur(principal), eur(so_far)));
        assert_eq!(feature.stakes[0].state.as_str(), state, "month {number}");
        assert_eq!(happened(&outcome), news, "month {number}");
        assert_eq!(outcome.credits.len(), 1);
        assert_eq!(outcome.credits[0].amount, eur(credited));
    }
    let stake = &feature.stakes[0];
    assert_eq!(stake.accrued, eur("12400"));
    assert_eq!(stake.recouped_on, Some(date("2025-06-01")));
    assert_eq!(stake.completed_on, Some(date("2025-07-01")));
    assert_eq!(feature.owned_on, Some(date("2025-06-01")));
}

#[test]
fn a_part_is_as_the_shares_are_and_the_oldest_gets_the_odd_cent() {
    let table: [(&str, &[&str], &str, &[&str]); 8] = [
        ("100.00", &["40"], "40", &["40.00"]),
        ("0.01", &["50"], "50", &["0.01"]),
        ("-0.01", &["50"], "50", &["-0.01"]),
        ("0.05", &["20", "20"], "40", &["0.01", "0.01"]),
        ("0.08", &["20", "20"], "40", &["0.02", "0.01"]),
        ("10.00", &["33.3333", "0.0001"], "33.3334", &["3.33", "0.00"]),
        ("0.03", &["50", "25", "25"], "100", &["0.01", "0.01", "0.01"]),
        ("-7.77", &["12.5", "37.5"], "50.0", &["-0.97", "-2.92"]),
    ];
    for (revenue, shares, sum, parts) in table {
        let shares: Vec<Decimal> = shares.iter().map(|share| percent(share)).collect();
        let parts: Vec<Money> = parts.iter().map(|part| eur(part)).collect();
        assert_eq!(
            accrual(eur(revenue), &shares),
            Ok((percent(sum), parts)),
            "{revenue} {shares:?}"
        );
    }
    let yen = Currency::from_code("JPY").unwrap();
    let (_, parts) = accrual(Money::new(1_005, yen), &[percent("10")]).unwrap();
    assert_eq!(parts, [Money::new(101, yen)]);
}

#[test]
fn what_is_too_little_is_carried_unless_it_is_the_last() {
    // minimum, accrued before, credited before, revenue: credited, carried
    let table = [
        ("50", "0", "0", "100", "0", "40"),
        ("50", "40", "0", "25", "50", "0"),
        ("50", "40", "0", "24.99", "50", "0"),
        ("50", "40", "0", "24.97", "0", "49.99"),
        ("0", "0", "0", "0.02", "0.01", "0"),
        // The last: nothing more will come.
        ("50", "10990", "10990", "25", "10", "0"),
        ("50", "11500", "11000", "25", "0", "0"),
        // More was credited than there is: set off first.
        ("0", "400", "400", "-100", "0", "-40"),
        ("0", "360", "400", "50", "0", "-20"),
        ("0", "360", "400", "200", "40", "0"),
    ];
    for (minimum, accrued, before, revenue, credited, carried) in table {
        let mut feature =
            feature(vec![Stake { accrued: eur(accrued), credited: eur(before), ..stake(1, "40") }]);
        let terms = Terms { minimum: eur(minimum), ..month(2) };
        let outcome = feature.credit(&terms, collected(eur(revenue).minor())).unwrap();
        let got = &outcome.investments[0];
        assert_eq!((got.credited, got.carried), (eur(credited), eur(carried)), "{revenue}");
        assert_eq!(outcome.credits.len(), usize::from(!got.credited.is_zero()));
    }
    // A minimum in another currency holds nothing back.
    let mut foreign = feature(vec![stake(1, "40")]);
    let minimum = Money::new(10_000, Currency::from_code("USD").unwrap());
    let outcome = foreign.credit(&Terms { minimum, ..month(1) }, collected(100)).unwrap();
    assert_eq!(outcome.investments[0].credited, eur("0.40"));
}

#[test]
fn what_is_held_is_credited_when_the_reason_is_gone() {
    for reason in Hold::ALL.iter().copied() {
        let mut feature = feature(vec![Stake { held: Some(reason), ..stake(1, "40") }]);
        let outcome = feature.credit(&month(1), collected(100_000)).unwrap();
        let got = &outcome.investments[0];
        assert_eq!((got.carried, got.held), (eur("400"), Some(reason)));
        assert_eq!(outcome.credits, []);
        feature.stakes[0].held = None;
        let outcome = feature.credit(&month(2), collected(100_000)).unwrap();
        assert_eq!((outcome.credits[0].amount, outcome.investments[0].held), (eur("400"), None));
        // What is to be set off is not held.
        feature.stakes[0].held = Some(reason);
        let outcome = feature.credit(&month(3), collected(50_000)).unwrap();
        assert_eq!(outcome.investments[0].held, None);
    }
}

#[test]
fn a_missing_rate_holds_those_that_bear_vat() {
    let outside = Stake { vat_treatment: ShareTreatment::OutsideScope, ..stake(2, "10") };
    let unpaid = Stake { held: Some(Hold::PrincipalOpen), ..stake(3, "10") };
    let mut feature = feature(vec![stake(1, "40"), outside, unpaid]);
    assert!(feature.needs_rate());
    let held = |feature: &Shared| feature.stakes.iter().map(|one| one.held).collect::<Vec<_>>();
    feature.hold_without_rate(true);
    let (rate, principal) = (Some(Hold::VatRateMissing), Some(Hold::PrincipalOpen));
    assert_eq!(held(&feature), [rate, None, principal]);
    feature.hold_without_rate(false);
    assert_eq!(held(&feature), [None, None, principal]);
    feature.stakes.remove(0);
    feature.stakes.pop();
    assert!(!feature.needs_rate());
}

#[test]
fn an_investment_takes_part_from_the_month_in_which_it_was_paid() {
    let second = Stake { funded_on: date("2025-02-28"), ..stake(2, "10") };
    let mut feature = feature(vec![stake(1, "40"), second]);
    let parts =
        |outcome: &Outcome| outcome.investments.iter().map(|one| one.credited).collect::<Vec<_>>();
    let outcome = feature.credit(&month(1), collected(10_000)).unwrap();
    assert_eq!(parts(&outcome), [eur("40")]);
    assert_eq!(outcome.features[0].share_percent, percent("40"));
    let outcome = feature.credit(&month(2), collected(30_000)).unwrap();
    assert_eq!(parts(&outcome), [eur("80"), eur("20")]);
    assert_eq!(outcome.features[0].accrual, eur("100"));
}

#[test]
fn the_feature_is_the_vendors_when_the_last_investment_is_recouped() {
    let small = Stake { principal: eur("100"), cap: eur("100"), ..stake(2, "10") };
    let mut feature = feature(vec![stake(1, "40"), small]);
    let outcome = feature.credit(&month(1), collected(100_000)).unwrap();
    assert_eq!(happened(&outcome), "investment_recouped investment_completed");
    assert!(!outcome.is_owned);
    let outcome = feature.credit(&month(2), collected(2_600_000)).unwrap();
    let passed = "investment_recouped feature_ownership_passed feature_ownership_passed";
    assert_eq!((happened(&outcome).as_str(), outcome.is_owned), (passed, true));
    assert_eq!(feature.owned_on, Some(date("2025-03-01")));
    // Once passed it stays, whatever bounces.
    let outcome = feature.credit(&month(3), collected(0)).unwrap();
    assert_eq!(happened(&outcome), "investment_reopened");
    assert_eq!(feature.owned_on, Some(date("2025-03-01")));
}

#[test]
fn the_feature_is_not_the_vendors_while_an_accepted_investment_waits_for_its_payment() {
    let small = Stake { principal: eur("100"), cap: eur("100"), ..stake(1, "10") };
    let mut feature = Shared { is_awaited: true, ..feature(vec![small]) };
    let outcome = feature.credit(&month(1), collected(100_000)).unwrap();
    assert_eq!(happened(&outcome), "investment_recouped investment_completed");
    assert_eq!((outcome.is_owned, feature.owned_on), (false, None));
    // It was given up instead of paid.
    feature.is_awaited = false;
    let outcome = feature.credit(&month(2), collected(100_000)).unwrap();
    assert_eq!(happened(&outcome), "feature_ownership_passed");
    assert_eq!(feature.owned_on, Some(date("2025-03-01")));
}

#[test]
fn a_bounce_after_completion_opens_the_investment_again() {
    let mut feature = feature(vec![stake(1, "40")]);
    let table = [
        (
            3_000_000,
            "completed",
            "11000",
            "0",
            "investment_recouped investment_completed feature_ownership_passed",
        ),
        // Its parts go on counting, so a small bounce is nothing to it.
        (2_750_000, "completed", "0", "0", ""),
        (2_700_000, "recouped", "0", "-200", "investment_reopened"),
        (2_725_000, "recouped", "0", "-100", ""),
        (2_800_000, "completed", "0", "0", "investment_completed"),
    ];
    for (number, (counted, state, credited, carried, news)) in (1..).zip(table) {
        let outcome = feature.credit(&month(number), collected(counted)).unwrap();
        let got = &outcome.investments[0];
        assert_eq!((got.credited, got.carried), (eur(credited), eur(carried)), "month {number}");
        assert_eq!(feature.stakes[0].state.as_str(), state, "month {number}");
        assert_eq!(happened(&outcome), news, "month {number}");
    }
    assert_eq!(feature.stakes[0].completed_on, Some(date("2025-02-01")), "the first time");
}

#[test]
fn a_feature_is_shared_for_three_months_after_the_one_in_which_it_was_retired() {
    let mut feature = feature(vec![stake(1, "40")]);
    feature.retired_on = Some(date("2025-02-03"));
    let little = |number| Terms { minimum: eur("50"), ..month(number) };
    // counted to date: credited, carried, forgone
    let table = [
        ("300", "120", "0", "0"),
        ("400", "0", "40", "0"),
        // Debits of the last month are paid back, and one is paid after all.
        ("200", "0", "-40", "0"),
        ("310", "0", "4", "0"),
        ("310", "4", "0", "9876"),
    ];
    for (number, (counted, credited, carried, forgone)) in (1..).zip(table) {
        assert!(feature.shares(&little(number)), "month {number}");
        let outcome = feature.credit(&little(number), collected(eur(counted).minor())).unwrap();
        let got = &outcome.investments[0];
        assert_eq!((got.credited, got.carried), (eur(credited), eur(carried)), "month {number}");
        assert_eq!(feature.stakes[0].forgone, eur(forgone), "month {number}");
        assert_eq!(outcome.forgone.len(), usize::from(forgone != "0"), "month {number}");
    }
    assert!(!feature.shares(&little(6)));
}

#[test]
fn what_was_sold_until_the_month_of_retirement_is_over_is_shared() {
    // retired, last month, the first retired that is shared in it, sold until, as of the tenth of May
    let table = [
        ("2025-02-03", "2025-05-01", "2025-02-01", "2025-02-28"),
        ("2025-02-28", "2025-05-01", "2025-02-01", "2025-02-28"),
        ("2025-05-01", "2025-08-01", "2025-05-01", "2025-05-10"),
        ("2024-11-30", "2025-02-01", "2024-11-01", "2024-11-30"),
    ];
    for (retired, last, first, until) in table {
        let retired = date(retired);
        assert_eq!(last_month(retired), date(last), "{retired}");
        assert_eq!(first_retired(date(last)), date(first), "{retired}");
        assert_eq!(sold_until(Some(retired), date("2025-05-10")), date(until), "{retired}");
    }
    assert_eq!(sold_until(None, date("2025-05-10")), date("2025-05-10"));
}

#[test]
fn a_month_is_due_on_the_payout_day_of_the_next() {
    let table = [
        ("2025-03-01", 1, "2025-02-01"),
        ("2025-03-31", 1, "2025-02-01"),
        ("2025-03-14", 15, "2025-01-01"),
        ("2025-03-15", 15, "2025-02-01"),
        ("2025-01-27", 28, "2024-11-01"),
        ("2025-01-28", 28, "2024-12-01"),
    ];
    for (today, day, due) in table {
        assert_eq!(due_month(date(today), day), date(due), "{today}");
    }
}
