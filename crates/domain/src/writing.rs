//! How dates, numbers and amounts are written for people.
//!
//! Purpose: one way of writing them for everything that a customer reads: documents, reminders.
//!
//! Invariants: nothing is rounded here: every digit that there is is shown.
//!
//! Deliberately absent: words; they belong to what is said.

use rust_decimal::Decimal;

use crate::date::Date;
use crate::money::Money;
use crate::organization::Language;

/// A day as people write it: 31-01-2025 in Dutch, 31 Jan 2025 in English.
#[must_use]
pub fn day(date: Date, language: Language) -> String {
    match language {
        Language::Dutch => date.format("%d-%m-%Y").to_string(),
        Language::English => date.format("%-d %b %Y").to_string(),
    }
}

/// A number with separators: 1.234,50 in Dutch, 1,234.50 in English.
#[must_use]
pub fn number(value: Decimal, language: Language) -> String {
    let (thousands, point) = match language {
        Language::Dutch => ('.', ','),
        Language::English => (',', '.'),
    };
    let text = value.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut shown = String::with_capacity(text.len() + 4);
    if value.is_sign_negative() && !value.is_zero() {
        shown.push('-');
    }
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            shown.push(thousands);
        }
        shown.push(digit);
    }
    if !fraction.is_empty() {
        shown.push(point);
        shown.push_str(fraction);
    }
    shown
}

/// An amount without its currency: 1.234,50 in Dutch, 1,234.50 in English.
#[must_use]
pub fn money(amount: Money, language: Language) -> String {
    number(amount.major(), language)
}

/// An amount with its currency: EUR 1.234,50 in Dutch, EUR 1,234.50 in English.
#[must_use]
pub fn amount(amount: Money, language: Language) -> String {
    format!("{} {}", amount.currency(), money(amount, language))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn numbers_and_days_are_written_as_people_read_them() {
        let table = [
            ("0", "0", "0"),
            ("1234.50", "1.234,50", "1,234.50"),
            ("-1234567.00", "-1.234.567,00", "-1,234,567.00"),
            ("999.005", "999,005", "999.005"),
        ];
        for (value, dutch, english) in table {
            let value = crate::decimal::parse(value).unwrap();
            assert_eq!(number(value, Language::Dutch), dutch);
            assert_eq!(number(value, Language::English), english);
        }
        let date: Date = "2025-01-31".parse().unwrap();
        assert_eq!(day(date, Language::Dutch), "31-01-2025");
        assert_eq!(day(date, Language::English), "31 Jan 2025");
        let price = Money::new(123_450, Currency::EUR);
        assert_eq!(amount(price, Language::Dutch), "EUR 1.234,50");
        assert_eq!(amount(price, Language::English), "EUR 1,234.50");
    }
}
