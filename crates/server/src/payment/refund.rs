//! `RefundPayment`: recorded as a person did it, or ordered by the way of the collection.

use app::Scope;
use app::payment::{self, OrderRefund, RefundPayment};
use domain::payment::refund::Refund;

use super::wire;
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;
use crate::wire::instant;

/// What is asked for.
pub(super) enum Command {
    /// A person paid it back.
    Record(RefundPayment),
    /// It goes back by the way of the collection.
    Order(OrderRefund),
}

/// Reads what is asked for.
pub(super) fn command(message: v1::RefundPaymentRequest) -> field::Result<Command> {
    let customer_id = field::parse(&message.customer_id).at("customer_id")?;
    let amount =
        field::required(message.amount).and_then(|amount| field::money(&amount)).at("amount")?;
    let booked_on = field::day_if_any(message.booked_on).at("booked_on")?;
    let note = field::text_if_any(message.note);
    let (reference, external_id) =
        (field::text_if_any(message.reference), field::text_if_any(message.external_id));
    let Some(payment_id) = field::parse_filled(&message.payment_id).at("payment_id")? else {
        let command =
            RefundPayment { customer_id, amount, booked_on, reference, note, external_id };
        return Ok(Command::Record(command));
    };
    for (field, given) in [
        ("booked_on", booked_on.is_some()),
        ("reference", reference.is_some()),
        ("external_id", external_id.is_some()),
    ] {
        if given {
            return Err(field::Refused::new("the gateway tells it: leave it out").below(field));
        }
    }
    Ok(Command::Order(OrderRefund { customer_id, payment_id, amount, note }))
}

/// Does it.
pub(super) async fn done(
    scope: &mut Scope,
    command: Command,
) -> app::Result<v1::RefundPaymentResponse> {
    Ok(match command {
        Command::Record(command) => {
            let payment = wire(payment::refund(scope, command).await?)?;
            v1::RefundPaymentResponse { payment: Some(payment), refund: None }
        }
        Command::Order(command) => {
            let refund = payment::order(scope, command).await?;
            v1::RefundPaymentResponse { payment: None, refund: Some(refund.into()) }
        }
    })
}

impl From<Refund> for v1::Refund {
    fn from(one: Refund) -> Self {
        Self {
            id: one.id.to_string(),
            payment_id: one.payment_id.to_string(),
            attempt_id: one.attempt_id.to_string(),
            customer_id: one.customer_id.to_string(),
            amount: Some(one.amount.into()),
            state: code::<v1::RefundState>(one.state),
            note: one.note.unwrap_or_default(),
            reference: one.reference.unwrap_or_default(),
            raw_code: one.raw_code.unwrap_or_default(),
            order_time: Some(instant(one.submitted_at)),
            ask_time: one.ask_at.map(instant),
        }
    }
}
