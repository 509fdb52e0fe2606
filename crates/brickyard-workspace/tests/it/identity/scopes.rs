//! What a token opens: its scopes, at every path and in both vocabularies.

use brickyard_workspace::OAuthClient;
use serde_json::{Value, json};

use super::browser::Browser;
use super::{APP, APP_SECRET, CALLBACK, register_app};
use crate::harness::{ADA, start};

/// A token narrowed for an app reaches what its scopes say and is told which scope is missing.
#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_enforced_at_every_path() {
    let running = start().await;
    let browser = Browser::new(&running);
    let token = running.handle.issue_user_token(ADA, APP, &["iam.current-user:read".to_owned()]).unwrap();
    assert_eq!(browser.call(&token, "/api/2.0/preview/scim/v2/Me").await, 200);
    let answer =
        browser.http.get(browser.url("/api/2.0/token/list")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["message"], "Provided OAuth token does not have required scopes: all-apis");
}

/// What an app asks for is consented to when somebody signs in: who is signed in keeps the scopes of that day, through
/// every refresh, and gets the new ones with the next sign-in.
#[tokio::test(flavor = "multi_thread")]
async fn scopes_change_with_the_next_sign_in() {
    let running = start().await;
    register_app(&running);
    let browser = Browser::new(&running);
    let files = "/api/2.0/fs/directories/Volumes/main/default/none";
    let code = browser.code(ADA, "sql offline_access").await;
    let old = browser.post_form("/oidc/v1/token", &Browser::form(&code)).await;
    let mut app = OAuthClient::new(APP, "Taxi app", Some(APP_SECRET));
    app.redirect_uris = vec![CALLBACK.to_owned()];
    app.scopes = vec!["sql".to_owned(), "files.files".to_owned()];
    running.handle.register_oauth_client(&app).unwrap();
    let refreshed = browser.refresh(old["refresh_token"].as_str().unwrap(), "").await;
    let stale = refreshed["access_token"].as_str().unwrap();
    assert_eq!(refreshed["scope"], "sql offline_access");
    assert_eq!(browser.call(stale, files).await, 403);
    assert_eq!(browser.call(stale, "/api/2.0/sql/warehouses").await, 200);
    let code = browser.code(ADA, "sql files.files offline_access").await;
    let new = browser.post_form("/oidc/v1/token", &Browser::form(&code)).await;
    assert_eq!(browser.call(new["access_token"].as_str().unwrap(), files).await, 404);
}

/// The scope of the Statement Execution API alone is enough for statements.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_family_opens_that_part() {
    let running = start().await;
    let browser = Browser::new(&running);
    let warehouse = running.handle.starter_warehouse_id();
    running.handle.grant_object(ADA, "warehouses", &warehouse, "CAN_USE").unwrap();
    let token = running.handle.issue_user_token(ADA, APP, &["sql.statement-execution".to_owned()]).unwrap();
    let body = json!({ "statement": "SELECT 1", "warehouse_id": warehouse, "wait_timeout": "50s" });
    let sent =
        browser.http.post(browser.url("/api/2.0/sql/statements")).bearer_auth(&token).json(&body).send();
    let answer: Value = sent.await.unwrap().json().await.unwrap();
    assert_eq!(answer["status"]["state"], "SUCCEEDED", "{answer}");
    assert_eq!(browser.call(&token, "/api/2.0/sql/warehouses").await, 403);
}

/// A narrowed token is told, family by family, which scope it lacks; both vocabularies open the same doors.
#[tokio::test(flavor = "multi_thread")]
async fn every_family_names_the_scope_it_needs() {
    let running = start().await;
    let browser = Browser::new(&running);
    let token = |scope: &str| running.handle.issue_user_token(ADA, APP, &[scope.to_owned()]).unwrap();
    let none = token("iam.access-control:read");
    for (path, told, scopes) in [
        ("/api/2.0/sql/warehouses", "sql", ["sql", "sql.warehouses:read"]),
        ("/api/2.0/sql/history/queries", "sql", ["sql", "sql.query-history"]),
        ("/api/2.0/fs/directories/Volumes/a/b/c", "files", ["files", "files.files"]),
        ("/api/2.0/serving-endpoints", "model-serving", ["model-serving", "serving.serving-endpoints"]),
        ("/api/2.1/unity-catalog/catalogs", "unity-catalog", ["unity-catalog", "catalog.catalogs:read"]),
        (
            "/api/2.1/unity-catalog/tables?catalog_name=main&schema_name=default",
            "unity-catalog",
            ["unity-catalog", "catalog.tables:read"],
        ),
        (
            "/api/2.0/workspace/get-status?path=/Shared",
            "workspace",
            ["workspace", "workspace.workspace:read"],
        ),
        ("/api/2.0/postgres/projects", "postgres", ["postgres", "all-apis"]),
        ("/api/2.0/preview/scim/v2/Me", "iam.current-user:read", ["iam.current-user:read", "all-apis"]),
        ("/api/2.2/jobs/list", "all-apis", ["all-apis", "all-apis"]),
        ("/api/2.0/secrets/scopes/list", "all-apis", ["all-apis", "all-apis"]),
    ] {
        let refused = browser.http.get(browser.url(path)).bearer_auth(&none).send().await.unwrap();
        assert_eq!(refused.status(), 403, "{path}");
        let body: Value = refused.json().await.unwrap();
        let message = format!("Provided OAuth token does not have required scopes: {told}");
        assert_eq!(body["message"], message, "{path}");
        for scope in scopes {
            let answer = browser.http.get(browser.url(path)).bearer_auth(token(scope)).send().await.unwrap();
            let (status, body) = (answer.status().as_u16(), answer.text().await.unwrap());
            assert!(!body.contains("required scopes"), "{path} with {scope}: {status} {body}");
        }
    }
}
