use rmcp::model::{ErrorData, GetPromptResult, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::{Map, Value};

/// A prompt: its name, what it is for, its arguments, and its text with their names in braces.
struct Kind {
    name: &'static str,
    about: &'static str,
    arguments: &'static [(&'static str, &'static str)],
    text: &'static str,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "create-app",
        about: "Make a new app, step by step",
        arguments: &[("purpose", "What the app is for"), ("directory", "Folder to make it in")],
        text: "Make a Python Databricks app in `{directory}` for this: {purpose}\n\n\
               1. Read brickyard://choices and settle framework, data, authorization and deployment; ask where it is open.\n\
               2. Call create_app, then change `models.py`, `backend.py` and `app.py` to the purpose.\n\
               3. Call check_app until it finds nothing; explain_rule tells what a finding means.\n\
               4. Put seed data into brickyard.toml, and try every query with execute_sql.\n\
               5. Call deploy_app with dry_run, show the plan, and deploy when it is agreed.\n\n\
               Never write a token, a host or the id of a resource into the code: `Config()` and `valueFrom` give them.",
    },
    Kind {
        name: "repair-app",
        about: "Find out why an app fails, and mend it",
        arguments: &[("directory", "Folder of the app"), ("name", "Name of the app in the workspace")],
        text: "The app `{name}` in `{directory}` does not work as it should.\n\n\
               1. Call check_app on the folder, and explain_rule for each finding you do not know.\n\
               2. Call manage_app with action get and include_logs: the last lines before the end say most.\n\
               3. Compare app_environment with what the code reads: a missing key of `valueFrom` stands there.\n\
               4. Try the failing queries with execute_sql: a denied one names the missing grant.\n\
               5. Mend the cause, not the symptom; deploy_app proves that the new code is live.",
    },
];

/// Every prompt.
pub(super) fn all() -> Vec<Prompt> {
    let argument = |(name, about): &(&str, &str)| {
        PromptArgument::new(*name).with_description(*about).with_required(true)
    };
    KINDS
        .iter()
        .map(|kind| {
            Prompt::new(kind.name, Some(kind.about), Some(kind.arguments.iter().map(argument).collect()))
        })
        .collect()
}

/// A prompt with its arguments in place.
pub(super) fn get(name: &str, arguments: &Map<String, Value>) -> Result<GetPromptResult, ErrorData> {
    let kind = KINDS
        .iter()
        .find(|kind| kind.name == name)
        .ok_or_else(|| ErrorData::invalid_params(format!("There is no prompt `{name}`"), None))?;
    let mut text = kind.text.to_owned();
    for (argument, _) in kind.arguments {
        let given = arguments.get(*argument).and_then(Value::as_str);
        let given = given.ok_or_else(|| {
            ErrorData::invalid_params(format!("The argument `{argument}` is missing"), None)
        })?;
        text = text.replace(&format!("{{{argument}}}"), given);
    }
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).with_description(kind.about))
}
