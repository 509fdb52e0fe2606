//! The workspace as unmodified official clients see it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attacks;
mod battery;
mod connections;
mod denials;
mod directory;
mod files;
mod functions;
mod fuzzing;
mod gateway;
mod genie;
mod harness;
mod identity;
mod job_control;
mod job_dbt;
mod job_tasks;
mod jobs;
mod lab;
mod lakebase;
mod lakebase_attacks;
mod lakebase_outside;
mod lakebase_roles;
mod lakebase_snapshots;
mod lakebase_sql_roles;
mod lakeview;
mod lakeview_sign_in;
mod levels;
mod malformed;
mod mcp;
mod mlflow;
mod mlflow_models;
mod mlflow_traces;
mod permissions;
mod python_functions;
mod secrets;
mod serving;
mod serving_limits;
mod serving_streams;
mod sessions;
mod spark;
mod synced_tables;
mod unity_catalog;
mod vector_search;
mod warehouse;
mod workspace_files;
