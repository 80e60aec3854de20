//! Documents of credits on the wire: what PayoutService is given about them and shows of them.
//!
//! Deliberately absent: the printable page (`app::self_bill`), payouts (`payout`).

use app::self_bill::{Filter, Kept, RecordInvestorInvoice};
use domain::date;
use domain::self_bill::{Line, OwnInvoice};

use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;

/// Which documents to list.
pub(crate) fn filter(message: &v1::ListSelfBillsRequest) -> field::Result<Filter> {
    let month = field::day_if_any(message.month).at("month")?;
    Ok(Filter {
        investor_id: field::parse_filled(&message.investor_id).at("investor_id")?,
        investment_id: field::parse_filled(&message.investment_id).at("investment_id")?,
        kind: field::one_of_if_any::<v1::SelfBillKind>(message.kind).at("kind")?,
        acceptance: field::one_of_if_any::<v1::SelfBillAcceptance>(message.acceptance)
            .at("acceptance")?,
        month: month.map(date::first_of_month),
    })
}

/// The command of RecordInvestorInvoice.
pub(crate) fn record_command(
    message: v1::RecordInvestorInvoiceRequest,
) -> field::Result<RecordInvestorInvoice> {
    Ok(RecordInvestorInvoice {
        self_bill_id: field::parse(&message.self_bill_id).at("self_bill_id")?,
        number: message.number,
        issue_on: field::required(message.issue_on).and_then(field::day).at("issue_on")?,
        tax: field::required(message.vat).and_then(|vat| field::money(&vat)).at("vat")?,
    })
}

impl From<Line> for v1::SelfBillLine {
    fn from(line: Line) -> Self {
        Self {
            investment_id: line.investment_id.to_string(),
            description: line.description,
            revenue: line.revenue.map(Into::into),
            share_percent: Some(line.share_percent.normalize().into()),
            net: Some(line.net.into()),
            principal: Some(line.principal.into()),
        }
    }
}

impl From<OwnInvoice> for v1::InvestorInvoice {
    fn from(own: OwnInvoice) -> Self {
        Self { number: own.number, issue_on: Some(own.issue_on.into()), vat: Some(own.tax.into()) }
    }
}

impl From<Kept> for v1::SelfBill {
    fn from(kept: Kept) -> Self {
        let bill = kept.bill;
        Self {
            id: bill.id.to_string(),
            investor_id: bill.investor_id.to_string(),
            kind: code::<v1::SelfBillKind>(bill.kind),
            number: kept.number.map(|number| number.text).unwrap_or_default(),
            vat_treatment: code::<v1::ShareTreatment>(bill.vat_treatment),
            month: Some(bill.month.into()),
            issue_on: Some(bill.issue_on.into()),
            lines: bill.lines.into_iter().map(Into::into).collect(),
            vat: Some(bill.vat.into()),
            net: Some(bill.net.into()),
            tax: Some(bill.tax.into()),
            gross: Some(bill.total.into()),
            corrects_self_bill_id: bill.corrects.map(|id| id.to_string()).unwrap_or_default(),
            reason: bill.reason.unwrap_or_default(),
            acceptance: code::<v1::SelfBillAcceptance>(bill.acceptance),
            accepts_on: bill.accepts_on.map(Into::into),
            investor_invoice: bill.own.map(Into::into),
            supplier: Some(kept.supplier.into()),
            buyer: Some(kept.buyer.into()),
        }
    }
}
