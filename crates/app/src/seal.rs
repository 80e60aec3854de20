//! Sealing: what only processes with the key may read.
//!
//! Purpose: account numbers and tokens are stored as bytes that neither a reader of the database nor
//! of a backup can read or move ([`Seal::seal`], [`Seal::open`]), and are recognized by a keyed hash
//! ([`Seal::fingerprints`]). One key for all processes on a database, which [`enroll`] checks at
//! their start; an older key still reads while it is replaced.
//!
//! Invariants: sealed bytes are bound to their organization, row and field: elsewhere they do not
//! open. Nonces are random (192 bits). Keys, texts and hashes are never shown.
//!
//! ```text
//! sealed bytes: version (1) | nonce (24) | XChaCha20-Poly1305 of the text, with its tag (16)
//! ```
//!
//! Deliberately absent: where keys come from (`recoup`), which texts are sealed; sealing again by a
//! new key what an older one has sealed.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domain::id::OrgId;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use store::Store;
use store::seal::Sealed;
use uuid::Uuid;

use crate::access::random;
use crate::error::Error;

/// Bytes of a key.
pub const KEY: usize = 32;
/// Bytes of a nonce.
const NONCE: usize = 24;
/// The first of the sealed bytes.
const VERSION: u8 = 1;
/// Bytes of a key's id: enough that two keys differ.
const KEY_ID: usize = 8;
/// How often the current key is looked at when other processes replace it at the same time.
const LOOKS: usize = 3;

/// Why a key is not accepted. The text is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key (its text is not repeated): expected {} hexadecimal digits", KEY * 2)]
pub struct KeyRefused;

/// Why a process may not seal in this database.
#[derive(Debug, thiserror::Error)]
pub enum EnrollRefused {
    /// Others seal with another key.
    #[error(
        "what is sealed in this database is sealed by the key {current}, and this process has \
         the key {ours}"
    )]
    OtherKey {
        /// The id of the key in use.
        current: String,
        /// The id of this process's key.
        ours: String,
    },
    /// The database refused or was away.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Where a sealed text belongs. Elsewhere it does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Whose it is.
    pub org: OrgId,
    /// The id of its row.
    pub row: Uuid,
    /// What it is: `iban`. Texts are compared within their kind.
    pub field: &'static str,
}

/// Seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct Seal(Arc<Keys>);

struct Keys {
    current: Key,
    old: Vec<Key>,
}

struct Key {
    id: String,
    cipher: XChaCha20Poly1305,
    /// The hash of keyed hashes, with its key.
    hash: Hmac<Sha256>,
}

impl Key {
    /// Keys of their own for each use, and an id, are made of the one that is given.
    fn new(secret: &[u8; KEY]) -> Self {
        let id = derived(secret, b"recoup key id");
        Self {
            id: hex(&id[..KEY_ID]),
            cipher: XChaCha20Poly1305::new(&derived(secret, b"recoup seal").into()),
            hash: keyed(&derived(secret, b"recoup fingerprint")),
        }
    }

