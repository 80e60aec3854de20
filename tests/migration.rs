//! Migrations: the subscribers of a plan moved to another of its versions.

mod killed;
mod meter;

use app::clock::{Clock, WallClock};
use server::pb::v1::plan_migration::When;
use server::pb::v1::{self, MigrationOutcome, MigrationState};
use uuid::Uuid;

use crate::event::all_events;
use crate::world::{Client, Plan, World, book, date, day, decimal, euro, refusal};

/// Publishes a version of a plan from a day on; answers its id.
pub async fn publish(client: &mut Client, plan: &v1::Plan, offer: &Plan, from: &str) -> String {
    let product = &plan.versions[0].prices[0].product_id;
    let version = v1::PlanVersion { valid_from: Some(date(from)), ..offer.version(product) };
    publish_version(client, plan, version).await
}

async fn publish_version(client: &mut Client, plan: &v1::Plan, new: v1::PlanVersion) -> String {
    let request = v1::PublishPlanVersionRequest {
        plan_id: plan.id.clone(),
        version: Some(new),
        ..Default::default()
    };
    let answer = client.catalog.publish_plan_version(request).await.unwrap().into_inner();
    answer.plan.unwrap().versions.last().unwrap().id.clone()
}

/// A migration of all subscribers, each at its period end.
pub fn all_to(plan: &v1::Plan, version_id: &str) -> v1::PlanMigration {
    v1::PlanMigration {
        plan_id: plan.id.clone(),
        plan_version_id: version_id.to_owned(),
        ..Default::default()
    }
}

pub async fn preview(
    client: &mut Client,
    migration: v1::PlanMigration,
) -> v1::PreviewPlanMigrationResponse {
    let request = v1::PreviewPlanMigrationRequest { migration: Some(migration) };
    client.catalog.preview_plan_migration(request).await.unwrap().into_inner()
}

/// Starts a migration, twice with one request id; answers its id.
pub async fn migrate(client: &mut Client, migration: v1::PlanMigration) -> String {
    let request = v1::MigratePlanVersionRequest {
        migration: Some(migration),
        request_id: domain::id::fresh(WallClock.now()).to_string(),
        ..Default::default()
    };
    let first = client.catalog.migrate_plan_version(request.clone()).await.unwrap().into_inner();
    let again = client.catalog.migrate_plan_version(request).await.unwrap().into_inner();
    assert_eq!(first, again);
    first.migration.unwrap().id
}

/// A migration and all it did, by subscription.
pub async fn found(client: &mut Client, id: &str) -> (v1::PlanMigration, Vec<v1::MigrationResult>) {
    let mut request = v1::GetMigrationRequest {
        migration_id: id.to_owned(),
        page_size: 500,
        ..Default::default()
    };
    let mut results = Vec::new();
    loop {
        let page = client.catalog.get_migration(request.clone()).await.unwrap().into_inner();
        results.extend(page.results);
        if page.next_page_token.is_empty() {
            return (page.migration.unwrap(), results);
        }
        request.page_token = page.next_page_token;
    }
}

/// `day amount` of a customer's documents.
async fn billed(client: &mut Client, customer_id: &str) -> Vec<String> {
    let documents = client.documents().await;
    let own = documents.iter().filter(|document| document.customer_id == customer_id);
    own.map(|document| format!("{} {}", day(&document.issue_on), euro(&document.net))).collect()
}

async fn start(client: &mut Client, name: &str, plan: &v1::Plan, from: &str) -> v1::Subscription {
    let customer = client.customer(name).await;
    client.subscribe(Client::terms(&customer, plan, from)).await.unwrap()
}

