use domain::plan::Timing;

use super::*;
use crate::pb::google::r#type as google;
use crate::pb::v1::price::Model;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn number(text: &str) -> Option<google::Decimal> {
    Some(google::Decimal { value: text.to_owned() })
}

fn price(currency: &str, model: Model) -> v1::Price {
    v1::Price {
        id: String::new(),
        product_id: ID.to_owned(),
        component: "seat".to_owned(),
        currency: currency.to_owned(),
        model: Some(model),
        ..v1::Price::default()
    }
}

fn per_unit(text: &str) -> Model {
    Model::PerUnit(v1::PerUnitPrice { unit_price: number(text) })
}

fn flat(text: &str) -> Model {
    Model::Flat(v1::FlatPrice { amount: number(text) })
}

fn version() -> v1::PlanVersion {
    v1::PlanVersion {
        interval: Some(v1::Interval { count: 1, unit: v1::IntervalUnit::Month.into() }),
        billing_timing: v1::BillingTiming::InAdvance.into(),
        prices: vec![price("EUR", flat("49.00")), price("EUR", per_unit("2.50"))],
        ..v1::PlanVersion::default()
    }
}

fn refusal(version: v1::PlanVersion) -> String {
    let refused = version_command(None, Some(version)).at("version").unwrap_err();
    app::Error::from(refused).to_string()
}

#[test]
fn a_version_is_read_and_shown_alike() {
    let command = version_command(None, Some(version())).unwrap();
    assert_eq!(command.interval, Interval::MONTHLY);
    assert_eq!(command.timing, Timing::InAdvance);
    assert_eq!(v1::Interval::from(command.interval), version().interval.unwrap());
    let models: Vec<Model> =
        command.prices.iter().map(|price| price.model.clone().into()).collect();
    assert_eq!(models, [flat("49"), per_unit("2.5")]);
}

#[test]
fn what_is_wrong_with_a_version_is_named_by_its_path() {
    type Spoil = fn(&mut v1::PlanVersion);
    let table: [(Spoil, &str); 11] = [
        (|it| it.interval = None, "version.interval: required"),
        (|it| it.interval.as_mut().unwrap().count = 0, "version.interval.count: an interval of 0"),
        (|it| it.interval.as_mut().unwrap().count = -1, "version.interval.count: -1 is negative"),
        (
            |it| it.interval.as_mut().unwrap().unit = 9,
            "version.interval.unit: 9 is not possible: expected one of INTERVAL_UNIT_DAY",
        ),
        (|it| it.billing_timing = 0, "version.billing_timing: BILLING_TIMING_UNSPECIFIED"),
        (|it| it.trial_days = -1, "version.trial_days: -1 is negative"),
        (
            |it| it.prices[1].currency = "ZZZ".to_owned(),
            "version.prices[1].currency: \"ZZZ\" is not",
        ),
        (|it| it.prices[1].model = None, "version.prices[1].model: expected flat, per_unit"),
        (
            |it| it.prices[0].model = Some(flat("1.005")),
            "version.prices[0].flat.amount: 1.005 has too many decimals: at most 2",
        ),
        (
            |it| it.prices[1].model = Some(per_unit("-1")),
            "version.prices[1].per_unit.unit_price: -1 is negative",
        ),
        (|it| it.prices[1].product_id.clear(), "version.prices[1].product_id: \"\" is not an id"),
    ];
    for (spoil, message) in table {
        let mut version = version();
        spoil(&mut version);
        let refused = refusal(version);
        assert!(refused.starts_with(message), "{refused}");
    }
}
