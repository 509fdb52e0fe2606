use brickyard_workspace::{ServingBackend, ServingEndpoint, ServingOptions};

use crate::harness::{CLIENT_ID, DEVELOPER, Running, TODAY, environment, start};
use crate::mlflow_models::MLFLOW;

fn put(running: &Running, name: &str, backend: ServingBackend, options: ServingOptions) {
    let endpoint = ServingEndpoint { name: name.to_owned(), task: Some("llm/v1/chat".to_owned()), backend };
    running.handle.put_serving_endpoint(endpoint).unwrap();
    running.handle.set_serving_options(name, options);
    running.handle.grant_object(CLIENT_ID, "serving-endpoints", name, "CAN_QUERY").unwrap();
}

fn python(running: &Running, source: &str) -> ServingBackend {
    let file = running.directory.path().join(format!("{:x}.py", source.len()));
    std::fs::write(&file, source).unwrap();
    ServingBackend::Python { file, requirements: Vec::new() }
}

/// Rate limits answer 429 with `Retry-After`, a full endpoint too; slow models time out; requests, answers and feedback
/// are rows of a table; the API sets the limits.
#[tokio::test(flavor = "multi_thread")]
async fn limits_feedback_and_the_request_log() {
    let running = start().await;
    let echo = "import time\ndef predict(request):\n    text = request['messages'][-1]['content']\n    if text == 'slow':\n        time.sleep(8)\n    if request.get('stream'):\n        return (word for word in ('a ', 'b'))\n    return text.upper()\n";
    let logged = ServingOptions {
        log_table: Some("main.default.echo_payload".to_owned()),
        timeout: Some(std::time::Duration::from_secs(2)),
        ..ServingOptions::default()
    };
    put(&running, "echo", python(&running, echo), logged);
    let limited = ServingOptions { calls_per_minute_and_user: Some(2), ..ServingOptions::default() };
    put(&running, "limited", python(&running, echo), limited);
    let single = ServingOptions { concurrency: Some(1), ..ServingOptions::default() };
    put(&running, "single", python(&running, echo), single);
    let script = r#"
import concurrent.futures, openai
from databricks.sdk import WorkspaceClient
w = WorkspaceClient()
client = w.serving_endpoints.get_open_ai_client().with_options(max_retries=0)
def ask(model, text, **more):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **more)
print(ask("echo", "it's \\ fine").choices[0].message.content)
print("".join(c.choices[0].delta.content or "" for c in ask("echo", "hi", stream=True)))
try:
    ask("echo", "slow")
except openai.APIStatusError as error:
    print(error.status_code, "longer than 2 seconds" in str(error))
for _ in range(2):
    ask("limited", "x")
try:
    ask("limited", "x")
except openai.RateLimitError as error:
    print(error.status_code, 1 <= int(error.response.headers["retry-after"]) <= 60, error.response.json()["error_code"])
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    slow = pool.submit(ask, "single", "slow")
    import time
    time.sleep(1)
    try:
        ask("single", "x")
    except openai.RateLimitError as error:
        print(error.status_code, error.response.headers["retry-after"], "same time" in str(error))
    print(slow.result().choices[0].message.content)
    print(ask("single", "free").choices[0].message.content)
import requests
answer = requests.post(f"{w.config.host}/serving-endpoints/echo/served-models/feedback/invocations", headers=w.config.authenticate(),
    json={"dataframe_records": [{"request_id": "r", "text_assessments": [{"ratings": {"answer_correct": {"value": "positive"}}}]}]})
print(answer.status_code)
"#;
    let printed = running.python(&environment(TODAY).await, script).await;
    let expected = "IT'S \\ FINE\n\
        a b\n\
        504 True\n\
        429 True REQUEST_LIMIT_EXCEEDED\n\
        429 1 True\n\
        SLOW\n\
        FREE\n\
        200\n";
    assert_eq!(printed, expected);
    let mut developer = running.handle.client_environment();
    let token = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    developer.push(("DATABRICKS_TOKEN".to_owned(), token));
    let read = r#"
