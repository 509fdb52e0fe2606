//! The rows of one index: in a SQLite file for good, in memory for searching.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params};
use serde_json::{Map, Value};

use super::nearest::Vectors;
use super::words::Words;
use crate::store::StoreError;

/// A primary key, in the order of a scan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Number(i64),
    Text(String),
}

/// A row on its way into the index.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) key: Key,
    /// Its columns without the vector.
    pub(super) document: Map<String, Value>,
    pub(super) vector: Vec<f32>,
}

/// Everything of an index that is searched.
#[derive(Debug, Default)]
pub(super) struct Rows {
    keys: BTreeMap<Key, usize>,
    order: Vec<Key>,
    documents: Vec<Map<String, Value>>,
    vectors: Vectors,
    words: Mutex<Option<Arc<Words>>>,
}

/// The file behind it.
pub(super) struct File {
    connection: Mutex<Connection>,
}

impl Key {
    /// The key in a row; texts and whole numbers can be keys.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Number(number) => {
                #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is small")]
                let whole =
                    |number: f64| (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
                number.as_i64().or_else(|| number.as_f64().and_then(whole)).map(Self::Number)
            }
            _ => None,
        }
    }

    /// The key as clients give it in a list of texts: a number where the index has numbers.
    pub(super) fn parse(text: &str, numbers: bool) -> Option<Self> {
        if numbers { text.parse().ok().map(Self::Number) } else { Some(Self::Text(text.to_owned())) }
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl File {
    /// Opens or makes the file and reads what it holds.
    pub(super) fn open(path: &Path, dimension: usize) -> Result<(Self, Rows), StoreError> {
        let failed = |source| StoreError::Open { path: path.to_path_buf(), source };
        let open = || -> Result<Connection, rusqlite::Error> {
            let connection = Connection::open(path)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.execute_batch(
                "CREATE TABLE IF NOT EXISTS row (
                    number INTEGER, text TEXT, document TEXT NOT NULL, vector BLOB NOT NULL
                );
                CREATE UNIQUE INDEX IF NOT EXISTS row_number ON row (number) WHERE number IS NOT NULL;
                CREATE UNIQUE INDEX IF NOT EXISTS row_text ON row (text) WHERE text IS NOT NULL;",
            )?;
            Ok(connection)
        };
        let connection = open().map_err(failed)?;
        let mut rows = Rows::new(dimension);
        {
            let mut statement = connection.prepare("SELECT number, text, document, vector FROM row")?;
            let mut found = statement.query([])?;
            while let Some(row) = found.next()? {
                let key = match (row.get::<_, Option<i64>>(0)?, row.get::<_, Option<String>>(1)?) {
                    (Some(number), _) => Key::Number(number),
                    (None, text) => Key::Text(text.unwrap_or_default()),
                };
                let document: String = row.get(2)?;
                let document = serde_json::from_str(&document)
                    .map_err(|source| StoreError::Document { kind: "vector_index", source })?;
                let bytes: Vec<u8> = row.get(3)?;
                let vector: Vec<f32> = bytes
                    .chunks_exact(4)
                    .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
                    .collect();
                rows.put(Row { key, document, vector });
            }
        }
        Ok((Self { connection: Mutex::new(connection) }, rows))
    }

    /// Writes and removes rows, all or nothing; with `replace` nothing else stays.
    pub(super) fn change(&self, put: &[Row], remove: &[Key], replace: bool) -> Result<(), StoreError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction()?;
        if replace {
            transaction.execute("DELETE FROM row", [])?;
        }
        {
            let mut by_number = transaction.prepare("DELETE FROM row WHERE number = ?1")?;
            let mut by_text = transaction.prepare("DELETE FROM row WHERE text = ?1")?;
            let mut delete = |key: &Key| match key {
                Key::Number(number) => by_number.execute([number]),
                Key::Text(text) => by_text.execute([text]),
            };
            let mut insert = transaction
                .prepare("INSERT INTO row (number, text, document, vector) VALUES (?1, ?2, ?3, ?4)")?;
            for key in remove {
                delete(key)?;
            }
            for row in put {
                delete(&row.key)?;
                let (number, text) = match &row.key {
                    Key::Number(number) => (Some(number), None),
                    Key::Text(text) => (None, Some(text)),
                };
                let document = serde_json::to_string(&row.document)
                    .map_err(|source| StoreError::Document { kind: "vector_index", source })?;
                let vector: Vec<u8> = row.vector.iter().flat_map(|number| number.to_le_bytes()).collect();
                insert.execute(params![number, text, document, vector])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

impl Rows {
    pub(super) fn new(dimension: usize) -> Self {
        Self { vectors: Vectors::new(dimension), ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn vectors(&self) -> &Vectors {
        &self.vectors
    }

    pub(super) fn document(&self, position: usize) -> &Map<String, Value> {
        &self.documents[position]
    }

    /// Positions in the order of their keys, after one.
    pub(super) fn after(&self, key: Option<&Key>) -> impl Iterator<Item = (&Key, usize)> {
        let from = key.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.keys.range((from, std::ops::Bound::Unbounded)).map(|(key, position)| (key, *position))
    }

    /// Whether the keys are numbers.
    pub(super) fn has_number_keys(&self) -> bool {
        matches!(self.order.first(), Some(Key::Number(_)))
    }

    /// Writes a row; one of the same key is replaced.
    pub(super) fn put(&mut self, row: Row) {
        self.forget_words();
        if let Some(position) = self.keys.get(&row.key) {
            self.documents[*position] = row.document;
            if self.vectors.dimension() > 0 {
                self.vectors.set(*position, &row.vector);
            }
            return;
        }
        self.keys.insert(row.key.clone(), self.order.len());
        self.order.push(row.key);
        self.documents.push(row.document);
        if self.vectors.dimension() > 0 {
            self.vectors.push(&row.vector);
        }
    }

    /// Removes a row; `false` where there is none of this key.
    pub(super) fn remove(&mut self, key: &Key) -> bool {
        let Some(position) = self.keys.remove(key) else { return false };
        self.forget_words();
        self.order.swap_remove(position);
        self.documents.swap_remove(position);
        if self.vectors.dimension() > 0 {
            self.vectors.swap_remove(position);
        }
        if let Some(moved) = self.order.get(position) {
            self.keys.insert(moved.clone(), position);
        }
        true
    }

    /// The words of some columns; those of all text columns are kept until a row changes.
    pub(super) fn words(&self, columns: &[String], all: bool) -> Arc<Words> {
        let make = || {
            let texts = self.documents.iter().map(|document| {
                columns.iter().filter_map(|column| document.get(column).and_then(Value::as_str)).collect()
            });
            Arc::new(Words::of(texts))
        };
        if !all {
            return make();
        }
        let mut kept = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(kept.get_or_insert_with(make))
    }

    fn forget_words(&mut self) {
        *self.words.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(key: i64, text: &str, vector: &[f32]) -> Row {
        let document = json!({ "id": key, "text": text }).as_object().unwrap().clone();
        Row { key: Key::Number(key), document, vector: vector.to_vec() }
    }

    #[test]
    fn rows_are_there_again_after_reopening() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("index.sqlite");
        let (file, _) = File::open(&path, 2).unwrap();
        let first = [row(1, "a", &[1.0, 0.0]), row(2, "b", &[0.0, 1.0]), row(3, "c", &[1.0, 1.0])];
        file.change(&first, &[], false).unwrap();
        file.change(&[row(2, "new", &[5.0, 5.0])], &[Key::Number(1)], false).unwrap();
        drop(file);
        let (file, mut rows) = File::open(&path, 2).unwrap();
        assert_eq!(rows.len(), 2);
        let nearest = rows.vectors().nearest(&[5.0, 4.0], 1, None);
        assert_eq!(rows.document(nearest[0].position)["text"], "new");
        assert!(rows.remove(&Key::Number(2)) && !rows.remove(&Key::Number(2)));
        let keys: Vec<String> = rows.after(None).map(|(key, _)| key.shown()).collect();
        assert_eq!(keys, ["3"]);
        file.change(&[row(9, "only", &[1.0, 2.0])], &[], true).unwrap();
        assert_eq!(File::open(&path, 2).unwrap().1.len(), 1);
    }
}
