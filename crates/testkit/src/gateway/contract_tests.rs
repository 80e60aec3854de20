use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use app::gateway::{Call, Gateway, Gateways, Manual, Order, Refund, Reply, Sandbox};
use domain::organization::OrgKind;
use domain::payment::{Answer, Scheme};
use tokio::sync::Notify;

use super::{Said, ScriptedGateway, Subject, gateway_contract, sample_order};

/// Longer than a call that is ready needs, short enough for a test.
const SOON: Duration = Duration::from_millis(20);

fn by_scheme(order: &Order) -> Answer {
    match order.scheme {
        Scheme::Card => Answer::Settled { on: order.today() },
        Scheme::DirectDebit | Scheme::BankTransfer => Answer::Accepted,
    }
}

fn scripted() -> Arc<ScriptedGateway> {
    let gateway = ScriptedGateway::new();
    gateway.usually(by_scheme);
    gateway
}

fn card() -> Order {
    sample_order(Scheme::Card, "tok_visa_4242")
}

fn settled(order: &Order) -> Answer {
    Answer::Settled { on: order.today() }
}

async fn broken(gateway: Arc<dyn Gateway>) -> Vec<String> {
    let subject = Subject {
        connect: &|| Arc::clone(&gateway),
        slow: sample_order(Scheme::DirectDebit, "NL91ABNA0417164300"),
        quick: Some(card()),
        lost: Some(card()),
    };
    gateway_contract(&subject).await
}

#[tokio::test]
async fn the_sandbox_keeps_the_contract() {
    for (slow, quick) in [
        ("NL91ABNA0417164300", "tok_visa"),
        ("accepts_declines_2_AM04", "settles"),
        ("settles_after_5", "bounces_70_fraudulent"),
    ] {
        let subject = Subject {
            connect: &|| Arc::new(Sandbox),
            slow: sample_order(Scheme::DirectDebit, slow),
            quick: Some(sample_order(Scheme::Card, quick)),
            lost: Some(sample_order(Scheme::Card, "times_out_before")),
        };
        assert_eq!(gateway_contract(&subject).await, Vec::<String>::new(), "{slow} {quick}");
    }
}

#[tokio::test]
async fn a_person_keeps_the_contract() {
    for scheme in [Scheme::BankTransfer, Scheme::DirectDebit, Scheme::Card] {
        let subject = Subject {
            connect: &|| Arc::new(Manual),
            slow: Order { kind: OrgKind::Live, ..sample_order(scheme, "tok_visa") },
            quick: None,
            lost: None,
        };
        assert_eq!(gateway_contract(&subject).await, Vec::<String>::new(), "{scheme}");
    }
}

#[tokio::test]
async fn the_scripted_gateway_keeps_the_contract() {
    assert_eq!(broken(scripted()).await, Vec::<String>::new());
}

/// What a bad adapter does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Every submission is a new payment.
    CollectsTwice,
    /// Every refund is a new one.
    PaysBackTwice,
    /// One reference for everything.
    OneReference,
    /// A query sees money that has not come.
    QueryIsHopeful,
    /// A key that it never saw is under way.
    QueryInvents,
    /// It answers to a withdrawal and collects all the same.
    CollectsWithdrawn,
    /// It says that it withdrew what was collected.
    WithdrawsCollected,
    /// What is withdrawn is collected when it is sent again.
    RevivesWithdrawn,
    /// It wants to be asked again yesterday.
    AsksInThePast,
    /// Its debug output has what pays.
    ShowsSecret,
    /// It tells nothing but that it does not know.
    KnowsNothing,
}

struct Bad {
    fault: Fault,
    inner: Arc<ScriptedGateway>,
    calls: AtomicU64,
    seen: std::sync::Mutex<String>,
}

impl std::fmt::Debug for Bad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bad({})", self.seen.lock().unwrap())
    }
}

impl Bad {
    fn new(fault: Fault) -> Arc<Self> {
        let seen = std::sync::Mutex::default();
        Arc::new(Self { fault, inner: scripted(), calls: AtomicU64::new(0), seen })
    }

    fn spoil(&self, order: &Order, reply: Reply) -> Reply {
        match self.fault {
            Fault::OneReference => {
                Reply { reference: reply.reference.map(|_| "one".to_owned()), ..reply }
            }
            Fault::AsksInThePast => Reply { ask_again: Some(order.now), ..reply },
            Fault::KnowsNothing => Reply::bare(Answer::Unknown),
            _ => reply,
        }
    }

    fn fresh(&self, reply: Reply) -> Reply {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        Reply { reference: Some(format!("fresh-{number}")), ..reply }
    }
}

impl Gateway for Bad {
    fn submit<'a>(&'a self, order: &'a Order) -> Call<'a> {
        Box::pin(async move {
            if self.fault == Fault::ShowsSecret {
                let secret = order.instrument.as_ref().unwrap().expose();
                secret.clone_into(&mut self.seen.lock().unwrap());
            }
            let known = self.inner.stands(order.attempt);
            let reply = self.inner.submit(order).await;
            match (self.fault, known) {
                (Fault::CollectsTwice, _) => self.fresh(reply),
                (Fault::RevivesWithdrawn, Some(Answer::Cancelled)) => {
                    Reply { answer: Answer::Accepted, ..reply }
                }
                _ => self.spoil(order, reply),
            }
        })
    }

    fn query<'a>(&'a self, order: &'a Order) -> Call<'a> {
        Box::pin(async move {
            let reply = self.inner.query(order).await;
            let answer = match (self.fault, &reply.answer) {
                (Fault::QueryIsHopeful, Answer::Accepted)
                | (Fault::CollectsWithdrawn, Answer::Cancelled) => settled(order),
                (Fault::QueryInvents, Answer::NotSent) => Answer::Accepted,
                (_, answer) => answer.clone(),
            };
            self.spoil(order, Reply { answer, ..reply })
        })
    }

