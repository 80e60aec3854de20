//! Enumerations of the wire and of the domain, value by value.
//!
//! Purpose: the one place that says which value means which, in both directions.
//!
//! Invariants: the compiler sees that every value of the domain has one on the wire. Values of the
//! wire without one of the domain (unspecified) have no arm here and are refused.

use app::job;
use domain::payment::attempt;
use domain::{
    collection, customer, decision, discount, dunning, entitlement, event, failure, feature,
    forecast, investment, invoice, ledger, mrr, one_off, organization, payment, payment_method,
    payout, period, plan, renewal, self_bill, strike, subscription, usage, vat,
};

use crate::pb::v1;

/// An enumeration of the wire.
pub(crate) trait Enumeration: TryFrom<i32> + Copy {
    /// What it means.
    type Value;

    /// The value it stands for, if it stands for one.
    fn value(self) -> Option<Self::Value>;

    /// The value's name in the interface.
    fn name(self) -> &'static str;
}

/// The number on the wire of a value of the domain.
pub(crate) fn code<P: Enumeration + Into<i32> + From<P::Value>>(value: P::Value) -> i32 {
    P::from(value).into()
}

macro_rules! both_ways {
    ($($wire:ident = $domain:ty { $($name:ident = $value:ident,)+ })*) => {$(
        impl Enumeration for v1::$wire {
            type Value = $domain;

            fn value(self) -> Option<Self::Value> {
                // Every value may have a meaning, then nothing is left for the last arm.
                #[allow(unreachable_patterns)]
                match self {
                    $(Self::$name => Some(<$domain>::$value),)+
                    _ => None,
                }
            }

            fn name(self) -> &'static str {
                self.as_str_name()
            }
        }

        impl From<$domain> for v1::$wire {
            fn from(value: $domain) -> Self {
                match value {
                    $(<$domain>::$value => Self::$name,)+
                }
            }
        }
    )*};
}

