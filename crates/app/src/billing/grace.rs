//! Drafts on their way to documents: which are due, and what they are on the day of their issue.
//!
//! Invariants: whoever finalizes holds the billing account. What stands on a draft was decided when
//! it was made; VAT, dates, deferrals, balance and number are of the day on which it is issued, by
//! the code of the run. A draft is finalized before a line of it is credited.

use std::collections::{HashMap, HashSet};

use domain::balance::Balance;
use domain::billing::{BillRefused, Charged, Lines};
use domain::customer::Customer;
use domain::date::Date;
use domain::id::{CustomerId, InvoiceId, ItemId};
use domain::invoice::{Heading, LineKind, Party, reissue};
use domain::money::Money;
use domain::subscription::Subscription;
use store::billing::Account;
use store::draft::Kept;
use store::invoice::NewDocument;

use super::shelf::credited_items;
use crate::Scope;
use crate::error::Error;
use crate::invoice::issue::post;

/// Drafts that became documents, without numbers yet.
#[derive(Debug, Default)]
pub(crate) struct Finalized {
    /// The documents, written and posted.
    pub(crate) documents: Vec<NewDocument>,
    /// How many entries were posted.
    pub(crate) entries: usize,
    /// Accounts of which a draft cannot be issued; it and those after it stay drafts.
    pub(crate) refused: Vec<(Account, BillRefused)>,
}

/// The drafts of accounts whose grace is over, and those of which something due is to be credited.
pub(super) async fn due(
    scope: &mut Scope,
    accounts: &[Account],
    subscriptions: &[Subscription],
    today: Date,
) -> Result<Vec<Kept>, Error> {
    let customers: Vec<CustomerId> = accounts.iter().map(|one| one.customer_id).collect();
    let mut kept = store::draft::due(&mut scope.tx, &customers, today).await?;
    let credited = credited_items(subscriptions, today);
    if !credited.is_empty() {
        kept.extend(store::draft::of_items(&mut scope.tx, &credited).await?);
        kept.sort_by_key(|one| (one.draft.billing_on, one.draft.id));
        kept.dedup_by_key(|one| one.draft.id);
    }
    kept.retain(|one| accounts.contains(&one.account()));
    Ok(kept)
}

/// Makes documents of drafts, as of today; their numbers are for the last statements.
pub(crate) async fn finalize(scope: &mut Scope, kept: &[Kept]) -> Result<Finalized, Error> {
    let mut finalized = Finalized::default();
    if kept.is_empty() {
        return Ok(finalized);
    }
    let customers: Vec<CustomerId> = kept.iter().map(|one| one.draft.customer_id).collect();
    let available = store::billing::balances(&mut scope.tx, &customers).await?;
    let mut balances: HashMap<Account, Balance> = HashMap::new();
    let mut stopped: HashSet<Account> = HashSet::new();
    for (account, reissued) in redrafted(scope, kept).await? {
        if stopped.contains(&account) {
            continue;
        }
        match reissued {
            Ok(mut document) => {
                let nothing = Money::zero(account.currency);
                let balance = balances.entry(account).or_insert_with(|| {
                    Balance::of(available.get(&account).copied().unwrap_or(nothing))
                });
                balance.settle(&mut document.draft)?;
                finalized.documents.push(document);
            }
            Err(refused) => {
                stopped.insert(account);
                finalized.refused.push((account, refused));
            }
        }
    }
    finalized.entries = post(scope, &finalized.documents).await?;
    let ids: Vec<InvoiceId> = finalized.documents.iter().map(|one| one.draft.id).collect();
    store::draft::mark_finalized(&mut scope.tx, &ids).await?;
    Ok(finalized)
}

/// Drafts as they would be issued today.
async fn redrafted(
    scope: &mut Scope,
    kept: &[Kept],
) -> Result<Vec<(Account, Result<NewDocument, BillRefused>)>, Error> {
    let mut ids: Vec<CustomerId> = kept.iter().map(|one| one.draft.customer_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let customers: HashMap<CustomerId, Customer> = store::customer::get_many(&mut scope.tx, &ids)
        .await?
        .into_iter()
        .map(|customer| (customer.id, customer))
        .collect();
    let rates = store::vat::rates(&mut scope.tx).await?;
    let today = scope.today();
    let reissued = kept.iter().filter_map(|one| {
        // A foreign key says that the customer is there.
        let customer = customers.get(&one.draft.customer_id)?;
        let heading = Heading {
            seller: &scope.organization,
            customer,
            rates: &rates,
            currency: one.draft.currency,
            billing_on: one.draft.billing_on,
            issue_on: today,
        };
        let document = reissue(&heading, &one.draft)
            .map(|draft| NewDocument { draft, buyer: Party::buyer(customer), reason: None })
            .map_err(BillRefused::from);
        Some((one.account(), document))
    });
    Ok(reissued.collect())
}

/// What a decision about items may credit of drafts, as it will be when the run has finalized them:
/// only previews find any.
pub(super) async fn charged(
    scope: &mut Scope,
    items: &[ItemId],
) -> Result<(HashMap<(ItemId, LineKind), Charged>, HashMap<InvoiceId, Money>), Error> {
    let mut lines = Lines::default();
    let mut open = HashMap::new();
    if items.is_empty() {
        return Ok((lines.latest, open));
    }
    let kept = store::draft::of_items(&mut scope.tx, items).await?;
    if !kept.is_empty() {
        for document in redrafted(scope, &kept).await?.into_iter().filter_map(|(_, one)| one.ok()) {
            lines.remember(&document.draft);
            open.insert(document.draft.id, document.draft.settlement.open);
        }
    }
    Ok((lines.latest, open))
}
