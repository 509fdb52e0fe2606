//! The transaction log of Delta tables on local disk, written and read here (Delta protocol, `_delta_log/N.json`).
//!
//! The engine writes rows; what it cannot do is done here: the first commit, changes of metadata, history, restore.

mod action;
mod fault;
mod history;
mod log;
mod restore;
mod table;
mod vacuum;

pub(crate) use action::Metadata;
pub(crate) use fault::DeltaError;
pub(crate) use history::{Commit, affected_rows, history};
pub(crate) use log::Log;
pub(crate) use restore::{Detail, Restored, detail, restore};
pub(crate) use table::{NewTable, alter, create, replace};
pub(crate) use vacuum::vacuum;
