use serde_json::{Value, json};

use crate::harness::{ADA, DEVELOPER, Running, start};

/// What a statement of the Statement Execution API gives: its first value, or its error.
async fn answer(running: &Running, token: &str, statement: &str, session: Option<&str>) -> String {
    let body = json!({
        "statement": statement, "session_id": session, "wait_timeout": "50s",
        "warehouse_id": running.handle.starter_warehouse_id(),
    });
    let told = post(running, token, "/api/2.0/sql/statements", &body).await;
    match told["result"]["data_array"][0][0].as_str() {
        Some(value) => value.to_owned(),
        None if told["status"]["state"] == "SUCCEEDED" => String::new(),
        None => told.to_string(),
    }
}

async fn post(running: &Running, token: &str, path: &str, body: &Value) -> Value {
    let http = brickyard_api::http_client(false).unwrap();
    let url = format!("{}{path}", running.handle.http_url());
    http.post(url).bearer_auth(token).json(body).send().await.unwrap().json().await.unwrap()
}

/// Statements that have ended hold no place in the engine, though their results can still be fetched: more principals
/// than the engine has catalog slots come one after another, each as themselves.
#[tokio::test(flavor = "multi_thread")]
async fn more_people_than_the_engine_has_slots_ask_in_turn() {
    let running = start().await;
    let developer = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    let warehouse = running.handle.starter_warehouse_id();
    for number in 0..30 {
        let name = format!("number-{number}@example.com");
        let user = json!({ "userName": name, "entitlements": [{ "value": "databricks-sql-access" }] });
        post(&running, &developer, "/api/2.0/preview/scim/v2/Users", &user).await;
        running.handle.grant_object(&name, "warehouses", &warehouse, "CAN_USE").unwrap();
        let token = running.handle.create_personal_access_token(&name).unwrap();
        assert_eq!(answer(&running, &token, "SELECT current_user()", None).await, name);
    }
}

/// What a session sets ends with it, also when its caller opens the next one at once.
#[tokio::test(flavor = "multi_thread")]
async fn settings_and_views_end_with_their_session() {
    let running = start().await;
    let warehouse = running.handle.starter_warehouse_id();
    running.handle.grant_object(ADA, "warehouses", &warehouse, "CAN_USE").unwrap();
    let ada = running.handle.create_personal_access_token(ADA).unwrap();
    let developer = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    let zone = "SELECT current_timezone()";
    assert_eq!(answer(&running, &ada, zone, None).await, "Etc/UTC");
    for zoned in ["Asia/Tokyo", "Europe/Paris"] {
        let opened =
            post(&running, &ada, "/api/2.0/sql/sessions", &json!({ "warehouse_id": warehouse })).await;
        let id = opened["session_id"].as_str().unwrap();
        let ask = async |statement: &str| answer(&running, &ada, statement, Some(id)).await;
        ask(&format!("SET TIME ZONE '{zoned}'")).await;
        ask("CREATE TEMPORARY VIEW mine AS SELECT 7 AS seven").await;
        assert_eq!(
            (ask(zone).await, ask("SELECT seven FROM mine").await),
            (zoned.to_owned(), "7".to_owned())
        );
        let lasting = ask("CREATE VIEW main.default.lasting AS SELECT seven FROM mine").await;
        assert!(lasting.contains("INVALID_TEMP_OBJ_REFERENCE"), "{lasting}");
        let url = format!("{}/api/2.0/sql/sessions/{id}", running.handle.http_url());
        let http = brickyard_api::http_client(false).unwrap();
        assert!(http.delete(url).bearer_auth(&ada).send().await.unwrap().status().is_success());
        assert_eq!(answer(&running, &ada, zone, None).await, "Etc/UTC");
        assert!(
            answer(&running, &ada, "SELECT seven FROM mine", None).await.contains("TABLE_OR_VIEW_NOT_FOUND")
        );
        assert_eq!(answer(&running, &developer, zone, None).await, "Etc/UTC");
    }
    // A failed statement and one that was cut off leave nothing behind for the next.
    assert!(answer(&running, &ada, "SELECT 1/0", None).await.contains("DIVIDE_BY_ZERO"));
    assert_eq!(answer(&running, &ada, "SELECT current_user()", None).await, ADA);
    assert_eq!(answer(&running, &developer, "SELECT current_user()", None).await, DEVELOPER);
}
