use std::collections::BTreeSet;

use app::access::Caller;
use domain::id::{ApiKeyId, OrgId};
use domain::organization::Role;
use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::{Code, Request};
use uuid::Uuid;

use super::*;
use crate::{pb, permission};

fn request(request_id: &str, customer_id: &str) -> Request<v1::UnblockCustomerRequest> {
    let mut request = Request::new(v1::UnblockCustomerRequest {
        customer_id: customer_id.to_owned(),
        request_id: request_id.to_owned(),
    });
    let entry = permission::find("/recoup.v1.CustomerService/UnblockCustomer").unwrap();
    let (org, key) = (OrgId(Uuid::nil()), ApiKeyId(Uuid::nil()));
    let name = "test".to_owned();
    request.extensions_mut().insert(Caller { org, key, name, roles: vec![Role::Admin] });
    request.extensions_mut().insert(*entry);
    request
}

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[test]
fn a_call_is_identified_by_id_method_and_content() {
    let key = |id, content| open_once(request(id, content)).unwrap().0.key;
    assert_eq!(key("", "a"), None, "without an id every call is a new one");
    let first = key(ID, "a").unwrap();
    assert_eq!(first.id.to_string(), ID);
    assert_eq!(first.method, "recoup.v1.CustomerService/UnblockCustomer");
    assert_eq!(key(ID, "a"), Some(first.clone()));
    assert_ne!(key(ID, "b"), Some(first), "other content");
}

#[test]
fn a_request_id_is_a_uuid() {
    let refused = open_once(request("once", "a")).unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().starts_with("request_id: \"once\" is not an id"), "{refused}");
}

#[test]
fn a_call_that_no_layer_has_seen_is_a_fault() {
    let bare = Request::new(v1::GetClockRequest {});
    assert_eq!(open(bare).unwrap_err().code(), Code::Internal);
}

/// The names of requests with a request id are the list of [`Repeatable`] messages; that they are
/// used is seen by the compiler, that none is forgotten by this.
#[test]
fn every_request_with_an_id_is_repeatable() {
    let set = FileDescriptorSet::decode(pb::FILE_DESCRIPTOR_SET).unwrap();
    let with_id: BTreeSet<&str> = set
        .file
        .iter()
        .flat_map(|file| &file.message_type)
        .filter(|message| message.field.iter().any(|field| field.name() == "request_id"))
        .map(|message| message.name())
        .collect();
    let source = include_str!("call.rs");
    let (_, list) = source.split_once("\nrepeatable! {").unwrap();
    let (list, _) = list.split_once('}').unwrap();
    assert_eq!(list.split_whitespace().collect::<BTreeSet<_>>(), with_id);
}
