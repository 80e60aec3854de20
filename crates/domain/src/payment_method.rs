//! Payment methods: how a customer pays.
//!
//! Purpose: a mandate for direct debits, a card at a gateway, or bank transfer; what is checked when
//! one is given; one replaces the other; the end of one.
//!
//! Invariants: at most one method of a customer is active; from a customer without one nothing is
//! collected: a person is told. A method that is replaced or ended stays so, and its details never change: other details
//! are another method. What is here can be shown: the account is masked, the token is absent. No
//! refusal repeats an account or a token.
//!
//! Deliberately absent: the account and the token themselves (sealed by `app`), when a mandate that
//! is not used lapses, the sequence of debits (since 2016 the banks take all as recurring).

use std::fmt;

use chrono::Datelike;

use crate::Outcome;
use crate::code::codes;
use crate::date::Date;
use crate::iban::{Iban, IbanRefused};
use crate::id::{CustomerId, PaymentMethodId};
use crate::organization::{self, PartyRefused};
use crate::payment::Scheme;

/// The longest name of an account's holder, in characters: what SEPA carries.
pub const MAX_HOLDER: usize = 70;
/// The longest mandate reference, in characters: what SEPA carries.
pub const MAX_REFERENCE: usize = 35;
/// The longest token, in characters.
pub const MAX_TOKEN: usize = 255;
/// The longest name of a card's brand, in characters.
pub const MAX_BRAND: usize = 40;
/// What a mandate reference may hold beside letters and digits.
const REFERENCE_SIGNS: &str = "+?/-:().,'";
/// Lengths of card numbers (ISO/IEC 7812).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 12..=19;
/// Years that a card may expire in: a card of this century.
const CARD_YEARS: std::ops::RangeInclusive<i32> = 2000..=2099;

codes! {
    /// Where a payment method stands.
    MethodState {
        /// The customer pays so.
        Active = "active",
        /// Another one took its place.
        Replaced = "replaced",
        /// It was taken back, and nothing took its place.
        Ended = "ended",
    }
}

/// Why details of a payment method are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MethodRefused {
    /// A text that is empty, too long or not plain.
    #[error(transparent)]
    Text(#[from] PartyRefused),
    /// Not an IBAN.
    #[error(transparent)]
    Iban(#[from] IbanRefused),
    /// An account that no direct debit reaches.
    #[error(
        "accounts in {country} cannot be debited: SEPA direct debit reaches SEPA countries only"
    )]
    NotSepa {
        /// The bank's country.
        country: String,
    },
    /// Not a reference that SEPA carries.
    #[error(
        "{reference:?} is not a mandate reference: expected 1 to {MAX_REFERENCE} letters, digits \
         or {REFERENCE_SIGNS}, no slash at either end and no two in a row"
    )]
    Reference {
        /// What was given, cut to a printable length.
        reference: String,
    },
    /// Signed in the future.
    #[error("a mandate cannot have been signed on {signed_on}: expected {today} or earlier")]
    SignedLater {
        /// What was given.
        signed_on: Date,
        /// The organization's date.
        today: Date,
    },
    /// Not a token.
    #[error(
        "not a token: expected 1 to {MAX_TOKEN} visible ASCII characters, as the gateway gave them"
    )]
    Token,
    /// The number of a card where its token belongs.
    #[error(
        "this looks like the number of a card, which is not accepted: expected the gateway's token"
    )]
    CardNumber,
    /// Not the end of a card's number.
    #[error("expected the last four digits of the card's number")]
    LastFour,
    /// Not a month.
    #[error("{year}-{month} is not a month: expected a year of four digits and a month of 1 to 12")]
    Expiry {
        /// The year given.
        year: i32,
        /// The month given.
        month: u32,
    },
    /// A card that nobody can charge any more.
    #[error("the card expired at the end of {expiry}, and today is {today}")]
    Expired {
        /// Its last month.
        expiry: Expiry,
        /// The organization's date.
        today: Date,
    },
}

/// The last month of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry {
    year: i32,
    month: u32,
}

