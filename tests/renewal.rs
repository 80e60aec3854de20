//! What begins in the time to come: told ahead, and told again when it comes.

use std::collections::BTreeSet;

use server::pb::v1::{self, EventKind, RenewalKind};

use crate::event::all_events;
use crate::world::{Client, Plan, World, date, day, refusal, text};

fn until(text: &str) -> v1::ListUpcomingRenewalsRequest {
    v1::ListUpcomingRenewalsRequest { until: Some(date(text)), ..Default::default() }
}

/// All pages, and how many there were.
async fn planned(
    client: &mut Client,
    mut request: v1::ListUpcomingRenewalsRequest,
) -> (Vec<v1::UpcomingRenewal>, usize) {
    let (mut renewals, mut pages) = (Vec::new(), 0);
    loop {
        let answer = client.subscriptions.list_upcoming_renewals(request.clone()).await.unwrap();
        let page = answer.into_inner();
        let most = if request.page_size == 0 { 50 } else { request.page_size };
        assert!(page.renewals.len() <= usize::try_from(most).unwrap());
        renewals.extend(page.renewals);
        pages += 1;
        if page.next_page_token.is_empty() {
            return (renewals, pages);
        }
        request.page_token = page.next_page_token;
    }
}

fn line(renewal: &v1::UpcomingRenewal) -> String {
    let kind = renewal.kind().as_str_name().trim_start_matches("RENEWAL_KIND_").to_lowercase();
    format!("{} {kind}", day(&renewal.date))
}

/// What events say has begun after a day.
async fn came(client: &mut Client, after: &str) -> BTreeSet<(String, String, RenewalKind)> {
    all_events(client)
        .await
        .iter()
        .filter_map(|event| {
            let kind = match event.kind() {
                EventKind::SubscriptionStarted => RenewalKind::Start,
                EventKind::SubscriptionTrialConverted => RenewalKind::TrialEnd,
                EventKind::SubscriptionRenewed => RenewalKind::Renewal,
                _ => return None,
            };
            let Some(v1::event::Subject::Subscription(facts)) = &event.subject else {
                panic!("about a subscription: {event:?}");
            };
            Some((facts.subscription_id.clone(), day(&event.effective_on), kind))
        })
        .filter(|(_, on, _)| on.as_str() > after)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_ahead_is_what_comes() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let ann = client.customer("Ann").await;
    let ben = client.customer("Ben").await;
    let seats = client.plan("seats", Plan::seats("10.00")).await;
    let trial = Plan { trial_days: 28, ..Plan::months(1, "5.00") };
    let trial = client.plan("trial", trial).await;
    let yearly = client.plan("yearly", Plan::months(12, "99.00")).await;
    let arrears = Plan { timing: v1::BillingTiming::InArrears, ..Plan::months(1, "7.00") };
    let arrears = client.plan("arrears", arrears).await;
    let mut taken = Client::terms(&ann, &seats, "2025-01-31");
    let three = v1::ComponentQuantity {
        component: "base".to_owned(),
        quantity: crate::world::decimal("3"),
    };
    taken.quantities = vec![three];
    let first = client.subscribe(taken).await.unwrap();
    client.subscribe(Client::terms(&ben, &trial, "2025-02-01")).await.unwrap();
    client.subscribe(Client::terms(&ben, &yearly, "2025-03-01")).await.unwrap();
    client.subscribe(Client::terms(&ann, &arrears, "2025-01-31")).await.unwrap();
    let over = client.subscribe(Client::terms(&ben, &seats, "2025-01-31")).await.unwrap();
    client.cancel(&over.id).await.unwrap();

    let (all, pages) = planned(&mut client, until("2025-05-01")).await;
    let of_first: Vec<&v1::UpcomingRenewal> =
        all.iter().filter(|one| one.subscription_id == first.id).collect();
    let lines: Vec<String> = of_first.iter().map(|one| line(one)).collect();
    assert_eq!(lines, ["2025-02-28 renewal", "2025-03-31 renewal", "2025-04-30 renewal"]);
    let [item] = of_first[0].items.as_slice() else { panic!("one item: {of_first:?}") };
    assert_eq!((item.component.as_str(), text(&item.quantity)), ("base", "3"));
    assert!(!item.product_id.is_empty() && of_first[0].plan_id == seats.id);
    assert!(all.iter().all(|one| one.subscription_id != over.id), "nothing begins after its end");
    let kinds: BTreeSet<i32> = all.iter().map(|one| one.kind).collect();
    let every = [RenewalKind::Start, RenewalKind::TrialEnd, RenewalKind::Renewal];
    assert_eq!((kinds, pages), (every.map(i32::from).into(), 1));
    // Page by page it is the same, wherever a page ends.
    let small = v1::ListUpcomingRenewalsRequest { page_size: 2, ..until("2025-05-01") };
    let (paged, pages) = planned(&mut client, small).await;
    assert_eq!((paged, pages), (all.clone(), all.len().div_ceil(2)));
    let of_ben =
        v1::ListUpcomingRenewalsRequest { customer_id: ben.id.clone(), ..until("2025-05-01") };
    let (of_ben, _) = planned(&mut client, of_ben).await;
    // Ids of one moment are in no order.
    let lines: BTreeSet<String> = of_ben.iter().map(line).collect();
    let expected =
        ["2025-02-01 start", "2025-03-01 start", "2025-03-01 trial_end", "2025-04-01 renewal"];
    let expected = expected.map(str::to_owned).into();
    assert_eq!(lines, expected);

    client.advance("2025-04-30").await.unwrap();
    let told: BTreeSet<(String, String, RenewalKind)> =
        all.iter().map(|one| (one.subscription_id.clone(), day(&one.date), one.kind())).collect();
    assert_eq!(came(&mut client, "2025-01-31").await, told);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_horizon_that_has_passed_or_is_too_far_is_refused() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let mut ask =
        async |request| refusal(client.subscriptions.list_upcoming_renewals(request).await).line();
    let forged =
        v1::ListUpcomingRenewalsRequest { page_token: "AAAA".into(), ..until("2025-06-01") };
    let negative = v1::ListUpcomingRenewalsRequest { page_size: -1, ..until("2025-06-01") };
    let table = [
        (v1::ListUpcomingRenewalsRequest::default(), "InvalidArgument until"),
        (until("2025-01-31"), "InvalidArgument until"),
        (until("2027-02-01"), "InvalidArgument until"),
        (until("2025-02-30"), "InvalidArgument until"),
        (forged, "InvalidArgument page_token"),
        (negative, "InvalidArgument page_size"),
    ];
    for (request, expected) in table {
        assert_eq!(ask(request.clone()).await, expected, "{request:?}");
    }
    let (none, pages) = planned(&mut client, until("2027-01-31")).await;
    assert_eq!((none.len(), pages), (0, 1));
    world.finish().await;
}
