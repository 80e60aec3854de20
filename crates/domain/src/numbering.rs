//! Numbers of documents.
//!
//! Purpose: how a series' running number looks on paper. The pattern holds `{prefix}`, `{year}`
//! and `{seq}` or `{seq:05}` (padded to five digits); series restart every year.
//!
//! Invariants: different running numbers of a series never look alike, because a pattern must hold
//! the year and the running number, and series that share a pattern differ in their prefix.
//!
//! Deliberately absent: taking the next number; the database hands them out without gaps.

use std::fmt;
use std::str::FromStr;

use crate::id::CustomerId;

/// The longest prefix, in characters.
pub const MAX_PREFIX: usize = 20;
/// The most digits a running number is padded to.
const MAX_PADDING: usize = 12;

/// Why a pattern or prefix is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternRefused {
    /// A part is missing, doubled or unknown.
    #[error(
        "{pattern:?} is not a number pattern: expected one {{prefix}}, one {{year}}, one {{seq}} or {{seq:05}}, and letters, digits, - / . between them"
    )]
    Form {
        /// What was given.
        pattern: String,
    },
    /// A prefix with other characters.
    #[error(
        "{prefix:?} is not a prefix: expected at most {MAX_PREFIX} letters, digits, - / . with no digit at the beginning or end"
    )]
    Prefix {
        /// What was given.
        prefix: String,
    },
}

/// A checked number pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    Prefix,
    Year,
    Sequence { padding: usize },
    Literal(&'a str),
}

fn plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '.'))
}

fn parts(pattern: &str) -> Option<Vec<Part<'_>>> {
    let mut found = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('{') {
            let (name, tail) = after.split_once('}')?;
            found.push(match name.split_once(':') {
                None if name == "prefix" => Part::Prefix,
                None if name == "year" => Part::Year,
                None if name == "seq" => Part::Sequence { padding: 0 },
                Some(("seq", digits)) if digits.starts_with('0') => {
                    Part::Sequence { padding: digits.parse().ok().filter(|n| *n <= MAX_PADDING)? }
                }
                _ => return None,
            });
            rest = tail;
        } else {
            let end = rest.find('{').unwrap_or(rest.len());
            let (literal, tail) = rest.split_at(end);
            found.push(Part::Literal(literal).filter_plain()?);
            rest = tail;
        }
    }
    Some(found)
}

impl Part<'_> {
    fn filter_plain(self) -> Option<Self> {
        match self {
            Part::Literal(text) if !plain(text) => None,
            other => Some(other),
        }
    }
}

impl FromStr for Pattern {
    type Err = PatternRefused;

    fn from_str(pattern: &str) -> Result<Self, PatternRefused> {
        let refused = || PatternRefused::Form { pattern: pattern.chars().take(60).collect() };
        let parts = parts(pattern).filter(|_| pattern.len() <= 60).ok_or_else(refused)?;
        let count = |test: fn(&Part<'_>) -> bool| parts.iter().filter(|part| test(part)).count();
        let years = count(|part| matches!(part, Part::Year));
        let sequences = count(|part| matches!(part, Part::Sequence { .. }));
        let prefixes = count(|part| matches!(part, Part::Prefix));
        // Without something between them, year 2025 and number 1 could look like another pair.
        let apart = !parts.windows(2).any(|pair| {
            matches!(
                pair,
                [Part::Year, Part::Sequence { padding: 0 }] | [Part::Sequence { .. }, Part::Year]
            )
        });
        if years == 1 && sequences == 1 && prefixes == 1 && apart {
            Ok(Self(pattern.to_owned()))
        } else {
            Err(refused())
        }
    }
}

impl Default for Pattern {
    fn default() -> Self {
        Self("{prefix}{year}-{seq:05}".to_owned())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Pattern {
    /// The number on paper of the `sequence`-th document of a `year`.
    #[must_use]
    pub fn number(&self, prefix: &str, year: i32, sequence: i64) -> String {
        parts(&self.0)
            .unwrap_or_default()
            .into_iter()
            .map(|part| match part {
                Part::Prefix => prefix.to_owned(),
                Part::Year => format!("{year:04}"),
                Part::Sequence { padding } => format!("{sequence:0padding$}"),
                Part::Literal(text) => text.to_owned(),
            })
            .collect()
    }
}

/// A checked prefix. A digit at either end could run into the running number: prefix 1 and number
/// 10 would look like prefix 11 and number 0.
///
/// # Errors
/// [`PatternRefused::Prefix`].
pub fn prefix(text: &str) -> Result<String, PatternRefused> {
    let digit_at_end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let ends = digit_at_end(text.chars().next()) || digit_at_end(text.chars().next_back());
    if text.len() <= MAX_PREFIX && plain(text) && !ends {
        Ok(text.to_owned())
    } else {
        Err(PatternRefused::Prefix { prefix: text.chars().take(40).collect() })
    }
}

/// A run of gapless numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Series {
    /// Invoices to customers.
    Invoice,
    /// Credit notes to customers.
    CreditNote,
    /// Invoices issued in an investor's name, one series per investor.
    SelfBilling(CustomerId),
}

impl Series {
    /// The key under which the series is kept.
    #[must_use]
    pub fn key(self) -> String {
        match self {
            Self::Invoice => "invoice".to_owned(),
            Self::CreditNote => "credit_note".to_owned(),
            Self::SelfBilling(investor) => format!("self_billing:{investor}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_print_numbers() {
        let table = [
            ("{prefix}{year}-{seq:05}", "", 2025, 1, "2025-00001"),
            ("{prefix}{year}-{seq:05}", "INV-", 2025, 123_456, "INV-2025-123456"),
            ("{prefix}{seq}/{year}", "", 2026, 42, "42/2026"),
            ("F{year}{seq:04}{prefix}", "-X", 2026, 7, "F20260007-X"),
        ];
        for (pattern, prefix, year, sequence, number) in table {
            let pattern: Pattern = pattern.parse().unwrap();
            assert_eq!(pattern.number(prefix, year, sequence), number);
        }
    }

    #[test]
    fn patterns_that_could_repeat_a_number_are_refused() {
        for pattern in [
            "",
            "{seq:05}",
            "{year}",
            "{year}{seq}",
            "{seq}{year}",
            "{year}-{seq}-{seq}",
            "{year}-{seq:5}",
            "{year}-{seq}",
            "{year}-{seq:099}",
            "{year}-{nr}",
            "{year}-{seq",
            "{year} {seq}",
        ] {
            assert!(pattern.parse::<Pattern>().is_err(), "{pattern:?}");
        }
        assert!(prefix("INV-").is_ok());
        for wrong in ["a b", "€", "ABCDEFGHIJKLMNOPQRSTU", "1", "INV1", "2025-"] {
            assert!(prefix(wrong).is_err(), "{wrong:?}");
        }
    }
}
