//! Revenue of periods longer than a month: deferred, then earned day by day.
//!
//! Purpose: which part of a line is earned on the day of the invoice, and what every later month
//! earns.
//!
//! Invariants: earned up to a day = `round(net x days / D)`, computed cumulatively, so that the
//! months add up to the line.
//!
//! Deliberately absent: recurring revenue (MRR) and its movements.

use crate::date::{self, Date};
use crate::ledger::Account;
use crate::money::{self, Money, MoneyRefused};
use crate::period::Period;

/// The deferred part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferral {
    /// Revenue account it is earned to.
    pub account: Account,
    /// The line's net amount.
    pub net: Money,
    /// The days it pays for.
    pub service: Period,
    /// Days before this one are earned.
    pub earned_until: Date,
    /// What has been earned for them.
    pub earned: Money,
}

/// A step in which days become earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recognition {
    /// Exclusive end of the days that are now earned.
    pub until: Date,
    /// What they earn.
    pub amount: Money,
}

impl Deferral {
    /// What is deferred when a line of `net` for `service` is issued on `issue_on`: nothing for
    /// periods up to a month, and nothing when all days have passed. Days up to and including the
    /// day of issue are earned at once.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn at_issue(
        account: Account,
        net: Money,
        service: Period,
        issue_on: Date,
    ) -> Result<Option<Self>, MoneyRefused> {
        let earned_until = date::add_days(issue_on, 1).clamp(service.start, service.end);
        if net.is_zero() || !service.longer_than_a_month() || earned_until == service.end {
            return Ok(None);
        }
        let earned = earned_by(net, service, earned_until)?;
        Ok(Some(Self { account, net, service, earned_until, earned }))
    }

    /// What is still to be earned.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn unearned(&self) -> Result<Money, MoneyRefused> {
        self.net.checked_sub(self.earned)
    }

    /// The first day on which the next step can be posted: the first of the next month, or the end
    /// of the service. Nothing when all is earned.
    #[must_use]
    pub fn next_on(&self) -> Option<Date> {
        (self.earned_until < self.service.end)
            .then(|| date::first_of_next_month(self.earned_until).min(self.service.end))
    }

    /// Takes `amount` of the line back, for its days from `from` on: first what has not been earned
    /// yet. Answers how much of it had not. The days that stay are earned as before.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn credit(&mut self, from: Date, amount: Money) -> Result<Money, MoneyRefused> {
        let left = self.unearned()?;
        if self.earned_until >= from {
            // No day that stays is left to earn, also not a cent of rounding.
            self.net = self.earned;
            self.service.end = self.earned_until;
            return Ok(left);
        }
        let part = Money::new(amount.minor().min(left.minor()), left.currency());
        self.net = self.net.checked_sub(part)?;
        self.service.end = from;
        Ok(part)
    }

    /// Takes `amount` of the line back for all its days alike: first what has not been earned yet.
    /// Answers how much of it had not. What then stays is earned evenly over the days that are left.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn correct(&mut self, amount: Money) -> Result<Money, MoneyRefused> {
        let left = self.unearned()?;
        if amount.is_zero() || left.is_zero() {
            return Ok(Money::zero(left.currency()));
        }
        if amount.minor() >= left.minor() {
            self.net = self.earned;
            self.service.end = self.earned_until;
            return Ok(left);
        }
        // The days to come stand alone from now on: what was earned of the others is done.
        self.service.start = self.earned_until;
        self.net = left.checked_sub(amount)?;
        self.earned = Money::zero(left.currency());
        Ok(amount)
    }

    /// What was earned stays earned, also where credits left less for the days that are left.
    fn not_less(&self, earned: Money) -> Money {
        let (so_far, now) = (self.earned.minor(), earned.minor());
        let minor = if self.net.minor() < 0 { now.min(so_far) } else { now.max(so_far) };
        Money::new(minor, earned.currency())
    }

    /// All steps up to `today`, one per calendar month; the deferral moves along. A step in which
    /// rounding earns nothing is taken and not returned.
    ///
    /// # Errors
    /// [`MoneyRefused::Overflow`].
    pub fn recognize(&mut self, today: Date) -> Result<Vec<Recognition>, MoneyRefused> {
        let mut steps = Vec::new();
        while let Some(until) = self.next_on().filter(|until| *until <= today) {
            let earned = self.not_less(earned_by(self.net, self.service, until)?);
            let amount = earned.checked_sub(self.earned)?;
            self.earned_until = until;
            self.earned = earned;
            if !amount.is_zero() {
                steps.push(Recognition { until, amount });
            }
        }
        Ok(steps)
    }
}

