//! The table: which categories and shapes are run, and by which rule the others are not.
//!
//! Purpose: one row per category; within it the shapes that do not fit, each with its reason, and
//! the functions that know the other shapes. The first rule that holds decides; a shape that no
//! function knows is skipped as such.
//!
//! Invariants: no rule looks at an id; a reason tells what holds here instead.
//!
//! Deliberately absent: rules about single cases.

use serde_json::Value;

use crate::case::Case;
use crate::report::{Verdict, compare};
use crate::{dates, documents, failing, life, prices, proration};

/// Where a category is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// Boundaries, billing dates, trials.
    Dates,
    /// Parts of periods.
    Proration,
    /// Prices, minimums, usage.
    Prices,
    /// Discounts, VAT, credits.
    Documents,
    /// Changes, pauses, balances.
    Life,
    /// Retries, overdue states, codes of failures.
    Failing,
    /// Not yet, or not here.
    Later,
}

/// A shape that is not run: what it is known by, and why.
type Skip = (fn(&Case) -> bool, &'static str);
/// Our answers to a case, or nothing when its shape is another.
type Answers = fn(&Case) -> Option<Value>;

/// A row of the table.
pub(crate) struct Category {
    pub(crate) name: &'static str,
    pub(crate) room: Room,
    /// Answers that a case of the category takes as given because its input lacks them.
    pub(crate) given: &'static [&'static str],
    skips: &'static [Skip],
    answers: &'static [Answers],
}

pub(crate) const SHAPE_NOT_KNOWN: &str = "shape not known";
pub(crate) const CATEGORY_NOT_KNOWN: &str = "category not known";

/// Where cases of unknown categories are counted.
pub(crate) const NOWHERE: Category = later("", &[]);

const fn run(
    name: &'static str,
    room: Room,
    skips: &'static [Skip],
    answers: &'static [Answers],
) -> Category {
    Category { name, room, given: &[], skips, answers }
}

const fn later(name: &'static str, skips: &'static [Skip]) -> Category {
    run(name, Room::Later, skips, &[])
}

fn always(_: &Case) -> bool {
    true
}

fn is_greedy(case: &Case) -> bool {
    case.text("mode").is_some_and(|mode| mode.ends_with("_greedy"))
}

/// In arrears, nothing is complete on the day of the start.
fn bills_nothing(case: &Case) -> bool {
    let start = case.given("start");
    case.text("mode").is_some_and(|mode| mode.starts_with("in_arrear"))
        && start.is_some()
        && case.expected.get("bill_through") == start
}

const GREEDY: Skip = (is_greedy, "in arrears is billed on the period's end, never ahead of it");
const PAYMENT: &str = "not yet: payments that fail";
const TOO_OFTEN: &str = "a policy has at most fifteen retries";

