//! Credits by hand, and the balance that they leave.

use server::pb::v1::{self, InvoiceState};

use crate::world::{Client, Plan, World, book, cents, euro, refusal};

fn credit_of(invoice: &v1::Invoice, lines: &[(usize, Option<i64>)]) -> v1::CreditInvoiceRequest {
    let money = |cents: i64| server::pb::google::r#type::Money {
        currency_code: "EUR".into(),
        units: cents / 100,
        nanos: i32::try_from(cents % 100).unwrap() * 10_000_000,
    };
    let line = |(at, net): &(usize, Option<i64>)| v1::LineCredit {
        line_id: invoice.lines[*at].id.clone(),
        net: net.map(money),
    };
    v1::CreditInvoiceRequest {
        invoice_id: invoice.id.clone(),
        lines: lines.iter().map(line).collect(),
        reason: "afgesproken".into(),
        ..Default::default()
    }
}

async fn credit(
    client: &mut Client,
    invoice: &v1::Invoice,
    lines: &[(usize, Option<i64>)],
) -> v1::Invoice {
    let request = credit_of(invoice, lines);
    let answer = client.invoices.credit_invoice(request).await.unwrap().into_inner();
    answer.credit_note.unwrap()
}

async fn subscribed(client: &mut Client, plan: Plan, from: &str) -> v1::Subscription {
    let customer = client.customer("Bakkerij Jansen").await;
    let plan = client.plan("base", plan).await;
    client.subscribe(Client::terms(&customer, &plan, from)).await.unwrap()
}

