//! The monthly share: what of a feature's revenue goes to its investors.
//!
//! Purpose: from what counts of a feature's lines ([`mod@line`]) to what a month accrues to each of its
//! investments, what of it is credited, and what that makes of the investment and the feature.
//!
//! Invariants: a month's revenue is what counts at its end less what counted at the end of the month
//! before, so months always add up to the whole and what is recorded late flows into the next month.
//! The parts of a month's accrual add up to `round(revenue x sum of shares)`. Credited never falls
//! here and never exceeds principal and return; it is principal first. A feature that was retired is
//! shared for [`TAIL_MONTHS`] more: of what was sold before.
//!
//! Deliberately absent: documents of it ([`crate::self_bill`]), taking back what was credited, when
//! a month is credited (`app::share`).

use std::collections::{BTreeMap, BTreeSet};

use chrono::Datelike;
use rust_decimal::Decimal;

use crate::date::{self, Date};
use crate::event::EventKind;
use crate::id::{CustomerId, FeatureId, InvestmentId};
use crate::investment::{Basis, InvestmentState, ShareTreatment};
use crate::money::{self, Money, MoneyRefused};
use crate::self_bill::Credit;

pub mod hold;
pub mod line;
pub mod tail;

pub use self::hold::Hold;
pub use self::line::{AGE_DAYS, Counted, Line};
pub use self::tail::{TAIL_MONTHS, first_retired, last_month, sold_until};

/// A feature that shares what it brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// Identity.
    pub id: FeatureId,
    /// Its name for people.
    pub title: String,
    /// The day on which it was retired: of its month the last is shared that was sold.
    pub retired_on: Option<Date>,
    /// Since when it is the vendor's alone.
    pub owned_on: Option<Date>,
    /// Whether an investment in it is accepted and not paid yet.
    pub is_awaited: bool,
    /// The investments in it that were paid, oldest first.
    pub stakes: Vec<Stake>,
    /// What counted at the end of the last month that was credited, on each basis.
    pub counted: BTreeMap<Basis, Money>,
}

/// An investment that was paid, as the monthly share sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stake {
    /// Identity.
    pub id: InvestmentId,
    /// Whose.
    pub investor_id: CustomerId,
    /// When what others pay counts.
    pub basis: Basis,
    /// How its payments are taxed.
    pub vat_treatment: ShareTreatment,
    /// Percent of the feature's revenue.
    pub share_percent: Decimal,
    /// What was paid for it, without VAT.
    pub principal: Money,
    /// What is credited at most.
    pub cap: Money,
    /// Why nothing is credited now; what is left to credit is carried.
    pub held: Option<Hold>,
    /// The day on which it was paid: it takes part from this day's month on.
    pub funded_on: Date,
    /// Where it stands.
    pub state: InvestmentState,
    /// The day of the credit by which its principal was credited, the first time.
    pub recouped_on: Option<Date>,
    /// The day of the credit by which everything was credited, the first time.
    pub completed_on: Option<Date>,
    /// What all months to date have accrued.
    pub accrued: Money,
    /// What was credited of it.
    pub credited: Money,
    /// Principal that will not be repaid.
    pub forgone: Money,
}

/// How a month is credited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The first day of the month.
    pub month: Date,
    /// The date of its documents.
    pub issue_on: Date,
    /// What is less is carried, if it is of this currency.
    pub minimum: Money,
}

impl Terms {
    /// The last day of the month.
    #[must_use]
    pub fn last_day(&self) -> Date {
        last_day(self.month)
    }
}

/// What a feature brought in a month, counted in one of the ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureMonth {
    /// Which feature.
    pub feature_id: FeatureId,
    /// When what others pay counts.
    pub basis: Basis,
    /// What counts at the month's end, of all times.
    pub counted: Money,
    /// How much more that is than a month before.
    pub revenue: Money,
    /// The shares of all that take part, together, in percent.
    pub share_percent: Decimal,
    /// Their part of the revenue.
    pub accrual: Money,
}

