//! The vendor: who issues the documents, in which zone, currency and style.
//!
//! Purpose: the facts of an organization and the checks on them; roles of its keys.
//!
//! Invariants: texts are bounded; countries, zones and currencies exist; an IBAN has a right check
//! number.
//!
//! Deliberately absent: keys and their secrets (`app`), which role may call what (`server`).

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::code::codes;
use crate::date::{self, Date};
use crate::iban::{Iban, IbanRefused};
use crate::id::OrgId;
use crate::ledger::Chart;
use crate::money::{Currency, Money};
use crate::numbering::Pattern;

/// The longest name, in characters.
pub const MAX_NAME: usize = 200;
/// The longest address line, e-mail or reference, in characters.
pub const MAX_TEXT: usize = 320;
/// The most lines of an address above the postal code.
pub const MAX_ADDRESS_LINES: usize = 4;
/// The longest payment term, in days.
pub const MAX_TERMS_DAYS: u32 = 365;

codes! {
    /// Whose clock the organization follows.
    OrgKind {
        /// The wall clock.
        Live = "live",
        /// A clock that stands still and moves forward by RPC.
        Sandbox = "sandbox",
    }
}

codes! {
    /// The language of documents.
    Language {
        /// Dutch.
        Dutch = "nl",
        /// English.
        English = "en",
    }
}

codes! {
    /// What a key may do; the permission table of the server says where.
    Role {
        /// Reads.
        Viewer = "viewer",
        /// Customers, catalogue, subscriptions.
        Sales = "sales",
        /// Helps customers: subscriptions, tickets.
        Support = "support",
        /// Invoices, payments, ledger.
        Finance = "finance",
        /// Other services and workers.
        Worker = "worker",
        /// Everything, also keys.
        Admin = "admin",
    }
}

/// Why facts of a party or of an organization are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartyRefused {
    /// Empty or too long.
    #[error("{length} characters are not possible: expected 1 to {max}")]
    Text {
        /// Length given.
        length: usize,
        /// Longest accepted.
        max: usize,
    },
    /// Control characters.
    #[error("contains control characters: expected plain text")]
    Control,
    /// Not two upper-case letters.
    #[error("{code:?} is not a country: expected an ISO 3166-1 alpha-2 code such as NL")]
    Country {
        /// What was given.
        code: String,
    },
    /// Not a VAT number of that country.
    #[error(
        "{number:?} is not a VAT number: expected the country's letters and 2 to 13 letters or digits, for example NL123456789B01"
    )]
    VatNumber {
        /// What was given.
        number: String,
    },
    /// Not an IBAN.
    #[error(transparent)]
    Iban(#[from] IbanRefused),
    /// Not an e-mail address. The value is not repeated.
    #[error("not an e-mail address: expected the form name@example.com")]
    Email,
    /// Too many address lines.
    #[error("{given} address lines are too many: at most {MAX_ADDRESS_LINES}")]
    AddressLines {
        /// How many were given.
        given: usize,
    },
    /// Payment terms out of range.
    #[error("{days} days are not possible as payment terms: expected 0 to {MAX_TERMS_DAYS}")]
    Terms {
        /// What was given.
        days: u32,
    },
    /// Days of pre-notification out of range.
    #[error(
        "{days} days are not possible as pre-notification: expected 1 to \
         {MAX_PRE_NOTIFICATION_DAYS}"
    )]
    PreNotification {
        /// What was given.
        days: u32,
    },
    /// Grace days out of range.
    #[error("{days} days are not possible as grace of drafts: expected 0 to {MAX_GRACE_DAYS}")]
    Grace {
        /// What was given.
        days: u32,
    },
    /// No day of every month.
    #[error("{day} is not possible: expected a day from 1 to {MAX_PAYOUT_DAY}")]
    PayoutDay {
        /// What was given.
        day: u32,
    },
    /// Negative, or in another currency.
    #[error("{minimum} is not possible: expected 0 or more {currency}, the default currency")]
    MinimumPayout {
        /// What was given.
        minimum: Money,
        /// The default currency.
        currency: Currency,
    },
}

/// A bounded text without control characters.
///
/// # Errors
/// [`PartyRefused::Text`], [`PartyRefused::Control`].
pub fn text(value: &str, max: usize) -> Result<String, PartyRefused> {
    let trimmed = value.trim();
    let length = trimmed.chars().count();
    if length == 0 || length > max {
        return Err(PartyRefused::Text { length, max });
    }
    if trimmed.chars().any(char::is_control) {
        return Err(PartyRefused::Control);
    }
    Ok(trimmed.to_owned())
}