import json, time
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.serving import AiGatewayRateLimit, AiGatewayRateLimitKey, AiGatewayRateLimitRenewalPeriod, RateLimit, RateLimitKey, RateLimitRenewalPeriod
w = WorkspaceClient()
warehouse = next(iter(w.warehouses.list())).id
query = "SELECT status_code, served_entity_id, request, response, length(requester) FROM main.default.echo_payload ORDER BY request_time"
for _ in range(600):
    answer = w.statement_execution.execute_statement(query, warehouse, wait_timeout="50s")
    rows = answer.result.data_array if answer.status.state.value == "SUCCEEDED" else []
    if rows and len(rows) == 4:
        break
    time.sleep(0.1)
for status, entity, request, response, name in rows:
    print(status, entity, json.loads(request).get("messages", [{}])[0].get("content"), "upper" if "FINE" in response else "done" if "[DONE]" in response else "", name)
set = w.serving_endpoints.put_ai_gateway("limited", rate_limits=[AiGatewayRateLimit(calls=0, key=AiGatewayRateLimitKey.ENDPOINT, renewal_period=AiGatewayRateLimitRenewalPeriod.MINUTE)])
print([(l.key.value, l.calls) for l in set.rate_limits], w.serving_endpoints.get("limited").ai_gateway.rate_limits[0].calls)
set = w.serving_endpoints.put("limited", rate_limits=[RateLimit(calls=7, key=RateLimitKey.USER, renewal_period=RateLimitRenewalPeriod.MINUTE)])
print([(l.key.value, l.calls) for l in set.rate_limits], [(l.key.value, l.calls) for l in w.serving_endpoints.get("limited").ai_gateway.rate_limits])
"#;
    let printed = running.python_with(&environment(TODAY).await, &developer, read).await;
    let expected = "200 echo it's \\ fine upper 36\n\
        200 echo hi done 36\n\
        504 echo slow  36\n\
        200 feedback None  36\n\
        [('endpoint', 0)] 0\n\
        [('user', 7)] [('user', 7)]\n";
    assert_eq!(printed, expected);
}

/// A model that `MLflow` saved answers data frames, split and by record, from its own environment, warm after the first.
#[tokio::test(flavor = "multi_thread")]
async fn an_mlflow_model_is_served() {
    let running = start().await;
    let save = r#"
import mlflow, os, pandas
from mlflow.models import infer_signature
class Double(mlflow.pyfunc.PythonModel):
    def __init__(self):
        self.calls = 0
    def predict(self, context, model_input, params=None):
        self.calls += 1
        return model_input["x"] * 2 + self.calls * 100
mlflow.pyfunc.save_model("model", python_model=Double(), pip_requirements=["mlflow-skinny==3.17.2", "pandas==3.1.1"],
    signature=infer_signature(pandas.DataFrame({"x": [1.0]}), pandas.Series([2.0])))
print(os.path.abspath("model"))
"#;
    let variables = vec![("GIT_PYTHON_REFRESH".to_owned(), "quiet".to_owned())];
    let made = running.python_with(&environment(MLFLOW).await, &variables, save).await;
    let model = made.trim().into();
    let backend = ServingBackend::Mlflow { model, requirements: Vec::new() };
    let endpoint = ServingEndpoint { name: "double".to_owned(), task: None, backend };
    running.handle.put_serving_endpoint(endpoint).unwrap();
    let nothing =
        ServingBackend::Mlflow { model: running.directory.path().join("none"), requirements: Vec::new() };
    let absent = ServingEndpoint { name: "absent".to_owned(), task: None, backend: nothing };
    running.handle.put_serving_endpoint(absent).unwrap();
    for name in ["double", "absent"] {
        running.handle.grant_object(CLIENT_ID, "serving-endpoints", name, "CAN_QUERY").unwrap();
    }
    let ask = r#"
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.serving import DataframeSplitInput
w = WorkspaceClient()
print(w.serving_endpoints.query("double", dataframe_records=[{"x": 1.0}, {"x": 2.0}]).predictions)
print(w.serving_endpoints.query("double", dataframe_split=DataframeSplitInput(columns=["x"], data=[[3.0]])).predictions)
for name, more in (("double", {"dataframe_records": [{"y": 1.0}]}), ("absent", {"inputs": [1]})):
    try:
        w.serving_endpoints.query(name, **more)
    except Exception as error:
        print(type(error).__name__, "is not an MLflow model" in str(error) or "'x'" in str(error) or str(error))
"#;
    let printed = running.python(&environment(TODAY).await, ask).await;
    assert_eq!(
        printed,
        "[{'x': 102.0}, {'x': 104.0}]\n[{'x': 206.0}]\nBadRequest True\nInvalidParameterValue True\n"
    );
}

