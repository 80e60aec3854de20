//! Strikes, what is proposed to people, and what they decide.

mod wrong;

use server::pb::google::r#type as google;
use server::pb::v1::{
    self, CollectionState, DecisionKind, DecisionState, InvoiceState, Standing, StrikeReason,
    Verdict, set_payment_method_request::Details,
};

use crate::world::{Client, Plan, World, date, day, euro, refusal};

/// An account of which every debit is declined at once, by the vendor's fault: no strike.
const ACCOUNT: &str = "NL44SNDB0000000019";
/// Another account.
const OTHER: &str = "NL45SNDB0000000001";

/// A world on a Monday, with a product at 21 %.
async fn world() -> (World, Client, v1::Product) {
    let world = World::new().await;
    let mut client = world.sandbox("2025-02-03").await;
    let product = client.product("advice", &Plan::months(1, "0")).await;
    (world, client, product)
}

/// A customer who is to pay at once.
async fn payer(client: &mut Client, name: &str) -> v1::Customer {
    let customer = v1::Customer { payment_terms_days: Some(0), ..Client::business(name) };
    client.create_customer(customer).await.unwrap()
}

async fn pays(client: &mut Client, customer: &v1::Customer, details: Details) {
    let request = v1::SetPaymentMethodRequest {
        customer_id: customer.id.clone(),
        details: Some(details),
        ..Default::default()
    };
    client.customers.set_payment_method(request).await.unwrap();
}

async fn pays_from(client: &mut Client, customer: &v1::Customer, iban: &str) {
    let debit = v1::DirectDebitDetails {
        iban: iban.into(),
        holder: customer.name.clone(),
        mandate_reference: String::new(),
        signed_on: Some(date("2025-01-15")),
    };
    pays(client, customer, Details::DirectDebit(debit)).await;
}

async fn pays_by_card(client: &mut Client, customer: &v1::Customer, token: &str) {
    let card = v1::CardDetails {
        token: token.into(),
        brand: "visa".into(),
        last_four: "4242".into(),
        expires: Some(v1::CardExpiry { year: 2027, month: 3 }),
        holder: String::new(),
    };
    pays(client, customer, Details::Card(card)).await;
}

/// A customer who is to pay at once, and by itself.
async fn transferrer(client: &mut Client, name: &str) -> v1::Customer {
    let customer = payer(client, name).await;
    pays(client, &customer, Details::BankTransfer(v1::BankTransferDetails {})).await;
    customer
}

async fn pay(client: &mut Client, customer: &v1::Customer, euros: i64) {
    let amount = google::Money { currency_code: "EUR".into(), units: euros, nanos: 0 };
    let request = v1::RecordPaymentRequest {
        customer_id: customer.id.clone(),
        amount: Some(amount),
        ..Default::default()
    };
    client.payments.record_payment(request).await.unwrap();
}

async fn decisions(client: &mut Client, customer: &v1::Customer) -> Vec<v1::Decision> {
    let customer_id = customer.id.clone();
    let request = v1::ListDecisionsRequest { customer_id, ..Default::default() };
    client.decisions.list_decisions(request).await.unwrap().into_inner().decisions
}

