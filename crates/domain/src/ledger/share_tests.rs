use super::*;
use crate::id::{CustomerId, InvestmentId, PayoutId};
use crate::investment::ShareTreatment;
use crate::money::Currency;
use crate::payout::PayoutState;
use crate::self_bill::{Heading, Line, OwnInvoice, Recipient, compose};
use rust_decimal::Decimal;
use uuid::Uuid;

fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn bill(treatment: ShareTreatment) -> SelfBill {
    let recipient = Recipient {
        investor_id: CustomerId(Uuid::nil()),
        vat_treatment: treatment,
        currency: Currency::EUR,
    };
    let day = "2025-02-01".parse().unwrap();
    let heading = Heading {
        recipient,
        month: "2025-01-01".parse().unwrap(),
        issue_on: day,
        standard_percent: Decimal::from(21),
        agreement: None,
    };
    let line = Line {
        investment_id: InvestmentId(Uuid::nil()),
        description: "Export".to_owned(),
        revenue: Some(euro(450_000)),
        share_percent: Decimal::from(40),
        net: euro(180_000),
        principal: euro(140_000),
    };
    compose(&heading, SelfBillId(Uuid::nil()), vec![line]).unwrap()
}

fn postings(entry: &Entry) -> String {
    let side = |posting: &Posting| {
        let vat = posting.vat.map(|vat| format!(" {}{}", vat.class, vat.percent));
        format!(
            "{} {}{}",
            posting.account.as_str(),
            posting.amount.minor(),
            vat.unwrap_or_default()
        )
    };
    entry.postings().iter().map(side).collect::<Vec<_>>().join(", ")
}

#[test]
fn documents_post_principal_return_and_vat_against_what_is_owed() {
    let id = EntryId(Uuid::nil());
    let advice = bill(ShareTreatment::WithVat);
    let entry = share_entry(id, &advice, true).unwrap();
    assert_eq!(postings(&entry), "1620 140000, 4500 40000, 1600 -180000");
    // Month 5 of the worked case, under an agreement.
    let invoice = SelfBill { tax: euro(37_800), total: euro(217_800), ..advice.clone() };
    let entry = share_entry(id, &invoice, true).unwrap();
    assert_eq!(postings(&entry), "1620 140000, 4500 40000, 1530 37800 S21, 1600 -217800");
    let today = "2025-02-05".parse().unwrap();
    let note = invoice.credit_note(SelfBillId(Uuid::nil()), today, "no").unwrap();
    let entry = share_entry(id, &note, true).unwrap();
    assert_eq!(postings(&entry), "1620 -140000, 4500 -40000, 1530 -37800 S21, 1600 217800");
    let mut own = advice;
    assert_eq!(own_invoice_entry(id, &own, today, true), Ok(None));
    own.own = Some(OwnInvoice { number: "7".to_owned(), issue_on: today, tax: euro(37_800) });
    let entry = own_invoice_entry(id, &own, today, true).unwrap().unwrap();
    assert_eq!(postings(&entry), "1530 37800 S21, 1600 -37800");
    // A vendor that reclaims no VAT.
    let entry = share_entry(id, &invoice, false).unwrap();
    assert_eq!(postings(&entry), "1620 140000, 4500 40000, 4500 37800, 1600 -217800");
    let entry = own_invoice_entry(id, &own, today, false).unwrap().unwrap();
    assert_eq!(postings(&entry), "4500 37800, 1600 -37800");
    let forgone = forgone_entry(id, InvestmentId(Uuid::nil()), String::new(), today, euro(5));
    assert_eq!(postings(&forgone.unwrap()), "1620 5, 8010 -5");
}

#[test]
fn payouts_post_each_move_of_their_money() {
    let payout = Payout {
        times: 2,
        state: PayoutState::Sent,
        ..Payout::of(&bill(ShareTreatment::OutsideScope), PayoutId(Uuid::nil())).unwrap()
    };
    let on = "2025-02-05".parse().unwrap();
    let table = [
        (Move::Sent, "payout_sent 2: 1600 180000, 1610 -180000"),
        (Move::Settled, "payout_settled 2: 1610 180000, 1000 -180000"),
        (Move::Bounced, "payout_bounced 2: 1610 180000, 1600 -180000"),
        (Move::CameBack, "payout_bounced 2: 1000 180000, 1600 -180000"),
    ];
    for (moved, expected) in table {
        let entry = payout_entry(EntryId(Uuid::nil()), &payout, moved, on).unwrap();
        let source = entry.source();
        let found = format!("{} {}: {}", source.kind, source.part, postings(&entry));
        assert_eq!(found, expected, "{moved:?}");
    }
}
