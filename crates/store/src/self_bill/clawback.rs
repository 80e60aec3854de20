//! What was credited and is taken back.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::date::Date;
use domain::investment::Investment;

use crate::schema::{investments, share_progress};
use crate::{Result, Tx};

/// Keeps months from being credited until the end of the transaction; answers the first day of the
/// month that is credited next. The first lock of whatever changes what was credited.
///
/// # Errors
/// [`crate::Error::Contention`].
pub async fn hold_credits(tx: &mut Tx) -> Result<Option<Date>> {
    let next = share_progress::table
        .filter(share_progress::org_id.eq(tx.org()))
        .select(share_progress::next_month)
        .for_no_key_update()
        .first(tx.connection())
        .await
        .optional()?;
    Ok(next)
}

/// Saves what is left of what an investment was credited.
///
/// # Errors
/// [`crate::Error::Unavailable`].
pub async fn save_taken_back(tx: &mut Tx, investment: &Investment) -> Result<()> {
    use investments as i;
    let left = (
        i::state.eq(investment.state),
        i::credited_minor.eq(investment.credited.minor()),
        i::forgone_minor.eq(investment.forgone.minor()),
    );
    let row = i::table.filter(i::org_id.eq(tx.org())).filter(i::id.eq(investment.id));
    diesel::update(row).set(left).execute(tx.connection()).await?;
    Ok(())
}
