use app::ledger::Comparison;

use super::*;

fn row(account: Account, currency: &str, debit_minor: i64, credit_minor: i64) -> Balance {
    Balance { account, currency: Currency::from_code(currency).unwrap(), debit_minor, credit_minor }
}

#[test]
fn totals_are_per_currency() {
    let rows = [
        row(Account::Receivables, "EUR", 12_100, 0),
        row(Account::Receivables, "JPY", 500, 0),
        row(Account::VatPayable, "EUR", 0, 2_100),
        row(Account::SubscriptionRevenue, "EUR", 0, 10_000),
        row(Account::SubscriptionRevenue, "JPY", 0, 500),
    ];
    let rows: Vec<Sums> = rows.iter().map(|row| Sums::of(row).unwrap()).collect();
    let totals = totals(&rows).unwrap();
    let shown: Vec<_> = totals
        .iter()
        .map(|total| {
            let debit = total.debit.as_ref().unwrap();
            let balance = total.balance.as_ref().unwrap();
            (debit.currency_code.as_str(), debit.units, balance.units, balance.nanos)
        })
        .collect();
    assert_eq!(shown, [("EUR", 121, 0, 0), ("JPY", 500, 0, 0)]);
}

#[test]
fn checks_show_amounts_or_counts() {
    let check = |currency: Option<&str>| {
        let currency = currency.map(|code| Currency::from_code(code).unwrap());
        let comparison = Comparison { name: "x".to_owned(), currency, expected: 1_250, actual: 7 };
        let shown = v1::LedgerCheck::from(Check { ok: false, comparison });
        (shown.currency, shown.expected.unwrap().value, shown.actual.unwrap().value)
    };
    assert_eq!(check(Some("EUR")), ("EUR".to_owned(), "12.5".to_owned(), "0.07".to_owned()));
    assert_eq!(check(None), (String::new(), "1250".to_owned(), "7".to_owned()));
}
