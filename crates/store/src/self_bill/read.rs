//! Documents of credits, read for people, held and answered.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{CustomerId, InvestmentId, SelfBillId};
use domain::investment::ShareTreatment;
use domain::invoice::Party;
use domain::money::{Currency, Money};
use domain::self_bill::{Line, OwnInvoice, SelfBill, SelfBillAcceptance, SelfBillKind};
use domain::vat::{LineVat, VatClass};
use rust_decimal::Decimal;

use super::Number;
use crate::schema::{self_bill_lines, self_bills};
use crate::{Error, Result, Tx};

/// A document as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Everything on it.
    pub bill: SelfBill,
    /// Its number; of invoices and credit notes.
    pub number: Option<Number>,
    /// The investor on the day of issue.
    pub supplier: Party,
    /// The vendor on the day of issue.
    pub buyer: Party,
}

/// Which documents to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this investor.
    pub investor_id: Option<CustomerId>,
    /// Only those with a line of this investment.
    pub investment_id: Option<InvestmentId>,
    /// Only these.
    pub kind: Option<SelfBillKind>,
    /// Only those that stand so with their investor.
    pub acceptance: Option<SelfBillAcceptance>,
    /// Only those of this month, by its first day.
    pub month: Option<Date>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = self_bills, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: SelfBillId,
    investor_id: CustomerId,
    kind: SelfBillKind,
    vat_treatment: ShareTreatment,
    currency: Currency,
    month: Date,
    issue_on: Date,
    year: Option<i32>,
    sequence: Option<i64>,
    number: Option<String>,
    net_minor: i64,
    tax_minor: i64,
    total_minor: i64,
    supplier: serde_json::Value,
    buyer: serde_json::Value,
    corrects_id: Option<SelfBillId>,
    reason: Option<String>,
    acceptance: SelfBillAcceptance,
    accepts_on: Option<Date>,
    own_number: Option<String>,
    own_issue_on: Option<Date>,
    own_tax_minor: Option<i64>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = self_bill_lines, check_for_backend(diesel::pg::Pg))]
struct LineRow {
    self_bill_id: SelfBillId,
    investment_id: InvestmentId,
    description: String,
    revenue_minor: Option<i64>,
    share_percent: Decimal,
    net_minor: i64,
    principal_minor: i64,
    vat_class: VatClass,
    vat_percent: Decimal,
}

impl LineRow {
    fn line(self, currency: Currency) -> Line {
        let amount = |minor| Money::new(minor, currency);
        Line {
            investment_id: self.investment_id,
            description: self.description,
            revenue: self.revenue_minor.map(amount),
            share_percent: self.share_percent,
            net: amount(self.net_minor),
            principal: amount(self.principal_minor),
        }
    }
}

impl Row {
    fn kept(self, lines: Vec<LineRow>) -> Result<Kept> {
        let amount = |minor| Money::new(minor, self.currency);
        let first =
            <[LineRow]>::first(&lines).ok_or_else(|| Error::corrupt("a document without lines"))?;
        let vat = LineVat { class: first.vat_class, percent: first.vat_percent };
        let own = match (self.own_number, self.own_issue_on, self.own_tax_minor) {
            (Some(number), Some(issue_on), Some(tax)) => {
                Some(OwnInvoice { number, issue_on, tax: amount(tax) })
            }
            _ => None,
        };
        let number = match (self.year, self.sequence, self.number) {
            (Some(year), Some(sequence), Some(text)) => Some(Number { year, sequence, text }),
            _ => None,
        };
        let bill = SelfBill {
            id: self.id,
            investor_id: self.investor_id,
            kind: self.kind,
            vat_treatment: self.vat_treatment,
            month: self.month,
            issue_on: self.issue_on,
            vat,
            lines: lines.into_iter().map(|line| line.line(self.currency)).collect(),
            net: amount(self.net_minor),
            tax: amount(self.tax_minor),
            total: amount(self.total_minor),
            corrects: self.corrects_id,
            reason: self.reason,
            acceptance: self.acceptance,
            accepts_on: self.accepts_on,
            own,
        };
        let supplier = serde_json::from_value(self.supplier).map_err(Error::corrupt)?;
        let buyer = serde_json::from_value(self.buyer).map_err(Error::corrupt)?;
        Ok(Kept { bill, number, supplier, buyer })
    }
}

/// Documents with their lines, in one more query.
async fn whole(tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<Kept>> {
    let ids: Vec<SelfBillId> = rows.iter().map(|row| row.id).collect();
    let found: Vec<LineRow> = self_bill_lines::table
        .filter(self_bill_lines::org_id.eq(tx.org()))
        .filter(self_bill_lines::self_bill_id.eq_any(&ids))
        .order((self_bill_lines::self_bill_id, self_bill_lines::position))
        .select(LineRow::as_select())
        .load(tx.connection())
        .await?;
    let mut lines: HashMap<SelfBillId, Vec<LineRow>> = HashMap::with_capacity(ids.len());
    for line in found {
        lines.entry(line.self_bill_id).or_default().push(line);
    }
    let kept = rows.into_iter().map(|row| {
        let own = lines.remove(&row.id).unwrap_or_default();
        row.kept(own)
    });
    kept.collect()
}

async fn only(tx: &mut Tx, rows: Vec<Row>) -> Result<Kept> {
    whole(tx, rows).await?.pop().ok_or(Error::NotFound)
}

/// A document.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(tx: &mut Tx, id: SelfBillId) -> Result<Kept> {
    let rows = self_bills::table
        .filter(self_bills::org_id.eq(tx.org()))
        .filter(self_bills::id.eq(id))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    only(tx, rows).await
}

