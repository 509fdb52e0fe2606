use crate::harness::{ADA, CLIENT_ID, DEVELOPER, Running, environment, start};

/// The newest client, with what a model in Python needs.
pub(crate) const MLFLOW: &[&str] = &["mlflow-skinny==3.17.2", "pandas==3.1.1"];
/// The client of the platform's pre-installed set.
const PREINSTALLED: &[&str] = &["mlflow-skinny==2.16.2", "setuptools<81"];
/// The same with what a model in Python and tracing need.
pub(crate) const PREINSTALLED_WITH_PANDAS: &[&str] = &[
    "mlflow-skinny==2.16.2",
    "setuptools<81",
    "pandas==2.2.3",
    "scipy==1.14.1",
    "opentelemetry-sdk==1.39.1",
];

/// Variables of a program that runs as this user.
pub(crate) fn variables(running: &Running, user: &str) -> Vec<(String, String)> {
    let mut variables = running.handle.client_environment();
    let token = running.handle.create_personal_access_token(user).unwrap();
    variables.push(("DATABRICKS_TOKEN".to_owned(), token));
    variables.push(("MLFLOW_TRACKING_URI".to_owned(), "databricks".to_owned()));
    variables.push(("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT".to_owned(), "1".to_owned()));
    variables.push(("GIT_PYTHON_REFRESH".to_owned(), "quiet".to_owned()));
    variables
}

/// Clients of both generations send files of a run, list and fetch them; who may not read the experiment gets none.
#[tokio::test(flavor = "multi_thread")]
async fn runs_keep_artifacts() {
    let running = start().await;
    let script = r#"
import os, sys, pathlib, mlflow
client = mlflow.MlflowClient()
mlflow.set_experiment("/Shared/files-" + mlflow.__version__.split(".")[0])
with mlflow.start_run() as run:
    mlflow.log_text("hello", "notes/a.txt")
    mlflow.log_dict({"k": 1}, "d.json")
    pathlib.Path("big.bin").write_bytes(bytes(range(256)) * 8192)
    mlflow.log_artifact("big.bin", "notes")
    pathlib.Path("empty.txt").write_text("")
    mlflow.log_artifact("empty.txt")
from mlflow.entities import Dataset, DatasetInput
client.log_inputs(run.info.run_id, [DatasetInput(Dataset("trips", "1", "local", "{}"))])
assert [i.dataset.name for i in client.get_run(run.info.run_id).inputs.dataset_inputs] == ["trips"]
print([(f.path, f.is_dir, f.file_size) for f in client.list_artifacts(run.info.run_id)])
print([(f.path, f.file_size) for f in client.list_artifacts(run.info.run_id, "notes")])
print(client.list_artifacts(run.info.run_id, "d.json"), client.list_artifacts(run.info.run_id, "nothing"))
print(mlflow.artifacts.load_text(run.info.artifact_uri + "/notes/a.txt"))
there = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="notes/big.bin")
print(pathlib.Path(there).read_bytes() == pathlib.Path("big.bin").read_bytes())
try:
    mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="../../x")
except Exception as error:
    print("refused")
pathlib.Path("run.txt").write_text(run.info.run_id)
"#;
    let variables = variables(&running, DEVELOPER);
    for requirements in [PREINSTALLED, MLFLOW] {
        let printed = running.python_with(&environment(requirements).await, &variables, script).await;
        let expected = "[('d.json', False, 12), ('empty.txt', False, 0), ('notes', True, None)]\n\
            [('notes/a.txt', 5), ('notes/big.bin', 2097152)]\n\
            [] []\n\
            hello\n\
            True\n\
            refused\n";
        assert_eq!(printed.replace('\r', ""), expected, "{requirements:?}");
    }
    let stranger = r#"
import pathlib, mlflow
run = pathlib.Path("run.txt").read_text()
for path in ("d.json",):
    try:
        mlflow.artifacts.download_artifacts(run_id=run, artifact_path=path)
    except Exception as error:
        print("does not have CAN_READ" in str(error))
"#;
    let printed =
        running.python_with(&environment(MLFLOW).await, &self::variables(&running, ADA), stranger).await;
    assert_eq!(printed, "True\n");
}

