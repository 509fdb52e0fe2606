//! Tests of the whole crate, in one binary.

mod mutations;
mod new;
mod rules;
