use serde_json::Value;

use crate::harness::{ADA, CLIENT_ID, DEVELOPER, TODAY, environment, start};

/// What the SDK was refused, by REST and in SQL, can be read back with the grant that would allow it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_denied_is_explained() {
    let running = start().await;
    let script = r#"
from databricks.sdk import WorkspaceClient
w = WorkspaceClient()
try:
    w.warehouses.get("WAREHOUSE")
except Exception as error:
    print(type(error).__name__)
print(list(w.warehouses.list()))
"#;
    let warehouse = running.handle.starter_warehouse_id();
    let script = script.replace("WAREHOUSE", &warehouse);
    let printed = running.python(&environment(TODAY).await, &script).await;
    assert_eq!(printed, "PermissionDenied\n[]\n");
    running.handle.grant_object(ADA, "warehouses", &warehouse, "CAN_USE").unwrap();
    let ada = running.handle.create_personal_access_token(ADA).unwrap();
    let http = brickyard_api::http_client(false).unwrap();
    let statement = serde_json::json!({ "statement": "CREATE SCHEMA main.mine", "warehouse_id": warehouse, "wait_timeout": "50s" });
    let url = |path: &str| format!("{}{path}", running.handle.http_url());
    for _ in 0..2 {
        http.post(url("/api/2.0/sql/statements")).bearer_auth(&ada).json(&statement).send().await.unwrap();
    }
    let narrow = running.handle.issue_user_token(ADA, "app", &["files.files".to_owned()]).unwrap();
    let refused = http.get(url("/api/2.0/sql/warehouses")).bearer_auth(&narrow).send().await.unwrap();
    assert_eq!(refused.status(), 403);

    let developer = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    let denials: Value = http
        .get(url("/api/brickyard/denials"))
        .bearer_auth(&developer)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let denials = denials["denials"].as_array().unwrap();
    let told: Vec<(&str, &str, &str, u64)> = denials
        .iter()
        .map(|denial| {
            let text = |field: &str| denial[field].as_str().unwrap();
            (text("principal"), text("permission"), text("command"), denial["count"].as_u64().unwrap())
        })
        .collect();
    let app = format!("brickyard grant {CLIENT_ID} CAN_VIEW warehouses/{warehouse}");
    let catalog = format!("brickyard grant {ADA} \"");
    let expected = [(ADA, "add \"sql\"", 1), (ADA, catalog.as_str(), 2), (CLIENT_ID, app.as_str(), 1)];
    assert_eq!(told.len(), expected.len(), "{denials:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert_eq!((told.0, told.3), (expected.0, expected.2), "{denials:#?}");
        assert!(told.2.starts_with(expected.1), "{told:?}");
    }
    assert!(told[1].2.ends_with("\"CATALOG main\""), "{told:?}");
    let refused = http.get(url("/api/brickyard/denials")).bearer_auth(&ada).send().await.unwrap();
    assert_eq!(refused.status(), 403);
}
