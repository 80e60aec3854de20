//! What investors see: statement and forecast.
//!
//! Purpose: everything an investor's dashboard shows, in one call and a fixed number of statements
//! whatever the number of investments; and the months in which one will be recouped and completed.
//!
//! Invariants: nothing is written. Credited + awaiting + expected never exceed the cap. Sums are of
//! all times; months and documents are listed as far back as [`LISTED_MONTHS`].
//!
//! What is expected of the running month, exactly: what counts in it already (of payments, of
//! invoices, or of payments that turn 56 days old in it, as the basis says); what would count if
//! the invoices issued in it were paid in full (`collected`); and what the periods of what is in
//! force today would bring that are billed until its end (`collected` and `invoiced`), at their
//! monthly worth, without usage. Of customers who did not fund the feature. Times the share, and
//! no more than is left ([`domain::forecast::Stake::expected`]).
//!
//! Deliberately absent: crediting ([`crate::share`]).

mod known;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::Months;
use domain::date::{self, Date};
use domain::forecast::{self, Outlook, Stake};
use domain::id::{CustomerId, FeatureId, InvestmentId, SelfBillId};
use domain::investment::{Agreement, InvestmentState, in_force};
use domain::money::{Currency, Money};
use domain::payout::PayoutState;
use domain::self_bill::SelfBillKind;
use rust_decimal::Decimal;
use store::statement::{self as rows, Of};

pub use store::statement::{Account, Document, Holding, Month};

use self::known::Known;
use crate::Scope;
use crate::error::{Error, Expect};

/// Twenty years: more than any bookkeeping has to keep, and few enough for one answer.
pub const LISTED_MONTHS: u32 = 240;

/// Everything an investor sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Whose.
    pub investor_id: CustomerId,
    /// Who that is.
    pub name: String,
    /// As of this day.
    pub as_of: Date,
    /// The first day of the month that is credited next.
    pub next_month: Option<Date>,
    /// Everything together, by currency.
    pub totals: Vec<Total>,
    /// Every investment, oldest first.
    pub investments: Vec<Position>,
    /// Documents, newest first.
    pub documents: Vec<Document>,
    /// By what the vendor issues the investor's invoices today.
    pub agreement: Option<Agreement>,
    /// Where the money goes.
    pub account: Option<Account>,
}

/// Where an investment stands, without VAT; or several together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// The principal, once it was paid.
    pub invested: Money,
    /// What is credited at most, of what was paid.
    pub cap: Money,
    /// What was credited.
    pub credited: Money,
    /// The principal in it.
    pub repaid: Money,
    /// What is credited next if the running month brings nothing: carried, or of months that are
    /// over.
    pub awaiting: Money,
    /// What the running month is expected to add.
    pub expected: Money,
    /// What of the credited has arrived.
    pub paid: Money,
    /// What of it is being paid now.
    pub sent: Money,
    /// What of it is to be paid; below zero: more was paid than is due.
    pub to_pay: Money,
    /// What is left to credit.
    pub left: Money,
}

/// All investments in a currency together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// Without VAT.
    pub figures: Figures,
    /// Credited in percent of the cap.
    pub percentage: Decimal,
    /// What was credited, with VAT.
    pub credited_gross: Money,
    /// What has arrived, with VAT.
    pub paid_gross: Money,
    /// What is being paid now, with VAT.
    pub sent_gross: Money,
    /// What is owed and not on its way, with VAT: the investor's part of account 1600.
    pub payable_gross: Money,
}

/// An investment as its investor sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Its terms, states and dates.
    pub holding: Holding,
    /// Its amounts.
    pub figures: Figures,
    /// Credited in percent of the cap.
    pub percentage: Decimal,
    /// The running month so far, and to come.
    pub running: Running,
    /// Customers that have the feature today, without those who funded it.
    pub customers: i64,
    /// When it will be recouped and completed; nothing once it was given up.
    pub outlooks: Vec<Outlook>,
    /// Month by month, oldest first.
    pub months: Vec<MonthRow>,
}

/// What the running month brings a feature, and of it the investment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// What others paid so far, as the basis counts it.
    pub revenue: Money,
    /// The investment's part of it.
    pub part: Money,
    /// What is still expected.
    pub to_come: Money,
}

/// A month with the document that credited it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthRow {
    /// The month.
    pub month: Month,
    /// The document that stands, if something was credited.
    pub document: Option<SelfBillId>,
    /// Its number.
    pub number: Option<String>,
    /// Where its payout stands.
    pub payout_state: Option<PayoutState>,
}

