//! Dunning policies: made, chosen for an organization or a plan, and shown day by day.

use server::pb::v1::{
    self, Delivery, DunningAction, DunningDegree, DunningPolicy, DunningStep, FailureClass, Scheme,
};
use tonic::Code;
use v1::preview_dunning_request::{By, Why};

use crate::world::{Client, Plan, World, date, day, refusal};

fn step(day: i32, action: DunningAction) -> DunningStep {
    DunningStep { day, action: action.into(), ..Default::default() }
}

fn euro(units: i64) -> server::pb::google::r#type::Money {
    server::pb::google::r#type::Money { currency_code: "EUR".into(), units, nanos: 0 }
}

/// Grace until day 5, one reminder, restricted on day 5, suspended on day 9.
fn short() -> DunningPolicy {
    let only_cards =
        DunningStep { schemes: vec![Scheme::Card.into()], ..step(2, DunningAction::Retry) };
    DunningPolicy {
        name: "short".into(),
        grace_until_day: 5,
        steps: vec![
            step(1, DunningAction::Reminder),
            only_cards,
            step(5, DunningAction::Restrict),
            step(9, DunningAction::Suspend),
        ],
        minimums: vec![euro(10)],
        ..Default::default()
    }
}

fn fee(product: &str, amounts: Vec<server::pb::google::r#type::Money>) -> Option<v1::LateFee> {
    Some(v1::LateFee { product_id: product.into(), amounts })
}

async fn create(
    client: &mut Client,
    policy: DunningPolicy,
) -> Result<DunningPolicy, tonic::Status> {
    let request = v1::CreateDunningPolicyRequest { policy: Some(policy), ..Default::default() };
    let answer = client.dunning.create_dunning_policy(request).await?;
    Ok(answer.into_inner().policy.unwrap())
}

async fn in_force(client: &mut Client, plan_id: &str) -> DunningPolicy {
    let request = v1::GetDunningPolicyRequest { plan_id: plan_id.into(), ..Default::default() };
    client.dunning.get_dunning_policy(request).await.unwrap().into_inner().policy.unwrap()
}

fn asked(by: Option<By>, scheme: Scheme, class: FailureClass) -> v1::PreviewDunningRequest {
    v1::PreviewDunningRequest {
        by,
        scheme: scheme.into(),
        why: Some(Why::Class(class.into())),
        day_zero_on: Some(date("2026-06-02")),
        ..Default::default()
    }
}

/// The days as a person reads them.
fn table(preview: &v1::PreviewDunningResponse) -> Vec<String> {
    let word = |name: &str, prefix: &str| name.trim_start_matches(prefix).to_lowercase();
    let row = |one: &v1::DunningDay| {
        let steps: Vec<String> = one
            .steps
            .iter()
            .map(|step| word(step.action().as_str_name(), "DUNNING_ACTION_"))
            .collect();
        let delivery = word(one.delivery().as_str_name(), "DELIVERY_");
        let standing = if one.in_arrears { "in_arrears" } else { "good" };
        format!("{} | {} | {delivery} | {standing}", day(&one.on), steps.join(", "))
    };
    preview.days.iter().map(row).collect()
}

