use crate::harness::{TODAY, environment, start};

/// Conditions choose a branch, iterations run one task for each input, and jobs run jobs with parameters, not without end.
#[tokio::test(flavor = "multi_thread")]
async fn conditions_iterations_and_other_jobs_run() {
    let running = start().await;
    let variables = running.people_environment();
    let script = r#"
import io, json, os, time
from databricks.sdk import WorkspaceClient
from databricks.sdk.service import jobs
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.workspace import ImportFormat, Language
w = WorkspaceClient()
ada = WorkspaceClient(token=os.environ["ADA_TOKEN"])
home = "/Users/developer@example.com/job"
w.workspace.mkdirs(home)
def put(name, text):
    w.workspace.upload(f"{home}/{name}", io.BytesIO(text.encode()), format=ImportFormat.AUTO, overwrite=True)
    return f"/Workspace{home}/{name}"
say = put("say.py", "import sys\nprint(*sys.argv[1:])\nsys.exit('no' if 'bad' in sys.argv else 0)\n")
w.workspace.upload(f"{home}/list", io.BytesIO(b"dbutils.jobs.taskValues.set('days', ['mon', 'bad', 'tue'])\n"), format=ImportFormat.SOURCE, language=Language.PYTHON, overwrite=True)
python = lambda *words: jobs.SparkPythonTask(python_file=say, parameters=list(words))
after = lambda key, outcome=None: [jobs.TaskDependency(task_key=key, outcome=outcome)]
def finish(client, run_id):
    for _ in range(1200):
        run = client.jobs.get_run(run_id)
        if run.state.life_cycle_state.value in ("TERMINATED", "SKIPPED", "INTERNAL_ERROR"):
            return run
        time.sleep(0.1)
def ends(run):
    return {t.task_key: t.state.result_state.value for t in run.tasks}
branches = w.jobs.create(name="branches", parameters=[jobs.JobParameterDefinition(name="n", default="9")], tasks=[
    jobs.Task(task_key="more", condition_task=jobs.ConditionTask(op=jobs.ConditionTaskOp.GREATER_THAN, left="{{job.parameters.n}}", right="10")),
    jobs.Task(task_key="big", depends_on=after("more", "true"), spark_python_task=python("big")),
    jobs.Task(task_key="small", depends_on=after("more", "false"), spark_python_task=python("small")),
    jobs.Task(task_key="after-big", depends_on=after("big"), spark_python_task=python("x")),
    jobs.Task(task_key="join", depends_on=after("big") + after("small"), run_if=jobs.RunIf.NONE_FAILED, spark_python_task=python("{{tasks.small.result_state}}")),
]).job_id
for given, outcome in (("9", "false"), ("10.5", "true")):
    run = finish(w, w.jobs.run_now(branches, job_parameters={"n": given}).run_id)
    print(run.state.result_state.value, run.tasks[0].condition_task.outcome == outcome, ends(run))
    if outcome == "false":
        print(w.jobs.get_run_output(next(t.run_id for t in run.tasks if t.task_key == "join")).logs.strip())
each = w.jobs.create(name="each", tasks=[
    jobs.Task(task_key="list", notebook_task=jobs.NotebookTask(notebook_path=f"{home}/list")),
    jobs.Task(task_key="loop", depends_on=after("list"), for_each_task=jobs.ForEachTask(inputs="{{tasks.list.values.days}}", concurrency=2,
        task=jobs.Task(task_key="one", spark_python_task=python("day", "{{input}}")))),
    jobs.Task(task_key="fields", for_each_task=jobs.ForEachTask(inputs=json.dumps([{"a": 1}, {"a": 2}]), task=jobs.Task(task_key="one", spark_python_task=python("a", "{{input.a}}")))),
]).job_id
run = finish(w, w.jobs.run_now(each).run_id)
print(run.state.result_state.value, ends(run))
for key in ("loop", "fields"):
    task = next(t for t in run.tasks if t.task_key == key)
    stats = task.for_each_task.stats.task_run_stats
    whole = w.jobs.get_run(task.run_id)
    # What a program writes to its two streams comes in either order.
    logs = [sorted(w.jobs.get_run_output(i.run_id).logs.splitlines()) for i in whole.iterations]
    print(stats.total_iterations, stats.succeeded_iterations, stats.failed_iterations, logs)
outer = w.jobs.create(name="outer", tasks=[jobs.Task(task_key="inner", run_job_task=jobs.RunJobTask(job_id=branches, job_parameters={"n": "11"}))]).job_id
run = finish(w, w.jobs.run_now(outer).run_id)
inner = w.jobs.get_run_output(run.tasks[0].run_id).run_job_output.run_id
print(run.state.result_state.value, w.jobs.get_run(inner).job_parameters[0].value, ends(w.jobs.get_run(inner))["big"])
circle = w.jobs.create(name="circle", max_concurrent_runs=9, tasks=[jobs.Task(task_key="t", spark_python_task=python("x"))]).job_id
w.jobs.update(circle, new_settings=jobs.JobSettings(tasks=[jobs.Task(task_key="again", run_job_task=jobs.RunJobTask(job_id=circle))]))
run = finish(w, w.jobs.run_now(circle).run_id)
print(run.state.result_state.value, "at most 3 levels" in run.state.state_message, len(list(w.jobs.list_runs(job_id=circle))))
slow = put("slow.py", "import time\ntime.sleep(600)\n")
waits = w.jobs.create(name="waits", tasks=[jobs.Task(task_key="s", spark_python_task=jobs.SparkPythonTask(python_file=slow))]).job_id
over = w.jobs.create(name="over", tasks=[jobs.Task(task_key="o", run_job_task=jobs.RunJobTask(job_id=waits))]).job_id
first = w.jobs.run_now(over).run_id
while not (below := list(w.jobs.list_runs(job_id=waits))):
    time.sleep(0.1)
w.jobs.cancel_run(first)
print(finish(w, first).state.result_state.value, finish(w, below[0].run_id).state.result_state.value)
theirs = ada.jobs.create(name="theirs", tasks=[jobs.Task(task_key="t", run_job_task=jobs.RunJobTask(job_id=branches))]).job_id
run = finish(ada, ada.jobs.run_now(theirs).run_id)
print(run.state.result_state.value, "CAN_MANAGE_RUN" in run.state.state_message)
def refused(task):
    try:
        w.jobs.run_now(w.jobs.create(name="r", tasks=[task]).job_id)
    except Exception as error:
        print(str(error).split(". Config")[0][:80])
nested = jobs.Task(task_key="n", for_each_task=jobs.ForEachTask(inputs="[1]", task=jobs.Task(task_key="x", spark_python_task=python("x"))))
refused(jobs.Task(task_key="a", for_each_task=jobs.ForEachTask(inputs="[1]", task=nested)))
refused(jobs.Task(task_key="a", spark_jar_task=jobs.SparkJarTask(main_class_name="a.B")))
local = {"task_key": "a", "for_each_task": {"inputs": "[1]", "task": {"task_key": "n", "spark_python_task": {"python_file": "/etc/hosts", "source": "LOCAL"}}}}
try:
    w.api_client.do("POST", "/api/2.2/jobs/create", body={"name": "l", "tasks": [local]})
except Exception as error:
    print("cannot be named" in str(error))
"#;
    let printed = running.python_with(&environment(TODAY).await, &variables, script).await;
    let expected = "SUCCESS True {'more': 'SUCCESS', 'big': 'EXCLUDED', 'small': 'SUCCESS', 'after-big': 'EXCLUDED', 'join': 'SUCCESS'}\n\
        success\n\
        SUCCESS True {'more': 'SUCCESS', 'big': 'SUCCESS', 'small': 'EXCLUDED', 'after-big': 'SUCCESS', 'join': 'SUCCESS'}\n\
        FAILED {'list': 'SUCCESS', 'loop': 'FAILED', 'fields': 'SUCCESS'}\n\
        3 2 1 [['day mon'], ['day bad', 'no'], ['day tue']]\n\
        2 2 0 [['a 1'], ['a 2']]\n\
        SUCCESS 11 SUCCESS\n\
        FAILED True 4\n\
        CANCELED CANCELED\n\
        FAILED True\n\
        A for_each_task iterates over a task that is neither it nor a condition\n\
        The local workspace does not implement job tasks of kind spark_jar_task. hint: u\n\
        True\n";
    assert_eq!(printed, expected);
}
