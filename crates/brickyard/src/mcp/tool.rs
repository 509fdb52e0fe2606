use std::sync::Arc;

use brickyard_project::new::{Auth, Data, Deploy, Template};
use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// The arguments of a call.
pub(super) struct Call {
    arguments: Map<String, Value>,
}

impl Call {
    pub(super) fn new(arguments: Map<String, Value>) -> Self {
        Self { arguments }
    }

    /// A text argument, if it is given and not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.arguments.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A text argument the tool cannot do without.
    pub(super) fn needed(&self, name: &str) -> Result<&str, Failure> {
        self.text(name).ok_or_else(|| Failure::user(format!("The argument `{name}` is missing")))
    }

    /// One of a few words, each standing for a value.
    pub(super) fn choice<T>(
        &self,
        name: &str,
        from: impl Fn(&str) -> Option<T>,
        default: T,
    ) -> Result<T, Failure> {
        let Some(word) = self.text(name) else { return Ok(default) };
        from(word).ok_or_else(|| Failure::user(format!("`{word}` is no `{name}`")))
    }

    /// Several texts.
    pub(super) fn texts(&self, name: &str) -> Vec<&str> {
        self.arguments
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// A yes or no.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.arguments.get(name).and_then(Value::as_bool).unwrap_or(default)
    }
}

/// Every tool, in the order agents see them.
pub(super) fn all() -> Vec<Tool> {
    let text = |about: &str| json!({ "type": "string", "description": about });
    let flag =
        |about: &str, default: bool| json!({ "type": "boolean", "description": about, "default": default });
    let choice = |of: &[&str]| json!({ "type": "string", "enum": of });
    vec![
        tool(
            "manage_app",
            "Create or update an app (and deploy it when source_code_path is given), get it with its logs, list apps, or delete one",
            &json!({
                "action": choice(&["create_or_update", "get", "list", "delete"]),
                "name": text("Name of the app"),
                "source_code_path": text("Workspace folder to deploy"),
                "description": text("What the app is for"),
                "mode": choice(&["SNAPSHOT", "AUTO_SYNC"]),
                "include_logs": flag("Give the app's last log lines with `get`", false),
                "deployment_id": text("Deployment whose logs are wanted; the active one by default"),
                "name_contains": text("Only apps whose name contains this, for `list`"),
            }),
            &["action"],
            ToolAnnotations::new().destructive(true),
        ),
        tool(
            "manage_workspace_files",
            "Upload a local file, folder or pattern into the workspace, or delete a workspace path",
            &json!({
                "action": choice(&["upload", "delete"]),
                "local_path": text("Local file or folder"),
                "workspace_path": text("Path in the workspace, such as /Workspace/Users/me@example.com/app"),
                "overwrite": flag("Replace files that are there", true),
                "recursive": flag("Delete folders with their content", false),
            }),
            &["action", "workspace_path"],
            ToolAnnotations::new().destructive(true),
        ),
        tool(
            "create_app",
            "Create an app that is ready to run, check and deploy, in a folder that is not there yet",
            &json!({
                "name": text("Name of the app: lower-case letters, digits and hyphens"),
                "directory": text("Folder to make"),
                "framework": choice(&words(Template::ALL, Template::word)),
                "data": json!({ "type": "array", "items": choice(&words(Data::ALL, Data::word)) }),
                "auth": choice(&words(Auth::ALL, Auth::word)),
                "deploy": choice(&words(Deploy::ALL, Deploy::word)),
            }),
            &["name", "directory"],
            ToolAnnotations::new().destructive(false),
        ),
        tool(
            "check_app",
            "Find what would fail on the platform in an app's folder: findings with place, rule and hint",
            &json!({ "path": text("Folder of the app") }),
            &["path"],
            ToolAnnotations::new().read_only(true),
        ),
        tool(
            "explain_rule",
            "Explain a rule of check_app: what it looks for, why, and what to write instead",
            &json!({ "code": text("Code of the rule") }),
            &["code"],
            ToolAnnotations::new().read_only(true),
        ),
        tool(
            "deploy_app",
            "Deploy a local folder as an app: uploads what changed, creates or updates the app, deploys, waits, and verifies that it runs",
            &json!({ "path": text("Folder of the app"), "name": text("Name of the app; what its files say by default"), "dry_run": flag("Only tell what would change", false) }),
            &["path"],
            ToolAnnotations::new().destructive(false).idempotent(true),
        ),
        tool(
            "execute_sql",
            "Execute one SQL statement on the workspace's warehouse and give columns and rows",
            &json!({ "statement": text("One SQL statement") }),
            &["statement"],
            ToolAnnotations::new().destructive(true),
        ),
        tool(
            "list_resources",
            "What of the workspace an app can be bound to: warehouses, serving endpoints, secret scopes, catalogs, jobs, databases, apps",
            &json!({}),
            &[],
            ToolAnnotations::new().read_only(true),
        ),
        tool(
            "app_environment",
            "Every environment variable an app will see, with its origin; secrets are stars",
            &json!({ "path": text("Folder of the app") }),
            &["path"],
            ToolAnnotations::new().read_only(true),
        ),
    ]
}

fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|value| word(*value)).collect()
}

fn tool(
    name: &'static str,
    about: &'static str,
    properties: &Value,
    required: &[&str],
    annotations: ToolAnnotations,
) -> Tool {
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    let Value::Object(schema) = schema else { unreachable!("the schema is an object") };
    Tool::new(name, about, Arc::new(schema)).with_annotations(annotations)
}
