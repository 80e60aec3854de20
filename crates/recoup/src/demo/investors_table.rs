//! What came of features and investments, as text.
//!
//! Invariants: the same figures give the same text.
//!
//! Deliberately absent: finding and proving the figures (`investors`).

use domain::money::{Currency, Money};

use super::amount::{grouped, shown};
use super::investors::{Investments, Row};
use super::table::counted;

/// A line per investment with their sums, documents, payouts, and the accounts.
pub(super) fn investors_table(of: &Investments) -> Result<Vec<String>, app::Error> {
    let features = of.features.iter().map(|(state, count)| (state.as_str(), *count));
    let documents = of.documents.iter().map(|(kind, count)| (kind.as_str(), *count));
    let payouts = of.payouts.iter().map(|(state, count)| (state.as_str(), *count));
    let mut lines = vec![
        "investments (EUR, without VAT), and what is expected of the running month".to_owned(),
        row(
            ["feature", "investor"],
            "share",
            "state",
            &["principal", "credited", "left", "paid out", "expected"].map(str::to_owned),
        ),
    ];
    let mut sums = [Money::zero(Currency::EUR); 5];
    for one in &of.rows {
        let amounts = amounts(one);
        for (sum, amount) in sums.iter_mut().zip(amounts) {
            *sum = sum.checked_add(amount)?;
        }
        let state = one.state.as_str();
        let state = if one.is_open_again { format!("{state}, reopened") } else { state.to_owned() };
        let share = format!("{} %", one.share.normalize());
        lines.push(row([&one.feature, &one.investor], &share, &state, &amounts.map(plain)));
    }
    lines.push(row(["total", ""], "", "", &sums.map(plain)));
    lines.push(String::new());
    let votes = grouped(&of.votes.to_string());
    lines.push(format!("{}, {votes} votes", counted("features", features)));
    lines.push(counted("their papers", documents));
    lines.push(counted("payouts", payouts));
    lines.push(String::new());
    for (account, held) in &of.accounts {
        let name = format!("{account} {}", account.title());
        let side = if held.minor() < 0 { "credit" } else { "debit" };
        let amount = Money::new(held.minor().abs(), held.currency());
        lines.push(format!("{name:<32}{:>20} {side}", shown(amount)));
    }
    Ok(lines)
}

/// What of an investment is summed.
fn amounts(of: &Row) -> [Money; 5] {
    [of.principal, of.credited, of.left, of.paid, of.expected]
}

fn plain(amount: Money) -> String {
    grouped(&amount.major().to_string())
}

fn row([feature, investor]: [&str; 2], share: &str, state: &str, amounts: &[String; 5]) -> String {
    let amounts: String = amounts.iter().map(|amount| format!("{amount:>12}")).collect();
    format!("{feature:<20}{investor:<28}{share:>6}  {state:<20}{amounts}")
}

#[cfg(test)]
mod tests {
    use domain::investment::InvestmentState;
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn an_investment_is_a_line_and_all_are_summed() {
        let euros = |major: i64| Money::new(major * 100, Currency::EUR);
        let one = Row {
            feature: "Planbord".to_owned(),
            investor: "Brugman".to_owned(),
            principal: euros(10_000),
            share: Decimal::new(2500, 2),
            state: InvestmentState::Recouped,
            is_open_again: true,
            credited: euros(10_500),
            left: euros(500),
            paid: euros(9_000),
            expected: euros(125),
        };
        let rows = vec![one.clone(), Row { is_open_again: false, ..one }];
        let table = investors_table(&Investments { rows, ..Investments::default() }).unwrap();
        let line = "Planbord            Brugman                       25 %  recouped, reopened     \
                    10,000.00   10,500.00      500.00    9,000.00      125.00";
        assert_eq!(table[2], line);
        assert!(table[3].contains("recouped   "), "{table:?}");
        assert!(table[4].ends_with("20,000.00   21,000.00    1,000.00   18,000.00      250.00"));
    }
}
