use std::collections::BTreeSet;

use prost::Message;
use prost_types::FileDescriptorSet;

use super::*;

#[test]
fn health_knows_every_service() {
    let set = FileDescriptorSet::decode(pb::FILE_DESCRIPTOR_SET).unwrap();
    let defined: BTreeSet<String> = set
        .file
        .iter()
        .flat_map(|file| {
            file.service.iter().map(|service| format!("{}.{}", file.package(), service.name()))
        })
        .collect();
    assert_eq!(SERVICES.map(str::to_owned).into_iter().collect::<BTreeSet<_>>(), defined);
}

#[test]
fn reflection_has_whole_descriptors() {
    assert!(reflection().build_v1().is_ok());
    assert!(reflection().build_v1alpha().is_ok());
}
