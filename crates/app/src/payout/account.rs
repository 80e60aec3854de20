//! Where investors' money goes.

use domain::iban::Iban;
use domain::id::{CustomerId, PayoutAccountId};
use domain::payment_method::holder;
use domain::payout::PayoutAccount;
use secrecy::{ExposeSecret, SecretString};
use store::payout::KeptAccount;

use crate::Scope;
use crate::access::Caller;
use crate::error::{Error, Expect, Field};
use crate::payment_method::IBAN;
use crate::seal::Place;

/// What makes an account the one that an investor is paid to.
#[derive(Debug, Clone)]
pub struct SetPayoutAccount {
    /// Whose.
    pub investor_id: CustomerId,
    /// The account, as typed.
    pub iban: SecretString,
    /// Whose name is on it.
    pub holder: String,
}

/// Makes an account the one that an investor is paid to, in the place of the one before. The same
/// again changes nothing.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::NotFound`].
pub async fn set_account(
    scope: &mut Scope,
    caller: &Caller,
    command: SetPayoutAccount,
) -> Result<PayoutAccount, Error> {
    let SetPayoutAccount { investor_id, iban, holder: name } = command;
    let iban: Iban = iban.expose_secret().parse().field("iban")?;
    let name = holder(&name).field("holder")?;
    store::customer::lock(&mut scope.tx, investor_id).await.or_missing("customer", investor_id)?;
    // The wait may have lasted into another day.
    scope.refresh().await?;
    let secret = SecretString::from(iban.reveal());
    let before = store::payout::active(&mut scope.tx, &[investor_id]).await?.pop();
    let is_change = before.is_some();
    if let Some(before) = before {
        let known = scope.seal.fingerprints(scope.org(), IBAN, &secret);
        if known.contains(&before.sealed.fingerprint) && before.account.holder == name {
            return Ok(before.account);
        }
        let today = scope.today();
        store::payout::end_account(&mut scope.tx, before.account.id, today).await?;
    }
    let id = PayoutAccountId::fresh(scope.now);
    let place = Place { org: scope.org(), row: id.0, field: IBAN };
    let sealed = scope.seal.seal(place, &secret)?;
    let account = PayoutAccount {
        id,
        investor_id,
        holder: name,
        masked: iban.masked(),
        set_on: scope.today(),
        set_by: caller.name.clone(),
        is_change,
        ended_on: None,
    };
    let new = KeptAccount { account, sealed };
    store::payout::insert_account(&mut scope.tx, &new, scope.now).await?;
    Ok(new.account)
}

/// The account that an investor is paid to.
///
/// # Errors
/// [`Error::NotFound`] for a customer that does not exist or has none.
pub async fn get_account(
    scope: &mut Scope,
    investor_id: CustomerId,
) -> Result<PayoutAccount, Error> {
    crate::customer::get(scope, investor_id).await?;
    let active = store::payout::active(&mut scope.tx, &[investor_id]).await?.pop();
    let active = active.ok_or_else(|| Error::not_found("payout account of", investor_id))?;
    Ok(active.account)
}
