//! The Statement Execution API: sessions, statements, results inline or behind signed links.

mod answer;
mod chunk;
mod execute;
mod kept;
mod request;
mod session;

pub(super) use answer::show;
pub(crate) use execute::{answer_for, run_for};
pub(super) use execute::{cancel, close, close_in, execute, execute_in, get, get_chunk, get_in};
pub(super) use kept::{Kept, Results, Wish};
pub(super) use session::{create_session, create_session_on, delete_session, delete_session_on, open};