impl Expiry {
    /// A month.
    ///
    /// # Errors
    /// [`MethodRefused::Expiry`].
    pub fn new(year: i32, month: u32) -> Result<Self, MethodRefused> {
        if CARD_YEARS.contains(&year) && (1..=12).contains(&month) {
            Ok(Self { year, month })
        } else {
            Err(MethodRefused::Expiry { year, month })
        }
    }

    /// The year.
    #[must_use]
    pub fn year(self) -> i32 {
        self.year
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> u32 {
        self.month
    }

    /// Whether the month is over.
    #[must_use]
    pub fn is_over(self, today: Date) -> bool {
        (self.year, self.month) < (today.year(), today.month())
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// A customer's permission to debit an account (incassomachtiging).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mandate {
    /// Names the mandate towards the banks, unique within the organization.
    pub reference: String,
    /// When the customer signed it.
    pub signed_on: Date,
    /// Whose account it is.
    pub holder: String,
    /// The account, masked.
    pub account: String,
}

/// A card that a gateway knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its brand, as the gateway calls it.
    pub brand: String,
    /// The last four digits of its number.
    pub last_four: String,
    /// Its last month.
    pub expires: Expiry,
    /// Whose card it is, where known.
    pub holder: Option<String>,
}

/// How is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Details {
    /// The vendor debits an account.
    DirectDebit(Mandate),
    /// The vendor charges a card.
    Card(Card),
    /// The customer transfers by itself.
    BankTransfer,
}

impl Details {
    /// The way in which money moves.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match self {
            Self::DirectDebit(_) => Scheme::DirectDebit,
            Self::Card(_) => Scheme::Card,
            Self::BankTransfer => Scheme::BankTransfer,
        }
    }
}

/// How a customer pays, or paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentMethod {
    /// Identity.
    pub id: PaymentMethodId,
    /// Whose.
    pub customer_id: CustomerId,
    /// How.
    pub details: Details,
    /// Since when.
    pub set_on: Date,
    /// Active, replaced, ended.
    pub state: MethodState,
    /// Since when it is no longer active.
    pub ended_on: Option<Date>,
    /// Why it was ended.
    pub end_reason: Option<String>,
}

impl PaymentMethod {
    /// A new one, active from today.
    #[must_use]
    pub fn new(
        id: PaymentMethodId,
        customer_id: CustomerId,
        details: Details,
        today: Date,
    ) -> Self {
        let (state, ended_on, end_reason) = (MethodState::Active, None, None);
        Self { id, customer_id, details, set_on: today, state, ended_on, end_reason }
    }

    /// Whether these details, of which `same_secret` tells whether account or token are the same,
    /// are the ones that it has. A mandate without a reference of its own is the same mandate.
    #[must_use]
    pub fn has(&self, details: &Details, named: bool, same_secret: bool) -> bool {
        match (&self.details, details) {
            (Details::DirectDebit(old), Details::DirectDebit(new)) => {
                let same_reference = !named || old.reference == new.reference;
                same_secret
                    && same_reference
                    && old.signed_on == new.signed_on
                    && old.holder == new.holder
            }
            (Details::Card(old), Details::Card(new)) => same_secret && old == new,
            (Details::BankTransfer, Details::BankTransfer) => true,
            _ => false,
        }
    }

    /// Gives its place to another one.
    pub fn replace(&mut self, today: Date) -> Outcome<()> {
        self.leave(MethodState::Replaced, None, today)
    }

    /// Takes it back: the mandate was revoked, the card withdrawn. One that is over already stays
    /// as it is.
    pub fn end(&mut self, reason: String, today: Date) -> Outcome<()> {
        self.leave(MethodState::Ended, Some(reason), today)
    }

    fn leave(&mut self, state: MethodState, reason: Option<String>, today: Date) -> Outcome<()> {
        if self.state != MethodState::Active {
            return Outcome::Unchanged;
        }
        self.state = state;
        self.ended_on = Some(today);
        self.end_reason = reason;
        Outcome::Applied(())
    }
}

