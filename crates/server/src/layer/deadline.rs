//! No call takes longer than its deadline.
//!
//! Purpose: a caller that sets no deadline gets one; a shorter one of the caller wins.
//!
//! Invariants: a deadline that passes is answered DEADLINE_EXCEEDED, also in the middle of a stream;
//! the work is dropped and what it has not committed is undone.
//!
//! Deliberately absent: deadlines of public streams (health, reflection), which last as long as their
//! connection, unless the caller sets one.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use http::{HeaderMap, Request, Response};
use tonic::body::Body;

use super::{Around, Inner, interrupt};
use crate::permission::{self, Access};
use crate::{Settings, status};

/// Metadata in which a caller says how long it waits.
const GRPC_TIMEOUT: &str = "grpc-timeout";
/// The most digits of its number.
const MAX_DIGITS: usize = 8;

/// Methods that run the workers' code over all that is due, take a stream of requests, or
/// follow what happens.
const LONG: [&str; 4] = [
    "recoup.v1.ClockService/AdvanceClock",
    "recoup.v1.EventService/WatchEvents",
    "recoup.v1.InvoiceService/RunBilling",
    "recoup.v1.SubscriptionService/RecordUsage",
];

/// Bounds the time of every call.
#[derive(Debug)]
pub(crate) struct Deadline {
    usual: Duration,
    long: Duration,
}

impl Deadline {
    /// The deadlines of these settings.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { usual: settings.deadline, long: settings.long_deadline }
    }

    /// The deadline of a call, from its path and metadata.
    fn of(&self, path: &str, headers: &HeaderMap) -> Option<Duration> {
        let own = match permission::find(path) {
            Some(entry) if entry.access == Access::Public => None,
            Some(entry) if LONG.contains(&entry.method) => Some(self.long),
            _ => Some(self.usual),
        };
        own.into_iter().chain(asked_for(headers)).min()
    }
}

impl Around for Deadline {
    fn around<S: Inner>(
        self: Arc<Self>,
        request: Request<Body>,
        mut inner: S,
    ) -> impl Future<Output = Result<Response<Body>, S::Error>> + Send {
        // The clock starts here and not at the first poll.
        let limit = self.of(request.uri().path(), request.headers());
        let passed = limit.map(|limit| {
            let sleep = tokio::time::sleep(limit);
            async move {
                sleep.await;
                status::too_late(limit)
            }
            .boxed()
        });
        async move {
            match passed {
                Some(passed) => interrupt::until(passed, request, inner).await,
                None => inner.call(request).await,
            }
        }
    }
}

/// What the caller asks for: at most 8 digits and a unit. Anything else is not a deadline.
fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let plain = number.len() <= MAX_DIGITS && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| plain)?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3_600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_deadline_wins() {
        let deadline = Deadline::new(&Settings::default());
        let table = [
            ("/recoup.v1.CustomerService/GetCustomer", None, Some(10_000)),
            ("/recoup.v1.CustomerService/GetCustomer", Some("250m"), Some(250)),
            ("/recoup.v1.CustomerService/GetCustomer", Some("1H"), Some(10_000)),
            ("/recoup.v1.CustomerService/GetCustomer", Some("soon"), Some(10_000)),
            ("/recoup.v1.CustomerService/GetCustomer", Some("123456789m"), Some(10_000)),
            ("/recoup.v1.CustomerService/GetCustomer", Some("+5S"), Some(10_000)),
            ("/recoup.v1.CustomerService/GetCustomer", Some(""), Some(10_000)),
            ("/recoup.v1.ClockService/AdvanceClock", None, Some(3_600_000)),
            ("/recoup.v1.ClockService/AdvanceClock", Some("2M"), Some(120_000)),
            ("/recoup.v1.EventService/WatchEvents", None, Some(3_600_000)),
            ("/recoup.v1.InvoiceService/RunBilling", None, Some(3_600_000)),
            ("/grpc.health.v1.Health/Watch", None, None),
            ("/grpc.health.v1.Health/Watch", Some("5S"), Some(5_000)),
            ("/somewhere", None, Some(10_000)),
        ];
        for (path, asked, expected) in table {
            let mut headers = HeaderMap::new();
            if let Some(asked) = asked {
                headers.insert(GRPC_TIMEOUT, asked.parse().unwrap());
            }
            let found = deadline.of(path, &headers);
            assert_eq!(found, expected.map(Duration::from_millis), "{path} {asked:?}");
        }
    }

    #[test]
    fn the_long_methods_exist() {
        for method in LONG {
            assert!(permission::find(&format!("/{method}")).is_some(), "{method}");
        }
    }
}
