//! Documents of credits, written with their lines; and the investors whose they are.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Date as SqlDate, Integer, Jsonb, Nullable, Numeric, Text, Timestamptz,
    Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::id::{AgreementId, CustomerId};
use domain::investment::{Acceptance, Agreement};
use domain::invoice::Party;
use domain::organization::Language;
use domain::self_bill::{Line, SelfBill};

use super::{Number, Supplier};
use crate::organization::address;
use crate::{Error, Result, Tx};

/// A document to write.
#[derive(Debug, Clone)]
pub struct NewSelfBill {
    /// Everything on it.
    pub bill: SelfBill,
    /// Its number; of invoices and credit notes.
    pub number: Option<Number>,
    /// The investor as it is on the day of issue.
    pub supplier: Party,
}

#[derive(QueryableByName)]
struct SupplierRow {
    #[diesel(sql_type = SqlUuid)]
    investor_id: CustomerId,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    address: serde_json::Value,
    #[diesel(sql_type = Nullable<Text>)]
    vat_number: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    language: Option<Language>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    agreement_id: Option<AgreementId>,
    #[diesel(sql_type = Nullable<SqlDate>)]
    signed_on: Option<Date>,
    #[diesel(sql_type = Nullable<SqlDate>)]
    valid_until: Option<Date>,
    #[diesel(sql_type = Nullable<Text>)]
    acceptance: Option<Acceptance>,
    #[diesel(sql_type = Nullable<Integer>)]
    silent_days: Option<i32>,
    #[diesel(sql_type = Nullable<Text>)]
    number_prefix: Option<String>,
}

impl TryFrom<SupplierRow> for Supplier {
    type Error = Error;

    fn try_from(row: SupplierRow) -> Result<Self> {
        let days = row.silent_days.map(u32::try_from).transpose().map_err(Error::corrupt)?;
        let agreement = match (row.agreement_id, row.signed_on, row.acceptance, row.number_prefix) {
            (Some(id), Some(signed_on), Some(acceptance), Some(number_prefix)) => Some(Agreement {
                id,
                investor_id: row.investor_id,
                signed_on,
                valid_until: row.valid_until,
                acceptance,
                silent_days: days,
                number_prefix,
            }),
            _ => None,
        };
        let party = Party {
            name: row.name,
            address: address(row.address)?,
            vat_number: row.vat_number,
            registration_number: None,
            iban: None,
            email: row.email,
            language: row.language,
            small_business: false,
        };
        Ok(Self { party, agreement })
    }
}