/// Every category, in the order of the rooms.
pub(crate) const CATEGORIES: &[Category] = &[
    run("billing_dates", Room::Dates, &[], &[dates::billing_dates]),
    run(
        "next_billing_date",
        Room::Dates,
        &[(
            dates::starts_off_the_grid,
            "boundary k is anchor + k intervals; this one starts between them (anchor's day only)",
        )],
        &[dates::next_billing_date],
    ),
    run(
        "billing_interval",
        Room::Dates,
        &[GREEDY, (bills_nothing, "an interval of no days is nothing to bill")],
        &[dates::billing_interval],
    ),
    run("billing_day", Room::Dates, &[], &[dates::billing_day]),
    run("billing_day_tz", Room::Dates, &[], &[dates::billing_day_in_zone]),
    run(
        "calendar_anchor",
        Room::Dates,
        &[(dates::is_not_on_the_calendar, "days have no calendar to follow")],
        &[dates::calendar_anchor],
    ),
    run("enclosing_period", Room::Dates, &[], &[dates::enclosing_period]),
    run("date_advance", Room::Dates, &[], &[dates::date_advance]),
    run("trial", Room::Dates, &[], &[dates::trial]),
    Category {
        given: &["amount"],
        ..run("tz_billing", Room::Dates, &[], &[dates::trial_in_zone, dates::skipped_hour])
    },
    run("proration_cycles", Room::Proration, &[GREEDY], &[proration::cycles]),
    run(
        "proration_fraction",
        Room::Proration,
        &[(
            |case| case.has("fixed_days_in_month"),
            "months have their own days, not a fixed number",
        )],
        &[proration::part],
    ),
    run(
        "proration_error",
        Room::Proration,
        &[(
            proration::runs_before_the_start,
            "a run before the start is no mistake: nothing is due",
        )],
        &[proration::error],
    ),
    run("invoice_item_periods", Room::Proration, &[GREEDY], &[proration::item_periods]),
    run("invoice_amount", Room::Proration, &[GREEDY], &[proration::invoice]),
    run("invoice_rerun", Room::Proration, &[], &[proration::rerun]),
    run(
        "defect_case",
        Room::Proration,
        &[
            (|case| case.has("steps"), "told in words; a property of any life covers it"),
            (|case| case.has("events"), PAYMENT),
            (|case| case.has("granted_credits"), "there are no wallets of prepaid credits"),
        ],
        &[proration::term, life::pause_in_period, life::change_in_period],
    ),
    run(
        "tier_price",
        Room::Prices,
        &[
            (|case| case.has("quantity_prorated"), "parts of periods are prorated, not quantities"),
            (prices::is_per_event, "a percentage has no free events and no bounds per event"),
        ],
        &[prices::tier_price, prices::percentage],
    ),
    run(
        "tier_price_prorated",
        Room::Prices,
        &[(
            |case| case.has("event_units_prorated"),
            "parts of periods are prorated, not quantities",
        )],
        &[],
    ),
    run(
        "minimum_commitment",
        Room::Prices,
        &[(|case| case.has("maximum_spend"), "a price has a minimum and no maximum")],
        &[
            prices::minimum_of_part,
            prices::minimum_missing,
            prices::minimum_of_price,
            documents::minimum_on_document,
        ],
    ),
    run("rounding", Room::Prices, &[], &[prices::rounding]),
    run("usage_delta", Room::Prices, &[], &[prices::usage_delta]),
    run(
        "discount_tax",
        Room::Documents,
        &[
            (documents::has_parts_of_cents, "discounts are spread in whole cents"),
            (documents::has_vat_per_line, "VAT is computed once per rate, not per line"),
        ],
        &[documents::discount],
    ),
    run("credit_note", Room::Documents, &[], &[documents::credit_note]),
    run(
        "eu_vat",
        Room::Documents,
        &[(documents::is_special_territory, "no VIES inquiry and no special territories")],
        &[documents::eu_vat],
    ),
    run("plan_change", Room::Life, &[], &[life::plan_change]),
    run(
        "pause_resume",
        Room::Life,
        &[(
            life::pause_moves_the_anchor,
            "a pause never moves the anchor and never extends a term",
        )],
        &[life::pause_resume],
    ),
    run(
        "invoice_balance",
        Room::Life,
        &[(|case| case.has("refunded"), "not yet: refunds")],
        &[life::invoice_balance],
    ),
    later("anchor_change", &[(always, "the billing day of a subscription stays")]),
    run(
        "retry_schedule",
        Room::Failing,
        &[
            (
                |case| case.text("kind").is_some_and(|kind| kind.starts_with("outcome_unknown")),
                "an unknown outcome is queried; the tests of attempts tell when",
            ),
            (
                |case| case.has("multiplier"),
                "technical trouble is tried again on the next business day, then a person sees it",
            ),
            (failing::is_too_often, TOO_OFTEN),
        ],
        &[failing::retry_schedule],
    ),
    run(
        "overdue_timeline",
        Room::Failing,
        &[
            (failing::has_amounts, "what a suspension credits is not part of a policy"),
            (failing::is_too_often, TOO_OFTEN),
        ],
        &[failing::failing_until_fixed, failing::states_on_dates],
    ),
    run(
        "overdue_condition",
        Room::Failing,
        &[
            (failing::tells_codes_apart, "steps depend on classes; these codes are of one class"),
            (
                |case| case.given("condition").is_some_and(|c| c.get("requires_tag").is_some()),
                "a policy has no tags",
            ),
        ],
        &[failing::owes_enough, failing::last_declines],
    ),
    run(
        "retry_decision",
        Room::Failing,
        &[
            (|case| case.has("networks"), "retries are bounded by policy, not by card network"),
            (|case| case.has("rows"), "dates of retries are planned, none are predicted"),
        ],
        &[failing::retry_decision],
    ),
    run(
        "dunning",
        Room::Failing,
        &[(
            |case| case.has("max_attempts"),
            "steps belong to each invoice; there are no campaigns over what a customer owes in all",
        )],
        &[],
    ),
    later("credit_grant_proration", &[(always, "there are no wallets of prepaid credits")]),
    later("numbering", &[(always, "one gapless series per organization, none per customer")]),
];

pub(crate) fn category(case: &Case) -> Option<&'static Category> {
    CATEGORIES.iter().find(|category| category.name == case.category)
}

/// What becomes of a case.
pub(crate) fn verdict(case: &Case) -> Verdict {
    let Some(category) = category(case) else { return Verdict::Skipped(CATEGORY_NOT_KNOWN) };
    if let Some((_, reason)) = category.skips.iter().find(|(holds, _)| holds(case)) {
        return Verdict::Skipped(reason);
    }
    let known = category.answers.iter().find_map(|answers| answers(case));
    known.map_or(Verdict::Skipped(SHAPE_NOT_KNOWN), |ours| compare(case, &ours))
}
