use std::collections::BTreeSet;

use crate::check::context::Context;

/// One of the five steps of an app that is ready to deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: &'static str,
    /// Whether it is done.
    pub done: bool,
    /// What was found, or what to do.
    pub text: String,
}

/// Framework, authorization, resources, data and deployment: what the files show of each.
pub fn checklist(context: &Context) -> Vec<Step> {
    vec![framework(context), authorization(context), resources(context), data(context), deployment(context)]
}

fn step(name: &'static str, found: Option<String>, todo: &str) -> Step {
    Step { name, done: found.is_some(), text: found.unwrap_or_else(|| todo.to_owned()) }
}

fn framework(context: &Context) -> Step {
    let found = context.framework.map(|framework| match &context.command {
        Some(command) if command.source.is_some() => {
            format!("{}, started by `{}`", framework.name(), command.texts().join(" "))
        }
        _ => framework.name().to_owned(),
    });
    step(
        "Framework",
        found,
        "choose one: Streamlit for prototypes, Dash for dashboards, FastAPI for APIs, Gradio for ML demos",
    )
}

fn calls(context: &Context, wanted: &[&str]) -> bool {
    context
        .reached()
        .any(|module| module.calls.iter().any(|call| wanted.iter().any(|name| call.name.contains(name))))
}

fn authorization(context: &Context) -> Step {
    let user = context.reached().any(|module| {
        module.strings.iter().any(|(text, _)| text.eq_ignore_ascii_case("x-forwarded-access-token"))
    });
    let app = calls(context, &["databricks.sdk.core.Config", "databricks.sdk.Config", "WorkspaceClient"]);
    let found = match (app, user) {
        (true, true) => Some("app and user authorization".to_owned()),
        (_, true) => Some("user authorization".to_owned()),
        (true, _) => Some("app authorization through the SDK's `Config`".to_owned()),
        _ => None,
    };
    step("Authorization", found, "use `Config()` for the app itself, the forwarded token for the user")
}

fn resources(context: &Context) -> Step {
    let mut keys: BTreeSet<String> = BTreeSet::new();
    keys.extend(
        context.bundle_app().iter().flat_map(|app| app.resources.iter().map(|spec| spec.key.clone())),
    );
    keys.extend(
        context.manifest.iter().flat_map(|manifest| manifest.resources.iter().map(|spec| spec.key.clone())),
    );
    keys.extend(context.settings.resources.keys().cloned());
    for entry in context.app.iter().flat_map(|app| &app.env) {
        if let crate::app_yaml::EnvSource::Resource(key) = &entry.source {
            keys.insert(key.clone());
        }
    }
    let found = (!keys.is_empty()).then(|| keys.into_iter().collect::<Vec<_>>().join(", "));
    step("Resources", found, "name each resource in `app.yaml` with `valueFrom`")
}

fn data(context: &Context) -> Step {
    let mut kinds: Vec<&str> = Vec::new();
    if calls(context, &["databricks.sql.connect", "statement_execution"]) {
        kinds.push("SQL warehouse");
    }
    if calls(context, &["psycopg", "asyncpg", "create_engine", "create_async_engine"]) {
        kinds.push("Lakebase");
    }
    if calls(context, &["serving_endpoints", "openai.OpenAI", "ChatDatabricks"]) {
        kinds.push("model serving");
    }
    if calls(
        context,
        &[".files.", ".volumes.", ".jobs.", ".tables.", ".catalogs.", ".schemas.", ".clusters."],
    ) {
        kinds.push("SDK");
    }
    if kinds.is_empty() && calls(context, &["WorkspaceClient"]) {
        kinds.push("SDK");
    }
    step(
        "Data",
        (!kinds.is_empty()).then(|| kinds.join(", ")),
        "a warehouse for analysis, Lakebase for transactions",
    )
}

fn deployment(context: &Context) -> Step {
    let found = match (context.bundle_app(), &context.app_tree) {
        (Some(app), _) => Some(format!("bundle, `resources.apps.{}`", app.key)),
        (None, Some(_)) => Some("command line, with `app.yaml`".to_owned()),
        (None, None) => None,
    };
    step("Deployment", found, "write an `app.yaml`; add `databricks.yml` to deploy as a bundle")
}
