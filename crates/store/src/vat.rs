//! Dated VAT rates.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::vat::{VatCategory, VatRate, VatRates};
use rust_decimal::Decimal;

use crate::schema::vat_rates;
use crate::{Result, Tx};

/// Writes rates; one that exists for the same country, category and day gets the new percentage.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn put(tx: &mut Tx, rates: &[VatRate]) -> Result<()> {
    let org = tx.org();
    let rows: Vec<_> = rates
        .iter()
        .map(|rate| {
            (
                vat_rates::org_id.eq(org),
                vat_rates::country.eq(&rate.country),
                vat_rates::category.eq(rate.category),
                vat_rates::valid_from.eq(rate.valid_from),
                vat_rates::percent.eq(rate.percent),
            )
        })
        .collect();
    diesel::insert_into(vat_rates::table)
        .values(rows)
        .on_conflict((
            vat_rates::org_id,
            vat_rates::country,
            vat_rates::category,
            vat_rates::valid_from,
        ))
        .do_update()
        .set(vat_rates::percent.eq(diesel::upsert::excluded(vat_rates::percent)))
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// All rates, by country, category and day.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn list(tx: &mut Tx) -> Result<Vec<VatRate>> {
    let rows: Vec<(String, VatCategory, Date, Decimal)> = vat_rates::table
        .filter(vat_rates::org_id.eq(tx.org()))
        .order((vat_rates::country, vat_rates::category, vat_rates::valid_from))
        .select((
            vat_rates::country,
            vat_rates::category,
            vat_rates::valid_from,
            vat_rates::percent,
        ))
        .load(tx.connection())
        .await?;
    Ok(rows
        .into_iter()
        .map(|(country, category, valid_from, percent)| VatRate {
            country,
            category,
            valid_from,
            percent,
        })
        .collect())
}

/// All rates, for choosing from.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn rates(tx: &mut Tx) -> Result<VatRates> {
    Ok(list(tx).await?.into_iter().collect())
}
