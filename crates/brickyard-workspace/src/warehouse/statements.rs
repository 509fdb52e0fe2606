//! The Statement Execution API: sessions, statements, results inline or behind signed links.

mod chunk;
mod execute;
mod link;
mod session;
mod spool;

pub(super) use execute::{cancel, close, execute, get, get_chunk};
pub(super) use link::download;
pub(super) use session::{create_session, delete_session};
pub(super) use spool::Results;
