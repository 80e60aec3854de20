//! Cases about payments that fail: retries, overdue states, codes.
//!
//! Purpose: each function makes a policy of the steps that a case gives, and computes the answers
//! with it, or nothing when the case has another shape.
//!
//! Invariants: every date and state comes out of [`domain::dunning`], every decision about a code
//! out of [`domain::failure`]. A case's states are, in their order, restrict, suspend and cancel.
//! A case that names no way of paying is one of a card, which is charged any day.
//!
//! Deliberately absent: what is charged or credited when delivery stops.

use domain::date::Date;
use domain::dunning::{
    Action, Case as Failing, Degree, Delivery, OpenCase, Policy, Step, Terms, overdue,
};
use domain::failure::{self, FailureClass, Reason};
use domain::id::InvoiceId;
use domain::money::{Currency, Money};
use domain::payment::Scheme;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::case::{self, Case};

const DEGREES: [(Action, Degree); 3] = [
    (Action::Restrict, Degree::Restricted),
    (Action::Suspend, Degree::Suspended),
    (Action::Cancel, Degree::Cancelled),
];

fn policy(retries: &[u16], degrees: &[u16]) -> Option<Policy> {
    let step = |action, day| Step { day, action, schemes: Vec::new(), classes: Vec::new() };
    let card = |day: &u16| Step { schemes: vec![Scheme::Card], ..step(Action::Retry, *day) };
    let mut steps: Vec<Step> = retries.iter().map(card).collect();
    steps.extend(DEGREES.iter().zip(degrees).map(|((action, _), day)| step(*action, *day)));
    steps.sort_by_key(|step| step.day);
    let delivery = match degrees.first() {
        Some(day) => Delivery::Goodwill { until_day: *day },
        None => Delivery::Strict,
    };
    let none = Vec::new;
    let more_retries = retries.len() > domain::dunning::MAX_CARD_RETRIES;
    let terms = Terms {
        delivery,
        steps,
        pay_days: none(),
        minimums: Vec::new(),
        late_fee: None,
        more_retries,
    };
    Policy::new(terms).ok()
}

fn days(value: &Value) -> Option<Vec<u16>> {
    value.as_array()?.iter().map(|day| u16::try_from(day.as_i64()?).ok()).collect()
}

/// Days after the first failure from days after the step before.
fn added(gaps: &[u16]) -> Option<Vec<u16>> {
    let add = |sum: &mut u16, gap: &u16| {
        *sum = sum.checked_add(*gap)?;
        Some(*sum)
    };
    let sums: Vec<u16> = gaps.iter().scan(0, add).collect();
    (sums.len() == gaps.len()).then_some(sums)
}

fn no_money(day_zero: Date) -> Failing {
    Failing::new(Scheme::Card, FailureClass::NoMoney, day_zero)
}

/// When it is tried again, from days or gaps between them.
pub(crate) fn retry_schedule(case: &Case) -> Option<Value> {
    case.only(&["first_failure", "interval_days", "retry_days", "retry_on_days"])?;
    let given = |key: &str| case.given(key).and_then(days);
    let gaps = given("interval_days").or(given("retry_days")).map(|gaps| added(&gaps));
    let retries = match (gaps, given("retry_on_days")) {
        (Some(gaps), None) => gaps?,
        (None, Some(days)) => days,
        _ => return None,
    };
    let policy = policy(&retries, &[])?;
    let plan = policy.plan(&no_money(case.date("first_failure")?));
    let tried = plan.iter().filter(|step| step.key.action == Action::Retry);
    let dates: Vec<Date> = tried.map(|step| step.on).collect();
    Some(json!({
        "attempts": dates.len() + 1,
        "retries": dates,
        "past_due_deadline_days": plan.last()?.key.day,
    }))
}

struct Timeline {
    policy: Policy,
    names: Vec<String>,
}

const STATE: &[&str] = &[
    "name",
    "days",
    "block_changes",
    "block_entitlement",
    "cancel_policy",
    "reevaluate_after_days",
];

