use std::io::ErrorKind;
use std::path::PathBuf;

use super::path::VolumePath;
use crate::authorize::Wish;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::handle::WorkspaceHandle;
use crate::workspace::Workspace;

impl Workspace {
    /// Folder that holds the files of all managed volumes, as `CATALOG/SCHEMA/VOLUME`.
    pub(crate) fn volumes_directory(&self) -> PathBuf {
        self.config().state_directory.join("volumes")
    }

    /// Folder for half-written files, on the same file system as the volumes.
    pub(super) fn uploads_directory(&self) -> PathBuf {
        self.config().state_directory.join("uploads")
    }

    /// Folder of a volume by its full name, whether the volume exists or not.
    pub(crate) fn volume_directory(&self, full_name: &str) -> PathBuf {
        self.volumes_directory().join(full_name.to_lowercase().replace('.', "/"))
    }

    /// Makes the folder of a new volume.
    pub(crate) fn create_volume_directory(&self, full_name: &str) -> Result<(), ApiError> {
        std::fs::create_dir_all(self.volume_directory(full_name)).map_err(|error| ApiError::internal(&error))
    }

    /// Removes the folder of a dropped volume with everything in it.
    pub(crate) fn remove_volume_directory(&self, full_name: &str) -> Result<(), ApiError> {
        match std::fs::remove_dir_all(self.volume_directory(full_name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(ApiError::internal(&error)),
            _ => Ok(()),
        }
    }

    /// The place of a path whose volume exists and lets the caller read or write.
    pub(crate) fn file_place(
        &self,
        caller: &Caller,
        path: &VolumePath,
        privilege: &'static str,
    ) -> Result<PathBuf, ApiError> {
        let root = self.volume_directory(&path.volume);
        if !root.is_dir() {
            return Err(ApiError::not_found("Volume", &path.volume));
        }
        self.authorize(caller, Wish::Securable { kind: "VOLUME", full_name: &path.volume, privilege })?;
        path.below(&root)
    }

    /// The place of a path that a signed address allows.
    pub(super) fn signed_place(&self, path: &VolumePath) -> Result<PathBuf, ApiError> {
        path.below(&self.volume_directory(&path.volume))
    }
}

impl WorkspaceHandle {
    /// Makes the folder of a volume, `CATALOG.SCHEMA.VOLUME`; one that is there is no error.
    pub fn create_volume_directory(&self, full_name: &str) -> Result<(), ApiError> {
        VolumePath::parse(&format!("/Volumes/{}", full_name.replace('.', "/")))?;
        self.workspace().create_volume_directory(full_name)
    }
}
