//! What is known of features today: read once, asked for every investment.

use std::collections::HashMap;

use chrono::{Datelike, Months};
use domain::date::{self, Date};
use domain::forecast::{self, Course, Stake, TREND_MONTHS};
use domain::id::FeatureId;
use domain::investment::Basis;
use domain::money::{self, Money};
use domain::share as rules;
use rust_decimal::Decimal;
use store::statement::Holding;
use store::statement::course::{self as rows, FeatureMonth, Sharer, Use};

use super::{Running, features};
use crate::error::Error;
use crate::{Scope, share};

/// What features brought, by how it is counted.
type Brought = HashMap<(FeatureId, Basis), Money>;

/// What is known of the features of some investments.
pub(super) struct Known {
    /// The first day of the running month.
    first: Date,
    /// Today.
    today: Date,
    /// The first day of the month that is credited next.
    pub(super) next_month: Option<Date>,
    sharers: Vec<Sharer>,
    months: Vec<FeatureMonth>,
    uses: HashMap<FeatureId, Use>,
    /// What is open of the running month's invoices, in minor units.
    open: HashMap<FeatureId, i64>,
    /// Since the last credited month: of months that are over, up to today, and by the end of the
    /// running month as far as it is certain.
    over: Brought,
    so_far: Brought,
    certain: Brought,
}

impl Known {
    /// Reads it, in a fixed number of statements.
    pub(super) async fn load(scope: &mut Scope, holdings: &[Holding]) -> Result<Self, Error> {
        let features = features(holdings);
        let today = scope.today();
        let first = date::first_of_month(today);
        let last = date::add_days(date::first_of_next_month(today), -1);
        let six_ago = first - Months::new(u32::try_from(TREND_MONTHS).unwrap_or_default());
        let tx = &mut scope.tx;
        let next_month = rows::next_month(tx).await?;
        let sharers = rows::sharers(tx, &features).await?;
        let months = rows::months(tx, &features, six_ago).await?;
        let uses = rows::uses(tx, &features, today, last).await?;
        let open = rows::open(tx, &features, first, today).await?;
        let over = match next_month {
            Some(next) if next < first => {
                share::running(scope, &features, date::add_days(first, -1)).await?
            }
            _ => Brought::new(),
        };
        let so_far = share::running(scope, &features, today).await?;
        let certain = share::running(scope, &features, last).await?;
        Ok(Self {
            first,
            today,
            next_month,
            sharers,
            months,
            uses: uses.into_iter().map(|one| (one.feature_id, one)).collect(),
            open: open.into_iter().map(|one| (one.feature_id, one.minor)).collect(),
            over,
            so_far,
            certain,
        })
    }

    /// Customers that have a feature today, without those who funded it.
    pub(super) fn customers(&self, feature: FeatureId) -> i64 {
        self.uses.get(&feature).map_or(0, |one| one.customers)
    }

    /// Whether nothing will be credited any more: the last month of its feature was.
    pub(super) fn is_over(&self, holding: &Holding) -> bool {
        let last = holding.retired_on.map(rules::last_month);
        last.is_some_and(|last| self.next_month.is_none_or(|next| next > last))
    }

    /// An investment with those that share with it today, and its part of months that are over. One
    /// that is not funded takes part from today on.
    pub(super) fn stake(&self, holding: &Holding) -> Result<Stake, Error> {
        let money = |minor| Money::new(minor, holding.currency);
        let over = of(&self.over, holding);
        let waiting = match self.shares(holding, date::add_days(self.first, -1), false) {
            (shares, Some(own)) => forecast::part(over, &shares, own)?,
            (_, None) => money(0),
        };
        let (shares, own) = self.shares(holding, self.today, true);
        Ok(Stake {
            shares,
            own: own.unwrap_or_default(),
            principal: money(holding.principal),
            cap: money(holding.cap),
            accrued: money(holding.accrued),
            credited: money(holding.credited),
            waiting,
        })
    }

