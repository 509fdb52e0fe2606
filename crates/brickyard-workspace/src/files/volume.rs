use std::path::PathBuf;

use super::path::{FilePath, Root};
use crate::authorize::Wish;
use crate::caller::Caller;
use crate::catalog::{CatalogError, NewVolume};
use crate::error::ApiError;
use crate::handle::WorkspaceHandle;
use crate::workspace::Workspace;

impl Workspace {
    /// Folder for half-written files, on the same file system as the volumes.
    pub(super) fn uploads_directory(&self) -> PathBuf {
        self.config().state_directory.join("uploads")
    }

    /// The place of a path whose volume exists and lets the caller read or write.
    pub(crate) fn file_place(
        &self,
        caller: &Caller,
        path: &FilePath,
        privilege: &'static str,
    ) -> Result<PathBuf, ApiError> {
        match &path.root {
            Root::Volume(full_name) => {
                self.authorize(caller, Wish::Securable { kind: "VOLUME", full_name, privilege })?;
            }
            Root::Experiment(id) => {
                let level = if privilege == "READ_VOLUME" { "CAN_READ" } else { "CAN_EDIT" };
                self.authorize_experiment(caller, id, level)?;
            }
            Root::Model { name, version } => {
                let write = privilege != "READ_VOLUME";
                self.authorize_model_files(caller, name, version, write)?;
            }
        }
        self.signed_place(path)
    }

    /// The place of a path that a signed address allows.
    pub(crate) fn signed_place(&self, path: &FilePath) -> Result<PathBuf, ApiError> {
        let models = || self.config().state_directory.join("mlflow");
        let root = match &path.root {
            Root::Volume(name) => self.catalog().volume_record(name)?.location,
            Root::Experiment(id) => models().join("experiments").join(id),
            Root::Model { name, version } => models().join("models").join(name).join(version),
        };
        path.below(&root)
    }
}

impl WorkspaceHandle {
    /// Makes a managed volume, `CATALOG.SCHEMA.VOLUME`, that belongs to the developer, and gives its folder; one that is
    /// there is no error.
    pub fn create_volume(&self, full_name: &str) -> Result<PathBuf, ApiError> {
        FilePath::parse(&format!("/Volumes/{}", full_name.replace('.', "/")))?;
        let catalog = self.workspace().catalog();
        let developer = self.workspace().config().users.first().map_or("admins", |user| &user.user_name);
        let volume = NewVolume { full_name: full_name.to_owned(), ..NewVolume::default() };
        match catalog.create_volume(&catalog.identity(developer)?, &volume) {
            Ok(volume) => Ok(volume.location),
            Err(CatalogError::AlreadyExists { .. }) => Ok(catalog.volume_record(full_name)?.location),
            Err(error) => Err(error.into()),
        }
    }
}
