use brickyard_workspace::{Group, ServingBackend, ServingEndpoint, User};

use crate::harness::{DEVELOPER, environment, start_with};

/// Every statement of the battery, in one session of the newest connector: each gives the rows, the error class or the
/// refusal that the file says. Before, while its tables are untouched, so do the statements of the other list, which the planner's
/// tests run over views: over tables the engine reads names of three parts.
#[tokio::test(flavor = "multi_thread")]
async fn every_statement_gives_what_the_battery_says() {
    let running = start_with(|config| {
        for (id, name) in [(4_700_000_011, "alice@example.com"), (4_700_000_012, "bob@example.com")] {
            config.users.push(User {
                id,
                user_name: name.to_owned(),
                display_name: name.to_owned(),
                entitlements: Vec::new(),
            });
        }
        let id = 4_900_000_001;
        config.groups.push(Group { id, display_name: "bob".to_owned(), members: Vec::new() });
    })
    .await;
    let work = running.directory.path().join("work");
    std::fs::create_dir_all(&work).unwrap();
    let lists = [
        ("battery.json", include_str!("../../../brickyard-sql/tests/it/battery.json")),
        ("semantics.json", include_str!("../../../brickyard-sql/tests/it/semantics.json")),
    ];
    for (name, list) in lists {
        std::fs::write(work.join(name), list).unwrap();
    }
    // Behind `ai_query('m', …)` and the other AI functions.
    for (name, answer) in [("m", "'said: ' + text"), ("databricks-ai-functions", "'a'")] {
        let file = running.directory.path().join(format!("{name}.py"));
        let source = format!(
            "def predict(request):\n    text = request['messages'][0]['content']\n    return {answer}\n"
        );
        std::fs::write(&file, source).unwrap();
        let backend = ServingBackend::Python { file, requirements: Vec::new() };
        running
            .handle
            .put_serving_endpoint(ServingEndpoint { name: name.to_owned(), task: None, backend })
            .unwrap();
    }
    let mut variables = running.handle.client_environment();
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), running.handle.starter_warehouse_id()));
    let token = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    variables.push(("DEVELOPER_TOKEN".to_owned(), token));
    variables.push(("WORK".to_owned(), work.to_string_lossy().into_owned()));
    let environment =
        environment(&["databricks-sql-connector[pyarrow]==4.9.0", "databricks-sdk==0.156.0"]).await;
    let printed = running.python_with(&environment, &variables, include_str!("clients/battery.py")).await;
    assert!(printed.ends_with("ok\n"), "{printed}");
}
