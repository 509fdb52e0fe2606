//! The workspace as unmodified official clients see it.

mod gateway;
mod harness;
mod identity;
mod permissions;
mod secrets;
