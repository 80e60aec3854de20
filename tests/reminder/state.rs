//! Where a customer stands, and what comes next.
