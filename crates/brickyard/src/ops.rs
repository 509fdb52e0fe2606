//! What the commands mean: returns data, never prints.

pub(crate) mod app_environment;
pub(crate) mod parity;
pub(crate) mod resources;
