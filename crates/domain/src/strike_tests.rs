use proptest::prelude::*;

use super::*;
use crate::date::add_days;
use crate::failure;
use crate::payment::Scheme;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// Strikes, today, what they are worth then, whether a block is proposed.
const TABLE: &str = "
                                                      | 2026-03-01 |  0 | no
2026-01-10 2                                          | 2026-03-01 |  2 | no
2026-01-10 2, 2026-02-10 2                            | 2026-03-01 |  4 | no
2026-01-10 2, 2026-02-10 2, 2026-02-20 1              | 2026-03-01 |  5 | yes
2026-01-10 2, 2026-02-10 2, 2026-02-20 2              | 2026-03-01 |  6 | yes
2026-03-01 5                                          | 2026-03-01 |  5 | yes
2025-03-01 5                                          | 2026-02-28 |  5 | yes
2025-03-01 5                                          | 2026-03-01 |  0 | no
2024-02-29 5                                          | 2025-02-27 |  5 | yes
2024-02-29 5                                          | 2025-02-28 |  0 | no
2025-02-01 2, 2025-03-15 2, 2026-02-20 1              | 2026-03-01 |  3 | no
";

#[test]
fn five_points_within_twelve_months_propose_a_block() {
    for line in TABLE.lines().filter(|line| !line.is_empty()) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let given = cells[0].split(", ").filter(|one| !one.is_empty());
        let strikes: Vec<(Date, u32)> = given
            .map(|one| one.split_once(' ').unwrap())
            .map(|(on, points)| (day(on), points.parse().unwrap()))
            .collect();
        let found = points(&strikes, day(cells[1]));
        assert_eq!(found.to_string(), cells[2], "{line}");
        assert_eq!(proposes_block(found), cells[3] == "yes", "{line}");
    }
}

#[test]
fn what_each_is_worth() {
    assert_eq!((LOST_CYCLE_POINTS, FRAUD_POINTS), (1, 5));
    for (scheme, code, strikes) in [
        (Scheme::DirectDebit, "MD06", 2),
        (Scheme::DirectDebit, "MS02", 2),
        (Scheme::DirectDebit, "AM04", 0),
        (Scheme::DirectDebit, "AC01", 0),
        (Scheme::Card, "do_not_honor", 0),
    ] {
        assert_eq!(failure::reason(scheme, code).strikes, strikes, "{code}");
    }
}

proptest! {
    #[test]
    fn points_only_fall_with_time_and_order_does_not_matter(
        given in proptest::collection::vec((0_i64..900, 0_u32..6), 0..12),
        at in 900_i64..2_000,
        later in 0_i64..500,
    ) {
        let first = day("2024-01-01");
        let mut strikes: Vec<(Date, u32)> =
            given.iter().map(|(days, points)| (add_days(first, *days), *points)).collect();
        let (today, then) = (add_days(first, at), add_days(first, at + later));
        let now = points(&strikes, today);
        prop_assert!(points(&strikes, then) <= now);
        strikes.reverse();
        prop_assert_eq!(points(&strikes, today), now);
        prop_assert_eq!(points(&strikes, add_days(first, 900 + 366)), 0);
    }
}
