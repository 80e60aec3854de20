//! Results on standard output: what a person or a script asked for.
//!
//! Purpose: the one place that prints. Everything else that is said goes to standard error as a
//! log record or as progress, so that a result can be piped.
//!
//! Deliberately absent: colours, and retries: where standard output is closed, nobody listens.

use std::io::Write;

/// Prints a result, with a line break at its end.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    // A closed pipe is the reader's decision, not a failure of ours.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Tells the operator something on standard error, outside the log.
pub fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
