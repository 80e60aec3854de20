//! From what is due of items to lines: charges, credits, minimums.
//!
//! Invariants: a credit takes back what the line of its item charged for the days that are not
//! delivered, and keeps the line's VAT; charge less credit is what the delivered days cost. Where
//! that line is missing nothing is billed, unless the charge was worth nothing.

use rust_decimal::Decimal;

use super::{BillRefused, Charged, Lines, Material, Usage, discount};
use crate::date::{self, Date};
use crate::discount::AppliedDiscount;
use crate::id::SubscriptionId;
use crate::invoice::{Charge, Corrected, LineKind, Origin};
use crate::money::{Money, MoneyRefused, share_of_minor};
use crate::period::{Period, prorate};
use crate::plan::{Price, Product};
use crate::price::true_up;
use crate::renewal;
use crate::subscription::{Direction, Due, Item, Subscription};
use crate::usage::BilledPeriod;

/// What is billed on a date.
#[derive(Debug, Default)]
pub(super) struct Bill {
    /// Its lines.
    pub(super) charges: Vec<Charge>,
    /// Subscriptions that go on into another period by it, and the day on which they do.
    pub(super) renewed: Vec<(SubscriptionId, Date)>,
    /// What is on record of metered items then.
    pub(super) usage: Vec<BilledPeriod>,
}

/// What moves along with a billing date, and the usage that stands.
pub(super) type Moving<'a> =
    (&'a mut [Subscription], &'a mut Lines, &'a mut [AppliedDiscount], &'a Usage);

/// Everything that is due on a billing date or before, with its discounts; the subscriptions, lines
/// and discounts move along.
pub(super) fn charges_on(
    material: &Material<'_>,
    (subscriptions, lines, discounts, usage): Moving<'_>,
    billing_on: Date,
) -> Result<Bill, BillRefused> {
    let mut bill = Bill::default();
    for subscription in subscriptions {
        let is_discounted = discounts.iter().any(|one| one.subscription_id == subscription.id);
        let first = bill.charges.len();
        while let Some(due) = subscription.next_due().filter(|due| due.billing_on <= billing_on) {
            if let Some(item) = subscription.items.iter().find(|item| item.id == due.item_id) {
                let sale = Sale::of(material, subscription, item, &due)?;
                match due.direction {
                    Direction::Charge if item.metered => {
                        let (charges, billed) = sale.usage(usage)?;
                        bill.charges.extend(charges);
                        bill.usage.extend(billed);
                    }
                    Direction::Charge => {
                        bill.charges.extend(sale.charges()?);
                        lines.asked.insert(item.id);
                    }
                    Direction::Credit => {
                        sale.refuse_missing(lines, is_discounted)?;
                        bill.charges.extend(sale.credits(lines)?);
                    }
                }
                let renewed = renewal::renewed(subscription, item, &due);
                bill.renewed.extend(renewed.map(|day| (subscription.id, day)));
            }
            subscription.mark_billed(&due);
        }
        let new = bill.charges.get_mut(first..).unwrap_or_default();
        discount::take_off(material.prices, subscription, discounts, new)?;
    }
    bill.renewed.dedup();
    Ok(bill)
}

/// What is due of an item, with all that its lines need.
struct Sale<'a> {
    subscription: &'a Subscription,
    item: &'a Item,
    price: &'a Price,
    product: &'a Product,
    due: &'a Due,
}

impl<'a> Sale<'a> {
    fn of(
        material: &Material<'a>,
        subscription: &'a Subscription,
        item: &'a Item,
        due: &'a Due,
    ) -> Result<Self, BillRefused> {
        let unknown = BillRefused::PriceUnknown { id: item.price_id };
        let price = material.prices.get(&item.price_id).ok_or_else(|| unknown.clone())?;
        let product = material.products.get(&price.product_id).ok_or(unknown)?;
        Ok(Self { subscription, item, price, product, due })
    }

    /// The part's charge, and what is missing to its minimum.
    fn charges(&self) -> Result<Vec<Charge>, MoneyRefused> {
        let net = self.price_of(self.due.part)?;
        let mut charges = vec![self.line(LineKind::Recurring, self.due.part, net)];
        let missing = self.missing_of(self.due.part)?;
        if !missing.is_zero() {
            charges.push(self.line(LineKind::Minimum, self.due.part, missing));
        }
        Ok(charges)
    }

    /// What a meter counted in the part, what is missing to its minimum, and what is on record
    /// then.
    fn usage(&self, usage: &Usage) -> Result<(Vec<Charge>, Option<BilledPeriod>), BillRefused> {
        let part = self.due.part;
        let quantity = usage.of(self.item.id, part)?;
        let currency = self.subscription.currency;
        let net = self.price.model.amount(quantity, currency)?;
        let mut charges = vec![Charge { quantity, ..self.line(LineKind::Usage, part, net) }];
        let minimum = match self.price.minimum {
            Some(minimum) => prorate(minimum, self.due.whole, part)?,
            None => Money::zero(currency),
        };
        let missing = minimum.checked_sub(net)?;
        let mut billed = net;
        if missing.minor() > 0 {
            charges.push(self.line(LineKind::Minimum, part, missing));
            billed = minimum;
        }
        let billed = self.price.meter_id.map(|meter_id| BilledPeriod {
            item_id: self.item.id,
            customer_id: self.subscription.customer_id,
            meter_id,
            price_id: self.price.id,
            period: part,
            minimum,
            quantity,
            billed,
            times: 1,
        });
        Ok((charges, billed))
    }