/// Investors with the agreements that they signed last, until a day: one statement.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn suppliers(
    tx: &mut Tx,
    investors: &[CustomerId],
    on: Date,
) -> Result<HashMap<CustomerId, Supplier>> {
    let rows: Vec<SupplierRow> = diesel::sql_query(
        "SELECT c.id AS investor_id, c.name, c.address, c.vat_number, c.email, c.language, \
                a.id AS agreement_id, a.signed_on, a.valid_until, a.acceptance, a.silent_days, \
                a.number_prefix \
         FROM customers c LEFT JOIN LATERAL ( \
             SELECT g.* FROM self_billing_agreements g \
             WHERE g.org_id = $1 AND g.investor_id = c.id AND g.signed_on <= $3 \
             ORDER BY g.signed_on DESC LIMIT 1) a ON true \
         WHERE c.org_id = $1 AND c.id = ANY($2)",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(investors)
    .bind::<SqlDate, _>(on)
    .load(tx.connection())
    .await?;
    rows.into_iter().map(|row| Ok((row.investor_id, row.try_into()?))).collect()
}

/// Writes documents with their lines: two statements whatever their number.
///
/// # Errors
/// [`Error::Exists`] when the month of an investor was credited before, or a number is taken; it
/// names the constraint.
pub async fn insert(
    tx: &mut Tx,
    buyer: &Party,
    documents: &[NewSelfBill],
    created_at: DateTime<Utc>,
) -> Result<()> {
    if documents.is_empty() {
        return Ok(());
    }
    insert_headers(tx, buyer, documents, created_at).await?;
    insert_lines(tx, documents).await
}

fn each<T>(documents: &[NewSelfBill], of: impl Fn(&SelfBill) -> T) -> Vec<T> {
    documents.iter().map(|one| of(&one.bill)).collect()
}

fn numbers<'a, T>(documents: &'a [NewSelfBill], of: impl Fn(&'a Number) -> T) -> Vec<Option<T>> {
    documents.iter().map(|one| one.number.as_ref().map(&of)).collect()
}

async fn insert_headers(
    tx: &mut Tx,
    buyer: &Party,
    documents: &[NewSelfBill],
    created_at: DateTime<Utc>,
) -> Result<()> {
    let buyer = serde_json::to_value(buyer).map_err(Error::corrupt)?;
    let suppliers = documents.iter().map(|one| serde_json::to_value(&one.supplier));
    let suppliers = suppliers.collect::<Result<Vec<_>, _>>().map_err(Error::corrupt)?;
    let reasons: Vec<_> = documents.iter().map(|one| one.bill.reason.as_deref()).collect();
    diesel::sql_query(
        "INSERT INTO self_bills (org_id, buyer, created_at, id, investor_id, kind, vat_treatment, \
         currency, month, issue_on, year, sequence, number, net_minor, tax_minor, total_minor, \
         supplier, corrects_id, reason, acceptance, accepts_on) SELECT $1, $2, $3, u.* \
         FROM unnest($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
                     $20, $21) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Jsonb, _>(buyer)
    .bind::<Timestamptz, _>(created_at)
    .bind::<Array<SqlUuid>, _>(each(documents, |one| one.id))
    .bind::<Array<SqlUuid>, _>(each(documents, |one| one.investor_id))
    .bind::<Array<Text>, _>(each(documents, |one| one.kind))
    .bind::<Array<Text>, _>(each(documents, |one| one.vat_treatment))
    .bind::<Array<Text>, _>(each(documents, |one| one.total.currency()))
    .bind::<Array<SqlDate>, _>(each(documents, |one| one.month))
    .bind::<Array<SqlDate>, _>(each(documents, |one| one.issue_on))
    .bind::<Array<Nullable<Integer>>, _>(numbers(documents, |one| one.year))
    .bind::<Array<Nullable<BigInt>>, _>(numbers(documents, |one| one.sequence))
    .bind::<Array<Nullable<Text>>, _>(numbers(documents, |one| one.text.as_str()))
    .bind::<Array<BigInt>, _>(each(documents, |one| one.net.minor()))
    .bind::<Array<BigInt>, _>(each(documents, |one| one.tax.minor()))
    .bind::<Array<BigInt>, _>(each(documents, |one| one.total.minor()))
    .bind::<Array<Jsonb>, _>(suppliers)
    .bind::<Array<Nullable<SqlUuid>>, _>(each(documents, |one| one.corrects))
    .bind::<Array<Nullable<Text>>, _>(reasons)
    .bind::<Array<Text>, _>(each(documents, |one| one.acceptance))
    .bind::<Array<Nullable<SqlDate>>, _>(each(documents, |one| one.accepts_on))
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn insert_lines(tx: &mut Tx, documents: &[NewSelfBill]) -> Result<()> {
    let rows: Vec<(&SelfBill, i32, &Line)> = documents
        .iter()
        .flat_map(|one| (0_i32..).zip(&one.bill.lines).map(|(at, line)| (&one.bill, at, line)))
        .collect();
    diesel::sql_query(
        "INSERT INTO self_bill_lines (org_id, self_bill_id, position, investment_id, description, \
         revenue_minor, share_percent, net_minor, principal_minor, vat_class, vat_percent) \
         SELECT $1, u.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS u",
    )
    .bind::<SqlUuid, _>(tx.org())
    .bind::<Array<SqlUuid>, _>(rows.iter().map(|(bill, _, _)| bill.id).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(rows.iter().map(|(_, at, _)| *at).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(
        rows.iter().map(|(_, _, line)| line.investment_id).collect::<Vec<_>>(),
    )
    .bind::<Array<Text>, _>(
        rows.iter().map(|(_, _, line)| line.description.as_str()).collect::<Vec<_>>(),
    )
    .bind::<Array<Nullable<BigInt>>, _>(
        rows.iter().map(|(_, _, line)| line.revenue.map(|it| it.minor())).collect::<Vec<_>>(),
    )
    .bind::<Array<Numeric>, _>(
        rows.iter().map(|(_, _, line)| line.share_percent).collect::<Vec<_>>(),
    )
    .bind::<Array<BigInt>, _>(rows.iter().map(|(_, _, line)| line.net.minor()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(
        rows.iter().map(|(_, _, line)| line.principal.minor()).collect::<Vec<_>>(),
    )
    .bind::<Array<Text>, _>(rows.iter().map(|(bill, _, _)| bill.vat.class).collect::<Vec<_>>())
    .bind::<Array<Numeric>, _>(rows.iter().map(|(bill, _, _)| bill.vat.percent).collect::<Vec<_>>())
    .execute(tx.connection())
    .await?;
    Ok(())
}
