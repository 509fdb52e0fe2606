use brickyard_workspace::{ServingBackend, ServingEndpoint};

use crate::harness::{DEVELOPER, TODAY, environment, start};

/// Every permission level of every kind of object allows what it stands for and nothing above it; grants of Unity Catalog
/// too. The SDK gives, tries and takes.
#[tokio::test(flavor = "multi_thread")]
async fn every_level_allows_its_own_and_nothing_above() {
    let running = start().await;
    let file = running.directory.path().join("echo.py");
    std::fs::write(&file, "def predict(request):\n    return [1]\n").unwrap();
    let backend = ServingBackend::Python { file, requirements: Vec::new() };
    let endpoint = ServingEndpoint { name: "echo".to_owned(), task: None, backend };
    running.handle.put_serving_endpoint(endpoint).unwrap();
    let app = brickyard_api::App { name: "yard".to_owned(), ..brickyard_api::App::default() };
    running.handle.register_app(app, DEVELOPER).await.unwrap();
    let variables = running.people_environment();
    let script = r#"
import io, json, os
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, PermissionDenied
from databricks.sdk.service import dashboards, jobs, vectorsearch, workspace
from databricks.sdk.service.catalog import PermissionsChange, Privilege, VolumeType
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
w = WorkspaceClient()
ada = WorkspaceClient(token=os.environ["ADA_TOKEN"])
ME = "ada@example.com"
def may(call):
    try:
        call()
        return True
    except PermissionDenied:
        return False
warehouse = next(iter(w.warehouses.list())).id
job = w.jobs.create(name="j").job_id
experiment = w.experiments.create_experiment("/Shared/e").experiment_id
w.model_registry.create_model("m")
model = w.model_registry.get_model("m").registered_model_databricks.id
one = {"question": ["What is one?"], "sql": ["SELECT 1 AS one"]}
knowledge = {"version": 1, "data_sources": {"tables": [{"identifier": "samples.nyctaxi.trips"}]}, "instructions": {"example_question_sqls": [one]}}
space = w.genie.create_space(warehouse, json.dumps(knowledge), title="g").space_id
dashboard = w.lakeview.create(dashboards.Dashboard(display_name="d")).dashboard_id
vectors = w.vector_search_endpoints.create_endpoint_and_wait("v", vectorsearch.EndpointType.STANDARD).id
w.api_client.do("POST", "/api/2.0/app-spaces", body={"name": "room"})
home = "/Users/developer@example.com/shared"
w.workspace.mkdirs(home)
write = lambda client, name: client.workspace.upload(f"{home}/{name}", b"text", format=workspace.ImportFormat.RAW, overwrite=True)
write(w, "a.txt")
folder = str(w.workspace.get_status(home).object_id)
file = str(w.workspace.get_status(home + "/a.txt").object_id)
def manage(kind, id):
    return lambda: ada.permissions.update(kind, id, access_control_list=[])
kinds = {
    ("warehouses", warehouse): [("CAN_VIEW", lambda: ada.warehouses.get(warehouse)), ("CAN_USE", lambda: ada.statement_execution.execute_statement("SELECT 1", warehouse)), ("CAN_USE", lambda: ada.warehouses.start(warehouse)), ("CAN_MONITOR", None), ("CAN_MANAGE", lambda: ada.warehouses.stop(warehouse)), ("CAN_MANAGE", manage("warehouses", warehouse))],
    ("serving-endpoints", "echo"): [("CAN_VIEW", lambda: ada.serving_endpoints.get("echo")), ("CAN_QUERY", lambda: ada.serving_endpoints.query("echo", inputs=[1])), ("CAN_MANAGE", manage("serving-endpoints", "echo"))],
    ("jobs", str(job)): [("CAN_VIEW", lambda: ada.jobs.get(job)), ("CAN_MANAGE_RUN", lambda: ada.jobs.cancel_all_runs(job_id=job)), ("CAN_MANAGE", lambda: ada.jobs.update(job, new_settings=jobs.JobSettings(name="j")))],
    ("experiments", experiment): [("CAN_READ", lambda: ada.experiments.get_experiment(experiment)), ("CAN_EDIT", lambda: ada.experiments.set_experiment_tag(experiment, "k", "v")), ("CAN_MANAGE", lambda: ada.experiments.update_experiment(experiment, new_name="/Shared/e"))],
    ("apps", "yard"): [("CAN_USE", lambda: ada.apps.get("yard")), ("CAN_MANAGE", manage("apps", "yard"))],
    ("registered-models", model): [("CAN_READ", lambda: ada.model_registry.get_model("m")), ("CAN_EDIT", lambda: ada.model_registry.update_model("m", description="d")), ("CAN_MANAGE_STAGING_VERSIONS", None), ("CAN_MANAGE_PRODUCTION_VERSIONS", None), ("CAN_MANAGE", manage("registered-models", model))],
    ("genie", space): [("CAN_VIEW", lambda: ada.genie.get_space(space)), ("CAN_RUN", lambda: ada.genie.start_conversation(space, "What is one?")), ("CAN_EDIT", lambda: ada.genie.update_space(space, title="g")), ("CAN_MANAGE", lambda: ada.genie.list_conversations(space, include_all=True))],
    ("dashboards", dashboard): [("CAN_READ", lambda: ada.lakeview.get(dashboard)), ("CAN_RUN", None), ("CAN_EDIT", lambda: ada.lakeview.update(dashboard, dashboards.Dashboard(display_name="d"))), ("CAN_MANAGE", manage("dashboards", dashboard))],
    ("vector-search-endpoints", vectors): [("CAN_USE", lambda: ada.vector_search_endpoints.get_endpoint("v")), ("CAN_MANAGE", manage("vector-search-endpoints", vectors))],
    ("directories", folder): [("CAN_READ", lambda: ada.workspace.download(f"{home}/a.txt")), ("CAN_RUN", None), ("CAN_EDIT", lambda: write(ada, "a.txt")), ("CAN_MANAGE", lambda: write(ada, "b.txt"))],
    ("files", file): [("CAN_READ", lambda: ada.workspace.get_status(f"{home}/a.txt")), ("CAN_RUN", None), ("CAN_EDIT", lambda: write(ada, "a.txt")), ("CAN_MANAGE", manage("files", file))],
    ("app-spaces", "room"): [("CAN_USE", None), ("CAN_MANAGE", manage("app-spaces", "room"))],
}
for (kind, id), levels in kinds.items():
    wrong = []
    for held in [None, *range(len(levels))]:
        entry = [] if held is None else [AccessControlRequest(user_name=ME, permission_level=PermissionLevel(levels[held][0]))]
        w.permissions.set(kind, id, access_control_list=entry)
        order = [level for level, _ in levels]
        for level, call in levels:
            expected = held is not None and held >= order.index(level)
            if call and may(call) != expected:
                wrong.append((held, level))
    w.permissions.set(kind, id, access_control_list=[])
    print(kind, wrong)
w.permissions.set("files", file, access_control_list=[AccessControlRequest(user_name=ME, permission_level=PermissionLevel.CAN_READ)])
before = may(lambda: ada.workspace.download(f"{home}/a.txt")), may(lambda: ada.workspace.list(home).__next__())
w.workspace.delete(home, recursive=True)
w.workspace.mkdirs(home)
write(w, "a.txt")
print("a file of one's own", before, may(lambda: ada.workspace.download(f"{home}/a.txt")))
w.secrets.create_scope("s")
w.secrets.put_secret("s", "k", string_value="v")
acls = [("READ", lambda: ada.secrets.get_secret("s", "k")), ("WRITE", lambda: ada.secrets.put_secret("s", "k", string_value="v")), ("MANAGE", lambda: ada.secrets.put_acl("s", "users", workspace.AclPermission.READ))]
wrong = []
for held in [None, 0, 1, 2]:
    if held is not None:
        w.secrets.put_acl("s", ME, workspace.AclPermission[acls[held][0]])
    for needed, (level, call) in enumerate(acls):
        expected = held is not None and held >= needed
        if may(call) != expected:
            wrong.append((held, level))
print("secrets", wrong)
def run(client, text):
    answer = client.statement_execution.execute_statement(text, warehouse, wait_timeout="50s")
    if answer.status.state.value != "SUCCEEDED":
        raise PermissionDenied(answer.status.error.message) if "does not have" in answer.status.error.message else RuntimeError(answer.status.error.message)
w.permissions.set("warehouses", warehouse, access_control_list=[AccessControlRequest(user_name=ME, permission_level=PermissionLevel.CAN_USE)])
run(w, "CREATE TABLE main.default.t (id INT)")
run(w, "CREATE FUNCTION main.default.f(x INT) RETURNS INT RETURN x + 1")
w.volumes.create("main", "default", "v", VolumeType.MANAGED)
w.files.upload("/Volumes/main/default/v/a.txt", io.BytesIO(b"a"))
def give(kind, name, *privileges):
    w.grants.update(kind, name, changes=[PermissionsChange(principal=ME, add=list(privileges))])
def take(kind, name, *privileges):
    w.grants.update(kind, name, changes=[PermissionsChange(principal=ME, remove=list(privileges))])
things = [
    ("table", "main.default.t", Privilege.SELECT, lambda: run(ada, "SELECT * FROM main.default.t")),
    ("table", "main.default.t", Privilege.MODIFY, lambda: run(ada, "INSERT INTO main.default.t VALUES (1)")),
    ("function", "main.default.f", Privilege.EXECUTE, lambda: run(ada, "SELECT main.default.f(1)")),
    ("volume", "main.default.v", Privilege.READ_VOLUME, lambda: ada.files.download("/Volumes/main/default/v/a.txt")),
    ("volume", "main.default.v", Privilege.WRITE_VOLUME, lambda: ada.files.upload("/Volumes/main/default/v/b.txt", io.BytesIO(b"b"), overwrite=True)),
]
print("without the way", [may(call) for *_, call in things])
give("catalog", "main", Privilege.USE_CATALOG)
give("schema", "main.default", Privilege.USE_SCHEMA)
print("without a grant", [may(call) for *_, call in things])
for kind, name, privilege, _ in things:
    give(kind, name, privilege)
    print(privilege.value, [other.value for *_, other, call in things if may(call)])
    take(kind, name, privilege)
give("table", "main.default.t", Privilege.SELECT, Privilege.MODIFY)
print("both", [other.value for *_, other, call in things if may(call)])
"#;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let expected = "warehouses []\n\
        serving-endpoints []\n\
        jobs []\n\
        experiments []\n\
        apps []\n\
        registered-models []\n\
        genie []\n\
        dashboards []\n\
        vector-search-endpoints []\n\
        directories []\n\
        files []\n\
        app-spaces []\n\
        a file of one's own (True, False) False\n\
        secrets []\n\
        without the way [False, False, False, False, False]\n\
        without a grant [False, False, False, False, False]\n\
        SELECT ['SELECT']\n\
        MODIFY []\n\
        EXECUTE ['EXECUTE']\n\
        READ_VOLUME ['READ_VOLUME']\n\
        WRITE_VOLUME ['WRITE_VOLUME']\n\
        both ['SELECT', 'MODIFY']\n";
    assert_eq!(printed, expected);
}

