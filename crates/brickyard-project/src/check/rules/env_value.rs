use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Level};
use crate::yaml::{Node, Value};

declare_rule! {
    /// ## What it does
    /// Checks that each variable has exactly one of `value` and `valueFrom`, that `value` is a string, and that no
    /// name stands twice.
    ///
    /// ## Why is this bad?
    /// The deployment fails, or the variable is not what was meant.
    ///
    /// ## Example
    /// ```yaml
    /// env:
    ///   - name: WAREHOUSE_ID
    ///     value: "x"
    ///     valueFrom: sql-warehouse
    /// ```
    pub(crate) static RULE = { code: "BY109", name: "env-value", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some((source, root)) = &context.app_tree else { return };
    let mut seen: Vec<&str> = Vec::new();
    for item in root.get("env").map(Node::items).unwrap_or_default() {
        let Some(name) = item.get("name").and_then(Node::text) else { continue };
        if seen.contains(&name) {
            findings.at(source, item.span, format!("`{name}` stands twice in `env`")).level(Level::Warning);
        }
        seen.push(name);
        match (item.get("value"), item.get("valueFrom")) {
            (Some(_), Some(_)) => {
                findings
                    .at(source, item.span, format!("`{name}` has both `value` and `valueFrom`"))
                    .hint("keep `valueFrom` for something the platform provides, `value` for a constant");
            }
            (None, None) => {
                let finding = findings.at(source, item.span, format!("`{name}` has neither `value` nor `valueFrom`"));
                if let Some((key, _)) = item.entry("value_from").or_else(|| item.entry("valuefrom")) {
                    finding.hint("in `app.yaml` the key is `valueFrom`").safe_fix("Write `valueFrom`", key.span, "valueFrom");
                }
            }
            (Some(value), None) if matches!(value.value, Value::Mapping(_) | Value::Sequence(_)) => {
                findings
                    .at(source, value.span, format!("`value` of `{name}` must be a string, found {}", value.kind()))
                    .hint("quote the value");
            }
            _ => {}
        }
    }
}