/// Every door of `openai` leads to a Python function: chat with tools, completions, embeddings, responses, streams; and an
/// endpoint without a backend says how to name one.
#[tokio::test(flavor = "multi_thread")]
async fn openai_comes_through_every_door() {
    let running = start().await;
    let model = "def predict(request):\n    if 'tools' in request:\n        call = {'id': 'c1', 'type': 'function', 'function': {'name': request['tools'][0]['function']['name'], 'arguments': '{\"x\": 1}'}}\n        return {'id': 'a', 'object': 'chat.completion', 'created': 0, 'model': 'm', 'choices': [{'index': 0, 'finish_reason': 'tool_calls', 'message': {'role': 'assistant', 'content': None, 'tool_calls': [call]}}]}\n    if isinstance(request.get('input'), list) and all(isinstance(text, str) for text in request['input']):\n        return [[float(len(text))] for text in request['input']]\n    if request.get('stream'):\n        return (word for word in ('one ', 'two'))\n    return 'one two'\n";
    put(&running, "all", python(&running, model), ServingOptions::default());
    put(&running, "databricks-claude-sonnet-4", ServingBackend::Unset, ServingOptions::default());
    let script = r#"
import openai
from databricks.sdk import WorkspaceClient
client = WorkspaceClient().serving_endpoints.get_open_ai_client().with_options(max_retries=0)
tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}}}}
asked = client.chat.completions.create(model="all", messages=[{"role": "user", "content": "hi"}], tools=[tool])
print(asked.choices[0].finish_reason, asked.choices[0].message.tool_calls[0].function.name, asked.choices[0].message.tool_calls[0].function.arguments)
print(client.completions.create(model="all", prompt="x").choices[0].text, [c.choices[0].text for c in client.completions.create(model="all", prompt="x", stream=True)])
print([e.embedding for e in client.embeddings.create(model="all", input=["a", "bcd"], encoding_format="float").data])
answer = client.responses.create(model="all", input="hi")
print(answer.output_text, answer.status)
events = list(client.responses.create(model="all", input="hi", stream=True))
print([e.type for e in events], events[-1].response.output_text)
try:
    client.chat.completions.create(model="databricks-claude-sonnet-4", messages=[{"role": "user", "content": "hi"}])
except openai.BadRequestError as error:
    print("[serving.databricks-claude-sonnet-4]" in str(error), "url =" in str(error))
w = WorkspaceClient()
token = w.config.authenticate()["Authorization"].removeprefix("Bearer ")
def gateway(api):
    return openai.OpenAI(base_url=f"{w.config.host}/ai-gateway/{api}/v1", api_key=token, max_retries=0)
chat = gateway("mlflow").chat.completions.create(model="all", messages=[{"role": "user", "content": "hi"}])
print(chat.choices[0].message.content, gateway("openai").responses.create(model="all", input="hi").output_text)
print(gateway("mlflow").responses.create(model="all", input="hi").output_text, gateway("openai").chat.completions.create(model="all", messages=[{"role": "user", "content": "hi"}]).choices[0].message.content)
print([gateway(api).embeddings.create(model="all", input=["a"], encoding_format="float").data[0].embedding for api in ("mlflow", "openai")])
for ask in (client, gateway("mlflow")):
    try:
        ask.responses.create(model="apps/helper", input="hi")
    except openai.NotFoundError as error:
        print("asks the app itself" in str(error), "was not found" in str(error))
"#;
    let printed = running.python(&environment(TODAY).await, script).await;
    let expected = "tool_calls look {\"x\": 1}\n\
        one two ['one ', 'two']\n\
        [[1.0], [3.0]]\n\
        one two completed\n\
        ['response.created', 'response.output_text.delta', 'response.output_text.delta', 'response.output_item.done', 'response.completed'] one two\n\
        True True\n\
        one two one two\n\
        one two one two\n\
        [[1.0], [1.0]]\n\
        True True\n\
        True True\n";
    assert_eq!(printed, expected);
}
