//! Documents of credits to investors.