/// What an investment got of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvestmentMonth {
    /// Which investment.
    pub investment_id: InvestmentId,
    /// The first day of the month.
    pub month: Date,
    /// What its feature brought in it.
    pub revenue: Money,
    /// Its part of that.
    pub accrual: Money,
    /// Its parts of all months to date.
    pub accrued: Money,
    /// What is credited for it.
    pub credited: Money,
    /// The principal in it; the rest is return.
    pub principal: Money,
    /// What was credited to date, with it.
    pub credited_total: Money,
    /// What waits for the next month: too little to be credited, or, negative, to be set off.
    pub carried: Money,
    /// Why what could be credited is carried.
    pub held: Option<Hold>,
}

/// What a month makes of a feature and its investments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What the feature brought, by basis.
    pub features: Vec<FeatureMonth>,
    /// What each investment that takes part got, oldest first within a basis.
    pub investments: Vec<InvestmentMonth>,
    /// What is credited.
    pub credits: Vec<Credit>,
    /// What happened to which investment.
    pub happened: Vec<(InvestmentId, EventKind)>,
    /// Whether the feature is the vendor's alone from now on.
    pub is_owned: bool,
    /// Principal that will not be repaid, because the feature is retired.
    pub forgone: Vec<(InvestmentId, Money)>,
}

/// The last day of the month that begins on a day.
#[must_use]
pub fn last_day(month: Date) -> Date {
    date::add_days(date::first_of_next_month(month), -1)
}

/// The last month, by its first day, that is to be credited on a day, where the month before is
/// credited on `payout_day`.
#[must_use]
pub fn due_month(today: Date, payout_day: u32) -> Date {
    let day_before = date::add_days(date::first_of_month(today), -1);
    let before = date::first_of_month(day_before);
    if today.day() >= payout_day {
        return before;
    }
    date::first_of_month(date::add_days(before, -1))
}

/// Where an investment that was paid stands.
#[must_use]
pub fn state(credited: Money, accrued: Money, principal: Money, cap: Money) -> InvestmentState {
    let (credited, accrued) = (credited.minor(), accrued.minor());
    if credited >= cap.minor() && accrued >= credited {
        InvestmentState::Completed
    } else if credited >= principal.minor() {
        InvestmentState::Recouped
    } else if credited > 0 {
        InvestmentState::Recouping
    } else {
        InvestmentState::Funded
    }
}

/// The principal in what is credited: principal comes first, so what is taken back is return first.
///
/// # Errors
/// [`MoneyRefused`].
pub fn principal_part(
    before: Money,
    after: Money,
    principal: Money,
) -> Result<Money, MoneyRefused> {
    let of =
        |credited: Money| Money::new(credited.minor().min(principal.minor()), principal.currency());
    of(after).checked_sub(of(before))
}

/// The part of a revenue that goes to shares, in percent, rounded once, and each one's part of it, by
/// largest remainder, ties to the first.
///
/// # Errors
/// [`MoneyRefused::Overflow`].
pub fn accrual(revenue: Money, shares: &[Decimal]) -> Result<(Decimal, Vec<Money>), MoneyRefused> {
    let add = |sum: Decimal, one: &Decimal| sum.checked_add(*one).ok_or(MoneyRefused::Overflow);
    let sum = shares.iter().try_fold(Decimal::ZERO, add)?;
    let currency = revenue.currency();
    // The revenue counts minor units and the result is in minor units.
    let unit = 10_i64.checked_pow(currency.decimals()).ok_or(MoneyRefused::Overflow)?;
    let whole = unit.checked_mul(100).ok_or(MoneyRefused::Overflow)?;
    let total = money::round_share(sum, revenue.minor(), whole, currency)?;
    Ok((sum, money::split(total, &weights(shares)?)?))
}

