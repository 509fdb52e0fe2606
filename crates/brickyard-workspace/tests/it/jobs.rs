use crate::harness::{TODAY, environment, start};

/// The SDK makes a job of Python files in the workspace, runs it with parameters, reads outputs and failures, and cancels.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_runs_python_tasks() {
    let running = start().await;
    let variables = running.people_environment();
    let script = r#"
import io, os, time
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotImplemented, PermissionDenied
from databricks.sdk.service import jobs
from databricks.sdk.service.workspace import ImportFormat
w = WorkspaceClient()
ada = WorkspaceClient(token=os.environ["ADA_TOKEN"])
home = "/Users/developer@example.com/job"
w.workspace.mkdirs(home)
def put(name, text):
    w.workspace.upload(f"{home}/{name}", io.BytesIO(text.encode()), format=ImportFormat.AUTO, overwrite=True)
    return f"/Workspace{home}/{name}"
hello = put("hello.py", "import sys, os\nprint('hello', sys.argv[1], os.environ['DATABRICKS_HOST'] != '')\n")
fail = put("fail.py", "print('about to fail')\nraise ValueError('on purpose')\n")
forever = put("forever.py", "import time\nprint('waiting', flush=True)\ntime.sleep(600)\n")
def task(key, file, after=(), *params):
    return jobs.Task(task_key=key, depends_on=[jobs.TaskDependency(task_key=k) for k in after],
        spark_python_task=jobs.SparkPythonTask(python_file=file, parameters=list(params)))
def finish(run_id):
    for _ in range(600):
        run = w.jobs.get_run(run_id)
        if run.state.life_cycle_state.value in ("TERMINATED", "SKIPPED", "INTERNAL_ERROR"):
            return run
        time.sleep(0.1)
job = w.jobs.create(name="daily", tasks=[task("b", hello, ["a"], "{{task.name}}"), task("a", hello, [], "{{job.parameters.day}}")],
    parameters=[jobs.JobParameterDefinition(name="day", default="sunday")]).job_id
run = finish(w.jobs.run_now(job, job_parameters={"day": "monday"}).run_id)
print(run.state.result_state.value, [(t.task_key, t.state.result_state.value) for t in run.tasks])
print([w.jobs.get_run_output(t.run_id).logs.strip() for t in sorted(run.tasks, key=lambda t: t.task_key)])
bad = w.jobs.create(name="bad", tasks=[task("f", fail), task("g", hello, ["f"], "x")]).job_id
run = finish(w.jobs.run_now(bad).run_id)
print(run.state.result_state.value, run.state.state_message, [t.state.result_state.value for t in run.tasks])
output = w.jobs.get_run_output(run.tasks[0].run_id)
print(output.error, "about to fail" in output.logs, "Traceback" in output.error_trace)
slow = w.jobs.create(name="slow", tasks=[task("s", forever)]).job_id
first = w.jobs.run_now(slow, idempotency_token="t").run_id
print(first == w.jobs.run_now(slow, idempotency_token="t").run_id, finish(w.jobs.run_now(slow).run_id).state.result_state.value)
w.jobs.cancel_run(first)
print(finish(first).state.result_state.value, [j.settings.name for j in w.jobs.list()], len(list(w.jobs.list_runs(job_id=slow))))
try:
    ada.jobs.run_now(job)
except PermissionDenied:
    print("denied")
note = w.jobs.create(name="note", tasks=[jobs.Task(task_key="n", spark_jar_task=jobs.SparkJarTask(main_class_name="a.B"))]).job_id
try:
    w.jobs.run_now(note)
except NotImplemented as error:
    message, hint = str(error).split(". hint: use one of ")
    print(message, "spark_python_task" in hint)
w.jobs.delete(note)
"#;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let expected = "SUCCESS [('b', 'SUCCESS'), ('a', 'SUCCESS')]\n\
        ['hello monday True', 'hello b True']\n\
        FAILED Task f failed with message: ValueError: on purpose. ['FAILED', 'UPSTREAM_FAILED']\n\
        ValueError: on purpose True True\n\
        True MAXIMUM_CONCURRENT_RUNS_REACHED\n\
        CANCELED ['slow', 'bad', 'daily'] 2\n\
        denied\n\
        The local workspace does not implement job tasks of kind spark_jar_task True\n";
    assert_eq!(printed, expected);
}
