//! When an invoice is to be paid.
//!
//! Purpose: the due date by the way in which the customer pays.
//!
//! Invariants: never before the day of issue; of a direct debit a day on which banks settle, and
//! never before the pre-notification is over. The invoice is the pre-notification.
//!
//! Deliberately absent: what is done on that day ([`crate::collection`]). Who changes its way of
//! paying later keeps the date: what was announced stays.

use crate::customer::Customer;
use crate::date::{self, Date};
use crate::organization::Organization;
use crate::payment::Scheme;
use crate::target;

/// The date by which an invoice is to be paid, and on which collecting begins: by the way in which
/// the customer pays on the day of issue. A card is charged at once. A direct debit leaves the time
/// of the payment terms, and at least that of the pre-notification, and waits for the next day on
/// which banks settle. Who pays by itself, or has no way of paying yet, has the payment terms.
#[must_use]
pub fn due_date(seller: &Organization, customer: &Customer, issue_on: Date) -> Date {
    let terms = customer.payment_terms_days.unwrap_or(seller.payment_terms_days);
    match customer.scheme {
        Some(Scheme::Card) => issue_on,
        Some(Scheme::DirectDebit) => {
            let days = terms.max(seller.pre_notification_days);
            target::on_or_after(date::add_days(issue_on, i64::from(days)))
        }
        Some(Scheme::BankTransfer) | None => date::add_days(issue_on, i64::from(terms)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invoice::tests::{buyer, seller};

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn an_invoice_is_due_by_the_way_in_which_its_customer_pays() {
        use Scheme::{BankTransfer, Card, DirectDebit};
        // Scheme, payment terms, pre-notification, issued: due.
        let table = [
            (None, 14, 14, "2025-02-01", "2025-02-15"),
            (Some(BankTransfer), 30, 14, "2025-02-01", "2025-03-03"),
            (Some(BankTransfer), 0, 14, "2025-02-01", "2025-02-01"),
            (Some(Card), 30, 14, "2025-02-01", "2025-02-01"),
            // At least the pre-notification, and the terms when they are longer.
            (Some(DirectDebit), 0, 14, "2025-02-03", "2025-02-17"),
            (Some(DirectDebit), 30, 14, "2025-02-03", "2025-03-05"),
            (Some(DirectDebit), 0, 1, "2025-02-03", "2025-02-04"),
            // On a day on which banks settle: not on a Saturday, not at Easter, not in May's first days.
            (Some(DirectDebit), 0, 14, "2025-02-01", "2025-02-17"),
            (Some(DirectDebit), 0, 14, "2025-04-04", "2025-04-22"),
            (Some(DirectDebit), 0, 5, "2026-04-26", "2026-05-04"),
            (Some(DirectDebit), 20, 14, "2025-12-05", "2025-12-29"),
        ];
        for (scheme, terms, notice, issued, due) in table {
            let seller = Organization { pre_notification_days: notice, ..seller() };
            let customer = Customer { payment_terms_days: Some(terms), scheme, ..buyer() };
            let found = due_date(&seller, &customer, day(issued));
            assert_eq!(found, day(due), "{scheme:?} {terms} {notice} {issued}");
        }
        let own = Customer { payment_terms_days: None, ..buyer() };
        assert_eq!(due_date(&seller(), &own, day("2025-02-01")), day("2025-02-15"), "the vendor's");
    }
}
