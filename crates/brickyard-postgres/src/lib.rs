//! Lakebase's lower half: a supervised PostgreSQL server and the proxy that ends TLS and checks tokens before it.
//!
//! Nothing here knows of workspaces: who may log in is asked through [`Authenticator`], certificates, directories and
//! the moment to stop come in as values.

mod account;
mod backup;
mod client;
#[doc(hidden)]
pub mod fuzzing;
mod greeting;
mod half_open;
mod handshake;
mod history;
mod installation;
mod key;
mod launch;
mod login;
mod message;
mod outside;
mod place;
mod pooled;
mod proxy;
mod quote;
mod refusal;
mod relay;
mod scram;
mod server;
mod spare;
mod stale;
mod startup;
mod template;
mod tree;
mod trust;
mod upstream;
mod watch;

pub use account::{Account, AccountError};
pub use backup::BackupError;
pub use client::{Client, ClientError, CopyIn, Row};
pub use history::{Microseconds, Point, read_lsn};
pub use installation::{Installation, InstallationError, SUPPORTED, Source, SourceError, places};
pub use message::ServerMessage;
pub use outside::{Outside, OutsideError};
pub use place::PlaceError;
pub use proxy::{Admission, Authenticator, BoxFuture, Listener, Login, Password, Proxy, ProxyConfig, listen};
pub use quote::{identifier, literal};
pub use refusal::Refusal;
pub use scram::{verifier as scram_verifier, verify as verify_scram};
pub use server::{Server, ServerConfig, ServerError, ServerState};
pub use upstream::Upstream;
