//! A gateway that says what a test tells it to say.
//!
//! Purpose: [`ScriptedGateway`] loses orders and answers, is late, silent, and says things twice or
//! otherwise than before; it counts what reached it, so that a test can say *once*.
//!
//! Invariants: like the real thing it keeps one order per key: a key that it knows is never a
//! second effect, whatever the script says. What the script says nothing of settles at once,
//! unless [`ScriptedGateway::usually`] says otherwise.

mod contract;
#[cfg(test)]
mod contract_tests;

use std::collections::{HashMap, VecDeque};
use std::future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use app::gateway::{Call, Gateway, Order, Refund, Reply};
use chrono::{DateTime, Utc};
use domain::date;
use domain::id::{AttemptId, PaymentId};
use domain::money::Money;
use domain::payment::Answer;
use tokio::sync::{Notify, watch};

pub use self::contract::{Subject, gateway_contract, sample_order};

/// What the gateway does when it is called.
#[derive(Debug, Clone)]
pub enum Said {
    /// The order stands so from now on, and the caller hears it.
    Answers(Answer),
    /// As it stands; the caller is told something else, or hears late: the answer is told, and
    /// nothing changes.
    Tells(Answer),
    /// The order stands so from now on; the caller is told that nobody knows.
    LosesAnswer(Answer),
    /// It never arrives; the caller is told that nobody knows.
    LosesOrder,
    /// It never arrives, and the caller never hears anything.
    HangsBefore,
    /// The order stands so from now on, and the caller never hears anything.
    HangsAfter(Answer),
    /// The order stands so from now on; the caller hears it when the test says so.
    Waits(Arc<Notify>, Answer),
}

/// A submission as it reached the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Its key.
    pub attempt: AttemptId,
    /// Which attempt at the invoice.
    pub number: u32,
    /// The invoice.
    pub invoice: String,
    /// How much.
    pub amount: Money,
    /// When, by the organization's clock.
    pub at: DateTime<Utc>,
}

/// A gateway that answers from a script. Share it in an `Arc`.
#[derive(Debug)]
pub struct ScriptedGateway {
    state: Mutex<State>,
    calls: watch::Sender<usize>,
}

#[derive(Debug)]
struct State {
    usually: fn(&Order) -> Answer,
    submit: VecDeque<Said>,
    query: VecDeque<Said>,
    cancel: VecDeque<Said>,
    refund: VecDeque<Said>,
    /// How an order stands, and when it may change.
    orders: HashMap<AttemptId, Standing>,
    refunds: HashMap<PaymentId, Answer>,
    submissions: Vec<Submission>,
    queries: Vec<AttemptId>,
}

#[derive(Debug, Clone)]
struct Standing {
    answer: Answer,
    amount: Money,
    ask_again: Option<DateTime<Utc>>,
}

/// What a call comes to, once the state is let go.
enum Ends {
    Now(Reply),
    Never,
    When(Arc<Notify>, Reply),
}

impl Default for ScriptedGateway {
    fn default() -> Self {
        Self { state: Mutex::new(State::new()), calls: watch::Sender::new(0) }
    }
}

impl ScriptedGateway {
    /// A gateway with an empty script: everything settles at once.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Says how an order stands of which the script says nothing.
    pub fn usually(&self, answer: fn(&Order) -> Answer) {
        self.state().usually = answer;
    }

    /// Says what the next submission does that the script says nothing of yet.
    pub fn on_submit(&self, said: Said) {
        self.state().submit.push_back(said);
    }

    /// The same for queries; what the script says nothing of is told as it stands.
    pub fn on_query(&self, said: Said) {
        self.state().query.push_back(said);
    }

    /// The same for withdrawals; what is accepted is withdrawn, the rest told as it stands.
    pub fn on_cancel(&self, said: Said) {
        self.state().cancel.push_back(said);
    }

    /// The same for refunds; they settle.
    pub fn on_refund(&self, said: Said) {
        self.state().refund.push_back(said);
    }

    /// Changes how an order stands, as if its bank had said so.
    pub fn turns(&self, attempt: AttemptId, answer: Answer) {
        if let Some(order) = self.state().orders.get_mut(&attempt) {
            order.answer = answer;
        }
    }

    /// Says when an order wants to be asked about.
    pub fn asks_again(&self, attempt: AttemptId, at: DateTime<Utc>) {
        if let Some(order) = self.state().orders.get_mut(&attempt) {
            order.ask_again = Some(at);
        }
    }

    /// Every submission that was made, in their order: also those that were lost, and repeated
    /// ones.
    #[must_use]
    pub fn submissions(&self) -> Vec<Submission> {
        self.state().submissions.clone()
    }

    /// The submissions that bear a key.
    #[must_use]
    pub fn submitted(&self, attempt: AttemptId) -> usize {
        self.state().submissions.iter().filter(|one| one.attempt == attempt).count()
    }

    /// The keys that were asked about, in the order of the queries.
    #[must_use]
    pub fn queries(&self) -> Vec<AttemptId> {
        self.state().queries.clone()
    }

    /// How an order stands; `None` when it never arrived.
    #[must_use]
    pub fn stands(&self, attempt: AttemptId) -> Option<Answer> {
        self.state().orders.get(&attempt).map(|order| order.answer.clone())
    }

    /// What was taken from payers and is settled, in minor units: each order counts once.
    #[must_use]
    pub fn collected(&self) -> i64 {
        let state = self.state();
        let settled = |order: &&Standing| matches!(order.answer, Answer::Settled { .. });
        state.orders.values().filter(settled).map(|order| order.amount.minor()).sum()
    }