impl Timeline {
    fn of(case: &Case) -> Option<Self> {
        let config = case.given("config")?;
        case::only(config, &["states", "retry_days", "initial_reevaluation_days"])?;
        let states = config.get("states")?.as_array()?;
        let (mut names, mut thresholds) = (Vec::new(), Vec::new());
        for state in states {
            case::only(state, STATE)?;
            names.push(state.get("name").and_then(case::text)?.to_owned());
            thresholds.push(u16::try_from(state.get("days")?.as_i64()?).ok()?);
        }
        let gaps = config.get("retry_days").map_or(Some(Vec::new()), days)?;
        (1..=DEGREES.len()).contains(&names.len()).then_some(())?;
        Some(Self { policy: policy(&added(&gaps)?, &thresholds)?, names })
    }

    fn open<'a>(&'a self, failing: &'a Failing, number: &'a str) -> OpenCase<'a> {
        OpenCase {
            invoice_id: InvoiceId(Uuid::nil()),
            due_on: failing.day_zero,
            number,
            case: Some(failing),
            policy: &self.policy,
        }
    }

    fn name(&self, degree: Degree) -> &str {
        let at = DEGREES.iter().position(|(_, reached)| *reached == degree);
        at.and_then(|at| self.names.get(at)).map_or("CLEAR", String::as_str)
    }
}

/// Retries and states from a first failure until somebody mends it.
pub(crate) fn failing_until_fixed(case: &Case) -> Option<Value> {
    case.only(&["config", "first_failure", "fixed_on"])?;
    let timeline = Timeline::of(case)?;
    let fixed = case.optional_date("fixed_on")?;
    let mut failing = no_money(case.date("first_failure")?);
    let (mut retries, mut states, mut done) = (Vec::new(), Vec::new(), Vec::new());
    let (mut before, mut paid) = (Degree::Clear, None);
    for today in failing.day_zero.iter_days().take(usize::from(domain::dunning::MAX_DAY)) {
        for step in timeline.policy.due(&failing, &done, today) {
            done.push(step.key);
            if step.key.action == Action::Retry {
                retries.push(today);
                failing.last_attempt_on = Some(today);
                paid = Some(today).filter(|_| fixed.is_some_and(|fixed| fixed <= today));
            }
        }
        let open = [timeline.open(&failing, "1")];
        let now = if paid.is_some() { Degree::Clear } else { overdue(&open, today).degree };
        if timeline.name(now) != timeline.name(before) {
            states.push(json!({ "date": today, "state": timeline.name(now) }));
        }
        before = now;
        if paid.is_some() {
            break;
        }
    }
    // Mended without being paid: some other payment, which the case does not tell.
    (fixed.is_none() || paid.is_some()).then_some(())?;
    Some(json!({ "retries": retries, "states": states, "paid_on": paid }))
}

/// The states of a customer with invoices that fail on their date, on the dates that are asked.
pub(crate) fn states_on_dates(case: &Case) -> Option<Value> {
    case.only(&["config", "invoices", "payments", "worker_down", "first_check_after_outage"])?;
    let timeline = Timeline::of(case)?;
    let mut invoices = Vec::new();
    for invoice in case.list("invoices")? {
        case::only(invoice, &["id", "date"])?;
        let name = invoice.get("id").and_then(case::text)?;
        invoices.push((name, no_money(invoice.get("date").and_then(case::date)?)));
    }
    let mut payments = Vec::new();
    for payment in case.list("payments").into_iter().flatten() {
        case::only(payment, &["date", "invoice"])?;
        let name = payment.get("invoice").and_then(case::text)?;
        payments.push((name, payment.get("date").and_then(case::date)?));
    }
    let state = |day: Date| {
        let paid = |name: &str| payments.iter().any(|(of, on)| *of == name && *on <= day);
        let issued = invoices.iter().filter(|(_, failing)| failing.day_zero <= day);
        let open = issued.filter(|(name, _)| !paid(name));
        let open: Vec<_> = open.map(|(name, failing)| timeline.open(failing, name)).collect();
        timeline.name(overdue(&open, day).degree)
    };
    let mut answers = Map::new();
    if let Some(check) = case.optional_date("first_check_after_outage")? {
        answers.insert("state_on_check".into(), json!(state(check)));
    }
    for key in ["correct", "states"].into_iter().filter(|key| case.expects(key)) {
        let asked = case.expected.get(key)?.as_array()?;
        let answer = |row: &Value| {
            let day = row.get("date").and_then(case::date)?;
            Some(json!({ "date": day, "state": state(day) }))
        };
        let rows: Option<Vec<Value>> = asked.iter().map(answer).collect();
        answers.insert(key.into(), json!(rows?));
    }
    Some(Value::Object(answers))
}

