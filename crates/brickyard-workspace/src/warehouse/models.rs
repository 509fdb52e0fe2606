//! `ai_query` and the AI functions: what they ask a serving endpoint.

use brickyard_sql::{ModelCall, string_literal};

use super::fault::Fault;
use crate::caller::Caller;
use crate::workspace::Workspace;

/// The endpoint behind the functions that name none.
const ENDPOINT: &str = "databricks-ai-functions";

/// The answer to a call, as SQL text.
pub(crate) async fn answer(
    workspace: &Workspace,
    caller: &Caller,
    call: &ModelCall,
) -> Result<String, Fault> {
    let arguments: Vec<&str> = call.arguments.iter().map(String::as_str).collect();
    if let ("ai_query", [endpoint, prompt]) = (call.name.as_str(), arguments.as_slice()) {
        let text = workspace.chat_text(caller, endpoint, prompt).await?;
        return Ok(string_literal(&text));
    }
    let choices = |labels: &str| labels.split('\n').collect::<Vec<_>>().join(", ");
    let prompt = match (call.name.as_str(), arguments.as_slice()) {
        ("ai_gen", [prompt]) => (*prompt).to_owned(),
        ("ai_classify", [text, labels]) => format!(
            "Which one of these labels fits the text best: {}? Answer with the label alone.\n\nText: {text}",
            choices(labels)
        ),
        ("ai_analyze_sentiment", [text]) => format!(
            "Is the sentiment of the text positive, negative, neutral or mixed? Answer with that word alone.\n\nText: {text}"
        ),
        ("ai_summarize", [text]) => format!("Summarize the text in at most 50 words.\n\nText: {text}"),
        ("ai_summarize", [text, words]) => {
            format!("Summarize the text in at most {words} words.\n\nText: {text}")
        }
        ("ai_translate", [text, language]) => format!(
            "Translate the text into the language with the code {language}. Answer with the translation alone.\n\nText: {text}"
        ),
        ("ai_fix_grammar", [text]) => {
            format!("Correct the grammar of the text. Answer with the corrected text alone.\n\nText: {text}")
        }
        ("ai_mask", [text, labels]) => format!(
            "Replace every {} in the text by [MASKED]. Answer with the text alone.\n\nText: {text}",
            choices(labels)
        ),
        ("ai_extract", [text, labels]) => format!(
            "Find these in the text: {}. Answer with a JSON object of them alone.\n\nText: {text}",
            choices(labels)
        ),
        (name, _) => {
            let text = format_args!("The {name} has another number of parameters.");
            return Err(Fault::new("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605", text));
        }
    };
    let text = workspace.chat_text(caller, ENDPOINT, &prompt).await.map_err(|error| {
        let mut fault = Fault::from(error);
        fault.message = format!(
            "{} Hint: {} asks the serving endpoint `{ENDPOINT}`; name what is behind it in brickyard.toml.",
            fault.message, call.name
        );
        fault
    })?;
    let text = text.trim();
    let known = |label: &&&str| text.trim_matches(['.', '"', '`']).eq_ignore_ascii_case(label);
    let labels: Vec<&str> = match (call.name.as_str(), arguments.as_slice()) {
        ("ai_classify", [_, labels]) => labels.split('\n').collect(),
        ("ai_analyze_sentiment", _) => vec!["positive", "negative", "neutral", "mixed"],
        _ => return Ok(string_literal(text)),
    };
    // A model that gives none of the labels has not answered.
    Ok(labels
        .iter()
        .find(known)
        .map_or_else(|| "CAST(NULL AS STRING)".to_owned(), |label| string_literal(label)))
}
