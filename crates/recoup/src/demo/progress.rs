//! Progress on standard error: one line that changes on a terminal, one line a month elsewhere.
//!
//! Deliberately absent: a bar. How far it is can be read from the date.

use std::io::{IsTerminal, Write};

use app::clock::Day;
use app::day::Done;
use chrono::Datelike;
use domain::date::Date;
use domain::money::Money;

use super::amount;

/// Back to the beginning of the line, and clear it.
const AGAIN: &str = "\r\x1b[K";

/// What was shown last.
#[derive(Debug)]
pub(super) struct Progress {
    terminal: bool,
    day: Option<Date>,
    /// Since this process began to live.
    done: Done,
    waits: bool,
}

impl Progress {
    /// On standard error, as it is.
    pub(super) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { terminal, day: None, done: Done::default(), waits: false }
    }

    /// A day was lived.
    pub(super) fn lived(&mut self, day: &Day) -> Result<(), app::Error> {
        self.waits = false;
        let month_is_over = self.day.is_some_and(|last| last.month() != day.date.month());
        if month_is_over && !self.terminal {
            self.show("\n");
        }
        self.done.add(day.done.clone());
        self.day = Some(day.date);
        if self.terminal {
            self.show("");
        }
        Ok(())
    }

    /// Why it does not go on, told once.
    pub(super) fn wait(&mut self, why: &str) {
        if !self.waits {
            self.waits = true;
            self.tell(&format!("waiting: {why}"));
        }
    }

    /// Tells something on a line of its own.
    pub(super) fn tell(&self, what: &str) {
        write(&format!("{}{what}\n", if self.terminal { AGAIN } else { "" }));
    }

    /// The last day was lived: its line is ended.
    pub(super) fn end(&mut self) {
        match (self.day, self.terminal) {
            (None, _) => {}
            (Some(_), true) => write("\n"),
            (Some(_), false) => self.show("\n"),
        }
    }

    fn show(&self, end: &str) {
        let Some(day) = self.day else { return };
        let begin = if self.terminal { AGAIN } else { "" };
        let Done { started, ended, invoices, invoiced, collected, .. } = &self.done;
        let collected = match sums(collected) {
            empty if empty.is_empty() => empty,
            sums => format!(", collected{sums}"),
        };
        write(&format!(
            "{begin}lived to {day}: {started} subscriptions begun, {ended} ended, \
             {invoices} invoices{}{collected}{end}",
            sums(invoiced)
        ));
    }
}

fn sums(of: &[Money]) -> String {
    let sums: Vec<String> = of.iter().map(|sum| amount::shown(*sum)).collect();
    if sums.is_empty() { String::new() } else { format!(" ({})", sums.join(", ")) }
}

fn write(text: &str) {
    let mut out = std::io::stderr().lock();
    // Where it cannot be shown, nobody is there to see it.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
