//! Vector search: endpoints, indexes that clients write or that follow a Delta table, and exact search over them.
//!
//! An index is a table of Unity Catalog, so its name is granted and bound as one; its rows lie in a file of their own and
//! in memory. Scores are the platform's: 1 / (1 + distance²).

mod describe;
mod embed;
mod endpoints;
mod facets;
mod filter;
mod indexes;
mod nearest;
mod pages;
mod query;
mod record;
mod rows;
mod sync;
mod words;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, patch, post};

pub(crate) use query::{Ask, search};

use crate::endpoint::{Family, Fidelity};
use crate::error::ApiError;
use crate::workspace::Workspace;
use record::IndexRecord;
use rows::{File, Rows};

/// Largest request, in bytes: the platform takes 10 MB of rows at once.
const LARGEST_REQUEST: usize = 16 * 1024 * 1024;

/// The indexes that are open.
#[derive(Default)]
pub(crate) struct VectorSearch {
    open: Mutex<HashMap<String, Arc<Index>>>,
}

/// An open index.
struct Index {
    file: File,
    rows: RwLock<Rows>,
    /// Held by whoever changes rows, so that file and memory see changes in one order.
    changing: tokio::sync::Mutex<()>,
}

impl Index {
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Rows> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Rows> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workspace {
    /// The index of a record, opened when it is first needed; blocks while its file is read.
    fn open_index(&self, record: &IndexRecord) -> Result<Arc<Index>, ApiError> {
        let mut open = self.vector_search().open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = open.get(&record.id) {
            return Ok(Arc::clone(index));
        }
        let directory = self.config().state_directory.join("vector-search");
        std::fs::create_dir_all(&directory).map_err(|error| ApiError::internal(&error))?;
        let dimension = record.vector.as_ref().map_or(0, |vector| vector.dimension);
        let path = directory.join(format!("{}.sqlite", record.id));
        let (file, rows) = File::open(&path, dimension).map_err(|error| ApiError::internal(&error))?;
        let index = Arc::new(Index { file, rows: RwLock::new(rows), changing: tokio::sync::Mutex::new(()) });
        open.insert(record.id.clone(), Arc::clone(&index));
        Ok(index)
    }

    /// Forgets an index with its file.
    fn close_index(&self, record: &IndexRecord) {
        self.vector_search().open.lock().unwrap_or_else(PoisonError::into_inner).remove(&record.id);
        let directory = self.config().state_directory.join("vector-search");
        for suffix in ["sqlite", "sqlite-wal", "sqlite-shm"] {
            let _ = std::fs::remove_file(directory.join(format!("{}.{suffix}", record.id)));
        }
    }
}

/// The endpoints of this family.
pub(crate) fn family() -> Family {
    let full = Fidelity::Full;
    let direct = Some("vector_search::the_client_writes_and_searches");
    let delta = Some("vector_search::an_index_follows_its_table");
    let sdk = Some("vector_search::the_sdk_queries_and_scans");
    let asking = Fidelity::Partial("Search is exact; facets count all rows that match, rerankers are a 501.");
    let making = Fidelity::Partial("Writing embeddings back to a table is a 501.");
    let limit = || DefaultBodyLimit::max(LARGEST_REQUEST);
    Family::new("Vector search")
        .endpoint("GET", "/api/2.0/vector-search/endpoints", get(endpoints::list), full, direct)
        .endpoint("POST", "/api/2.0/vector-search/endpoints", post(endpoints::create), full, direct)
        .endpoint("GET", "/api/2.0/vector-search/endpoints/{name}", get(endpoints::show), full, direct)
        .endpoint("PATCH", "/api/2.0/vector-search/endpoints/{name}", patch(endpoints::update), full, sdk)
        .endpoint(
            "DELETE",
            "/api/2.0/vector-search/endpoints/{name}",
            delete(endpoints::remove),
            full,
            direct,
        )
        .endpoint("POST", "/api/2.0/vector-search/endpoints/{name}/stop", post(endpoints::stop), full, sdk)
        .endpoint("POST", "/api/2.0/vector-search/endpoints/{name}/start", post(endpoints::start), full, sdk)
        .endpoint(
            "PATCH",
            "/api/2.0/vector-search/endpoints/{name}/budget-policy",
            patch(endpoints::set_policy),
            full,
            sdk,
        )
        .endpoint(
            "PATCH",
            "/api/2.0/vector-search/endpoints/{name}/tags",
            patch(endpoints::set_tags),
            full,
            sdk,
        )
        .endpoint(
            "GET",
            "/api/2.0/vector-search/endpoints/{name}/indexes",
            get(indexes::list_of),
            full,
            direct,
        )
        .endpoint(
            "POST",
            "/api/2.0/vector-search/endpoints/{name}/indexes",
            post(indexes::create_on),
            making,
            direct,
        )
        .endpoint(
            "GET",
            "/api/2.0/vector-search/endpoints/{name}/indexes/{index}",
            get(indexes::show_on),
            full,
            direct,
        )
        .endpoint(
            "DELETE",
            "/api/2.0/vector-search/endpoints/{name}/indexes/{index}",
            delete(indexes::remove_on),
            full,
            direct,
        )
        .endpoint("GET", "/api/2.0/vector-search/indexes", get(indexes::list), full, sdk)
        .endpoint("POST", "/api/2.0/vector-search/indexes", post(indexes::create), making, sdk)
        .endpoint("GET", "/api/2.0/vector-search/indexes/{index}", get(indexes::show), full, direct)
        .endpoint("DELETE", "/api/2.0/vector-search/indexes/{index}", delete(indexes::remove), full, sdk)
        .endpoint("POST", "/api/2.0/vector-search/indexes/{index}/sync", post(sync::request), full, delta)
        .endpoint(
            "POST",
            "/api/2.0/vector-search/indexes/{index}/upsert-data",
            post(write::upsert).layer(limit()),
            full,
            direct,
        )
        .endpoint(
            "DELETE",
            "/api/2.0/vector-search/indexes/{index}/delete-data",
            delete(write::remove),
            full,
            direct,
        )
        .endpoint("GET", "/api/2.0/vector-search/indexes/{index}/scan", get(write::scan), full, direct)
        .endpoint("POST", "/api/2.0/vector-search/indexes/{index}/scan", post(write::scan), full, sdk)
        .endpoint("GET", "/api/2.0/vector-search/indexes/{index}/query", get(pages::ask), asking, direct)
        .endpoint("POST", "/api/2.0/vector-search/indexes/{index}/query", post(pages::ask), asking, sdk)
        .endpoint(
            "GET",
            "/api/2.0/vector-search/indexes/{index}/query-next-page",
            get(pages::next),
            full,
            direct,
        )
        .endpoint(
            "POST",
            "/api/2.0/vector-search/indexes/{index}/query-next-page",
            post(pages::next),
            full,
            sdk,
        )
}
