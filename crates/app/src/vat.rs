//! VAT rates of the organization.

use domain::organization as rules;
use domain::vat::{VatCategory, VatRate};
use rust_decimal::Decimal;

use crate::Scope;
use crate::error::{Error, Field, Refusal};

/// The most decimals of a rate.
const MAX_DECIMALS: u32 = 4;

/// Adds a rate from a day on, or corrects one that is not yet in force.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::Refused`] with `VAT_RATE_BACKDATED` for a day up to the last
/// document, because documents made with the old rate would not be explained any more.
pub async fn set(scope: &mut Scope, rate: VatRate) -> Result<VatRate, Error> {
    let country = rules::country(&rate.country).field("vat_rate.country")?;
    let percent = rate.percent.normalize();
    if percent < Decimal::ZERO || percent > Decimal::ONE_HUNDRED || percent.scale() > MAX_DECIMALS {
        let message = format!(
            "{percent} is not possible: expected 0 to 100 with at most {MAX_DECIMALS} decimals"
        );
        return Err(Error::invalid("vat_rate.rate", message));
    }
    if matches!(rate.category, VatCategory::Zero | VatCategory::Exempt) {
        let message =
            format!("the category {} has no rate: it is zero by its nature", rate.category);
        return Err(Error::invalid("vat_rate.category", message));
    }
    let rates = store::vat::rates(&mut scope.tx).await?;
    let known = rates.percent(&country, rate.category, rate.valid_from).ok();
    if known == Some(percent) {
        return Ok(VatRate { country, percent, ..rate });
    }
    let series = domain::numbering::Series::Invoice.key();
    let last = store::numbering::last_issue_on(&mut scope.tx, &series).await?;
    // Today counts as the last day: a run may be making its documents at this moment.
    let last = last.map(|last| last.max(scope.today()));
    if let Some(last) = last.filter(|last| known.is_some() && rate.valid_from <= *last) {
        let message = format!(
            "a rate from {} would change documents issued until {last}: expected a later day",
            rate.valid_from
        );
        return Err(Error::Refused(
            Refusal::new("VAT_RATE_BACKDATED", message)
                .with("valid_from", rate.valid_from)
                .with("last_issue_on", last),
        ));
    }
    let rate = VatRate { country, percent, ..rate };
    store::vat::put(&mut scope.tx, std::slice::from_ref(&rate)).await?;
    // Who was set aside for want of a rate is billed by the next run.
    store::set_aside::release(&mut scope.tx, Some("VAT_RATE_MISSING"), None, scope.now).await?;
    Ok(rate)
}

/// All rates, by country, category and day.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn list(scope: &mut Scope) -> Result<Vec<VatRate>, Error> {
    Ok(store::vat::list(&mut scope.tx).await?)
}
