//! The Apps runtime: everything between an app's folder and its URL.
//!
//! [`tools`] finds or fetches `uv`, Python and Node; [`environment`] builds the app's Python environment; [`warden`] is the
//! small process that guards a child so that it never outlives us; [`supervisor`] runs the app under it; [`logs`] keeps
//! what it says; [`network`] gives an app a network of its own; [`ingress`] puts the platform's front door before it. Nothing here knows the local workspace: it gets
//! plain values and one trait, [`ingress::Authority`].

pub mod environment;
pub mod ingress;
pub mod logs;
pub mod network;
pub mod supervisor;
pub mod tools;
pub mod warden;

use std::sync::Arc;
use std::time::SystemTime;

/// The clock that is passed in, so that tests and users move it.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;
