//! What the commands mean: returns data, never prints.

pub(crate) mod parity;
