//! Rebuilds the crate when a migration is added: the embedding macro does not see new folders.
fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