/// The forecast of one investment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// Which.
    pub investment_id: InvestmentId,
    /// As of this day.
    pub as_of: Date,
    /// What the last complete months brought, oldest first, with their first days.
    pub months: Vec<(Date, Money)>,
    /// On each assumption.
    pub outlooks: Vec<Outlook>,
}

/// Everything an investor sees today.
///
/// # Errors
/// [`Error::NotFound`] when there is no such customer. One without investments has an empty
/// statement.
pub async fn of_investor(scope: &mut Scope, investor: CustomerId) -> Result<Statement, Error> {
    let found = store::customer::get(&mut scope.tx, investor).await;
    let name = found.or_missing("customer", investor)?.name;
    let today = scope.today();
    let from = date::first_of_month(today) - Months::new(LISTED_MONTHS);
    let holdings = rows::holdings(&mut scope.tx, Of::Investor(investor)).await?;
    let known = Known::load(scope, &holdings).await?;
    let ids: Vec<InvestmentId> = holdings.iter().map(|one| one.id).collect();
    let months = rows::months(&mut scope.tx, &ids, from).await?;
    let mut documents = rows::documents(&mut scope.tx, investor, from).await?;
    let lines = rows::lines(&mut scope.tx, investor, from).await?;
    let gross = rows::gross(&mut scope.tx, investor).await?;
    let agreements = store::investment::agreements(&mut scope.tx, &[investor]).await?;
    let agreement = in_force(&agreements, today).cloned();
    let account = rows::account(&mut scope.tx, investor).await?;
    let crediting = Crediting::of(&documents, &lines);
    let mut months_of: HashMap<InvestmentId, Vec<MonthRow>> = HashMap::new();
    for month in months {
        months_of.entry(month.investment_id).or_default().push(crediting.row(month));
    }
    let mut investments = Vec::with_capacity(holdings.len());
    for holding in holdings {
        let months = months_of.remove(&holding.id).unwrap_or_default();
        investments.push(position(&known, holding, months)?);
    }
    let totals = totals(&investments, &gross)?;
    let next_month = known.next_month;
    documents.reverse();
    Ok(Statement {
        investor_id: investor,
        name,
        as_of: today,
        next_month,
        totals,
        investments,
        documents,
        agreement,
        account,
    })
}

/// In which months an investment will be recouped and completed. One that is not funded yet is taken
/// as if it were, from the running month on.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] when it was withdrawn.
pub async fn forecast(scope: &mut Scope, id: InvestmentId) -> Result<Forecast, Error> {
    let mut found = rows::holdings(&mut scope.tx, Of::Investment(id)).await?;
    let holding = found.pop().ok_or_else(|| Error::not_found("investment", id))?;
    if holding.state == InvestmentState::Withdrawn {
        let message = format!("investment {id} was withdrawn: nothing will be credited to it");
        return Err(Error::refused("INVESTMENT_WITHDRAWN", message));
    }
    let known = Known::load(scope, std::slice::from_ref(&holding)).await?;
    let stake = known.stake(&holding)?;
    let outlooks = forecast::outlooks(&known.course(&holding)?, &stake)?;
    let months = known.months_of(&holding)?;
    Ok(Forecast { investment_id: id, as_of: scope.today(), months, outlooks })
}

fn position(known: &Known, holding: Holding, months: Vec<MonthRow>) -> Result<Position, Error> {
    let stake = known.stake(&holding)?;
    let running = known.running(&holding, &stake)?;
    let figures = figures(known, &holding, &stake, running)?;
    let outlooks = match holding.state {
        InvestmentState::Withdrawn => Vec::new(),
        _ => forecast::outlooks(&known.course(&holding)?, &stake)?,
    };
    Ok(Position {
        percentage: forecast::percentage(figures.credited, stake.cap),
        customers: known.customers(holding.feature_id),
        figures,
        running,
        outlooks,
        months,
        holding,
    })
}

fn figures(
    known: &Known,
    holding: &Holding,
    stake: &Stake,
    running: Running,
) -> Result<Figures, Error> {
    let money = |minor| Money::new(minor, holding.currency);
    let credited = money(holding.credited);
    let is_funded = holding.funded_on.is_some();
    let goes_on = is_funded && !known.is_over(holding);
    let only = |is: bool, amount: Money| if is { amount } else { money(0) };
    let to_come = running.part.checked_add(running.to_come)?;
    let repaid = money(holding.credited.min(holding.principal));
    Ok(Figures {
        invested: only(is_funded, stake.principal),
        cap: only(is_funded, stake.cap),
        credited,
        repaid,
        awaiting: only(goes_on, stake.awaiting()),
        expected: only(goes_on, stake.expected(to_come)),
        paid: money(holding.paid),
        sent: money(holding.sent),
        to_pay: credited.checked_sub(money(holding.paid))?.checked_sub(money(holding.sent))?,
        left: only(goes_on, stake.cap.checked_sub(credited)?),
    })
}

