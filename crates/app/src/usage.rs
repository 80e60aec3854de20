//! Usage: measurements as they arrive.
//!
//! Purpose: [`record`] takes a chunk of events: those that are right are written, those that are
//! not are answered one by one with their reasons.
//!
//! Invariants: a chunk is one transaction, and every event of it is accepted, a duplicate, or
//! rejected. An event is checked for all that the database would refuse, so a wrong one never
//! takes the others with it. A chunk that is sent again, cut differently or not, changes nothing.
//!
//! Deliberately absent: billing (`billing`). What arrives for days that were billed marks their
//! periods, see `store::usage::mark_late`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{Duration, SubsecRound};
use domain::date::{self, Date};
use domain::id::CustomerId;
use domain::organization::OrgKind;
use domain::usage::{Event, Meter, Taken};
use store::usage::NewEvent;

use crate::Scope;
use crate::catalog::MAX_CODE;
use crate::error::Error;

/// Events of a chunk: enough that the round trips of its transaction do not count, few enough that
/// it is over in a fraction of a second and fits a request well.
pub const MAX_EVENTS: usize = 1_000;

/// Longer than any transaction of [`record`] lasts, whose every statement has a time limit. What
/// happens on a day that does not end within it cannot be billed while the transaction lasts.
const LONGEST: Duration = Duration::minutes(10);

/// PostgreSQL's instants have so many decimals of a second.
const INSTANT_DECIMALS: u16 = 6;

/// An event as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its place in the message, from 0.
    pub index: usize,
    /// The meter's code.
    pub meter: String,
    /// Whose.
    pub customer_id: CustomerId,
    /// The measurement.
    pub event: Event,
}

/// Why one event was not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Its place in the message, from 0.
    pub index: usize,
    /// Its id, cut to a printable length.
    pub id: String,
    /// The field that is at fault, as the interface names it.
    pub field: String,
    /// Stable name of the reason.
    pub reason: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

/// What became of a chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Events that were new and count from now on.
    pub accepted: usize,
    /// Events that were there already, with the same content.
    pub duplicates: usize,
    /// Events that were not recorded, by their places.
    pub rejected: Vec<Rejection>,
    /// Billed periods that will be looked at again.
    pub stale_periods: usize,
}

/// Records a chunk of events.
///
/// # Errors
/// [`Error::Invalid`] for more than [`MAX_EVENTS`]; [`Error::Busy`] when others hold what it needs
/// for too long: send it again. What is wrong with single events is in the answer.
pub async fn record(scope: &mut Scope, events: Vec<Sent>) -> Result<Recorded, Error> {
    if events.len() > MAX_EVENTS {
        let message = format!("{} events are too many: at most {MAX_EVENTS}", events.len());
        return Err(Error::invalid("events", message));
    }
    let known = Known::load(scope, &events).await?;
    let mut recorded = Recorded::default();
    // In the order of their keys, so that two senders of the same events never wait in a circle.
    let mut fresh: BTreeMap<store::usage::EventKey, (usize, NewEvent)> = BTreeMap::new();
    for sent in events {
        let (index, id) = (sent.index, sent.event.id.clone());
        let new = match known.check(sent) {
            Ok(new) => new,
            Err(rejection) => {
                recorded.rejected.push(rejection);
                continue;
            }
        };
        match fresh.get(&(new.meter_id, id.clone())) {
            None => _ = fresh.insert((new.meter_id, id), (index, new)),
            Some((_, first)) if *first == new => recorded.duplicates += 1,
            Some(_) => recorded.rejected.push(contradicts(index, &id)),
        }
    }
    write(scope, fresh, &mut recorded).await?;
    recorded.rejected.sort_unstable_by_key(|rejection| rejection.index);
    Ok(recorded)
}

