use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use super::{Server, ServerError};

impl Server {
    /// Puts a file beside the data, where functions of the server can read it (`pg_read_file`); nothing where there is no
    /// data yet, or the server is not ours.
    pub fn note(&self, name: &str, content: &str) -> Result<(), ServerError> {
        if self.inner.config.outside.is_some() || !self.exists() {
            return Ok(());
        }
        let data = self.data()?;
        let fresh = data.join(format!("{name}.new"));
        // The server may run as another user, who alone comes into its directory.
        let written = std::fs::write(&fresh, content)
            .and_then(|()| std::fs::set_permissions(&fresh, Permissions::from_mode(0o644)))
            .and_then(|()| std::fs::rename(&fresh, data.join(name)));
        written.map_err(|source| ServerError::Data { path: data, source })
    }
}
