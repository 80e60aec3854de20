//! Payouts, their batches, and the accounts they go to.
