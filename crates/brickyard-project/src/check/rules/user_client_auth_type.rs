use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Level};
use crate::source::Span;

declare_rule! {
    /// ## What it does
    /// Finds SDK clients made from a token without `auth_type="pat"`, and `DATABRICKS_TOKEN` in `app.yaml`.
    ///
    /// ## Why is this bad?
    /// An app's environment already names a service principal. A token beside it makes the SDK refuse:
    /// `more than one authorization method configured: oauth and pat`.
    ///
    /// ## Example
    /// ```python
    /// WorkspaceClient(host=host, token=user_token)
    /// ```
    /// Use instead:
    /// ```python
    /// WorkspaceClient(host=host, token=user_token, auth_type="pat")
    /// ```
    pub(crate) static RULE = { code: "BY402", name: "user-client-auth-type", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    if let Some((source, _)) = &context.app_tree
        && uses_sdk(context)
    {
        for entry in context.app.iter().flat_map(|app| &app.env).filter(|entry| entry.name == "DATABRICKS_TOKEN") {
            findings
                .at(source, entry.span, "`DATABRICKS_TOKEN` beside the app's own identity makes the SDK refuse")
                .hint("leave it out: `Config()` finds the app's identity");
        }
    }
    // An app that takes its own identity out of the environment has one way to sign in left.
    let alone = context.modules.iter().any(|module| {
        module.calls.iter().any(|call| {
            call.name.ends_with("environ.pop")
                && matches!(call.args.first(), Some((crate::python::Value::Text(name), _)) if name == "DATABRICKS_CLIENT_ID")
        })
    });
    if alone {
        return;
    }
    for module in context.reached() {
        for call in &module.calls {
            let client = matches!(
                call.name.as_str(),
                "databricks.sdk.WorkspaceClient" | "databricks.sdk.core.Config" | "databricks.sdk.config.Config" | "databricks.sdk.AccountClient"
            );
            let Some((token, _)) = call.keyword("token").filter(|_| client) else { continue };
            if call.open || call.keyword("auth_type").is_some() || call.keyword("config").is_some() || *token == crate::python::Value::None {
                continue;
            }
            let variable = module.variable(token, call.scope).map(|(name, _)| name);
            // The platform sets no such variable, so this is the branch for a developer's machine.
            if variable.as_deref() == Some("DATABRICKS_TOKEN") || (call.conditional && is_setting(token)) {
                continue;
            }
            let local = variable.is_some_and(|name| name.contains("TOKEN"));
            // One branch for a developer's machine, and the app's own identity in the other.
            let otherwise = || {
                module.calls.iter().any(|other| {
                    other.name == call.name && other.scope == call.scope && other.args.is_empty() && other.keywords.is_empty()
                })
            };
            if local && call.conditional && otherwise() {
                continue;
            }
            let end = call.span.end - 1;
            let before = module.source.text()[..end].trim_end();
            let text = if before.ends_with(',') { " auth_type=\"pat\"" } else { ", auth_type=\"pat\"" };
            let at = before.len();
            let finding = findings
                .at(&module.source, call.span, "In an app this client fails: `more than one authorization method configured`")
                .hint("add `auth_type=\"pat\"`")
                .safe_fix("Add `auth_type=\"pat\"`", Span::new(at, at), text);
            if local {
                finding.level(Level::Warning);
            }
        }
    }
}

/// Whether something of the app reads the variables as the SDK does: a JavaScript app that sends the token itself does not.
fn uses_sdk(context: &Context) -> bool {
    let ours = |name: &str| name.starts_with("databricks") || matches!(name, "mlflow" | "dbsql" | "sqlalchemy");
    let python = |module: &crate::python::Module| {
        module.imports.iter().any(|import| import.level == 0 && import.module.split('.').next().is_some_and(ours))
    };
    let node = context.package_json.as_ref().is_some_and(|(source, _)| source.text().contains("\"@databricks/"));
    node || context.modules.iter().any(python)
}

/// Whether a value looks like one of the app's settings, which hold a token on a developer's machine alone.
fn is_setting(value: &crate::python::Value) -> bool {
    let crate::python::Value::Name(name) = value else { return false };
    let words = ["settings", "config", "cfg", "conf", "env"];
    name.contains('.') && name.split('.').any(|part| words.contains(&part.trim_start_matches('_')))
}
