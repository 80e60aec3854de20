use super::*;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn number(text: &str) -> Option<google::Decimal> {
    Some(google::Decimal { value: text.to_owned() })
}

/// `to 10: 5` or `rest: 3`.
fn tier_of(words: &str) -> v1::PriceTier {
    let (end, unit_price) = words.split_once(": ").unwrap();
    let up_to = end.strip_prefix("to ").and_then(number);
    v1::PriceTier { up_to, unit_price: number(unit_price), ..v1::PriceTier::default() }
}

fn graduated(tiers: &[&str]) -> Model {
    Model::Graduated(v1::GraduatedPrice { tiers: tiers.iter().map(|it| tier_of(it)).collect() })
}

fn volume(tiers: &[&str]) -> Model {
    Model::Volume(v1::VolumePrice { tiers: tiers.iter().map(|it| tier_of(it)).collect() })
}

fn package(size: &str, unit_price: &str, free: Option<&str>) -> Model {
    let (size, unit_price) = (number(size), number(unit_price));
    Model::Package(v1::PackagePrice { size, unit_price, free: free.and_then(number) })
}

fn percentage(percent: &str) -> Model {
    Model::Percentage(v1::PercentagePrice { percent: number(percent) })
}

fn with(model: Model) -> v1::Price {
    v1::Price {
        product_id: ID.to_owned(),
        component: "seat".to_owned(),
        currency: "EUR".to_owned(),
        model: Some(model),
        ..v1::Price::default()
    }
}

fn refusal(price: v1::Price) -> String {
    app::Error::from(new(price).unwrap_err()).to_string()
}

#[test]
fn every_model_comes_back_as_it_was_given() {
    let blocks = v1::PriceTier {
        flat_fee: number("3.5"),
        block: number("100"),
        ..tier_of("rest: 0.00000001")
    };
    let tiers = vec![tier_of("to 10: 5"), blocks];
    let table = [
        graduated(&["to 10: 5", "to 10.5: 4", "rest: 3"]),
        Model::Graduated(v1::GraduatedPrice { tiers: tiers.clone() }),
        volume(&["rest: 0"]),
        Model::Volume(v1::VolumePrice { tiers }),
        package("1000", "0.5", None),
        package("0.5", "12", Some("100")),
        percentage("2.5"),
    ];
    for model in table {
        assert_eq!(Model::from(new(with(model.clone())).unwrap().model), model);
    }
    let rest = v1::Price { minimum: number("100"), meter_id: ID.into(), ..with(percentage("1")) };
    let read = new(rest).unwrap();
    assert_eq!(read.minimum.unwrap().to_string(), "EUR 100.00");
    assert_eq!(read.meter_id.unwrap().to_string(), ID);
}

#[test]
fn what_is_wrong_with_a_price_is_named_by_its_path() {
    let without_price = v1::PriceTier { unit_price: None, ..tier_of("rest: 1") };
    let table = [
        (graduated(&[]), "graduated.tiers: 0 tiers are not possible: expected 1 to 100"),
        (
            graduated(&["to 10: 5", "to 10: 4", "rest: 3"]),
            "graduated.tiers[1].up_to: tier 2 ends at 10 and overlaps the one before it",
        ),
        (
            graduated(&["to 10: 5", "to 20: 4"]),
            "graduated.tiers[1].up_to: the last tier ends at 20: expected no upper bound",
        ),
        (
            volume(&["to 10: 5", "rest: 4", "rest: 3"]),
            "volume.tiers[1].up_to: tier 2 has no upper bound and is not the last",
        ),
        (volume(&["to 9: -1", "rest: 3"]), "volume.tiers[0].unit_price: -1 is negative"),
        (
            volume(&["to 9: 1", "rest: 0.000000001"]),
            "volume.tiers[1].unit_price: 0.000000001 has too many decimals: at most 8",
        ),
        (
            graduated(&["to nine: 1", "rest: 1"]),
            "graduated.tiers[0].up_to: \"nine\" is not a number",
        ),
        (
            Model::Graduated(v1::GraduatedPrice { tiers: vec![without_price] }),
            "graduated.tiers[0].unit_price: required",
        ),
        (package("0", "1", None), "package.size: a size of 0 is not possible"),
        (package("1", "-1", None), "package.unit_price: -1 is negative"),
        (package("1", "1", Some("1e3")), "package.free: \"1e3\" is not a number"),
        (percentage("100.1"), "percentage.percent: 100.1 is too large: at most 100"),
    ];
    for (model, expected) in table {
        let refused = refusal(with(model));
        assert!(refused.starts_with(expected), "{refused}");
    }
    for (minimum, expected) in [
        ("-1", "minimum: -1 is negative"),
        ("0.001", "minimum: 0.001 has too many decimals: at most 2"),
        ("much", "minimum: \"much\" is not a number"),
    ] {
        let price = v1::Price { minimum: number(minimum), ..with(percentage("1")) };
        let refused = refusal(price);
        assert!(refused.starts_with(expected), "{refused}");
    }
    let price = v1::Price { meter_id: "calls".into(), ..with(percentage("1")) };
    assert!(refusal(price).starts_with("meter_id: \"calls\" is not an id"));
}
