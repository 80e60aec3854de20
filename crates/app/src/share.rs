//! The monthly share: what investors are credited.
//!
//! Purpose: every month that is over is credited on the organization's day of the next one, or when
//! somebody asks for it, in order, each in one transaction:
//! 1. **take** the month: the row that says which is next moves on and is held to commit, so that
//!    runs side by side wait for each other and a second one finds the next month;
//! 2. **read** the features that share, with their investments, which are held, and every line of
//!    theirs, streamed;
//! 3. **decide** in memory ([`domain::share`]);
//! 4. **write** what the month brought, the investments, and the documents of what is credited, with
//!    a fixed number of statements.
//!
//! Invariants: a month is credited once and after the one before it, whoever runs it and however
//! late: what counts of it is what was so at its end. A crash leaves whole months. What cannot be
//! credited (a VAT rate is missing, a principal went back) is held and keeps nothing else from being
//! credited.
//!
//! Deliberately absent: the documents ([`crate::self_bill`]).

use std::collections::{BTreeSet, HashMap};

use chrono::Datelike;
use domain::date::{self, Date};
use domain::event::InvestmentFacts;
use domain::id::{CustomerId, EntryId, FeatureId, InvestmentId, OrgId, Sequence};
use domain::investment::Basis;
use domain::ledger::Entry;
use domain::ledger::share::forgone_entry;
use domain::money::{Currency, Money};
use domain::share::{self as rules, Counted, InvestmentMonth, Outcome, Shared, Stake, Terms};
use rust_decimal::Decimal;
use store::share::Wanted;
use uuid::Uuid;

use crate::day::Done;
use crate::error::{Error, Expect};
use crate::event::{self, News};
use crate::page::{Page, PageRequest};
use crate::{Ctx, Scope, self_bill};

/// Credits every month that is due on the organization's date, and lets silence agree with the
/// documents whose day has come.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Busy`]; months that were committed stay.
pub async fn credit_due(ctx: &Ctx, org: OrgId) -> Result<Done, Error> {
    credit_until(ctx, org, due_month).await
}

/// Credits every month that is over, without waiting for the organization's day.
///
/// # Errors
/// As [`credit_due`].
pub async fn credit_complete(ctx: &Ctx, org: OrgId) -> Result<Done, Error> {
    credit_until(ctx, org, |scope| rules::due_month(scope.today(), 1)).await
}

/// Credits months one by one, up to and including the one that `until` says.
async fn credit_until(
    ctx: &Ctx,
    org: OrgId,
    until: impl Fn(&Scope) -> Date,
) -> Result<Done, Error> {
    let mut done = Done::default();
    loop {
        let mut scope = ctx.scope(org).await?;
        let until = until(&scope);
        let month = store::share::take_month(&mut scope.tx, until).await?;
        // Before numbers are taken, for which an answer to a document waits as well.
        self_bill::accept_due(&mut scope).await?;
        if let Some(month) = month {
            done.add(credit(&mut scope, month).await?);
        }
        scope.commit().await?;
        if month.is_none_or(|month| month >= until) {
            return Ok(done);
        }
    }
}

/// Whether a month is due, or silence is to agree with a document.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn is_due(scope: &mut Scope) -> Result<bool, Error> {
    let until = due_month(scope);
    Ok(store::share::is_due(&mut scope.tx, until).await? || self_bill::accepts_due(scope).await?)
}

/// The last month that is due.
fn due_month(scope: &Scope) -> Date {
    rules::due_month(scope.today(), scope.organization.payout_day)
}

fn terms(scope: &Scope, month: Date) -> Terms {
    Terms { month, issue_on: scope.today(), minimum: scope.organization.minimum_payout }
}

/// Credits a month that was taken.
async fn credit(scope: &mut Scope, month: Date) -> Result<Done, Error> {
    let terms = terms(scope, month);
    let mut features = store::share::lock(&mut scope.tx, month).await?;
    let before = features.clone();
    let outcomes = decide(scope, &terms, terms.last_day(), &mut features).await?;
    write(scope, &terms, &before, &features, outcomes).await
}

/// What a month makes of features, in their order, and the VAT rate of what is credited, where it is
/// needed and there.
struct Decided {
    outcomes: Vec<Outcome>,
    standard_percent: Option<Decimal>,
}

/// What a month that lasts until a day makes of features, in their order; nothing of those that do
/// not share it.
async fn decide(
    scope: &mut Scope,
    terms: &Terms,
    until: Date,
    features: &mut [Shared],
) -> Result<Decided, Error> {
    let counted = count(scope, terms.month, until, features).await?;
    let standard_percent = hold_without_rate(scope, terms, features).await?;
    let credited = features.iter_mut().map(|feature| {
        if !feature.shares(terms) {
            return Ok(Outcome::default());
        }
        let counted = counted.get(&feature.id).copied().unwrap_or_default();
        feature.credit(terms, counted)
    });
    Ok(Decided { outcomes: credited.collect::<Result<_, _>>()?, standard_percent })
}

