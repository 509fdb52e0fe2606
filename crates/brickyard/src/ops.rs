//! What the commands mean: returns data, never prints.

pub(crate) mod app_environment;
pub(crate) mod apps;
pub(crate) mod bundle;
pub(crate) mod check;
pub(crate) mod deploy;
pub(crate) mod doctor;
pub(crate) mod environment;
pub(crate) mod exec;
pub(crate) mod local;
pub(crate) mod login;
pub(crate) mod logs;
pub(crate) mod new;
pub(crate) mod parity;
pub(crate) mod provision;
pub(crate) mod psql;
pub(crate) mod reset;
pub(crate) mod resources;
pub(crate) mod run;
pub(crate) mod running;
pub(crate) mod seed;
pub(crate) mod service;
pub(crate) mod serving;
pub(crate) mod session;
pub(crate) mod sql;
pub(crate) mod target;
pub(crate) mod warehouse_seed;
