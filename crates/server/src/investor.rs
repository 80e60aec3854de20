//! `InvestorService`: what investors see.
//!
//! Deliberately absent: how figures come about (`app::statement`, `domain::forecast`).

use app::Ctx;
use app::statement::{
    self, Account, Document, Figures, Forecast, MonthRow, Position, Statement, Total,
};
use domain::date::{self, Date};
use domain::forecast::{Outlook, Reach};
use domain::investment::Agreement;
use domain::money::Money;
use futures::FutureExt;
use tonic::{Request, async_trait};

use crate::call::{self, Answer};
use crate::enumeration::code;
use crate::field::{self, At};
use crate::pb::v1;
use crate::pb::v1::investor_service_server::InvestorService;
use crate::wire;

/// The service.
#[derive(Debug)]
pub(crate) struct Investors {
    /// The outside world.
    pub(crate) ctx: Ctx,
}

#[async_trait]
impl InvestorService for Investors {
    async fn get_investor_statement(
        &self,
        request: Request<v1::GetInvestorStatementRequest>,
    ) -> Answer<v1::GetInvestorStatementResponse> {
        let (call, message) = call::open(request)?;
        let investor = field::parse(&message.investor_id).at("investor_id")?;
        call.read(&self.ctx, |scope| {
            async move { Ok(statement::of_investor(scope, investor).await?.into()) }.boxed()
        })
        .await
    }

    async fn forecast_investment(
        &self,
        request: Request<v1::ForecastInvestmentRequest>,
    ) -> Answer<v1::ForecastInvestmentResponse> {
        let (call, message) = call::open(request)?;
        let id = field::parse(&message.investment_id).at("investment_id")?;
        call.read(&self.ctx, |scope| {
            async move { Ok(statement::forecast(scope, id).await?.into()) }.boxed()
        })
        .await
    }
}

impl From<Statement> for v1::GetInvestorStatementResponse {
    fn from(found: Statement) -> Self {
        let month = date::first_of_month(found.as_of);
        let investments = found.investments.into_iter().map(|one| investment(one, month));
        Self {
            investor_id: found.investor_id.to_string(),
            name: found.name,
            as_of: Some(found.as_of.into()),
            next_month: found.next_month.map(Into::into),
            totals: found.totals.into_iter().map(Into::into).collect(),
            investments: investments.collect(),
            documents: found.documents.into_iter().map(Into::into).collect(),
            agreement: found.agreement.map(Into::into),
            account: found.account.map(Into::into),
        }
    }
}