/// Holds what needs a VAT rate that is missing: it is carried, and does not keep others from being
/// credited. Answers the rate.
async fn hold_without_rate(
    scope: &mut Scope,
    terms: &Terms,
    features: &mut [Shared],
) -> Result<Option<Decimal>, Error> {
    if !features.iter().any(Shared::needs_rate) {
        return Ok(None);
    }
    let found = match self_bill::standard_percent(scope, terms.month).await {
        Ok(percent) => Some(percent),
        Err(Error::Refused(_)) => None,
        Err(other) => return Err(other),
    };
    features.iter_mut().for_each(|feature| feature.hold_without_rate(found.is_none()));
    Ok(found)
}

/// What counts of features by the end of a day; where nothing was credited on a basis yet, also what
/// counted before its first month, which is this one or a later one.
async fn count(
    scope: &mut Scope,
    month: Date,
    until: Date,
    features: &mut [Shared],
) -> Result<HashMap<FeatureId, Counted>, Error> {
    let mut wanted: BTreeSet<Wanted> = BTreeSet::new();
    for feature in &*features {
        let (feature_id, retired_on) = (feature.id, feature.retired_on);
        let as_of =
            |day| Wanted { feature_id, day, sold_until: rules::sold_until(retired_on, day) };
        wanted.insert(as_of(until));
        wanted.extend(beginnings(feature, month).map(|(_, _, day)| as_of(day)));
    }
    let wanted: Vec<Wanted> = wanted.into_iter().collect();
    let mut sums: HashMap<(FeatureId, Date), Counted> = HashMap::with_capacity(wanted.len());
    let add = |feature, day, line: &rules::Line| -> Result<(), Error> {
        Ok(sums.entry((feature, day)).or_default().add(line)?)
    };
    store::share::each_line(&mut scope.tx, &wanted, add).await?;
    let at = |feature, day| sums.get(&(feature, day)).copied().unwrap_or_default();
    for feature in &mut *features {
        let begun: Vec<_> = beginnings(feature, month)
            .map(|(basis, currency, day)| {
                (basis, Money::new(at(feature.id, day).of(basis), currency))
            })
            .collect();
        feature.counted.extend(begun);
    }
    Ok(features.iter().map(|feature| (feature.id, at(feature.id, until))).collect())
}

/// The bases on which nothing of a feature was credited yet, each with the last day before its first
/// month: this month or, where its first investment was paid later, that one.
fn beginnings(feature: &Shared, month: Date) -> impl Iterator<Item = (Basis, Currency, Date)> {
    let missing = Basis::ALL.iter().filter(|basis| !feature.counted.contains_key(basis));
    missing.filter_map(move |basis| {
        let stakes = feature.stakes.iter().filter(|stake| stake.basis == *basis);
        let first = stakes.min_by_key(|stake| stake.funded_on)?;
        let begins = date::first_of_month(first.funded_on).max(month);
        Some((*basis, first.principal.currency(), date::add_days(begins, -1)))
    })
}

/// Writes a month, and issues the documents of what is credited.
async fn write(
    scope: &mut Scope,
    terms: &Terms,
    before: &[Shared],
    features: &[Shared],
    decided: Decided,
) -> Result<Done, Error> {
    let mut all = Outcome::default();
    let mut owned = Vec::new();
    for (feature, outcome) in features.iter().zip(decided.outcomes) {
        scope.announce(news(feature, &outcome, terms.issue_on));
        owned.extend(outcome.is_owned.then_some(feature.id));
        all.features.extend(outcome.features);
        all.investments.extend(outcome.investments);
        all.credits.extend(outcome.credits);
        all.forgone.extend(outcome.forgone);
    }
    if all.features.is_empty() {
        return Ok(Done { months: 1, ..Done::default() });
    }
    let (brought, got) = (&all.features, &all.investments);
    store::share::save_months(&mut scope.tx, terms.month, brought, got).await?;
    store::share::save(&mut scope.tx, &changed(before, features), &owned, terms.issue_on).await?;
    let entries = forgone(scope, terms, &all.forgone)?;
    let done = Done {
        months: 1,
        credits: all.credits.len() as u64,
        entries: entries.len() as u64,
        credited: totals(all.credits.iter().map(|credit| credit.amount)),
        ..Done::default()
    };
    self_bill::issue(scope, all.credits, decided.standard_percent, entries).await?;
    Ok(done)
}

/// The sums of amounts that are not nothing, one per currency.
#[must_use]
pub fn totals(amounts: impl IntoIterator<Item = Money>) -> Vec<Money> {
    let mut done = Done::default();
    for amount in amounts.into_iter().filter(|amount| !amount.is_zero()) {
        done.add(Done { credited: vec![amount], ..Done::default() });
    }
    done.credited
}

