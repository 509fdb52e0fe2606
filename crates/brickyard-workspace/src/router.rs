use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn_with_state, map_response};
use http::Uri;
use tower::ServiceExt;

use crate::endpoint::{Endpoint, Family};
use crate::error::ApiError;
use crate::gateway::check_host;
use crate::lab::{RequestLog, note_requests};
use crate::request::in_own_shape;
use crate::workspace::Workspace;
use crate::{
    absent, apps, catalog, connections, database, files, genie, jobs, lab, lakeview, mcp, mlflow, oauth,
    permissions, pipelines, postgres, scim, secrets, serving, spark, vector_search, warehouse,
    workspace_files,
};

/// Every API family the workspace serves, in the order of `docs/PARITY.md`; one a line.
#[rustfmt::skip]
fn families() -> Vec<Family> {
    vec![
        oauth::family(),
        oauth::personal_token_family(),
        scim::family(),
        permissions::family(),
        secrets::family(),
        files::family(),
        serving::family(),
        catalog::family(),
        connections::family(),
        vector_search::family(),
        genie::family(),
        lakeview::family(),
        spark::family(),
        mcp::family(),
        mlflow::family(),
        mlflow::artifact_family(),
        mlflow::trace_family(),
        mlflow::registry_family(),
        mlflow::unity_family(),
        jobs::family(),
        lab::family(),
        absent::family(),
        apps::family(),
        workspace_files::family(),
        warehouse::family(),
        database::family(),
        postgres::family(),
        pipelines::family(),
    ]
}

/// All endpoints with their fidelity and witness, for `docs/PARITY.md`.
pub fn endpoints() -> Vec<Endpoint> {
    families().into_iter().flat_map(|family| family.rows).collect()
}

/// The REST API as one service; what it does not know is a 501 or 404 that names the path.
pub(crate) fn router(workspace: Workspace, log: Option<RequestLog>) -> Router {
    let mut known = families()
        .into_iter()
        .fold(Router::new(), |router, family| router.merge(family.router))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(map_response(in_own_shape))
        .layer(from_fn_with_state(workspace.clone(), lab::note_denials))
        .layer(from_fn_with_state(workspace.clone(), lab::apply_faults))
        .layer(from_fn_with_state(workspace.clone(), check_host))
        .with_state(workspace);
    if let Some(log) = log {
        known = known.layer(from_fn_with_state(log, note_requests));
    }
    let again = known.clone();
    known.fallback(move |mut request: Request| {
        if let Some(uri) = without_last_slash(request.uri()) {
            *request.uri_mut() = uri;
        }
        again.clone().oneshot(request)
    })
}

/// `/api/2.0/sql/statements/` is what many clients send, and means the same without its last slash.
fn without_last_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_suffix('/').filter(|path| !path.is_empty())?;
    let target = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.parse().ok()?);
    Uri::from_parts(parts).ok()
}

async fn unknown(method: http::Method, uri: Uri) -> ApiError {
    ApiError::not_implemented(format_args!(
        "{method} {} (hint: docs/PARITY.md lists what is there; deploy to a real workspace for the rest)",
        uri.path()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slash_goes_and_the_query_stays() {
        let without =
            |uri: &'static str| without_last_slash(&Uri::from_static(uri)).map(|uri| uri.to_string());
        assert_eq!(without("/a/b/?c=/").as_deref(), Some("/a/b?c=/"));
        assert_eq!(without("https://host/a/").as_deref(), Some("https://host/a"));
        assert_eq!(without("/a/b"), None);
        assert_eq!(without("/"), None);
    }
}
