//! Families of the platform that the local workspace does not have: each answers 501 and names itself.

use axum::extract::OriginalUri;
use axum::routing::any;

use crate::caller::Caller;
use crate::endpoint::{Family, Fidelity};
use crate::error::ApiError;

const ABSENT: Fidelity = Fidelity::Partial("Absent: answers 501 NOT_IMPLEMENTED.");

const PATHS: [(&str, &str); 1] = [("Instance pools", "/api/2.0/instance-pools/{*rest}")];

/// One family for all of them.
pub(crate) fn family() -> Family {
    PATHS.into_iter().fold(Family::new("Not in the local workspace"), |family, (name, path)| {
        let refuse = move |_caller: Caller, OriginalUri(uri): OriginalUri| async move {
            ApiError::not_implemented(format_args!("{name} ({})", uri.path()))
        };
        family.endpoint("ANY", path, any(refuse), ABSENT, Some("lab::absent_families_name_themselves"))
    })
}