impl Figures {
    fn zero(currency: Currency) -> Self {
        let nothing = Money::zero(currency);
        Self {
            invested: nothing,
            cap: nothing,
            credited: nothing,
            repaid: nothing,
            awaiting: nothing,
            expected: nothing,
            paid: nothing,
            sent: nothing,
            to_pay: nothing,
            left: nothing,
        }
    }

    fn add(&mut self, other: &Self) -> Result<(), Error> {
        self.invested = self.invested.checked_add(other.invested)?;
        self.cap = self.cap.checked_add(other.cap)?;
        self.credited = self.credited.checked_add(other.credited)?;
        self.repaid = self.repaid.checked_add(other.repaid)?;
        self.awaiting = self.awaiting.checked_add(other.awaiting)?;
        self.expected = self.expected.checked_add(other.expected)?;
        self.paid = self.paid.checked_add(other.paid)?;
        self.sent = self.sent.checked_add(other.sent)?;
        self.to_pay = self.to_pay.checked_add(other.to_pay)?;
        self.left = self.left.checked_add(other.left)?;
        Ok(())
    }
}

fn totals(positions: &[Position], gross: &[rows::Gross]) -> Result<Vec<Total>, Error> {
    let mut sums: BTreeMap<Currency, Figures> = BTreeMap::new();
    for position in positions {
        let currency = position.holding.currency;
        sums.entry(currency).or_insert_with(|| Figures::zero(currency)).add(&position.figures)?;
    }
    let total = |(currency, figures): (Currency, Figures)| {
        let nothing = Money::zero(currency);
        let gross = gross.iter().find(|one| one.credited.currency() == currency);
        let (credited, paid, sent) =
            gross.map_or((nothing, nothing, nothing), |one| (one.credited, one.paid, one.sent));
        Ok(Total {
            percentage: forecast::percentage(figures.credited, figures.cap),
            figures,
            credited_gross: credited,
            paid_gross: paid,
            sent_gross: sent,
            payable_gross: credited.checked_sub(paid)?.checked_sub(sent)?,
        })
    };
    sums.into_iter().map(total).collect()
}

/// Which documents credited which month of which investment.
struct Crediting<'a> {
    of: HashMap<(InvestmentId, Date), Vec<&'a Document>>,
    /// What was rejected, and has another document in its place.
    replaced: HashSet<SelfBillId>,
}

impl<'a> Crediting<'a> {
    fn of(documents: &'a [Document], lines: &[rows::Line]) -> Self {
        let credits: HashMap<SelfBillId, &Document> = documents
            .iter()
            .filter(|one| one.net > 0 && one.kind != SelfBillKind::CreditNote)
            .map(|one| (one.id, one))
            .collect();
        let mut of: HashMap<(InvestmentId, Date), Vec<&Document>> = HashMap::new();
        for line in lines {
            if let Some(document) = credits.get(&line.self_bill_id) {
                of.entry((line.investment_id, document.month)).or_default().push(document);
            }
        }
        let replaced = credits.values().filter_map(|one| one.corrects_id).collect();
        Self { of, replaced }
    }

    fn row(&self, month: Month) -> MonthRow {
        let documents = self.of.get(&(month.investment_id, month.month));
        let documents = documents.map(Vec::as_slice).unwrap_or_default();
        let stands = documents.iter().find(|one| !self.replaced.contains(&one.id));
        // What was sent before it was rejected stays the payout of what stands in its place.
        let states = documents.iter().filter_map(|one| one.payout_state);
        MonthRow {
            month,
            document: stands.map(|one| one.id),
            number: stands.and_then(|one| one.number.clone()),
            payout_state: states.reduce(|one, other| match one {
                PayoutState::Cancelled => other,
                _ => one,
            }),
        }
    }
}

/// The feature of every one of these, each once.
fn features(holdings: &[Holding]) -> Vec<FeatureId> {
    let mut ids: Vec<FeatureId> = holdings.iter().map(|one| one.feature_id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
