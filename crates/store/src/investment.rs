//! Investments and agreements.
