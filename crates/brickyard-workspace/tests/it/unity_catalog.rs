use crate::harness::{ADA, CLIENT_ID, DEVELOPER, PREINSTALLED, TODAY, environment, start};

/// Walks as the app's service principal, which nobody has granted anything.
const WALK: &str = r#"
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, PermissionDenied
from databricks.sdk.service.catalog import VolumeType
w = WorkspaceClient()
names = [c.name for c in w.catalogs.list()]
assert {"main", "samples", "system", "workspace"} <= set(names), names
assert [s.name for s in w.schemas.list("samples", max_results=1)][:2] == ["bakehouse", "information_schema"]
trips = w.tables.get("Samples.nyctaxi.TRIPS")
assert [(c.name, c.type_text, c.type_name.value) for c in trips.columns] == [
    ("tpep_pickup_datetime", "timestamp", "TIMESTAMP"), ("tpep_dropoff_datetime", "timestamp", "TIMESTAMP"),
    ("trip_distance", "double", "DOUBLE"), ("fare_amount", "double", "DOUBLE"),
    ("pickup_zip", "int", "INT"), ("dropoff_zip", "int", "INT")], trips.columns
assert trips.full_name == "samples.nyctaxi.trips" and trips.table_type.value == "MANAGED"
assert [t.name for t in w.tables.list("samples", "nyctaxi")] == ["trips"]
assert len(list(w.tables.list("samples", "tpch", max_results=3))) == 8
for c in w.catalogs.list():
    assert c.created_at > 1e12 and c.updated_at > 1e12 and c.owner and c.full_name == c.name
try:
    w.schemas.get("main.nothing")
    raise SystemExit("main.nothing was found")
except NotFound as error:
    assert "does not exist" in str(error), error
try:
    w.catalogs.create(name="mine")
    raise SystemExit("a principal without grants made a catalog")
except PermissionDenied as error:
    assert "User does not have CREATE CATALOG on Metastore" in str(error), error
# In `workspace.default` everybody may make things.
volume = w.volumes.create("workspace", "default", "files", VolumeType.MANAGED, comment="mine")
assert volume.full_name == "workspace.default.files" and volume.owner == w.config.client_id
assert [v.name for v in w.volumes.list("workspace", "default")] == ["files"]
assert w.volumes.read("workspace.default.files").comment == "mine"
assert w.volumes.update("workspace.default.files", comment="ours").comment == "ours"
w.volumes.delete("workspace.default.files")
assert list(w.volumes.list("workspace", "default")) == []
print("walked")
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_walks_through_catalogs() {
    let workspace = start().await;
    for clients in [TODAY, PREINSTALLED] {
        let environment = environment(clients).await;
        assert_eq!(workspace.python(&environment, WALK).await.trim(), "walked");
    }
}

const GRANT: &str = r#"
import os
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, PermissionDenied
from databricks.sdk.service.catalog import PermissionsChange, Privilege
w = WorkspaceClient(host=os.environ["DATABRICKS_HOST"], token=os.environ["ADMIN_TOKEN"], auth_type="pat")
app = WorkspaceClient(host=os.environ["DATABRICKS_HOST"], client_id=os.environ["APP_ID"],
                      client_secret=os.environ["APP_SECRET"], auth_type="oauth-m2m")
w.catalogs.create(name="Sales", comment="what we sell")
w.schemas.create(name="eu", catalog_name="sales")
assert "sales" not in [c.name for c in app.catalogs.list()]
def denied(call, text):
    try:
        call()
    except PermissionDenied as error:
        assert text in str(error), error
    else:
        raise SystemExit(f"not denied: {text}")
denied(lambda: app.schemas.get("sales.eu"), "User does not have USE CATALOG on Catalog 'sales'")
def grant(kind, name, *privileges):
    path = f"/api/2.1/unity-catalog/permissions/{kind}/{name}"
    return w.api_client.do("PATCH", path, body={"changes": [{"principal": os.environ["APP_ID"], "add": list(privileges)}]})
grant("catalog", "sales", "USE_CATALOG")
denied(lambda: app.schemas.get("sales.eu"), "User does not have USE SCHEMA on Schema 'sales.eu'")
grant("schema", "sales.eu", "USE SCHEMA", "CREATE_VOLUME")
assert app.schemas.get("sales.eu").owner == os.environ["ADMIN"]
denied(lambda: app.schemas.delete("sales.eu"), "User is not an owner of Schema 'sales.eu'")
denied(lambda: app.api_client.do("PATCH", "/api/2.1/unity-catalog/permissions/schema/sales.eu",
    body={"changes": [{"principal": os.environ["APP_ID"], "add": ["ALL_PRIVILEGES"]}]}), "User is not an owner")
effective = app.api_client.do("GET", "/api/2.1/unity-catalog/effective-permissions/schema/sales.eu",
                              query={"principal": os.environ["APP_ID"]})
assert effective["privilege_assignments"] == [{"principal": os.environ["APP_ID"], "privileges": [
    {"privilege": "CREATE_VOLUME"}, {"privilege": "USE_SCHEMA"}]}], effective
try:
    grant("table", "sales.eu.nothing", "SELECT")
    raise SystemExit("granted on nothing")
except NotFound:
    pass
for body, text in [
    ({"changes": [{"principal": "nobody@example.com", "add": ["USE_SCHEMA"]}]}, "Could not find principal"),
    ({"changes": [{"principal": os.environ["APP_ID"], "add": ["USE_CATALOG"]}]}, "is not applicable"),
]:
    try:
        w.api_client.do("PATCH", "/api/2.1/unity-catalog/permissions/schema/sales.eu", body=body)
        raise SystemExit("granted nonsense")
    except Exception as error:
        assert text in str(error), error
