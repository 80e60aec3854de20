//! Identities: one type per thing, so that a customer's id never stands where a plan's is meant.
//!
//! Purpose: UUIDs with a name. New ids are made by the program (version 7, ordered by time) from
//! an instant that the caller gives; callers of the service may bring their own.
//!
//! Deliberately absent: ids made by the database.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an id: expected a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct IdRefused {
    /// What was given, cut to a printable length.
    pub text: String,
}

/// A fresh version 7 UUID whose time part is `now`.
#[must_use]
pub fn fresh(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.timestamp_subsec_nanos()))
}

/// Fresh ids of one moment, each larger than the one before: rows written together stand together
/// in their indexes, and lists show them in the order in which they were made.
#[derive(Debug)]
pub struct Sequence {
    context: uuid::ContextV7,
    seconds: u64,
    nanos: u32,
}

impl Sequence {
    /// Ids whose time part is `now`.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        Self {
            context: uuid::ContextV7::new(),
            seconds: u64::try_from(now.timestamp()).unwrap_or(0),
            nanos: now.timestamp_subsec_nanos(),
        }
    }

    /// The next one.
    #[must_use]
    pub fn next(&self) -> Uuid {
        Uuid::new_v7(uuid::Timestamp::from_unix(&self.context, self.seconds, self.nanos))
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "diesel", derive(diesel::expression::AsExpression, diesel::deserialize::FromSqlRow))]
        #[cfg_attr(feature = "diesel", diesel(sql_type = diesel::sql_types::Uuid))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id whose time part is `now`.
            #[must_use]
            pub fn fresh(now: DateTime<Utc>) -> Self {
                Self(fresh(now))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = IdRefused;

            fn from_str(text: &str) -> Result<Self, IdRefused> {
                // Only the hyphenated form: one spelling per id, so that equal texts are equal ids.
                if text.len() != 36 {
                    return Err(IdRefused { text: text.chars().take(48).collect() });
                }
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| IdRefused { text: text.chars().take(48).collect() })
            }
        }

        #[cfg(feature = "diesel")]
        crate::sql::uuid_id!($name);
    )*};
}

ids! {
    /// The vendor: the unit of isolation.
    OrgId
    /// A key that a caller shows.
    ApiKeyId
    /// A customer of the vendor.
    CustomerId
    /// What is sold: carries the VAT category and the revenue account.
    ProductId
    /// A named offer.
    PlanId
    /// One immutable, dated version of a plan.
    PlanVersionId
    /// A price of one component in one currency within a plan version.
    PriceId
    /// What is measured: events of usage name its code.
    MeterId
    /// A discount of the catalogue.
    DiscountId
    /// A discount on a subscription.
    AppliedDiscountId
    /// A subscription.
    SubscriptionId
    /// One priced component of a subscription.
    ItemId
    /// A change, pause or end of a subscription to come.
    IntentId
    /// A move of many subscriptions to another plan version.
    MigrationId
    /// A one-off charge.
    ChargeId
    /// An invoice, credit note or self-billing invoice.
    InvoiceId
    /// A line of a document.
    LineId
    /// How a customer pays.
    PaymentMethodId
    /// A try to collect an invoice.
    AttemptId
    /// Money that came or went.
    PaymentId
    /// What follows when money does not come.
    DunningPolicyId
    /// Something proposed that a person decides.
    DecisionId
    /// Something that counts against a customer.
    StrikeId
    /// A wish that was submitted, and what became of it.
    FeatureId
    /// What a customer paid to have a feature built first.
    InvestmentId
    /// An investor's agreement that the vendor issues its invoices.
    AgreementId
    /// A document of what an investor was credited.
    SelfBillId
    /// What an investor is paid.
    PayoutId
    /// Payouts that are handed to the bank together.
    PayoutBatchId
    /// An account that an investor is paid to.
    PayoutAccountId
    /// A journal entry.
    EntryId
    /// Something that happened.
    EventId
    /// A record that a worker has set aside.
    SetAsideId
    /// A job in the queue.
    JobId
}
