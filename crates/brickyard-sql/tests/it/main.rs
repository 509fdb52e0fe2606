//! Tests of the dialect through its public functions.

mod corpus;
