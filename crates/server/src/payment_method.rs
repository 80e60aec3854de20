//! Payment methods on the wire: what SetPaymentMethod is given, and what is shown of them.
//!
//! Invariants: an account number or a token leaves its message as a secret text at once. The messages
//! that hold one are shown without it; no refusal repeats one.
//!
//! Deliberately absent: the checks (`domain::payment_method`).

use std::fmt;

use app::payment_method::{NewDetails, SetPaymentMethod};
use domain::payment_method::{Card, Details, Mandate, PaymentMethod};
use v1::set_payment_method_request::Details as Given;

use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;
use crate::wire;

/// The command of SetPaymentMethod.
pub(crate) fn set_command(message: v1::SetPaymentMethodRequest) -> field::Result<SetPaymentMethod> {
    let customer_id = field::parse(&message.customer_id).at("customer_id")?;
    let id = field::parse_filled(&message.payment_method_id).at("payment_method_id")?;
    let details = match field::required(message.details).at("details")? {
        Given::DirectDebit(given) => direct_debit(given).at("direct_debit")?,
        Given::Card(given) => card(given).at("card")?,
        Given::BankTransfer(_) => NewDetails::BankTransfer,
    };
    Ok(SetPaymentMethod { customer_id, id, details })
}

fn direct_debit(given: v1::DirectDebitDetails) -> field::Result<NewDetails> {
    let signed_on = field::required(given.signed_on).and_then(field::day).at("signed_on")?;
    Ok(NewDetails::DirectDebit {
        iban: given.iban.into(),
        holder: given.holder,
        reference: field::text_if_any(given.mandate_reference),
        signed_on,
    })
}

fn card(given: v1::CardDetails) -> field::Result<NewDetails> {
    let expires = field::required(given.expires).at("expires")?;
    Ok(NewDetails::Card {
        token: given.token.into(),
        brand: given.brand,
        last_four: given.last_four,
        expires_year: expires.year,
        expires_month: field::count(expires.month).at("month").at("expires")?,
        holder: field::text_if_any(given.holder),
    })
}

impl From<PaymentMethod> for v1::PaymentMethod {
    fn from(method: PaymentMethod) -> Self {
        let scheme = code::<v1::Scheme>(method.details.scheme());
        let (mut mandate, mut card) = (None, None);
        match method.details {
            Details::DirectDebit(details) => mandate = Some(details.into()),
            Details::Card(details) => card = Some(details.into()),
            Details::BankTransfer => {}
        }
        Self {
            id: method.id.to_string(),
            customer_id: method.customer_id.to_string(),
            scheme,
            state: code::<v1::PaymentMethodState>(method.state),
            mandate,
            card,
            set_on: Some(method.set_on.into()),
            ended_on: method.ended_on.map(Into::into),
            end_reason: method.end_reason.unwrap_or_default(),
        }
    }
}

impl From<Mandate> for v1::Mandate {
    fn from(mandate: Mandate) -> Self {
        Self {
            reference: mandate.reference,
            signed_on: Some(mandate.signed_on.into()),
            holder: mandate.holder,
            masked_iban: mandate.account,
        }
    }
}

impl From<Card> for v1::Card {
    fn from(card: Card) -> Self {
        let (year, month) = (card.expires.year(), wire::count(card.expires.month()));
        Self {
            brand: card.brand,
            last_four: card.last_four,
            expires: Some(v1::CardExpiry { year, month }),
            holder: card.holder.unwrap_or_default(),
        }
    }
}

impl fmt::Debug for v1::DirectDebitDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectDebitDetails")
            .field("holder", &self.holder)
            .field("mandate_reference", &self.mandate_reference)
            .field("signed_on", &self.signed_on)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for v1::CardDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardDetails")
            .field("brand", &self.brand)
            .field("last_four", &self.last_four)
            .field("expires", &self.expires)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}
