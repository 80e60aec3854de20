//! How the demonstration's customers pay, and when they do not.
//!
//! Purpose: from a seed and a number to a customer's way of paying, the times in which something is
//! wrong with it, and what the customer does about it then. Accounts and cards are those of the
//! sandbox's gateway, which decides by them.
//!
//! Invariants: pure; a trouble is over long before the next one comes. Of who stops paying for good
//! nothing more comes.
//!
//! Deliberately absent: which payments fail: that follows from what is invoiced meanwhile. When those
//! pay who pay by themselves (`transfer`).

use domain::date::{self, Date};

use super::draw::Draw;
use super::scale::Scale;

/// What a customer pays with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// A mandate on an account of the sandbox's gateway.
    Debit(&'static str),
    /// A card of the sandbox's gateway.
    Card(&'static str),
    /// Nothing: it transfers by itself.
    Transfer,
}

/// What is done about paying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pay {
    /// This is how it pays from now on.
    With(Method),
    /// It pays once, by a reference, what could not be collected.
    Once,
    /// Finance gives up what is long overdue.
    WriteOff,
}

/// A customer's way of paying through the years.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Purse {
    /// Whether it pays by itself.
    pub(super) transfers: bool,
    /// From when on it pays nothing any more.
    pub(super) stops_on: Option<Date>,
    /// What happens, in order.
    pub(super) pays: Vec<(Date, Pay)>,
}

/// An account and a card with which everything is right.
const RIGHT: (&str, &str) = ("NL45SNDB0000000001", "settles");
/// An account of a bank that takes its time.
const SLOW: &str = "NL18SNDB0000000002";
/// An account and a card on which there is never enough.
const EMPTY: (&str, &str) = ("NL93SNDB0000000010", "declines_insufficient_funds");

/// How a trouble ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// By itself: a later attempt succeeds.
    ByItself,
    /// With new details.
    NewDetails,
    /// With new details, and what went back before is paid once.
    Once,
}

/// So often out of a hundred troubles, the account and the card with which it happens, and how it
/// ends.
const TROUBLES: [(u32, &str, &str, Ends); 14] = [
    (26, "NL17SNDB0000000020", "first_1_declines_insufficient_funds", Ends::ByItself),
    (10, "NL87SNDB0000000021", "first_3_declines_insufficient_funds", Ends::ByItself),
    (14, "NL12SNDB0000000013", "declines_expired_card", Ends::NewDetails),
    (4, "NL39SNDB0000000012", "declines_incorrect_number", Ends::Once),
    (6, "NL82SNDB0000000014", "declines_do_not_honor", Ends::NewDetails),
    (8, "NL38SNDB0000000030", "bounces_9_revocation_of_authorization", Ends::Once),
    (4, "NL11SNDB0000000031", "first_2_declines_withdrawal_count_limit_exceeded", Ends::Once),
    (3, "NL55SNDB0000000015", "declines_stop_payment_order", Ends::Once),
    (3, "NL71SNDB0000000018", "first_1_declines_processing_error", Ends::NewDetails),
    (8, "NL05SNDB0000000042", "times_out_after", Ends::ByItself),
    (4, "NL32SNDB0000000041", "first_1_times_out_before", Ends::ByItself),
    (4, "NL75SNDB0000000043", "silent_3", Ends::ByItself),
    (4, "NL21SNDB0000000045", "first_1_not_sent", Ends::ByItself),
    (2, "NL18SNDB0000000099", "declines_generic_decline", Ends::NewDetails),
];

/// Of a hundred customers, so many pay by themselves, and so many of the others by card.
const TRANSFERRING: u32 = 15;
const WITH_CARDS: u32 = 35;
/// Of a hundred accounts, so many are of a slow bank.
const SLOW_BANKS: u32 = 12;
/// Of a hundred customers, so many stop paying for good in a year.
const STOPPING_PER_YEAR: u32 = 2;
/// Nothing is wrong in the first weeks.
const FIRST_AFTER: i64 = 50;
/// From one look at a customer's luck to the next, in days: longer than a trouble lasts.
const APART: i64 = 170;
/// Of a hundred looks, so many find a trouble.
const TROUBLED: u32 = 42;
/// How long one lasts that ends by itself, or with new details, in days.
const LASTING: (u32, u32) = (34, 75);
const MENDED: (u32, u32) = (15, 32);
/// What went back after the details were new is paid so many days later.
const ONCE_AFTER: i64 = 18;
/// Finance gives up so long after the first failure, and looks again later.
const GIVEN_UP_AFTER: [i64; 2] = [105, 200];

impl Purse {
    /// It never stops paying, after all. What is counted for a customer goes on to be sent, and only
    /// a subscription takes it.
    pub(super) fn keep_paying(&mut self) {
        let Some(stops_on) = self.stops_on.take() else { return };
        self.pays.retain(|(on, _)| *on < stops_on);
    }
}

