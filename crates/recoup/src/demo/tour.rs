//! Where to look further: calls for `grpcurl`, with the key.
//!
//! Deliberately absent: a client of our own. Reflection is on: any gRPC client will do.

use std::net::SocketAddr;

use super::features::investor_id;
use super::scale::Scale;

/// The key and the calls, as text.
pub(super) fn tour(key: &str, address: SocketAddr, scale: &Scale, serving: bool) -> String {
    let year = scale.opens_on().format("%Y");
    let calls = [
        ("What time is it there?", "ClockService/GetClock", String::new()),
        (
            "An invoice by its number:",
            "InvoiceService/ListInvoices",
            format!(r#"{{"number": "{year}-00001"}}"#),
        ),
        (
            "Who are the customers?",
            "CustomerService/ListCustomers",
            r#"{"page_size": 3}"#.to_owned(),
        ),
        (
            "What recurred in a month, and what was lost?",
            "RevenueService/GetChurn",
            format!(r#"{{"month": {{"year": {year}, "month": 6, "day": 1}}}}"#),
        ),
        (
            "What is not paid, why, and what happens next?",
            "CollectionService/ListRetries",
            r#"{"page_size": 3}"#.to_owned(),
        ),
        (
            "What does an investor see?",
            "InvestorService/GetInvestorStatement",
            format!(r#"{{"investor_id": "{}"}}"#, investor_id(scale, 0)),
        ),
        ("Is the ledger right?", "LedgerService/VerifyLedger", String::new()),
        ("Live another month:", "ClockService/AdvanceClock", r#"{"days": 31}"#.to_owned()),
    ];
    let mut text = format!(
        "The admin key, shown once (start the demonstration again for a fresh one):\n\n  \
         export KEY={key}\n"
    );
    if !serving {
        text.push_str("\nThese calls work when the same data is served again, with recoup:\n");
    }
    let call = "grpcurl -plaintext -H \"authorization: Bearer $KEY\"";
    text.push_str(&format!("\nWhat is there?\n  grpcurl -plaintext {address} list\n"));
    for (question, method, content) in calls {
        let content = if content.is_empty() { content } else { format!("-d '{content}' ") };
        text.push_str(&format!("{question}\n  {call} {content}{address} recoup.v1.{method}\n"));
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_are_complete() {
        let scale = Scale { customers: 1, years: 1, seed: 1 };
        let text = tour("recoup_x", "127.0.0.1:50051".parse().unwrap(), &scale, true);
        assert!(text.contains("export KEY=recoup_x\n"), "{text}");
        let call = "grpcurl -plaintext -H \"authorization: Bearer $KEY\" -d '{\"days\": 31}' \
                    127.0.0.1:50051 recoup.v1.ClockService/AdvanceClock";
        assert!(text.contains(call), "{text}");
    }
}
