use app::day::Done;
use domain::money::{Currency, Money};
use tonic::Code;

use super::*;

fn day(last: bool) -> Day {
    let date = date::from_parts(2025, 1, 31).unwrap();
    let done =
        Done { invoices: 3, invoiced: vec![Money::new(12_10, Currency::EUR)], ..Done::default() };
    Day { date, done, now: "2025-02-01T00:00:00Z".parse().unwrap(), last }
}

#[test]
fn a_target_is_one_of_three() {
    let wanted = |text: &str| text.parse::<date::Date>().unwrap();
    let to_date = Wanted::ToDate(wanted("2025-02-28").into());
    assert_eq!(target(Some(to_date)), Ok(Target::Date(wanted("2025-02-28"))));
    assert_eq!(target(Some(Wanted::Days(7))), Ok(Target::Days(7)));
    for days in [0, -1] {
        let refused = app::Error::from(target(Some(Wanted::Days(days))).unwrap_err()).to_string();
        assert_eq!(refused, format!("days: {days} is not possible: expected 1 or more"));
    }
    let refused = app::Error::from(target(None).unwrap_err()).to_string();
    assert_eq!(refused, "target: expected to_date, to_time or days");
}

#[tokio::test]
async fn days_are_streamed_and_an_error_comes_last() {
    let (report, days) = mpsc::channel(BUFFER);
    let moving = tokio::spawn(async move {
        report.send(day(false)).await.unwrap();
        Err(Error::refused("SANDBOX_ONLY", "no"))
    });
    let seen: Vec<_> = streamed(days, moving).collect().await;
    let first = seen[0].as_ref().unwrap();
    assert_eq!((first.invoices_issued, first.done), (3, false));
    assert_eq!(first.amounts[0].units, 12);
    assert_eq!(seen[1].as_ref().unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn a_mover_that_breaks_is_a_fault() {
    let (report, days) = mpsc::channel(BUFFER);
    let moving = tokio::spawn(async move {
        report.send(day(true)).await.unwrap();
        panic!("broken");
    });
    let seen: Vec<_> = streamed(days, moving).collect().await;
    assert!(seen[0].as_ref().unwrap().done);
    assert_eq!(seen[1].as_ref().unwrap_err().code(), Code::Internal);
}
