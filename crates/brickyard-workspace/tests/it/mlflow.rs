use crate::harness::{DEVELOPER, environment, start};
use crate::mlflow_models::{self, variables};

const MLFLOW: &[&str] = &["mlflow-skinny==2.16.2", "setuptools<81"];

/// `mlflow` of the platform's pre-installed set makes an experiment, logs a run, and searches.
#[tokio::test(flavor = "multi_thread")]
async fn the_client_logs_and_searches() {
    let running = start().await;
    let mut variables = running.handle.client_environment();
    let token = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    variables.push(("DATABRICKS_TOKEN".to_owned(), token));
    let script = r#"
import mlflow
from mlflow.exceptions import RestException
mlflow.set_tracking_uri("databricks")
client = mlflow.MlflowClient()
experiment = mlflow.set_experiment("/Shared/taxi")
for depth in (2, 3):
    with mlflow.start_run(run_name=f"depth-{depth}") as run:
        mlflow.log_param("depth", depth)
        for step in range(3):
            mlflow.log_metric("rmse/test", 1.0 / (depth + step), step=step)
        mlflow.log_metrics({"a": 1, "b": float("inf")})
        mlflow.set_tag("team", "yard")
print(run.info.status, client.get_run(run.info.run_id).data.params, client.get_run(run.info.run_id).info.status)
print([round(m.value, 2) for m in client.get_metric_history(run.info.run_id, "rmse/test")])
print(client.get_run(run.info.run_id).data.metrics["b"], client.get_run(run.info.run_id).data.tags["team"])
found = client.search_runs([experiment.experiment_id], "metrics.`rmse/test` < 0.21 and tags.team = 'yard'", order_by=["params.depth DESC"])
print([r.info.run_name for r in found])
print([r.info.run_name for r in client.search_runs([experiment.experiment_id], "", order_by=["metrics.`rmse/test` DESC"])])
print(len(client.search_runs([experiment.experiment_id], "params.depth = '3'", max_results=1)))
client.set_experiment_tag(experiment.experiment_id, "k", "v")
print(client.get_experiment(experiment.experiment_id).tags["k"], [e.name for e in client.search_experiments()])
try:
    client.log_param(run.info.run_id, "depth", 9)
except Exception as error:
    print(type(error).__name__, "already logged" in str(error))
try:
    client.get_run("0" * 32)
except RestException as error:
    print(error.error_code)
"#;
    let printed = running.python_with(&environment(MLFLOW).await, &variables, script).await;
    let expected = "RUNNING {'depth': '3'} FINISHED\n\
        [0.33, 0.25, 0.2]\n\
        inf yard\n\
        ['depth-3']\n\
        ['depth-2', 'depth-3']\n\
        1\n\
        v ['/Shared/taxi']\n\
        MlflowException True\n\
        RESOURCE_DOES_NOT_EXIST\n";
    assert_eq!(printed, expected);
}

/// Experiments are renamed; they and their runs are deleted and come back; what is deleted takes nothing, as the client's
/// own store has it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_takes_nothing_and_comes_back() {
    let running = start().await;
    let script = r#"
import mlflow
client = mlflow.MlflowClient()
def refused(call):
    try:
        print("allowed", call())
    except Exception as error:
        print(error.error_code, str(error).split(": ", 1)[1])
experiment = client.create_experiment("/Shared/first")
run = client.create_run(experiment).info.run_id
client.rename_experiment(experiment, "/Shared/second")
client.set_experiment_tag(experiment, "k", "v")
client.set_experiment_tag(experiment, "kept", "v")
client.delete_experiment_tag(experiment, "k")
print(client.get_experiment(experiment).name, client.get_experiment(experiment).tags, client.get_experiment_by_name("/Shared/first"))
refused(lambda: client.delete_experiment_tag(experiment, "k"))
client.set_tag(run, "k", "v")
client.delete_tag(run, "k")
print("k" in client.get_run(run).data.tags)
refused(lambda: client.delete_tag(run, "k"))
def stages():
    there = [e.experiment_id for e in client.search_experiments()]
    return client.get_experiment(experiment).lifecycle_stage, experiment in there, client.get_run(run).info.lifecycle_stage, len(client.search_runs([experiment]))
client.delete_run(run)
print(stages(), len(client.search_runs([experiment], run_view_type=mlflow.entities.ViewType.DELETED_ONLY)))
RUN, EXPERIMENT = "The run " + run, "The experiment " + experiment
for call in (lambda: client.log_metric(run, "m", 1), lambda: client.log_param(run, "p", 1), lambda: client.set_tag(run, "k", "v"),
             lambda: client.delete_tag(run, "k"), lambda: client.update_run(run, status="FINISHED"), lambda: client.log_batch(run, tags=[mlflow.entities.RunTag("a", "b")])):
    try:
        print("allowed", call())
    except Exception as error:
        assert RUN + " must be in the 'active' state" in str(error), error
client.restore_run(run)
client.log_metric(run, "m", 1)
print(stages())
client.delete_experiment(experiment)
print(stages())
try:
    print("allowed", client.create_run(experiment))
except Exception as error:
    print(error.error_code, EXPERIMENT + " must be in the 'active' state" in str(error))
client.restore_experiment(experiment)
print(stages(), client.get_run(run).data.metrics)
"#;
    let environment = environment(mlflow_models::MLFLOW).await;
    let printed = running.python_with(&environment, &variables(&running, DEVELOPER), script).await;
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[0], "/Shared/second {'kept': 'v'} None");
    assert!(lines[1].starts_with("RESOURCE_DOES_NOT_EXIST No tag with name: k in experiment"), "{printed}");
    assert_eq!(lines[2], "False");
    assert!(lines[3].starts_with("RESOURCE_DOES_NOT_EXIST No tag with name: k in run"), "{printed}");
    assert_eq!(
        &lines[4..],
        [
            "('active', True, 'deleted', 0) 1",
            "('active', True, 'active', 1)",
            "('deleted', False, 'deleted', 0)",
            "INVALID_PARAMETER_VALUE True",
            "('active', True, 'active', 1) {'m': 1.0}",
        ],
        "{printed}"
    );
}
