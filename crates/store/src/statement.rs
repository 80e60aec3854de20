//! What investors see of their investments, read in a fixed number of statements.
//!
//! Invariants: read models only; nothing is written here. Sums are of everything, whatever range of
//! months is listed.
//!
//! What features bring is in [`course`], numbers for operators in [`gauge`].
//!
//! Deliberately absent: shares (`domain`).

pub mod course;
pub mod gauge;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date as SqlDate, Nullable, Numeric, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::feature::FeatureState;
use domain::id::{
    CustomerId, FeatureId, InvestmentId, InvoiceId, PayoutAccountId, PayoutId, SelfBillId,
};
use domain::investment::{Basis, InvestmentState, ShareTreatment};
use domain::money::{Currency, Money};
use domain::payout::PayoutState;
use domain::self_bill::{SelfBillAcceptance, SelfBillKind};
use rust_decimal::Decimal;

use crate::schema::payout_accounts;
use crate::{Result, Tx};

/// Whose investments to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// All of an investor.
    Investor(CustomerId),
    /// This one.
    Investment(InvestmentId),
}

/// An investment with its feature, and what was paid of it. Amounts in minor units of its currency,
/// without VAT.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Holding {
    /// Identity.
    #[diesel(sql_type = SqlUuid)]
    pub id: InvestmentId,
    /// Whose.
    #[diesel(sql_type = SqlUuid)]
    pub investor_id: CustomerId,
    /// In what.
    #[diesel(sql_type = SqlUuid)]
    pub feature_id: FeatureId,
    /// What that is called.
    #[diesel(sql_type = Text)]
    pub feature_title: String,
    /// Where that stands.
    #[diesel(sql_type = Text)]
    pub feature_state: FeatureState,
    /// Since when it is there.
    #[diesel(sql_type = Nullable<SqlDate>)]
    pub released_on: Option<Date>,
    /// Since when it is there no more.
    #[diesel(sql_type = Nullable<SqlDate>)]
    pub retired_on: Option<Date>,
    /// Since when it is the vendor's alone.
    #[diesel(sql_type = Nullable<SqlDate>)]
    pub owned_on: Option<Date>,
    /// In which everything is.
    #[diesel(sql_type = Text)]
    pub currency: Currency,
    /// What was invested.
    #[diesel(sql_type = BigInt)]
    pub principal: i64,
    /// Percent of the revenue.
    #[diesel(sql_type = Numeric)]
    pub share_percent: Decimal,
    /// Percent of the principal, beyond it.
    #[diesel(sql_type = Numeric)]
    pub return_percent: Decimal,
    /// What is credited at most.
    #[diesel(sql_type = BigInt)]
    pub cap: i64,
    /// When what others pay counts.
    #[diesel(sql_type = Text)]
    pub basis: Basis,
    /// How its payments are taxed.
    #[diesel(sql_type = Text)]
    pub vat_treatment: ShareTreatment,
    /// Where it stands.
    #[diesel(sql_type = Text)]
    pub state: InvestmentState,
    /// When it was proposed.
    #[diesel(sql_type = SqlDate)]
    pub proposed_on: Date,
    /// Since when its terms hold.
    #[diesel(sql_type = Nullable<SqlDate>)]
    pub accepted_on: Option<Date>,
    /// When it was given up.
    #[diesel(sql_type = Nullable<SqlDate>)]
    pub withdrawn_on: Option<Date>,
    /// Since when the feature may be sold to others, as far as this investor is concerned.
    #[diesel(sql_type = Nullable<SqlDate>)]
    pub consent_on: Option<Date>,
    /// The invoice of its principal.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub invoice_id: Option<InvoiceId>,
    /// When the principal was paid in full.
    #[diesel(sql_type = Nullable<SqlDate>)]
    pub funded_on: Option<Date>,
    /// When the principal was credited, the first time.
    #[diesel(sql_type = Nullable<SqlDate>)]
    pub recouped_on: Option<Date>,
    /// When everything was credited, the first time.
    #[diesel(sql_type = Nullable<SqlDate>)]
    pub completed_on: Option<Date>,
    /// What all credited months have accrued.
    #[diesel(sql_type = BigInt)]
    pub accrued: i64,
    /// What was credited of it.
    #[diesel(sql_type = BigInt)]
    pub credited: i64,
    /// Principal that will not be repaid.
    #[diesel(sql_type = BigInt)]
    pub forgone: i64,
    /// What was credited by documents that were paid out.
    #[diesel(sql_type = BigInt)]
    pub paid: i64,
    /// What was credited by documents of which the payout is on its way.
    #[diesel(sql_type = BigInt)]
    pub sent: i64,
}

