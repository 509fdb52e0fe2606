use crate::harness::{CLIENT_ID, DEVELOPER, TODAY, environment, start};

/// Functions are made (in Python too, which SQL does not run here), shown, listed and dropped through the SDK, called in SQL, and only by who may execute them.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_makes_functions_that_sql_calls() {
    let running = start().await;
    let id = running.handle.starter_warehouse_id();
    running.handle.grant_object(CLIENT_ID, "warehouses", &id, "CAN_USE").unwrap();
    let mut variables = running.app_environment();
    let token = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    variables.push(("DEVELOPER_TOKEN".to_owned(), token));
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), id));
    let script = r#"
import json, os
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.catalog import (ColumnTypeName, CreateFunction, CreateFunctionParameterStyle, CreateFunctionRoutineBody,
    CreateFunctionSecurityType, CreateFunctionSqlDataAccess, FunctionParameterInfo, FunctionParameterInfos)
url = "https://" + os.environ["DATABRICKS_HOST"].removeprefix("https://")
dev = WorkspaceClient(host=url, token=os.environ["DEVELOPER_TOKEN"], auth_type="pat")
app = WorkspaceClient()
def call(w, text):
    done = w.statement_execution.execute_statement(text, os.environ["DATABRICKS_WAREHOUSE_ID"], wait_timeout="50s")
    return done.result.data_array if done.status.state.value == "SUCCEEDED" else done.status.error.message[:90].replace("\n", " ")
def new(name, body, definition, language=None):
    parameter = FunctionParameterInfo(name="x", type_text="int", type_name=ColumnTypeName.INT, position=0,
        type_json='{"name":"x","type":"integer","nullable":true,"metadata":{}}', comment="a number")
    return dev.functions.create(CreateFunction(name=name, catalog_name="main", schema_name="default",
        input_params=FunctionParameterInfos(parameters=[parameter]), data_type=ColumnTypeName.INT, full_data_type="INT",
        routine_body=body, routine_definition=definition, parameter_style=CreateFunctionParameterStyle.S,
        is_deterministic=True, sql_data_access=CreateFunctionSqlDataAccess.CONTAINS_SQL, is_null_call=False,
        security_type=CreateFunctionSecurityType.DEFINER, specific_name=name, external_language=language, comment="says more"))
made = new("twice", CreateFunctionRoutineBody.SQL, "x * 2")
assert made.full_name == "main.default.twice" and made.input_params.parameters[0].comment == "a number", made
new("thrice", CreateFunctionRoutineBody.EXTERNAL, "return x * 3", "PYTHON")
assert [f.name for f in dev.functions.list("main", "default")] == ["thrice", "twice"]
assert dev.functions.get("main.default.thrice").external_language == "PYTHON"
print(call(dev, "SELECT main.default.twice(21)"), call(dev, "SELECT main.default.thrice(id) FROM range(3)"))
print(call(app, "SELECT main.default.twice(21)"))
for kind, name, privilege in [("catalog", "main", "USE_CATALOG"), ("schema", "main.default", "USE_SCHEMA"), ("function", "main.default.twice", "EXECUTE")]:
    dev.api_client.do("PATCH", f"/api/2.1/unity-catalog/permissions/{kind}/{name}",
        body={"changes": [{"principal": os.environ["DATABRICKS_CLIENT_ID"], "add": [privilege]}]})
print(call(app, "SELECT main.default.twice(4)"), [f.name for f in app.functions.list("main", "default")])
changed = dev.functions.update("main.default.twice", owner="ada@example.com")
assert changed.owner == dev.functions.get("main.default.twice").owner == "ada@example.com", changed
told = json.loads(made.input_params.parameters[0].type_json)
assert told == {"name": "x", "type": "integer", "nullable": True, "metadata": {"comment": "a number"}}, told
for attempt in (lambda: app.functions.update("main.default.twice", owner="users"), lambda: app.functions.delete("main.default.twice")):
    try:
        raise SystemExit(f"allowed {attempt()}")
    except PermissionDenied:
        pass
dev.functions.delete("main.default.twice")
print(call(dev, "SELECT main.default.twice(1)"))
"#;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let lines: Vec<&str> = printed.lines().collect();
    assert!(lines[0].starts_with("[['42']] "), "{printed}");
    assert!(lines[1].contains("INSUFFICIENT_PERMISSIONS"), "{printed}");
    assert_eq!(lines[2], "[['8']] ['twice']", "{printed}");
    assert!(lines[3].contains("UNRESOLVED_ROUTINE") || lines[3].contains("ROUTINE_NOT_FOUND"), "{printed}");
}