fn earned_by(net: Money, service: Period, until: Date) -> Result<Money, MoneyRefused> {
    let days = date::days_between(service.start, until);
    let minor = money::share_of_minor(net.minor(), days, service.days())?;
    Ok(Money::new(minor, net.currency()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use proptest::prelude::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn cents(minor: i64) -> Money {
        Money::new(minor, Currency::EUR)
    }

    fn year_2025() -> Period {
        Period { start: day("2025-01-01"), end: day("2026-01-01") }
    }

    #[test]
    fn a_year_is_earned_by_calendar_days() {
        let account = Account::SubscriptionRevenue;
        let issued = day("2025-01-01");
        let mut deferral =
            Deferral::at_issue(account, cents(36_500), year_2025(), issued).unwrap().unwrap();
        assert_eq!(deferral.earned, cents(100), "the day of issue is earned at once");
        assert_eq!(deferral.next_on(), Some(day("2025-02-01")));
        let steps = deferral.recognize(day("2025-04-15")).unwrap();
        let shown: Vec<_> =
            steps.iter().map(|step| (step.until.to_string(), step.amount.minor())).collect();
        let expected = [("2025-02-01", 3_000), ("2025-03-01", 2_800), ("2025-04-01", 3_100)];
        assert_eq!(shown, expected.map(|(until, amount)| (until.to_owned(), amount)));
        assert_eq!(deferral.recognize(day("2025-04-15")).unwrap(), []);
        deferral.recognize(day("2026-01-01")).unwrap();
        assert_eq!((deferral.earned, deferral.next_on()), (cents(36_500), None));
    }

    #[test]
    fn only_days_to_come_of_long_periods_are_deferred() {
        let month = Period { start: day("2025-01-31"), end: day("2025-02-28") };
        // service, issue date, deferred cents
        let table = [
            (month, "2025-01-31", None),
            (year_2025(), "2024-12-20", Some(36_500)),
            (year_2025(), "2025-12-31", None),
            (year_2025(), "2026-02-01", None),
            (year_2025(), "2025-12-30", Some(100)),
        ];
        for (service, issue_on, deferred) in table {
            let account = Account::SubscriptionRevenue;
            let deferral =
                Deferral::at_issue(account, cents(36_500), service, day(issue_on)).unwrap();
            let unearned = deferral.map(|deferral| deferral.unearned().unwrap().minor());
            assert_eq!(unearned, deferred, "{service:?} issued {issue_on}");
        }
    }

    #[test]
    fn a_credit_takes_back_what_has_not_been_earned_first() {
        // 365.00 for 2025, issued on 1 January; earned up to, credited from, how much; how much of
        // that had not been earned, what stays, up to when, and when it is earned next.
        let table = [
            ("2025-07-01", "2025-07-01", 18_400, 18_400, 18_100, "2025-07-01", None),
            ("2025-07-01", "2025-12-01", 3_100, 3_100, 33_400, "2025-12-01", Some("2025-08-01")),
            // Days that were earned already: the rest comes from revenue.
            ("2025-07-01", "2025-06-01", 21_400, 18_400, 18_100, "2025-07-01", None),
            ("2025-07-01", "2025-01-01", 36_500, 18_400, 18_100, "2025-07-01", None),
            ("2026-01-01", "2025-12-01", 3_100, 0, 36_500, "2026-01-01", None),
            ("2025-01-02", "2025-01-02", 36_400, 36_400, 100, "2025-01-02", None),
            // A day later than what is earned, and a credit that leaves less than a cent to it.
            ("2025-07-01", "2025-07-02", 18_400, 18_400, 18_100, "2025-07-02", Some("2025-07-02")),
        ];
        for (earned, from, amount, unearned, stays, until, next_on) in table {
            let account = Account::SubscriptionRevenue;
            let issued = day("2025-01-01");
            let deferral = Deferral::at_issue(account, cents(36_500), year_2025(), issued);
            let mut deferral = deferral.unwrap().unwrap();
            if earned != "2025-01-02" {
                deferral.recognize(day(earned)).unwrap();
            }
            assert_eq!(deferral.earned_until, day(earned));
            let taken = deferral.credit(day(from), cents(amount)).unwrap();
            assert_eq!(taken, cents(unearned), "{earned} {from}");
            assert_eq!(deferral.net, cents(stays), "{earned} {from}");
            assert_eq!(deferral.service.end, day(until), "{earned} {from}");
            assert_eq!(deferral.next_on(), next_on.map(day), "{earned} {from}");
        }
    }

    proptest! {
        #[test]
        fn what_is_earned_in_the_end_is_what_stays_after_credits(
            minor in 1_i64..10_000_000,
            length in 32_i64..800,
            issue in -40_i64..800,
            steps in proptest::collection::vec((0_i64..900, 0_i64..800), 0..5),
        ) {
            let start = day("2024-01-31");
            let service = Period { start, end: date::add_days(start, length) };
            let issued = date::add_days(start, issue);
            let account = Account::SubscriptionRevenue;
            let deferral = Deferral::at_issue(account, cents(minor), service, issued).unwrap();
            if let Some(mut deferral) = deferral {
                let (mut stays, mut end) = (minor, service.end);
                let mut revenue = deferral.earned.minor();
                for (look, cut) in steps {
                    for step in deferral.recognize(date::add_days(start, look)).unwrap() {
                        revenue += step.amount.minor();
                    }
                    let from = date::add_days(start, cut).min(end);
                    let kept = earned_by(cents(minor), service, from).unwrap().minor();
                    let amount = stays - kept;
                    let unearned = deferral.credit(from, cents(amount)).unwrap().minor();
                    prop_assert!(unearned >= 0);
                    prop_assert!(deferral.earned.minor() <= deferral.net.minor());
                    let days = deferral.service.start..=deferral.service.end;
                    prop_assert!(days.contains(&deferral.earned_until));
                    revenue -= amount - unearned;
                    (stays, end) = (kept, from);
                }
                for step in deferral.recognize(day("2030-01-01")).unwrap() {
                    revenue += step.amount.minor();
                }
                prop_assert_eq!(revenue, stays);
                prop_assert_eq!(deferral.unearned().unwrap().minor(), 0);
            }
        }

        #[test]
        fn months_add_up_to_the_line_whatever_the_steps(
            minor in -10_000_000_i64..10_000_000,
            length in 32_i64..1_500,
            issue in -40_i64..1_600,
            mut looks in proptest::collection::vec(0_i64..1_700, 0..8),
        ) {
            prop_assume!(minor != 0);
            let start = day("2024-01-31");
            let service = Period { start, end: date::add_days(start, length) };
            let issued = date::add_days(start, issue);
            let deferral =
                Deferral::at_issue(Account::ServiceRevenue, cents(minor), service, issued).unwrap();
            if let Some(mut deferral) = deferral {
                looks.sort_unstable();
                looks.push(2_000);
                let mut total = deferral.earned.minor();
                for look in looks {
                    let steps = deferral.recognize(date::add_days(start, look)).unwrap();
                    total += steps.iter().map(|step| step.amount.minor()).sum::<i64>();
                }
                prop_assert_eq!(total, minor);
                prop_assert_eq!(deferral.unearned().unwrap().minor(), 0);
            }
        }
    }
}