    /// The refunds that took effect.
    #[must_use]
    pub fn refunded(&self) -> usize {
        self.state().refunds.len()
    }

    /// Waits until so many calls of any kind have reached it.
    pub async fn called(&self, times: usize) {
        // The sender is in `self`: it cannot be gone.
        let _ = self.calls.subscribe().wait_for(|calls| *calls >= times).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what the decision says, then answers without holding the state.
    async fn call(&self, decide: impl FnOnce(&mut State) -> Ends + Send) -> Reply {
        let ends = decide(&mut self.state());
        self.calls.send_modify(|calls| *calls += 1);
        match ends {
            Ends::Now(reply) => reply,
            Ends::Never => future::pending().await,
            Ends::When(told, reply) => {
                told.notified().await;
                reply
            }
        }
    }
}

impl Gateway for ScriptedGateway {
    fn submit<'a>(&'a self, order: &'a Order) -> Call<'a> {
        Box::pin(self.call(move |state| {
            state.submissions.push(Submission {
                attempt: order.attempt,
                number: order.number,
                invoice: order.invoice.clone(),
                amount: order.amount,
                at: order.now,
            });
            let usually = (state.usually)(order);
            let said = state.submit.pop_front().unwrap_or(Said::Answers(usually));
            state.follow(order, said, true)
        }))
    }

    fn query<'a>(&'a self, order: &'a Order) -> Call<'a> {
        Box::pin(self.call(move |state| {
            state.queries.push(order.attempt);
            match state.query.pop_front() {
                Some(said) => state.follow(order, said, false),
                None => Ends::Now(state.told(order)),
            }
        }))
    }

    fn cancel<'a>(&'a self, order: &'a Order) -> Call<'a> {
        Box::pin(self.call(move |state| {
            let is_open = matches!(state.told(order).answer, Answer::Accepted);
            let said = state.cancel.pop_front();
            let said = said.or(is_open.then_some(Said::Answers(Answer::Cancelled)));
            match said {
                Some(said) => state.follow(order, said, false),
                None => Ends::Now(state.told(order)),
            }
        }))
    }

    fn refund<'a>(&'a self, refund: &'a Refund) -> Call<'a> {
        Box::pin(self.call(move |state| {
            let on = date::local(refund.submitted_at, refund.order.zone);
            let said = state.refund.pop_front();
            let said = said.unwrap_or(Said::Answers(Answer::Settled { on }));
            state.pay_back(refund, said)
        }))
    }
}

impl State {
    fn new() -> Self {
        Self {
            usually: |order| Answer::Settled { on: order.today() },
            submit: VecDeque::new(),
            query: VecDeque::new(),
            cancel: VecDeque::new(),
            refund: VecDeque::new(),
            orders: HashMap::new(),
            refunds: HashMap::new(),
            submissions: Vec::new(),
            queries: Vec::new(),
        }
    }

    /// How an order stands, as a caller hears it.
    fn told(&self, order: &Order) -> Reply {
        let Some(known) = self.orders.get(&order.attempt) else {
            return Reply::bare(Answer::NotSent);
        };
        let reference = Some(format!("scripted-{}", order.attempt));
        Reply { answer: known.answer.clone(), reference, ask_again: known.ask_again }
    }

    /// Does what the script says. A submission of a key that is known changes nothing.
    fn follow(&mut self, order: &Order, said: Said, submitted: bool) -> Ends {
        let mut stand = |answer: Answer| {
            if !(submitted && self.orders.contains_key(&order.attempt)) {
                let amount = order.amount;
                let standing = Standing { answer, amount, ask_again: None };
                self.orders.insert(order.attempt, standing);
            }
        };
        match said {
            Said::Answers(Answer::NotSent) => Ends::Now(Reply::bare(Answer::NotSent)),
            Said::Answers(answer) => {
                stand(answer);
                Ends::Now(self.told(order))
            }
            Said::Tells(answer) => Ends::Now(Reply { answer, ..self.told(order) }),
            Said::LosesAnswer(answer) => {
                stand(answer);
                Ends::Now(Reply::bare(Answer::Unknown))
            }
            Said::LosesOrder => Ends::Now(Reply::bare(Answer::Unknown)),
            Said::HangsBefore => Ends::Never,
            Said::HangsAfter(answer) => {
                stand(answer);
                Ends::Never
            }
            Said::Waits(told, answer) => {
                stand(answer);
                Ends::When(told, self.told(order))
            }
        }
    }

    /// The same for money that goes back.
    fn pay_back(&mut self, refund: &Refund, said: Said) -> Ends {
        let reference = Some(format!("scripted-{}", refund.payment));
        let mut reply = |answer: Answer| {
            let answer = self.refunds.entry(refund.payment).or_insert(answer).clone();
            Reply { answer, reference: reference.clone(), ask_again: None }
        };
        match said {
            Said::Answers(Answer::NotSent) => Ends::Now(Reply::bare(Answer::NotSent)),
            Said::Answers(answer) => Ends::Now(reply(answer)),
            Said::Tells(answer) => Ends::Now(Reply::bare(answer)),
            Said::LosesAnswer(answer) => {
                reply(answer);
                Ends::Now(Reply::bare(Answer::Unknown))
            }
            Said::LosesOrder => Ends::Now(Reply::bare(Answer::Unknown)),
            Said::HangsBefore => Ends::Never,
            Said::HangsAfter(answer) => {
                reply(answer);
                Ends::Never
            }
            Said::Waits(told, answer) => Ends::When(told, reply(answer)),
        }
    }
}
