//! Invoices that will not be paid, and those that are paid after all.

use super::{invoice, money, naming, parts, receipt, record, world};
use crate::world::{Client, Plan, World, date, euro, refusal};
use server::pb::v1::set_payment_method_request::Details;
use server::pb::v1::{self, InvoiceState};

async fn write_off(client: &mut Client, invoice: &v1::Invoice) -> v1::WriteOff {
    let request = v1::WriteOffInvoiceRequest {
        invoice_id: invoice.id.clone(),
        reason: "failliet".into(),
        ..Default::default()
    };
    let answer = client.payments.write_off_invoice(request).await.unwrap().into_inner();
    answer.write_off.unwrap()
}

fn books(rows: &[(&str, i64)]) -> std::collections::BTreeMap<String, i64> {
    rows.iter().map(|(code, minor)| ((*code).to_owned(), *minor)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn vat_of_a_write_off_is_split_by_rate_dated_and_owed_again_when_it_is_paid() {
    let (world, mut client, ann, advice) = world().await;
    let reduced = Plan { category: v1::VatCategory::Reduced, ..Plan::months(1, "0") };
    let book = client.product("book", &reduced).await;
    // 121.00 at 21 % and 109.00 at 9 %; 30.00 of it is paid.
    let one = invoice(&mut client, &ann, &[(&advice, "100.00"), (&book, "100.00")]).await;
    record(&mut client, receipt(Some(&ann), 3_000)).await;
    client.advance("2025-02-10").await.unwrap();
    let lost = write_off(&mut client, &one).await;
    let vat: Vec<String> = lost.vat.iter().map(|lost| euro(&lost.amount)).collect();
    // 200.00 of 230.00: 18.26 of 21.00 and 7.83 of 9.00.
    assert_eq!((euro(&lost.amount).as_str(), lost.vat_dated), ("200.00", false));
    assert_eq!(
        {
            let mut vat = vat;
            vat.sort();
            vat
        },
        ["18.26", "7.83"]
    );
    let shown = client.document(&one.id).await;
    assert_eq!((shown.state(), euro(&shown.amount_due)), (InvoiceState::WrittenOff, "0.00".into()));
    assert_eq!(euro(&shown.amount_written_off), "200.00");
    assert_eq!(write_off(&mut client, &one).await, lost, "again changes nothing");
    let after = client.balances("2025-02-10").await;
    let expected =
        [("1000", 3_000), ("1520", -3_000), ("1540", 2_609), ("4600", 17_391), ("8000", -20_000)];
    assert_eq!(after, books(&expected));
    // Paid after all before the VAT is dated: half of it.
    client.advance("2025-02-11").await.unwrap();
    let half = record(&mut client, receipt(Some(&ann), 10_000)).await;
    assert_eq!(parts(&mut client, &half).await, "WRITTEN_OFF 2025-00001 100.00");
    assert_eq!(client.balances("2025-02-11").await["1540"], 1_304);
    client.advance("2025-02-12").await.unwrap();
    let date_it = v1::DateBadDebtVatRequest { invoice_id: one.id.clone(), ..Default::default() };
    for _ in 0..2 {
        let dated = client.payments.date_bad_debt_vat(date_it.clone()).await.unwrap().into_inner();
        assert!(dated.write_off.unwrap().vat_dated);
    }
    let dated = client.balances("2025-02-12").await;
    assert_eq!((dated["1520"], dated.get("1540")), (-3_000 + 1_304, None));
    // The rest, and more.
    client.advance("2025-02-13").await.unwrap();
    let named = v1::RecordPaymentRequest { invoice: naming(&one), ..receipt(None, 10_100) };
    let rest = record(&mut client, named).await;
    assert_eq!(parts(&mut client, &rest).await, "WRITTEN_OFF 2025-00001 100.00, BALANCE 1.00");
    assert_eq!(client.document(&one.id).await.state(), InvoiceState::Settled);
    let expected = [("1000", 23_100), ("1520", -3_000), ("2060", -100), ("8000", -20_000)];
    assert_eq!(client.balances("2025-02-13").await, books(&expected));
    // It bounces: written off again, and the VAT reclaimed again.
    client.advance("2025-02-14").await.unwrap();
    let back = v1::ReturnPaymentRequest { payment_id: rest.id, ..Default::default() };
    client.payments.return_payment(back).await.unwrap();
    assert_eq!(client.document(&one.id).await.state(), InvoiceState::WrittenOff);
    assert_eq!(client.balances("2025-02-14").await["1520"], -3_000 + 1_304);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_open_is_not_written_off_and_what_is_written_off_not_credited() {
    let (world, mut client, ann, advice) = world().await;
    let one = invoice(&mut client, &ann, &[(&advice, "100.00")]).await;
    let date_it = v1::DateBadDebtVatRequest { invoice_id: one.id.clone(), ..Default::default() };
    let early = refusal(client.payments.date_bad_debt_vat(date_it.clone()).await);
    assert_eq!(early.line(), "FailedPrecondition NOT_WRITTEN_OFF");
    let credit = v1::CreditInvoiceRequest {
        invoice_id: one.id.clone(),
        lines: vec![v1::LineCredit { line_id: one.lines[0].id.clone(), net: money(5_000) }],
        reason: "te veel".into(),
        ..Default::default()
    };
    let note = client.invoices.credit_invoice(credit.clone()).await.unwrap().into_inner();
    let lost = write_off(&mut client, &one).await;
    assert_eq!((euro(&lost.amount), euro(&lost.vat[0].amount)), ("60.50".into(), "10.50".into()));
    let refused = refusal(client.invoices.credit_invoice(credit).await);
    assert_eq!(refused.line(), "FailedPrecondition WRITTEN_OFF");
    for (on, expected) in
        [("2025-01-31", "InvalidArgument on"), ("2025-02-02", "InvalidArgument on")]
    {
        let wrong = v1::DateBadDebtVatRequest { on: Some(date(on)), ..date_it.clone() };
        assert_eq!(refusal(client.payments.date_bad_debt_vat(wrong).await).line(), expected);
    }
    let paid = invoice(&mut client, &ann, &[(&advice, "10.00")]).await;
    let pay = v1::RecordPaymentRequest { invoice: naming(&paid), ..receipt(None, 1_210) };
    record(&mut client, pay).await;
    let request = |id: &str, reason: &str| v1::WriteOffInvoiceRequest {
        invoice_id: id.to_owned(),
        reason: reason.to_owned(),
        ..Default::default()
    };
    let table = [
        (request(&paid.id, "x"), "FailedPrecondition NOTHING_OPEN"),
        (request(&note.credit_note.unwrap().id, "x"), "FailedPrecondition CREDIT_NOTE"),
        (request(&one.id, " "), "InvalidArgument reason"),
        (request(&uuid::Uuid::max().to_string(), "x"), "NotFound"),
    ];
    for (request, expected) in table {
        let refused = refusal(client.payments.write_off_invoice(request.clone()).await);
        assert_eq!(refused.line(), expected, "{request:?}");
    }
    world.finish().await;
}

/// A subscription of a quarter that is not paid, from the first of January on: 300.00 and 63.00 VAT.
async fn unpaid_quarter() -> (World, Client, v1::Customer, v1::Subscription, v1::Invoice) {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let customer = v1::Customer { payment_terms_days: Some(0), ..Client::business("Bakkerij") };
    let customer = client.create_customer(customer).await.unwrap();
    let transfer = Details::BankTransfer(v1::BankTransferDetails {});
    let request = v1::SetPaymentMethodRequest {
        customer_id: customer.id.clone(),
        details: Some(transfer),
        ..Default::default()
    };
    client.customers.set_payment_method(request).await.unwrap();
    let plan = client.plan("base", Plan::months(3, "300.00")).await;
    let terms = Client::terms(&customer, &plan, "2025-01-01");
    let subscription = client.subscribe(terms).await.unwrap();
    client.advance("2025-02-10").await.unwrap();
    let invoice = client.documents().await.remove(0);
    (world, client, customer, subscription, invoice)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_credits_of_an_invoice_that_was_written_off_is_no_money_of_the_customer() {
    for dated in [false, true] {
        let (world, mut client, _, _, invoice) = unpaid_quarter().await;
        assert_eq!(euro(&write_off(&mut client, &invoice).await.amount), "363.00");
        // Nothing is open any more: it is delivered again, and billed anew. Credited is what had been
        // billed from the day of the stop on, 60 days of 90: 200.00 and 42.00.
        if dated {
            let date_it =
                v1::DateBadDebtVatRequest { invoice_id: invoice.id.clone(), ..Default::default() };
            client.payments.date_bad_debt_vat(date_it).await.unwrap();
        }
        client.advance("2025-02-11").await.unwrap();
        let credit = client.documents().await.into_iter().find(|one| one.number.starts_with('C'));
        let credit = credit.unwrap();
        assert_eq!(
            (euro(&credit.gross), euro(&credit.balance_change)),
            ("-242.00".into(), "0.00".into())
        );
        let shown = client.document(&invoice.id).await;
        assert_eq!(
            (shown.state(), euro(&shown.amount_due), euro(&shown.amount_written_off)),
            (InvoiceState::WrittenOff, "0.00".into(), "121.00".into())
        );
        let after = client.balances("2025-02-11").await;
        assert_eq!((after["4600"], after.get("2060")), (10_000, None));
        // The VAT of what is left is reclaimed, or to be, once: of 56.00 with what is billed anew.
        let vat = (after["1520"], after.get("1540").copied());
        assert_eq!(vat, if dated { (-3_500, None) } else { (-5_600, Some(2_100)) });
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_off_and_credited_whole_leaves_nothing_whatever_was_paid_of_it_after_all() {
    let (world, mut client, ann, subscription, invoice) = unpaid_quarter().await;
    write_off(&mut client, &invoice).await;
    let paid = record(&mut client, receipt(Some(&ann), 20_000)).await;
    assert_eq!(parts(&mut client, &paid).await, "WRITTEN_OFF 2025-00001 200.00");
    client.advance("2025-02-11").await.unwrap();
    // The days that were delivered are 125.04: 74.96 of what was paid is too much.
    client.cancel_now(&subscription.id, true).await.unwrap();
    client.advance("2025-02-12").await.unwrap();
    let shown = client.document(&invoice.id).await;
    assert_eq!((shown.state(), shown.amount_written_off), (InvoiceState::Settled, None));
    let after = client.balances("2025-02-12").await;
    assert_eq!((after["2060"], after.get("4600"), after.get("1540")), (-7_496, None, None));
    // It goes back: what it paid after all is lost again, as far as that is owed.
    let back = v1::ReturnPaymentRequest { payment_id: paid.id, ..Default::default() };
    let back = client.payments.return_payment(back).await.unwrap().into_inner().payment.unwrap();
    let expected = "BALANCE -74.96, WRITTEN_OFF 2025-00001 -125.04";
    assert_eq!(parts(&mut client, &back).await, expected);
    world.finish().await;
}