async fn mrr(client: &mut Client, on: &str) -> String {
    let request = v1::GetMrrRequest { on: Some(date(on)) };
    let answer = client.revenue.get_mrr(request).await.unwrap().into_inner();
    euro(&answer.currencies[0].mrr)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_moves_at_its_period_end_as_previewed_or_is_refused_with_the_reason() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let plan = client.plan("base", Plan::months(1, "30.00")).await;
    let other = client.plan("other", Plan::months(1, "99.00")).await;
    let ann = start(&mut client, "Ann", &plan, "2025-01-01").await;
    let ben = start(&mut client, "Ben", &plan, "2025-01-10").await;
    let cor = start(&mut client, "Cor", &plan, "2025-01-01").await;
    let dora = start(&mut client, "Dora", &plan, "2025-01-01").await;
    start(&mut client, "Eef", &other, "2025-01-01").await;
    client.advance("2025-01-15").await.unwrap();
    client.cancel(&cor.id).await.unwrap();
    let on = Some(v1::change::When::On(date("2025-03-15")));
    let later = v1::Change { plan_id: other.id, when: on, ..Default::default() };
    client.change(&dora.id, later).await.unwrap();
    let version = publish(&mut client, &plan, &Plan::months(1, "40.00"), "2025-01-15").await;

    let preview = preview(&mut client, all_to(&plan, &version)).await;
    let [worth] = preview.currencies.as_slice() else { panic!("{preview:?}") };
    assert_eq!((euro(&worth.mrr_before), euro(&worth.mrr_after)), ("60.00".into(), "80.00".into()));
    assert_eq!(client.intents(&ann.id).await, [], "a preview writes nothing");
    let id = migrate(&mut client, all_to(&plan, &version)).await;
    let (begun, none) = found(&mut client, &id).await;
    assert_eq!((begun.state(), begun.expected, none), (MigrationState::Running, 4, vec![]));

    client.advance("2025-01-15").await.unwrap();
    let (done, results) = found(&mut client, &id).await;
    assert_eq!((done.state(), &done.counts), (MigrationState::Done, &preview.counts));
    let examples = preview.examples.iter().chain(&preview.refused);
    let mut foreseen: Vec<_> = examples.map(|one| one.result.clone().unwrap()).collect();
    foreseen.sort_by(|one, other| one.subscription_id.cmp(&other.subscription_id));
    assert_eq!(results, foreseen, "preview = result");
    let of = |subscription: &v1::Subscription| {
        let one = results.iter().find(|one| one.subscription_id == subscription.id).unwrap();
        format!("{} {}{}", one.outcome().as_str_name(), day(&one.on), one.reason)
    };
    assert_eq!(of(&ann), "MIGRATION_OUTCOME_MIGRATED 2025-02-01");
    assert_eq!(of(&ben), "MIGRATION_OUTCOME_MIGRATED 2025-02-10");
    assert_eq!(of(&cor), "MIGRATION_OUTCOME_REFUSED ALREADY_ENDED");
    assert_eq!(of(&dora), "MIGRATION_OUTCOME_REFUSED LATER_CHANGE_PLANNED");
    let [planned] = client.intents(&ann.id).await.try_into().unwrap();
    assert_eq!((day(&planned.on), planned.migration_id), ("2025-02-01".to_owned(), id));

    client.advance("2025-03-01").await.unwrap();
    let bills = billed(&mut client, &ann.customer_id).await;
    assert_eq!(bills, ["2025-01-01 30.00", "2025-02-01 40.00", "2025-03-01 40.00"]);
    let bills = billed(&mut client, &ben.customer_id).await;
    assert_eq!(bills, ["2025-01-10 30.00", "2025-02-10 40.00"]);
    assert_eq!(mrr(&mut client, "2025-02-10").await, "209.00", "Ann, Ben, Dora and Eef");
    client.advance("2025-03-15").await.unwrap();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_moved_today_and_the_others_on_a_day_and_again_changes_nothing() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let plan = client.plan("seats", Plan::seats("10.00")).await;
    let quantities =
        vec![v1::ComponentQuantity { component: "base".into(), quantity: decimal("2") }];
    let mut ids = Vec::new();
    for name in ["Ann", "Ben"] {
        let customer = client.customer(name).await;
        let terms = Client::terms(&customer, &plan, "2025-01-01");
        let terms = v1::SubscriptionTerms { quantities: quantities.clone(), ..terms };
        ids.push(client.subscribe(terms).await.unwrap().id);
    }
    client.advance("2025-01-11").await.unwrap();
    let version = publish(&mut client, &plan, &Plan::seats("15.00"), "2025-01-11").await;
    let on = |day| Some(When::On(date(day)));
    let one = v1::PlanMigration {
        subscription_id: ids[0].clone(),
        when: on("2025-01-11"),
        ..all_to(&plan, &version)
    };
    migrate(&mut client, one).await;
    client.advance("2025-01-11").await.unwrap();
    assert_eq!(client.subscription(&ids[0]).await.plan_version_id, version);
    assert_ne!(client.subscription(&ids[1]).await.plan_version_id, version);

    let others = v1::PlanMigration {
        from_plan_version_id: plan.versions[0].id.clone(),
        when: on("2025-02-15"),
        ..all_to(&plan, &version)
    };
    let mut counted = Vec::new();
    for _ in 0..2 {
        let id = migrate(&mut client, others.clone()).await;
        client.advance("2025-01-11").await.unwrap();
        let (done, _) = found(&mut client, &id).await;
        let counts = done.counts.unwrap();
        counted.push((done.expected, counts.migrated, counts.unchanged, counts.refused));
    }
    assert_eq!(counted, [(1, 1, 0, 0), (1, 0, 1, 0)]);
    let list = v1::ListMigrationsRequest { plan_id: plan.id.clone(), ..Default::default() };
    let listed = client.catalog.list_migrations(list).await.unwrap().into_inner().migrations;
    assert!(listed.len() == 3 && listed.iter().all(|one| one.state() == MigrationState::Done));

    client.advance("2025-02-15").await.unwrap();
    let ann = client.subscription(&ids[0]).await.customer_id;
    let own: Vec<_> = client.documents().await;
    let own: Vec<_> = own.into_iter().filter(|document| document.customer_id == ann).collect();
    let lines: Vec<String> =
        book(&own).iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
    assert_eq!(
        lines[1..],
        [
            "2025-01-11 6.77 + 1.42: seats 2025-01-11..2025-02-01 -13.55, seats 2025-01-11..2025-02-01 20.32",
            "2025-02-01 30.00 + 6.30: seats 2025-02-01..2025-03-01 30.00",
        ]
    );
    let events = all_events(&mut client).await;
    let changed = events.iter().filter(|event| event.kind() == v1::EventKind::SubscriptionChanged);
    let changed: Vec<String> = changed.map(|event| day(&event.effective_on)).collect();
    assert_eq!(changed, ["2025-01-11", "2025-02-15"]);
    assert_eq!(mrr(&mut client, "2025-02-14").await, "50.00");
    assert_eq!(mrr(&mut client, "2025-02-15").await, "60.00");
    world.finish().await;
}