/// Percentages as integers in the same proportion.
fn weights(shares: &[Decimal]) -> Result<Vec<i64>, MoneyRefused> {
    let scale = shares.iter().map(|share| share.normalize().scale()).max().unwrap_or(0);
    let weight = |share: &Decimal| {
        let share = share.normalize();
        let factor = 10_i128.checked_pow(scale - share.scale())?;
        i64::try_from(share.mantissa().checked_mul(factor)?).ok()
    };
    shares.iter().map(|share| weight(share).ok_or(MoneyRefused::Overflow)).collect()
}

impl Stake {
    /// Whether it takes part in a month.
    fn takes_part(&self, terms: &Terms) -> bool {
        self.funded_on <= terms.last_day()
    }

    /// What can be credited, negative when more was credited than there is, and what of it is
    /// credited now: all, or nothing.
    fn payable(&self, terms: &Terms, is_last: bool) -> Result<(Money, Money), MoneyRefused> {
        let limit = Money::new(self.cap.minor().min(self.accrued.minor()), self.cap.currency());
        let left = limit.checked_sub(self.credited)?;
        let minimum = terms.minimum;
        let is_little = minimum.currency() == left.currency() && left.minor() < minimum.minor();
        let is_last = is_last || limit == self.cap;
        let is_credited = left.minor() > 0 && self.held.is_none() && (is_last || !is_little);
        let now = if is_credited { left } else { Money::zero(left.currency()) };
        Ok((left, now))
    }

    /// Takes its part of a month.
    fn credit(
        &mut self,
        terms: &Terms,
        revenue: Money,
        accrual: Money,
        is_last: bool,
    ) -> Result<InvestmentMonth, MoneyRefused> {
        self.accrued = self.accrued.checked_add(accrual)?;
        let (left, now) = self.payable(terms, is_last)?;
        let before = self.credited;
        self.credited = before.checked_add(now)?;
        Ok(InvestmentMonth {
            investment_id: self.id,
            month: terms.month,
            revenue,
            accrual,
            accrued: self.accrued,
            credited: now,
            principal: principal_part(before, self.credited, self.principal)?,
            credited_total: self.credited,
            carried: left.checked_sub(now)?,
            held: self.held.filter(|_| left.minor() > 0),
        })
    }

    /// Moves on to where it stands now; answers what happened.
    fn turn(&mut self, issue_on: Date) -> Vec<EventKind> {
        let before = self.state;
        self.state = state(self.credited, self.accrued, self.principal, self.cap);
        let mut happened = Vec::new();
        if self.recouped_on.is_none() && self.credited.minor() >= self.principal.minor() {
            self.recouped_on = Some(issue_on);
            happened.push(EventKind::InvestmentRecouped);
        }
        match (before, self.state) {
            (InvestmentState::Completed, InvestmentState::Completed) => {}
            (InvestmentState::Completed, _) => happened.push(EventKind::InvestmentReopened),
            (_, InvestmentState::Completed) => {
                self.completed_on = self.completed_on.or(Some(issue_on));
                happened.push(EventKind::InvestmentCompleted);
            }
            _ => {}
        }
        happened
    }
}

impl Shared {
    /// The bases of the investments that take part in a month.
    #[must_use]
    pub fn bases(&self, terms: &Terms) -> BTreeSet<Basis> {
        let taking_part = self.stakes.iter().filter(|stake| stake.takes_part(terms));
        taking_part.map(|stake| stake.basis).collect()
    }

    /// The last month that is shared, once it is retired.
    #[must_use]
    pub fn last_month(&self) -> Option<Date> {
        self.retired_on.map(last_month)
    }

    /// Whether a month is shared: investments take part, and the last was not before.
    #[must_use]
    pub fn shares(&self, terms: &Terms) -> bool {
        self.last_month().is_none_or(|last| terms.month <= last)
            && self.stakes.iter().any(|stake| stake.takes_part(terms))
    }

