//! The Files API over volumes: real folders below the state directory, reached by `/Volumes/CATALOG/SCHEMA/VOLUME/…`.

mod directory;
mod download;
mod multipart;
mod path;
mod presigned;
mod upload;
mod volume;

use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, head, post, put};

pub(crate) use path::{FilePath, Root};
pub(crate) use presigned::Operation;

use crate::endpoint::{Family, Fidelity};

/// Largest file of one upload, in bytes, as on the platform.
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;

/// The Files API.
pub(crate) fn family() -> Family {
    let (full, witness) = (Fidelity::Full, Some("files::the_sdk_moves_files_through_a_volume"));
    let large = Some("files::large_files_go_in_parts_and_by_signed_urls");
    let broken = Some("files::an_upload_that_breaks_leaves_nothing");
    let mlflow = Some("mlflow_models::the_preinstalled_client_keeps_models_in_unity_catalog");
    let file = "/api/2.0/fs/files/{*path}";
    let folder = "/api/2.0/fs/directories/{*path}";
    let storage = "/storage/{*path}";
    let unlimited = DefaultBodyLimit::disable;
    let ours = Fidelity::Partial("Signed addresses point to the workspace itself, not to a cloud's storage.");
    Family::new("Files")
        .endpoint("GET", file, get(download::file), full, witness)
        .endpoint("HEAD", file, head(download::metadata), full, witness)
        .endpoint("PUT", file, put(upload::file).layer(unlimited()), full, witness)
        .endpoint("DELETE", file, delete(directory::delete_file), full, witness)
        .endpoint("POST", file, post(multipart::act), full, large)
        .endpoint("GET", folder, get(directory::list), full, witness)
        .endpoint("HEAD", folder, head(directory::metadata), full, witness)
        .endpoint("PUT", folder, put(directory::create), full, witness)
        .endpoint("DELETE", folder, delete(directory::delete_directory), full, witness)
        .endpoint("POST", "/api/2.0/fs/create-download-url", post(presigned::create_download), ours, large)
        .endpoint("POST", "/api/2.0/fs/create-upload-url", post(presigned::create_upload), ours, mlflow)
        .endpoint(
            "POST",
            "/api/2.0/fs/create-upload-part-urls",
            post(multipart::create_part_urls),
            ours,
            large,
        )
        .endpoint(
            "POST",
            "/api/2.0/fs/create-abort-upload-url",
            post(multipart::create_abort_url),
            ours,
            broken,
        )
        .endpoint("GET", storage, get(presigned::download), ours, large)
        .endpoint("PUT", storage, put(presigned::upload).layer(unlimited()), ours, large)
        .endpoint("DELETE", storage, delete(presigned::remove), ours, broken)
}