/// An ISO 3166-1 alpha-2 code by its form.
///
/// # Errors
/// [`PartyRefused::Country`].
pub fn country(code: &str) -> Result<String, PartyRefused> {
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(code.to_owned())
    } else {
        Err(PartyRefused::Country { code: code.chars().take(12).collect() })
    }
}

/// A VAT number by its form: the country's letters (EL for Greece), then 2 to 13 letters or
/// digits. Spaces and points are dropped.
///
/// # Errors
/// [`PartyRefused::VatNumber`].
pub fn vat_number(number: &str, country: &str) -> Result<String, PartyRefused> {
    let compact: String = number.chars().filter(|c| !matches!(c, ' ' | '.' | '-')).collect();
    let prefix = if country == "GR" { "EL" } else { country };
    let rest = compact.strip_prefix(prefix).unwrap_or("");
    let formed = (2..=13).contains(&rest.len())
        && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if formed {
        Ok(compact)
    } else {
        Err(PartyRefused::VatNumber { number: number.chars().take(24).collect() })
    }
}

/// An IBAN with a right check number, in its compact form ([`crate::iban`]).
///
/// # Errors
/// [`PartyRefused::Iban`].
pub fn iban(text: &str) -> Result<String, PartyRefused> {
    Ok(text.parse::<Iban>()?.reveal().to_owned())
}

/// An e-mail address by its form; whether it exists only a message can tell.
///
/// # Errors
/// [`PartyRefused::Email`].
pub fn email(text: &str) -> Result<String, PartyRefused> {
    let trimmed = text.trim();
    let formed = trimmed.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty()
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !domain.contains('@')
    });
    let plain = trimmed.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if formed && plain && trimmed.chars().count() <= MAX_TEXT {
        Ok(trimmed.to_owned())
    } else {
        Err(PartyRefused::Email)
    }
}

/// Days between issue and payment.
///
/// # Errors
/// [`PartyRefused::Terms`].
pub fn payment_terms(days: u32) -> Result<u32, PartyRefused> {
    if days <= MAX_TERMS_DAYS { Ok(days) } else { Err(PartyRefused::Terms { days }) }
}

/// The longest time for which documents are kept as drafts, in days: an invoice is to be issued soon
/// after what it bills.
pub const MAX_GRACE_DAYS: u32 = 30;

/// How many days documents are kept as drafts.
///
/// # Errors
/// [`PartyRefused::Grace`].
pub fn grace_days(days: u32) -> Result<u32, PartyRefused> {
    if days <= MAX_GRACE_DAYS { Ok(days) } else { Err(PartyRefused::Grace { days }) }
}

/// The last day of a month on which all months can be credited: every month has it.
pub const MAX_PAYOUT_DAY: u32 = 28;

/// The day of a month on which the month before is credited to investors.
///
/// # Errors
/// [`PartyRefused::PayoutDay`].
pub fn payout_day(day: u32) -> Result<u32, PartyRefused> {
    if (1..=MAX_PAYOUT_DAY).contains(&day) { Ok(day) } else { Err(PartyRefused::PayoutDay { day }) }
}

/// Below which amount a credit to an investor is carried to the next month.
///
/// # Errors
/// [`PartyRefused::MinimumPayout`] for less than nothing, or another currency than `currency`.
pub fn minimum_payout(minimum: Money, currency: Currency) -> Result<Money, PartyRefused> {
    if minimum.minor() < 0 || minimum.currency() != currency {
        return Err(PartyRefused::MinimumPayout { minimum, currency });
    }
    Ok(minimum)
}

/// How many days before a direct debit its payer is told, unless vendor and payers agree on less
/// (SEPA Direct Debit Core rulebook).
pub const PRE_NOTIFICATION_DAYS: u32 = 14;
/// The longest pre-notification, in days: an invoice is to be paid soon after it is issued.
pub const MAX_PRE_NOTIFICATION_DAYS: u32 = 30;