async fn preview(client: &mut Client, request: v1::PreviewDunningRequest) -> Vec<String> {
    table(&client.dunning.preview_dunning(request).await.unwrap().into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_choice_the_built_in_policy_is_in_force_and_shown_day_by_day() {
    let world = World::new().await;
    let mut client = world.sandbox("2026-06-02").await;
    let built_in = in_force(&mut client, "").await;
    assert_eq!((built_in.id.as_str(), built_in.grace_until_day), ("", 21));
    assert!(built_in.is_default);
    let debit = asked(None, Scheme::DirectDebit, FailureClass::NoMoney);
    let expected = [
        "2026-06-02 |  | deliver_in_grace | in_arrears",
        "2026-06-03 | reminder, offer_one_off | deliver_in_grace | in_arrears",
        "2026-06-08 | retry | deliver_in_grace | in_arrears",
        "2026-06-16 | retry | deliver_in_grace | in_arrears",
        "2026-06-17 | ask_details, offer_one_off | deliver_in_grace | in_arrears",
        "2026-06-23 | restrict | restricted | in_arrears",
        "2026-07-02 | suspend | stop | in_arrears",
        "2026-08-01 | cancel, propose_write_off | stop | in_arrears",
    ];
    assert_eq!(preview(&mut client, debit.clone()).await, expected);
    // A code says the same and more; day 0 is today when it is not given.
    let coded = v1::PreviewDunningRequest {
        why: Some(Why::Code(" am04".into())),
        day_zero_on: None,
        ..debit.clone()
    };
    let answer = client.dunning.preview_dunning(coded).await.unwrap().into_inner();
    assert_eq!(table(&answer), expected);
    let reason = answer.reason.clone().unwrap();
    assert_eq!(
        (answer.class(), reason.class(), reason.known),
        (FailureClass::NoMoney, FailureClass::NoMoney, true)
    );
    assert!(reason.text_nl.contains("saldo") && reason.text_en.contains("money"));
    // A pause moves what comes after its first day.
    let pause =
        v1::DunningPause { from_on: Some(date("2026-06-10")), until_on: Some(date("2026-06-20")) };
    let paused = v1::PreviewDunningRequest { pauses: vec![pause], ..debit };
    let days = preview(&mut client, paused).await;
    assert_eq!(days[3], "2026-06-26 | retry | deliver_in_grace | in_arrears");
    assert_eq!(days[5], "2026-07-03 | restrict | restricted | in_arrears");
    // What the payer can do nothing about restricts nobody.
    let barred = asked(None, Scheme::Card, FailureClass::Compliance);
    let expected = ["2026-06-02 | list_for_person | deliver | good"];
    assert_eq!(preview(&mut client, barred).await, expected);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_made_once_and_chosen_for_the_organization_or_a_plan() {
    let world = World::new().await;
    let mut client = world.sandbox("2026-06-02").await;
    let plan = client.plan("base", Plan::months(1, "30.00")).await;
    let made = create(&mut client, short()).await.unwrap();
    let same = DunningPolicy { id: made.id.clone(), ..short() };
    assert_eq!(made, same, "it is as it was given");
    let strict = DunningPolicy { name: "strict".into(), grace_until_day: 0, ..short() };
    let strict = create(&mut client, strict).await.unwrap();
    assert_eq!(in_force(&mut client, "").await.id, "", "made is not chosen");

    let choose = |id: &str| v1::SetDefaultDunningPolicyRequest {
        dunning_policy_id: id.into(),
        ..Default::default()
    };
    for _ in 0..2 {
        let chosen = client.dunning.set_default_dunning_policy(choose(&made.id)).await.unwrap();
        assert!(chosen.into_inner().policy.unwrap().is_default);
    }
    assert_eq!(in_force(&mut client, &plan.id).await.id, made.id);
    let of_plan = |id: &str| v1::SetPlanDunningPolicyRequest {
        plan_id: plan.id.clone(),
        dunning_policy_id: id.into(),
        ..Default::default()
    };
    let chosen = client.dunning.set_plan_dunning_policy(of_plan(&strict.id)).await.unwrap();
    assert_eq!(chosen.into_inner().policy.unwrap().id, strict.id);
    assert_eq!(in_force(&mut client, &plan.id).await.id, strict.id);
    assert_eq!(in_force(&mut client, "").await.id, made.id);

    let by = Some(By::PlanId(plan.id.clone()));
    let days = preview(&mut client, asked(by, Scheme::Card, FailureClass::NoMoney)).await;
    let expected = [
        "2026-06-02 |  | stop | in_arrears",
        "2026-06-03 | reminder | stop | in_arrears",
        "2026-06-04 | retry | stop | in_arrears",
        "2026-06-07 | restrict | stop | in_arrears",
        "2026-06-11 | suspend, list_for_person | stop | in_arrears",
    ];
    assert_eq!(days, expected);
    let back = client.dunning.set_plan_dunning_policy(of_plan("")).await.unwrap();
    assert_eq!(back.into_inner().policy.unwrap().id, made.id);
    let back = client.dunning.set_default_dunning_policy(choose("")).await.unwrap();
    assert_eq!(back.into_inner().policy.unwrap().id, "");

    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_are_listed_page_by_page_and_made_once() {
    let world = World::new().await;
    let mut client = world.sandbox("2026-06-02").await;
    let made = create(&mut client, short()).await.unwrap();
    let other = create(&mut client, short()).await.unwrap();
    let mut request = v1::ListDunningPoliciesRequest { page_size: 1, ..Default::default() };
    let mut listed = Vec::new();
    loop {
        let page = client.dunning.list_dunning_policies(request.clone()).await.unwrap();
        let page = page.into_inner();
        listed.extend(page.policies.into_iter().map(|one| one.id));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    let mut both = [made.id.clone(), other.id];
    both.sort();
    assert_eq!(listed, both);
    // The same id once more, and the same call once more.
    let again = v1::CreateDunningPolicyRequest {
        dunning_policy_id: made.id.clone(),
        policy: Some(short()),
        ..Default::default()
    };
    let refused = refusal(client.dunning.create_dunning_policy(again).await);
    assert_eq!(refused.line(), "AlreadyExists ID_TAKEN");
    let once = v1::CreateDunningPolicyRequest {
        request_id: uuid::Uuid::from_u128(7).to_string(),
        policy: Some(short()),
        ..Default::default()
    };
    let first = client.dunning.create_dunning_policy(once.clone()).await.unwrap().into_inner();
    let second = client.dunning.create_dunning_policy(once).await.unwrap().into_inner();
    assert_eq!(first, second);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_not_possible_is_refused_with_the_field() {
    let world = World::new().await;
    let mut client = world.sandbox("2026-06-02").await;
    let base = short;
    let with = |steps: Vec<DunningStep>| DunningPolicy { steps, grace_until_day: 1, ..base() };
    let transfer =
        DunningStep { schemes: vec![Scheme::BankTransfer.into()], ..step(2, DunningAction::Retry) };
    let unspecified = DunningStep { classes: vec![0], ..step(2, DunningAction::Reminder) };
    let compliance = DunningStep {
        classes: vec![FailureClass::Compliance.into()],
        ..step(2, DunningAction::Reminder)
    };
    let product = client.product("late fee", &Plan::months(1, "0")).await.id;
    let nothing = uuid::Uuid::from_u128(1).to_string();
    let mut others = world.sandbox("2026-06-02").await;
    let foreign = others.product("late fee", &Plan::months(1, "0")).await.id;
    let charging =
        |late_fee| DunningPolicy { late_fee, ..with(vec![step(9, DunningAction::ChargeLateFee)]) };
    let retries = (1..=3).map(|day| step(day, DunningAction::Retry)).collect();
    let late = vec![step(9, DunningAction::Restrict), step(8, DunningAction::Suspend)];
    let table = [
        (DunningPolicy { name: " ".into(), ..base() }, "policy.name"),
        (DunningPolicy { name: "x".repeat(201), ..base() }, "policy.name"),
        (with(vec![]), "policy.steps"),
        (with(vec![step(-1, DunningAction::Reminder)]), "policy.steps[0].day"),
        (with(vec![step(366, DunningAction::Reminder)]), "policy.steps[0].day"),
        (with(vec![step(1, DunningAction::Unspecified)]), "policy.steps[0].action"),
        (
            with(vec![DunningStep { day: 1, action: 99, ..Default::default() }]),
            "policy.steps[0].action",
        ),
        (with(vec![unspecified]), "policy.steps[0].classes[0]"),
        (with(vec![compliance]), "policy.steps"),
        (with(vec![transfer]), "policy.steps"),
        (with(retries), "policy.steps"),
        (with(late), "policy.steps"),
        (with(vec![step(1, DunningAction::Reminder); 61]), "policy.steps"),
        (DunningPolicy { grace_until_day: 6, ..base() }, "policy.grace_until_day"),
        (DunningPolicy { grace_until_day: -1, ..base() }, "policy.grace_until_day"),
        (DunningPolicy { pay_days: vec![32], ..base() }, "policy.pay_days"),
        (DunningPolicy { pay_days: vec![-1], ..base() }, "policy.pay_days[0]"),
        (DunningPolicy { minimums: vec![euro(0)], ..base() }, "policy.minimums"),
        (DunningPolicy { minimums: vec![euro(1), euro(2)], ..base() }, "policy.minimums"),
        (DunningPolicy { late_fee: fee(&product, vec![euro(5)]), ..base() }, "policy.late_fee"),
        (with(vec![step(9, DunningAction::ChargeLateFee)]), "policy.late_fee"),
        (with(vec![step(0, DunningAction::ChargeLateFee)]), "policy.steps"),
        (with(vec![step(9, DunningAction::ChargeLateFee); 2]), "policy.steps"),
        (charging(fee(&product, vec![])), "policy.late_fee.amounts"),
        (charging(fee(&product, vec![euro(0)])), "policy.late_fee.amounts"),
        (charging(fee(&product, vec![euro(5), euro(6)])), "policy.late_fee.amounts"),
        (charging(fee("", vec![euro(5)])), "policy.late_fee.product_id"),
        (charging(fee(&nothing, vec![euro(5)])), "policy.late_fee.product_id"),
        (charging(fee(&foreign, vec![euro(5)])), "policy.late_fee.product_id"),
    ];
    for (policy, field) in table {
        let refused = refusal(create(&mut client, policy.clone()).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"), "{refused:?}");
        if !field.contains("name") {
            let request = asked(Some(By::Policy(policy)), Scheme::Card, FailureClass::NoMoney);
            let refused = refusal(client.dunning.preview_dunning(request).await);
            assert_eq!(refused.line(), format!("InvalidArgument {field}"), "{refused:?}");
        }
    }
    let listed = client.dunning.list_dunning_policies(v1::ListDunningPoliciesRequest::default());
    assert_eq!(listed.await.unwrap().into_inner().policies, []);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_not_said_is_refused() {
    let world = World::new().await;
    let mut client = world.sandbox("2026-06-02").await;
    let nobody = uuid::Uuid::from_u128(1).to_string();
    // What another organization made does not exist here.
    let foreign = create(&mut world.sandbox("2026-06-02").await, short()).await.unwrap().id;
    for id in [&nobody, &foreign] {
        let get =
            v1::GetDunningPolicyRequest { dunning_policy_id: id.clone(), ..Default::default() };
        assert_eq!(refusal(client.dunning.get_dunning_policy(get).await).code, Code::NotFound);
        let set = v1::SetDefaultDunningPolicyRequest {
            dunning_policy_id: id.clone(),
            ..Default::default()
        };
        let refused = refusal(client.dunning.set_default_dunning_policy(set).await);
        assert_eq!(refused.code, Code::NotFound);
        let set = v1::SetPlanDunningPolicyRequest { plan_id: id.clone(), ..Default::default() };
        assert_eq!(refusal(client.dunning.set_plan_dunning_policy(set).await).code, Code::NotFound);
    }
    let both =
        v1::GetDunningPolicyRequest { dunning_policy_id: nobody.clone(), plan_id: nobody.clone() };
    let refused = refusal(client.dunning.get_dunning_policy(both).await);
    assert_eq!(refused.line(), "InvalidArgument plan_id");
    let fine = asked(None, Scheme::Card, FailureClass::NoMoney);
    let pause = |from: &str, until: &str| v1::DunningPause {
        from_on: Some(date(from)),
        until_on: Some(date(until)),
    };
    let half = v1::DunningPause { from_on: Some(date("2026-06-05")), until_on: None };
    type Asked = v1::PreviewDunningRequest;
    let table = [
        (Asked { scheme: 0, ..fine.clone() }, "scheme"),
        (Asked { why: None, ..fine.clone() }, "why"),
        (Asked { why: Some(Why::Class(0)), ..fine.clone() }, "class"),
        (Asked { why: Some(Why::Code(" ".into())), ..fine.clone() }, "code"),
        (Asked { why: Some(Why::Code("x".repeat(65))), ..fine.clone() }, "code"),
        (Asked { by: Some(By::DunningPolicyId("x".into())), ..fine.clone() }, "dunning_policy_id"),
        (Asked { pauses: vec![half], ..fine.clone() }, "pauses[0].until_on"),
        (
            Asked { pauses: vec![pause("2026-06-05", "2026-06-05")], ..fine.clone() },
            "pauses[0].until_on",
        ),
        (Asked { pauses: vec![pause("2026-06-05", "2026-06-06"); 61], ..fine.clone() }, "pauses"),
    ];
    for (request, field) in table {
        let refused = refusal(client.dunning.preview_dunning(request).await);
        assert_eq!(refused.line(), format!("InvalidArgument {field}"), "{refused:?}");
    }
    // A code that nobody knows is one retry and a person.
    let odd = Asked { why: Some(Why::Code("moon_phase".into())), ..fine };
    let answer = client.dunning.preview_dunning(odd).await.unwrap().into_inner();
    assert_eq!(answer.class(), FailureClass::Unknown);
    assert!(!answer.reason.as_ref().unwrap().known);
    let last = answer.days.last().unwrap();
    assert_eq!((last.degree(), last.delivery()), (DunningDegree::Cancelled, Delivery::Stop));
    let retries = answer.days.iter().flat_map(|one| &one.steps);
    let retries = retries.filter(|step| step.action() == DunningAction::Retry);
    assert_eq!(retries.count(), 1);
    world.finish().await;
}
