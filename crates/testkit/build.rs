//! Gathers the text of all migrations, so that a template database can be named by their contents.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    println!("cargo::rerun-if-changed={}", migrations.display());
    let mut files = Vec::new();
    for folder in fs::read_dir(&migrations)? {
        let up = folder?.path().join("up.sql");
        if up.is_file() {
            files.push(up);
        }
    }
    files.sort();
    let mut text = String::new();
    for file in &files {
        text.push_str(&format!("-- {}\n{}", name(file), fs::read_to_string(file)?));
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("migrations.sql"), text)
}

/// The folder's name: `0001_isolation`.
fn name(file: &Path) -> String {
    let folder = file.parent().and_then(Path::file_name);
    folder.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
