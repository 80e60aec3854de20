//! References by which a payment says what it pays.
//!
//! Purpose: a creditor reference (ISO 11649): `RF`, two check digits, and up to 21 letters and
//! digits, which banks carry unchanged in a field of its own.
//!
//! Invariants: the check digits make the whole, with `RF` and digits moved to the end and letters
//! counted from 10, one more than a multiple of 97. A mistyped character is noticed.
//!
//! Deliberately absent: the Belgian structured communication.

use std::fmt;

/// The longest own part of a reference.
const MAX_BODY: usize = 21;

/// How many characters the own part of a new reference has: 36^13 is more than 2^64.
const BODY: usize = 13;

/// A creditor reference, without spaces and in capitals.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference(String);

/// What is left of the number that a text writes, divided by 97.
fn modulo(text: &str) -> u32 {
    text.chars().filter_map(|c| c.to_digit(36)).fold(0, |rest, digit| {
        let shifted = if digit < 10 { rest * 10 } else { rest * 100 };
        (shifted + digit) % 97
    })
}

impl Reference {
    /// A reference of its own for a thing with a random id.
    #[must_use]
    pub fn of(id: uuid::Uuid) -> Self {
        // The upper half has the time, the lower one is random.
        let mut rest = id.as_u64_pair().1;
        let mut digits = Vec::with_capacity(BODY);
        for _ in 0..BODY {
            let digit = u32::try_from(rest % 36).unwrap_or(0);
            digits.push(char::from_digit(digit, 36).unwrap_or('0').to_ascii_uppercase());
            rest /= 36;
        }
        let body: String = digits.into_iter().rev().collect();
        let check = 98 - modulo(&format!("{body}RF00"));
        Self(format!("RF{check:02}{body}"))
    }

    /// The reference that somebody wrote, with or without spaces; nothing when it is none, or when
    /// its check digits are wrong.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let plain: String = text
            .chars()
            .filter(|c| !c.is_whitespace())
            .take(MAX_BODY + 5)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let digits = plain.strip_prefix("RF")?;
        let fits = plain.chars().all(|c| c.is_ascii_alphanumeric());
        if !fits || !(3..=MAX_BODY + 2).contains(&digits.len()) {
            return None;
        }
        let (check, body) = digits.split_at(2);
        let is_right = check.chars().all(|c| c.is_ascii_digit());
        (is_right && modulo(&format!("{body}RF{check}")) == 1).then_some(Self(plain))
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_the_standard_are_read_and_mistyped_ones_are_not() {
        let table = [
            ("RF18 5390 0754 7034", true),
            ("rf18539007547034", true),
            ("RF18 5390 0754 7043", false),
            ("RF19539007547034", false),
            ("RF18", false),
            ("RF1é539007547034", false),
            ("2025-00001", false),
            ("RF18539007547034RF18539007547034", false),
        ];
        for (text, right) in table {
            assert_eq!(Reference::read(text).is_some(), right, "{text}");
        }
    }

    #[test]
    fn what_is_made_is_read() {
        for lower in [0, 1, 96, 97, u64::MAX, 0x8123_4567_89ab_cdef] {
            let made = Reference::of(uuid::Uuid::from_u64_pair(7, lower));
            assert_eq!(made.as_str().len(), 17);
            assert_eq!(Reference::read(made.as_str()), Some(made));
        }
    }
}
