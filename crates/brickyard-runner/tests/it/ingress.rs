//! The front door, with a real app behind it and real clients before it.

pub(crate) mod authority;
pub(crate) mod door;
mod login;
mod proxying;
mod spoofing;
