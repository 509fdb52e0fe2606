//! The workspace as unmodified official clients see it.

mod files;
mod gateway;
mod harness;
mod identity;
mod permissions;
mod secrets;
mod warehouse;
