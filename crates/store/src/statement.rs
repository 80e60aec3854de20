//! What investors see of their investments, read in a fixed number of statements.