both_ways! {
    Language = organization::Language {
        Nl = Dutch,
        En = English,
    }
    OrganizationKind = organization::OrgKind {
        Live = Live,
        Sandbox = Sandbox,
    }
    Role = organization::Role {
        Viewer = Viewer,
        Sales = Sales,
        Support = Support,
        Finance = Finance,
        Worker = Worker,
        Admin = Admin,
    }
    PartyType = customer::PartyType {
        Business = Business,
        Consumer = Consumer,
    }
    Standing = customer::Standing {
        Good = Good,
        InArrears = InArrears,
        Blocked = Blocked,
    }
    CollectionState = collection::CollectionState {
        Waiting = Waiting,
        UnderWay = UnderWay,
        Unknown = Unknown,
        Held = Held,
        Person = Person,
        Closed = Closed,
    }
    DecisionKind = decision::DecisionKind {
        Block = Block,
        WriteOff = WriteOff,
    }
    DecisionState = decision::DecisionState {
        Open = Open,
        Confirmed = Confirmed,
        Rejected = Rejected,
        Obsolete = Obsolete,
    }
    Verdict = decision::Verdict {
        Confirm = Confirm,
        Reject = Reject,
    }
    StrikeReason = strike::StrikeReason {
        LostCycle = LostCycle,
        Objection = Objection,
        Fraud = Fraud,
    }
    NextAction = collection::NextAction {
        Collect = Collect,
        Retry = Retry,
        Extra = Extra,
        Resend = Resend,
        Step = Step,
        Release = Release,
    }
    AttemptState = attempt::AttemptState {
        Submitting = Submitting,
        Accepted = Accepted,
        Unknown = Unknown,
        Settled = Settled,
        Declined = Declined,
        NotSent = NotSent,
        Cancelled = Cancelled,
        Bounced = Bounced,
    }
    Scheme = payment::Scheme {
        DirectDebit = DirectDebit,
        Card = Card,
        BankTransfer = BankTransfer,
    }
    PaymentMethodState = payment_method::MethodState {
        Active = Active,
        Replaced = Replaced,
        Ended = Ended,
    }
    VatCategory = vat::VatCategory {
        Standard = Standard,
        Intermediate = Intermediate,
        Reduced = Reduced,
        Zero = Zero,
        Exempt = Exempt,
    }
    VatTreatment = vat::VatTreatment {
        Domestic = Domestic,
        EuReverseCharge = EuReverseCharge,
        OutsideEu = OutsideEu,
    }
    VatClass = vat::VatClass {
        Standard = Standard,
        Zero = Zero,
        Exempt = Exempt,
        ReverseCharge = ReverseCharge,
        Export = Export,
        OutsideScope = OutsideScope,
    }
    RevenueKind = plan::RevenueKind {
        Subscription = Subscription,
        Service = Service,
        Usage = Usage,
        Investment = Investment,
    }
    Aggregation = usage::Aggregation {
        Sum = Sum,
        Max = Max,
        Last = Last,
        Distinct = Distinct,
    }
    BillingTiming = plan::Timing {
        InAdvance = InAdvance,
        InArrears = InArrears,
    }
    DiscountDuration = discount::DurationKind {
        Once = Once,
        Periods = Periods,
        Forever = Forever,
    }
    CancelPolicy = plan::CancelPolicy {
        AtPeriodEnd = PeriodEnd,
        NowWithCredit = NowWithCredit,
        NowWithoutCredit = NowWithoutCredit,
    }
    FailureClass = failure::FailureClass {
        WrongDetails = WrongDetails,
        Paused = Paused,
        NoMoney = NoMoney,
        Objection = Objection,
        Compliance = Compliance,
        Technical = Technical,
        OurFault = OurFault,
        Unknown = Unknown,
    }
    DunningAction = dunning::Action {
        Retry = Retry,
        FriendlyReminder = FriendlyReminder,
        Reminder = Reminder,
        SecondReminder = SecondReminder,
        FinalNotice = FinalNotice,
        AskDetails = AskDetails,
        ExplainStop = ExplainStop,
        Contact = Contact,
        OfferOneOff = OfferOneOff,
        ChargeLateFee = ChargeLateFee,
        Restrict = Restrict,
        Suspend = Suspend,
        Cancel = Cancel,
        ProposeBlock = ProposeBlock,
        ProposeWriteOff = ProposeWriteOff,
        ListForPerson = ListForPerson,
    }
    DunningDegree = dunning::Degree {
        Clear = Clear,
        Overdue = Overdue,
        Restricted = Restricted,
        Suspended = Suspended,
        Cancelled = Cancelled,
    }
    Delivery = entitlement::Delivery {
        Deliver = Deliver,
        DeliverInGrace = DeliverInGrace,
        Restricted = Restricted,
        Stop = Stop,
    }
    EntitlementReason = entitlement::EntitlementReason {
        InForce = InForce,
        Trial = Trial,
        NotStarted = NotStarted,
        Paused = Paused,
        Ended = Ended,
        Overdue = Overdue,
    }
    InvoiceLineKind = invoice::LineKind {
        Recurring = Recurring,
        RecurringCredit = RecurringCredit,
        Minimum = Minimum,
        MinimumCredit = MinimumCredit,
        Usage = Usage,
        UsageCorrection = UsageCorrection,
        OneOff = OneOff,
        Correction = Correction,
    }
    IntervalUnit = period::Unit {
        Day = Day,
        Week = Week,
        Month = Month,
        Year = Year,
    }
    Alignment = period::Alignment {
        OwnDay = OwnDay,
        Calendar = Calendar,
    }
    PauseKind = subscription::PauseKind {
        Customer = Customer,
        Suspension = Suspension,
    }
    SubscriptionState = subscription::State {
        Pending = Pending,
        Trialing = Trialing,
        Active = Active,
        Paused = Paused,
        PastDue = PastDue,
        Suspended = Suspended,
        Cancelled = Cancelled,
    }
    CancelReason = subscription::CancelReason {
        VoluntaryPrice = VoluntaryPrice,
        VoluntaryMissingFeature = VoluntaryMissingFeature,
        VoluntaryCompetitor = VoluntaryCompetitor,
        VoluntaryNoNeed = VoluntaryNoNeed,
        VoluntaryOther = VoluntaryOther,
        NonPayment = NonPayment,
        Expired = Expired,
        Unknown = Unknown,
    }
    RenewalKind = renewal::RenewalKind {
        Start = Start,
        TrialEnd = TrialEnd,
        Renewal = Renewal,
    }
    EventKind = event::EventKind {
        SubscriptionStarted = SubscriptionStarted,
        SubscriptionTrialConverted = SubscriptionTrialConverted,
        SubscriptionRenewed = SubscriptionRenewed,
        SubscriptionChanged = SubscriptionChanged,
        SubscriptionPaused = SubscriptionPaused,
        SubscriptionSuspended = SubscriptionSuspended,
        SubscriptionRestored = SubscriptionRestored,
        SubscriptionResumed = SubscriptionResumed,
        SubscriptionCancellationPlanned = SubscriptionCancellationPlanned,
        SubscriptionCancellationUndone = SubscriptionCancellationUndone,
        SubscriptionCancelled = SubscriptionCancelled,
        InvestmentAccepted = InvestmentAccepted,
        InvestmentWithdrawn = InvestmentWithdrawn,
        InvestmentFunded = InvestmentFunded,
        InvestmentRecouped = InvestmentRecouped,
        FeatureOwnershipPassed = FeatureOwnershipPassed,
        InvestmentCompleted = InvestmentCompleted,
        InvestmentReopened = InvestmentReopened,
        SelfBillIssued = SelfBillIssued,
        PayoutSent = PayoutSent,
        PayoutSettled = PayoutSettled,
        PayoutBounced = PayoutBounced,
        PaymentRefunded = PaymentRefunded,
        RefundFailed = RefundFailed,
        InvoiceFinalized = InvoiceFinalized,
        CreditNoteFinalized = CreditNoteFinalized,
        InvoiceSettled = InvoiceSettled,
        InvoiceReopened = InvoiceReopened,
        InvoiceWrittenOff = InvoiceWrittenOff,
        PaymentFailed = PaymentFailed,
        InvoiceOverdue = InvoiceOverdue,
        PaymentReminder = PaymentReminder,
        DetailsNeeded = DetailsNeeded,
        PaymentStopped = PaymentStopped,
        ContactNeeded = ContactNeeded,
        OneOffPaymentOffered = OneOffPaymentOffered,
    }
    ChargeState = one_off::ChargeState {
        Drafted = Drafted,
        Waived = Waived,
        Waiting = Waiting,
        Billed = Billed,
        Removed = Removed,
    }
    InvoiceKind = invoice::DocumentKind {
        Invoice = Invoice,
        CreditNote = CreditNote,
    }
    InvoiceState = invoice::DocumentState {
        Draft = Draft,
        Discarded = Discarded,
        Open = Open,
        Settled = Settled,
        WrittenOff = WrittenOff,
    }
    PaymentKind = payment::PaymentKind {
        Receipt = Receipt,
        Collection = Collection,
        Bounce = Bounce,
        Refund = Refund,
        RefundReturned = RefundReturned,
    }
    RefundState = payment::refund::RefundState {
        Submitting = Submitting,
        Accepted = Accepted,
        Unknown = Unknown,
        Settled = Settled,
        Declined = Declined,
    }
    JobStatus = job::Status {
        Queued = Queued,
        Running = Running,
        Done = Done,
        Dead = Dead,
    }
    EntrySourceKind = ledger::SourceKind {
        Invoice = Invoice,
        Recognition = Recognition,
        Payment = Payment,
        Match = Match,
        AttemptAccepted = AttemptAccepted,
        AttemptFailed = AttemptFailed,
        WriteOff = WriteOff,
        BadDebtVat = BadDebtVat,
        Share = Share,
        InvestorInvoice = InvestorInvoice,
        PayoutSent = PayoutSent,
        PayoutSettled = PayoutSettled,
        PayoutBounced = PayoutBounced,
        FeatureRetired = FeatureRetired,
    }
    MigrationState = subscription::MigrationState {
        Running = Running,
        Done = Done,
    }
    MigrationOutcome = subscription::MigrationOutcome {
        Migrated = Migrated,
        Unchanged = Unchanged,
        Refused = Refused,
    }
    MovementKind = mrr::movement::Kind {
        New = New,
        Reactivation = Reactivation,
        Expansion = Expansion,
        Contraction = Contraction,
        Churn = Churn,
    }
    MovementReason = mrr::movement::Reason {
        Paused = Paused,
        Resumed = Resumed,
    }
    FeatureState = feature::FeatureState {
        Submitted = Submitted,
        Declined = Declined,
        Backlog = Backlog,
        Funded = Funded,
        InDevelopment = InDevelopment,
        Released = Released,
        Retired = Retired,
    }
    InvestmentState = investment::InvestmentState {
        Proposed = Proposed,
        Accepted = Accepted,
        Funded = Funded,
        Recouping = Recouping,
        Recouped = Recouped,
        Completed = Completed,
        Withdrawn = Withdrawn,
    }
    ShareBasis = investment::Basis {
        Collected = Collected,
        Invoiced = Invoiced,
        CollectedAndAged = CollectedAndAged,
    }
    ShareTreatment = investment::ShareTreatment {
        WithVat = WithVat,
        SmallBusiness = SmallBusiness,
        ReverseCharge = ReverseCharge,
        OutsideScope = OutsideScope,
    }
    SelfBillKind = self_bill::SelfBillKind {
        Invoice = Invoice,
        CreditNote = CreditNote,
        Statement = Statement,
        Advice = Advice,
    }
    SelfBillAcceptance = self_bill::SelfBillAcceptance {
        NotAsked = NotAsked,
        Waiting = Waiting,
        Accepted = Accepted,
        Rejected = Rejected,
    }
    PayoutState = payout::PayoutState {
        WaitingInvoice = WaitingInvoice,
        WaitingAcceptance = WaitingAcceptance,
        Ready = Ready,
        Sent = Sent,
        Settled = Settled,
        Bounced = Bounced,
        Cancelled = Cancelled,
    }
    ForecastAssumption = forecast::Assumption {
        Today = Today,
        Trend = Trend,
        Steady = Steady,
    }
    ChurnKind = mrr::ChurnKind {
        Voluntary = Voluntary,
        Involuntary = Involuntary,
        Expired = Expired,
        Unknown = Unknown,
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost_types::FileDescriptorSet;

    use crate::pb;

    #[test]
    fn numbers_are_given_out_without_gaps() {
        let set = FileDescriptorSet::decode(pb::FILE_DESCRIPTOR_SET).unwrap();
        for enumeration in set
            .file
            .iter()
            .filter(|file| file.package() == "recoup.v1")
            .flat_map(|file| &file.enum_type)
        {
            for (expected, value) in (0..).zip(&enumeration.value) {
                assert_eq!(value.number(), expected, "{}.{}", enumeration.name(), value.name());
            }
        }
    }
}
