//! The database address: read, and shown without its password.
//!
//! Invariants: what is shown is put together from the parts that may be shown, never cut out of
//! the text that was given; so a password is not shown, however oddly the address is written.
//!
//! Deliberately absent: connecting (`store`).

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::config::Host;

use crate::Error;

/// The port of PostgreSQL unless the address names another.
const DEFAULT_PORT: u16 = 5432;

/// An address that can be read. `Display` shows it without its password.
#[derive(Debug, Clone)]
pub struct DatabaseAddress {
    secret: SecretString,
    shown: String,
}

impl DatabaseAddress {
    /// Reads a URL or the driver's `key=value` form.
    ///
    /// # Errors
    /// [`Error::Config`]; the message does not repeat the text, which may hold a password.
    pub fn new(secret: SecretString) -> Result<Self, Error> {
        let config = tokio_postgres::Config::from_str(secret.expose_secret());
        let config = config.map_err(|_| Error::Config {
            what: "--database-url (DATABASE_URL)",
            message: "not a database address (its text is not repeated, it may hold a password): \
                      expected the form postgres://user:password@host:5432/database"
                .to_owned(),
        })?;
        Ok(Self { shown: shown(&config), secret })
    }

    /// The text as it was given, for the driver.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }
}

impl fmt::Display for DatabaseAddress {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.shown)
    }
}

fn shown(config: &tokio_postgres::Config) -> String {
    let user = config.get_user().unwrap_or("");
    let password = if config.get_password().is_some() { ":***" } else { "" };
    let at = if user.is_empty() && password.is_empty() { "" } else { "@" };
    let ports = config.get_ports();
    let port = |position: usize| {
        ports.get(position).or_else(|| ports.first()).copied().unwrap_or(DEFAULT_PORT)
    };
    let host = |(position, host): (usize, &Host)| match host {
        Host::Tcp(name) => format!("{name}:{}", port(position)),
        Host::Unix(folder) => format!("{}:{}", folder.display(), port(position)),
    };
    let hosts: Vec<String> = config.get_hosts().iter().enumerate().map(host).collect();
    let database = config.get_dbname().unwrap_or(user);
    format!("postgres://{user}{password}{at}{}/{database}", hosts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_of(text: &str) -> String {
        DatabaseAddress::new(SecretString::from(text.to_owned())).unwrap().to_string()
    }

    #[test]
    fn the_password_is_never_shown() {
        let table = [
            (
                "postgres://ann:geheim@db.example.com/recoup",
                "postgres://ann:***@db.example.com:5432/recoup",
            ),
            ("postgresql://ann@db:6432/recoup", "postgres://ann@db:6432/recoup"),
            (
                "postgres://ann:ge%40heim@db/recoup?sslmode=require",
                "postgres://ann:***@db:5432/recoup",
            ),
            ("postgres://ann@db/recoup?password=geheim", "postgres://ann:***@db:5432/recoup"),
            (
                "host=db user=ann password='ge heim' dbname=recoup",
                "postgres://ann:***@db:5432/recoup",
            ),
            (
                "host=/run/postgresql user=ann password=geheim",
                "postgres://ann:***@/run/postgresql:5432/ann",
            ),
            ("postgres://ann:geheim@a:1,b:2/recoup", "postgres://ann:***@a:1,b:2/recoup"),
        ];
        for (given, expected) in table {
            assert_eq!(shown_of(given), expected, "{given}");
        }
    }

    #[test]
    fn a_debug_print_shows_no_password_either() {
        let secret = SecretString::from("postgres://ann:geheim@db/recoup".to_owned());
        let text = format!("{:?}", DatabaseAddress::new(secret).unwrap());
        assert!(!text.contains("geheim"), "{text}");
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_repeating_it() {
        for text in ["geheim", "postgres://ann:geheim@db:port/recoup", "host=db geheim"] {
            let secret = SecretString::from(text.to_owned());
            let refused = DatabaseAddress::new(secret).unwrap_err().to_string();
            assert!(refused.contains("postgres://user:password@host"), "{refused}");
            assert!(!refused.contains("geheim"), "{refused}");
        }
    }
}
