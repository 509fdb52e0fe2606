use crate::harness::{TODAY, environment, start};

/// Notebooks, wheels and SQL files run as tasks, hand values on, are retried, timed out, submitted once and deleted.
#[tokio::test(flavor = "multi_thread")]
async fn notebooks_wheels_and_sql_run() {
    let running = start().await;
    let variables = running.people_environment();
    let script = r#"
import io, os, time, zipfile
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service import compute, jobs
from databricks.sdk.service.workspace import ImportFormat, Language
w = WorkspaceClient()
ada = WorkspaceClient(token=os.environ["ADA_TOKEN"])
home = "/Users/developer@example.com/job"
w.workspace.mkdirs(home)
def finish(run_id):
    for _ in range(1200):
        run = w.jobs.get_run(run_id)
        if run.state.life_cycle_state.value in ("TERMINATED", "SKIPPED", "INTERNAL_ERROR"):
            return run
        time.sleep(0.1)
def outputs(run):
    return {t.task_key: w.jobs.get_run_output(t.run_id) for t in run.tasks}
note = '''# Databricks notebook source
# MAGIC %pip install databricks-sdk==0.156.0
# COMMAND ----------
# MAGIC %md
# MAGIC # A title
# COMMAND ----------
dbutils.widgets.text("day", "sunday")
day = dbutils.widgets.get("day")
dbutils.jobs.taskValues.set("count", 42)
# COMMAND ----------
# MAGIC %sql
# MAGIC SELECT 1 + 1 AS two
# COMMAND ----------
print("rows", _sqldf, flush=True)
dbutils.notebook.exit(f"it was {day}")
# COMMAND ----------
raise ValueError("never reached")
'''
w.workspace.upload(f"{home}/note", io.BytesIO(note.encode()), format=ImportFormat.SOURCE, language=Language.PYTHON, overwrite=True)
wheel = io.BytesIO()
with zipfile.ZipFile(wheel, "w") as archive:
    archive.writestr("yard/__init__.py", "import sys\ndef main():\n    print('wheel', sys.argv[1:])\n")
    archive.writestr("yard-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: yard\nVersion: 1.0\n")
    archive.writestr("yard-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    archive.writestr("yard-1.0.dist-info/entry_points.txt", "[console_scripts]\nrun = yard:main\n")
    archive.writestr("yard-1.0.dist-info/RECORD", "")
def put(name, content):
    w.workspace.upload(f"{home}/{name}", io.BytesIO(content), format=ImportFormat.AUTO, overwrite=True)
    return f"/Workspace{home}/{name}"
whl = put("yard-1.0-py3-none-any.whl", wheel.getvalue())
sql = put("count.sql", b"CREATE TABLE IF NOT EXISTS main.default.days AS SELECT :day AS day;\nSELECT count(*) AS n, max(day) AS day FROM main.default.days;\n")
warehouse = next(iter(w.warehouses.list())).id
job = w.jobs.create(name="kinds", parameters=[jobs.JobParameterDefinition(name="day", default="monday")],
    access_control_list=[jobs.JobAccessControlRequest(user_name="ada@example.com", permission_level=jobs.JobPermissionLevel.CAN_VIEW)],
    environments=[jobs.JobEnvironment(environment_key="e", spec=compute.Environment(client="1", dependencies=[whl]))],
    tasks=[
        jobs.Task(task_key="note", notebook_task=jobs.NotebookTask(notebook_path=f"{home}/note")),
        jobs.Task(task_key="wheel", depends_on=[jobs.TaskDependency("note")], environment_key="e",
            python_wheel_task=jobs.PythonWheelTask(package_name="yard", entry_point="run", parameters=["{{job.parameters.day}}", "{{tasks.note.values.count}}"])),
        jobs.Task(task_key="sql", sql_task=jobs.SqlTask(warehouse_id=warehouse, file=jobs.SqlTaskFile(path=sql), parameters={"day": "{{job.parameters.day}}"})),
    ]).job_id
run = finish(w.jobs.run_now(job, job_parameters={"day": "friday"}).run_id)
print(run.state.result_state.value, run.state.state_message)
found = outputs(run)
print(found["note"].notebook_output.result, "rows [{'two': '2'}]" in found["note"].logs)
print(found["wheel"].logs.strip())
print(found["sql"].sql_output.query_output.warehouse_id == warehouse)
print([r.status.state.value for r in [w.statement_execution.execute_statement("SELECT * FROM main.default.days", warehouse)]])
print(ada.jobs.get(job).settings.name, ada.jobs.get_run(run.run_id).state.result_state.value)
for call in (lambda: ada.jobs.run_now(job), lambda: ada.jobs.cancel_run(run.run_id), lambda: ada.jobs.delete(job)):
    try:
        call()
    except PermissionDenied as error:
        print(str(error).split(" permissions")[0].split(" have ")[1])
flaky = put("flaky.py", b"import os, sys\nfirst = not os.path.exists(sys.argv[1])\nopen(sys.argv[1], 'a').close()\nsys.exit('not yet' if first else 0)\n")
slow = put("slow.py", b"import time\ntime.sleep(600)\n")
fine = put("fine.py", b"print('fine')\n")
def python(key, file, *parameters, after=(), **more):
    return jobs.SubmitTask(task_key=key, depends_on=[jobs.TaskDependency(k) for k in after], spark_python_task=jobs.SparkPythonTask(python_file=file, parameters=list(parameters)), **more)
mark = os.path.join(os.getcwd(), "mark")
retried = w.jobs.create(name="retried", tasks=[jobs.Task(task_key="f", max_retries=2, min_retry_interval_millis=1, spark_python_task=jobs.SparkPythonTask(python_file=flaky, parameters=[mark]))]).job_id
run = finish(w.jobs.run_now(retried).run_id)
print(run.state.result_state.value, run.tasks[0].attempt_number)
once = w.jobs.submit(run_name="once", tasks=[
    python("slow", slow, timeout_seconds=1),
    python("never", fine, after=["slow"]),
    python("always", fine, after=["slow"], run_if=jobs.RunIf.ALL_DONE),
]).response.run_id
run = finish(once)
print(run.run_name, run.state.result_state.value, {t.task_key: t.state.result_state.value for t in run.tasks})
print([j.settings.name for j in w.jobs.list()])
w.jobs.delete_run(once)
try:
    w.jobs.get_run(once)
except Exception as error:
    print("does not exist" in str(error))
"#;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let expected = "SUCCESS \n\
        it was friday True\n\
        wheel ['friday', '42']\n\
        True\n\
        ['SUCCEEDED']\n\
        kinds SUCCESS\n\
        CAN_MANAGE_RUN\n\
        CAN_MANAGE_RUN\n\
        CAN_MANAGE\n\
        SUCCESS 1\n\
        once FAILED {'slow': 'TIMEDOUT', 'never': 'UPSTREAM_FAILED', 'always': 'SUCCESS'}\n\
        ['retried', 'kinds']\n\
        True\n";
    assert_eq!(printed, expected);
}
