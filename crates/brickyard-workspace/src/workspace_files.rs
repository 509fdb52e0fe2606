//! Workspace files: folders, files and notebooks, as the SDK's `workspace` API, the official CLI's sync and bundles use
//! them (facts: platform §9.1, wire §5).
//!
//! Files lie as plain files below the state directory. A notebook is a file with a note in the store that says so: under
//! its name an app finds no `.py` file, which is the trap the platform sets too.

mod access;
mod export;
mod import;
mod jupyter;
mod landing;
mod object;
mod path;
mod stat;
mod tree;

use axum::routing::{get, post};

use crate::endpoint::{Family, Fidelity};

pub(crate) use path::ObjectPath;
pub(crate) use tree::{FileTree, Object};

/// The endpoints of this family.
pub(crate) fn family() -> Family {
    let full = Fidelity::Full;
    Family::new("Workspace files")
        .endpoint(
            "POST",
            "/api/2.0/workspace/mkdirs",
            post(object::make_directories),
            full,
            Some("workspace_files::the_sdk_uploads_lists_and_deletes"),
        )
        .endpoint(
            "GET",
            "/api/2.0/workspace/get-status",
            get(object::status),
            full,
            Some("workspace_files::the_sdk_uploads_lists_and_deletes"),
        )
        .endpoint(
            "GET",
            "/api/2.0/workspace/list",
            get(object::list),
            full,
            Some("workspace_files::the_sdk_uploads_lists_and_deletes"),
        )
        .endpoint(
            "POST",
            "/api/2.0/workspace/delete",
            post(object::delete),
            full,
            Some("workspace_files::the_sdk_uploads_lists_and_deletes"),
        )
        .endpoint(
            "POST",
            "/api/2.0/workspace/import",
            post(import::import),
            Fidelity::Partial("formats SOURCE, JUPYTER, AUTO and RAW; DBC and R_MARKDOWN answer 501"),
            Some("workspace_files::the_sdk_uploads_lists_and_deletes"),
        )
        .endpoint(
            "GET",
            "/api/2.0/workspace/export",
            get(export::export),
            Fidelity::Partial("formats SOURCE, JUPYTER, HTML (the text of the cells) and AUTO; DBC, and so whole folders, answers 501"),
            Some("workspace_files::notebooks_go_and_come_as_jupyter_has_them"),
        )
        .endpoint(
            "POST",
            "/api/2.0/workspace-files/import-file/{*path}",
            post(import::import_file),
            full,
            Some("workspace_files::files_come_as_the_cli_sends_them"),
        )
}