    fn fingerprint(&self, org: OrgId, field: &str, text: &str) -> Vec<u8> {
        let mut mac = self.hash.clone();
        mac.update(org.0.as_bytes());
        mac.update(field.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }
}

impl Seal {
    /// Seals by one key of 64 hexadecimal digits, and still opens what older ones sealed.
    ///
    /// # Errors
    /// [`KeyRefused`].
    pub fn new(key: &SecretString, old: &[SecretString]) -> Result<Self, KeyRefused> {
        let read = |text: &SecretString| Ok(Key::new(&bytes(text.expose_secret())?));
        let old = old.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Keys { current: read(key)?, old })))
    }

    /// The id of its key, which says nothing about the key.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.0.current.id
    }

    /// Seals a text for its place.
    ///
    /// # Errors
    /// [`Error::Fault`] when the system has no random bytes.
    pub fn seal(&self, place: Place, text: &SecretString) -> Result<Sealed, Error> {
        let key = &self.0.current;
        let text = text.expose_secret();
        let nonce: [u8; NONCE] = random()?;
        let bound = bound(place);
        let payload = Payload { msg: text.as_bytes(), aad: &bound };
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| Error::fault("a text cannot be sealed"))?;
        Ok(Sealed {
            key_id: key.id.clone(),
            bytes: [&[VERSION], nonce.as_slice(), &sealed].concat(),
            fingerprint: key.fingerprint(place.org, place.field, text),
        })
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// [`Error::Fault`] when it was sealed for another place, by a key that is not known, or changed
    /// since.
    pub fn open(&self, place: Place, sealed: &Sealed) -> Result<SecretString, Error> {
        let key = self.keys().find(|key| key.id == sealed.key_id).ok_or_else(|| {
            let (id, ours) = (&sealed.key_id, self.key_id());
            Error::fault(format!("sealed by the key {id}, and this process has {ours}"))
        })?;
        let broken =
            || Error::fault(format!("the sealed {} of {} does not open", place.field, place.row));
        let (version, rest) = sealed.bytes.split_first().ok_or_else(broken)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or_else(broken)?;
        if *version != VERSION {
            return Err(broken());
        }
        let bound = bound(place);
        let payload = Payload { msg: text, aad: &bound };
        let text = key.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| broken())?;
        String::from_utf8(text).map(SecretString::from).map_err(|_| broken())
    }

    /// What a text is recognized by among those of its kind in its organization: one for every key
    /// by which it may have been sealed.
    #[must_use]
    pub fn fingerprints(&self, org: OrgId, field: &str, text: &SecretString) -> Vec<Vec<u8>> {
        self.keys().map(|key| key.fingerprint(org, field, text.expose_secret())).collect()
    }

    /// A keyed hash of bytes that may hold what is sealed, such as the content of a request.
    #[must_use]
    pub fn hash(&self, kind: &str, content: &[u8]) -> [u8; 32] {
        let mut mac = self.0.current.hash.clone();
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(content);
        mac.finalize().into_bytes().into()
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.0.current).chain(&self.0.old)
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Seal").field(&self.key_id()).finish()
    }
}

/// A fresh key, as it is given to [`Seal::new`].
///
/// # Errors
/// [`Error::Fault`] when the system has no random bytes.
pub fn fresh_key() -> Result<SecretString, Error> {
    Ok(SecretString::from(hex(&random::<KEY>()?)))
}

/// Checks that the key of this process is the one by which this database is sealed. The first
/// process's key becomes it; a new one takes its place when the process also has the old one.
///
/// # Errors
/// [`EnrollRefused`].
pub async fn enroll(store: &Store, seal: &Seal) -> Result<(), EnrollRefused> {
    let ours = seal.key_id();
    let mut seen = None;
    for _ in 0..LOOKS {
        let mut tx = store.begin_global().await?;
        let current = store::seal::current(&mut tx).await?;
        let known = seal.keys().any(|key| current.as_ref() == Some(&key.id));
        match current.as_deref() {
            Some(current) if current == ours => return Ok(()),
            Some(_) if !known => {
                seen = current;
                break;
            }
            replaced => store::seal::make_current(&mut tx, ours, replaced).await?,
        }
        tx.commit().await?;
        seen = current;
    }
    let (current, ours) = (seen.unwrap_or_default(), ours.to_owned());
    Err(EnrollRefused::OtherKey { current, ours })
}

/// What a sealed text is bound to.
fn bound(place: Place) -> Vec<u8> {
    [place.org.0.as_bytes(), place.row.as_bytes().as_slice(), place.field.as_bytes()].concat()
}

fn keyed(key: &[u8; KEY]) -> Hmac<Sha256> {
    // A key of the length of a block is taken as it is; it cannot be of a wrong length then.
    let mut block = [0; 64];
    block[..KEY].copy_from_slice(key);
    <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block.into())
}

fn derived(secret: &[u8; KEY], purpose: &[u8]) -> [u8; KEY] {
    let mut mac = keyed(secret);
    mac.update(purpose);
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(text: &str) -> Result<[u8; KEY], KeyRefused> {
    let text = text.trim();
    if text.len() != KEY * 2 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(KeyRefused);
    }
    let mut key = [0; KEY];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).map_err(|_| KeyRefused)?;
    }
    Ok(key)
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
