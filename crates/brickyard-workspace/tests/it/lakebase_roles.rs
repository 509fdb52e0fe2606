//! Roles of apps: when they come, what they may do, and when they go.

use brickyard_api::{App, AppResource};
use serde_json::json;

use crate::harness::{ADA, CLIENT_ID, DEVELOPER, environment, start};
use crate::lakebase::{CLIENTS, PROVISIONED, developer_environment, postgres_environment, sql};

fn app(resources: serde_json::Value) -> App {
    let resources: Vec<AppResource> = serde_json::from_value(resources).unwrap();
    App { name: "todo".to_owned(), resources, ..App::default() }
}

/// Another principal runs the same code, as after a deployment under a new app: what the first one made is not its own.
#[tokio::test(flavor = "multi_thread")]
async fn another_principal_meets_what_it_does_not_own() {
    let running = start().await;
    sql(&running, &PROVISIONED, CLIENT_ID, &["CREATE SCHEMA app", "CREATE TABLE app.todo AS SELECT 1 AS id"])
        .await;
    let binding = running.handle.bind_database(&PROVISIONED, ADA).await.unwrap();
    let mut variables = postgres_environment(&running, &binding);
    variables
        .push(("PGPASSWORD".to_owned(), running.handle.database_password(&PROVISIONED, ADA).await.unwrap()));
    let script = "
import psycopg
with psycopg.connect(autocommit=True) as connection:
    for statement, words in [
        ('SELECT * FROM app.todo', 'permission denied for schema app'),
        ('CREATE TABLE IF NOT EXISTS app.todo (id int)', 'permission denied for schema app'),
        ('DROP SCHEMA app CASCADE', 'must be owner of schema app'),
        ('CREATE TABLE mine (id int)', 'permission denied for schema public'),
    ]:
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege as error:
            assert words in str(error), error
        else:
            raise AssertionError(f'allowed: {statement}')
    connection.execute('CREATE SCHEMA own')  # CAN_CONNECT_AND_CREATE
print('ok')
";
    let output = running.python_with(&environment(CLIENTS).await, &variables, script).await;
    assert_eq!(output.trim(), "ok");
    // The owner grants what is missing, as on the platform.
    let granted = "GRANT USAGE ON SCHEMA app TO \"ada@example.com\"";
    let selected = "GRANT SELECT ON app.todo TO \"ada@example.com\"";
    sql(&running, &PROVISIONED, CLIENT_ID, &[granted, selected]).await;
    assert_eq!(sql(&running, &PROVISIONED, ADA, &["SELECT id FROM app.todo"]).await, "[(1,)]");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_comes_with_the_deployment_and_goes_with_the_resource() {
    let running = start().await;
    let python = environment(CLIENTS).await;
    let database = json!([{ "name": "database", "database": {
        "instance_name": "shop", "database_name": "databricks_postgres", "permission": "CAN_CONNECT_AND_CREATE" } }]);
    // Declared, but not deployed: there is no role yet.
    let variables = developer_environment(&running);
    let script = "
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.apps import App, AppResource, AppResourceDatabase
from databricks.sdk.service.apps import AppResourceDatabaseDatabasePermission as Permission
from databricks.sdk.service.database import DatabaseInstance
w = WorkspaceClient()
w.database.create_database_instance_and_wait(DatabaseInstance(name='shop', capacity='CU_1'))
bound = AppResourceDatabase('shop', 'databricks_postgres', Permission.CAN_CONNECT_AND_CREATE)
app = w.apps.create(App(name='todo', resources=[AppResource('database', database=bound)]), no_compute=True).response
print([role.name for role in w.database.list_database_instance_roles('shop')], app.service_principal_client_id)
";
    let printed = running.python_with(&python, &variables, script).await;
    let principal = printed.trim().rsplit(' ').next().unwrap().to_owned();
    assert!(printed.starts_with(&format!("['{DEVELOPER}']")), "{printed}");

    let shop = brickyard_workspace::DatabaseTarget::Provisioned {
        instance: Some("shop".to_owned()),
        database: None,
    };
    let roles = "SELECT rolname FROM pg_roles WHERE rolname !~ '^(pg_|cloud_|databricks_)' ORDER BY 1";
    let registered = running.handle.register_app(app(database), DEVELOPER).await.unwrap();
    assert_eq!(registered.app.service_principal_client_id.as_deref(), Some(&*principal));
    let names: Vec<&str> = registered.environment.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGSSLMODE", "PGAPPNAME"] {
        assert!(names.contains(&name), "{name}");
    }
    assert!(!names.contains(&"PGPASSWORD"));
    let statements = ["CREATE SCHEMA app", "CREATE TABLE app.todo AS SELECT 1 AS id"];
    sql(&running, &shop, &principal, &statements).await;
    assert!(sql(&running, &shop, DEVELOPER, &[roles]).await.contains(&principal));

    let registered = running.handle.register_app(app(json!([])), DEVELOPER).await.unwrap();
    assert!(!registered.environment.iter().any(|(name, _)| name == "PGHOST"));
    let left = sql(&running, &shop, DEVELOPER, &[roles]).await;
    assert!(!left.contains(&principal), "{left}");
    // What it made is the remover's now.
    assert_eq!(sql(&running, &shop, DEVELOPER, &["SELECT id FROM app.todo"]).await, "[(1,)]");
    let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'todo'";
    assert_eq!(sql(&running, &shop, DEVELOPER, &[owner]).await, format!("[('{DEVELOPER}',)]"));
}

/// Two databases: the first gives the variables; `valueFrom` gives the host of one kind and the path of the other.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_database_gives_the_variables() {
    let running = start().await;
    let resources = json!([
        { "name": "late", "postgres": { "branch": "projects/shop/branches/production",
            "database": "databricks_postgres", "permission": "CAN_CONNECT_AND_CREATE" } },
        { "name": "old", "database": { "instance_name": "shop", "database_name": "store",
            "permission": "CAN_CONNECT_AND_CREATE" } },
    ]);
    let registered = running.handle.register_app(app(resources), DEVELOPER).await.unwrap();
    let variable = |name: &str| {
        let found = registered.environment.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap()
    };
    let value = |key: &str| {
        let found = registered.values.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.clone()).unwrap()
    };
    assert_eq!(variable("PGDATABASE"), "databricks_postgres");
    assert_eq!(variable("PGAPPNAME"), "todo");
    assert_eq!(variable("PGUSER"), registered.app.service_principal_client_id.clone().unwrap());
    assert_eq!(value("late"), "projects/shop/branches/production/endpoints/primary");
    assert_ne!(value("old"), variable("PGHOST"), "the host of the second one");
    assert!(value("old").starts_with("127.0.0."), "{}", value("old"));
    assert_eq!(registered.environment.iter().filter(|(name, _)| name == "PGHOST").count(), 1);
}
