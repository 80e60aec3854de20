//! Figures of a measurement, for people and for machines.

use std::fmt::Write as _;

use rust_decimal::{Decimal, RoundingStrategy};

/// What was measured, in the order in which it is told.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<(&'static str, Figure)>);

/// A figure: its name says its unit.
#[derive(Debug)]
enum Figure {
    Number(u64),
    Ratio(Decimal),
    Text(String),
}

impl Report {
    /// Adds a number.
    pub(super) fn number(&mut self, name: &'static str, value: u64) {
        self.0.push((name, Figure::Number(value)));
    }

    /// Adds how many times `of` goes into `value`, to three decimals; nothing when `of` is zero.
    pub(super) fn ratio(&mut self, name: &'static str, value: u64, of: u64) {
        if let Some(ratio) = Decimal::from(value).checked_div(Decimal::from(of)) {
            let half_up = RoundingStrategy::MidpointAwayFromZero;
            self.0.push((name, Figure::Ratio(ratio.round_dp_with_strategy(3, half_up))));
        }
    }

    /// Adds a text.
    pub(super) fn text(&mut self, name: &'static str, value: impl Into<String>) {
        self.0.push((name, Figure::Text(value.into())));
    }

    /// One line per figure.
    pub(super) fn lines(&self) -> String {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let mut lines = String::new();
        for (name, figure) in &self.0 {
            let shown = match figure {
                Figure::Number(number) => grouped(*number),
                Figure::Ratio(ratio) => ratio.to_string(),
                Figure::Text(text) => text.clone(),
            };
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{name:width$}  {shown:>14}");
        }
        lines.truncate(lines.trim_end().len());
        lines
    }

    /// One JSON object.
    pub(super) fn json(&self) -> String {
        let figures = self.0.iter().map(|(name, figure)| {
            let value = match figure {
                Figure::Number(number) => serde_json::Value::from(*number),
                // As a number: its digits are one in JSON too.
                Figure::Ratio(ratio) => {
                    serde_json::from_str(&ratio.to_string()).unwrap_or_default()
                }
                Figure::Text(text) => serde_json::Value::from(text.as_str()),
            };
            ((*name).to_owned(), value)
        });
        serde_json::Value::Object(figures.collect()).to_string()
    }
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// How many of `count` there are in a second, when all took so long.
pub(super) fn per_second(count: u64, took: std::time::Duration) -> u64 {
    let micros = took.as_micros().max(1);
    u64::try_from(u128::from(count) * 1_000_000 / micros).unwrap_or(u64::MAX)
}

/// Whole microseconds.
pub(super) fn micros(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

/// Whole milliseconds.
pub(super) fn millis(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_to_people_and_to_machines() {
        let mut report = Report::default();
        report.number("events", 1_234_567);
        report.number("none", 0);
        report.ratio("ratio", 1, 3);
        report.ratio("of nothing", 1, 0);
        report.text("disk", "on");
        assert_eq!(
            report.lines(),
            "events       1,234,567\nnone                 0\nratio            0.333\ndisk                on"
        );
        assert_eq!(report.json(), r#"{"disk":"on","events":1234567,"none":0,"ratio":0.333}"#);
        assert_eq!(per_second(30_000, std::time::Duration::from_millis(1_500)), 20_000);
    }
}
