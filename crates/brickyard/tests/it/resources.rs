use super::harness::{Home, text};

const TOML: &str = r#"
[seed]
sql = ["seed.sql"]

[secrets.shop]
key = "s3cret"

[serving.echo]
task = "llm/v1/chat"
replay = "answers.jsonl"

[genie.orders]
title = "Orders"
tables = ["main.default.orders"]
questions = [{ question = "How many orders?", sql = "SELECT count(*) AS n FROM main.default.orders" }]

[connections.api]
host = "http://127.0.0.1"
port = 9
bearer-token = "connection-token"

[vector-indexes."main.default.things"]
vector-column = "v"
dimension = 2
schema = { id = "int", v = "array<float>" }

[resources.job]
python = "job.py"

[resources.table]
securable-full-name = "main.default.orders"

[resources.function]
securable-full-name = "main.default.twice"

[resources.app]
name = "shop"
"#;

const SEED: &str = "CREATE TABLE main.default.orders (id INT);\nINSERT INTO main.default.orders VALUES (1), (2);\n\
    CREATE FUNCTION main.default.twice(x INT) RETURNS INT RETURN x * 2;\n";

/// Every type of resource the platform has, by its conventional key.
const KEYS: [&str; 12] = [
    "sql-warehouse",
    "serving-endpoint",
    "secret",
    "volume",
    "table",
    "vector-search-index",
    "connection",
    "function",
    "job",
    "genie-space",
    "experiment",
    "app",
];

/// What the app's principal may do because its resources say so, through the unmodified SDK.
const LOOK: &str = r#"
import os, json
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.serving import ExternalFunctionRequestHttpMethod as M
w = WorkspaceClient()
v = lambda key: os.environ[key.upper().replace("-", "_")]
assert w.warehouses.get(v("sql-warehouse")).id == v("sql-warehouse")
assert w.serving_endpoints.get(v("serving-endpoint")).name == "echo"
assert v("secret") == "s3cret"
assert v("volume") == "/Volumes/main/default/volume", v("volume")
assert v("table") == "main.default.orders" and v("function") == "main.default.twice"
rows = lambda text: w.statement_execution.execute_statement(text, v("sql-warehouse"), wait_timeout="50s")
assert rows("SELECT main.default.twice(count(*)) FROM main.default.orders").result.data_array == [["4"]]
found = w.vector_search_indexes.query_index(v("vector-search-index"), columns=["id"], query_vector=[0.0, 1.0])
assert found.result.row_count == 0 and v("vector-search-index") == "main.default.things"
assert w.connections.get(v("connection")).name == "api"
try:
    w.serving_endpoints.http_request("api", M.GET, "x")
except Exception as error:
    assert "cannot be reached" in str(error) and "connection-token" not in str(error), error
run = w.jobs.run_now(int(v("job"))).result()
assert run.state.result_state.value == "SUCCESS", run.state
answer = w.genie.start_conversation_and_wait(v("genie-space"), "how many orders")
assert answer.query_result.row_count == 1, answer
assert w.experiments.get_experiment(v("experiment")).experiment.experiment_id == v("experiment")
assert v("app") == "shop" and w.apps.get("shop").name == "shop"
print("done")
"#;

#[test]
fn every_type_of_resource_is_bound_and_granted() {
    let home = Home::new();
    let mut yaml = "command: [python, app.py]\nenv:\n".to_owned();
    for key in KEYS {
        let name = key.to_uppercase().replace('-', "_");
        yaml.push_str(&format!("- {{name: {name}, valueFrom: {key}}}\n"));
    }
    let files = [
        ("app.py", "import http.server"),
        ("app.yaml", yaml.as_str()),
        ("brickyard.toml", TOML),
        ("seed.sql", SEED),
        ("answers.jsonl", ""),
        ("job.py", "print('ran')\n"),
        ("look.py", LOOK),
        ("requirements.txt", "databricks-sdk==0.156.0\n"),
    ];
    let app = home.app("shop", &files);
    let folder = app.to_str().unwrap();
    let look = app.join("look.py");
    let command = format!("python {}", look.display());
    for _ in 0..2 {
        let output = home.output(&["exec", "--app", folder, "--", "sh", "-c", &command]);
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(text(&output.stdout).trim(), "done");
    }
    let variables = home.json(&["env", folder]);
    let variables = variables.as_array().unwrap();
    for key in KEYS {
        let origin = format!("app.yaml, resource `{key}`");
        assert!(variables.iter().any(|variable| variable["origin"] == origin.as_str()), "{key}");
    }
    assert!(!variables.iter().any(|variable| variable["value"] == "s3cret"));
}