/// The investments that are not as they were.
fn changed<'a>(before: &[Shared], now: &'a [Shared]) -> Vec<&'a Stake> {
    let stakes = before.iter().flat_map(|feature| &feature.stakes);
    let before: HashMap<InvestmentId, &Stake> = stakes.map(|stake| (stake.id, stake)).collect();
    let stakes = now.iter().flat_map(|feature| &feature.stakes);
    stakes.filter(|stake| before.get(&stake.id) != Some(stake)).collect()
}

fn forgone(
    scope: &Scope,
    terms: &Terms,
    forgone: &[(InvestmentId, Money)],
) -> Result<Vec<Entry>, Error> {
    let ids = Sequence::new(scope.now);
    let entry = |(investment, amount): &(InvestmentId, Money)| {
        let id = EntryId(ids.next());
        forgone_entry(id, *investment, String::new(), terms.issue_on, *amount).map_err(|refused| {
            Error::fault(format!("investment {investment} does not post: {refused}"))
        })
    };
    forgone.iter().map(entry).collect()
}

/// What happened to the investments of a feature, as they stand now.
fn news(feature: &Shared, outcome: &Outcome, on: Date) -> Vec<News> {
    let of = |(id, kind): &(InvestmentId, _)| {
        let stake = feature.stakes.iter().find(|stake| stake.id == *id)?;
        Some(event::of_investment(*kind, on, stake.investor_id, facts(feature.id, stake)))
    };
    outcome.happened.iter().filter_map(of).collect()
}

fn facts(feature_id: FeatureId, stake: &Stake) -> InvestmentFacts {
    InvestmentFacts {
        id: stake.id,
        feature_id,
        state: stake.state,
        principal: stake.principal,
        cap: stake.cap,
        credited: stake.credited,
        share_percent: stake.share_percent,
    }
}

/// What features have brought after the last month that was credited, up to and including a day, on
/// each basis on which somebody has invested in them. Features that stopped sharing before are left
/// out.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn running(
    scope: &mut Scope,
    features: &[FeatureId],
    until: Date,
) -> Result<HashMap<(FeatureId, Basis), Money>, Error> {
    let Some(month) = store::share::next_month(&mut scope.tx).await? else {
        return Ok(HashMap::new());
    };
    let mut shared = store::share::read(&mut scope.tx, month, Some(features)).await?;
    let counted = count(scope, month, until, &mut shared).await?;
    let mut found = HashMap::new();
    for feature in &shared {
        let counted = counted.get(&feature.id).copied().unwrap_or_default();
        for (basis, before) in &feature.counted {
            let now = Money::new(counted.of(*basis), before.currency());
            found.insert((feature.id, *basis), now.checked_sub(*before)?);
        }
    }
    Ok(found)
}

/// What an investment would get of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Of which feature.
    pub feature_id: FeatureId,
    /// Whose it is.
    pub investor_id: CustomerId,
    /// What it would get.
    pub month: InvestmentMonth,
}

/// What would be credited for the months that are not credited yet, if the running one ended today:
/// the same decisions as [`credit_due`] makes, and nothing is written.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn preview(scope: &mut Scope) -> Result<Vec<Expected>, Error> {
    let mut expected = Vec::new();
    let Some(mut month) = store::share::next_month(&mut scope.tx).await? else {
        return Ok(expected);
    };
    let today = scope.today();
    let mut features = store::share::read(&mut scope.tx, month, None).await?;
    while month <= today {
        let terms = terms(scope, month);
        let until = terms.last_day().min(today);
        let decided = decide(scope, &terms, until, &mut features).await?;
        for (feature, outcome) in features.iter().zip(decided.outcomes) {
            let of = |month: InvestmentMonth| {
                let stake = feature.stakes.iter().find(|one| one.id == month.investment_id)?;
                let investor_id = stake.investor_id;
                Some(Expected { feature_id: feature.id, investor_id, month })
            };
            expected.extend(outcome.investments.into_iter().filter_map(of));
        }
        month = date::first_of_next_month(month);
    }
    Ok(expected)
}

/// The months of an investment that were credited, oldest first.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for a page token that is not of this list.
pub async fn months(
    scope: &mut Scope,
    id: InvestmentId,
    request: &PageRequest,
) -> Result<Page<InvestmentMonth>, Error> {
    store::investment::get(&mut scope.tx, id).await.or_missing("investment", id)?;
    let filters = id.0.into_bytes();
    let after = request.after(scope, "investment_months", &filters).await?;
    let after = after.and_then(date_of);
    let rows = store::share::list(&mut scope.tx, id, after, request.limit() + 1).await?;
    let place = |one: &InvestmentMonth| place_of(one.month);
    request.finish(scope, "investment_months", &filters, rows, place).await
}

/// A day as a place in a list, where places are ids.
fn place_of(day: Date) -> Uuid {
    Uuid::from_u128(u128::try_from(day.num_days_from_ce()).unwrap_or(0))
}

fn date_of(place: Uuid) -> Option<Date> {
    Date::from_num_days_from_ce_opt(i32::try_from(place.as_u128()).ok()?)
}
