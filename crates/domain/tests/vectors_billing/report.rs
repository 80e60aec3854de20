//! Comparing, counting and printing.
//!
//! Purpose: what became of each case; the counts per category; the check that a run is worth its
//! name.
//!
//! Invariants: every case is counted once; every answer that a case expects is compared.
//!
//! Deliberately absent: what fits and what does not: `rules.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use chrono::Days;
use domain::date::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::case::{Case, date, number};
use crate::rules::{self, Category, Room};

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Our answers are the expected ones.
    Right,
    /// They are not; both are named.
    Wrong(String),
    /// Not run, by this rule.
    Skipped(&'static str),
}

/// The verdicts of some categories.
#[derive(Debug, Default)]
pub(crate) struct Report {
    ran: BTreeMap<String, usize>,
    skipped: BTreeMap<String, BTreeMap<&'static str, usize>>,
    wrong: Vec<String>,
}

/// A category with so many cases none of which has a known shape is a broken reader.
const MANY: usize = 5;

impl Report {
    pub(crate) fn of(cases: &[Case], which: impl Fn(&Category) -> bool) -> Self {
        let mut report = Self::default();
        for case in cases {
            // A category that nobody knows belongs to the last room.
            let chosen = rules::category(case).map_or(which(&rules::NOWHERE), &which);
            if chosen {
                report.count(case, rules::verdict(case));
            }
        }
        report
    }

    fn count(&mut self, case: &Case, verdict: Verdict) {
        let category = case.category.clone();
        match verdict {
            Verdict::Skipped(rule) => {
                *self.skipped.entry(category).or_default().entry(rule).or_default() += 1;
            }
            Verdict::Right => *self.ran.entry(category).or_default() += 1,
            Verdict::Wrong(text) => {
                *self.ran.entry(category).or_default() += 1;
                self.wrong.push(format!("{}: {text}", case.id));
            }
        }
    }

    pub(crate) fn ran(&self) -> usize {
        self.ran.values().sum()
    }

    fn skipped(&self) -> usize {
        self.skipped.values().flat_map(BTreeMap::values).sum()
    }

    /// How many ran and were skipped, in all.
    pub(crate) fn total(&self, title: &str) -> String {
        format!("vectors_billing {title}: {} ran, {} skipped\n", self.ran(), self.skipped())
    }

    /// The same with every category and the rules of what was skipped.
    pub(crate) fn table(&self, title: &str) -> String {
        let mut table = self.total(title);
        let names: BTreeSet<&String> = self.ran.keys().chain(self.skipped.keys()).collect();
        for name in names {
            let rules = self.skipped.get(name);
            let skipped: usize = rules.iter().flat_map(|rules| rules.values()).sum();
            let ran = self.ran.get(name).unwrap_or(&0);
            table += &format!("  {name:24} {ran:4} ran {skipped:4} skipped\n");
            for (rule, count) in rules.into_iter().flatten() {
                table += &format!("  {:24} {count:4} x {rule}\n", "");
            }
        }
        table
    }

    pub(crate) fn assert_right(&self) {
        let wrong = self.wrong.join("\n");
        assert!(self.wrong.is_empty(), "{} cases are wrong:\n{wrong}", self.wrong.len());
    }

    /// A run is sane when at least half of what our rules cover was compared, and no category
    /// with many cases was lost because its shape was not read.
    pub(crate) fn assert_sane(&self, cases: &[Case]) {
        assert_eq!(self.ran() + self.skipped(), cases.len(), "every case is counted once");
        let unread = |category: &str| {
            let rules = self.skipped.get(category);
            rules.and_then(|rules| rules.get(rules::SHAPE_NOT_KNOWN)).copied().unwrap_or(0)
        };
        let covered = rules::CATEGORIES.iter().filter(|category| category.room != Room::Later);
        let mut lost = 0;
        for category in covered {
            let (ran, unread) = (self.ran.get(category.name).unwrap_or(&0), unread(category.name));
            assert!(*ran > 0 || unread < MANY, "{}: no case has a known shape", category.name);
            lost += unread;
        }
        assert!(self.ran() > 0, "nothing ran");
        assert!(self.ran() >= lost, "{} ran and {lost} have no known shape", self.ran());
    }
}

/// Prints past the capture of test output, so that it is seen in every run.
pub(crate) fn print(text: &str) {
    let _without_a_reader = std::io::stderr().write_all(text.as_bytes());
}

/// Compares our answers with the expected ones; skipped when one of those is not among ours.
pub(crate) fn compare(case: &Case, ours: &Value) -> Verdict {
    let mut differences = Vec::new();
    for (key, theirs) in &case.expected {
        match ours.get(key) {
            None => return Verdict::Skipped(rules::SHAPE_NOT_KNOWN),
            Some(ours) if same(ours, theirs) => {}
            Some(ours) => differences.push(format!("{key} is {ours}, expected {theirs}")),
        }
    }
    match differences.is_empty() {
        _ if case.expected.is_empty() => Verdict::Skipped(rules::SHAPE_NOT_KNOWN),
        true => Verdict::Right,
        false => Verdict::Wrong(differences.join("; ")),
    }
}

/// Numbers by value, lists by element, objects by the keys that are expected.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same(a, b))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            theirs.iter().all(|(key, value)| ours.get(key).is_some_and(|own| same(own, value)))
        }
        _ => match (number(ours), number(theirs)) {
            (Some(a), Some(b)) => a == b,
            _ => ours == theirs,
        },
    }
}

/// The case with other answers for `key`: a neighbour of the value, a longer list, and the values
/// of other keys.
pub(crate) fn changed(case: &Case, key: &str) -> Vec<Case> {
    let with = |value: Value| {
        let mut wrong = case.clone();
        wrong.expected.insert(key.to_owned(), value);
        wrong
    };
    let own = &case.expected[key];
    let others = case.expected.values().filter(|other| *other != own).cloned();
    let longer = own.as_array().map(|list| list.iter().cloned().chain([json!("more")]).collect());
    std::iter::once(neighbour(own)).chain(longer).chain(others).map(with).collect()
}

fn neighbour(value: &Value) -> Value {
    let next_day = |day: Date| day.checked_add_days(Days::new(1)).unwrap_or(day);
    match value {
        Value::Null => json!("something"),
        Value::Bool(value) => json!(!value),
        Value::Array(values) => {
            let first = values.first().map_or(json!("something"), neighbour);
            std::iter::once(first).chain(values.iter().skip(1).cloned()).collect()
        }
        Value::Object(values) => values.iter().map(|(k, v)| (k.clone(), neighbour(v))).collect(),
        other => match (number(other), date(other)) {
            (Some(number), _) => json!((number + Decimal::ONE).to_string()),
            (None, Some(day)) => json!(next_day(day).to_string()),
            (None, None) => json!(format!("{other}, or so")),
        },
    }
}