fn reason(code: &Value) -> Option<Reason> {
    Some(failure::reason(Scheme::Card, case::text(code)?))
}

/// Which customers owe enough.
pub(crate) fn owes_enough(case: &Case) -> Option<Value> {
    case.only(&["condition", "rows"])?;
    let condition = case.given("condition")?;
    case::only(condition, &["min_unpaid_balance"])?;
    let euro = |value: &Value| Money::exact(case::number(value)?, Currency::EUR).ok();
    let minimums = vec![condition.get("min_unpaid_balance").and_then(euro)?];
    let policy = Policy::new(Terms { minimums, ..Policy::goodwill().terms().clone() }).ok()?;
    let matches = |row: &Value| {
        case::only(row, &["balance"])?;
        Some(policy.is_dunned(row.get("balance").and_then(euro)?))
    };
    let rows: Option<Vec<bool>> = case.list("rows")?.iter().map(matches).collect();
    Some(json!({ "matches": rows? }))
}

/// Each row's class, whether the condition names its code, and whether a step for the classes of
/// the condition's codes is taken for it.
fn declines(case: &Case) -> Option<Vec<(bool, bool)>> {
    case.only(&["condition", "rows"])?;
    let condition = case.given("condition")?;
    case::only(condition, &["last_decline_in"])?;
    let codes = condition.get("last_decline_in")?.as_array()?;
    let classes: Option<Vec<_>> = codes.iter().map(|code| Some(reason(code)?.class)).collect();
    let step = Step { day: 1, action: Action::Reminder, schemes: Vec::new(), classes: classes? };
    let row = |row: &Value| {
        case::only(row, &["last_decline"])?;
        let code = row.get("last_decline")?;
        let taken = step.applies(Scheme::Card, reason(code)?.class);
        Some((codes.contains(code), taken))
    };
    case.list("rows")?.iter().map(row).collect()
}

/// Whether a case tells codes apart that are of one class.
pub(crate) fn tells_codes_apart(case: &Case) -> bool {
    declines(case).is_some_and(|rows| rows.iter().any(|(named, taken)| named != taken))
}

/// For which declines a step is taken.
pub(crate) fn last_declines(case: &Case) -> Option<Value> {
    let rows = declines(case)?;
    Some(json!({ "matches": rows.iter().map(|(_, taken)| taken).collect::<Vec<_>>() }))
}

/// What follows codes: all of them must have the same answer.
pub(crate) fn retry_decision(case: &Case) -> Option<Value> {
    case.only(&["codes", "code"])?;
    let one = case.given("code").cloned().map(|code| vec![code]);
    let codes = case.list("codes").cloned().or(one)?;
    let reasons: Option<Vec<Reason>> = codes.iter().map(reason).collect();
    let reasons = reasons?;
    let all = |of: fn(&Reason) -> bool| {
        let first = reasons.first().map(of);
        first.filter(|first| reasons.iter().all(|reason| of(reason) == *first))
    };
    let mut answers = Map::new();
    answers.insert("automatic_retry".into(), json!(all(|r| r.retries > 0)));
    let dunned = all(|r| r.class.starts_overdue());
    answers.insert("state".into(), json!(dunned.filter(|yes| *yes).map(|_| "past_due")));
    let details = all(|r| r.new_details).filter(|yes| *yes);
    answers.insert("wait_for".into(), json!(details.map(|_| "new payment method")));
    Some(Value::Object(answers))
}

/// Whether more retries are asked than any policy has.
pub(crate) fn is_too_often(case: &Case) -> bool {
    let gaps = ["interval_days", "retry_days", "retry_on_days"];
    let config = case.given("config").and_then(|config| config.get("retry_days"));
    let lists = gaps.iter().filter_map(|key| case.given(key)).chain(config);
    let longest = lists.filter_map(Value::as_array).map(Vec::len).max();
    longest.is_some_and(|count| count > domain::dunning::MAX_MORE_RETRIES)
}

/// Whether a case asks for amounts of what was charged and credited while states changed.
pub(crate) fn has_amounts(case: &Case) -> bool {
    case.has("price")
}
