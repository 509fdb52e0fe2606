use crate::harness::{DEVELOPER, environment, start};

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
