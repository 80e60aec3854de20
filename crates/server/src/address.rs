//! Postal addresses, which organizations, customers and documents share.
//!
//! Deliberately absent: the checks of their texts (`app`).

use domain::organization::Address;

use crate::pb::v1;

impl From<v1::Address> for Address {
    fn from(wire: v1::Address) -> Self {
        let v1::Address { lines, postal_code, city, country } = wire;
        Self { lines, postal_code, city, country }
    }
}

impl From<Address> for v1::Address {
    fn from(address: Address) -> Self {
        let Address { lines, postal_code, city, country } = address;
        Self { lines, postal_code, city, country }
    }
}