async fn settled_events(client: &mut Client) -> usize {
    let request = v1::ListEventsRequest { page_size: 500, ..Default::default() };
    let events = client.events.list_events(request).await.unwrap().into_inner().events;
    events.iter().filter(|one| one.kind() == v1::EventKind::InvoiceSettled).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_invoice_is_credited_in_part_and_then_whole() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    subscribed(&mut client, Plan::months(1, "30.00"), "2025-02-01").await;
    client.advance("2025-02-10").await.unwrap();
    let invoice = client.documents().await.remove(0);
    let first = credit(&mut client, &invoice, &[(0, Some(1_000))]).await;
    assert_eq!((first.reason.as_str(), first.kind()), ("afgesproken", v1::InvoiceKind::CreditNote));
    assert_eq!(first.lines[0].corrects_line_id, invoice.lines[0].id);
    assert_eq!(first.lines[0].kind(), v1::InvoiceLineKind::Correction);
    assert_eq!(euro(&client.document(&invoice.id).await.amount_due), "24.20");
    assert_eq!(settled_events(&mut client).await, 0);
    let more =
        refusal(client.invoices.credit_invoice(credit_of(&invoice, &[(0, Some(2_001))])).await);
    assert_eq!(more.line(), "FailedPrecondition MORE_THAN_LEFT");
    assert_eq!(more.facts["left"], "EUR 20.00");
    credit(&mut client, &invoice, &[]).await;
    let after = client.document(&invoice.id).await;
    assert_eq!((after.state(), cents(&after.amount_due)), (InvoiceState::Settled, 0));
    assert_eq!(settled_events(&mut client).await, 1);
    assert_eq!(
        book(&client.documents().await)[1..],
        [
            "C2025-00001 2025-02-10 -10.00 + -2.10: base 2025-02-01..2025-03-01 -10.00",
            "C2025-00002 2025-02-10 -20.00 + -4.20: base 2025-02-01..2025-03-01 -20.00",
        ]
    );
    assert!(client.balances("2025-02-10").await.is_empty(), "as if nothing had been");
    for lines in [&[][..], &[(0, None)], &[(0, Some(1))]] {
        let nothing = refusal(client.invoices.credit_invoice(credit_of(&invoice, lines)).await);
        assert_eq!(nothing.line(), "FailedPrecondition NOTHING_LEFT_TO_CREDIT");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_open_goes_to_the_balance_which_pays_the_next_invoices() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let dear = subscribed(&mut client, Plan::months(1, "31.00"), "2025-01-01").await;
    let customer = v1::Customer { id: dear.customer_id.clone(), ..Default::default() };
    let dearer = client.plan("dearer", Plan::months(1, "62.00")).await;
    let small = client.plan("small", Plan::months(1, "10.00")).await;
    client.subscribe(Client::terms(&customer, &small, "2025-02-01")).await.unwrap();
    client.advance("2025-01-11").await.unwrap();
    let change = v1::Change { plan_id: dearer.id, ..v1::Change::default() };
    client.change(&dear.id, change).await.unwrap();
    client.run_billing().await;
    let changed = client.documents().await.remove(1);
    // Of the credit on it nothing can be credited; of the charge all: 42.00, and 21.00 are open.
    let note = credit(&mut client, &changed, &[]).await;
    assert_eq!(euro(&note.balance_change), "25.41");
    // What was credited by hand is not credited by the end of the subscription.
    client.advance("2025-01-15").await.unwrap();
    client.cancel_now(&dear.id, true).await.unwrap();
    client.advance("2025-04-01").await.unwrap();
    let documents = client.documents().await;
    assert_eq!(
        book(&documents)[1..],
        [
            "2025-00002 2025-01-11 21.00 + 4.41: base 2025-01-11..2025-02-01 -21.00, \
             dearer 2025-01-11..2025-02-01 42.00",
            "2025-00003 2025-02-01 10.00 + 2.10: small 2025-02-01..2025-03-01 10.00",
            "2025-00004 2025-03-01 10.00 + 2.10: small 2025-03-01..2025-04-01 10.00",
            "2025-00005 2025-04-01 10.00 + 2.10: small 2025-04-01..2025-05-01 10.00",
            "C2025-00001 2025-01-11 -42.00 + -8.82: dearer 2025-01-11..2025-02-01 -42.00",
        ]
    );
    let paid: Vec<(String, String)> = documents[2..5]
        .iter()
        .map(|one| (euro(&one.balance_change), euro(&one.amount_due)))
        .collect();
    let row = |balance: &str, due: &str| (balance.to_owned(), due.to_owned());
    assert_eq!(paid, [row("-12.10", "0.00"), row("-12.10", "0.00"), row("-1.21", "10.89")]);
    // An invoice that the balance settled: all of it goes back there.
    let note = credit(&mut client, &documents[2], &[]).await;
    assert_eq!((euro(&note.gross), euro(&note.balance_change)), ("-12.10".into(), "12.10".into()));
    assert_eq!(client.balances("2025-04-01").await["2060"], -1_210);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_is_credited_out_of_what_is_not_earned() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let year = subscribed(&mut client, Plan::months(12, "365.00"), "2025-01-01").await;
    client.advance("2025-04-01").await.unwrap();
    let invoice = client.documents().await.remove(0);
    let of = |rows: [(&str, i64); 4]| rows.map(|(code, minor)| (code.to_owned(), minor)).into();
    let before = client.balances("2025-04-01").await;
    assert_eq!(
        before,
        of([("1300", 44_165), ("1520", -7_665), ("2000", -27_500), ("8000", -9_000)])
    );
    credit(&mut client, &invoice, &[(0, Some(10_000))]).await;
    let after = client.balances("2025-04-01").await;
    assert_eq!(
        after,
        of([("1300", 32_065), ("1520", -5_565), ("2000", -17_500), ("8000", -9_000)])
    );
    // April's 30 of the 275 days that are left: 175.00 x 30 / 275.
    client.advance("2025-05-01").await.unwrap();
    assert_eq!(client.balances("2025-05-01").await["8000"], -10_909);
    client.advance("2025-07-10").await.unwrap();
    client.cancel_now(&year.id, true).await.unwrap();
    client.advance("2025-08-01").await.unwrap();
    // 175 of 365 days: 175.00, less the same share of what was credited before.
    let documents = client.documents().await;
    assert_eq!(
        book(&documents)[2],
        "C2025-00002 2025-07-10 -127.05 + -26.68: base 2025-07-10..2026-01-01 -127.05"
    );
    assert_eq!(client.balances("2025-08-01").await["8000"], -13_795, "365.00 - 100.00 - 127.05");
    credit(&mut client, &invoice, &[]).await;
    let end = client.balances("2025-08-01").await;
    assert!(!end.contains_key("8000") && !end.contains_key("2000"), "{end:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_credited_is_refused() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    subscribed(&mut client, Plan::months(1, "30.00"), "2025-02-01").await;
    client.run_billing().await;
    let invoice = client.documents().await.remove(0);
    let unknown = uuid::Uuid::max().to_string();
    let good = credit_of(&invoice, &[(0, Some(100))]);
    let of_line = |line_id: &str| v1::CreditInvoiceRequest {
        lines: vec![v1::LineCredit { line_id: line_id.to_owned(), net: None }],
        ..good.clone()
    };
    let mut yen = good.clone();
    yen.lines[0].net.as_mut().unwrap().currency_code = "JPY".into();
    yen.lines[0].net.as_mut().unwrap().nanos = 0;
    let table = [
        (v1::CreditInvoiceRequest { reason: " ".into(), ..good.clone() }, "InvalidArgument reason"),
        (v1::CreditInvoiceRequest { invoice_id: unknown.clone(), ..good.clone() }, "NotFound"),
        (of_line(&unknown), "InvalidArgument lines"),
        (of_line("x"), "InvalidArgument lines[0].line_id"),
        (credit_of(&invoice, &[(0, None), (0, None)]), "InvalidArgument lines"),
        (credit_of(&invoice, &[(0, Some(0))]), "InvalidArgument lines"),
        (credit_of(&invoice, &[(0, Some(-100))]), "InvalidArgument lines"),
        (credit_of(&invoice, &[(0, Some(3_001))]), "FailedPrecondition MORE_THAN_LEFT"),
        (yen, "InvalidArgument lines"),
    ];
    for (request, expected) in table {
        let refused = refusal(client.invoices.credit_invoice(request.clone()).await);
        assert_eq!(refused.line(), expected, "{request:?}");
    }
    let once = v1::CreditInvoiceRequest {
        request_id: domain::id::fresh(chrono::DateTime::UNIX_EPOCH).to_string(),
        ..good
    };
    let first = client.invoices.credit_invoice(once.clone()).await.unwrap().into_inner();
    let again = client.invoices.credit_invoice(once).await.unwrap().into_inner();
    assert_eq!(first, again, "the same call again");
    let note = first.credit_note.unwrap();
    let refused = refusal(client.invoices.credit_invoice(credit_of(&note, &[])).await);
    assert_eq!(refused.line(), "FailedPrecondition CREDIT_NOTE");
    assert_eq!(client.documents().await.len(), 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_of_charges_is_credited_and_the_charge_is_not_billed_again() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-01").await;
    let customer = client.customer("Ann").await;
    let product = client.product("set-up", &Plan::months(1, "0")).await;
    let made = client.invoice_of(&customer, &product).await;
    credit(&mut client, &made, &[]).await;
    client.advance("2025-03-01").await.unwrap();
    assert_eq!(client.documents().await.len(), 2);
    assert!(client.balances("2025-03-01").await.is_empty());
    world.finish().await;
}
