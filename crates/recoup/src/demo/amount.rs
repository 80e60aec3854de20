//! Amounts as people read them: 1,234,567.89.

use domain::money::Money;

/// With its currency in front: EUR 1,234.50.
pub(super) fn shown(amount: Money) -> String {
    format!("{} {}", amount.currency(), grouped(&amount.major().to_string()))
}

/// Thousands grouped.
pub(super) fn grouped(number: &str) -> String {
    let (sign, unsigned) = match number.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", number),
    };
    let (whole, fraction) = match unsigned.find('.') {
        Some(point) => unsigned.split_at(point),
        None => (unsigned, ""),
    };
    let mut grouped = String::from(sign);
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::money::Currency;

    #[test]
    fn thousands_are_grouped_from_the_right() {
        let table = [
            (0, "EUR 0.00"),
            (5, "EUR 0.05"),
            (99_999, "EUR 999.99"),
            (100_000, "EUR 1,000.00"),
            (-123_456_789, "EUR -1,234,567.89"),
        ];
        for (minor, text) in table {
            assert_eq!(shown(Money::new(minor, Currency::EUR)), text);
        }
        assert_eq!(grouped("6412"), "6,412");
    }
}
