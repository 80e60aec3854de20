//! A year of one monthly subscription that starts on 31 January: previewed, billed, posted.

use server::pb::v1;

use crate::world::{Client, Plan, World, day, euro, text};

/// The first year's periods, as the calendar has them from 31 January 2025 on.
const BOUNDARIES: [&str; 14] = [
    "2025-01-31",
    "2025-02-28",
    "2025-03-31",
    "2025-04-30",
    "2025-05-31",
    "2025-06-30",
    "2025-07-31",
    "2025-08-31",
    "2025-09-30",
    "2025-10-31",
    "2025-11-30",
    "2025-12-31",
    "2026-01-31",
    "2026-02-28",
];

/// The 13 numbers: the series begins anew with the year.
fn number(at: usize) -> String {
    if at < 12 { format!("2025-{:05}", at + 1) } else { "2026-00001".to_owned() }
}

fn check(invoice: &v1::Invoice, at: usize, customer: &v1::Customer) {
    let [from, until] = [BOUNDARIES[at], BOUNDARIES[at + 1]];
    assert_eq!(invoice.kind(), v1::InvoiceKind::Invoice);
    assert_eq!((day(&invoice.billing_on), day(&invoice.issue_on)), (from.into(), from.into()));
    assert_eq!((&invoice.customer_id, invoice.currency.as_str()), (&customer.id, "EUR"));
    assert_eq!(
        [&invoice.net, &invoice.vat, &invoice.gross, &invoice.amount_due].map(euro),
        ["49.99", "10.50", "60.49", "60.49"]
    );
    let [line] = invoice.lines.as_slice() else { panic!("one line: {invoice:?}") };
    assert_eq!((day(&line.service_from), day(&line.service_until)), (from.into(), until.into()));
    assert_eq!((line.position, line.description.as_str()), (1, "base"));
    assert_eq!((text(&line.quantity), text(&line.unit_price)), ("1", "49.99"));
    assert_eq!(euro(&line.net), "49.99");
    let [total] = invoice.vat_totals.as_slice() else { panic!("one rate: {invoice:?}") };
    let vat = total.vat.as_ref().unwrap();
    assert_eq!((vat.class(), text(&vat.rate)), (v1::VatClass::Standard, "21"));
    assert_eq!((euro(&total.base), euro(&total.amount)), ("49.99".into(), "10.50".into()));
    assert_eq!(line.vat.as_ref(), Some(vat));
}

/// A preview and a document as they can be compared: without what only a finalized one has.
fn comparable(mut invoice: v1::Invoice) -> v1::Invoice {
    invoice.id.clear();
    invoice.number.clear();
    invoice.state = 0;
    invoice.finalize_time = None;
    for line in &mut invoice.lines {
        line.id.clear();
        line.subscription_id.clear();
        line.subscription_item_id.clear();
    }
    invoice
}

async fn preview(client: &mut Client, terms: v1::SubscriptionTerms) -> Vec<v1::Invoice> {
    let horizon = Some(v1::preview_subscription_request::Horizon::Periods(13));
    let request = v1::PreviewSubscriptionRequest { terms: Some(terms), horizon };
    client.subscriptions.preview_subscription(request).await.unwrap().into_inner().invoices
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_from_31_january_gives_12_invoices_and_its_anniversary_the_13th() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let customer = client.customer("Bakkerij Jansen").await;
    let plan = client.plan("base", Plan::months(1, "49.99")).await;
    let terms = Client::terms(&customer, &plan, "2025-01-31");
    let previewed = preview(&mut client, terms.clone()).await;
    assert_eq!(client.documents().await, [], "a preview writes nothing");
    client.subscribe(terms).await.unwrap();

    let mut days = client.advance("2026-01-30").await.unwrap();
    assert_eq!(client.documents().await.len(), 12);
    let [eve, anniversary] = client.advance("2026-01-31").await.unwrap().try_into().unwrap();
    assert_eq!((eve.invoices_issued, anniversary.done), (0, true));
    days.push(anniversary);
    check_days(&days);
    let invoices = client.documents().await;
    assert_eq!((invoices.len(), previewed.len()), (13, 13));
    for (at, invoice) in invoices.iter().enumerate() {
        check(invoice, at, &customer);
        assert_eq!((invoice.state(), &invoice.number), (v1::InvoiceState::Open, &number(at)));
        assert_eq!(previewed[at].state(), v1::InvoiceState::Draft);
        assert_eq!(comparable(previewed[at].clone()), comparable(invoice.clone()));
    }
    let balances = client.balances("2026-01-31").await;
    let expected = [("1300", 13 * 6_049), ("1520", -13 * 1_050), ("8000", -13 * 4_999)];
    assert_eq!(balances, expected.map(|(account, cents)| (account.to_owned(), cents)).into());
    check_entries(&mut client, &invoices).await;
    world.finish().await;
}

/// Every day was lived once, in order, and 13 of them brought an invoice.
fn check_days(days: &[v1::AdvanceClockResponse]) {
    assert_eq!(days.len(), 366, "from the 31st to the 31st, both included");
    assert!(days.windows(2).all(|pair| day(&pair[0].date) < day(&pair[1].date)));
    let busy = days.iter().filter(|day| day.invoices_issued == 1).map(|lived| day(&lived.date));
    assert_eq!(busy.collect::<Vec<_>>(), BOUNDARIES[..13]);
    assert!(days.iter().all(|day| day.set_aside == 0 && day.invoices_issued < 2));
}

async fn check_entries(client: &mut Client, invoices: &[v1::Invoice]) {
    for invoice in invoices {
        let source_id = invoice.id.clone();
        let request = v1::ListEntriesRequest { source_id, ..Default::default() };
        let entries = client.ledger.list_entries(request).await.unwrap().into_inner().entries;
        let [entry] = entries.as_slice() else { panic!("one entry: {entries:?}") };
        assert_eq!(day(&entry.posted_on), day(&invoice.issue_on));
        let sides: Vec<(String, String)> = entry
            .postings
            .iter()
            .map(|posting| (posting.account.as_ref().unwrap().code.clone(), euro(&posting.amount)))
            .collect();
        let expected = [("1300", "60.49"), ("8000", "-49.99"), ("1520", "-10.50")];
        assert_eq!(sides, expected.map(|(account, euro)| (account.into(), euro.into())));
        let vat = entry.postings[2].vat.as_ref().unwrap();
        assert_eq!((vat.class(), text(&vat.rate)), (v1::VatClass::Standard, "21"));
    }
}
