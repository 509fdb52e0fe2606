//! Unity Catalog: the one truth about catalogs, schemas, tables, views, volumes, functions and grants.
//!
//! REST (`rest`), SQL commands and the engine's own lookups (`engine_api`) all come here, and every function that takes a
//! [`Caller`] refuses what the caller has no grant for. Records live in the workspace's state, the columns of Delta
//! tables in their logs.

mod access;
mod branches;
mod catalogs;
mod column;
mod connections;
mod data_type;
mod delta;
mod engine_api;
mod fault;
mod foreign;
mod functions;
mod grants;
mod information_schema;
mod initial;
mod kind;
mod like;
mod location;
mod models;
mod name;
mod privilege;
pub(crate) mod record;
mod rest;
mod samples;
mod schemas;
mod slots;
mod tables;
#[cfg(test)]
mod tests;
mod volumes;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use access::Identity;
pub(crate) use branches::Branch;
pub(crate) use column::Column;
pub(crate) use connections::NewConnection;
pub(crate) use data_type::DataType;
pub(crate) use delta::{ChangedRows, Compacted, FILE, Group, Metadata};
pub(crate) use engine_api::engine_router;
pub(crate) use fault::CatalogError;
pub(crate) use foreign::ForeignTable;
pub(crate) use functions::NewFunction;
pub(crate) use grants::{Assignment, GrantChange};
pub(crate) use kind::Kind;
pub(crate) use like::like;
pub(crate) use name::{quote, split};
pub(crate) use privilege::Privilege;
pub(crate) use record::{
    Constraint, ModelRecord, Parameter, Policy, Schedule, SchemaRecord, TableRecord, TableType, Upkeep,
};
pub(crate) use rest::family;
pub(crate) use schemas::Change;
pub(crate) use slots::{CatalogSlots, Delegation, SlotLease};
pub(crate) use tables::{CloneOf, Definition, NewTable, TableChange};
pub(crate) use volumes::NewVolume;

use crate::clock::Clock;
use crate::directory::Directory;
use crate::store::{Store, StoreError};

/// Name of the catalog that is the workspace's own.
pub(crate) const WORKSPACE_CATALOG: &str = "workspace";

/// The catalog of a workspace. Clones see the same state.
#[derive(Clone)]
pub(crate) struct Catalog {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    directory: Directory,
    clock: Clock,
    /// Below it lie `tables/` and `volumes/`.
    state: PathBuf,
    /// Who owns what is there from the start: the developer.
    owner: String,
    slots: CatalogSlots,
    /// Held while a record is changed in several steps.
    changing: Mutex<()>,
    samples: samples::Samples,
    location: location::EngineLocation,
}

/// Why the catalog cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum CatalogOpenError {
    /// The state file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The link by which the engine reaches the tables.
    #[error("Cannot make a link to the state directory")]
    Link(#[from] std::io::Error),
    /// A commit of several tables that a crash left undone.
    #[error("Cannot bring a commit of several tables to its end: {0}")]
    Commit(String),
}

impl Catalog {
    /// Opens the catalog, making what every workspace has.
    pub(crate) fn open(
        store: Store,
        directory: Directory,
        clock: Clock,
        state: &Path,
        owner: &str,
    ) -> Result<Self, CatalogOpenError> {
        let catalog = Self {
            inner: Arc::new(Inner {
                store,
                directory,
                clock,
                state: state.to_path_buf(),
                owner: owner.to_owned(),
                slots: CatalogSlots::new(),
                changing: Mutex::new(()),
                samples: samples::Samples::default(),
                location: location::EngineLocation::new(state)?,
            }),
        };
        catalog.recover_branches()?;
        catalog.make_initial()?;
        Ok(catalog)
    }

    /// A directory below the state directory under a name that the engine understands.
    pub(crate) fn engine_path(&self, path: &Path) -> Result<PathBuf, CatalogError> {
        self.inner.location.of(path)
    }

    /// The engine's slots, which tell whose session looks a table up.
    pub(crate) fn slots(&self) -> &CatalogSlots {
        &self.inner.slots
    }

    fn store(&self) -> &Store {
        &self.inner.store
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.inner.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        self.inner.clock.unix_milliseconds()
    }
}