    /// Refuses a credit whose line is not there: only a charge that was worth nothing, of itself or
    /// by a discount, or that was waived with its draft, is on no document.
    fn refuse_missing(&self, lines: &Lines, is_discounted: bool) -> Result<(), BillRefused> {
        let id = self.item.id;
        let line = lines.latest.get(&(id, LineKind::Recurring));
        if line.is_some_and(|line| line.service.end == self.due.part.end) {
            return Ok(());
        }
        let charged = Period { start: self.item.charged_from, end: self.due.part.end };
        let nothing =
            is_discounted || lines.waived.contains(&id) || self.price_of(charged)?.is_zero();
        match lines.asked.contains(&id) && nothing {
            true => Ok(()),
            false => Err(BillRefused::LineUnknown { id, from: charged.start, until: charged.end }),
        }
    }

    /// What takes the part back from the lines that charged it.
    fn credits(&self, lines: &mut Lines) -> Result<Vec<Charge>, MoneyRefused> {
        let mut credits = Vec::new();
        let kinds = [
            (LineKind::Recurring, LineKind::RecurringCredit),
            (LineKind::Minimum, LineKind::MinimumCredit),
        ];
        for (kind, credit) in kinds {
            let Some(line) = lines.latest.get_mut(&(self.item.id, kind)) else { continue };
            if line.service.end != self.due.part.end {
                continue;
            }
            let charged = line.net.checked_add(line.discount)?;
            let kept = Period { start: line.service.start, end: self.due.part.start };
            let stays = match kind {
                LineKind::Minimum => self.missing_of(kept)?,
                _ => self.price_of(kept)?,
            };
            // Rounded on their own, a few days can want a cent more than all of them had.
            let gross = charged.checked_sub(stays)?;
            let gross = Money::new(gross.minor().max(0), gross.currency());
            let (taken, unearned) = take_back(line, self.due.part.start, gross)?;
            if let Some(deferral) = &line.deferral {
                lines.shortened.insert(line.line_id, deferral.clone());
            }
            credits.push(self.credit(credit, line, gross, taken, unearned)?);
            line.service.end = self.due.part.start;
        }
        Ok(credits)
    }

    fn credit(
        &self,
        kind: LineKind,
        line: &Charged,
        gross: Money,
        net: Money,
        unearned: Money,
    ) -> Result<Charge, MoneyRefused> {
        let corrects = Corrected {
            line_id: line.line_id,
            invoice_id: line.invoice_id,
            vat: line.vat,
            unearned,
        };
        Ok(Charge {
            discount: gross.checked_sub(net)?.negated()?,
            net: net.negated()?,
            corrects: Some(corrects),
            ..self.line(kind, self.due.part, gross)
        })
    }

    fn price_of(&self, part: Period) -> Result<Money, MoneyRefused> {
        let due = Due { part, ..*self.due };
        due.amount(&self.price.model, self.item.quantity, self.subscription.currency)
    }

    fn missing_of(&self, part: Period) -> Result<Money, MoneyRefused> {
        match self.price.minimum {
            Some(minimum) => true_up(minimum, self.price_of(part)?, self.due.whole, part),
            None => Ok(Money::zero(self.subscription.currency)),
        }
    }

    /// A line at what it costs before discounts.
    fn line(&self, kind: LineKind, service: Period, net: Money) -> Charge {
        let origin = Origin::Item {
            subscription_id: self.subscription.id,
            item_id: self.item.id,
            change: self.subscription.changes,
        };
        let by_model =
            matches!(kind, LineKind::Recurring | LineKind::RecurringCredit | LineKind::Usage);
        let counts = by_model && self.price.model.counts_units();
        Charge {
            quantity: if counts { self.item.quantity } else { Decimal::ONE },
            unit_price: if by_model { self.price.model.unit_price() } else { net.major() },
            ..Charge::of_product(origin, kind, self.product, service, net)
        }
    }
}

/// Takes `gross` back from a line, for its days from `from` on, with the discount that these days
/// had; answers the net, and how much of it had not been earned. The line keeps the rest.
fn take_back(line: &mut Charged, from: Date, gross: Money) -> Result<(Money, Money), MoneyRefused> {
    let days = date::days_between(line.service.start, from);
    let kept = share_of_minor(line.discount.minor(), days, line.service.days())?;
    let kept = Money::new(kept, line.discount.currency());
    // Rounded on its own, the share of a discount can be a cent more than its days cost.
    let off = line.discount.checked_sub(kept)?;
    let off = if off.minor() > gross.minor() { gross } else { off };
    let net = gross.checked_sub(off)?;
    let unearned = match &mut line.deferral {
        Some(deferral) => deferral.credit(from, net)?,
        None => Money::zero(net.currency()),
    };
    line.net = line.net.checked_sub(net)?;
    line.discount = line.discount.checked_sub(off)?;
    Ok((net, unearned))
}
