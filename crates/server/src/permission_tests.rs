use std::collections::BTreeMap;

use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

use super::*;
use crate::pb;

/// Field numbers on the way to a method: `FileDescriptorProto.service`,
/// `ServiceDescriptorProto.method`.
const SERVICE: i32 = 6;
const METHOD: i32 = 2;

fn descriptors() -> FileDescriptorSet {
    FileDescriptorSet::decode(pb::FILE_DESCRIPTOR_SET).unwrap()
}

/// Every method of the package with the comment above it.
fn documented_methods() -> BTreeMap<String, String> {
    let files = descriptors().file;
    files.iter().filter(|file| file.package() == "recoup.v1").flat_map(methods_of).collect()
}

fn methods_of(file: &FileDescriptorProto) -> Vec<(String, String)> {
    let mut methods = Vec::new();
    for (s, service) in (0_i32..).zip(&file.service) {
        for (m, method) in (0_i32..).zip(&service.method) {
            let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
            methods.push((name, comment_at(file, &[SERVICE, s, METHOD, m])));
        }
    }
    methods
}

fn comment_at(file: &FileDescriptorProto, path: &[i32]) -> String {
    let locations = &file.source_code_info.as_ref().unwrap().location;
    let location = locations.iter().find(|location| location.path == path).unwrap();
    location.leading_comments().to_owned()
}

fn own_entries() -> impl Iterator<Item = &'static Entry> {
    TABLE.iter().filter(|entry| entry.method.starts_with("recoup."))
}

#[test]
fn every_method_has_an_entry_and_no_entry_is_stale() {
    let defined: Vec<String> = documented_methods().into_keys().collect();
    let permitted: Vec<&str> = own_entries().map(|entry| entry.method).collect();
    assert_eq!(permitted, defined);
}

#[test]
fn the_table_says_what_the_comments_say() {
    let documented = documented_methods();
    for entry in own_entries() {
        let Access::Roles(roles) = entry.access else { panic!("{} is public", entry.method) };
        let comment = &documented[entry.method];
        let line = comment.lines().find_map(|line| line.trim().strip_prefix("Roles: "));
        let line = line.unwrap_or_else(|| panic!("{} has no line Roles:", entry.method));
        let table: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        assert_eq!(line.trim_end_matches('.'), table.join(", "), "{}", entry.method);
        assert!(roles.contains(&Role::Admin), "{}: an admin may do everything", entry.method);
    }
}

#[test]
fn the_table_is_sorted_and_found_by_path() {
    assert!(TABLE.is_sorted_by(|a, b| a.method < b.method));
    for entry in TABLE {
        assert_eq!(find(&format!("/{}", entry.method)), Some(entry));
    }
    for path in ["", "/", "recoup.v1.WorkService/ListJobs", "/recoup.v1.WorkService/Nothing"] {
        assert_eq!(find(path), None, "{path}");
    }
}
