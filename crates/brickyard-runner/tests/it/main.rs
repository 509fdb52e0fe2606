//! Real processes, real environments, real clients.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it has to be")]

mod environment;
mod fuzzing;
mod ingress;
mod logz;
mod rig;
mod supervisor;
mod warden;
