use crate::harness::{PREINSTALLED, TODAY, environment, start};

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

/// Both generations of the SDK change settings, where tasks are merged by their keys, replace them, run what came of it,
/// stop it and forget it.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_changes_and_replaces_settings() {
    let running = start().await;
    let variables = running.people_environment();
    let script = r#"
import io, os, time
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied
from databricks.sdk.service import jobs
from databricks.sdk.service.workspace import ImportFormat
w = WorkspaceClient()
ada = WorkspaceClient(token=os.environ["ADA_TOKEN"])
home = "/Users/developer@example.com/changes"
w.workspace.mkdirs(home)
w.workspace.upload(f"{home}/say.py", io.BytesIO(b"import sys, time\nprint(sys.argv[1], flush=True)\nif sys.argv[1] == 'wait': time.sleep(600)\n"), format=ImportFormat.AUTO, overwrite=True)
def task(key, word, *after):
    return jobs.Task(task_key=key, depends_on=[jobs.TaskDependency(task_key=k) for k in after],
        spark_python_task=jobs.SparkPythonTask(python_file=f"/Workspace{home}/say.py", parameters=[word]))
def refused(kind, call):
    try:
        raise SystemExit(f"allowed {call()}")
    except kind as error:
        return str(error)
def words(job):
    return {t.task_key: t.spark_python_task.parameters[0] for t in w.jobs.get(job).settings.tasks}
job = w.jobs.create(name="first", tags={"a": "1"}, tasks=[task("a", "one"), task("b", "two", "a")]).job_id
w.jobs.update(job, new_settings=jobs.JobSettings(name="second", tasks=[task("b", "three", "a"), task("c", "four")]), fields_to_remove=["tags"])
print(w.jobs.get(job).settings.name, words(job), w.jobs.get(job).settings.tags)
assert "depend on each other" in refused(BadRequest, lambda: w.jobs.update(job, fields_to_remove=["tasks/a"]))
w.jobs.update(job, fields_to_remove=["tasks/c"])
print(words(job))
assert "timeout/b" in refused(BadRequest, lambda: w.jobs.update(job, fields_to_remove=["timeout/b"]))
refused(PermissionDenied, lambda: ada.jobs.update(job, new_settings=jobs.JobSettings(name="hers")))
refused(PermissionDenied, lambda: ada.jobs.reset(job, jobs.JobSettings(name="hers")))
w.jobs.reset(job, jobs.JobSettings(tasks=[task("z", "wait")]))
got = w.jobs.get(job).settings
print(got.name, got.max_concurrent_runs, words(job))
run = w.jobs.run_now(job).run_id
for _ in range(600):
    shown = w.jobs.get_run(run)
    if shown.state.life_cycle_state.value == "RUNNING":
        break
    time.sleep(0.1)
print(w.jobs.get_run_output(shown.tasks[0].run_id).metadata.run_id == shown.tasks[0].run_id, [r.run_id == run for r in w.jobs.list_runs(job_id=job, active_only=True)])
w.jobs.cancel_run(run)
while w.jobs.get_run(run).state.life_cycle_state.value != "TERMINATED":
    time.sleep(0.05)
print(w.jobs.get_run(run).state.result_state.value, [j.job_id == job for j in w.jobs.list()])
w.jobs.delete_run(run)
refused((NotFound, BadRequest), lambda: w.jobs.get_run(run))
once = w.jobs.submit(run_name="once", tasks=[jobs.SubmitTask(task_key="s", spark_python_task=jobs.SparkPythonTask(python_file=f"/Workspace{home}/say.py", parameters=["wait"]))]).run_id
w.jobs.cancel_all_runs(all_queued_runs=True)
assert w.jobs.get_run(once).state.result_state is None, "it does not wait in a queue"
w.jobs.cancel_run(once)
second = w.jobs.run_now(job).run_id
w.jobs.cancel_all_runs(job_id=job)
while w.jobs.get_run(second).state.life_cycle_state.value != "TERMINATED":
    time.sleep(0.05)
w.jobs.delete(job)
refused((NotFound, BadRequest), lambda: w.jobs.get(job))
print(list(w.jobs.list()))
"#;
    let expected = "second {'a': 'one', 'b': 'three', 'c': 'four'} None\n\
        {'a': 'one', 'b': 'three'}\n\
        Untitled 1 {'z': 'wait'}\n\
        True [True]\n\
        CANCELED [True]\n\
        []\n";
    for requirements in [TODAY, PREINSTALLED] {
        let printed = running.python_with(&environment(requirements).await, &variables, script).await;
        assert_eq!(printed, expected, "{requirements:?}");
    }
}