/// The same for what is computed on and kept in Lakebase, and for notebooks; and the API lists the levels of every kind.
#[tokio::test(flavor = "multi_thread")]
async fn every_level_of_compute_databases_and_notebooks_allows_its_own() {
    let running = start().await;
    let script = r##"
import os
from databricks.sdk import WorkspaceClient
from databricks.sdk.common.types.fieldmask import FieldMask
from databricks.sdk.errors import InvalidState, PermissionDenied
from databricks.sdk.service import database, jobs, postgres, workspace
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
w = WorkspaceClient()
ada = WorkspaceClient(token=os.environ["ADA_TOKEN"])
def may(call):
    try:
        call()
        return True
    except PermissionDenied:
        return False
    except InvalidState:
        return True
def manage(kind, id):
    return lambda: ada.permissions.update(kind, id, access_control_list=[])
def run(note):
    task = jobs.SubmitTask(task_key="t", notebook_task=jobs.NotebookTask(notebook_path=note))
    run = ada.jobs.submit(tasks=[task]).response.run_id
    while (run := ada.jobs.get_run(run)).state.result_state is None or run.state.life_cycle_state.value == "RUNNING":
        run = run.run_id
    if run.state.result_state.value != "SUCCESS":
        error = ada.jobs.get_run_output(run.tasks[0].run_id).error
        raise PermissionDenied(error) if "CAN_RUN" in error else RuntimeError(error)
cluster = next(iter(w.clusters.list())).cluster_id
w.database.create_database_instance(database.DatabaseInstance(name="shop", capacity="CU_1")).result()
w.postgres.create_project(postgres.Project(), project_id="yard").wait()
home = "/Users/developer@example.com/notes"
w.workspace.mkdirs(home)
write = lambda client: client.workspace.upload(f"{home}/n.py", b"# Databricks notebook source\nprint(1)", format=workspace.ImportFormat.AUTO, overwrite=True)
write(w)
note = str(w.workspace.get_status(home + "/n").object_id)
kinds = {
    ("clusters", cluster): [("CAN_ATTACH_TO", lambda: ada.clusters.get(cluster)), ("CAN_RESTART", lambda: ada.clusters.start(cluster)), ("CAN_MANAGE", manage("clusters", cluster))],
    ("database-instances", "shop"): [("CAN_USE", lambda: ada.permissions.get("database-instances", "shop")), ("CAN_MANAGE", lambda: ada.database.update_database_instance("shop", database.DatabaseInstance(name="shop", custom_tags=[]), update_mask="custom_tags"))],
    ("database-projects", "yard"): [("CAN_USE", lambda: ada.permissions.get("database-projects", "yard")), ("CAN_MANAGE", lambda: ada.postgres.update_project("projects/yard", postgres.Project(spec=postgres.ProjectSpec(display_name="yard")), update_mask=FieldMask(["spec.display_name"])))],
    ("notebooks", note): [("CAN_READ", lambda: ada.workspace.export(f"{home}/n")), ("CAN_RUN", lambda: run(f"{home}/n")), ("CAN_EDIT", lambda: write(ada)), ("CAN_MANAGE", manage("notebooks", note))],
}
for (kind, id), levels in kinds.items():
    wrong = []
    for held in [None, *range(len(levels))]:
        entry = [] if held is None else [AccessControlRequest(user_name="ada@example.com", permission_level=PermissionLevel(levels[held][0]))]
        w.permissions.set(kind, id, access_control_list=entry)
        for needed, (level, call) in enumerate(levels):
            if call and may(call) != (held is not None and held >= needed):
                wrong.append((held, level))
    w.permissions.set(kind, id, access_control_list=[])
    print(kind, wrong)
# Who may edit a file of the name that a notebook's source has may not change the notebook.
w.workspace.upload(f"{home}/n.py", b"print(2)", format=workspace.ImportFormat.RAW)
file = str(w.workspace.get_status(home + "/n.py").object_id)
w.permissions.set("files", file, access_control_list=[AccessControlRequest(user_name="ada@example.com", permission_level=PermissionLevel.CAN_EDIT)])
print("a notebook through a file", may(lambda: write(ada)), may(lambda: ada.workspace.upload(f"{home}/n.py", b"print(3)", format=workspace.ImportFormat.RAW, overwrite=True)))
documents = ["alerts", "alertsv2", "dashboards", "dbsql-dashboards", "directories", "files", "notebooks", "queries", "repos"]
ids = {"directories": str(w.workspace.get_status(home).object_id), "files": note, "notebooks": note, "serving-endpoints": "none"}
for kind in ["clusters", "cluster-policies", "instance-pools", "pipelines", "jobs", "experiments", "genie", "registered-models", "vector-search-endpoints", "warehouses", "database-instances", "database-projects", *documents]:
    print(kind, *(level.permission_level.value for level in w.permissions.get_permission_levels(kind, ids.get(kind, "1")).permission_levels))
"##;
    let variables = running.people_environment();
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let mut expected = "clusters []\n\
        database-instances []\n\
        database-projects []\n\
        notebooks []\n\
        a notebook through a file False True\n\
        clusters CAN_ATTACH_TO CAN_RESTART CAN_MANAGE\n\
        cluster-policies CAN_USE\n\
        instance-pools CAN_ATTACH_TO CAN_MANAGE\n\
        pipelines CAN_VIEW CAN_RUN CAN_MANAGE IS_OWNER\n\
        jobs CAN_VIEW CAN_MANAGE_RUN CAN_MANAGE IS_OWNER\n\
        experiments CAN_READ CAN_EDIT CAN_MANAGE\n\
        genie CAN_VIEW CAN_RUN CAN_EDIT CAN_MANAGE\n\
        registered-models CAN_READ CAN_EDIT CAN_MANAGE_STAGING_VERSIONS CAN_MANAGE_PRODUCTION_VERSIONS CAN_MANAGE\n\
        vector-search-endpoints CAN_USE CAN_MANAGE\n\
        warehouses CAN_VIEW CAN_USE CAN_MONITOR CAN_MANAGE IS_OWNER\n\
        database-instances CAN_USE CAN_MANAGE\n\
        database-projects CAN_USE CAN_MANAGE\n"
        .to_owned();
    for kind in
        "alerts alertsv2 dashboards dbsql-dashboards directories files notebooks queries repos".split(' ')
    {
        expected.push_str(&format!("{kind} CAN_READ CAN_RUN CAN_EDIT CAN_MANAGE\n"));
    }
    assert_eq!(printed, expected);
}
