//! Who may call what.
//!
//! Purpose: one table from the name of a method to the roles that may call it, read by the layers
//! around every call.
//!
//! Invariants: what is not in the table is not served. Every method of the interface has exactly one
//! entry, equal to the `Roles:` line of its comment in `proto/`; tests walk the descriptors.
//!
//! Deliberately absent: which rows a caller sees; that is decided by its organization alone.

use domain::organization::Role::{self, Admin, Finance, Sales, Support, Viewer, Worker};

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a key, also while the database is away.
    Public,
    /// A key with at least one of these roles.
    Roles(&'static [Role]),
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Full name of the method: `recoup.v1.CustomerService/GetCustomer`.
    pub method: &'static str,
    /// Who may call it.
    pub access: Access,
}

const fn public(method: &'static str) -> Entry {
    Entry { method, access: Access::Public }
}

const fn roles(method: &'static str, roles: &'static [Role]) -> Entry {
    Entry { method, access: Access::Roles(roles) }
}

/// Everybody who looks at business data.
const READERS: &[Role] = &[Viewer, Sales, Support, Finance, Admin];
/// Everybody.
const ALL: &[Role] = &[Viewer, Sales, Support, Finance, Worker, Admin];

/// The table, in order of the names, so that it can be searched.
#[rustfmt::skip]
pub const TABLE: &[Entry] = &[
    public("grpc.health.v1.Health/Check"),
    public("grpc.health.v1.Health/Watch"),
    public("grpc.reflection.v1.ServerReflection/ServerReflectionInfo"),
    public("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"),

    roles("recoup.v1.CatalogService/CreateDiscount", &[Sales, Admin]),
    roles("recoup.v1.CatalogService/CreateMeter", &[Sales, Admin]),
    roles("recoup.v1.CatalogService/CreatePlan", &[Sales, Admin]),
    roles("recoup.v1.CatalogService/CreateProduct", &[Sales, Finance, Admin]),
    roles("recoup.v1.CatalogService/GetMeter", ALL),
    roles("recoup.v1.CatalogService/GetMigration", READERS),
    roles("recoup.v1.CatalogService/GetPlan", READERS),
    roles("recoup.v1.CatalogService/GetProduct", READERS),
    roles("recoup.v1.CatalogService/ListDiscounts", READERS),
    roles("recoup.v1.CatalogService/ListMeters", ALL),
    roles("recoup.v1.CatalogService/ListMigrations", READERS),
    roles("recoup.v1.CatalogService/ListPlans", READERS),
    roles("recoup.v1.CatalogService/ListProducts", READERS),
    roles("recoup.v1.CatalogService/ListVatRates", READERS),
    roles("recoup.v1.CatalogService/MigratePlanVersion", &[Sales, Admin]),
    roles("recoup.v1.CatalogService/PreviewPlanMigration", READERS),
    roles("recoup.v1.CatalogService/PublishPlanVersion", &[Sales, Admin]),
    roles("recoup.v1.CatalogService/RetireDiscount", &[Sales, Admin]),
    roles("recoup.v1.CatalogService/RetirePlan", &[Sales, Admin]),
    roles("recoup.v1.CatalogService/SetVatRate", &[Finance, Admin]),

    roles("recoup.v1.ClockService/AdvanceClock", &[Worker, Admin]),
    roles("recoup.v1.ClockService/GetClock", ALL),

    roles("recoup.v1.CollectionService/HoldRetry", &[Support, Finance, Admin]),
    roles("recoup.v1.CollectionService/ListAttempts", READERS),
    roles("recoup.v1.CollectionService/ListRetries", READERS),
    roles("recoup.v1.CollectionService/ReleaseRetry", &[Support, Finance, Admin]),
    roles("recoup.v1.CollectionService/ReportPaymentResult", &[Finance, Worker, Admin]),
    roles("recoup.v1.CollectionService/ResolveUnknown", &[Finance, Admin]),
    roles("recoup.v1.CollectionService/RetryNow", &[Support, Finance, Admin]),
    roles("recoup.v1.CollectionService/SkipRetry", &[Support, Finance, Admin]),

    roles("recoup.v1.CustomerService/BlockCustomer", &[Support, Finance, Admin]),
    roles("recoup.v1.CustomerService/CreateCustomer", &[Sales, Support, Finance, Admin]),
    roles("recoup.v1.CustomerService/EndPaymentMethod", &[Sales, Support, Finance, Admin]),
    roles("recoup.v1.CustomerService/GetCustomer", READERS),
    roles("recoup.v1.CustomerService/ListCustomers", READERS),
    roles("recoup.v1.CustomerService/ListPaymentMethods", READERS),
    roles("recoup.v1.CustomerService/SetPaymentMethod", &[Sales, Support, Finance, Admin]),
    roles("recoup.v1.CustomerService/UnblockCustomer", &[Finance, Admin]),
    roles("recoup.v1.CustomerService/UpdateCustomer", &[Sales, Support, Finance, Admin]),

    roles("recoup.v1.DecisionService/Decide", &[Finance, Admin]),
    roles("recoup.v1.DecisionService/ListDecisions", READERS),
    roles("recoup.v1.DecisionService/ListStrikes", READERS),
    roles("recoup.v1.DecisionService/RecordFraud", &[Support, Finance, Admin]),

    roles("recoup.v1.DunningService/CreateDunningPolicy", &[Finance, Admin]),
    roles("recoup.v1.DunningService/GetDunningPolicy", READERS),
    roles("recoup.v1.DunningService/GetDunningState", READERS),
    roles("recoup.v1.DunningService/ListDunningPolicies", READERS),
    roles("recoup.v1.DunningService/PreviewDunning", READERS),
    roles("recoup.v1.DunningService/SetDefaultDunningPolicy", &[Finance, Admin]),
    roles("recoup.v1.DunningService/SetPlanDunningPolicy", &[Finance, Admin]),

    roles("recoup.v1.EventService/ListEvents", ALL),
    roles("recoup.v1.EventService/WatchEvents", ALL),

    roles("recoup.v1.FeatureService/AssessFeatureRequest", &[Sales, Admin]),
    roles("recoup.v1.FeatureService/GetFeature", READERS),
    roles("recoup.v1.FeatureService/ListFeatures", READERS),
    roles("recoup.v1.FeatureService/ReleaseFeature", &[Sales, Admin]),
    roles("recoup.v1.FeatureService/RetireFeature", &[Sales, Admin]),
    roles("recoup.v1.FeatureService/StartDevelopment", &[Sales, Admin]),
    roles("recoup.v1.FeatureService/SubmitFeatureRequest", &[Sales, Support, Admin]),
    roles("recoup.v1.FeatureService/VoteFeatureRequest", &[Sales, Support, Admin]),

    roles("recoup.v1.InvestmentService/AcceptInvestment", &[Finance, Admin]),
    roles("recoup.v1.InvestmentService/GetInvestment", READERS),
    roles("recoup.v1.InvestmentService/GiveConsent", &[Sales, Finance, Admin]),
    roles("recoup.v1.InvestmentService/ListInvestments", READERS),
    roles("recoup.v1.InvestmentService/ListSelfBillingAgreements", READERS),
    roles("recoup.v1.InvestmentService/ProposeInvestment", &[Sales, Finance, Admin]),
    roles("recoup.v1.InvestmentService/SignSelfBillingAgreement", &[Finance, Admin]),
    roles("recoup.v1.InvestmentService/WithdrawInvestment", &[Finance, Admin]),

    roles("recoup.v1.InvestorService/ForecastInvestment", READERS),
    roles("recoup.v1.InvestorService/GetInvestorStatement", READERS),

    roles("recoup.v1.InvoiceService/AddCharge", &[Sales, Support, Finance, Admin]),
    roles("recoup.v1.InvoiceService/CreateInvoice", &[Finance, Admin]),
    roles("recoup.v1.InvoiceService/CreditInvoice", &[Finance, Admin]),
    roles("recoup.v1.InvoiceService/DiscardDraft", &[Finance, Admin]),
    roles("recoup.v1.InvoiceService/FinalizeInvoice", &[Finance, Admin]),
    roles("recoup.v1.InvoiceService/GetDocument", READERS),
    roles("recoup.v1.InvoiceService/GetInvoice", READERS),
    roles("recoup.v1.InvoiceService/ListCharges", READERS),
    roles("recoup.v1.InvoiceService/ListInvoices", READERS),
    roles("recoup.v1.InvoiceService/PreviewInvoice", READERS),
    roles("recoup.v1.InvoiceService/RemoveCharge", &[Sales, Support, Finance, Admin]),
    roles("recoup.v1.InvoiceService/RunBilling", &[Finance, Worker, Admin]),

    roles("recoup.v1.LedgerService/GetTrialBalance", &[Viewer, Finance, Worker, Admin]),
    roles("recoup.v1.LedgerService/ListEntries", &[Viewer, Finance, Admin]),
    roles("recoup.v1.LedgerService/VerifyLedger", &[Viewer, Finance, Worker, Admin]),

    roles("recoup.v1.OrganizationService/CreateApiKey", &[Admin]),
    roles("recoup.v1.OrganizationService/CreateOrganization", &[Admin]),
    roles("recoup.v1.OrganizationService/GetOrganization", ALL),
    roles("recoup.v1.OrganizationService/ListApiKeys", &[Admin]),
    roles("recoup.v1.OrganizationService/RevokeApiKey", &[Admin]),
    roles("recoup.v1.OrganizationService/UpdateOrganization", &[Admin]),

    roles("recoup.v1.PaymentService/DateBadDebtVat", &[Finance, Admin]),
    roles("recoup.v1.PaymentService/ListPayments", READERS),
    roles("recoup.v1.PaymentService/ListRefunds", &[Viewer, Support, Finance, Admin]),
    roles("recoup.v1.PaymentService/ListUnmatched", &[Viewer, Support, Finance, Admin]),
    roles("recoup.v1.PaymentService/MatchPayment", &[Finance, Admin]),
    roles("recoup.v1.PaymentService/RecordPayment", &[Finance, Admin]),
    roles("recoup.v1.PaymentService/RefundPayment", &[Finance, Admin]),
    roles("recoup.v1.PaymentService/ReportRefundResult", &[Worker, Finance, Admin]),
    roles("recoup.v1.PaymentService/ReturnPayment", &[Finance, Admin]),
    roles("recoup.v1.PaymentService/StartOneOffPayment", &[Support, Finance, Admin]),
    roles("recoup.v1.PaymentService/WriteOffInvoice", &[Finance, Admin]),

    roles("recoup.v1.PayoutService/AcceptSelfBill", &[Support, Finance, Admin]),
    roles("recoup.v1.PayoutService/ApprovePayout", &[Finance, Admin]),
    roles("recoup.v1.PayoutService/GetPayout", &[Viewer, Support, Finance, Admin]),
    roles("recoup.v1.PayoutService/GetPayoutAccount", &[Viewer, Support, Finance, Admin]),
    roles("recoup.v1.PayoutService/GetSelfBill", &[Viewer, Support, Finance, Admin]),
    roles("recoup.v1.PayoutService/GetSelfBillDocument", &[Viewer, Support, Finance, Admin]),
    roles("recoup.v1.PayoutService/ListPayouts", &[Viewer, Support, Finance, Admin]),
    roles("recoup.v1.PayoutService/ListSelfBills", &[Viewer, Support, Finance, Admin]),
    roles("recoup.v1.PayoutService/RecordInvestorInvoice", &[Finance, Admin]),
    roles("recoup.v1.PayoutService/RejectSelfBill", &[Support, Finance, Admin]),
    roles("recoup.v1.PayoutService/ReportPayoutResult", &[Finance, Worker, Admin]),
    roles("recoup.v1.PayoutService/SendPayouts", &[Finance, Admin]),
    roles("recoup.v1.PayoutService/SetPayoutAccount", &[Finance, Admin]),
    roles("recoup.v1.PayoutService/SettleClawback", &[Finance, Admin]),

    roles("recoup.v1.RevenueService/GetChurn", &[Viewer, Finance, Admin]),
    roles("recoup.v1.RevenueService/GetMrr", &[Viewer, Finance, Admin]),
    roles("recoup.v1.RevenueService/ListMovements", &[Viewer, Finance, Admin]),

    roles("recoup.v1.ShareService/ListInvestmentMonths", READERS),
    roles("recoup.v1.ShareService/PreviewPayout", &[Viewer, Finance, Admin]),
    roles("recoup.v1.ShareService/RunPayouts", &[Finance, Worker, Admin]),

    roles("recoup.v1.SubscriptionService/ApplyDiscount", &[Sales, Support, Admin]),
    roles("recoup.v1.SubscriptionService/CancelSubscription", &[Sales, Support, Admin]),
    roles("recoup.v1.SubscriptionService/ChangeSubscription", &[Sales, Support, Admin]),
    roles("recoup.v1.SubscriptionService/CheckEntitlement", ALL),
    roles("recoup.v1.SubscriptionService/CreateSubscription", &[Sales, Support, Admin]),
    roles("recoup.v1.SubscriptionService/GetSubscription", READERS),
    roles("recoup.v1.SubscriptionService/ListIntents", READERS),
    roles("recoup.v1.SubscriptionService/ListSubscriptionDiscounts", READERS),
    roles("recoup.v1.SubscriptionService/ListSubscriptions", READERS),
    roles("recoup.v1.SubscriptionService/ListUpcomingRenewals", READERS),
    roles("recoup.v1.SubscriptionService/PauseSubscription", &[Sales, Support, Admin]),
    roles("recoup.v1.SubscriptionService/PreviewChange", READERS),
    roles("recoup.v1.SubscriptionService/PreviewSubscription", READERS),
    roles("recoup.v1.SubscriptionService/RecordUsage", &[Worker, Admin]),
    roles("recoup.v1.SubscriptionService/RemoveDiscount", &[Sales, Support, Admin]),
    roles("recoup.v1.SubscriptionService/ResumeSubscription", &[Sales, Support, Admin]),
    roles("recoup.v1.SubscriptionService/RevokeIntent", &[Sales, Support, Admin]),
    roles("recoup.v1.SubscriptionService/UndoCancel", &[Sales, Support, Admin]),

    roles("recoup.v1.WorkService/ListJobs", &[Viewer, Support, Finance, Worker, Admin]),
    roles("recoup.v1.WorkService/ListQueues", &[Viewer, Support, Finance, Worker, Admin]),
    roles("recoup.v1.WorkService/ListSetAside", &[Viewer, Support, Finance, Worker, Admin]),
    roles("recoup.v1.WorkService/RequeueJob", &[Worker, Admin]),
    roles("recoup.v1.WorkService/RetrySetAside", &[Support, Finance, Worker, Admin]),
];

/// The entry of the method at a path such as `/recoup.v1.CustomerService/GetCustomer`.
#[must_use]
pub fn find(path: &str) -> Option<&'static Entry> {
    let method = path.strip_prefix('/')?;
    TABLE.binary_search_by(|entry| entry.method.cmp(method)).ok().map(|at| &TABLE[at])
}

#[cfg(test)]
#[path = "permission_tests.rs"]
mod tests;
