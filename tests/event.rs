//! Events: in one order, which a late commit does not disturb, and as it happened.

mod life;

use app::event;
use app::{Ctx, Scope};
use domain::event::EventKind as Kind;
use server::pb::v1::{self, EventKind};
use testkit::{Database, ManualClock, Offer, Vendor, date};
use tonic::{Code, Streaming};

use crate::world::{Client, Plan, Served, World, day, euro, refusal};

/// All events, page by page.
pub async fn all_events(client: &mut Client) -> Vec<v1::Event> {
    filtered(client, v1::EventFilter::default()).await
}

async fn filtered(client: &mut Client, filter: v1::EventFilter) -> Vec<v1::Event> {
    let mut events: Vec<v1::Event> = Vec::new();
    let filter = Some(filter);
    let mut request = v1::ListEventsRequest { page_size: 7, filter, ..Default::default() };
    loop {
        let page = client.events.list_events(request.clone()).await.unwrap().into_inner();
        assert!(page.events.len() <= 7);
        events.extend(page.events);
        if page.next_page_token.is_empty() {
            return events;
        }
        assert_eq!(page.next_page_token, page.cursor);
        request.page_token = page.next_page_token;
    }
}

pub async fn watch(
    client: &mut Client,
    cursor: &str,
) -> Result<Streaming<v1::WatchEventsResponse>, tonic::Status> {
    let request = v1::WatchEventsRequest { cursor: cursor.to_owned(), ..Default::default() };
    Ok(client.events.watch_events(request).await?.into_inner())
}

/// The next message that has events.
async fn next_events(stream: &mut Streaming<v1::WatchEventsResponse>) -> v1::WatchEventsResponse {
    loop {
        let message = stream.message().await.unwrap().expect("the watch goes on");
        if !message.events.is_empty() {
            return message;
        }
    }
}

