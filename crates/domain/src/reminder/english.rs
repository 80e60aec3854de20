//! The words in English.

use super::{Consequence, Facts, Letter};
use crate::organization::Language::English;
use crate::payment::Scheme;
use crate::writing::{amount, day};

/// The line above it.
pub(super) fn subject(letter: Letter, facts: &Facts<'_>) -> String {
    let number = facts.number;
    match letter {
        Letter::Friendly => format!("Payment reminder for invoice {number}"),
        Letter::Reminder => format!("Reminder: invoice {number} has not been paid yet"),
        Letter::Second => format!("Second reminder: invoice {number} has not been paid yet"),
        Letter::Final => format!("Final notice for invoice {number}"),
        Letter::Details => format!("Your payment details for invoice {number} are needed"),
        Letter::Stopped => format!("Invoice {number}: your account does not allow direct debit"),
        Letter::Contact => format!("Invoice {number}: please contact us"),
        Letter::OneOff => format!("Pay invoice {number} once by yourself"),
    }
}

/// The paragraphs of it.
pub(super) fn paragraphs(letter: Letter, facts: &Facts<'_>) -> Vec<String> {
    let mut text = vec![format!("Dear {},", facts.customer), opening(letter, facts)];
    text.extend(facts.reason.map(|reason| reason.text_en.to_owned()));
    text.extend(request(letter, facts));
    text.extend(again(letter, facts));
    text.extend(Some(payment(facts)).filter(|_| letter.asks_for_money()));
    text.extend(costs(letter, facts));
    text.extend(late_fee(facts));
    text.extend(follows(facts));
    text.push(closing(letter, facts));
    text.push(format!("Kind regards,\n{}", facts.vendor));
    text
}

fn opening(letter: Letter, facts: &Facts<'_>) -> String {
    let (issued, due) = (day(facts.issue_on, English), day(facts.due_on, English));
    let invoice = format!("invoice {} of {issued}", facts.number);
    let open = amount(facts.open, English);
    let part = if facts.open == facts.total {
        format!("{open} is open, payable by {due}.")
    } else {
        let total = amount(facts.total, English);
        format!("Of the total of {total}, {open} is still open, payable by {due}.")
    };
    match letter {
        Letter::Friendly => {
            format!("Perhaps you have overlooked it: {invoice} has not been paid yet. {part}")
        }
        Letter::Reminder => format!("We have not received the payment of {invoice}. {part}"),
        Letter::Second => format!(
            "In spite of our earlier reminder we have not received the payment of {invoice}. {part}"
        ),
        Letter::Final => format!(
            "In spite of our earlier reminders we have not received the payment of {invoice}. This is our final notice. {part}"
        ),
        Letter::Details | Letter::Stopped | Letter::OneOff => {
            format!("We could not collect the amount of {invoice}. {part}")
        }
        Letter::Contact => format!(
            "You or your bank objected to the payment of {invoice}. {part} We will not collect this amount again."
        ),
    }
}

fn request(letter: Letter, facts: &Facts<'_>) -> Option<String> {
    let text = match letter {
        Letter::Details => {
            "Please give us new payment details. As soon as we have them, we will try once more."
        }
        Letter::Stopped => {
            "Your bank can show you whether direct debits are blocked, and lift that. Please let us know afterwards; we will then try once more."
        }
        // The reason asks for it already.
        Letter::Contact if facts.reason.is_none() => {
            "Please contact us if something is not right, so that we can solve it together."
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn again(letter: Letter, facts: &Facts<'_>) -> Option<String> {
    let on = day(facts.collects_on.filter(|_| letter != Letter::Contact)?, English);
    Some(match facts.scheme {
        Scheme::Card => format!("We will charge your card again on {on}."),
        Scheme::DirectDebit | Scheme::BankTransfer => {
            format!("We will collect the amount again on {on}. Please see to enough money then.")
        }
    })
}

fn payment(facts: &Facts<'_>) -> String {
    let (reference, to_pay) = facts.one_off.unwrap_or((facts.number, facts.open));
    let to_pay = amount(to_pay, English);
    let asked = match facts.scheme {
        Scheme::BankTransfer => "Please",
        Scheme::DirectDebit | Scheme::Card => "You can also pay once by yourself. Please then",
    };
    match facts.vendor_iban {
        Some(iban) => format!(
            "{asked} transfer {to_pay} to {iban} in the name of {}, mentioning {reference}.",
            facts.vendor
        ),
        None => format!("{asked} pay {to_pay}, mentioning {reference}."),
    }
}

/// Burgerlijk Wetboek 6:96 lid 6.
fn costs(letter: Letter, facts: &Facts<'_>) -> Option<String> {
    let costs = amount(facts.costs.filter(|_| letter == Letter::Final)?, English);
    Some(format!(
        "You have fourteen days left for this, counted from the day after you received this message. If you do not pay within that time, we may charge you {costs} for the costs of collection."
    ))
}

fn late_fee(facts: &Facts<'_>) -> Option<String> {
    let (fee, on) = facts.late_fee?;
    let (fee, on) = (amount(fee, English), day(on, English));
    Some(format!(
        "If we have not received the amount before {on}, we will charge you a late fee of {fee} on that day."
    ))
}

fn follows(facts: &Facts<'_>) -> Option<String> {
    let (what, on) = facts.follows?;
    let on = day(on, English);
    let then = match what {
        Consequence::Restricted => "you can only view our service from that day on",
        Consequence::Suspended => "we stop delivery from that day on",
        Consequence::Cancelled => "we end your subscription on that day",
    };
    Some(format!("If we have not received the amount before {on}, {then}."))
}

fn closing(letter: Letter, facts: &Facts<'_>) -> String {
    let ask = match facts.vendor_email {
        Some(email) => format!("If you have a question, please write to {email}."),
        None => "If you have a question, please contact us.".to_owned(),
    };
    match letter {
        Letter::Contact => ask,
        _ => format!("If you have paid in the meantime, please disregard this message. {ask}"),
    }
}
