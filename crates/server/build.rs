//! Compiles `proto/` into Rust types, clients and servers, and into the descriptor set that
//! reflection serves. No `protoc` is needed: protox compiles, tonic and prost generate.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message as _;

/// Where the interface is defined, seen from this crate.
const PROTO: &str = "../../proto";
/// The package's folder in it.
const PACKAGE: &str = "recoup/v1";
/// What `src/pb.rs` includes.
const DESCRIPTOR_SET: &str = "recoup.bin";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join(PROTO);
    let files = proto_files(&root.join(PACKAGE))?;
    // With the source information, so that comments reach the generated types and reflection.
    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    let descriptors = compiler.file_descriptor_set();
    rerun_if_changed(&root, descriptors.file.iter().map(|file| file.name()));

    let set = Path::new(&env::var("OUT_DIR")?).join(DESCRIPTOR_SET);
    fs::write(set, descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        // Google's comments have indented blocks that rustdoc would run as tests.
        .disable_comments([".google"])
        // They hold what is never shown; `payment_method` and `payout` show what may be.
        .skip_debug([
            ".recoup.v1.DirectDebitDetails",
            ".recoup.v1.CardDetails",
            ".recoup.v1.PayoutOrder",
            ".recoup.v1.SetPayoutAccountRequest",
        ])
        .compile_fds(descriptors)?;
    Ok(())
}

/// The `.proto` files of `folder`, in order of name, so that every build makes the same set.
fn proto_files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    // The folder too: a file that is added or removed changes it.
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(format!("no .proto file in {}", folder.display()).into());
    }
    Ok(files)
}

/// Watches every file that was compiled, but for those that protox brings itself: a watched file that
/// does not exist would make every build run again.
fn rerun_if_changed<'a>(root: &Path, names: impl Iterator<Item = &'a str>) {
    for path in names.map(|name| root.join(name)).filter(|path| path.exists()) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}
