//! Integers instead of decimals.

/// `numerator / denominator`, half away from zero.
pub(super) fn rounded(numerator: i128, denominator: i128) -> i128 {
    let size = (2 * numerator.abs() + denominator) / (2 * denominator);
    if numerator < 0 { -size } else { size }
}

/// A plain number as hundred-millionths: `12.5` is 1,250,000,000.
pub(super) fn fine(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.trim_end_matches('0').len() <= FINE, "{text} has too many decimals");
    let fraction = &format!("{fraction:0<FINE$}")[..FINE];
    format!("{whole}{fraction}").parse().expect("a plain number")
}

/// Decimals of [`fine`].
const FINE: usize = 8;
/// One, as [`fine`] gives it.
pub(super) const ONE: i128 = 100_000_000;

/// Minor units of one unit of a currency.
pub(super) fn minor_units(currency: &str) -> i128 {
    match currency {
        "JPY" => 1,
        "KWD" => 1_000,
        "EUR" | "USD" | "GBP" | "CHF" => 100,
        other => panic!("the auditor does not know the currency {other}"),
    }
}

/// What the first `days` of `of` days of a period cost that costs `whole` parts of `per` each.
pub(super) fn first_days((whole, per): (i128, i128), days: i64, of: i64) -> i128 {
    rounded(whole * i128::from(days), per * i128::from(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_away_from_zero() {
        for (numerator, denominator, expected) in
            [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (5, 3, 2), (-4, 3, -1), (0, 7, 0)]
        {
            assert_eq!(rounded(numerator, denominator), expected, "{numerator}/{denominator}");
        }
    }

    #[test]
    fn numbers_are_read_without_their_point() {
        for (text, expected) in
            [("1", ONE), ("12.5", 1_250_000_000), ("0.00000001", 1), ("0.0100000000", 1_000_000)]
        {
            assert_eq!(fine(text), expected, "{text}");
        }
    }
}