/// `2025-02-28 subscription_renewed 2025-03-31`, with the number of a document.
fn line(event: &v1::Event) -> String {
    let kind = event.kind().as_str_name().trim_start_matches("EVENT_KIND_").to_lowercase();
    let on = day(&event.effective_on);
    match event.subject.as_ref().expect("a subject") {
        v1::event::Subject::Subscription(facts) => {
            format!("{on} {kind} {}", day(&facts.next_renewal_on)).trim_end().to_owned()
        }
        v1::event::Subject::Document(facts) => format!("{on} {kind} {}", facts.number),
        v1::event::Subject::Collection(facts) => {
            format!("{on} {kind} {}", facts.document.as_ref().unwrap().number)
        }
        v1::event::Subject::Investment(facts) => {
            format!("{on} {kind} {}", euro(&facts.credited))
        }
        v1::event::Subject::Payout(facts) => {
            format!("{on} {kind} {} {}", facts.number, euro(&facts.gross))
        }
        v1::event::Subject::Refund(facts) => format!("{on} {kind} {}", euro(&facts.amount)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_is_told_as_it_happened() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-30").await;
    let ann = client.customer("Ann").await;
    let trial = Plan { trial_days: 29, ..Plan::months(3, "49.99") };
    let plan = client.plan("quarterly", trial).await;
    let one = client.subscribe(Client::terms(&ann, &plan, "2025-01-31")).await.unwrap();
    assert_eq!(all_events(&mut client).await, [], "nothing has begun");
    client.advance("2025-07-01").await.unwrap();
    client.cancel(&one.id).await.unwrap();
    client.undo_cancel(&one.id).await.unwrap();
    client.undo_cancel(&one.id).await.unwrap();
    client.advance("2025-10-01").await.unwrap();
    client.cancel(&one.id).await.unwrap();
    client.advance("2026-01-31").await.unwrap();

    let events = all_events(&mut client).await;
    let lines: Vec<String> = events.iter().map(line).collect();
    let expected = [
        "2025-01-31 subscription_started 2025-03-01",
        "2025-03-01 subscription_trial_converted 2025-06-01",
        "2025-03-01 invoice_finalized 2025-00001",
        "2025-06-01 subscription_renewed 2025-09-01",
        "2025-06-01 invoice_finalized 2025-00002",
        "2025-09-01 subscription_cancellation_planned",
        "2025-07-01 subscription_cancellation_undone 2025-09-01",
        "2025-09-01 subscription_renewed 2025-12-01",
        "2025-09-01 invoice_finalized 2025-00003",
        "2025-12-01 subscription_cancellation_planned",
        "2025-12-01 subscription_cancelled",
    ];
    assert_eq!(lines, expected);
    assert!(events.iter().all(|event| event.customer_id == ann.id));
    check_facts(&mut client, &events, &one, &plan).await;
    world.finish().await;
}

/// What events say is what the service says otherwise.
async fn check_facts(
    client: &mut Client,
    events: &[v1::Event],
    subscription: &v1::Subscription,
    plan: &v1::Plan,
) {
    let mut documents = client.documents().await.into_iter();
    for event in events {
        match event.subject.as_ref().unwrap() {
            v1::event::Subject::Subscription(facts) => {
                assert_eq!((&facts.subscription_id, &facts.plan_id), (&subscription.id, &plan.id));
                assert_eq!((facts.currency.as_str(), facts.items.len()), ("EUR", 1));
                assert_eq!(facts.plan_version_id, subscription.plan_version_id);
                assert!(!facts.items[0].product_id.is_empty());
            }
            v1::event::Subject::Document(facts) => {
                let document = documents.next().unwrap();
                assert_eq!((&facts.invoice_id, &facts.number), (&document.id, &document.number));
                assert_eq!((facts.kind, facts.issue_on), (document.kind, document.issue_on));
                assert_eq!(
                    (euro(&facts.gross), euro(&facts.amount_due)),
                    ("60.49".into(), "60.49".into())
                );
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(documents.next(), None, "every document is told");
    let ended = filtered(
        client,
        v1::EventFilter {
            kinds: vec![
                EventKind::SubscriptionCancelled.into(),
                EventKind::SubscriptionStarted.into(),
            ],
            ..Default::default()
        },
    );
    assert_eq!(ended.await, [events[0].clone(), events[10].clone()]);
    let about = v1::EventFilter { subscription_id: subscription.id.clone(), ..Default::default() };
    assert_eq!(filtered(client, about).await.len(), 8);
    let nobody = uuid::Uuid::max().to_string();
    let nobody = v1::EventFilter { customer_id: nobody, ..Default::default() };
    assert_eq!(filtered(client, nobody).await, []);
}

/// A vendor with a subscription to tell things about.
async fn subscribed() -> (Database, Vendor, domain::subscription::Subscription) {
    let database = Database::fresh().await;
    let ctx = database.ctx(ManualClock::at(crate::world::NOW));
    let vendor = Vendor::live(&ctx).await;
    let plan =
        vendor.plan("monthly", Offer::flat(domain::period::Interval::MONTHLY, "10.00")).await;
    let ann = vendor.customer("Ann").await;
    // In the future: it tells nothing by itself.
    let subscription = vendor.subscribe(&ann, plan, "2025-03-01").await;
    (database, vendor, subscription)
}

fn told(on: &str, subscription: &domain::subscription::Subscription) -> event::News {
    event::of_subscription(Kind::SubscriptionChanged, date(on), subscription)
}

/// The days of events after a page token, and where to go on.
async fn days_after(ctx: &Ctx, org: domain::id::OrgId, token: &str) -> (Vec<String>, String) {
    let mut scope: Scope = ctx.scope(org).await.unwrap();
    let page = app::page::PageRequest::new(0, token).unwrap();
    let batch = event::list(&mut scope, &event::Filter::default(), &page).await.unwrap();
    let days = batch.events.iter().map(|one| one.event.effective_on.to_string()).collect();
    (days, batch.cursor)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_began_first_and_commits_last_is_not_skipped() {
    let (_database, vendor, subscription) = subscribed().await;
    let (ctx, org) = (&vendor.ctx, vendor.org);
    let mut first = ctx.scope(org).await.unwrap();
    first.announce([told("2025-01-01", &subscription)]);
    // It holds what a use case holds, and has written.
    store::customer::lock(&mut first.tx, subscription.customer_id).await.unwrap();
    let mut second = ctx.scope(org).await.unwrap();
    second.announce([told("2025-01-02", &subscription), told("2025-01-03", &subscription)]);
    second.commit().await.unwrap();
    let (seen, cursor) = days_after(ctx, org, "").await;
    assert_eq!(seen, ["2025-01-02", "2025-01-03"]);
    first.commit().await.unwrap();
    let (seen, cursor) = days_after(ctx, org, &cursor).await;
    assert_eq!(seen, ["2025-01-01"], "it has its place behind what was seen");
    assert_eq!(days_after(ctx, org, &cursor).await.0, [""; 0]);
}

/// An event as a use case would write it.
fn written(on: &str, subscription: &domain::subscription::Subscription) -> domain::event::Event {
    domain::event::Event {
        id: domain::id::EventId::fresh(chrono::DateTime::UNIX_EPOCH),
        kind: Kind::SubscriptionChanged,
        occurred_at: chrono::DateTime::UNIX_EPOCH,
        effective_on: date(on),
        customer_id: subscription.customer_id,
        subject: domain::event::Subject::Subscription(domain::event::SubscriptionFacts {
            id: subscription.id,
            plan_id: subscription.plan_id,
            version_id: subscription.version_id,
            state: subscription.state,
            currency: subscription.currency,
            items: Vec::new(),
            next_renewal_on: None,
            ends_on: None,
        }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_place_in_the_order_commits_before_the_next_gets_one() {
    let (database, vendor, subscription) = subscribed().await;
    let (ctx, org) = (&vendor.ctx, vendor.org);
    for gives_up in [true, false] {
        let (_, cursor) = days_after(ctx, org, "").await;
        let mut first = ctx.scope(org).await.unwrap();
        store::event::append(&mut first.tx, &[written("2025-01-01", &subscription)]).await.unwrap();
        let mut second = ctx.scope(org).await.unwrap();
        second.announce([told("2025-01-02", &subscription)]);
        let second = tokio::spawn(second.commit());
        let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                     AND datname = current_database() AND query LIKE '%event_positions%')";
        crate::world::until(&database, waits).await;
        assert_eq!(days_after(ctx, org, &cursor).await.0, [""; 0], "neither is seen yet");
        if gives_up {
            drop(first);
        } else {
            first.commit().await.unwrap();
        }
        second.await.unwrap().unwrap();
        let (seen, _) = days_after(ctx, org, &cursor).await;
        let expected: &[&str] =
            if gives_up { &["2025-01-02"] } else { &["2025-01-01", "2025-01-02"] };
        assert_eq!(seen, expected);
    }
    let gapless = "SELECT max(position) = count(*) AND count(*) = 3 FROM events";
    let row = database.sql().await.query_one(gapless, &[]).await.unwrap();
    assert!(row.get::<_, bool>(0), "what was given up leaves no gap");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_begins_where_it_is_told_to_and_gives_signs_of_life() {
    let settings =
        server::Settings { heartbeat: std::time::Duration::from_millis(20), ..Default::default() };
    let world = World::with(settings).await;
    let mut client = world.sandbox("2025-01-31").await;
    let ann = client.customer("Ann").await;
    let plan = client.plan("monthly", Plan::months(1, "10.00")).await;
    let terms = Client::terms(&ann, &plan, "2025-01-31");
    client.subscribe(terms.clone()).await.unwrap();

    let from_now = v1::WatchEventsRequest { from_now: true, ..Default::default() };
    let mut live = client.events.watch_events(from_now).await.unwrap().into_inner();
    let first = live.message().await.unwrap().unwrap();
    assert_eq!(first.events, [], "what there was is left out, and its end is told at once");
    for _ in 0..3 {
        let silent = live.message().await.unwrap().unwrap();
        assert_eq!(silent, first, "a sign of life has the cursor so far");
    }
    client.subscribe(terms.clone()).await.unwrap();
    let told = next_events(&mut live).await;
    assert_eq!((told.events.len(), &told.events[0].cursor), (1, &told.cursor));
    let again = next_events(&mut watch(&mut client, &first.cursor).await.unwrap()).await;
    assert_eq!(again.events, told.events);
    let from_the_beginning = next_events(&mut watch(&mut client, "").await.unwrap()).await;
    assert_eq!(from_the_beginning.events.len(), 2);

    // What a filter leaves out moves the cursor on.
    let kinds = vec![EventKind::SubscriptionCancelled.into()];
    let filter = Some(v1::EventFilter { kinds, ..Default::default() });
    let request = v1::WatchEventsRequest { filter, ..Default::default() };
    let mut silent = client.events.watch_events(request).await.unwrap().into_inner();
    let message = silent.message().await.unwrap().unwrap();
    assert_eq!((message.events.len(), &message.cursor), (0, &told.cursor));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_on_one_server_is_called_for_what_another_has_committed() {
    let (database, vendor, subscription) = subscribed().await;
    let (here, there) = (database.store(), database.store());
    let mut rung = here.bell().watch(vendor.org);
    let hearing = tokio::spawn(store::event::hear(here.clone()));
    let calling = tokio::spawn(store::event::call(there.clone()));
    // The first ring says that the connection listens.
    rung.changed().await.unwrap();
    let ctx = testkit::ctx(there, vendor.ctx.clock.clone());
    let mut scope = ctx.scope(vendor.org).await.unwrap();
    scope.announce([told("2025-01-01", &subscription)]);
    scope.commit().await.unwrap();
    rung.changed().await.unwrap();
    hearing.abort();
    calling.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_are_of_one_organization_and_cannot_be_made_up() {
    let world = World::new().await;
    let mut ours = world.sandbox("2025-01-31").await;
    let mut theirs = world.sandbox("2025-01-31").await;
    for client in [&mut ours, &mut theirs] {
        let customer = client.customer("Ann").await;
        let plan = client.plan("monthly", Plan::months(1, "10.00")).await;
        client.subscribe(Client::terms(&customer, &plan, "2025-01-31")).await.unwrap();
    }
    let own = all_events(&mut ours).await;
    let foreign = all_events(&mut theirs).await;
    assert_eq!((own.len(), foreign.len()), (1, 1));
    assert_ne!(own[0].id, foreign[0].id);
    let cursor = own[0].cursor.clone();
    let mut flipped = cursor.clone();
    flipped.replace_range(0..1, if cursor.starts_with('A') { "B" } else { "A" });
    for bad in [
        &foreign[0].cursor,
        &flipped,
        "x",
        "ä",
        &cursor[1..],
        &format!("{cursor}A"),
        &"A".repeat(9_000),
    ] {
        let request = v1::ListEventsRequest { page_token: bad.to_owned(), ..Default::default() };
        let refused = refusal(ours.events.list_events(request).await);
        assert_eq!(refused.line(), "InvalidArgument page_token", "{bad}");
        let refused = refusal(watch(&mut ours, bad).await);
        assert_eq!(refused.line(), "InvalidArgument cursor", "{bad}");
    }
    let both = v1::WatchEventsRequest { cursor, from_now: true, ..Default::default() };
    assert_eq!(refusal(ours.events.watch_events(both).await).line(), "InvalidArgument from_now");
    let filter = |kinds: Vec<i32>, customer_id: &str, subscription_id: &str| v1::EventFilter {
        kinds,
        customer_id: customer_id.to_owned(),
        subscription_id: subscription_id.to_owned(),
    };
    let table = [
        (filter(vec![1, 0], "", ""), "InvalidArgument filter.kinds[1]"),
        (filter(vec![999], "", ""), "InvalidArgument filter.kinds[0]"),
        (filter(vec![1; 51], "", ""), "InvalidArgument filter.kinds"),
        (filter(vec![], "x", ""), "InvalidArgument filter.customer_id"),
        (filter(vec![], "", "x"), "InvalidArgument filter.subscription_id"),
    ];
    for (filter, expected) in table {
        let request = v1::ListEventsRequest { filter: Some(filter), ..Default::default() };
        assert_eq!(refusal(ours.events.list_events(request).await).line(), expected);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_older_backup_was_restored_a_reader_is_told() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-31").await;
    let customer = client.customer("Ann").await;
    let plan = client.plan("monthly", Plan::months(1, "10.00")).await;
    let one = client.subscribe(Client::terms(&customer, &plan, "2025-01-31")).await.unwrap();
    client.cancel(&one.id).await.unwrap();
    let events = all_events(&mut client).await;
    let restore = "SET session_replication_role = replica; DELETE FROM events WHERE position = 2; \
                   UPDATE event_positions SET last_position = 1";
    world.database.sql().await.batch_execute(restore).await.unwrap();
    let refused = refusal(watch(&mut client, &events[1].cursor).await);
    assert_eq!(refused.line(), "FailedPrecondition CURSOR_BEYOND_END");
    let mut watch = watch(&mut client, &events[0].cursor).await.unwrap();
    assert_eq!(watch.message().await.unwrap().unwrap().events, []);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_at_a_graceful_stop_and_goes_on_elsewhere() {
    let (database, vendor, subscription) = subscribed().await;
    let clock = std::sync::Arc::new(ManualClock::at(crate::world::NOW));
    let settings = server::Settings::default();
    let served = Served::start(database.store(), clock.clone(), settings.clone()).await;
    let mut client = served.client(&vendor.key);
    let mut stream = watch(&mut client, "").await.unwrap();
    let first = stream.message().await.unwrap().unwrap();
    let ended = tokio::spawn(async move { stream.message().await });
    served.stop().await;
    let status = ended.await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");

    let mut scope = vendor.ctx.scope(vendor.org).await.unwrap();
    scope.announce([told("2025-01-01", &subscription)]);
    scope.commit().await.unwrap();
    let elsewhere = Served::start(database.store(), clock, settings).await;
    let mut client = elsewhere.client(&vendor.key);
    let mut stream = watch(&mut client, &first.cursor).await.unwrap();
    assert_eq!(next_events(&mut stream).await.events.len(), 1);
    drop(stream);
    elsewhere.stop().await;
}
