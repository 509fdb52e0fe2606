use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Level};
use crate::yaml::Node;

declare_rule! {
    /// ## What it does
    /// Finds `{{secrets.…}}`, `${…}` and `$NAME` in a `value` of `app.yaml`.
    ///
    /// ## Why is this bad?
    /// Nothing fills them in: the app sees the text as written.
    ///
    /// ## Example
    /// ```yaml
    /// - name: API_KEY
    ///   value: "{{secrets/api/key}}"
    /// ```
    /// Use instead a secret resource:
    /// ```yaml
    /// - name: API_KEY
    ///   valueFrom: secret
    /// ```
    pub(crate) static RULE = { code: "BY111", name: "unexpanded-value", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some((source, root)) = &context.app_tree else { return };
    for item in root.get("env").map(Node::items).unwrap_or_default() {
        let Some(node) = item.get("value") else { continue };
        let Some(text) = node.text() else { continue };
        let squeezed = text.replace(' ', "");
        let name = item.get("name").and_then(Node::text).unwrap_or_default();
        if squeezed.contains("{{secrets") || squeezed.contains("{{secret") {
            findings
                .at(source, node.span, format!("`{name}` gets the text `{text}`: secrets are not filled in here"))
                .hint("add a secret resource and write `valueFrom: KEY`");
        } else if ["${var.", "${resources.", "${bundle.", "${workspace."].iter().any(|start| squeezed.contains(start)) {
            findings
                .at(source, node.span, format!("`{name}` gets the text `{text}`: `app.yaml` knows no variables"))
                .hint("move the variable to `config.env` of the app in `databricks.yml`");
        } else if let Some(variable) = variable(text) {
            findings
                .at(source, node.span, format!("`{name}` gets the text `{text}`: no shell fills in `{variable}`"))
                .level(Level::Warning)
                .hint(format!("read `{variable}` in the code"));
        }
    }
}

/// The variable of the environment that a whole value names: `$HOME`, `${HOME}`.
fn variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let name = name.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(name);
    let whole = name.len() > 2 && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    (whole && name != "DATABRICKS_APP_PORT").then_some(text)
}