const MODEL: &str = r#"
import pathlib, mlflow, pandas
from mlflow.models import infer_signature
class Double(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["x"] * 2
frame = pandas.DataFrame({"x": [1.0, 2.0]})
def log(**more):
    return mlflow.pyfunc.log_model(name="double", python_model=Double(), pip_requirements=[],
        signature=infer_signature(frame, pandas.Series([2.0, 4.0])), **more)
"#;

/// A model is logged, found, measured, tagged, loaded and used.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_logged_and_loaded() {
    let running = start().await;
    let script = r#"
mlflow.set_experiment("/Shared/models")
with mlflow.start_run() as run:
    made = log(params={"depth": 3})
    mlflow.log_metric("rmse", 0.25, model_id=made.model_id)
client = mlflow.MlflowClient()
model = mlflow.get_logged_model(made.model_id)
print(model.name, model.status.value if hasattr(model.status, "value") else model.status, model.params, model.model_type)
print([(m.key, m.value) for m in model.metrics], model.source_run_id == run.info.run_id)
print([o.model_id == made.model_id for o in client.get_run(run.info.run_id).outputs.model_outputs])
print(list(mlflow.pyfunc.load_model(f"models:/{made.model_id}").predict(frame)))
print(list(mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/double").predict(frame)))
client.set_logged_model_tags(made.model_id, {"team": "yard", "gone": "soon"})
client.delete_logged_model_tag(made.model_id, "gone")
tags = mlflow.get_logged_model(made.model_id).tags
print(tags["team"], "gone" in tags)
try:
    client.delete_logged_model_tag(made.model_id, "gone")
except Exception as error:
    print(error.error_code)
mlflow.log_model_params({"width": "7"}, model_id=made.model_id)
print(mlflow.get_logged_model(made.model_id).params)
pathlib.Path("note.txt").write_text("hello")
client.log_model_artifact(made.model_id, "note.txt")
print([f.path for f in client.list_logged_model_artifacts(made.model_id) if not f.is_dir and not f.path.endswith(".yaml")])
second = mlflow.initialize_logged_model(name="other")
mlflow.finalize_logged_model(second.model_id, "FAILED")
def found(**search):
    return [m.name for m in mlflow.search_logged_models(output_format="list", **search)]
print(found(filter_string="metrics.rmse < 1 AND tags.team = 'yard'"), found(filter_string="name = 'other'"))
print(found(order_by=[{"field_name": "metrics.rmse", "ascending": True}]), len(found(max_results=1)))
client.delete_logged_model(second.model_id)
print(found())
"#;
    let script = format!("{MODEL}{script}");
    let printed =
        running.python_with(&environment(MLFLOW).await, &variables(&running, DEVELOPER), &script).await;
    let expected = "double READY {'depth': '3'} \n\
        [('rmse', 0.25)] True\n\
        [True]\n\
        [2.0, 4.0]\n\
        [2.0, 4.0]\n\
        yard False\n\
        RESOURCE_DOES_NOT_EXIST\n\
        {'depth': '3', 'width': '7'}\n\
        ['MLmodel', 'note.txt', 'python_model.pkl', 'requirements.txt']\n\
        ['double'] ['other']\n\
        ['double', 'other'] 1\n\
        ['double']\n";
    assert_eq!(printed, expected);
}

/// The workspace's registry: versions of a model, stages, tags, search and loading.
#[tokio::test(flavor = "multi_thread")]
async fn the_workspace_registry_keeps_versions_in_stages() {
    let running = start().await;
    let script = r#"
mlflow.set_registry_uri("databricks")
mlflow.set_experiment("/Shared/models")
client = mlflow.MlflowClient()
with mlflow.start_run() as run:
    log(registered_model_name="doubler")
    log(registered_model_name="doubler")
versions = client.search_model_versions("name = 'doubler'")
print([(v.version, v.current_stage, v.status) for v in versions])
client.transition_model_version_stage("doubler", "1", "Production")
client.transition_model_version_stage("doubler", "2", "production", archive_existing_versions=True)
print([(v.version, v.current_stage) for v in client.get_latest_versions("doubler")])
client.set_registered_model_tag("doubler", "team", "yard")
client.set_model_version_tag("doubler", "2", "ok", "yes")
client.update_registered_model("doubler", description="twice")
model = client.get_registered_model("doubler")
print(model.description, model.tags, client.get_model_version("doubler", "2").tags, [m.name for m in client.search_registered_models("name LIKE 'dou%'")])
print(list(mlflow.pyfunc.load_model("models:/doubler/Production").predict(frame)))
for call in (lambda: client.create_registered_model("doubler"), lambda: client.delete_registered_model("doubler"),
             lambda: client.get_registered_model("absent"), lambda: client.create_registered_model("a.b.c")):
    try:
        call()
    except Exception as error:
        print(error.error_code)
client.set_registered_model_tag("doubler", "gone", "soon")
client.delete_registered_model_tag("doubler", "gone")
client.set_model_version_tag("doubler", "2", "gone", "soon")
client.delete_model_version_tag("doubler", "2", "gone")
client.update_model_version("doubler", "2", description="second")
client.rename_registered_model("doubler", "twice")
model, version = client.get_registered_model("twice"), client.get_model_version("twice", "2")
print(model.tags, version.tags, version.description, version.name)
uri = client.get_model_version_download_uri("twice", "2")
print(uri == version.source, list(mlflow.pyfunc.load_model(uri).predict(frame)))
from databricks.sdk import WorkspaceClient
w = WorkspaceClient()
found = w.model_registry.get_model("twice").registered_model_databricks
print(found.permission_level.value, bool(found.id), sorted(v.version for v in found.latest_versions), [m.name for m in w.model_registry.list_models()])
moved = w.model_registry.transition_stage("twice", "2", "Archived", False).model_version_databricks
print(moved.current_stage, moved.version)
client.delete_model_version("twice", "1")
print([v.version for v in client.search_model_versions("name = 'twice'")])
client.delete_registered_model("twice")
print(client.search_registered_models())
"#;
    let script = format!("{MODEL}{script}");
    let printed =
        running.python_with(&environment(MLFLOW).await, &variables(&running, DEVELOPER), &script).await;
    let expected = "[('2', 'None', 'READY'), ('1', 'None', 'READY')]\n\
        [('1', 'Archived'), ('2', 'Production')]\n\
        twice {'team': 'yard'} {'ok': 'yes'} ['doubler']\n\
        [2.0, 4.0]\n\
        RESOURCE_ALREADY_EXISTS\n\
        INVALID_PARAMETER_VALUE\n\
        RESOURCE_DOES_NOT_EXIST\n\
        INVALID_PARAMETER_VALUE\n\
        {'team': 'yard'} {'ok': 'yes'} second twice\n\
        True [2.0, 4.0]\n\
        CAN_MANAGE True ['1', '2'] ['twice']\n\
        Archived 2\n\
        ['2']\n\
        []\n";
    assert_eq!(printed, expected);
}

/// Models in Unity Catalog: made with a grant, filled, finished, named by aliases, loaded by who may execute them.
#[tokio::test(flavor = "multi_thread")]
async fn models_live_in_unity_catalog() {
    let running = start().await;
    let script = r#"
mlflow.set_registry_uri("databricks-uc")
mlflow.set_experiment("/Shared/models")
client = mlflow.MlflowClient()
with mlflow.start_run() as run:
    log(registered_model_name="main.default.doubler")
version = client.get_model_version("main.default.doubler", "1")
print(version.version, version.status, version.run_id == run.info.run_id)
client.set_registered_model_alias("main.default.doubler", "champion", 1)
print(client.get_model_version_by_alias("main.default.doubler", "champion").version)
print(list(mlflow.pyfunc.load_model("models:/main.default.doubler@champion").predict(frame)))
print([m.name for m in client.search_registered_models()], [v.version for v in client.search_model_versions("name = 'main.default.doubler'")])
client.set_registered_model_tag("main.default.doubler", "team", "yard")
client.set_registered_model_tag("main.default.doubler", "gone", "soon")
client.delete_registered_model_tag("main.default.doubler", "gone")
client.update_registered_model("main.default.doubler", description="twice")
client.set_model_version_tag("main.default.doubler", "1", "ok", "yes")
client.set_model_version_tag("main.default.doubler", "1", "gone", "soon")
client.delete_model_version_tag("main.default.doubler", "1", "gone")
client.update_model_version("main.default.doubler", "1", description="first")
client.set_registered_model_alias("main.default.doubler", "gone", 1)
client.delete_registered_model_alias("main.default.doubler", "gone")
model, version = client.get_registered_model("main.default.doubler"), client.get_model_version("main.default.doubler", "1")
print(model.tags, model.description, model.aliases, version.tags, version.description)
log(registered_model_name="main.default.doubler")
client.delete_model_version("main.default.doubler", "2")
client.create_registered_model("main.default.spare")
client.delete_registered_model("main.default.spare")
print([v.version for v in client.search_model_versions("name = 'main.default.doubler'")])
from databricks.sdk import WorkspaceClient
w = WorkspaceClient()
print([m.full_name for m in w.registered_models.list()], w.registered_models.get("main.default.doubler").owner, [v.version for v in w.model_versions.list("main.default.doubler")])
try:
    w.files.upload("/Models/main/default/doubler/1/MLmodel", __import__("io").BytesIO(b"x"), overwrite=True)
except Exception as error:
    print(type(error).__name__, "is complete" in str(error))
"#;
    let script = format!("{MODEL}{script}");
    let environment = environment(MLFLOW).await;
    let printed = running.python_with(&environment, &variables(&running, DEVELOPER), &script).await;
    let expected = format!(
        "1 READY True\n\
        1\n\
        [2.0, 4.0]\n\
        ['main.default.doubler'] ['1']\n\
        {{'team': 'yard'}} twice {{'champion': '1'}} {{'ok': 'yes'}} first\n\
        ['1']\n\
        ['main.default.doubler'] {DEVELOPER} [1]\n\
        PermissionDenied True\n"
    );
    assert_eq!(printed, expected);

    let load = r#"
import mlflow, pandas
mlflow.set_registry_uri("databricks-uc")
try:
    print(list(mlflow.pyfunc.load_model("models:/main.default.doubler/1").predict(pandas.DataFrame({"x": [5.0]}))))
except Exception as error:
    print("EXECUTE" in str(error) or "USE SCHEMA" in str(error) or "Forbidden" in str(error) or str(error))
try:
    mlflow.MlflowClient().create_registered_model("main.default.mine")
    print("made")
except Exception as error:
    print("CREATE MODEL" in str(error) or "USE SCHEMA" in str(error) or str(error))
"#;
    let mut app = running.app_environment();
    app.push(("MLFLOW_TRACKING_URI".to_owned(), "databricks".to_owned()));
    assert_eq!(running.python_with(&environment, &app, load).await, "True\nTrue\n");
    let grant = r#"
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.catalog import PermissionsChange, Privilege
w = WorkspaceClient()
def give(kind, name, *privileges):
    w.grants.update(kind, name, changes=[PermissionsChange(principal="CLIENT", add=list(privileges))])
give("catalog", "main", Privilege.USE_CATALOG)
give("schema", "main.default", Privilege.USE_SCHEMA, Privilege.CREATE_MODEL)
give("function", "main.default.doubler", Privilege.EXECUTE)
"#;
    let grant = grant.replace("CLIENT", CLIENT_ID);
    running.python_with(&environment, &variables(&running, DEVELOPER), &grant).await;
    assert_eq!(running.python_with(&environment, &app, load).await, "[10.0]\nmade\n");
}

/// The client of the platform's pre-installed set asks for a cloud's credentials first, and is sent to signed addresses.
#[tokio::test(flavor = "multi_thread")]
async fn the_preinstalled_client_keeps_models_in_unity_catalog() {
    let running = start().await;
    let script = r#"
mlflow.set_registry_uri("databricks-uc")
mlflow.set_experiment("/Shared/models")
client = mlflow.MlflowClient()
with mlflow.start_run() as run:
    mlflow.pyfunc.log_model("double", python_model=Double(), pip_requirements=[], registered_model_name="main.default.older",
        signature=infer_signature(frame, pandas.Series([2.0, 4.0])))
history = json.loads(client.get_run(run.info.run_id).data.tags["mlflow.log-model.history"])
print([(m["artifact_path"], m["run_id"] == run.info.run_id) for m in history])
version = client.get_model_version("main.default.older", "1")
print(version.status, version.run_id == run.info.run_id)
# This client cannot list what lies behind signed addresses (it hands the SDK a query that is text), so the files are read so.
from databricks.sdk import WorkspaceClient
there = WorkspaceClient().files
pathlib.Path("copy").mkdir()
for entry in there.list_directory_contents("/Models/main/default/older/1"):
    if not entry.is_directory:
        pathlib.Path("copy", entry.name).write_bytes(there.download(entry.path).contents.read())
print(list(mlflow.pyfunc.load_model("copy").predict(frame)))
print(client.get_model_version_download_uri("main.default.older", "1") == "/Models/main/default/older/1")
"#;
    let begin = MODEL[..MODEL.find("def log").unwrap()].replace("import pathlib", "import json, pathlib");
    let environment = environment(PREINSTALLED_WITH_PANDAS).await;
    let script = format!("{begin}{script}");
    let printed = running.python_with(&environment, &variables(&running, DEVELOPER), &script).await;
    assert_eq!(printed, "[('double', True)]\nREADY True\n[2.0, 4.0]\nTrue\n");

    let stranger = r#"
import mlflow
mlflow.set_registry_uri("databricks-uc")
try:
    print(mlflow.pyfunc.load_model("models:/main.default.older/1"))
except Exception as error:
    print(error.error_code)
"#;
    let printed = running.python_with(&environment, &variables(&running, ADA), stranger).await;
    assert_eq!(printed, "PERMISSION_DENIED\n");
}
