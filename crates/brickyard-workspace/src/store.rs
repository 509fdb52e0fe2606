use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Everything the workspace remembers, in one SQLite file (WAL, `synchronous=FULL`): a write that returned survives
/// `kill -9`.
///
/// Documents are JSON, addressed by kind and key. One family owns a kind; nobody else reads it.
#[derive(Clone)]
pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
}

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be opened or prepared.
    #[error("Cannot open the workspace state `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// SQLite's answer.
        source: rusqlite::Error,
    },
    /// A statement failed: disk full, file damaged.
    #[error("Cannot read or write the workspace state")]
    Statement(#[from] rusqlite::Error),
    /// A document does not have the shape this version expects.
    #[error("The workspace state holds a {kind} that this version cannot read")]
    Document {
        /// Kind of the document.
        kind: &'static str,
        /// The parser's answer.
        source: serde_json::Error,
    },
}

/// Version of the schema; raised together with a step in [`migrate`].
const SCHEMA_VERSION: i64 = 1;

/// A document on its way into the store.
pub(crate) struct Document {
    kind: &'static str,
    key: String,
    json: String,
}

impl Document {
    pub(crate) fn new<T: Serialize>(
        kind: &'static str,
        key: impl Into<String>,
        value: &T,
    ) -> Result<Self, StoreError> {
        let json = serde_json::to_string(value).map_err(|source| StoreError::Document { kind, source })?;
        Ok(Self { kind, key: key.into(), json })
    }

    fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        connection
            .prepare_cached("INSERT OR REPLACE INTO document (kind, key, json) VALUES (?1, ?2, ?3)")?
            .execute(params![self.kind, self.key, self.json])?;
        Ok(())
    }
}

impl Store {
    /// Opens or creates the file; `None` keeps everything in memory.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, StoreError> {
        let open = |path: Option<&Path>| -> Result<Connection, rusqlite::Error> {
            let connection = match path {
                Some(path) => Connection::open(path)?,
                None => Connection::open_in_memory()?,
            };
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            migrate(&connection)?;
            Ok(connection)
        };
        let connection = open(path).map_err(|source| StoreError::Open {
            path: path.map(Path::to_path_buf).unwrap_or_default(),
            source,
        })?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Reads one document.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        key: &str,
    ) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self
            .lock()
            .prepare_cached("SELECT json FROM document WHERE kind = ?1 AND key = ?2")?
            .query_row(params![kind, key], |row| row.get(0))
            .optional()?;
        text.map(|text| parse(kind, &text)).transpose()
    }

    /// The keys of every document of a kind.
    pub(crate) fn keys(&self, kind: &'static str) -> Result<Vec<String>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT key FROM document WHERE kind = ?1")?;
        let rows = statement.query_map(params![kind], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Reads every document of a kind whose key starts with `prefix`, ordered by key.
    pub(crate) fn list<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        prefix: &str,
    ) -> Result<Vec<(String, T)>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT key, json FROM document WHERE kind = ?1 AND substr(key, 1, length(?2)) = ?2 ORDER BY key",
        )?;
        let rows =
            statement.query_map(params![kind, prefix], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        rows.map(|row| {
            let (key, text) = row?;
            Ok((key, parse(kind, &text)?))
        })
        .collect()
    }

    /// Writes one document, replacing what was there.
    pub(crate) fn put<T: Serialize>(
        &self,
        kind: &'static str,
        key: &str,
        value: &T,
    ) -> Result<(), StoreError> {
        Document::new(kind, key, value)?.write(&self.lock())
    }

    /// Writes documents, replacing what was there: all of them or none, and nobody sees some without the others.
    pub(crate) fn put_all(&self, documents: &[Document]) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        for document in documents {
            document.write(&transaction)?;
        }
        Ok(transaction.commit()?)
    }

    /// Removes the documents of a kind whose keys come before `key`.
    pub(crate) fn delete_before(&self, kind: &'static str, key: &str) -> Result<(), StoreError> {
        self.lock()
            .prepare_cached("DELETE FROM document WHERE kind = ?1 AND key < ?2")?
            .execute(params![kind, key])?;
        Ok(())
    }

    /// Writes one document only where none was; `false` when there was one.
    pub(crate) fn insert<T: Serialize>(
        &self,
        kind: &'static str,
        key: &str,
        value: &T,
    ) -> Result<bool, StoreError> {
        let text = serde_json::to_string(value).map_err(|source| StoreError::Document { kind, source })?;
        let rows = self
            .lock()
            .prepare_cached("INSERT OR IGNORE INTO document (kind, key, json) VALUES (?1, ?2, ?3)")?
            .execute(params![kind, key, text])?;
        Ok(rows == 1)
    }

    /// Removes one document; `false` when there was none.
    pub(crate) fn delete(&self, kind: &'static str, key: &str) -> Result<bool, StoreError> {
        let rows = self
            .lock()
            .prepare_cached("DELETE FROM document WHERE kind = ?1 AND key = ?2")?
            .execute(params![kind, key])?;
        Ok(rows == 1)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?; // made with mode 0600
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn migrate(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS document (
            kind TEXT NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (kind, key)
        ) WITHOUT ROWID;",
    )?;
    connection.pragma_update(None, "user_version", SCHEMA_VERSION)
}

fn parse<T: DeserializeOwned>(kind: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|source| StoreError::Document { kind, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_survive_reopening() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.sqlite");
        let store = Store::open(Some(&path)).unwrap();
        store.put("app", "b", &1).unwrap();
        store.put("app", "a", &2).unwrap();
        assert!(!store.insert("app", "a", &3).unwrap());
        drop(store);
        let store = Store::open(Some(&path)).unwrap();
        assert_eq!(store.list::<i32>("app", "").unwrap(), [("a".to_owned(), 2), ("b".to_owned(), 1)]);
        assert!(store.delete("app", "a").unwrap());
        assert_eq!(store.get::<i32>("app", "a").unwrap(), None);
    }
}
