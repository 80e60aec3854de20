//! What holds of the monthly share whatever happens, in whatever order.

use proptest::prelude::*;

use super::tests::{collected, eur, feature, month, stake};
use super::*;
use crate::money::Currency;

/// What counts to date at the end of each month: it rises, and sometimes falls.
fn course() -> impl Strategy<Value = Vec<i64>> {
    proptest::collection::vec(-400_000_i64..1_500_000, 1..14).prop_map(|steps| {
        let mut sum = 0;
        steps
            .into_iter()
            .map(|step| {
                sum += step;
                sum
            })
            .collect()
    })
}

fn invested() -> impl Strategy<Value = Vec<Stake>> {
    let one = (1_u32..=3_300, 1_i64..2_000_000, 0_i64..=100, 0_u32..4);
    proptest::collection::vec(one, 1..4).prop_map(|all| {
        let made =
            all.into_iter().zip(1_u128..).map(|((share, principal, back, begins), id)| Stake {
                share_percent: Decimal::new(i64::from(share), 2),
                principal: Money::new(principal, Currency::EUR),
                cap: Money::new(principal + principal * back / 100, Currency::EUR),
                funded_on: date::add_months(month(1).month, begins),
                ..stake(id, "40")
            });
        made.collect()
    })
}

fn credit_all(feature: &mut Shared, course: &[i64], minimum: Money) -> Vec<Outcome> {
    let credit = |(number, counted): (u32, &i64)| {
        feature.credit(&Terms { minimum, ..month(number) }, collected(*counted)).unwrap()
    };
    (1..).zip(course).map(credit).collect()
}

proptest! {
    #[test]
    fn never_above_the_cap_and_never_above_the_shares(
        stakes in invested(),
        course in course(),
        minimum in 0_i64..50_000,
    ) {
        let mut feature = feature(stakes);
        let outcomes = credit_all(&mut feature, &course, Money::new(minimum, Currency::EUR));
        for stake in &feature.stakes {
            prop_assert!(stake.credited.minor() <= stake.cap.minor());
            let months = outcomes.iter().flat_map(|one| &one.investments);
            let of_it: Vec<_> = months.filter(|one| one.investment_id == stake.id).collect();
            let sum = |of: fn(&InvestmentMonth) -> Money| of_it.iter().map(|one| of(one).minor()).sum::<i64>();
            prop_assert_eq!(sum(|one| one.accrual), stake.accrued.minor());
            prop_assert_eq!(sum(|one| one.credited), stake.credited.minor());
            let principal = stake.credited.minor().min(stake.principal.minor());
            prop_assert_eq!(sum(|one| one.principal), principal);
            for one in of_it {
                prop_assert!(one.credited.minor() >= 0);
                prop_assert!(one.credited.is_zero() || one.carried.is_zero());
            }
        }
        for one in outcomes.iter().flat_map(|outcome| &outcome.features) {
            let exact = money::share_of_minor(
                one.revenue.minor(),
                i64::try_from((one.share_percent * Decimal::from(100)).mantissa()).unwrap()
                    / 10_i64.pow((one.share_percent * Decimal::from(100)).scale()),
                10_000,
            );
            prop_assert_eq!(exact, Ok(one.accrual.minor()));
        }
        for outcome in &outcomes {
            let parts: i64 = outcome.investments.iter().map(|one| one.accrual.minor()).sum();
            let whole: i64 = outcome.features.iter().map(|one| one.accrual.minor()).sum();
            prop_assert_eq!(parts, whole);
        }
    }

    /// What counts at a month's end depends on the lines as they are, so whatever came first leads
    /// to the same sums.
    #[test]
    fn the_order_in_which_things_come_makes_no_difference_in_the_end(
        stakes in invested(),
        payments in proptest::collection::vec((0_usize..6, 1_i64..400_000, 0_i64..=12_100), 1..30),
    ) {
        let lines = |until: usize| {
            let mut counted = Counted::default();
            for (_, net, settled) in payments.iter().filter(|(at, _, _)| *at <= until) {
                let line = Line { net: *net, credited: 0, due: 12_100, settled: *settled, aged: 0 };
                counted.add(&line).unwrap();
            }
            counted.of(Basis::Collected)
        };
        let course: Vec<i64> = (0..6).map(lines).collect();
        let mut feature = feature(stakes);
        let outcomes = credit_all(&mut feature, &course, eur("0"));
        let revenue: i64 =
            outcomes.iter().flat_map(|one| &one.features).map(|one| one.revenue.minor()).sum();
        let begun = outcomes.iter().position(|one| !one.features.is_empty());
        prop_assert_eq!(revenue, begun.map_or(0, |_| course[5]));
    }

    /// However the same end is reached, by one month or by many, the same counts, and what is
    /// accrued differs at most by the rounding of each month.
    #[test]
    fn months_split_or_merged_give_the_same_totals(course in course()) {
        let mut split = feature(vec![stake(1, "37.5"), stake(2, "12.5")]);
        let many = credit_all(&mut split, &course, eur("0"));
        let mut merged = feature(vec![stake(1, "37.5"), stake(2, "12.5")]);
        let last = *course.last().unwrap();
        let one = credit_all(&mut merged, &[last], eur("0"));
        let revenue = |all: &[Outcome]| -> i64 {
            all.iter().flat_map(|one| &one.features).map(|one| one.revenue.minor()).sum()
        };
        prop_assert_eq!(revenue(&many), revenue(&one));
        for (split, merged) in split.stakes.iter().zip(&merged.stakes) {
            let apart = (split.accrued.minor() - merged.accrued.minor()).abs();
            prop_assert!(apart <= i64::try_from(course.len()).unwrap() * 2, "{apart}");
        }
    }

    /// The filter by the day of retirement and the last month say the same.
    #[test]
    fn a_feature_is_loaded_for_as_long_as_it_is_shared(retired in 0_i64..2_000, number in 1_u32..60) {
        let retired = date::add_days(month(1).month, retired);
        let month = month(number).month;
        prop_assert_eq!(retired >= first_retired(month), last_month(retired) >= month);
    }

    /// Accruals fall and rise, and what was set off comes back to the same state.
    #[test]
    fn what_falls_and_rises_again_is_as_if_it_had_not(course in course(), dip in 1_i64..2_000_000) {
        let mut straight = feature(vec![stake(1, "40")]);
        credit_all(&mut straight, &course, eur("0"));
        let last = *course.last().unwrap();
        let mut dipped = feature(vec![stake(1, "40")]);
        let mut longer = course.clone();
        // A multiple of what is split without rounding.
        longer.extend([last - dip * 5, last]);
        credit_all(&mut dipped, &longer, eur("0"));
        let (one, other) = (&straight.stakes[0], &dipped.stakes[0]);
        prop_assert_eq!(one.accrued, other.accrued);
        prop_assert_eq!(one.credited, other.credited);
        prop_assert_eq!(one.state, other.state);
    }
}