left = w.api_client.do("PATCH", "/api/2.1/unity-catalog/permissions/schema/sales.eu",
    body={"changes": [{"principal": os.environ["APP_ID"], "remove": ["USE_SCHEMA"]}]})
assert left["privilege_assignments"][0]["privileges"] == ["CREATE_VOLUME"], left
denied(lambda: app.schemas.get("sales.eu"), "User does not have USE SCHEMA")
w.catalogs.delete("sales", force=True)
assert "sales" not in [c.name for c in w.catalogs.list()]
print("granted")
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grants_decide_what_the_sdk_sees() {
    let workspace = start().await;
    let mut variables = workspace.handle.client_environment();
    let token = workspace.handle.create_personal_access_token(DEVELOPER).unwrap();
    for (name, value) in [
        ("ADMIN_TOKEN", token.as_str()),
        ("ADMIN", DEVELOPER),
        ("APP_ID", CLIENT_ID),
        ("APP_SECRET", crate::harness::CLIENT_SECRET),
        ("ADA", ADA),
    ] {
        variables.push((name.to_owned(), value.to_owned()));
    }
    let environment = environment(TODAY).await;
    assert_eq!(workspace.python_with(&environment, &variables, GRANT).await.trim(), "granted");
}

const CHANGE: &str = r#"
import os, shutil
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, NotImplemented, PermissionDenied
from databricks.sdk.service.catalog import ColumnInfo, ColumnTypeName, DataSourceFormat, TableType
w = WorkspaceClient(token=os.environ["DATABRICKS_TOKEN"])
ada = WorkspaceClient(token=os.environ["ADA_TOKEN"])
warehouse = next(iter(w.warehouses.list())).id
def sql(text):
    done = w.statement_execution.execute_statement(text, warehouse, wait_timeout="50s")
    assert done.status.state.value == "SUCCEEDED", done
    return done.result.data_array
def refused(kind, call, text):
    try:
        call()
    except kind as error:
        assert text in str(error), error
    else:
        raise SystemExit(f"not refused: {text}")
place = w.metastores.current()
assert (place.workspace_id, place.default_catalog_name) == (w.get_workspace_id(), "workspace"), place
about = w.metastores.summary()
assert about.metastore_id == place.metastore_id and about.global_metastore_id.endswith(place.metastore_id), about
assert w.catalogs.update("main", comment="all") and w.catalogs.get("main").comment == "all"
assert w.schemas.update("main.default", comment="some") and w.schemas.get("main.default").comment == "some"

sql("CREATE TABLE main.default.fruit AS SELECT id, 'x' AS name FROM range(3)")
sql("CREATE VIEW main.default.seen AS SELECT 1 AS one")
def summaries(client, **patterns):
    return sorted((t.full_name, t.table_type.value) for t in client.tables.list_summaries("main", **patterns))
both = [("main.default.fruit", "MANAGED"), ("main.default.seen", "VIEW")]
assert summaries(w, schema_name_pattern="def%") == both, summaries(w)
assert summaries(w, table_name_pattern="fr_it") == both[:1] and summaries(w, schema_name_pattern="none") == []
sql("GRANT USE CATALOG ON CATALOG main TO `ada@example.com`")
sql("GRANT USE SCHEMA ON SCHEMA main.default TO `ada@example.com`")
assert summaries(ada, schema_name_pattern="default") == []
w.tables.update("main.default.fruit", owner="ada@example.com")
assert w.tables.get("main.default.fruit").owner == "ada@example.com" and summaries(ada, schema_name_pattern="default") == both[:1]
refused(NotFound, lambda: w.tables.update("main.default.fruit", owner="nobody@example.com"), "Could not find principal")
refused(PermissionDenied, lambda: ada.tables.delete("main.default.seen"), "is not an owner of Table")

copy = os.path.abspath("copy")
shutil.copytree(w.tables.get("main.default.fruit").storage_location.removeprefix("file://"), copy)
def column(name, text, kind, delta):
    return ColumnInfo(name=name, type_text=text, type_name=kind, position=0, type_json='{"name":"%s","type":"%s","nullable":true,"metadata":{}}' % (name, delta))
columns = [column("id", "bigint", ColumnTypeName.LONG, "long"), column("name", "string", ColumnTypeName.STRING, "string")]
def create(kind, columns, client=w):
    return client.tables.create("outside", "main", "default", kind, DataSourceFormat.DELTA, "file://" + copy, columns=columns)
refused(BadRequest, lambda: create(TableType.EXTERNAL, columns[:1]), "does not match the existing schema")
refused(NotImplemented, lambda: create(TableType.MANAGED, columns), "hint: use CREATE TABLE")
refused(PermissionDenied, lambda: create(TableType.EXTERNAL, columns, ada), "")
made = create(TableType.EXTERNAL, columns)
assert (made.full_name, made.table_type.value, [c.type_text for c in made.columns]) == ("main.default.outside", "EXTERNAL", ["bigint", "string"]), made
assert sql("SELECT count(*), max(name) FROM main.default.outside") == [["3", "x"]]
w.tables.delete("main.default.outside")
refused(NotFound, lambda: w.tables.get("main.default.outside"), "does not exist")
assert not w.tables.exists("main.default.outside").table_exists and os.listdir(copy), "the files of an external table stay"
ada.tables.delete("main.default.fruit")
refused(NotFound, lambda: w.tables.delete("main.default.fruit"), "does not exist")
print("changed")
"#;

/// Catalogs, schemas and tables are changed, found by patterns and dropped through the SDK; each only by who may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_changes_what_is_there() {
    let running = start().await;
    let variables = running.people_environment();
    let printed = running.python_with(&environment(TODAY).await, &variables, CHANGE).await;
    assert_eq!(printed.trim(), "changed");
}