/// Investments with their features, oldest first.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn holdings(tx: &mut Tx, of: Of) -> Result<Vec<Holding>> {
    let (investor, investment) = match of {
        Of::Investor(id) => (Some(id), None),
        Of::Investment(id) => (None, Some(id)),
    };
    let rows = diesel::sql_query(include_str!("statement/holdings.sql"))
        .bind::<SqlUuid, _>(tx.org())
        .bind::<Nullable<SqlUuid>, _>(investor)
        .bind::<Nullable<SqlUuid>, _>(investment)
        .load(tx.connection())
        .await?;
    Ok(rows)
}

/// What an investment got of a month. Amounts in minor units of its currency, without VAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Month {
    /// Of which investment.
    #[diesel(sql_type = SqlUuid)]
    pub investment_id: InvestmentId,
    /// Its first day.
    #[diesel(sql_type = SqlDate)]
    pub month: Date,
    /// What others paid for the feature.
    #[diesel(sql_type = BigInt)]
    pub revenue: i64,
    /// The investment's part of it; of all months to date.
    #[diesel(sql_type = BigInt)]
    pub accrual: i64,
    /// Of all months to date.
    #[diesel(sql_type = BigInt)]
    pub accrued: i64,
    /// What was credited.
    #[diesel(sql_type = BigInt)]
    pub credited: i64,
    /// The principal in it.
    #[diesel(sql_type = BigInt)]
    pub principal: i64,
    /// What was credited to date.
    #[diesel(sql_type = BigInt)]
    pub credited_total: i64,
    /// What is carried to the next month.
    #[diesel(sql_type = BigInt)]
    pub carried: i64,
}

/// The months of investments from one on, oldest first.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn months(tx: &mut Tx, ids: &[InvestmentId], from: Date) -> Result<Vec<Month>> {
    let rows = diesel::sql_query(
        "SELECT m.investment_id, m.month, m.revenue_minor AS revenue, m.accrual_minor AS accrual, \
             m.accrued_minor AS accrued, m.credited_minor AS credited, \
             m.principal_minor AS principal, m.credited_total_minor AS credited_total, \
             m.carried_minor AS carried \
         FROM investment_months m \
         WHERE m.org_id = $1 AND m.investment_id = ANY($2) AND m.month >= $3 \
         ORDER BY m.investment_id, m.month",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<SqlDate, _>(from)
    .load(tx.connection())
    .await?;
    Ok(rows)
}

/// A document of an investor with its payout.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Document {
    /// Identity.
    #[diesel(sql_type = SqlUuid)]
    pub id: SelfBillId,
    /// What it is.
    #[diesel(sql_type = Text)]
    pub kind: SelfBillKind,
    /// How it is taxed.
    #[diesel(sql_type = Text)]
    pub vat_treatment: ShareTreatment,
    /// The first day of the month that it credits, or in which it takes back.
    #[diesel(sql_type = SqlDate)]
    pub month: Date,
    /// Its date.
    #[diesel(sql_type = SqlDate)]
    pub issue_on: Date,
    /// Its number; an advice and a statement have none.
    #[diesel(sql_type = Nullable<Text>)]
    pub number: Option<String>,
    /// In which its amounts are.
    #[diesel(sql_type = Text)]
    pub currency: Currency,
    /// Without VAT, in minor units; below zero: it takes back.
    #[diesel(sql_type = BigInt)]
    pub net: i64,
    /// VAT, in minor units; with that of the investor's own invoice.
    #[diesel(sql_type = BigInt)]
    pub tax: i64,
    /// What it takes back or stands for: a document that was rejected.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub corrects_id: Option<SelfBillId>,
    /// Whether the investor agrees.
    #[diesel(sql_type = Text)]
    pub acceptance: SelfBillAcceptance,
    /// The day from which silence agrees.
    #[diesel(sql_type = Nullable<SqlDate>)]
    pub accepts_on: Option<Date>,
    /// The number of the investor's own invoice.
    #[diesel(sql_type = Nullable<Text>)]
    pub own_number: Option<String>,
    /// Its payout.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub payout_id: Option<PayoutId>,
    /// Where that stands.
    #[diesel(sql_type = Nullable<Text>)]
    pub payout_state: Option<PayoutState>,
    /// Including VAT, in minor units.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub payout: Option<i64>,
    /// What of the document is not paid, because more was paid before than is due.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub set_off: Option<i64>,
    /// When it was handed to the bank last.
    #[diesel(sql_type = Nullable<SqlDate>)]
    pub sent_on: Option<Date>,
    /// When it arrived.
    #[diesel(sql_type = Nullable<SqlDate>)]
    pub settled_on: Option<Date>,
}

