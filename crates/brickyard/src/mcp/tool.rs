use std::sync::{Arc, LazyLock};

use brickyard_project::new::{Auth, Data, Deploy, Template};
use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Value, json};

/// Takes pictures, which needs a browser.
pub(super) const SCREENSHOT: &str = "screenshot";

/// Every tool, in the order agents see them.
pub(super) static ALL: LazyLock<Vec<Tool>> = LazyLock::new(all);

fn all() -> Vec<Tool> {
    let text = |about: &str| json!({ "type": "string", "description": about });
    let flag =
        |about: &str, default: bool| json!({ "type": "boolean", "description": about, "default": default });
    let choice = |of: &[&str]| json!({ "type": "string", "enum": of });
    let number = |about: &str, default: u64| json!({ "type": "integer", "minimum": 1, "description": about, "default": default });
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
            ToolAnnotations::new().read_only(false).destructive(true),
        ),
        tool(
            "manage_workspace_files",
            "Upload a local file, a folder or what a pattern names into the workspace, or delete a workspace path",
            &json!({
                "action": choice(&["upload", "delete"]),
                "local_path": text(
                    "Local file, folder or pattern (`src/*.py`). A folder keeps its name below workspace_path unless that has \
                     the name already; `folder/` puts only its content there",
                ),
                "workspace_path": text("Path in the workspace, such as /Workspace/Users/me@example.com/app"),
                "max_workers": number("How many files are uploaded at once", 10),
                "overwrite": flag("Replace files that are there", true),
                "recursive": flag("Delete folders with their content", false),
            }),
            &["action", "workspace_path"],
            ToolAnnotations::new().read_only(false).destructive(true),
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
            ToolAnnotations::new().read_only(false).destructive(false),
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
            ToolAnnotations::new().read_only(false).destructive(false).idempotent(true),
        ),
        tool(
            "execute_sql",
            "Execute one SQL statement on the workspace's warehouse and give columns and rows",
            &json!({ "statement": text("One SQL statement") }),
            &["statement"],
            ToolAnnotations::new().read_only(false).destructive(true),
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
        tool(
            "run_app",
            "Run an app on this machine in a local workspace of its own, as the platform would, and give its address and first log lines; it ends with stop_app or with this server",
            &json!({ "path": text("Folder of the app") }),
            &["path"],
            ToolAnnotations::new().read_only(false).destructive(false).idempotent(true),
        ),
        tool(
            "read_app_log",
            "Last lines of an app's log: of the app in a folder that runs or ran on this machine, or of a deployed app by name",
            &json!({
                "path": text("Folder of an app that runs or ran on this machine"),
                "name": text("Name of a deployed app, in place of a folder"),
                "lines": number("How many lines", 100),
                "search": text("Only lines that contain this"),
                "sources": json!({ "type": "array", "items": choice(&["APP", "SYSTEM", "BUILD"]) }),
            }),
            &[],
            ToolAnnotations::new().read_only(true),
        ),
        tool(
            "stop_app",
            "Stop an app that was started with run_app",
            &json!({ "path": text("Folder of the app") }),
            &["path"],
            ToolAnnotations::new().read_only(false).destructive(false),
        ),
        tool(
            "query_lakebase",
            "Execute one SQL statement on a Lakebase (PostgreSQL) database and give columns and rows: the database of an app that runs on this machine, or an instance or branch of the workspace",
            &json!({
                "statement": text("SQL for PostgreSQL"),
                "path": text("Folder of an app that runs on this machine: its own database"),
                "instance": text("Name of a provisioned instance of the workspace"),
                "branch": text("Branch of the workspace, such as projects/shop/branches/production"),
                "database": text("Database; databricks_postgres or the app's own by default"),
            }),
            &["statement"],
            ToolAnnotations::new().read_only(false).destructive(true),
        ),
        tool(
            SCREENSHOT,
            "Take a picture of a page of an app that runs on this machine, as its visitor sees it",
            &json!({
                "path": text("Folder of an app that runs on this machine"),
                "url": text("Address on this machine, in place of a folder"),
                "page": text("Path of the page, such as /orders"),
                "width": number("Pixels", 1280),
                "height": number("Pixels", 800),
            }),
            &[],
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
    let schema = json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false
    });
    let Value::Object(schema) = schema else { unreachable!("the schema is an object") };
    Tool::new(name, about, Arc::new(schema)).with_annotations(annotations)
}
