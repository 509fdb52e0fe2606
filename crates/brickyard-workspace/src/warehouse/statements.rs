//! The Statement Execution API: sessions, statements, results inline or behind signed links.

mod chunk;
mod execute;
mod kept;
mod session;

pub(super) use execute::{cancel, close, execute, get, get_chunk};
pub(super) use kept::Results;
pub(super) use session::{create_session, delete_session};
