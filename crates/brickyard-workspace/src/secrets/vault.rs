use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::store::{Store, StoreError, write_private};

const SCOPE: &str = "secret_scope";
const SECRET: &str = "secret";
const KEY_LENGTH: usize = 32;

/// A secret value; it has no `Debug` or `Display`, so that no log can hold it.
pub(crate) struct Secret(Vec<u8>);

impl Secret {
    pub(crate) fn new(value: Vec<u8>) -> Self {
        Self(value)
    }

    /// The value itself.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The value as text, where it is text.
    pub(crate) fn expose_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

/// Secrets encrypted with AES-256-GCM under a key of this workspace, a file of mode 0600 beside the state.
pub(crate) struct Vault {
    key: LessSafeKey,
    store: Store,
}

/// Why secrets cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key file cannot be read or written.
    #[error("Cannot keep the key of the secrets in `{}`", path.display())]
    File {
        /// The key file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The key file has another length than 32 bytes.
    #[error("The key of the secrets in `{}` is damaged", path.display())]
    Key {
        /// The key file.
        path: PathBuf,
    },
    /// A value was changed, moved to another name, or encrypted with another key.
    #[error(
        "The secret `{scope}/{key}` cannot be decrypted: the key file is another one, or the state is damaged"
    )]
    Sealed {
        /// Scope of the secret.
        scope: String,
        /// Key of the secret.
        key: String,
    },
    /// The state file.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        Self::internal(&error)
    }
}

/// What is stored: nonce and ciphertext in base64.
#[derive(Serialize, Deserialize)]
struct Sealed {
    nonce: String,
    ciphertext: String,
    updated: i64,
}

impl Vault {
    /// Reads the key, or makes it.
    pub(crate) fn open(path: &Path, store: Store) -> Result<Self, VaultError> {
        let failed = |source| VaultError::File { path: path.to_path_buf(), source };
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let bytes = random::<KEY_LENGTH>().to_vec();
                write_private(path, &bytes).map_err(failed)?;
                bytes
            }
            Err(error) => return Err(failed(error)),
        };
        let key = UnboundKey::new(&AES_256_GCM, &bytes);
        let key = key.map_err(|_| VaultError::Key { path: path.to_path_buf() })?;
        Ok(Self { key: LessSafeKey::new(key), store })
    }

    /// Makes a scope; `false` when it was there.
    pub(crate) fn create_scope(&self, scope: &str) -> Result<bool, VaultError> {
        Ok(self.store.insert(SCOPE, scope, &true)?)
    }

    pub(crate) fn has_scope(&self, scope: &str) -> Result<bool, VaultError> {
        Ok(self.store.get::<bool>(SCOPE, scope)?.is_some())
    }

    pub(crate) fn scopes(&self) -> Result<Vec<String>, VaultError> {
        Ok(self.store.list::<bool>(SCOPE, "")?.into_iter().map(|(scope, _)| scope).collect())
    }

    /// Removes a scope with everything in it.
    pub(crate) fn delete_scope(&self, scope: &str) -> Result<(), VaultError> {
        for (key, _) in self.list(scope)? {
            self.store.delete(SECRET, &name(scope, &key))?;
        }
        self.store.delete(SCOPE, scope)?;
        Ok(())
    }

    pub(crate) fn put(&self, scope: &str, key: &str, secret: &Secret, now: i64) -> Result<(), VaultError> {
        let sealed_error = || VaultError::Sealed { scope: scope.to_owned(), key: key.to_owned() };
        let name = name(scope, key);
        // Random nonces are good for 2^32 values of one key, more than a workspace ever writes.
        let nonce = random::<NONCE_LEN>();
        let mut bytes = secret.0.clone();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(name.as_bytes()),
                &mut bytes,
            )
            .map_err(|_| sealed_error())?;
        let sealed =
            Sealed { nonce: STANDARD.encode(nonce), ciphertext: STANDARD.encode(bytes), updated: now };
        Ok(self.store.put(SECRET, &name, &sealed)?)
    }

    pub(crate) fn get(&self, scope: &str, key: &str) -> Result<Option<Secret>, VaultError> {
        let name = name(scope, key);
        let Some(sealed) = self.store.get::<Sealed>(SECRET, &name)? else { return Ok(None) };
        let open = || {
            let nonce = Nonce::try_assume_unique_for_key(&STANDARD.decode(&sealed.nonce).ok()?).ok()?;
            let mut bytes = STANDARD.decode(&sealed.ciphertext).ok()?;
            let length = self.key.open_in_place(nonce, Aad::from(name.as_bytes()), &mut bytes).ok()?.len();
            bytes.truncate(length);
            Some(Secret(bytes))
        };
        let secret = open();
        secret.map(Some).ok_or_else(|| VaultError::Sealed { scope: scope.to_owned(), key: key.to_owned() })
    }

    /// Keys of a scope and when each was last written, in milliseconds since the epoch.
    pub(crate) fn list(&self, scope: &str) -> Result<Vec<(String, i64)>, VaultError> {
        let prefix = name(scope, "");
        let found = self.store.list::<Sealed>(SECRET, &prefix)?;
        Ok(found
            .into_iter()
            .map(|(name, sealed)| (name[prefix.len()..].to_owned(), sealed.updated))
            .collect())
    }

    pub(crate) fn delete(&self, scope: &str, key: &str) -> Result<bool, VaultError> {
        Ok(self.store.delete(SECRET, &name(scope, key))?)
    }
}

/// Names may hold slashes, so a character that they cannot hold stands between scope and key.
fn name(scope: &str, key: &str) -> String {
    format!("{scope}:{key}")
}

fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    SystemRandom::new().fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_unreadable_at_rest_and_bound_to_their_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let store = Store::open(None).unwrap();
        let vault = Vault::open(&path, store.clone()).unwrap();
        vault.put("s", "k", &Secret::new(b"tell nobody".to_vec()), 1).unwrap();
        let reopened = Vault::open(&path, store.clone()).unwrap();
        assert_eq!(reopened.get("s", "k").unwrap().unwrap().expose(), b"tell nobody");

        let sealed: serde_json::Value = store.get(SECRET, "s:k").unwrap().unwrap();
        assert!(!sealed.to_string().contains("tell nobody"));
        store.put(SECRET, "s:other", &sealed).unwrap();
        assert!(matches!(vault.get("s", "other"), Err(VaultError::Sealed { .. })));
        let stranger = Vault::open(&directory.path().join("key2"), store).unwrap();
        assert!(matches!(stranger.get("s", "k"), Err(VaultError::Sealed { .. })));
    }

    #[test]
    fn a_damaged_key_file_is_an_error_and_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, "short").unwrap();
        let opened = Vault::open(&path, Store::open(None).unwrap());
        assert!(matches!(opened, Err(VaultError::Key { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "short");
    }
}
