//! Why money did not come.
//!
//! Purpose: the classes of failures; what follows depends on the class alone, never on a raw code.
//!
//! Invariants: every raw code of every scheme has a class; one that is not known is
//! [`FailureClass::Unknown`].
//!
//! Deliberately absent: what follows when (the dunning policy).

use crate::code::codes;

codes! {
    /// Why an attempt failed, as far as it matters for what follows.
    FailureClass {
        /// The details are wrong: account or card do not exist or are closed (gegevens kloppen niet).
        WrongDetails = "wrong_details",
        /// The account holder has stopped collections for a time (tijdelijke stopzetting).
        Paused = "paused",
        /// Not enough money (geen geld in kas).
        NoMoney = "no_money",
        /// The payer or the issuer objects.
        Objection = "objection",
        /// The law or a bank's rules forbid it.
        Compliance = "compliance",
        /// Something technical between the banks.
        Technical = "technical",
        /// The vendor sent it wrong.
        OurFault = "our_fault",
        /// Anything else.
        Unknown = "unknown",
    }
}
