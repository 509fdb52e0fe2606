use brickyard_workspace::{GenieSpace, ServingBackend, ServingEndpoint};

use crate::harness::{ADA, CLIENT_ID, DEVELOPER, Running, TODAY, environment, start};

fn variables(running: &Running) -> Vec<(String, String)> {
    let mut variables = running.app_environment();
    let token = |name| running.handle.create_personal_access_token(name).unwrap();
    variables.push(("DEVELOPER_TOKEN".to_owned(), token(DEVELOPER)));
    variables.push(("ADA_TOKEN".to_owned(), token(ADA)));
    variables.push(("DATABRICKS_WAREHOUSE_ID".to_owned(), running.handle.starter_warehouse_id()));
    variables
}

const BEGIN: &str = r#"
import os, json
from databricks.sdk import WorkspaceClient
url = "https://" + os.environ["DATABRICKS_HOST"].removeprefix("https://")
dev = WorkspaceClient(host=url, token=os.environ["DEVELOPER_TOKEN"], auth_type="pat")
ada = WorkspaceClient(host=url, token=os.environ["ADA_TOKEN"], auth_type="pat")
def refused(call):
    try:
        print("allowed", call())
    except Exception as error:
        print(type(error).__name__, str(error).split(". Config")[0][:200])
def ask(w, space, text, conversation=None):
    if conversation:
        return w.genie.create_message_and_wait(space, conversation, text)
    return w.genie.start_conversation_and_wait(space, text)
def rows(w, m):
    part = [a for a in m.attachments if a.query][0]
    got = w.genie.get_message_attachment_query_result(m.space_id, m.conversation_id, m.message_id, part.attachment_id)
    return got.statement_response.result.data_array
"#;

/// Spaces, conversations, saved questions, results, feedback; a question without an answer says why; data are the
/// caller's own to see.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_asks_saved_questions() {
    let running = start().await;
    let script = r#"
knowledge = {"version": 1, "data_sources": {"tables": [{"identifier": "main.default.trips"}]},
    "instructions": {"example_question_sqls": [
        {"question": ["How many trips?"], "sql": ["SELECT count(*) AS trips ", "FROM main.default.trips"]},
        {"question": ["What is one?"], "sql": ["SELECT 1 AS one"]}]}}
made = dev.statement_execution.execute_statement(
    "CREATE TABLE main.default.trips AS SELECT id FROM range(7)", os.environ["DATABRICKS_WAREHOUSE_ID"], wait_timeout="50s")
assert made.status.state.value == "SUCCEEDED", made
space = dev.genie.create_space(os.environ["DATABRICKS_WAREHOUSE_ID"], json.dumps(knowledge), title="Trips", description="d")
assert [s.title for s in dev.genie.list_spaces().spaces] == ["Trips"]
assert json.loads(dev.genie.get_space(space.space_id, include_serialized_space=True).serialized_space) == knowledge
first = ask(dev, space.space_id, "how many TRIPS")
assert first.status.value == "COMPLETED" and first.query_result.row_count == 1, first
print(rows(dev, first), first.attachments[0].query.query, first.attachments[0].query.query_result_metadata.row_count)
second = ask(dev, space.space_id, "What is one?", first.conversation_id)
print(rows(dev, second), second.conversation_id == first.conversation_id)
again = dev.genie.execute_message_attachment_query(space.space_id, second.conversation_id, second.message_id, second.attachments[0].attachment_id)
assert again.statement_response.result.data_array == [["1"]], again
def unanswered():
    dev.genie.start_conversation_and_wait(space.space_id, "What is the meaning of life?")
refused(unanswered)
conversations = dev.genie.list_conversations(space.space_id).conversations
last = dev.genie.list_conversation_messages(space.space_id, conversations[0].conversation_id).messages[-1]
print(last.status.value, last.error.type.value, last.error.error[:70])
dev.genie.send_message_feedback(space.space_id, first.conversation_id, first.message_id, rating=__import__("databricks.sdk.service.dashboards").sdk.service.dashboards.GenieFeedbackRating.POSITIVE)
assert dev.genie.get_message(space.space_id, first.conversation_id, first.message_id).feedback.rating.value == "POSITIVE"

refused(lambda: ask(ada, space.space_id, "How many trips?"))
dev.api_client.do("PATCH", f"/api/2.0/permissions/genie/{space.space_id}",
    body={"access_control_list": [{"user_name": "ada@example.com", "permission_level": "CAN_RUN"}]})
print(rows(ada, ask(ada, space.space_id, "What is one?")))
def data():
    ask(ada, space.space_id, "How many trips?")
