use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Level};
use crate::settings::nearest;

declare_rule! {
    /// ## What it does
    /// Finds keys of `app.yaml` the platform does not read.
    ///
    /// ## Why is this bad?
    /// `resources` and `permissions` in `app.yaml` look as if they did something; they are set in the bundle, through
    /// the API or on the app's page. A misspelt `command` or `env` is not read either.
    ///
    /// ## Example
    /// ```yaml
    /// resources:
    ///   - name: sql-warehouse
    /// ```
    pub(crate) static RULE = { code: "BY110", name: "ignored-key", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some((source, root)) = &context.app_tree else { return };
    for (key, _) in root.pairs() {
        let Some(name) = key.text() else { continue };
        match name {
            "command" | "env" => {}
            "resources" | "permissions" | "user_api_scopes" => {
                findings
                    .at(source, key.span, format!("`{name}` in `app.yaml` does nothing"))
                    .hint("declare it in `databricks.yml` under `resources.apps`, or on the app's page");
            }
            _ => {
                let near = match name {
                    "cmd" | "commands" | "run" | "entrypoint" => Some("command"),
                    "environment" | "envs" | "env_vars" | "variables" => Some("env"),
                    _ => nearest(name, &["command", "env"]),
                };
                let finding = findings.at(source, key.span, format!("`{name}` is not read by the platform"));
                match near.filter(|near| root.get(near).is_none()) {
                    Some(near) => finding
                        .level(Level::Error)
                        .hint(format!("did you mean `{near}`?"))
                        .unsafe_fix(format!("Write `{near}`"), key.span, near),
                    None => finding.level(Level::Info).hint("the keys are `command` and `env`"),
                };
            }
        }
    }
}