/// What an app's principal may do with the warehouse and with an app.
const TRY: &str = r#"
import sys
from databricks.sdk import WorkspaceClient
w = WorkspaceClient()
warehouse = sys.argv[1]
def tried(call):
    try:
        call()
        return "may"
    except Exception as error:
        return type(error).__name__
print(tried(lambda: w.statement_execution.execute_statement("SELECT 1", warehouse)), tried(lambda: w.apps.get("one")))
"#;

/// In one workspace a second app has neither the first one's warehouse nor the first app: nobody has bound them to it.
#[test]
fn what_one_app_is_given_no_other_has() {
    let home = Home::new();
    let state = home.service();
    let requirements = ("requirements.txt", "databricks-sdk==0.156.0\n");
    let bound = "command: [python, app.py]\nenv:\n- {name: WAREHOUSE, valueFrom: sql-warehouse}\n\
        - {name: OWN, valueFrom: app}\n";
    let own = ("brickyard.toml", "[resources.app]\nname = \"one\"\n");
    let one = home.app("one", &[("app.py", ""), ("app.yaml", bound), own, ("try.py", TRY), requirements]);
    let two = home.app(
        "two",
        &[("app.py", ""), ("app.yaml", "command: [python, app.py]\n"), ("try.py", TRY), requirements],
    );
    let tried = |folder: &std::path::Path, warehouse: &str| {
        let command = format!("python {} {warehouse}; echo $WAREHOUSE", folder.join("try.py").display());
        let (folder, state) = (folder.to_str().unwrap(), state.to_str().unwrap());
        let arguments = ["exec", "--app", folder, "--state-directory", state, "--", "sh", "-c", &command];
        let output = home.output(&arguments);
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    };
    let first = tried(&one, "$WAREHOUSE");
    let (may, warehouse) = first.split_once('\n').unwrap();
    assert_eq!(may, "may may");
    assert_eq!(tried(&two, warehouse), "PermissionDenied PermissionDenied");
}