    /// The shares of what was funded by a day, oldest first, and which of them is its own.
    fn shares(&self, holding: &Holding, by: Date, always: bool) -> (Vec<Decimal>, Option<usize>) {
        let same =
            |one: &&Sharer| one.feature_id == holding.feature_id && one.basis == holding.basis;
        let funded = self.sharers.iter().filter(same).filter(|one| one.funded_on <= by);
        let mut all: Vec<_> = funded.map(|one| (one.id, one.share_percent)).collect();
        if always && !all.iter().any(|(id, _)| *id == holding.id) {
            all.push((holding.id, holding.share_percent));
            all.sort_unstable_by_key(|(id, _)| *id);
        }
        let own = all.iter().position(|(id, _)| *id == holding.id);
        (all.into_iter().map(|(_, share)| share).collect(), own)
    }

    /// Whether its feature was retired before the running month: nothing that is sold now is shared.
    fn is_closed(&self, holding: &Holding) -> bool {
        holding.retired_on.is_some_and(|on| on < self.first)
    }

    /// What the running month brings, and of it the investment.
    pub(super) fn running(&self, holding: &Holding, stake: &Stake) -> Result<Running, Error> {
        let over = of(&self.over, holding);
        let revenue = of(&self.so_far, holding).checked_sub(over)?;
        let certain = of(&self.certain, holding).checked_sub(over)?;
        let brings = |all: Money| forecast::part(all, &stake.shares, stake.own);
        let part = brings(revenue)?;
        let feature = holding.feature_id;
        let to_bill = self.uses.get(&feature).map_or(0, |one| one.to_bill);
        let open = self.open.get(&feature).copied().unwrap_or_default();
        let more = match holding.basis {
            // What is invoiced now is not shared any more.
            _ if self.is_closed(holding) => 0,
            Basis::Collected => open.saturating_add(to_bill),
            Basis::Invoiced => to_bill,
            Basis::CollectedAndAged => 0,
        };
        let all = certain.checked_add(Money::new(more, holding.currency))?;
        Ok(Running { revenue, part, to_come: brings(all)?.checked_sub(part)? })
    }

    /// What is foretold from.
    pub(super) fn course(&self, holding: &Holding) -> Result<Course, Error> {
        if self.is_closed(holding) {
            return self.end(holding);
        }
        let monthly = self.uses.get(&holding.feature_id).map_or(0, |one| one.monthly);
        let months = self.months_of(holding)?;
        Ok(Course {
            first: self.first,
            last: holding.retired_on.map(date::first_of_month),
            months: months.into_iter().map(|(_, brought)| brought).collect(),
            steady: Money::new(monthly, holding.currency),
        })
    }

    /// What is foretold of a feature that was retired before the running month: what is certain of
    /// it, whatever is assumed. What is still paid of what was sold before is not foreseen.
    fn end(&self, holding: &Holding) -> Result<Course, Error> {
        let certain = of(&self.certain, holding).checked_sub(of(&self.over, holding))?;
        let last = if self.is_over(holding) { date::add_days(self.first, -1) } else { self.first };
        Ok(Course { first: self.first, last: Some(last), months: vec![certain], steady: certain })
    }

    /// What the last complete months brought, oldest first. Of months that are over and not credited
    /// yet only the sum is known: each has its part of it.
    pub(super) fn months_of(&self, holding: &Holding) -> Result<Vec<(Date, Money)>, Error> {
        let next = self.next_month.unwrap_or(self.first).min(self.first);
        let same = |one: &&FeatureMonth| {
            one.feature_id == holding.feature_id && one.basis == holding.basis && one.month < next
        };
        let credited = self.months.iter().filter(same);
        let mut months: Vec<_> =
            credited.map(|one| (one.month, Money::new(one.revenue, holding.currency))).collect();
        let late = months_between(next, self.first);
        if late > 0 && self.over.contains_key(&(holding.feature_id, holding.basis)) {
            let parts = money::split(of(&self.over, holding), &vec![1; late])?;
            let at = (0_u32..).map(|ahead| date::add_months(next, ahead));
            months.extend(at.zip(parts));
        }
        let from = months.len().saturating_sub(TREND_MONTHS);
        Ok(months.split_off(from))
    }
}

/// What a feature brought, as an investment's basis counts it.
fn of(brought: &Brought, holding: &Holding) -> Money {
    let key = (holding.feature_id, holding.basis);
    brought.get(&key).copied().unwrap_or(Money::zero(holding.currency))
}

/// Months from one first day to another.
fn months_between(from: Date, until: Date) -> usize {
    let number = |day: Date| i64::from(day.year()) * 12 + i64::from(day.month());
    usize::try_from(number(until) - number(from)).unwrap_or_default()
}
