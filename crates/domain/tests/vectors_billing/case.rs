//! Reading the file of cases.
//!
//! Purpose: from JSON to cases, with readers that answer nothing where a value has another form
//! than expected, so that an unknown shape is skipped and never breaks the run.
//!
//! Invariants: nothing here fails on the form of a case; an input that a reader does not name
//! makes the shape another one, as it could matter.
//!
//! Deliberately absent: rules.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use domain::date::Date;
use domain::decimal;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

/// A case: what went in, what should come out.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// For messages only; no rule looks at it.
    pub(crate) id: String,
    pub(crate) category: String,
    pub(crate) input: Map<String, Value>,
    /// The answers, ours where the case gives several.
    pub(crate) expected: Map<String, Value>,
}

/// The file of the repository, or another one; a relative name counts from the repository's root.
fn file() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let given = std::env::var_os("RECOUP_BILLING_VECTORS").filter(|name| !name.is_empty());
    root.join(given.unwrap_or_else(|| "tests/vectors/billing.json".into()))
}

/// All cases of the file.
pub(crate) fn cases() -> Result<Vec<Case>, String> {
    let file = file();
    let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    let all: Value = serde_json::from_str(&text).map_err(|e| format!("{}: {e}", file.display()))?;
    let cases = all.get("cases").and_then(Value::as_array);
    Ok(cases
        .ok_or(format!("{}: no list of cases", file.display()))?
        .iter()
        .map(Case::read)
        .collect())
}

impl Case {
    /// Reads a case whatever its form; what is missing is empty, and then known to no rule.
    pub(crate) fn read(case: &Value) -> Self {
        let object = |key: &str| case.get(key).and_then(Value::as_object).cloned();
        let named = |key: &str| case.get(key).and_then(text).unwrap_or_default().to_owned();
        let mut expected = match case.get("expected").map(ours) {
            Some(Value::Object(answers)) => answers,
            Some(answer) => Map::from_iter([("correct".to_owned(), answer)]),
            None => Map::new(),
        };
        expected.extend(object("expected_anchor_aligned").unwrap_or_default());
        let input = object("input").unwrap_or_default();
        Self { id: named("id"), category: named("category"), input, expected }
    }

    /// The value of an input; nothing when it is absent or null.
    pub(crate) fn given(&self, key: &str) -> Option<&Value> {
        self.input.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.given(key).is_some()
    }

    pub(crate) fn expects(&self, key: &str) -> bool {
        self.expected.contains_key(key)
    }

    /// Nothing when there is an input that the reader does not know: it could matter.
    pub(crate) fn only(&self, keys: &[&str]) -> Option<()> {
        self.input.keys().all(|key| keys.contains(&key.as_str()) || !self.has(key)).then_some(())
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        text(self.given(key)?)
    }

    pub(crate) fn number(&self, key: &str) -> Option<Decimal> {
        number(self.given(key)?)
    }

    pub(crate) fn integer(&self, key: &str) -> Option<i64> {
        self.given(key)?.as_i64()
    }

    pub(crate) fn date(&self, key: &str) -> Option<Date> {
        date(self.given(key)?)
    }

    pub(crate) fn list(&self, key: &str) -> Option<&Vec<Value>> {
        self.given(key)?.as_array()
    }

    /// A date that may be absent; nothing when it is there and not a date.
    pub(crate) fn optional_date(&self, key: &str) -> Option<Option<Date>> {
        match self.given(key) {
            None => Some(None),
            Some(value) => date(value).map(Some),
        }
    }
}

/// Where an answer names what a system did and what is correct, the correct one.
fn ours(value: &Value) -> Value {
    let Some(object) = value.as_object() else { return value.clone() };
    let correct = object.get("correct");
    let is_ours = |key: &str| correct.is_none() || !(key == "correct" || key.ends_with("_actual"));
    let all = object.iter().map(|(key, value)| (key.clone(), ours(value)));
    let mut rest: Map<String, Value> = all.filter(|(key, _)| is_ours(key)).collect();
    match correct {
        Some(Value::Object(correct)) => rest.extend(correct.clone()),
        Some(correct) if rest.is_empty() => return correct.clone(),
        Some(correct) => rest.extend([("correct".to_owned(), correct.clone())]),
        None => {}
    }
    Value::Object(rest)
}

pub(crate) fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

/// A number, written as a text or as a JSON number.
pub(crate) fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => decimal::parse(text).ok(),
        Value::Number(number) => decimal::parse(&number.to_string()).ok(),
        _ => None,
    }
}

pub(crate) fn date(value: &Value) -> Option<Date> {
    text(value)?.parse().ok()
}

pub(crate) fn instant(value: &Value) -> Option<DateTime<Utc>> {
    text(value)?.parse().ok()
}

/// Two values in an object: a number that may be absent, which is nothing.
pub(crate) fn number_or_zero(object: &Value, key: &str) -> Option<Decimal> {
    match object.get(key) {
        None | Some(Value::Null) => Some(Decimal::ZERO),
        Some(value) => number(value),
    }
}

/// Nothing when an object has a key that the reader does not know.
pub(crate) fn only(object: &Value, keys: &[&str]) -> Option<()> {
    object.as_object()?.keys().all(|key| keys.contains(&key.as_str())).then_some(())
}
