//! Rewriting to what the engine runs: one walk resolves names and types and collects edits, then the text is rendered once.

mod arithmetic;
mod call_forms;
mod call_types;
mod calls;
mod casts;
mod changes;
mod coercions;
mod columns;
mod edge_calls;
mod edits;
mod expressions;
mod generators;
mod grouping;
mod guards;
mod json_calls;
mod lambdas;
mod merges;
mod moment_calls;
mod naming;
mod numbers;
mod outside;
mod pipes;
mod pivots;
mod planner;
mod relations;
mod renamed_calls;
mod routines;
mod rows;
mod samples;
mod scope;
mod selects;
mod table_functions;
mod zones;

pub(crate) use pipes::without_pipes;
pub(crate) use planner::{Env, Planner};