refused(data)
mine = ada.genie.list_conversations(space.space_id).conversations
failed = ada.genie.list_conversation_messages(space.space_id, mine[0].conversation_id).messages[0]
print(failed.error.type.value, "INSUFFICIENT_PERMISSIONS" in failed.error.error)
refused(lambda: ada.genie.get_message(space.space_id, first.conversation_id, first.message_id))
refused(lambda: ada.genie.trash_space(space.space_id))
byname = dev.genie.get_message_query_result_by_attachment(space.space_id, second.conversation_id, second.message_id, second.attachments[0].attachment_id)
whole = dev.genie.get_message_query_result(space.space_id, second.conversation_id, second.message_id)
assert whole.statement_response.result.data_array == [["1"]], whole
renamed = dev.genie.update_space(space.space_id, title="Rides")
assert renamed.title == dev.genie.get_space(space.space_id).title == "Rides", renamed
dev.genie.update_space(space.space_id, title="Trips")
rerun = dev.genie.execute_message_query(space.space_id, second.conversation_id, second.message_id)
assert byname.statement_response.result.data_array == rerun.statement_response.result.data_array == [["1"]], (byname, rerun)
refused(lambda: ada.genie.delete_conversation_message(space.space_id, second.conversation_id, second.message_id))
dev.genie.delete_conversation_message(space.space_id, second.conversation_id, second.message_id)
left = dev.genie.list_conversation_messages(space.space_id, first.conversation_id).messages
assert [m.message_id for m in left] == [first.message_id], left
dev.genie.delete_conversation(space.space_id, first.conversation_id)
refused(lambda: dev.genie.get_message(space.space_id, first.conversation_id, first.message_id))
dev.genie.trash_space(space.space_id)
print(dev.genie.list_spaces().spaces)
"#;
    let script = format!("{BEGIN}{script}");
    let printed = running.python_with(&environment(TODAY).await, &variables(&running), &script).await;
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[0], "[['7']] SELECT count(*) AS trips FROM main.default.trips 1");
    assert_eq!(lines[1], "[['1']] True");
    assert!(
        lines[2].starts_with("OperationFailed failed to reach COMPLETED, got MessageStatus.FAILED"),
        "{printed}"
    );
    let why = "FAILED NO_DEPLOYMENTS_AVAILABLE_TO_WORKSPACE The Genie space 'Trips' has no saved answer";
    assert!(lines[3].starts_with(why), "{printed}");
    assert!(lines[4].contains("does not have CAN_RUN permissions on Genie space"), "{printed}");
    assert_eq!(lines[5], "[['1']]");
    assert!(lines[6].starts_with("OperationFailed"), "{printed}");
    assert_eq!(lines[7], "SQL_EXECUTION_EXCEPTION True");
    assert!(lines[8].starts_with("ResourceDoesNotExist Conversation"), "{printed}");
    assert!(lines[9].starts_with("PermissionDenied"), "{printed}");
    assert!(lines[10].starts_with("ResourceDoesNotExist"), "{printed}");
    assert!(lines[11].starts_with("ResourceDoesNotExist"), "{printed}");
    assert_eq!(lines[12], "[]");
}

/// A configured endpoint writes SQL, which runs as the caller; what does more than read is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_writes_the_sql() {
    let running = start().await;
    let file = running.directory.path().join("writer.py");
    let source = r#"
import json
def predict(request):
    told, asked = request["messages"][0]["content"], request["messages"][-1]["content"]
    if "drop" in asked:
        return "```sql\nDROP TABLE main.default.t\n```"
    if "joke" in asked:
        return json.dumps({"text": "I only know tables"})
    assert "main.default.taxis (fare double" in told and "Be brief" in told, told
    return json.dumps({"sql": "SELECT max(id) AS most FROM range(5)", "description": "The largest."})
"#;
    std::fs::write(&file, source).unwrap();
    let backend = ServingBackend::Python { file, requirements: Vec::new() };
    let task = Some("llm/v1/chat".to_owned());
    let endpoint = ServingEndpoint { name: "writer".to_owned(), task, backend };
    running.handle.put_serving_endpoint(endpoint).unwrap();
    let space = GenieSpace {
        id: "taxis".to_owned(),
        title: "Taxis".to_owned(),
        tables: vec!["main.default.taxis".to_owned()],
        instructions: Some("Be brief".to_owned()),
        model: Some("writer".to_owned()),
        ..GenieSpace::default()
    };
    running.handle.put_genie_space(space).unwrap();
    running.handle.grant_object(CLIENT_ID, "genie", "taxis", "CAN_RUN").unwrap();
    let script = r#"
made = dev.statement_execution.execute_statement(
    "CREATE TABLE main.default.taxis (fare DOUBLE)", os.environ["DATABRICKS_WAREHOUSE_ID"], wait_timeout="50s")
assert made.status.state.value == "SUCCEEDED", made
w = WorkspaceClient()
m = ask(w, "taxis", "What is the largest?")
print(rows(w, m), m.attachments[0].query.description)
m = ask(w, "taxis", "Tell a joke", m.conversation_id)
print(m.attachments[0].text.content)
def drop():
    ask(w, "taxis", "drop it", m.conversation_id)
refused(drop)
print(w.genie.list_conversation_messages("taxis", m.conversation_id).messages[-1].error.error)
"#;
    let script = format!("{BEGIN}{script}");
    let printed = running.python_with(&environment(TODAY).await, &variables(&running), &script).await;
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[0], "[['4']] The largest.");
    assert_eq!(lines[1], "I only know tables");
    assert!(lines[2].starts_with("OperationFailed"), "{printed}");
    assert_eq!(lines[3], "The answer is a statement that does not only read; Genie runs queries alone");
}
