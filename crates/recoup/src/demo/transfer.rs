//! How those pay who pay by themselves: on time, late, in parts, too much, or without a word about
//! what it is for.
//!
//! Invariants: pure; the number of an invoice decides, so that it does not matter when it is looked
//! at. Whoever writes no reference is found by the movement's name, as a person finds it by the
//! payer's.
//!
//! Deliberately absent: amounts. What is open is known when the money comes.

use domain::date::{self, Date};

use super::draw::Draw;

/// How much of what is open comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// All of it.
    Whole,
    /// A half.
    Half,
    /// All of it, rounded up to tens: too much.
    TooMuch,
}

/// Money that comes for an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Transfer {
    pub(super) on: Date,
    pub(super) share: Share,
    /// Whether it says what it is for.
    pub(super) named: bool,
}

/// How an invoice is paid, by its number and due date.
pub(super) fn transfers(seed: u64, number: &str, due_on: Date) -> Vec<Transfer> {
    let mut draw = Draw::of(seed, number, 0);
    let kind = draw.below(100);
    let mut on = |first: i64, last: i64| {
        let span = u32::try_from(last - first).unwrap_or(0);
        date::add_days(due_on, first + i64::from(draw.between(0, span)))
    };
    let whole = |on| Transfer { on, share: Share::Whole, named: true };
    match kind {
        0..72 => vec![whole(on(-9, 0))],
        72..86 => vec![whole(on(2, 13))],
        86..89 => vec![whole(on(22, 34))],
        89..93 => {
            let half = Transfer { on: on(-4, 2), share: Share::Half, named: true };
            vec![half, whole(on(9, 19))]
        }
        93..97 => vec![Transfer { share: Share::TooMuch, ..whole(on(-6, 3)) }],
        _ => vec![Transfer { named: false, ..whole(on(-5, 1)) }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_invoices_are_paid_on_time_and_all_are_in_the_end() {
        let due_on = Date::from_ymd_opt(2024, 5, 15).unwrap();
        let (mut on_time, mut unnamed, mut others) = (0, 0, 0);
        for number in 0..500 {
            let all = transfers(1, &format!("2024-{number:05}"), due_on);
            assert!(all.is_sorted_by_key(|one| one.on), "{all:?}");
            assert!(all.last().unwrap().share != Share::Half, "{all:?}");
            on_time += u32::from(all[0].on <= due_on && all.len() == 1);
            unnamed += u32::from(!all[0].named);
            others += u32::from(all[0].share != Share::Whole);
        }
        assert!((330..=430).contains(&on_time), "{on_time}");
        assert!((5..=30).contains(&unnamed) && (20..=65).contains(&others), "{unnamed} {others}");
    }
}
