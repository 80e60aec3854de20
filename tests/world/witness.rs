//! A witness of everything that is logged: no line may hold an account number, a key or a token.
//!
//! Purpose: it hears all that our crates trace, of the whole suite, at every level, and keeps what
//! it should never have heard. Every world that ends asks it.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Whose lines are heard.
const OURS: [&str; 7] = ["app", "domain", "store", "server", "worker", "recoup", "testkit"];
/// How tokens begin that tests give out as secret.
const TOKEN: &str = "tok_";
/// How keys begin, and how long they are at least.
const KEY: (&str, usize) = ("recoup_", 40);

static HEARD: AtomicU64 = AtomicU64::new(0);
static HEARS: AtomicBool = AtomicBool::new(false);
static LEAKS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Witness;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

fn hear(metadata: &Metadata<'_>, line: Line) {
    HEARD.fetch_add(1, Ordering::Relaxed);
    if let Some(secret) = secret_in(&line.0) {
        let leak = format!("{} {}:{} holds {secret}", metadata.target(), metadata.name(), line.0);
        LEAKS.lock().unwrap_or_else(PoisonError::into_inner).push(leak);
    }
}

impl Subscriber for Witness {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let of = metadata.target().split("::").next().unwrap_or_default();
        OURS.contains(&of)
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(String::new());
        span.record(&mut line);
        hear(span.metadata(), line);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = Line(String::new());
        values.record(&mut line);
        if let Some(secret) = secret_in(&line.0) {
            let leak = format!("a span holds {secret}:{}", line.0);
            LEAKS.lock().unwrap_or_else(PoisonError::into_inner).push(leak);
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        hear(event.metadata(), line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Lets the witness hear everything from here on.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let heard = tracing::subscriber::set_global_default(Witness).is_ok();
        HEARS.store(heard, Ordering::Relaxed);
    });
}

/// Panics when anything was heard that is secret; answers how many lines were heard.
pub fn assert_silent() -> u64 {
    assert!(HEARS.load(Ordering::Relaxed), "nothing is heard: there is another subscriber");
    let leaks = LEAKS.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    HEARD.load(Ordering::Relaxed)
}

/// An account number, key or token in a text.
pub fn secret_in(text: &str) -> Option<&str> {
    let is_word = |byte: char| byte.is_ascii_alphanumeric() || byte == '_' || byte == '-';
    text.split(|byte| !is_word(byte)).find(|word| {
        let is_key = word.starts_with(KEY.0)
            && word.len() >= KEY.1
            && word.bytes().any(|byte| byte.is_ascii_uppercase());
        is_key || word.starts_with(TOKEN) || is_iban(word)
    })
}

/// Whether a word is a whole account number, with its check digits.
fn is_iban(word: &str) -> bool {
    let bytes = word.as_bytes();
    let shape = (15..=34).contains(&bytes.len())
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes[..2].iter().all(u8::is_ascii_alphabetic)
        && bytes[2..4].iter().all(u8::is_ascii_digit);
    let digits = bytes[4.min(bytes.len())..].iter().chain(&bytes[..4.min(bytes.len())]);
    let rest = digits.fold(0_u64, |rest, byte| {
        let value = char::from(*byte).to_digit(36).unwrap_or(0);
        let shifted = if value < 10 { rest * 10 } else { rest * 100 };
        (shifted + u64::from(value)) % 97
    });
    shape && rest == 1
}
