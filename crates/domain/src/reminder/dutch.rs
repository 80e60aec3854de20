//! The words in Dutch.

use super::{Consequence, Facts, Letter};
use crate::organization::Language::Dutch;
use crate::payment::Scheme;
use crate::writing::{amount, day};

/// The line above it.
pub(super) fn subject(letter: Letter, facts: &Facts<'_>) -> String {
    let number = facts.number;
    match letter {
        Letter::Friendly => format!("Betalingsherinnering factuur {number}"),
        Letter::Reminder => format!("Herinnering: factuur {number} is nog niet betaald"),
        Letter::Second => format!("Tweede herinnering: factuur {number} is nog niet betaald"),
        Letter::Final => format!("Laatste aanmaning factuur {number}"),
        Letter::Details => format!("Uw betaalgegevens voor factuur {number} zijn nodig"),
        Letter::Stopped => format!("Factuur {number}: uw rekening staat geen incasso toe"),
        Letter::Contact => format!("Factuur {number}: neem contact met ons op"),
        Letter::OneOff => format!("Betaal factuur {number} eenmalig zelf"),
    }
}

/// The paragraphs of it.
pub(super) fn paragraphs(letter: Letter, facts: &Facts<'_>) -> Vec<String> {
    let mut text = vec![format!("Geachte {},", facts.customer), opening(letter, facts)];
    text.extend(facts.reason.map(|reason| reason.text_nl.to_owned()));
    text.extend(request(letter, facts));
    text.extend(again(letter, facts));
    text.extend(Some(payment(facts)).filter(|_| letter.asks_for_money()));
    text.extend(costs(letter, facts));
    text.extend(late_fee(facts));
    text.extend(follows(facts));
    text.push(closing(letter, facts));
    text.push(format!("Met vriendelijke groet,\n{}", facts.vendor));
    text
}

fn opening(letter: Letter, facts: &Facts<'_>) -> String {
    let (issued, due) = (day(facts.issue_on, Dutch), day(facts.due_on, Dutch));
    let invoice = format!("factuur {} van {issued}", facts.number);
    let open = amount(facts.open, Dutch);
    let part = if facts.open == facts.total {
        format!("Open staat {open}, te betalen uiterlijk {due}.")
    } else {
        let total = amount(facts.total, Dutch);
        format!("Van het totaal van {total} staat nog {open} open, te betalen uiterlijk {due}.")
    };
    match letter {
        Letter::Friendly => {
            format!("Misschien is het u ontgaan: {invoice} is nog niet betaald. {part}")
        }
        Letter::Reminder => format!("De betaling van {invoice} hebben wij niet ontvangen. {part}"),
        Letter::Second => format!(
            "Ondanks onze eerdere herinnering hebben wij de betaling van {invoice} niet ontvangen. {part}"
        ),
        Letter::Final => format!(
            "Ondanks onze eerdere herinneringen hebben wij de betaling van {invoice} niet ontvangen. Dit is onze laatste aanmaning. {part}"
        ),
        Letter::Details | Letter::Stopped | Letter::OneOff => {
            format!("Het bedrag van {invoice} konden wij niet innen. {part}")
        }
        Letter::Contact => format!(
            "U of uw bank heeft bezwaar gemaakt tegen de betaling van {invoice}. {part} Wij schrijven dit bedrag niet opnieuw af."
        ),
    }
}

fn request(letter: Letter, facts: &Facts<'_>) -> Option<String> {
    let text = match letter {
        Letter::Details => {
            "Geef ons nieuwe betaalgegevens door. Zodra wij die hebben, proberen wij het nog één keer."
        }
        Letter::Stopped => {
            "Bij uw bank kunt u zien of incasso is geblokkeerd, en die blokkade opheffen. Laat het ons daarna weten; wij proberen het dan nog één keer."
        }
        // The reason asks for it already.
        Letter::Contact if facts.reason.is_none() => {
            "Neem contact met ons op als er iets niet klopt, zodat wij het samen kunnen oplossen."
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn again(letter: Letter, facts: &Facts<'_>) -> Option<String> {
    let on = day(facts.collects_on.filter(|_| letter != Letter::Contact)?, Dutch);
    Some(match facts.scheme {
        Scheme::Card => format!("Op {on} belasten wij uw kaart opnieuw."),
        Scheme::DirectDebit | Scheme::BankTransfer => {
            format!("Op {on} schrijven wij het bedrag opnieuw af. Zorg dan voor voldoende saldo.")
        }
    })
}

fn payment(facts: &Facts<'_>) -> String {
    let (reference, to_pay) = facts.one_off.unwrap_or((facts.number, facts.open));
    let to_pay = amount(to_pay, Dutch);
    let asked = match facts.scheme {
        Scheme::BankTransfer => "Wij verzoeken u",
        Scheme::DirectDebit | Scheme::Card => {
            "U kunt ook eenmalig zelf betalen. Wij verzoeken u dan"
        }
    };
    match facts.vendor_iban {
        Some(iban) => format!(
            "{asked} {to_pay} over te maken op {iban} ten name van {} onder vermelding van {reference}.",
            facts.vendor
        ),
        None => format!("{asked} {to_pay} te betalen onder vermelding van {reference}."),
    }
}

/// Burgerlijk Wetboek 6:96 lid 6.
fn costs(letter: Letter, facts: &Facts<'_>) -> Option<String> {
    let costs = amount(facts.costs.filter(|_| letter == Letter::Final)?, Dutch);
    Some(format!(
        "U heeft daarvoor nog veertien dagen, te rekenen vanaf de dag nadat u dit bericht heeft ontvangen. Betaalt u niet binnen die termijn, dan kunnen wij u {costs} aan incassokosten in rekening brengen."
    ))
}

fn late_fee(facts: &Facts<'_>) -> Option<String> {
    let (fee, on) = facts.late_fee?;
    let (fee, on) = (amount(fee, Dutch), day(on, Dutch));
    Some(format!(
        "Is het bedrag niet vóór {on} door ons ontvangen, dan brengen wij die dag {fee} aanmaningskosten in rekening."
    ))
}

fn follows(facts: &Facts<'_>) -> Option<String> {
    let (what, on) = facts.follows?;
    let on = day(on, Dutch);
    let then = match what {
        Consequence::Restricted => "kunt u onze dienst vanaf die dag alleen nog inzien",
        Consequence::Suspended => "stoppen wij vanaf die dag de levering",
        Consequence::Cancelled => "beëindigen wij op die dag uw abonnement",
    };
    Some(format!("Is het bedrag niet vóór {on} door ons ontvangen, dan {then}."))
}

fn closing(letter: Letter, facts: &Facts<'_>) -> String {
    let ask = match facts.vendor_email {
        Some(email) => format!("Heeft u een vraag, schrijf dan naar {email}."),
        None => "Heeft u een vraag, neem dan contact met ons op.".to_owned(),
    };
    match letter {
        Letter::Contact => ask,
        _ => format!(
            "Heeft u intussen betaald, dan kunt u dit bericht als niet verzonden beschouwen. {ask}"
        ),
    }
}
