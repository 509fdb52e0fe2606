//! The transaction log of Delta tables on local disk, written and read here (Delta protocol, `_delta_log/N.json`).
//!
//! The engine writes rows; what it cannot do is done here: the first commit, changes of metadata, history, restore.

mod action;
mod branch;
mod clone;
mod clustering;
mod compact;
mod fault;
mod fill;
mod history;
mod log;
mod mapping;
mod repair;
mod restore;
mod slice;
mod stage;
mod statistics;
mod table;
mod vacuum;

pub(crate) use action::Metadata;
pub(crate) use branch::{Author, Squashed, apply, branch, bring, rebased, squash};
pub(crate) use clone::{Source, clone};
pub(crate) use clustering::{CLUSTERING, CLUSTERING_AUTO, cluster, cluster_auto, clustering, property};
pub(crate) use compact::{Compacted, Group, compact, groups, partitions};
pub(crate) use fault::DeltaError;
pub(crate) use fill::{Fill, fill, read_so_far, stage_like};
pub(crate) use history::{ChangedRows, Commit, changed_rows, history};
pub(crate) use log::Log;
pub(crate) use mapping::{MODE, assign, drop, is_on, maps_fields, rename};
pub(crate) use repair::repair;
pub(crate) use restore::{Detail, Restored, detail, restore};
pub(crate) use slice::{Slice, slice};
pub(crate) use stage::{FILE, Staged, stage, staged};
pub(crate) use table::{NewTable, alter, create, metadata_of, replace};
pub(crate) use vacuum::vacuum;
