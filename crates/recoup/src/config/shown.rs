//! The configuration as it is shown at the start.
//!
//! Invariants: no secret; every setting that was decided is there, also the defaults.
//!
//! Deliberately absent: where a value came from (flag, environment, default).

use super::{DatabaseOptions, Options};
use crate::Error;
use crate::database::Source;

/// Settings by name, in the order of `--help`.
///
/// # Errors
/// [`Error::Config`] for a database address that cannot be read.
pub fn shown(command: &str, options: &Options) -> Result<Vec<(&'static str, String)>, Error> {
    let mut settings = vec![("command", command.to_owned())];
    settings.extend(database(&options.database)?);
    settings.push(("secret_key", crate::database::key_shown(&options.database)));
    if command != "init" && command != "migrate" {
        settings.push(("listen", options.network.listen.to_string()));
        settings.push(("metrics", options.network.metrics.to_string()));
        settings.push(("concurrency", options.work.concurrency.to_string()));
        settings.push(("lease", format!("{} s", options.work.lease.as_secs())));
    }
    settings.push(("log", options.log.log.clone().unwrap_or_else(|| "default".to_owned())));
    settings.push(("log_format", format!("{:?}", options.log.log_format).to_lowercase()));
    Ok(settings)
}

fn database(options: &DatabaseOptions) -> Result<Vec<(&'static str, String)>, Error> {
    let connections = ("connections", options.connections.to_string());
    Ok(match Source::of(options)? {
        Source::Address(address) => vec![("database", address.to_string()), connections],
        Source::Embedded { folder, .. } => vec![
            ("database", format!("embedded PostgreSQL in {}", folder.display())),
            ("offline", options.offline.to_string()),
            connections,
        ],
    })
}
