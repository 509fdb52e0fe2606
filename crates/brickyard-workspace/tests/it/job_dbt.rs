use crate::harness::{TODAY, environment, start};

/// dbt itself runs a project's commands against the warehouse, by the profile of the task or one of the project's own;
/// what fails is told with dbt's words, and nobody runs what they may not read.
#[tokio::test(flavor = "multi_thread")]
async fn dbt_projects_run() {
    let running = start().await;
    let variables = running.people_environment();
    let script = r#"
import io, os, time
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest
from databricks.sdk.service import compute, jobs
from databricks.sdk.service.workspace import ImportFormat
w = WorkspaceClient()
ada = WorkspaceClient(token=os.environ["ADA_TOKEN"])
home = "/Workspace/Users/developer@example.com/shop"
def put(name, content):
    w.workspace.mkdirs(os.path.dirname(f"{home}/{name}"))
    w.workspace.upload(f"{home}/{name}", io.BytesIO(content.encode()), format=ImportFormat.RAW, overwrite=True)
put("dbt_project.yml", "name: shop\nversion: 1.0.0\nprofile: yard\nmodel-paths: [models]\nseed-paths: [seeds]\n")
put("seeds/orders.csv", "id,amount\n1,10\n2,32\n")
put("models/total.sql", "{{ config(materialized='table') }}\nselect sum(amount) as total from {{ ref('orders') }}\n")
put("models/schema.yml", "models:\n- name: total\n  columns:\n  - name: total\n    data_tests: [not_null, unique]\n")
put("own/profiles.yml", "yard: {target: t, outputs: {t: {type: databricks, host: \"{{ env_var('DBT_HOST') }}\", token: \"{{ env_var('DBT_ACCESS_TOKEN') }}\", http_path: \"/sql/1.0/warehouses/WAREHOUSE\", catalog: main, schema: own, threads: 2}}}\n".replace("WAREHOUSE", next(iter(w.warehouses.list())).id))
warehouse = next(iter(w.warehouses.list())).id
def run(client, commands, **more):
    task = jobs.DbtTask(commands=commands, project_directory=home, **more)
    libraries = [compute.Library(pypi=compute.PythonPyPiLibrary(package=name)) for name in ("dbt-databricks==1.11.8", "dbt-core==1.11.8")]
    run = client.jobs.submit(run_name="dbt", tasks=[jobs.SubmitTask(task_key="d", dbt_task=task, libraries=libraries)]).response.run_id
    while (shown := client.jobs.get_run(run)).state.life_cycle_state.value not in ("TERMINATED", "INTERNAL_ERROR"):
        time.sleep(0.1)
    return shown.state.result_state.value, client.jobs.get_run_output(shown.tasks[0].run_id)
def rows(text):
    return w.statement_execution.execute_statement(text, warehouse, wait_timeout="50s").result.data_array
result, output = run(w, ["dbt seed", "dbt build --exclude resource_type:seed"], warehouse_id=warehouse, catalog="main", schema="marts")
print(result, "Done. PASS=3" in output.logs or output.logs, rows("SELECT total FROM main.marts.total"))
result, output = run(w, ["dbt seed"], profiles_directory="own")
print(result, rows("SELECT count(*) FROM main.own.orders"))
put("models/total.sql", "select no_such_column from {{ ref('orders') }}\n")
result, output = run(w, ["dbt run", "dbt test"], warehouse_id=warehouse, catalog="main", schema="marts")
print(result, output.error, "no_such_column" in output.logs, "dbt test" in output.logs.replace(output.error, ""))
result, output = run(ada, ["dbt run"], warehouse_id=warehouse)
print(result, "CAN_READ" in output.error or output.error)
try:
    run(w, ["sh -c true"], warehouse_id=warehouse)
except BadRequest as error:
    print(error)
"#;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let expected = "SUCCESS True [['42']]\n\
        SUCCESS [['2']]\n\
        FAILED `dbt run` ended with exit code 1 True False\n\
        FAILED True\n\
        Commands of a dbt task start with 'dbt', not 'sh -c true'\n";
    assert_eq!(printed, expected);
}