impl From<Forecast> for v1::ForecastInvestmentResponse {
    fn from(found: Forecast) -> Self {
        let month = |(month, revenue): (Date, Money)| v1::FeatureRevenue {
            month: Some(month.into()),
            revenue: Some(revenue.into()),
        };
        Self {
            investment_id: found.investment_id.to_string(),
            as_of: Some(found.as_of.into()),
            months: found.months.into_iter().map(month).collect(),
            outlooks: found.outlooks.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Total> for v1::StatementTotal {
    fn from(total: Total) -> Self {
        Self {
            figures: Some(total.figures.into()),
            percentage: Some(total.percentage.into()),
            credited_gross: Some(total.credited_gross.into()),
            paid_gross: Some(total.paid_gross.into()),
            sent_gross: Some(total.sent_gross.into()),
            payable_gross: Some(total.payable_gross.into()),
        }
    }
}

impl From<Figures> for v1::InvestmentFigures {
    fn from(figures: Figures) -> Self {
        Self {
            invested: Some(figures.invested.into()),
            cap: Some(figures.cap.into()),
            credited: Some(figures.credited.into()),
            repaid: Some(figures.repaid.into()),
            awaiting: Some(figures.awaiting.into()),
            expected: Some(figures.expected.into()),
            paid: Some(figures.paid.into()),
            sent: Some(figures.sent.into()),
            to_pay: Some(figures.to_pay.into()),
            left: Some(figures.left.into()),
        }
    }
}

fn investment(position: Position, month: Date) -> v1::StatementInvestment {
    let holding = position.holding;
    let currency = holding.currency;
    let money = |minor| Some(Money::new(minor, currency).into());
    let months = position.months.into_iter().map(|row| month_row(row, currency));
    v1::StatementInvestment {
        investment_id: holding.id.to_string(),
        feature_id: holding.feature_id.to_string(),
        feature_title: holding.feature_title,
        feature_state: code::<v1::FeatureState>(holding.feature_state),
        released_on: holding.released_on.map(Into::into),
        retired_on: holding.retired_on.map(Into::into),
        owned_on: holding.owned_on.map(Into::into),
        state: code::<v1::InvestmentState>(holding.state),
        principal: money(holding.principal),
        share_percent: Some(holding.share_percent.into()),
        return_percent: Some(holding.return_percent.into()),
        basis: code::<v1::ShareBasis>(holding.basis),
        vat_treatment: code::<v1::ShareTreatment>(holding.vat_treatment),
        proposed_on: Some(holding.proposed_on.into()),
        accepted_on: holding.accepted_on.map(Into::into),
        withdrawn_on: holding.withdrawn_on.map(Into::into),
        consent_on: holding.consent_on.map(Into::into),
        invoice_id: holding.invoice_id.map(|id| id.to_string()).unwrap_or_default(),
        funded_on: holding.funded_on.map(Into::into),
        recouped_on: holding.recouped_on.map(Into::into),
        completed_on: holding.completed_on.map(Into::into),
        figures: Some(position.figures.into()),
        percentage: Some(position.percentage.into()),
        forgone: money(holding.forgone),
        running: Some(v1::RunningMonth {
            month: Some(month.into()),
            revenue: Some(position.running.revenue.into()),
            part: Some(position.running.part.into()),
            to_come: Some(position.running.to_come.into()),
        }),
        customers: wire::count(position.customers),
        outlooks: position.outlooks.into_iter().map(Into::into).collect(),
        months: months.collect(),
    }
}

fn month_row(row: MonthRow, currency: domain::money::Currency) -> v1::StatementMonth {
    let money = |minor| Some(Money::new(minor, currency).into());
    let month = row.month;
    v1::StatementMonth {
        month: Some(month.month.into()),
        revenue: money(month.revenue),
        accrual: money(month.accrual),
        accrued: money(month.accrued),
        credited: money(month.credited),
        principal: money(month.principal),
        credited_total: money(month.credited_total),
        carried: money(month.carried),
        self_bill_id: row.document.map(|id| id.to_string()).unwrap_or_default(),
        number: row.number.unwrap_or_default(),
        payout_state: row.payout_state.map_or(0, code::<v1::PayoutState>),
    }
}

impl From<Document> for v1::StatementDocument {
    fn from(document: Document) -> Self {
        let money = |minor| Money::new(minor, document.currency).into();
        Self {
            self_bill_id: document.id.to_string(),
            kind: code::<v1::SelfBillKind>(document.kind),
            vat_treatment: code::<v1::ShareTreatment>(document.vat_treatment),
            month: Some(document.month.into()),
            issue_on: Some(document.issue_on.into()),
            number: document.number.unwrap_or_default(),
            net: Some(money(document.net)),
            vat: Some(money(document.tax)),
            corrects_id: document.corrects_id.map(|id| id.to_string()).unwrap_or_default(),
            acceptance: code::<v1::SelfBillAcceptance>(document.acceptance),
            accepts_on: document.accepts_on.map(Into::into),
            own_number: document.own_number.unwrap_or_default(),
            payout_id: document.payout_id.map(|id| id.to_string()).unwrap_or_default(),
            payout_state: document.payout_state.map_or(0, code::<v1::PayoutState>),
            payout: document.payout.map(money),
            set_off: document.set_off.map(money),
            sent_on: document.sent_on.map(Into::into),
            settled_on: document.settled_on.map(Into::into),
        }
    }
}

impl From<Agreement> for v1::StatementAgreement {
    fn from(terms: Agreement) -> Self {
        Self {
            agreement_id: terms.id.to_string(),
            signed_on: Some(terms.signed_on.into()),
            valid_until: terms.valid_until.map(Into::into),
            silent_days: terms.silent_days.map(wire::count).unwrap_or_default(),
        }
    }
}

impl From<Account> for v1::StatementAccount {
    fn from(account: Account) -> Self {
        Self {
            holder: account.holder,
            masked_account: account.masked,
            set_on: Some(account.set_on.into()),
        }
    }
}

impl From<Outlook> for v1::Outlook {
    fn from(outlook: Outlook) -> Self {
        Self {
            assumption: code::<v1::ForecastAssumption>(outlook.assumption),
            monthly_revenue: Some(outlook.revenue.into()),
            recouped: Some(outlook.recouped.into()),
            completed: Some(outlook.completed.into()),
        }
    }
}

impl From<Reach> for v1::ForecastDate {
    fn from(reach: Reach) -> Self {
        let (reach, month) = match reach {
            Reach::Reached => (v1::ForecastReach::Reached, None),
            Reach::In(month) => (v1::ForecastReach::InMonth, Some(month.into())),
            Reach::Never => (v1::ForecastReach::Never, None),
        };
        Self { reach: reach.into(), month }
    }
}
