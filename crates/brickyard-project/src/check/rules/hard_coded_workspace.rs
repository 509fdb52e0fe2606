use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Value;

declare_rule! {
    /// ## What it does
    /// Finds the address of a workspace written in a call that makes a client.
    ///
    /// ## Why is this bad?
    /// The app then talks to that workspace wherever it is deployed. `DATABRICKS_HOST` is set for it.
    ///
    /// ## Example
    /// ```python
    /// WorkspaceClient(host="https://adb-1234567890123456.7.azuredatabricks.net")
    /// ```
    /// Use instead:
    /// ```python
    /// WorkspaceClient()
    /// ```
    pub(crate) static RULE = { code: "BY412", name: "hard-coded-workspace", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        for call in &module.calls {
            for (name, value, span) in &call.keywords {
                if !matches!(name.as_str(), "host" | "server_hostname" | "base_url" | "workspace_url") {
                    continue;
                }
                let Value::Text(text) = module.follow(value, call.scope) else { continue };
                let workspace = [".azuredatabricks.net", ".cloud.databricks.com", ".gcp.databricks.com"].iter().any(|end| text.contains(end));
                let placeholder = ["<", "your", "xxx", "example", "..."].iter().any(|word| text.to_lowercase().contains(word));
                if workspace && !placeholder && !text.contains("accounts.") {
                    findings
                        .at(&module.source, *span, "This client talks to one workspace wherever the app is deployed")
                        .hint("leave it out, or use `Config().host`");
                }
            }
        }
    }
}
