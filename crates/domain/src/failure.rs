//! Why money did not come.
//!
//! Purpose: from a scheme's raw code to its reason: a class, and what the class's row in the table
//! says about retries, details, mandate, strikes and the words to the customer. The table is data
//! (`data/failure_reasons.tsv` and `data/failure_texts.tsv`) with a version.
//!
//! Invariants: every raw code of every scheme has a reason; one that is not in the table is
//! [`FailureClass::Unknown`]. Case and surrounding blanks of a code do not matter. A payer's
//! objection is worth two strikes; that of an issuer or bank is none of the payer, so no strike.
//!
//! Deliberately absent: what follows when ([`crate::dunning`]); storing the raw code.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::code::codes;
use crate::payment::Scheme;

codes! {
    /// Why an attempt failed, as far as it matters for what follows.
    FailureClass {
        /// The details are wrong: account or card do not exist or are closed (gegevens kloppen niet).
        WrongDetails = "wrong_details",
        /// The account holder has stopped collections for a time (tijdelijke stopzetting).
        Paused = "paused",
        /// Not enough money (geen geld in kas).
        NoMoney = "no_money",
        /// The payer or the issuer objects.
        Objection = "objection",
        /// The law or a bank's rules forbid it.
        Compliance = "compliance",
        /// Something technical between the banks.
        Technical = "technical",
        /// The vendor sent it wrong.
        OurFault = "our_fault",
        /// Anything else.
        Unknown = "unknown",
    }
}

impl FailureClass {
    /// Whether the failure starts day 0 of dunning. Where the payer can do nothing about it, it
    /// does not: no reminder, no restriction, a person looks at it.
    #[must_use]
    pub const fn starts_overdue(self) -> bool {
        match self {
            Self::WrongDetails | Self::Paused | Self::NoMoney | Self::Objection | Self::Unknown => {
                true
            }
            Self::Compliance | Self::Technical | Self::OurFault => false,
        }
    }

    /// Whether the same details may be tried again without anybody doing something first.
    #[must_use]
    pub const fn may_retry(self) -> bool {
        matches!(self, Self::NoMoney | Self::Unknown | Self::Technical)
    }
}

/// The version of the table; it stands in the table's own file, too.
pub const VERSION: u32 = 1;

/// What a raw code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The class: what follows depends on it.
    pub class: FailureClass,
    /// Whether the code is in the table.
    pub known: bool,
    /// How often it may be tried again by itself.
    pub retries: u32,
    /// Days between two such retries, at least.
    pub gap_days: u32,
    /// Whether nothing can be collected before the customer gives other details.
    pub new_details: bool,
    /// Whether the mandate or the permission to charge is gone.
    pub ends_mandate: bool,
    /// What it adds to the customer's strikes.
    pub strikes: u32,
    /// For staff.
    pub meaning: &'static str,
    /// For the customer, in Dutch.
    pub text_nl: &'static str,
    /// For the customer, in English.
    pub text_en: &'static str,
}

/// What is not in the table: one retry, then a person.
const NOT_LISTED: Reason = Reason {
    class: FailureClass::Unknown,
    known: false,
    retries: 1,
    gap_days: 1,
    new_details: false,
    ends_mandate: false,
    strikes: 0,
    meaning: "not in the table of reasons",
    text_nl: "De betaling is niet gelukt. Neem contact op met uw bank of betaal eenmalig zelf.",
    text_en: "The payment did not succeed. Please contact your bank, or pay once by yourself.",
};

/// The longest raw code that is looked up; a longer one is in no table.
const MAX_CODE: usize = 64;

/// What a raw code of a scheme means.
#[must_use]
pub fn reason(scheme: Scheme, raw_code: &str) -> Reason {
    let code = raw_code.trim();
    if code.len() > MAX_CODE {
        return NOT_LISTED;
    }
    let key = (family(scheme), code.to_ascii_lowercase());
    TABLE.get(&key).copied().unwrap_or(NOT_LISTED)
}

/// Every code of the table for a scheme, in order.
#[must_use]
pub fn codes(scheme: Scheme) -> Vec<&'static str> {
    let rows = content(REASONS).filter_map(|line| line.split_once('\t'));
    let mine = rows.filter(|(family_of, _)| *family_of == family(scheme));
    mine.filter_map(|(_, rest)| rest.split('\t').next()).collect()
}

/// Direct debits and transfers share the codes of SEPA.
fn family(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::DirectDebit | Scheme::BankTransfer => "sepa",
        Scheme::Card => "card",
    }
}

const REASONS: &str = include_str!("../data/failure_reasons.tsv");
const TEXTS: &str = include_str!("../data/failure_texts.tsv");

type Table = HashMap<(&'static str, String), Reason>;

/// Parsed once. A test parses it too and fails on a row that is wrong, so it is never empty.
static TABLE: LazyLock<Table> = LazyLock::new(|| table(REASONS, TEXTS).unwrap_or_default());

fn content(file: &'static str) -> impl Iterator<Item = &'static str> {
    file.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn table(reasons: &'static str, texts: &'static str) -> Result<Table, String> {
    let mut words = HashMap::new();
    for line in content(texts).skip(1) {
        let [key, nl, en] = fields(line)?;
        if words.insert(key, (nl, en)).is_some() {
            return Err(format!("the text {key} is there twice"));
        }
    }
    let mut lines = content(reasons);
    let version = lines.next().unwrap_or_default();
    if version != format!("version\t{VERSION}") {
        return Err(format!("{version:?} is not version {VERSION}"));
    }
    let mut table = Table::new();
    for line in lines.skip(1) {
        let (key, reason) = row(line, &words)?;
        if table.insert(key, reason).is_some() {
            return Err(format!("there twice: {line}"));
        }
    }
    Ok(table)
}

type Words = HashMap<&'static str, (&'static str, &'static str)>;

fn row(line: &'static str, words: &Words) -> Result<((&'static str, String), Reason), String> {
    let [family, code, class, retries, gap, details, mandate, strikes, text, meaning] =
        fields(line)?;
    let number = |text: &str| text.parse::<u32>().map_err(|e| format!("{text:?}: {e}: {line}"));
    let flag = |text: &str| match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        other => Err(format!("{other:?} is neither yes nor no: {line}")),
    };
    if !["sepa", "card"].contains(&family) || code.is_empty() || code.len() > MAX_CODE {
        return Err(format!("no such scheme or code: {line}"));
    }
    let (nl, en) = words.get(text).ok_or(format!("no text {text:?}: {line}"))?;
    let reason = Reason {
        class: class.parse().map_err(|e| format!("{e}: {line}"))?,
        known: true,
        retries: number(retries)?,
        gap_days: number(gap)?,
        new_details: flag(details)?,
        ends_mandate: flag(mandate)?,
        strikes: number(strikes)?,
        meaning,
        text_nl: nl,
        text_en: en,
    };
    Ok(((family, code.to_ascii_lowercase()), reason))
}

fn fields<const N: usize>(line: &'static str) -> Result<[&'static str; N], String> {
    let all: Vec<&str> = line.split('\t').collect();
    all.try_into().map_err(|_| format!("expected {N} fields: {line}"))
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
