//! What a decision needs besides the subscriptions themselves, read with a fixed number of queries.
//!
//! Invariants: the run and every preview read it here, so that they decide on the same.

use std::collections::{HashMap, HashSet};

use domain::balance::Balance;
use domain::billing::{self as rules, Charged, Lines, Material};
use domain::customer::Customer;
use domain::date::Date;
use domain::id::{CustomerId, EntryId, InvoiceId, ItemId, PriceId, ProductId, Sequence};
use domain::invoice::LineKind;
use domain::money::Money;
use domain::one_off::OneOff;
use domain::organization::Organization;
use domain::plan::{Price, Product};
use domain::subscription::{Direction, Subscription};
use domain::vat::VatRates;
use store::billing::Account;
use store::invoice::Hold;

use super::counted::{Counted, Stale};
use super::grace;
use crate::Scope;
use crate::error::Error;

/// What decisions about some customers need, read with a fixed number of queries.
#[derive(Debug)]
pub(crate) struct Shelf {
    prices: HashMap<PriceId, Price>,
    products: HashMap<ProductId, Product>,
    rates: VatRates,
    ids: Sequence,
    charged: HashMap<(ItemId, LineKind), Charged>,
    asked: HashSet<ItemId>,
    waived: HashSet<ItemId>,
    open: HashMap<InvoiceId, Money>,
    balances: HashMap<Account, Money>,
    waiting: Waiting,
    counted: Counted,
}

/// One-off charges that wait, by account.
pub(crate) type Waiting = HashMap<Account, Vec<OneOff>>;

impl Shelf {
    /// Everything that billing these subscriptions and one-off charges of customers needs up to a
    /// day; the run holds what it is about to move, previews only read.
    pub(crate) async fn load(
        scope: &mut Scope,
        customers: &[CustomerId],
        subscriptions: &[Subscription],
        waiting: Waiting,
        (until, hold): (Date, Hold),
    ) -> Result<Self, Error> {
        let stale = Stale::load(scope, customers).await?;
        let mut price_ids = price_ids(subscriptions);
        price_ids.extend(stale.price_ids());
        let prices = store::plan::prices(&mut scope.tx, &price_ids).await?;
        let mut product_ids: Vec<ProductId> = prices.iter().map(|price| price.product_id).collect();
        product_ids.extend(waiting.values().flatten().map(|one| one.product_id));
        product_ids.sort_unstable();
        product_ids.dedup();
        let products = store::plan::products(&mut scope.tx, &product_ids).await?;
        let asked = creditable_items(subscriptions);
        let mut credited: Vec<ItemId> = asked.iter().copied().collect();
        credited.sort_unstable();
        let mut charged = store::invoice::latest_lines(&mut scope.tx, &credited, hold).await?;
        let waived = store::draft::waived(&mut scope.tx, &credited).await?;
        let mut invoices: Vec<InvoiceId> = charged.values().map(|line| line.invoice_id).collect();
        invoices.sort_unstable();
        invoices.dedup();
        let prices = prices.into_iter().map(|price| (price.id, price)).collect();
        let (drafted, open_drafts) = grace::charged(scope, &credited).await?;
        for (key, line) in drafted {
            let is_newer = |other: &Charged| other.service.start <= line.service.start;
            if charged.get(&key).is_none_or(is_newer) {
                charged.insert(key, line);
            }
        }
        let mut open = store::invoice::open(&mut scope.tx, &invoices, hold).await?;
        open.extend(open_drafts);
        Ok(Self {
            counted: Counted::load(scope, subscriptions, &prices, stale, until).await?,
            prices,
            products: products.into_iter().map(|product| (product.id, product)).collect(),
            rates: store::vat::rates(&mut scope.tx).await?,
            ids: Sequence::new(scope.now),
            charged,
            asked,
            waived: waived.into_keys().map(|(item, _)| item).collect(),
            open,
            balances: store::billing::balances(&mut scope.tx, customers).await?,
            waiting,
        })
    }

    /// A fresh id of an entry, in the order of the others.
    pub(crate) fn entry_id(&self) -> EntryId {
        EntryId(self.ids.next())
    }

    /// What all customers share.
    pub(crate) fn material<'a>(&'a self, seller: &'a Organization) -> Material<'a> {
        Material {
            seller,
            rates: &self.rates,
            prices: &self.prices,
            products: &self.products,
            ids: &self.ids,
        }
    }

    /// A customer's account as the decision takes it.
    pub(crate) fn account<'a>(
        &self,
        customer: &'a Customer,
        account: Account,
        subscriptions: &'a mut [Subscription],
    ) -> rules::Account<'a> {
        let items = subscriptions.iter().flat_map(|one| &one.items).map(|item| item.id);
        let asked: HashSet<ItemId> = items.filter(|id| self.asked.contains(id)).collect();
        let keys = asked
            .iter()
            .copied()
            .flat_map(|id| [(id, LineKind::Recurring), (id, LineKind::Minimum)]);
        let latest: HashMap<_, _> =
            keys.filter_map(|key| Some((key, self.charged.get(&key)?.clone()))).collect();
        let invoices = latest.values().map(|line| line.invoice_id);
        let open = invoices.filter_map(|id| Some((id, *self.open.get(&id)?))).collect();
        let nothing = Money::zero(account.currency);
        let available = self.balances.get(&account).copied().unwrap_or(nothing);
        rules::Account {
            customer,
            currency: account.currency,
            discounts: self.counted.discounts_of(subscriptions),
            usage: self.counted.usage(account, subscriptions),
            subscriptions,
            waiting: self.waiting.get(&account).cloned().unwrap_or_default(),
            lines: Lines { latest, asked, waived: self.waived.clone(), ..Lines::default() },
            balance: Balance { available, open },
        }
    }
}

/// The prices of all items, those to come included.
pub(crate) fn price_ids<'a>(
    subscriptions: impl IntoIterator<Item = &'a Subscription>,
) -> Vec<PriceId> {
    let mut ids: Vec<PriceId> = Vec::new();
    for one in subscriptions {
        ids.extend(one.items.iter().map(|item| item.price_id));
        let later = one.intents.iter().flat_map(|intent| &intent.terms.items);
        ids.extend(later.map(|item| item.price_id));
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The items of which something is credited up to a day.
pub(super) fn credited_items(subscriptions: &[Subscription], until: Date) -> Vec<ItemId> {
    let candidates = subscriptions.iter().filter(|one| one.may_credit());
    let dues = candidates.flat_map(|one| one.dues_until(until));
    let mut ids: Vec<ItemId> =
        dues.filter(|due| due.direction == Direction::Credit).map(|due| due.item_id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The items of which something may be credited.
fn creditable_items(subscriptions: &[Subscription]) -> HashSet<ItemId> {
    let candidates = subscriptions.iter().filter(|one| one.may_credit());
    candidates.flat_map(Subscription::creditable_items).map(|item| item.id).collect()
}
