use nix::unistd::{Uid, User};

/// Unprivileged accounts the server runs under when we are root, best first.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// The account a server runs under when brickyard itself is root, since PostgreSQL refuses to be root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Name in the system's user database.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
}

/// Why no account was found.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Neither `postgres` nor `nobody` exists.
    #[error(
        "PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody` to run it as"
    )]
    Absent,
    /// The user database cannot be read.
    #[error("Cannot read the system's user database")]
    Database(#[from] nix::Error),
}

impl Account {
    /// The account to switch to: `None` when brickyard is not root and the server can run as the same user.
    pub fn needed() -> Result<Option<Self>, AccountError> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        for name in CANDIDATES {
            if let Some(user) = User::from_name(name)? {
                return Ok(Some(Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() }));
            }
        }
        Err(AccountError::Absent)
    }
}
