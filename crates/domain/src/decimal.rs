//! The strict grammar of decimal numbers that come from outside.
//!
//! Purpose: one reading of a number. An optional minus, digits, and optionally a point followed by
//! digits; nothing else.
//!
//! Invariants: what is parsed is exactly what was written; nothing is rounded silently.
//!
//! Deliberately absent: exponents, digit separators, signs other than minus, bare points, digits
//! of other scripts, infinities. The library's own parser accepts several of these.

use rust_decimal::Decimal;

/// The longest accepted text. 29 digits, a minus and a point are the most a [`Decimal`] can hold.
const MAX_LENGTH: usize = 31;

/// Why a text is not a number here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecimalRefused {
    /// Not of the form `[-]digits[.digits]`.
    #[error(
        "{text:?} is not a number: expected digits with an optional minus and decimal point, for example -12.50"
    )]
    Grammar {
        /// What was given.
        text: String,
    },
    /// More digits than can be held exactly.
    #[error("{text:?} has too many digits: at most 28 digits are kept exactly")]
    TooLong {
        /// What was given, cut to a printable length.
        text: String,
    },
}

/// Parses `text` by the strict grammar.
///
/// # Errors
/// [`DecimalRefused`] names the text and what would be right.
pub fn parse(text: &str) -> Result<Decimal, DecimalRefused> {
    let shown = || text.chars().take(40).collect::<String>();
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (unsigned, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !fraction.is_none_or(digits) {
        return Err(DecimalRefused::Grammar { text: shown() });
    }
    if text.len() > MAX_LENGTH {
        return Err(DecimalRefused::TooLong { text: shown() });
    }
    Decimal::from_str_exact(text).map_err(|_| DecimalRefused::TooLong { text: shown() })
}

/// Decimal places that carry value: `1.500` has one.
#[must_use]
pub fn places(value: Decimal) -> u32 {
    value.normalize().scale()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_takes_plain_numbers_and_refuses_the_rest() {
        let accepted = [
            ("0", "0"),
            ("-0", "0"),
            ("12", "12"),
            ("-12.50", "-12.50"),
            ("007.10", "7.10"),
            ("79228162514264337593543950335", "79228162514264337593543950335"),
            ("0.0000000000000000000000000001", "0.0000000000000000000000000001"),
        ];
        for (text, value) in accepted {
            assert_eq!(parse(text).unwrap().to_string(), value, "{text}");
        }
        for text in [
            "", "-", "+1", "1e5", "1E5", "1_000", "1,000", ".5", "5.", "NaN", "inf", "٣", " 1",
            "1 ", "--1", "1.2.3", "0x10", "-.5", "1.-2",
        ] {
            let refused = parse(text).unwrap_err();
            assert!(matches!(refused, DecimalRefused::Grammar { .. }), "{text:?}: {refused}");
        }
        for text in [
            "79228162514264337593543950336",
            "0.00000000000000000000000000001",
            "1.00000000000000000000000000000000000000001",
        ] {
            let refused = parse(text).unwrap_err();
            assert!(matches!(refused, DecimalRefused::TooLong { .. }), "{text:?}: {refused}");
        }
    }
}
