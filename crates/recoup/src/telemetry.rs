//! The log: structured records on standard error, as text or as JSON.
//!
//! Invariants: one subscriber per process; starting it again changes nothing, so that several
//! services can run in one process. Standard output is for results only.
//!
//! Deliberately absent: which records are written (the parts write them), metrics (`exporter`).

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::Error;
use crate::config::{LogFormat, LogOptions};

/// What is logged unless said otherwise: our own doings, and only the troubles of libraries that
/// talk a lot.
const DEFAULT_FILTER: &str = "info,h2=warn,hyper=warn,tower=warn,apalis=warn";

/// Starts the log with what the flags say; `quiet` is the filter where they say nothing.
///
/// # Errors
/// [`Error::Config`] for a filter that cannot be read.
pub fn start(options: &LogOptions, quiet: Option<&str>) -> Result<(), Error> {
    let given = options.log.as_deref().filter(|filter| !filter.trim().is_empty());
    let filter = filter(given.or(quiet).unwrap_or(DEFAULT_FILTER))?;
    let terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // The error says that there is a subscriber already: the first one stays.
    let _ = match options.log_format {
        LogFormat::Text => builder.with_ansi(terminal).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}

fn filter(text: &str) -> Result<EnvFilter, Error> {
    EnvFilter::try_new(text).map_err(|error| Error::Config {
        what: "--log (RECOUP_LOG)",
        message: format!("{text:?} is not a filter ({error}): expected for example info,app=debug"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_or_refused_with_an_example() {
        assert!(filter(DEFAULT_FILTER).is_ok());
        assert!(filter("warn,store=trace").is_ok());
        let refused = filter("app=loud").unwrap_err().to_string();
        assert!(refused.contains("--log") && refused.contains("app=loud"), "{refused}");
    }
}
