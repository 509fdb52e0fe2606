use crate::harness::{ADA, DEVELOPER, environment, start};
use crate::mlflow_models::{MLFLOW, PREINSTALLED_WITH_PANDAS, variables};

/// An app is traced: spans, tags, assessments, search, links to runs; whoever may not read the experiment sees nothing.
#[tokio::test(flavor = "multi_thread")]
async fn apps_are_traced() {
    let running = start().await;
    let script = r#"
import pathlib, mlflow
mlflow.set_experiment("/Shared/agent")
experiment = mlflow.get_experiment_by_name("/Shared/agent").experiment_id
client = mlflow.MlflowClient()
@mlflow.trace(name="look up", span_type="TOOL")
def look_up(word):
    return {"word": word, "length": len(word)}
@mlflow.trace
def answer(question):
    mlflow.update_current_trace(tags={"kind": "test"}, metadata={"mlflow.trace.user": "ada"})
    return look_up(question)["length"]
with mlflow.start_run() as run:
    answer("hello")
    try:
        answer(None)
    except TypeError:
        pass
mlflow.flush_trace_async_logging()
traces = mlflow.search_traces(locations=[experiment], return_type="list", order_by=["timestamp_ms ASC"])
first = traces[0]
print([(t.info.state.value, t.info.tags["mlflow.traceName"], [s.name for s in t.data.spans]) for t in traces])
print(first.data.spans[1].outputs, first.info.request_preview, first.info.response_preview, first.info.execution_duration >= 0)
def found(text):
    return len(mlflow.search_traces(locations=[experiment], filter_string=text, return_type="list", include_spans=False))
print(found("trace.status = 'ERROR'"), found("tags.kind = 'test'"), found("metadata.`mlflow.trace.user` = 'ada'"), found("trace.name = 'answer'"), found("trace.name = 'x'"))
print(len(mlflow.search_traces(locations=[experiment], run_id=run.info.run_id, return_type="list")))
id = first.info.trace_id
mlflow.set_trace_tag(id, "checked", "yes")
mlflow.delete_trace_tag(id, "kind")
got = mlflow.get_trace(id)
print(got.info.tags["checked"], "kind" in got.info.tags, len(got.data.spans))
from mlflow.entities import AssessmentSource
made = mlflow.log_feedback(trace_id=id, name="good", value=True, source=AssessmentSource("HUMAN", "ada"), rationale="short")
mlflow.log_expectation(trace_id=id, name="length", value=5)
assert mlflow.get_assessment(trace_id=id, assessment_id=made.assessment_id).rationale == "short"
mlflow.update_assessment(trace_id=id, assessment_id=made.assessment_id, assessment=mlflow.entities.Feedback(name="good", value=False))
print([(a.name, a.value, a.source.source_type) for a in mlflow.get_trace(id).info.assessments])
mlflow.delete_assessment(trace_id=id, assessment_id=made.assessment_id)
print([a.name for a in mlflow.get_trace(id).info.assessments])

client.link_traces_to_run([id], run.info.run_id)
print(client.delete_traces(experiment, trace_ids=[id]), len(mlflow.search_traces(locations=[experiment], return_type="list")))
pathlib.Path("trace.txt").write_text(traces[1].info.trace_id)
"#;
    let environment = environment(MLFLOW).await;
    let printed = running.python_with(&environment, &variables(&running, DEVELOPER), script).await;
    let expected = "[('OK', 'answer', ['answer', 'look up']), ('ERROR', 'answer', ['answer', 'look up'])]\n\
        {'word': 'hello', 'length': 5} {\"question\": \"hello\"} 5 True\n\
        1 2 2 2 0\n\
        2\n\
        yes False 2\n\
        [('good', False, 'HUMAN'), ('length', 5.0, 'HUMAN')]\n\
        ['length']\n\
        1 1\n";
    assert_eq!(printed, expected);
    let stranger = r#"
import pathlib, mlflow
try:
    print(mlflow.MlflowClient().get_trace(pathlib.Path("trace.txt").read_text()))
except Exception as error:
    print("does not have CAN_READ" in str(error))
"#;
    let printed = running.python_with(&environment, &variables(&running, ADA), stranger).await;
    assert_eq!(printed, "True\n");
}

/// The client of the platform's pre-installed set speaks version 2 of the API.
#[tokio::test(flavor = "multi_thread")]
async fn the_preinstalled_client_traces_too() {
    let running = start().await;
    let script = r#"
import mlflow
experiment = mlflow.set_experiment("/Shared/older").experiment_id
client = mlflow.MlflowClient()
@mlflow.trace(name="answer")
def answer(question):
    return look_up(question)
@mlflow.trace(name="look up", span_type="TOOL")
def look_up(word):
    return {"length": len(word)}
answer("hello")
try:
    answer(None)
except TypeError:
    pass
root = client.start_trace("by hand", inputs={"a": 1}, tags={"kind": "test"})
client.end_trace(root.request_id, outputs={"b": 2})
def found(text=None, **more):
    return client.search_traces([experiment], text, order_by=["timestamp_ms ASC"], **more)
print([(t.info.status.value, [s.name for s in t.data.spans], t.info.execution_time_ms >= 0) for t in found()])
print([t.info.tags["mlflow.traceName"] for t in found("tags.kind = 'test'")], len(found("trace.status = 'ERROR'")))
page = found(max_results=2)
print(len(page), len(found(max_results=2, page_token=page.token)))
client.set_trace_tag(root.request_id, "checked", "yes")
client.delete_trace_tag(root.request_id, "kind")
got = client.get_trace(root.request_id)
print(got.data.spans[0].outputs, got.info.tags["checked"], "kind" in got.info.tags)
print(client.delete_traces(experiment, request_ids=[root.request_id]), len(found()))
"#;
    let environment = environment(PREINSTALLED_WITH_PANDAS).await;
    let printed = running.python_with(&environment, &variables(&running, DEVELOPER), script).await;
    let expected = "[('OK', ['answer', 'look up'], True), ('ERROR', ['answer', 'look up'], True), ('OK', ['by hand'], True)]\n\
        ['by hand'] 1\n\
        2 1\n\
        {'b': 2} yes False\n\
        1 2\n";
    assert_eq!(printed, expected);
}