/// The only decision about a customer.
async fn decision(client: &mut Client, customer: &v1::Customer) -> v1::Decision {
    let mut found = decisions(client, customer).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// `OBJECTION 2 2025-02-05`
async fn strikes(client: &mut Client, customer: &v1::Customer) -> Vec<String> {
    let customer_id = customer.id.clone();
    let request = v1::ListStrikesRequest { customer_id, ..Default::default() };
    let found = client.decisions.list_strikes(request).await.unwrap().into_inner().strikes;
    let line = |strike: &v1::Strike| {
        let reason = strike.reason().as_str_name().replace("STRIKE_REASON_", "");
        format!("{reason} {} {}", strike.points, day(&strike.struck_on))
    };
    found.iter().map(line).collect()
}

fn verdict(decision: &v1::Decision, verdict: Verdict) -> v1::DecideRequest {
    v1::DecideRequest {
        decision_id: decision.decision_id.clone(),
        verdict: verdict.into(),
        ..Default::default()
    }
}

async fn decide(
    client: &mut Client,
    request: v1::DecideRequest,
) -> Result<v1::Decision, tonic::Status> {
    Ok(client.decisions.decide(request).await?.into_inner().decision.unwrap())
}

async fn standing(client: &mut Client, customer: &v1::Customer) -> (Standing, Option<v1::Block>) {
    let request = v1::GetCustomerRequest { customer_id: customer.id.clone() };
    let found = client.customers.get_customer(request).await.unwrap().into_inner();
    let customer = found.customer.unwrap();
    (customer.standing(), customer.block)
}

/// Where the collections that are not closed stand.
async fn queue(client: &mut Client) -> Vec<CollectionState> {
    let request = v1::ListRetriesRequest::default();
    let found = client.collection.list_retries(request).await.unwrap().into_inner();
    found.collections.iter().map(v1::Collection::state).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn objections_propose_a_block_that_a_person_confirms_and_that_holds_for_the_account() {
    let (world, mut client, product) = world().await;
    let plan = client.plan("hosting", Plan::months(1, "10.00")).await;
    let ann = payer(&mut client, "Ann").await;
    client.invoice_of(&ann, &product).await;
    // The holder stops each card that is tried.
    for (card, on) in [("declines_R0", "2025-02-05"), ("declines_R1", "2025-02-07")] {
        pays_by_card(&mut client, &ann, card).await;
        client.advance(on).await.unwrap();
    }
    let so_far = strikes(&mut client, &ann).await;
    assert_eq!(so_far.len(), 2, "{so_far:?}");
    assert!(so_far.iter().all(|one| one.starts_with("OBJECTION 2 ")), "{so_far:?}");
    assert_eq!(decisions(&mut client, &ann).await, []);

    // The third makes it six: proposed, and not done.
    pays_by_card(&mut client, &ann, "declines_R3").await;
    client.advance("2025-02-09").await.unwrap();
    assert_eq!(strikes(&mut client, &ann).await.len(), 3);
    pays_from(&mut client, &ann, ACCOUNT).await;
    client.advance("2025-02-20").await.unwrap();
    let proposed = decision(&mut client, &ann).await;
    assert_eq!((proposed.kind(), proposed.points), (DecisionKind::Block, 6));
    assert_eq!((proposed.state(), proposed.decided_by.as_str()), (DecisionState::Open, ""));
    assert_ne!(standing(&mut client, &ann).await.0, Standing::Blocked);

    let confirm = v1::DecideRequest {
        note: "storneert alles".into(),
        block_expires_on: Some(date("2025-03-01")),
        ..verdict(&proposed, Verdict::Confirm)
    };
    let confirmed = decide(&mut client, confirm.clone()).await.unwrap();
    assert_eq!(confirmed.state(), DecisionState::Confirmed);
    assert_eq!(confirmed.decided_by, "first admin key");
    assert_eq!(confirmed.closed_on, Some(date("2025-02-20")));
    assert_eq!(decide(&mut client, confirm).await.unwrap(), confirmed, "again changes nothing");
    let (blocked, block) = standing(&mut client, &ann).await;
    let block = block.unwrap();
    assert_eq!((blocked, block.reason.as_str()), (Standing::Blocked, "storneert alles"));
    assert_eq!(block.expires_on, Some(date("2025-03-01")));
    let refused = refusal(client.subscribe(Client::terms(&ann, &plan, "2025-02-20")).await);
    assert_eq!(refused.line(), "FailedPrecondition CUSTOMER_BLOCKED");

    // The same account under another name; another account; the same name.
    let (ben, cor) = (client.customer("Ben").await, client.customer("Cor").await);
    pays_from(&mut client, &ben, "nl44 sndb 0000 0000 19").await;
    pays_from(&mut client, &cor, OTHER).await;
    let of_ben = Client::terms(&ben, &plan, "2025-02-20");
    let refused = refusal(client.subscribe(of_ben.clone()).await);
    assert_eq!(refused.line(), "FailedPrecondition CUSTOMER_BLOCKED");
    assert_eq!(refused.facts["customer_id"], ben.id);
    assert_eq!(refused.facts["matched_on"], "account");
    assert!(!format!("{refused:?}").contains(&ann.id), "whose account it is, is not told");
    client.subscribe(Client::terms(&cor, &plan, "2025-02-20")).await.unwrap();
    pays_from(&mut client, &ben, OTHER).await;
    client.subscribe(of_ben.clone()).await.unwrap();
    pays_from(&mut client, &ben, ACCOUNT).await;
    refusal(client.subscribe(of_ben.clone()).await);

    // Over for both.
    client.advance("2025-03-01").await.unwrap();
    client.subscribe(of_ben).await.unwrap();
    let refused = refusal(client.subscribe(Client::terms(&ann, &plan, "2025-03-01")).await);
    assert_eq!(refused.line(), "FailedPrecondition PAYMENT_OVERDUE", "what is owed is not over");
    assert_eq!(decision(&mut client, &ann).await, confirmed);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_taken_back_counts_once_however_often_it_is_told() {
    let (world, mut client, product) = world().await;
    let dan = payer(&mut client, "Dan").await;
    pays_by_card(&mut client, &dan, "bounces_14_R0").await;
    client.invoice_of(&dan, &product).await;
    client.advance("2025-02-12").await.unwrap();
    assert_eq!(strikes(&mut client, &dan).await, [""; 0]);
    client.advance("2025-02-28").await.unwrap();
    let once = strikes(&mut client, &dan).await;
    assert_eq!(once.len(), 1, "{once:?}");
    let attempts = v1::ListAttemptsRequest::default();
    let attempts = client.collection.list_attempts(attempts).await.unwrap().into_inner().attempts;
    let again = v1::ReportPaymentResultRequest {
        attempt_id: attempts[0].attempt_id.clone(),
        result: v1::AttemptState::Bounced.into(),
        raw_code: "R0".into(),
        ..Default::default()
    };
    client.collection.report_payment_result(again).await.unwrap();
    assert_eq!(strikes(&mut client, &dan).await, once);
    assert_eq!(decisions(&mut client, &dan).await, []);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_off_is_proposed_on_day_sixty_and_a_person_writes_off() {
    let (world, mut client, product) = world().await;
    let eva = transferrer(&mut client, "Eva").await;
    let lost = client.invoice_of(&eva, &product).await;
    client.advance("2025-04-03").await.unwrap();
    assert_eq!(decisions(&mut client, &eva).await, []);
    client.advance("2025-04-04").await.unwrap();
    let proposed = decision(&mut client, &eva).await;
    assert_eq!((proposed.kind(), proposed.state()), (DecisionKind::WriteOff, DecisionState::Open));
    assert_eq!((euro(&proposed.amount).as_str(), proposed.days), ("121.00", 60));
    assert_eq!((proposed.day_zero, &proposed.invoice_id), (Some(date("2025-02-03")), &lost.id));
    assert!(proposed.why.contains(&lost.number), "{}", proposed.why);
    assert_eq!(strikes(&mut client, &eva).await, ["LOST_CYCLE 1 2025-04-04"]);
    assert_eq!(queue(&mut client).await, [CollectionState::Person]);

    client.advance("2025-04-10").await.unwrap();
    let confirm =
        v1::DecideRequest { note: "failliet".into(), ..verdict(&proposed, Verdict::Confirm) };
    let confirmed = decide(&mut client, confirm.clone()).await.unwrap();
    assert_eq!(
        (confirmed.state(), confirmed.note.as_str()),
        (DecisionState::Confirmed, "failliet")
    );
    assert_eq!(client.document(&lost.id).await.state(), InvoiceState::WrittenOff);
    let books = [("1520", -2_100), ("1540", 2_100), ("4600", 10_000), ("8000", -10_000)];
    let books: std::collections::BTreeMap<String, i64> =
        books.into_iter().map(|(code, minor)| (code.to_owned(), minor)).collect();
    assert_eq!(client.balances("2025-04-10").await, books);
    assert_eq!(decide(&mut client, confirm).await.unwrap(), confirmed, "again changes nothing");
    assert_eq!(client.balances("2025-04-10").await, books);
    let refused = refusal(decide(&mut client, verdict(&proposed, Verdict::Reject)).await);
    assert_eq!(refused.line(), "FailedPrecondition ALREADY_DECIDED");
    assert_eq!((&*refused.facts["state"], &*refused.facts["on"]), ("confirmed", "2025-04-10"));
    client.advance("2025-04-20").await.unwrap();
    assert_eq!(queue(&mut client).await, []);
    assert_eq!(strikes(&mut client, &eva).await.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rejected_stays_listed_and_what_is_paid_needs_no_decision() {
    let (world, mut client, product) = world().await;
    let (eva, fay) = (transferrer(&mut client, "Eva").await, transferrer(&mut client, "Fay").await);
    let kept = client.invoice_of(&eva, &product).await;
    client.invoice_of(&fay, &product).await;
    client.advance("2025-04-04").await.unwrap();
    let (of_eva, of_fay) = (decision(&mut client, &eva).await, decision(&mut client, &fay).await);
    let rejected = decide(&mut client, verdict(&of_eva, Verdict::Reject)).await.unwrap();
    assert_eq!(rejected.state(), DecisionState::Rejected);
    // A part is not enough; the rest is.
    pay(&mut client, &fay, 100).await;
    assert_eq!(decision(&mut client, &fay).await.state(), DecisionState::Open);
    pay(&mut client, &fay, 21).await;
    let obsolete = decision(&mut client, &fay).await;
    assert_eq!((obsolete.state(), obsolete.decided_by.as_str()), (DecisionState::Obsolete, ""));
    assert_eq!(obsolete.closed_on, Some(date("2025-04-04")));
    for said in [Verdict::Confirm, Verdict::Reject] {
        assert_eq!(decide(&mut client, verdict(&of_fay, said)).await.unwrap(), obsolete);
    }
    client.advance("2025-04-20").await.unwrap();
    assert_eq!(decision(&mut client, &eva).await, rejected);
    assert_eq!(queue(&mut client).await, [CollectionState::Person], "it is still listed");
    assert_eq!(client.document(&kept.id).await.state(), InvoiceState::Open);
    let refused = refusal(decide(&mut client, verdict(&of_eva, Verdict::Confirm)).await);
    assert_eq!(refused.line(), "FailedPrecondition ALREADY_DECIDED");
    let listed = |state: DecisionState| v1::ListDecisionsRequest {
        state: state.into(),
        kind: DecisionKind::WriteOff.into(),
        ..Default::default()
    };
    for (state, count) in
        [(DecisionState::Open, 0), (DecisionState::Rejected, 1), (DecisionState::Obsolete, 1)]
    {
        let found = client.decisions.list_decisions(listed(state)).await.unwrap().into_inner();
        assert_eq!(found.decisions.len(), count, "{state:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_off_while_an_attempt_may_bring_it() {
    let (world, mut client, product) = world().await;
    let eva = transferrer(&mut client, "Eva").await;
    client.invoice_of(&eva, &product).await;
    client.advance("2025-04-04").await.unwrap();
    let proposed = decision(&mut client, &eva).await;
    pays_by_card(&mut client, &eva, "silent_3").await;
    client.advance("2025-04-05").await.unwrap();
    assert_eq!(queue(&mut client).await, [CollectionState::Unknown]);
    let refused = refusal(decide(&mut client, verdict(&proposed, Verdict::Confirm)).await);
    assert_eq!(refused.line(), "FailedPrecondition ATTEMPT_UNDER_WAY");
    assert_eq!(decision(&mut client, &eva).await, proposed);
    client.advance("2025-04-20").await.unwrap();
    assert_eq!(decision(&mut client, &eva).await.state(), DecisionState::Obsolete);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_proposes_a_block_and_one_who_is_blocked_meanwhile_needs_no_decision() {
    let (world, mut client, product) = world().await;
    let step = |day, action: v1::DunningAction| v1::DunningStep {
        day,
        action: action.into(),
        ..Default::default()
    };
    let policy = v1::DunningPolicy {
        name: "short".into(),
        steps: vec![step(1, v1::DunningAction::Reminder), step(2, v1::DunningAction::ProposeBlock)],
        ..Default::default()
    };
    let request = v1::CreateDunningPolicyRequest { policy: Some(policy), ..Default::default() };
    let made = client.dunning.create_dunning_policy(request).await.unwrap().into_inner();
    let choose = v1::SetDefaultDunningPolicyRequest {
        dunning_policy_id: made.policy.unwrap().id,
        ..Default::default()
    };
    client.dunning.set_default_dunning_policy(choose).await.unwrap();
    let gus = transferrer(&mut client, "Gus").await;
    let open = client.invoice_of(&gus, &product).await;
    client.advance("2025-02-07").await.unwrap();
    let proposed = decision(&mut client, &gus).await;
    assert_eq!((proposed.kind(), proposed.points), (DecisionKind::Block, 0));
    assert_eq!(proposed.invoice_id, open.id);
    assert!(proposed.why.starts_with("the policy asks for it"), "{}", proposed.why);
    let block = v1::BlockCustomerRequest {
        customer_id: gus.id.clone(),
        reason: "genoeg".into(),
        ..Default::default()
    };
    client.customers.block_customer(block).await.unwrap();
    let decided = decide(&mut client, verdict(&proposed, Verdict::Confirm)).await.unwrap();
    assert_eq!(decided.state(), DecisionState::Obsolete);
    let (_, block) = standing(&mut client, &gus).await;
    assert_eq!(block.unwrap().reason, "genoeg");
    world.finish().await;
}
