//! The key that seals account numbers and tokens: given, or kept in a file.
//!
//! Purpose: a service on one machine needs no key to be set: one is made at the first start and kept
//! beside the data. Several machines are given the same key.
//!
//! Invariants: the file belongs to its owner alone (0600) and is written whole or not at all; of two
//! processes that make it at once, both get the same. The key is never shown.
//!
//! Deliberately absent: what the key does, and whether it is the right one (`app::seal`).

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use app::seal::Seal;
use secrecy::{ExposeSecret as _, SecretString};

use crate::Error;
use crate::config::{DatabaseOptions, SealOptions};

/// The key's file in the data folder.
const FILE: &str = "secret.key";

/// Where the key comes from, for people.
#[must_use]
pub(crate) fn shown(options: &DatabaseOptions) -> String {
    match given(options.seal.secret_key.as_ref()) {
        Some(_) => "given".to_owned(),
        None => file(options).display().to_string(),
    }
}

/// An empty text, as compose files produce it, is none.
fn given(key: Option<&SecretString>) -> Option<&SecretString> {
    key.filter(|key| !key.expose_secret().trim().is_empty())
}

fn file(options: &DatabaseOptions) -> PathBuf {
    let data = || options.data.clone().unwrap_or_else(cluster::default_data_folder);
    options.seal.secret_key_file.clone().unwrap_or_else(|| data().join(FILE))
}

/// The seal of this process. Blocks for a moment where the file is made.
pub(super) fn seal(options: &DatabaseOptions) -> Result<Seal, Error> {
    let SealOptions { secret_key, old_secret_keys, .. } = &options.seal;
    let old = given(old_secret_keys.as_ref()).map_or("", |keys| keys.expose_secret());
    let old: Vec<SecretString> =
        old.split(',').map(str::trim).filter(|one| !one.is_empty()).map(Into::into).collect();
    let refused =
        |what, refused: app::seal::KeyRefused| Error::Config { what, message: refused.to_string() };
    if let Some(key) = given(secret_key.as_ref()) {
        let what = "--secret-key or --old-secret-keys (RECOUP_SECRET_KEY, RECOUP_OLD_SECRET_KEYS)";
        return Seal::new(key, &old).map_err(|error| refused(what, error));
    }
    let path = file(options);
    let key = read(&path).or_else(|error| match error.kind() {
        ErrorKind::NotFound => make(&path),
        _ => Err(error),
    });
    let key = key.map_err(|source| Error::Config {
        what: "--secret-key (RECOUP_SECRET_KEY)",
        message: format!(
            "the key that seals account numbers is not given, and {} can be neither read nor made \
             ({source}): set RECOUP_SECRET_KEY to 64 hexadecimal digits (openssl rand -hex 32), the \
             same for every process on the database, or RECOUP_SECRET_KEY_FILE to a file that can \
             be written",
            path.display()
        ),
    })?;
    Seal::new(&key, &old).map_err(|error| {
        refused("--secret-key-file or --old-secret-keys (RECOUP_SECRET_KEY_FILE, ..)", error)
    })
}

fn read(path: &Path) -> std::io::Result<SecretString> {
    Ok(std::fs::read_to_string(path)?.into())
}

/// Makes the file; another process may have been faster, then its key counts.
fn make(path: &Path) -> std::io::Result<SecretString> {
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let key = app::seal::fresh_key().map_err(std::io::Error::other)?;
    let unfinished = path.with_extension(format!("key.{}", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(format!("{}\n", key.expose_secret()).as_bytes())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&unfinished, path);
    std::fs::remove_file(&unfinished)?;
    match linked {
        Ok(()) => {
            tracing::warn!(
                "made the key that seals account numbers: {}. Keep a copy beside the backups: \
                 without it they cannot be read. Every process on this database needs the same",
                path.display()
            );
            Ok(key)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn options(data: &Path, seal: SealOptions) -> DatabaseOptions {
        DatabaseOptions {
            database_url: None,
            data: Some(data.into()),
            offline: true,
            connections: 2,
            seal,
        }
    }

    #[test]
    fn a_key_is_made_once_and_kept_for_its_owner_alone() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("new");
        let options = options(&folder, SealOptions::default());
        let first = seal(&options).unwrap();
        assert_eq!(seal(&options).unwrap().key_id(), first.key_id());
        let path = folder.join(FILE);
        assert_eq!(shown(&options), path.display().to_string());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        // Who comes second gets the key of who came first.
        let key = make(&path).unwrap();
        assert_eq!(Seal::new(&key, &[]).unwrap().key_id(), first.key_id());
    }

    #[test]
    fn a_key_that_is_given_needs_no_file_and_is_not_shown() {
        let data = tempfile::tempdir().unwrap();
        let given = |key: &str| SealOptions {
            secret_key: Some(key.into()),
            old_secret_keys: Some(" , ".into()),
            ..SealOptions::default()
        };
        let right = options(data.path(), given(&"ab".repeat(32)));
        assert_eq!(shown(&right), "given");
        seal(&right).unwrap();
        assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0);
        let wrong = seal(&options(data.path(), given("geheim"))).unwrap_err().to_string();
        assert!(wrong.contains("RECOUP_SECRET_KEY") && !wrong.contains("geheim"), "{wrong}");
    }

    #[test]
    fn where_no_file_can_be_made_the_key_has_to_be_given() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let refused = seal(&options(&file, SealOptions::default())).unwrap_err().to_string();
        assert!(refused.contains("set RECOUP_SECRET_KEY to 64 hexadecimal digits"), "{refused}");
    }
}
