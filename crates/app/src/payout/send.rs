//! What is ready is handed to the bank.

use std::collections::{BTreeMap, HashMap};

use domain::event::EventKind;
use domain::id::{CustomerId, EntryId, PayoutBatchId, PayoutId, SelfBillId, Sequence};
use domain::ledger::share::payout_entry;
use domain::money::{Currency, Money};
use domain::payout::{Move, Payout, PayoutAccount, PayoutRefused};
use secrecy::{ExposeSecret, SecretString};
use store::payout::{Batch, Ready};
use store::self_bill::Kept;

use crate::Scope;
use crate::error::Error;
use crate::event;
use crate::payment_method::IBAN;
use crate::seal::Place;
use crate::self_bill::facts;

/// The most payouts that are looked at together: what one file of a bank holds, and one answer.
const MAX_SENT: i64 = 5_000;

/// Why a payout that is ready does not go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyHeld {
    /// The investor has no account.
    NoAccount,
    /// The account was changed, and nobody else has approved it.
    SecondPerson,
}

/// A payout that is ready and does not go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub payout: Payout,
    /// Why not.
    pub why: WhyHeld,
}

/// What is handed to the bank.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// One per currency.
    pub batches: Vec<Batch>,
    /// What is in them.
    pub payouts: Vec<Payout>,
    /// What was left out.
    pub held: Vec<Held>,
    /// Whether more is ready: sending again takes it.
    pub is_more: bool,
}

/// What the bank is told of a payout.
#[derive(Debug, Clone)]
pub struct Order {
    /// Which.
    pub payout_id: PayoutId,
    iban: SecretString,
    /// Whose name is on it.
    pub holder: String,
    /// What the investor reads: the number of the document, or its id.
    pub reference: String,
}

impl Order {
    /// The whole number of the account that it goes to.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.iban.expose_secret()
    }
}

/// Hands everything to the bank that is ready, one batch per currency.
///
/// # Errors
/// [`Error::Busy`], [`Error::Unavailable`].
pub async fn send(scope: &mut Scope, which: Ready) -> Result<Sent, Error> {
    let ready = store::payout::lock_ready(&mut scope.tx, which, MAX_SENT).await?;
    // The wait may have lasted into another day.
    scope.refresh().await?;
    let mut sent = Sent { is_more: ready.len() as i64 == MAX_SENT, ..Sent::default() };
    let investors: Vec<CustomerId> = ready.iter().map(|one| one.investor_id).collect();
    let accounts = accounts(scope, &investors).await?;
    let (ids, today) = (Sequence::new(scope.now), scope.today());
    let mut batch_ids: BTreeMap<Currency, PayoutBatchId> = BTreeMap::new();
    for mut payout in ready {
        let Some(account) = accounts.get(&payout.investor_id) else {
            sent.held.push(Held { payout, why: WhyHeld::NoAccount });
            continue;
        };
        if let Err(refused) = payout.check_account(account, today) {
            let PayoutRefused::SecondPerson { .. } = refused else { return Err(refused.into()) };
            sent.held.push(Held { payout, why: WhyHeld::SecondPerson });
            continue;
        }
        let currency = payout.amount.currency();
        let batch = *batch_ids.entry(currency).or_insert_with(|| PayoutBatchId(ids.next()));
        payout.send(account, batch, today)?;
        sent.payouts.push(payout);
    }
    for (currency, id) in batch_ids {
        let own = sent.payouts.iter().filter(|one| one.batch_id == Some(id));
        let total = Money::sum(currency, own.clone().map(|one| one.amount))?;
        let count = i32::try_from(own.count()).unwrap_or(i32::MAX);
        sent.batches.push(Batch { id, count, total, sent_on: today });
    }
    write(scope, &sent).await?;
    Ok(sent)
}

async fn accounts(
    scope: &mut Scope,
    investors: &[CustomerId],
) -> Result<HashMap<CustomerId, PayoutAccount>, Error> {
    let active = store::payout::active(&mut scope.tx, investors).await?;
    Ok(active.into_iter().map(|kept| (kept.account.investor_id, kept.account)).collect())
}

async fn write(scope: &mut Scope, sent: &Sent) -> Result<(), Error> {
    if sent.payouts.is_empty() {
        return Ok(());
    }
    let (ids, today) = (Sequence::new(scope.now), scope.today());
    let entries = sent.payouts.iter().map(|payout| {
        payout_entry(EntryId(ids.next()), payout, Move::Sent, today)
            .map_err(|refused| Error::fault(format!("{} does not post: {refused}", payout.id)))
    });
    let entries = entries.collect::<Result<Vec<_>, Error>>()?;
    store::payout::insert_batches(&mut scope.tx, &sent.batches, scope.now).await?;
    store::payout::save(&mut scope.tx, &sent.payouts).await?;
    store::ledger::insert(&mut scope.tx, &entries, scope.now).await?;
    let documents = documents(scope, &sent.payouts).await?;
    let news = sent.payouts.iter().filter_map(|payout| {
        let kept = documents.get(&payout.self_bill_id)?;
        Some(news(EventKind::PayoutSent, today, kept, payout))
    });
    let news: Vec<event::News> = news.collect();
    scope.announce(news);
    Ok(())
}

/// Something that happened to a payout on a day.
pub(super) fn news(
    kind: EventKind,
    on: domain::date::Date,
    kept: &Kept,
    payout: &Payout,
) -> event::News {
    let number = kept.number.as_ref().map(|number| number.text.clone());
    event::of_payout(kind, on, payout.investor_id, facts(&kept.bill, number, Some(payout)))
}

/// The documents of payouts.
async fn documents(
    scope: &mut Scope,
    payouts: &[Payout],
) -> Result<HashMap<SelfBillId, Kept>, Error> {
    let ids: Vec<SelfBillId> = payouts.iter().map(|payout| payout.self_bill_id).collect();
    let documents = store::self_bill::get_many(&mut scope.tx, &ids).await?;
    Ok(documents.into_iter().map(|kept| (kept.bill.id, kept)).collect())
}

/// What the bank is told of the payouts that went with batches and have not gone with another one
/// since, by id.
///
/// # Errors
/// [`Error::Fault`] when an account does not open: another key, or a row that somebody has changed.
pub async fn orders(scope: &mut Scope, batches: &[PayoutBatchId]) -> Result<Vec<Order>, Error> {
    let payouts = store::payout::of_batches(&mut scope.tx, batches).await?;
    let ids: Vec<_> = payouts.iter().filter_map(|payout| payout.account_id).collect();
    let accounts = store::payout::accounts(&mut scope.tx, &ids).await?;
    let accounts: HashMap<_, _> =
        accounts.into_iter().map(|kept| (kept.account.id, kept)).collect();
    let documents = documents(scope, &payouts).await?;
    let mut orders = Vec::with_capacity(payouts.len());
    for payout in payouts {
        let Some(kept) = payout.account_id.and_then(|id| accounts.get(&id)) else { continue };
        let place = Place { org: scope.org(), row: kept.account.id.0, field: IBAN };
        let number = documents.get(&payout.self_bill_id).and_then(|one| one.number.as_ref());
        let reference = number.map(|number| number.text.clone());
        orders.push(Order {
            payout_id: payout.id,
            iban: scope.seal.open(place, &kept.sealed)?,
            holder: kept.account.holder.clone(),
            reference: reference.unwrap_or_else(|| payout.self_bill_id.to_string()),
        });
    }
    Ok(orders)
}
