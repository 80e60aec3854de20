//! Features and votes.
