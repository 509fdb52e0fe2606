use serde_json::{Value, json};

use super::ask::text;
use super::record::{MessageRecord, SpaceRecord};
use crate::caller::Caller;
use crate::catalog::quote;
use crate::workspace::Workspace;

/// Endpoint that is asked where a space names none.
const USUAL: &str = "genie";

/// Questions of the conversation that the model is reminded of.
const REMEMBERED: usize = 6;

/// Columns of one table that the model is told.
const MOST_COLUMNS: usize = 200;

/// What a model said: a query with its description, or a text alone.
pub(super) struct Said {
    pub(super) sql: Option<String>,
    pub(super) text: String,
}

/// Asks the space's model, in the name of the space's owner, for a query that answers the question.
pub(super) async fn ask(
    workspace: &Workspace,
    space: &SpaceRecord,
    message: &MessageRecord,
) -> Result<Said, (&'static str, String)> {
    let named = space.model.clone();
    let endpoint = named.or_else(|| workspace.has_model(USUAL).then(|| USUAL.to_owned())).ok_or_else(|| {
        let why = format!(
            "The Genie space '{}' has no saved answer to this question and no model to write one. Save the question \
             with its SQL (`questions` of the space in brickyard.toml, example_question_sqls in its serialized_space), \
             or name a serving endpoint: `model` of the space, or one called `{USUAL}`",
            space.title
        );
        ("NO_DEPLOYMENTS_AVAILABLE_TO_WORKSPACE", why)
    })?;
    let failed = |why: String| ("CHAT_COMPLETION_CLIENT_EXCEPTION", why);
    let owner = Caller::acting(workspace, &space.owner).map_err(|error| failed(error.message))?;
    let mut messages = vec![json!({ "role": "system", "content": system(workspace, &owner, space) })];
    let earlier = workspace.genie_messages(&message.space, &message.conversation);
    let earlier = earlier.map_err(|error| failed(error.message))?;
    let earlier: Vec<&MessageRecord> = earlier.iter().filter(|one| one.id != message.id).collect();
    for one in earlier.iter().skip(earlier.len().saturating_sub(REMEMBERED)) {
        messages.push(json!({ "role": "user", "content": one.content }));
        let said = one.query.as_ref().map(|query| query.sql.clone()).or_else(|| one.text.clone());
        messages.push(json!({ "role": "assistant", "content": said.unwrap_or_default() }));
    }
    messages.push(json!({ "role": "user", "content": message.content }));
    let body = json!({ "messages": messages, "temperature": 0 });
    let answer = workspace.ask_model(&owner, &endpoint, body).await.map_err(|error| failed(error.message))?;
    let content = text(&answer["choices"][0]["message"]["content"]);
    let content = content.ok_or_else(|| {
        ("INVALID_CHAT_COMPLETION_JSON_EXCEPTION", format!("The endpoint '{endpoint}' gave no message"))
    })?;
    Ok(read(&content))
}

fn system(workspace: &Workspace, owner: &Caller, space: &SpaceRecord) -> String {
    let knowledge = space.knowledge();
    let mut lines = vec![
        "You answer questions about data by writing one Databricks SQL query.".to_owned(),
        "Reply with a JSON object {\"sql\": \"…\", \"description\": \"one sentence\"}. When no query can answer, reply \
         with {\"text\": \"…\"}."
            .to_owned(),
        "Use only these tables:".to_owned(),
    ];
    let identity = workspace.catalog().identity(owner.name());
    let tables = knowledge["data_sources"]["tables"].as_array().cloned().unwrap_or_default();
    for table in &tables {
        let Some(name) = table["identifier"].as_str() else { continue };
        let record = identity
            .as_ref()
            .ok()
            .and_then(|identity| workspace.catalog().get_table(identity, &quote(name)).ok());
        let columns = record.and_then(|record| workspace.catalog().columns(&record).ok()).unwrap_or_default();
        let columns: Vec<String> = columns
            .iter()
            .take(MOST_COLUMNS)
            .map(|column| {
                let comment = column.comment.as_deref().map(|text| format!(" -- {text}")).unwrap_or_default();
                format!("{} {}{comment}", column.name, column.data_type.text())
            })
            .collect();
        lines.push(format!("{name} ({})", columns.join(", ")));
        if let Some(description) = text(&table["description"]) {
            lines.push(format!("  {description}"));
        }
    }
    for note in knowledge["instructions"]["text_instructions"].as_array().into_iter().flatten() {
        lines.extend(text(&note["content"]));
    }
    for pair in knowledge["instructions"]["example_question_sqls"].as_array().into_iter().flatten() {
        if let (Some(question), Some(sql)) = (text(&pair["question"]), text(&pair["sql"])) {
            lines.push(format!("Question: {question}\nSQL: {sql}"));
        }
    }
    lines.join("\n")
}

/// Reads a reply: the object that was asked for, a fenced block of SQL, or plain text.
fn read(content: &str) -> Said {
    let inner = |text: &str, fence: &str| {
        let (_, rest) = text.split_once(fence)?;
        rest.split_once("```").map(|(inner, _)| inner.trim().to_owned())
    };
    let object = inner(content, "```json").unwrap_or_else(|| content.trim().to_owned());
    if let Ok(Value::Object(object)) = serde_json::from_str(&object) {
        let field = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
        let sql = field("sql").filter(|sql| !sql.trim().is_empty());
        let text = field("description").or_else(|| field("text")).unwrap_or_default();
        return Said { sql, text };
    }
    match inner(content, "```sql").or_else(|| inner(content, "```")) {
        Some(sql) => {
            let text = content.split_once("```").map_or("", |(before, _)| before).trim().to_owned();
            Said { sql: Some(sql), text }
        }
        None => Said { sql: None, text: content.trim().to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_in_the_forms_models_give_them() {
        for (content, sql, text) in [
            ("{\"sql\": \"SELECT 1\", \"description\": \"one\"}", Some("SELECT 1"), "one"),
            ("```json\n{\"sql\": \"SELECT 1\"}\n```", Some("SELECT 1"), ""),
            ("Here:\n```sql\nSELECT 1\n```\nDone", Some("SELECT 1"), "Here:"),
            ("{\"text\": \"no\"}", None, "no"),
            ("I cannot", None, "I cannot"),
        ] {
            let said = read(content);
            assert_eq!((said.sql.as_deref(), said.text.as_str()), (sql, text), "{content}");
        }
    }
}
