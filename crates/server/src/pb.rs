//! The wire: types, clients and servers generated from `proto/` by `build.rs`.
//!
//! Purpose: one place that includes generated code. The types are this crate's own, also Google's
//! `Money`, `Date` and `Decimal`, so that conversions to the domain can be written here.
//!
//! Invariants: nothing in here is written by hand; what a message means stands in the comments of
//! the `.proto` files, which are the documentation of the generated types.
//!
//! Deliberately absent: `google.rpc` (error details come from `tonic_types`) and
//! `google.protobuf` (from `prost_types`).

/// The descriptors of every compiled file with its imports and comments: what reflection serves, and
/// what tests walk to find every RPC.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/recoup.bin"));

pub use self::recoup::v1;

/// Google's common types.
#[allow(missing_docs, unreachable_pub, clippy::all, rustdoc::all)]
pub mod google {
    /// Package `google.type`.
    pub mod r#type {
        tonic::include_proto!("google.r#type");
    }
}

/// This service. The nesting follows the packages, because generated code refers to other packages
/// by relative paths.
#[allow(missing_docs, unreachable_pub, clippy::all, rustdoc::all)]
mod recoup {
    /// Package `recoup.v1`.
    pub mod v1 {
        tonic::include_proto!("recoup.v1");
    }
}