    /// Credits a month, which follows the last that was credited. `counted` is what counts at its
    /// end; a basis on which nothing was credited yet starts from [`Shared::counted`] as well.
    ///
    /// # Errors
    /// [`MoneyRefused`].
    pub fn credit(&mut self, terms: &Terms, counted: Counted) -> Result<Outcome, MoneyRefused> {
        let mut outcome = Outcome::default();
        for basis in self.bases(terms) {
            self.credit_basis(terms, basis, counted.of(basis), &mut outcome)?;
        }
        for stake in self.stakes.iter_mut().filter(|stake| stake.takes_part(terms)) {
            let happened = stake.turn(terms.issue_on);
            outcome.happened.extend(happened.into_iter().map(|kind| (stake.id, kind)));
        }
        self.pass(terms, &mut outcome);
        self.forgo(terms, &mut outcome)?;
        Ok(outcome)
    }

    fn credit_basis(
        &mut self,
        terms: &Terms,
        basis: Basis,
        counted: i64,
        outcome: &mut Outcome,
    ) -> Result<(), MoneyRefused> {
        let is_last = self.last_month().is_some_and(|last| last <= terms.month);
        let taking_part = |stake: &&mut Stake| stake.basis == basis && stake.takes_part(terms);
        let mut stakes: Vec<&mut Stake> = self.stakes.iter_mut().filter(taking_part).collect();
        let Some(currency) = stakes.first().map(|stake| stake.principal.currency()) else {
            return Ok(());
        };
        let counted = Money::new(counted, currency);
        let before = self.counted.insert(basis, counted).unwrap_or(Money::zero(currency));
        let revenue = counted.checked_sub(before)?;
        let shares: Vec<Decimal> = stakes.iter().map(|stake| stake.share_percent).collect();
        let (share_percent, parts) = accrual(revenue, &shares)?;
        outcome.features.push(FeatureMonth {
            feature_id: self.id,
            basis,
            counted,
            revenue,
            share_percent,
            accrual: Money::sum(currency, parts.iter().copied())?,
        });
        for (stake, part) in stakes.iter_mut().zip(parts) {
            let month = stake.credit(terms, revenue, part, is_last)?;
            if month.credited.minor() > 0 {
                outcome.credits.push(credit(&self.title, stake, &month));
            }
            outcome.investments.push(month);
        }
        Ok(())
    }

    /// The feature becomes the vendor's alone when all investments in it are recouped, those that
    /// are accepted and not paid yet as well.
    fn pass(&mut self, terms: &Terms, outcome: &mut Outcome) {
        let all = self.stakes.iter().all(|stake| stake.recouped_on.is_some());
        if self.owned_on.is_some() || self.stakes.is_empty() || self.is_awaited || !all {
            return;
        }
        self.owned_on = Some(terms.issue_on);
        outcome.is_owned = true;
        let passed = |stake: &Stake| (stake.id, EventKind::FeatureOwnershipPassed);
        outcome.happened.extend(self.stakes.iter().map(passed));
    }

    /// What the last month of a retired feature leaves of the principal is not repaid.
    fn forgo(&mut self, terms: &Terms, outcome: &mut Outcome) -> Result<(), MoneyRefused> {
        if self.last_month() != Some(terms.month) {
            return Ok(());
        }
        for stake in self.stakes.iter_mut().filter(|stake| stake.takes_part(terms)) {
            let left = principal_part(stake.credited, stake.principal, stake.principal)?;
            if !left.is_zero() {
                stake.forgone = left;
                outcome.forgone.push((stake.id, left));
            }
        }
        Ok(())
    }
}

fn credit(title: &str, stake: &Stake, month: &InvestmentMonth) -> Credit {
    Credit {
        investment_id: stake.id,
        investor_id: stake.investor_id,
        vat_treatment: stake.vat_treatment,
        title: title.to_owned(),
        month: month.month,
        revenue: month.revenue,
        share_percent: stake.share_percent,
        amount: month.credited,
        principal: month.principal,
    }
}

#[cfg(test)]
#[path = "share_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "share/property_tests.rs"]
mod property_tests;