/// Writes what is new, and looks at what is not.
async fn write(
    scope: &mut Scope,
    events: BTreeMap<store::usage::EventKey, (usize, NewEvent)>,
    recorded: &mut Recorded,
) -> Result<(), Error> {
    let (indexes, rows): (Vec<usize>, Vec<NewEvent>) = events.into_values().unzip();
    let new = store::usage::record(&mut scope.tx, &rows, scope.now).await?;
    recorded.accepted += new.len();
    let (mut late, mut old) = (BTreeSet::new(), Vec::new());
    let billable_before = billable_before(scope);
    for (index, row) in indexes.into_iter().zip(rows) {
        if !new.contains(&(row.meter_id, row.event.id.clone())) {
            old.push((index, row));
        } else if row.on < billable_before {
            late.insert((row.customer_id, row.meter_id, row.on));
        }
    }
    let (indexes, old): (Vec<usize>, Vec<NewEvent>) = old.into_iter().unzip();
    let contradicted = store::usage::contradicted(&mut scope.tx, &old).await?;
    recorded.duplicates += old.len() - contradicted.len();
    for (index, row) in indexes.into_iter().zip(old) {
        if contradicted.contains(&(row.meter_id, row.event.id.clone())) {
            recorded.rejected.push(contradicts(index, &row.event.id));
        }
    }
    // Last, because it holds the customers' billing.
    let late: Vec<_> = late.into_iter().collect();
    recorded.stale_periods = store::usage::mark_late(&mut scope.tx, &late).await?;
    Ok(())
}

/// Days before this one may be billed while the transaction lasts. A sandbox's clock may be moved
/// at any moment.
fn billable_before(scope: &Scope) -> Date {
    match scope.organization.kind {
        OrgKind::Sandbox => Date::MAX,
        OrgKind::Live => date::local(scope.now + LONGEST, scope.organization.time_zone),
    }
}

fn contradicts(index: usize, id: &str) -> Rejection {
    let message = format!(
        "event {id:?} was recorded before with another customer, instant, quantity or value, and \
         that one counts: a correction is a new event with an id of its own"
    );
    Rejection {
        index,
        id: id.to_owned(),
        field: "id".to_owned(),
        reason: "EVENT_ID_REUSED",
        message,
    }
}

/// What a chunk's events are checked against.
struct Known {
    meters: HashMap<String, Meter>,
    starts: HashMap<CustomerId, Date>,
    /// Those who exist and bought nothing.
    unsold: HashSet<CustomerId>,
    taken: Taken,
}

impl Known {
    async fn load(scope: &mut Scope, events: &[Sent]) -> Result<Self, Error> {
        // Others cannot be codes, and some cannot even be asked for.
        let codes: BTreeSet<&str> = events
            .iter()
            .map(|sent| sent.meter.as_str())
            .filter(|code| may_be_code(code))
            .collect();
        let codes: Vec<&str> = codes.into_iter().collect();
        let meters = store::meter::of_codes(&mut scope.tx, &codes).await?;
        let customers: BTreeSet<CustomerId> = events.iter().map(|sent| sent.customer_id).collect();
        let customers: Vec<CustomerId> = customers.into_iter().collect();
        let starts = store::usage::first_starts(&mut scope.tx, &customers).await?;
        let unsold: Vec<CustomerId> =
            customers.into_iter().filter(|id| !starts.contains_key(id)).collect();
        let unsold = store::usage::existing(&mut scope.tx, &unsold).await?;
        let zone = scope.organization.time_zone;
        Ok(Self {
            meters: meters.into_iter().map(|meter| (meter.code.clone(), meter)).collect(),
            starts,
            unsold,
            taken: Taken { start: None, now: scope.now, zone },
        })
    }

    fn check(&self, sent: Sent) -> Result<NewEvent, Rejection> {
        let Sent { index, meter: code, customer_id, mut event } = sent;
        let rejected = |field: &str, reason, message| Rejection {
            index,
            id: printable(&event.id),
            field: field.to_owned(),
            reason,
            message,
        };
        let Some(meter) = self.meters.get(&code) else {
            let shown = printable(&code);
            let message =
                format!("no meter has the code {shown:?}: expected a code that ListMeters answers");
            return Err(rejected("meter", "METER_UNKNOWN", message));
        };
        let start = self.starts.get(&customer_id).copied();
        if start.is_none() && !self.unsold.contains(&customer_id) {
            let message = format!(
                "customer {customer_id} does not exist: expected an id that ListCustomers answers"
            );
            return Err(rejected("customer_id", "CUSTOMER_UNKNOWN", message));
        }
        let on = meter.check(&event, Taken { start, ..self.taken }).map_err(|refused| {
            let (field, reason) = refused.about();
            rejected(field, reason, refused.to_string())
        })?;
        event.at = event.at.trunc_subsecs(INSTANT_DECIMALS);
        Ok(NewEvent { meter_id: meter.id, customer_id, on, event })
    }
}

fn may_be_code(text: &str) -> bool {
    text.chars().count() <= MAX_CODE && !text.chars().any(char::is_control)
}

/// What was sent, cut to a printable length.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().take(48).filter(|c| !c.is_control()).collect()
}
