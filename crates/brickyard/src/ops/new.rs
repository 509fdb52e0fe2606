use std::path::{Path, PathBuf};

use brickyard_project::new::{NewError, Request, create};

use crate::failure::Failure;

/// Makes the app in a folder that does not exist or is empty; returns its files.
pub(crate) fn new(directory: &Path, request: &Request) -> Result<Vec<PathBuf>, Failure> {
    create(directory, request).map_err(|error| match &error {
        NewError::Name(_) => {
            let near = brickyard_project::project::valid_name(&request.name);
            Failure::user(error.to_string()).hint(format!("use `{near}`"))
        }
        NewError::Exists { .. } => {
            Failure::user(error.to_string()).hint("choose another name, or another folder with `--directory`")
        }
        NewError::Write { source, .. } => {
            let cause = source.to_string();
            Failure::machine(error.to_string())
                .because(cause)
                .hint("name a folder you may write with `--directory`, and make room where the disk is full")
        }
    })
}