    fn cancel<'a>(&'a self, order: &'a Order) -> Call<'a> {
        Box::pin(async move {
            if self.fault == Fault::WithdrawsCollected {
                self.inner.turns(order.attempt, Answer::Cancelled);
            }
            let reply = self.inner.cancel(order).await;
            self.spoil(order, reply)
        })
    }

    fn refund<'a>(&'a self, refund: &'a Refund) -> Call<'a> {
        Box::pin(async move {
            let reply = self.inner.refund(refund).await;
            if self.fault == Fault::PaysBackTwice { self.fresh(reply) } else { reply }
        })
    }
}

#[tokio::test]
async fn every_clause_finds_its_fault() {
    for (fault, clause) in [
        (Fault::CollectsTwice, "the same key again is the same answer"),
        (Fault::PaysBackTwice, "the same refund again is no second"),
        (Fault::OneReference, "two keys are two references"),
        (Fault::QueryIsHopeful, "a query agrees with the submission"),
        (Fault::QueryInvents, "a key that it never received was not sent"),
        (Fault::CollectsWithdrawn, "what is withdrawn is never collected"),
        (Fault::WithdrawsCollected, "to withdraw too late changes nothing"),
        (Fault::RevivesWithdrawn, "to submit what is withdrawn does not revive it"),
        (Fault::AsksInThePast, "to be asked again lies in the future"),
        (Fault::ShowsSecret, "what pays is never shown"),
        (Fault::KnowsNothing, "the slow order is accepted for a day"),
    ] {
        let found = broken(Bad::new(fault)).await;
        assert!(found.iter().any(|one| one.starts_with(clause)), "{fault:?}: {found:#?}");
    }
}

#[tokio::test]
async fn what_does_not_answer_in_time_is_unknown() {
    for (said, stands) in [
        (Said::HangsBefore, Answer::NotSent),
        (Said::HangsAfter(settled(&card())), settled(&card())),
        (Said::LosesOrder, Answer::NotSent),
        (Said::LosesAnswer(settled(&card())), settled(&card())),
    ] {
        let gateway = ScriptedGateway::new();
        let gateways = Gateways::only(gateway.clone()).within(SOON);
        let order = card();
        gateway.on_submit(said.clone());
        assert_eq!(gateways.submit(&order).await, Reply::bare(Answer::Unknown), "{said:?}");
        assert_eq!(gateways.query(&order).await.answer, stands, "{said:?}");
        assert_eq!(gateways.submit(&order).await.answer, settled(&order), "{said:?}");
        assert_eq!(gateway.submitted(order.attempt), 2);
        assert_eq!(gateway.collected(), 12_100, "{said:?}: two submissions are one payment");
    }
}

#[tokio::test]
async fn every_question_has_its_limit_of_time() {
    let gateway = ScriptedGateway::new();
    gateway.on_query(Said::HangsBefore);
    gateway.on_cancel(Said::HangsBefore);
    gateway.on_refund(Said::HangsBefore);
    let gateways = Gateways::only(gateway.clone()).within(SOON);
    let order = card();
    let payment = domain::id::PaymentId::fresh(order.now);
    let refund =
        Refund { payment, amount: order.amount, submitted_at: order.now, order: order.clone() };
    assert_eq!(gateways.query(&order).await.answer, Answer::Unknown);
    assert_eq!(gateways.cancel(&order).await.answer, Answer::Unknown);
    assert_eq!(gateways.refund(&refund).await.answer, Answer::Unknown);
    assert_eq!(gateway.refunded(), 0);
}

#[tokio::test]
async fn a_late_answer_waits_for_the_test() {
    let (gateway, told, order) = (ScriptedGateway::new(), Arc::new(Notify::new()), card());
    gateway.on_submit(Said::Waits(told.clone(), settled(&order)));
    let asked = gateway.clone();
    let test = async {
        asked.called(1).await;
        assert_eq!(asked.submissions().len(), 1);
        told.notify_one();
    };
    let (reply, ()) = tokio::join!(gateway.submit(&order), test);
    assert_eq!(reply.answer, settled(&order));
}

#[tokio::test]
async fn what_was_said_can_be_said_again_and_otherwise() {
    let (gateway, order) = (ScriptedGateway::new(), card());
    let declined = Answer::Declined { code: "AM04".to_owned() };
    gateway.on_query(Said::Tells(declined.clone()));
    let first = gateway.submit(&order).await;
    assert_eq!(gateway.query(&order).await.answer, declined);
    assert_eq!(gateway.query(&order).await, first, "it was only said");
    gateway.turns(order.attempt, declined.clone());
    assert_eq!(gateway.query(&order).await.answer, declined);
    assert_eq!(gateway.queries(), [order.attempt; 3]);
    assert_eq!(gateway.collected(), 0);
}

#[tokio::test]
async fn orders_go_to_the_adapter_of_their_kind_and_scheme() {
    let gateways = Gateways::default();
    for (kind, scheme, expected) in [
        (OrgKind::Sandbox, Scheme::Card, settled(&card())),
        (OrgKind::Sandbox, Scheme::DirectDebit, settled(&card())),
        (OrgKind::Sandbox, Scheme::BankTransfer, Answer::Accepted),
        (OrgKind::Live, Scheme::Card, Answer::Accepted),
        (OrgKind::Live, Scheme::DirectDebit, Answer::Accepted),
        (OrgKind::Live, Scheme::BankTransfer, Answer::Accepted),
    ] {
        let order = Order { kind, ..sample_order(scheme, "settles_after_0") };
        assert_eq!(gateways.submit(&order).await.answer, expected, "{kind} {scheme}");
    }
}