/// How many days before a direct debit its payer is told. Never none: the account must be covered.
///
/// # Errors
/// [`PartyRefused::PreNotification`].
pub fn pre_notification_days(days: u32) -> Result<u32, PartyRefused> {
    if (1..=MAX_PRE_NOTIFICATION_DAYS).contains(&days) {
        Ok(days)
    } else {
        Err(PartyRefused::PreNotification { days })
    }
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Address {
    /// Street, number, building: up to [`MAX_ADDRESS_LINES`].
    pub lines: Vec<String>,
    /// Postal code.
    pub postal_code: String,
    /// City.
    pub city: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}

/// A vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Identity, first part of every key.
    pub id: OrgId,
    /// Live or sandbox.
    pub kind: OrgKind,
    /// Name on documents.
    pub legal_name: String,
    /// Number in the trade register (KvK, KBO), on documents.
    pub registration_number: Option<String>,
    /// Address on documents; its country decides the VAT.
    pub address: Address,
    /// VAT number on documents.
    pub vat_number: Option<String>,
    /// Account to which customers transfer; printed on documents.
    pub iban: Option<String>,
    /// Contact on documents.
    pub email: Option<String>,
    /// Currency of new customers.
    pub default_currency: Currency,
    /// Zone of the local dates.
    pub time_zone: Tz,
    /// Language of documents unless the customer has another.
    pub language: Language,
    /// Small business scheme: KOR in the Netherlands, franchise in Belgium. No VAT.
    pub small_business: bool,
    /// Whether a total of zero is worth a document.
    pub issue_zero_invoices: bool,
    /// How document numbers look.
    pub number_pattern: Pattern,
    /// Prefix of invoice numbers.
    pub invoice_prefix: String,
    /// Prefix of credit note numbers.
    pub credit_note_prefix: String,
    /// Payment terms of customers that have none of their own, in days.
    pub payment_terms_days: u32,
    /// How many days the billing run keeps its documents as drafts; 0: it finalizes them at once.
    pub draft_grace_days: u32,
    /// The day of a month on which the month before is credited to investors: 1 to 28.
    pub payout_day: u32,
    /// What is less is carried to the next month; in the default currency.
    pub minimum_payout: Money,
    /// How many days before a direct debit its payer is told: the invoice tells.
    pub pre_notification_days: u32,
    /// The codes under which its bookkeeping knows the accounts.
    pub chart: Chart,
    /// Where a sandbox's clock stands; nothing for a live organization.
    pub sandbox_now: Option<DateTime<Utc>>,
}

impl Organization {
    /// The organization's present, given the wall clock's.
    #[must_use]
    pub fn now(&self, wall: DateTime<Utc>) -> DateTime<Utc> {
        self.sandbox_now.unwrap_or(wall)
    }

    /// The organization's local date, given the wall clock's instant.
    #[must_use]
    pub fn today(&self, wall: DateTime<Utc>) -> Date {
        date::local(self.now(wall), self.time_zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_parties_are_checked_by_form() {
        assert_eq!(vat_number("NL 1234.56.789.B01", "NL").unwrap(), "NL123456789B01");
        assert_eq!(vat_number("BE0123456789", "BE").unwrap(), "BE0123456789");
        assert_eq!(vat_number("EL123456789", "GR").unwrap(), "EL123456789");
        for (number, country) in
            [("123456789B01", "NL"), ("BE0123456789", "NL"), ("NL1", "NL"), ("", "NL")]
        {
            assert!(vat_number(number, country).is_err(), "{number} {country}");
        }
        assert_eq!(iban("NL91 ABNA 0417 1643 00").unwrap(), "NL91ABNA0417164300");
        for wrong in ["NL92ABNA0417164300", "NL91ABNA04171643", "", "XX"] {
            assert_eq!(iban(wrong), Err(PartyRefused::Iban(IbanRefused)), "{wrong}");
        }
        assert!(email("a@example.com").is_ok());
        for wrong in ["", "a", "a@", "@b.nl", "a@b", "a b@c.nl", "a@b@c.nl", "a@.nl"] {
            assert_eq!(email(wrong), Err(PartyRefused::Email), "{wrong}");
        }
        assert!(country("NL").is_ok());
        for wrong in ["nl", "NLD", "", "N1"] {
            assert!(country(wrong).is_err(), "{wrong}");
        }
        assert!(text("  a  ", 3).is_ok());
        assert!(text("", 3).is_err());
        assert!(text("abcd", 3).is_err());
        assert_eq!(text("a\u{7}b", 9), Err(PartyRefused::Control));
    }
}