/// A document, held until the end of the transaction. Whoever changes its payout holds it first.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Contention`].
pub async fn lock(tx: &mut Tx, id: SelfBillId) -> Result<Kept> {
    let rows = self_bills::table
        .filter(self_bills::org_id.eq(tx.org()))
        .filter(self_bills::id.eq(id))
        .select(Row::as_select())
        .for_no_key_update()
        .load(tx.connection())
        .await?;
    only(tx, rows).await
}

/// Many documents, in no order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn get_many(tx: &mut Tx, ids: &[SelfBillId]) -> Result<Vec<Kept>> {
    let rows = self_bills::table
        .filter(self_bills::org_id.eq(tx.org()))
        .filter(self_bills::id.eq_any(ids))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    whole(tx, rows).await
}

/// The advice that took the place of a rejected document.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn advice_of(tx: &mut Tx, rejected: SelfBillId) -> Result<Kept> {
    let rows = self_bills::table
        .filter(self_bills::org_id.eq(tx.org()))
        .filter(self_bills::corrects_id.eq(rejected))
        .filter(self_bills::kind.eq(SelfBillKind::Advice))
        .select(Row::as_select())
        .for_no_key_update()
        .load(tx.connection())
        .await?;
    only(tx, rows).await
}

/// The documents that credit an investment, newest first.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn crediting(tx: &mut Tx, investment: InvestmentId) -> Result<Vec<Kept>> {
    let lines = self_bill_lines::table
        .filter(self_bill_lines::org_id.eq(tx.org()))
        .filter(self_bill_lines::investment_id.eq(investment))
        .filter(self_bill_lines::net_minor.gt(0))
        .select(self_bill_lines::self_bill_id);
    let rows = self_bills::table
        .filter(self_bills::org_id.eq(tx.org()))
        .filter(self_bills::id.eq_any(lines))
        .order((self_bills::issue_on.desc(), self_bills::id.desc()))
        .select(Row::as_select())
        .load(tx.connection())
        .await?;
    whole(tx, rows).await
}

/// Documents after an id, in order.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(
    tx: &mut Tx,
    filter: Filter,
    after: Option<SelfBillId>,
    limit: i64,
) -> Result<Vec<Kept>> {
    use self_bills as b;
    let mut query = b::table.filter(b::org_id.eq(tx.org())).into_boxed();
    if let Some(after) = after {
        query = query.filter(b::id.gt(after));
    }
    if let Some(investor_id) = filter.investor_id {
        query = query.filter(b::investor_id.eq(investor_id));
    }
    if let Some(investment_id) = filter.investment_id {
        let with_line = self_bill_lines::table
            .filter(self_bill_lines::org_id.eq(tx.org()))
            .filter(self_bill_lines::investment_id.eq(investment_id))
            .select(self_bill_lines::self_bill_id);
        query = query.filter(b::id.eq_any(with_line));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(b::kind.eq(kind));
    }
    if let Some(acceptance) = filter.acceptance {
        query = query.filter(b::acceptance.eq(acceptance));
    }
    if let Some(month) = filter.month {
        query = query.filter(b::month.eq(month));
    }
    let rows =
        query.order(b::id).limit(limit).select(Row::as_select()).load(tx.connection()).await?;
    whole(tx, rows).await
}

/// Saves what an investor answered; nothing else about a document changes.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn save(tx: &mut Tx, bill: &SelfBill) -> Result<()> {
    use self_bills as b;
    let own = bill.own.as_ref();
    let answer = (
        b::acceptance.eq(bill.acceptance),
        b::own_number.eq(own.map(|own| own.number.as_str())),
        b::own_issue_on.eq(own.map(|own| own.issue_on)),
        b::own_tax_minor.eq(own.map(|own| own.tax.minor())),
    );
    let row = b::table.filter(b::org_id.eq(tx.org())).filter(b::id.eq(bill.id));
    diesel::update(row).set(answer).execute(tx.connection()).await?;
    Ok(())
}

/// Lets silence agree with every document whose day has come; answers how many.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn accept_silent(tx: &mut Tx, today: Date) -> Result<usize> {
    use self_bills as b;
    let due = b::table
        .filter(b::org_id.eq(tx.org()))
        .filter(b::acceptance.eq(SelfBillAcceptance::Waiting))
        .filter(b::accepts_on.le(today));
    let accepted = b::acceptance.eq(SelfBillAcceptance::Accepted);
    Ok(diesel::update(due).set(accepted).execute(tx.connection()).await?)
}

/// Whether silence agrees with a document on or before a day.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn is_silence_due(tx: &mut Tx, today: Date) -> Result<bool> {
    use self_bills as b;
    let due = b::table
        .filter(b::org_id.eq(tx.org()))
        .filter(b::acceptance.eq(SelfBillAcceptance::Waiting))
        .filter(b::accepts_on.le(today));
    Ok(diesel::select(diesel::dsl::exists(due)).get_result(tx.connection()).await?)
}
