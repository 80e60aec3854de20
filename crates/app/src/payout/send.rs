//! What is ready is handed to the bank.

use std::collections::{BTreeMap, HashMap};

use domain::date::Date;
use domain::event::EventKind;
use domain::id::{CustomerId, EntryId, PayoutBatchId, PayoutId, SelfBillId, Sequence};
use domain::ledger::share::payout_entry;
use domain::money::{Currency, Money};
use domain::payout::{Move, Payout, PayoutAccount, PayoutRefused, PayoutState, set_off};
use secrecy::{ExposeSecret, SecretString};
use store::payout::{Batch, Ready};
use store::self_bill::Kept;

use crate::Scope;
use crate::error::Error;
use crate::event;
use crate::payment_method::IBAN;
use crate::seal::Place;
use crate::self_bill::facts;

/// The most payouts that are sent together: what one file of a bank holds, and one answer.
pub const MAX_SENT: usize = 5_000;

/// Why a payout that is ready does not go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyHeld {
    /// The investor has no account.
    NoAccount,
    /// The account was changed, and nobody else has approved it.
    SecondPerson,
    /// The principal of an investment that its document credits was paid, and the money went back.
    PrincipalOpen,
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
    /// What was set off as a whole: nothing of it is paid.
    pub set_off: Vec<Payout>,
    /// Whether more can go: sending again takes it.
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

/// Hands to the bank what is ready, oldest first, `most` at a time and one batch per currency. Nobody
/// is sent more than is owed: of what is taken back, as much is set off.
///
/// # Errors
/// [`Error::Busy`], [`Error::Unavailable`].
pub async fn send(scope: &mut Scope, which: Ready, most: usize) -> Result<Sent, Error> {
    // Whoever credits, takes back or sends waits for it.
    store::self_bill::hold_credits(&mut scope.tx).await?;
    // The wait may have lasted into another day.
    scope.refresh().await?;
    let mut sent = Sent::default();
    let (mut going, accounts) = take(scope, which, most, &mut sent).await?;
    let investors: Vec<CustomerId> = accounts.keys().copied().collect();
    let owed = store::payout::owed(&mut scope.tx, &investors).await?;
    set_off(&mut going, &owed)?;
    let (ids, today) = (Sequence::new(scope.now), scope.today());
    let mut batch_ids: BTreeMap<Currency, PayoutBatchId> = BTreeMap::new();
    for mut payout in going {
        if payout.state == PayoutState::Cancelled {
            sent.set_off.push(payout);
            continue;
        }
        let Some(account) = accounts.get(&payout.investor_id) else { continue };
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

type Accounts = HashMap<CustomerId, PayoutAccount>;

/// Takes what can go, with the accounts of its investors; what cannot is told, as far as `most`.
async fn take(
    scope: &mut Scope,
    which: Ready,
    most: usize,
    sent: &mut Sent,
) -> Result<(Vec<Payout>, Accounts), Error> {
    let (mut going, mut accounts, mut after) = (Vec::new(), Accounts::new(), None);
    let (limit, today) = (i64::try_from(most).unwrap_or(i64::MAX), scope.today());
    loop {
        let page = store::payout::lock_ready(&mut scope.tx, which, after, limit).await?;
        let is_last = page.len() < most;
        after = page.last().map(|one| one.id);
        let investors: Vec<CustomerId> = page.iter().map(|one| one.investor_id).collect();
        let documents: Vec<SelfBillId> = page.iter().map(|one| one.self_bill_id).collect();
        let active = store::payout::active(&mut scope.tx, &investors).await?;
        accounts.extend(active.into_iter().map(|kept| (kept.account.investor_id, kept.account)));
        let open = store::payout::principal_open(&mut scope.tx, &documents).await?;
        for payout in page {
            let account = accounts.get(&payout.investor_id);
            match why_held(&payout, account, open.contains(&payout.self_bill_id), today)? {
                Some(why) if sent.held.len() < most => sent.held.push(Held { payout, why }),
                Some(_) => {}
                None if going.len() < most => going.push(payout),
                None => {
                    sent.is_more = true;
                    return Ok((going, accounts));
                }
            }
        }
        if is_last {
            return Ok((going, accounts));
        }
    }
}

/// Why a payout that is ready does not go, if it does not.
fn why_held(
    payout: &Payout,
    account: Option<&PayoutAccount>,
    principal_open: bool,
    today: Date,
) -> Result<Option<WhyHeld>, Error> {
    if principal_open {
        return Ok(Some(WhyHeld::PrincipalOpen));
    }
    let Some(account) = account else { return Ok(Some(WhyHeld::NoAccount)) };
    match payout.check_account(account, today) {
        Ok(()) => Ok(None),
        Err(PayoutRefused::SecondPerson { .. }) => Ok(Some(WhyHeld::SecondPerson)),
        Err(refused) => Err(refused.into()),
    }
}

async fn write(scope: &mut Scope, sent: &Sent) -> Result<(), Error> {
    store::payout::save(&mut scope.tx, &sent.set_off).await?;
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
pub(super) fn news(kind: EventKind, on: Date, kept: &Kept, payout: &Payout) -> event::News {
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

/// What the bank is told of the payouts that went with batches and are on their way, by id.
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