/// The refusal of the preview, which is that of the migration.
async fn refused_by_both(client: &mut Client, migration: v1::PlanMigration) -> String {
    let request = v1::PreviewPlanMigrationRequest { migration: Some(migration.clone()) };
    let previewed = refusal(client.catalog.preview_plan_migration(request).await).line();
    let migration = Some(migration);
    let request = v1::MigratePlanVersionRequest { migration, ..Default::default() };
    assert_eq!(refusal(client.catalog.migrate_plan_version(request).await).line(), previewed);
    previewed
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_vanish_is_refused_and_what_is_wrong_is_named() {
    let world = World::new().await;
    let mut client = world.sandbox("2025-01-01").await;
    let offer = Plan::months(1, "30.00");
    let plan = client.plan("base", offer.clone()).await;
    let other = client.plan("other", offer.clone()).await;
    start(&mut client, "Ann", &plan, "2025-01-01").await;
    let elsewhere = start(&mut client, "Ben", &other, "2025-01-01").await;
    let mut renamed = offer.version(&plan.versions[0].prices[0].product_id);
    renamed.valid_from = Some(date("2025-01-10"));
    renamed.prices[0].component = "core".to_owned();
    let version = publish_version(&mut client, &plan, renamed).await;
    let good = all_to(&plan, &version);
    let id = migrate(&mut client, good.clone()).await;
    client.advance("2025-01-01").await.unwrap();
    let request = v1::GetMigrationRequest {
        migration_id: id.clone(),
        outcome: MigrationOutcome::Refused.into(),
        ..Default::default()
    };
    let answer = client.catalog.get_migration(request.clone()).await.unwrap().into_inner();
    let reasons: Vec<_> = answer.results.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(reasons, ["COMPONENT_GONE"]);

    let with = |change: fn(&mut v1::PlanMigration)| {
        let mut migration = good.clone();
        change(&mut migration);
        migration
    };
    let nobody = Uuid::max().to_string();
    let table = [
        (with(|one| one.plan_id.clear()), "InvalidArgument migration.plan_id"),
        (with(|one| one.plan_version_id = Uuid::max().to_string()), "NotFound"),
        (with(|one| one.subscription_id = Uuid::max().to_string()), "NotFound"),
        (with(|one| one.from_plan_version_id = Uuid::max().to_string()), "NotFound"),
        (
            with(|one| one.from_plan_version_id = one.plan_version_id.clone()),
            "InvalidArgument migration.from_plan_version_id",
        ),
        (with(|one| one.when = Some(When::On(date("2024-12-31")))), "InvalidArgument migration.on"),
        (
            with(|one| one.when = Some(When::On(date("2025-01-09")))),
            "FailedPrecondition PLAN_NOT_IN_FORCE",
        ),
        (
            v1::PlanMigration { subscription_id: elsewhere.id, ..good.clone() },
            "FailedPrecondition OTHER_PLAN",
        ),
    ];
    for (migration, expected) in table {
        assert_eq!(refused_by_both(&mut client, migration).await, expected);
    }
    let taken = v1::MigratePlanVersionRequest {
        migration_id: id,
        migration: Some(good),
        ..Default::default()
    };
    let refused = refusal(client.catalog.migrate_plan_version(taken).await);
    assert_eq!(refused.line(), "AlreadyExists ID_TAKEN");
    let unknown = v1::GetMigrationRequest { migration_id: nobody, ..Default::default() };
    assert_eq!(refusal(client.catalog.get_migration(unknown).await).line(), "NotFound");
    let wrong = v1::GetMigrationRequest { page_token: "x".to_owned(), ..request };
    let refused = refusal(client.catalog.get_migration(wrong).await);
    assert_eq!(refused.line(), "InvalidArgument page_token");
    world.finish().await;
}
