//! Rows on their way from the engine to a client: types, texts, Arrow messages.

pub(crate) mod arrow;
mod convert;
pub(crate) mod copy;
pub(crate) mod file;
pub(crate) mod ipc;
mod nested;
pub(crate) mod sql_type;
pub(crate) mod text;
pub(crate) mod variant;