/// The documents of an investor that are of a month or later, oldest first.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn documents(tx: &mut Tx, investor: CustomerId, from: Date) -> Result<Vec<Document>> {
    let rows = diesel::sql_query(
        "SELECT b.id, b.kind, b.vat_treatment, b.month, b.issue_on, b.number, b.currency, \
             b.net_minor AS net, b.tax_minor + coalesce(b.own_tax_minor, 0) AS tax, b.corrects_id, \
             b.acceptance, b.accepts_on, b.own_number, p.id AS payout_id, p.state AS payout_state, \
             p.amount_minor AS payout, p.set_off_minor AS set_off, p.sent_on, p.settled_on \
         FROM self_bills b LEFT JOIN payouts p ON p.org_id = $1 AND p.self_bill_id = b.id \
         WHERE b.org_id = $1 AND b.investor_id = $2 AND b.month >= $3 \
         ORDER BY b.issue_on, b.id",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlUuid, _>(investor)
    .bind::<SqlDate, _>(from)
    .load(tx.connection())
    .await?;
    Ok(rows)
}

/// Which investments a document credits, or takes back from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Line {
    /// The document.
    #[diesel(sql_type = SqlUuid)]
    pub self_bill_id: SelfBillId,
    /// The investment.
    #[diesel(sql_type = SqlUuid)]
    pub investment_id: InvestmentId,
}

/// The lines of an investor's documents that are of a month or later.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn lines(tx: &mut Tx, investor: CustomerId, from: Date) -> Result<Vec<Line>> {
    let rows = diesel::sql_query(
        "SELECT l.self_bill_id, l.investment_id FROM self_bill_lines l \
         JOIN self_bills b ON b.org_id = $1 AND b.id = l.self_bill_id \
         WHERE l.org_id = $1 AND b.investor_id = $2 AND b.month >= $3",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlUuid, _>(investor)
    .bind::<SqlDate, _>(from)
    .load(tx.connection())
    .await?;
    Ok(rows)
}

/// What an investor was credited and paid in a currency, including VAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gross {
    /// What all documents say: credits less what was taken back.
    pub credited: Money,
    /// What has arrived.
    pub paid: Money,
    /// What is on its way.
    pub sent: Money,
}

#[derive(QueryableByName)]
struct GrossRow {
    #[diesel(sql_type = Text)]
    currency: Currency,
    #[diesel(sql_type = BigInt)]
    credited: i64,
    #[diesel(sql_type = BigInt)]
    paid: i64,
    #[diesel(sql_type = BigInt)]
    sent: i64,
}

/// What an investor was credited and paid of all times, by currency.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn gross(tx: &mut Tx, investor: CustomerId) -> Result<Vec<Gross>> {
    let rows: Vec<GrossRow> = diesel::sql_query(
        "SELECT b.currency, sum(b.total_minor + coalesce(b.own_tax_minor, 0))::bigint AS credited, \
             coalesce(sum(p.amount_minor) FILTER (WHERE p.state = 'settled'), 0)::bigint AS paid, \
             coalesce(sum(p.amount_minor) FILTER (WHERE p.state = 'sent'), 0)::bigint AS sent \
         FROM self_bills b LEFT JOIN payouts p ON p.org_id = $1 AND p.self_bill_id = b.id \
         WHERE b.org_id = $1 AND b.investor_id = $2 GROUP BY b.currency ORDER BY b.currency",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<SqlUuid, _>(investor)
    .load(tx.connection())
    .await?;
    let gross = |row: GrossRow| {
        let money = |minor| Money::new(minor, row.currency);
        Gross { credited: money(row.credited), paid: money(row.paid), sent: money(row.sent) }
    };
    Ok(rows.into_iter().map(gross).collect())
}

/// Where an investor's money goes, as far as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Identity.
    pub id: PayoutAccountId,
    /// In whose name.
    pub holder: String,
    /// Country and last four characters.
    pub masked: String,
    /// Since when.
    pub set_on: Date,
}

/// The account of an investor.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn account(tx: &mut Tx, investor: CustomerId) -> Result<Option<Account>> {
    use payout_accounts as a;
    let found = a::table
        .filter(a::org_id.eq(tx.org()))
        .filter(a::investor_id.eq(investor))
        .filter(a::ended_on.is_null())
        .select((a::id, a::holder, a::masked_account, a::set_on))
        .first::<(PayoutAccountId, String, String, Date)>(tx.connection())
        .await
        .optional()?;
    Ok(found.map(|(id, holder, masked, set_on)| Account { id, holder, masked, set_on }))
}