/// The purse of the customer with this number.
pub(super) fn purse(scale: &Scale, number: u32, in_euros: bool, joins_on: Date) -> Purse {
    let mut draw = Draw::of(scale.seed, "purse", u64::from(number));
    let transfers = draw.chance(TRANSFERRING) && in_euros;
    let by_card = draw.chance(WITH_CARDS) || !in_euros;
    let of = |(iban, token)| match (transfers, by_card) {
        (true, _) => Method::Transfer,
        (false, true) => Method::Card(token),
        (false, false) => Method::Debit(iban),
    };
    let slow = draw.chance(SLOW_BANKS);
    let usual = of(if slow { (SLOW, RIGHT.1) } else { RIGHT });
    let mut purse = Purse { transfers, stops_on: None, pays: vec![(joins_on, Pay::With(usual))] };
    purse.stops_on = stops_on(scale, joins_on, &mut draw);
    let closes_on = scale.closes_on();
    let last = purse.stops_on.unwrap_or(closes_on);
    let mut from = date::add_days(joins_on, FIRST_AFTER);
    while !transfers && from < last {
        let on = date::add_days(from, i64::from(draw.below(60)));
        let troubled = draw.chance(TROUBLED);
        let trouble = trouble(&mut draw, on, usual, of);
        if troubled && trouble.last().is_some_and(|(end, _)| *end < last) {
            purse.pays.extend(trouble);
        }
        from = date::add_days(from, APART);
    }
    if let Some(stops_on) = purse.stops_on {
        if !transfers {
            purse.pays.push((stops_on, Pay::With(of(EMPTY))));
        }
        let given_up = GIVEN_UP_AFTER.map(|days| (date::add_days(stops_on, days), Pay::WriteOff));
        purse.pays.extend(given_up);
    }
    purse.pays.retain(|(on, _)| *on <= closes_on);
    purse
}

fn stops_on(scale: &Scale, joins_on: Date, draw: &mut Draw) -> Option<Date> {
    let days = u32::try_from(date::days_between(joins_on, scale.closes_on())).unwrap_or(0);
    let stops = draw.below(36_500) < STOPPING_PER_YEAR * days;
    let after = draw.between(60, days.max(90));
    (stops && after <= days).then(|| date::add_days(joins_on, i64::from(after)))
}

/// Something is wrong from a day on, until it is mended.
fn trouble(
    draw: &mut Draw,
    on: Date,
    usual: Method,
    of: impl Fn((&'static str, &'static str)) -> Method,
) -> Vec<(Date, Pay)> {
    let mut left = draw.below(TROUBLES.iter().map(|one| one.0).sum());
    let mut found = &TROUBLES[0];
    for one in &TROUBLES {
        found = one;
        if left < one.0 {
            break;
        }
        left -= one.0;
    }
    let (_, iban, token, ends) = *found;
    let (first, last) = if ends == Ends::ByItself { LASTING } else { MENDED };
    let mended = date::add_days(on, i64::from(draw.between(first, last)));
    let mut pays = vec![(on, Pay::With(of((iban, token)))), (mended, Pay::With(usual))];
    if ends != Ends::ByItself {
        // What still failed after that. Where nothing did, nothing is paid.
        let after = if ends == Ends::Once { ONCE_AFTER } else { ONCE_AFTER / 2 };
        pays.push((date::add_days(mended, after), Pay::Once));
    }
    pays
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use app::gateway::TEST_IBANS;
    use domain::failure::{self, FailureClass};
    use domain::payment::Scheme;

    use super::*;

    const SCALE: Scale = Scale { customers: 200, years: 2, seed: 1 };

    #[test]
    fn customers_pay_in_every_way_in_order_and_few_stop() {
        let (mut ways, mut stopping) = (BTreeMap::new(), 0);
        for number in 1..=SCALE.customers {
            let purse = purse(&SCALE, number, number != 7, SCALE.opens_on());
            assert!(purse.pays.is_sorted_by_key(|(on, _)| *on), "{number}: {purse:?}");
            assert!(purse.pays.iter().all(|(on, _)| *on <= SCALE.closes_on()), "{purse:?}");
            let way = match purse.pays[0].1 {
                Pay::With(Method::Debit(_)) => "debit",
                Pay::With(Method::Card(_)) => "card",
                Pay::With(Method::Transfer) => "transfer",
                other => panic!("{other:?}"),
            };
            assert_eq!(way == "transfer", purse.transfers);
            *ways.entry(way).or_insert(0) += 1;
            stopping += u32::from(purse.stops_on.is_some());
        }
        assert_eq!(ways.len(), 3, "{ways:?}");
        assert!((2..=12).contains(&stopping), "{stopping}");
    }

    #[test]
    fn accounts_are_of_the_sandbox_and_cards_decline_by_codes_that_are_known() {
        for (_, iban, token, _) in TROUBLES {
            assert!(TEST_IBANS.iter().any(|(known, _)| *known == iban), "{iban}");
            let codes = failure::codes(Scheme::Card);
            let named = codes.iter().any(|code| token.ends_with(code));
            let other = ["times_out_after", "times_out_before", "silent_3", "not_sent"];
            assert!(named || other.iter().any(|end| token.ends_with(end)), "{token}");
        }
        let class = failure::reason(Scheme::Card, "insufficient_funds").class;
        assert_eq!(class, FailureClass::NoMoney);
    }
}