/// The name of an account's or card's holder.
///
/// # Errors
/// [`MethodRefused::Text`].
pub fn holder(name: &str) -> Result<String, MethodRefused> {
    Ok(organization::text(name, MAX_HOLDER)?)
}

/// An account that can be debited.
///
/// # Errors
/// [`MethodRefused::Iban`], [`MethodRefused::NotSepa`].
pub fn account(text: &str) -> Result<Iban, MethodRefused> {
    let iban: Iban = text.parse()?;
    if iban.is_sepa() {
        Ok(iban)
    } else {
        Err(MethodRefused::NotSepa { country: iban.country().to_owned() })
    }
}

/// The reference of a mandate, as SEPA carries it.
///
/// # Errors
/// [`MethodRefused::Reference`].
pub fn reference(text: &str) -> Result<String, MethodRefused> {
    let formed = (1..=MAX_REFERENCE).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || REFERENCE_SIGNS.contains(c))
        && !text.starts_with('/')
        && !text.ends_with('/')
        && !text.contains("//");
    // A text in the wrong field may be an account: it is refused without repeating it.
    if text.parse::<Iban>().is_ok() {
        return Err(MethodRefused::Reference { reference: "an IBAN".to_owned() });
    }
    if formed {
        Ok(text.to_owned())
    } else {
        Err(MethodRefused::Reference { reference: text.chars().take(8).collect() })
    }
}

/// The reference of a mandate that was given none: made of the method's id.
#[must_use]
pub fn own_reference(id: PaymentMethodId) -> String {
    // 3 + 32 characters: exactly what SEPA carries.
    format!("RC-{:X}", id.0.simple())
}

/// When a mandate was signed.
///
/// # Errors
/// [`MethodRefused::SignedLater`].
pub fn signed_on(day: Date, today: Date) -> Result<Date, MethodRefused> {
    if day <= today { Ok(day) } else { Err(MethodRefused::SignedLater { signed_on: day, today }) }
}

/// Checks a token of a gateway: opaque, but not the number of a card.
///
/// # Errors
/// [`MethodRefused::Token`], [`MethodRefused::CardNumber`].
pub fn check_token(token: &str) -> Result<(), MethodRefused> {
    if is_card_number(token) {
        Err(MethodRefused::CardNumber)
    } else if (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic())
    {
        Ok(())
    } else {
        Err(MethodRefused::Token)
    }
}

/// Whether a text reads as the number of a card: its digits, with spaces or dashes between them, have
/// a right check digit (Luhn).
fn is_card_number(text: &str) -> bool {
    let bare = text.chars().filter(|c| !matches!(c, ' ' | '-'));
    let Some(digits) = bare.map(|c| c.to_digit(10)).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let weighed = digits.iter().rev().enumerate().map(|(place, digit)| match place % 2 {
        0 => *digit,
        _ => digit * 2 / 10 + digit * 2 % 10,
    });
    CARD_DIGITS.contains(&digits.len()) && weighed.sum::<u32>() % 10 == 0
}

/// The brand of a card.
///
/// # Errors
/// [`MethodRefused::Text`].
pub fn brand(text: &str) -> Result<String, MethodRefused> {
    Ok(organization::text(text, MAX_BRAND)?)
}

/// The last four digits of a card's number.
///
/// # Errors
/// [`MethodRefused::LastFour`], which does not repeat what was given: it may be the whole number.
pub fn last_four(text: &str) -> Result<String, MethodRefused> {
    if text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(MethodRefused::LastFour)
    }
}

/// The last month of a card that can still be charged.
///
/// # Errors
/// [`MethodRefused::Expiry`], [`MethodRefused::Expired`].
pub fn expires(year: i32, month: u32, today: Date) -> Result<Expiry, MethodRefused> {
    let expiry = Expiry::new(year, month)?;
    if expiry.is_over(today) { Err(MethodRefused::Expired { expiry, today }) } else { Ok(expiry) }
}

#[cfg(test)]
#[path = "payment_method_tests.rs"]
mod tests;