#[test]
fn an_unknown_key_is_told_with_those_there_are() {
    let home = Home::new();
    let yaml = "command: [python, app.py]\nenv:\n- {name: A, valueFrom: sql-warehouse}\n- {name: B, valueFrom: zzz}\n";
    let app = home.app("bad", &[("app.py", ""), ("app.yaml", yaml)]);
    let folder = app.to_str().unwrap();
    for arguments in [vec!["check", folder], vec!["env", folder], vec!["run", folder, "--port", "0"]] {
        let output = home.output(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(said.contains("`zzz`") && said.contains("`sql-warehouse`"), "{arguments:?}: {said}");
    }
}

/// Every type as a bundle declares it; ids of warehouses and experiments of another workspace mean nothing here.
const BUNDLE: &str = r#"bundle: {name: b}
resources:
  apps:
    b:
      name: bound
      source_code_path: .
      resources:
      - {name: sql-warehouse, sql_warehouse: {id: abc, permission: CAN_USE}}
      - {name: serving-endpoint, serving_endpoint: {name: model-x, permission: CAN_QUERY}}
      - {name: secret, secret: {scope: sc, key: k, permission: READ}}
      - {name: volume, uc_securable: {securable_full_name: main.default.vol, securable_type: VOLUME, permission: READ_VOLUME}}
      - {name: table, uc_securable: {securable_full_name: samples.nyctaxi.trips, securable_type: TABLE, permission: SELECT}}
      - {name: vector-search-index, uc_securable: {securable_full_name: main.default.idx, securable_type: TABLE, permission: SELECT}}
      - {name: connection, uc_securable: {securable_full_name: conn, securable_type: CONNECTION, permission: USE_CONNECTION}}
      - {name: function, uc_securable: {securable_full_name: main.default.fn, securable_type: FUNCTION, permission: EXECUTE}}
      - {name: job, job: {id: "123", permission: CAN_MANAGE_RUN}}
      - {name: genie-space, genie_space: {name: g, space_id: "01ef", permission: CAN_RUN}}
      - {name: experiment, experiment: {experiment_id: "77", permission: CAN_READ}}
      - {name: database, database: {instance_name: inst, database_name: databricks_postgres, permission: CAN_CONNECT_AND_CREATE}}
      - {name: postgres, postgres: {branch: projects/p/branches/main, database: projects/p/branches/main/databases/d, permission: CAN_CONNECT_AND_CREATE}}
      - {name: app, app: {name: other, permission: CAN_USE}}
"#;

/// What a template's manifest says of them: types and permissions alone.
const MANIFEST: &str = "version: 1
name: bound
resource_specs:
- {name: sql-warehouse, sql_warehouse_spec: {permission: CAN_USE}}
- {name: serving-endpoint, serving_endpoint_spec: {permission: CAN_QUERY}}
- {name: secret, secret_spec: {permission: READ}}
- {name: volume, uc_securable_spec: {securable_type: VOLUME, permission: READ_VOLUME}}
- {name: table, uc_securable_spec: {securable_type: TABLE, permission: SELECT}}
- {name: vector-search-index, uc_securable_spec: {securable_type: TABLE, permission: SELECT}}
- {name: connection, uc_securable_spec: {securable_type: CONNECTION, permission: USE_CONNECTION}}
- {name: function, uc_securable_spec: {securable_type: FUNCTION, permission: EXECUTE}}
- {name: job, job_spec: {permission: CAN_MANAGE_RUN}}
- {name: genie-space, genie_space_spec: {permission: CAN_RUN}}
- {name: experiment, experiment_spec: {permission: CAN_READ}}
- {name: database, database_spec: {permission: CAN_CONNECT_AND_CREATE}}
- {name: postgres, postgres_spec: {permission: CAN_CONNECT_AND_CREATE}}
- {name: app, app_spec: {permission: CAN_USE}}
";

/// What stands for those here.
const STANDING: &str = r#"[secrets.sc]
k = "s3cret"

[resources.serving-endpoint]
name = "model-x"

[resources.volume]
securable-full-name = "main.default.vol"

[resources.table]
securable-full-name = "samples.nyctaxi.trips"

[resources.vector-search-index]
securable-full-name = "main.default.idx"

[resources.connection]
securable-full-name = "conn"

[resources.function]
securable-full-name = "main.default.fn"

[resources.job]
id = "123"

[resources.genie-space]
space-id = "01ef"

[resources.database]
instance-name = "inst"

[resources.postgres]
branch = "projects/p/branches/main"

[resources.app]
name = "other"
"#;

/// `valueFrom` gives the same values where a bundle or a manifest declares the resources, and a secret that is not there is
/// told with what to write.
#[test]
fn bundles_and_manifests_declare_every_type() {
    let home = Home::new();
    let mut yaml = "command: [python, app.py]\nenv:\n".to_owned();
    for key in KEYS.iter().copied().chain(["database", "postgres"]) {
        let name = key.to_uppercase().replace('-', "_");
        yaml.push_str(&format!("- {{name: {name}, valueFrom: {key}}}\n"));
    }
    let plain = [("app.py", ""), ("app.yaml", yaml.as_str())];
    let bundle = home.app("bundle", &[&plain[..], &[("databricks.yml", BUNDLE)]].concat());
    let refused = home.output(&["env", bundle.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let hint = "hint: write `k = \"…\"` under `[secrets.sc]` in `brickyard.toml`";
    assert!(text(&refused.stderr).contains(hint), "{}", text(&refused.stderr));
    std::fs::write(bundle.join("brickyard.toml"), "[secrets.sc]\nk = \"s3cret\"\n").unwrap();
    let manifest = [&plain[..], &[("manifest.yaml", MANIFEST), ("brickyard.toml", STANDING)]].concat();
    let manifest = home.app("manifest", &manifest);
    for folder in [bundle, manifest] {
        let all = home.json(&["env", folder.to_str().unwrap()]);
        let value = |name: &str| {
            let variable = all.as_array().unwrap().iter().find(|variable| variable["name"] == name);
            variable.unwrap_or_else(|| panic!("{name}: {all}"))["value"].as_str().unwrap().to_owned()
        };
        let is_id = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_id(&value("SQL_WAREHOUSE")) && value("SQL_WAREHOUSE") != "abc");
        assert!(value("EXPERIMENT").parse::<u64>().is_ok_and(|id| id != 77));
        assert_eq!((value("SECRET"), value("DATABASE")), ("********".to_owned(), value("PGHOST")));
        for (name, expected) in [
            ("SERVING_ENDPOINT", "model-x"),
            ("VOLUME", "/Volumes/main/default/vol"),
            ("TABLE", "samples.nyctaxi.trips"),
            ("VECTOR_SEARCH_INDEX", "main.default.idx"),
            ("CONNECTION", "conn"),
            ("FUNCTION", "main.default.fn"),
            ("JOB", "123"),
            ("GENIE_SPACE", "01ef"),
            ("POSTGRES", "projects/p/branches/main/endpoints/primary"),
            ("APP", "other"),
        ] {
            assert_eq!(value(name), expected, "{name} in {}", folder.display());
        }
    }
}
