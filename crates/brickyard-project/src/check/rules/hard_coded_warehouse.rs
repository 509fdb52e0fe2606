use crate::app_yaml::EnvSource;
use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Value;

declare_rule! {
    /// ## What it does
    /// Finds the id of a SQL warehouse written in code or in a `value` of `app.yaml`.
    ///
    /// ## Why is this bad?
    /// The app then uses that warehouse in every workspace, and the platform gives it no permission there.
    ///
    /// ## Example
    /// ```yaml
    /// - name: WAREHOUSE_ID
    ///   value: "0123456789abcdef"
    /// ```
    /// Use instead:
    /// ```yaml
    /// - name: WAREHOUSE_ID
    ///   valueFrom: sql-warehouse
    /// ```
    pub(crate) static RULE = { code: "BY507", name: "hard-coded-warehouse", level: Warning, check: check }
}

const MESSAGE: &str = "The id of a warehouse is written here";
const HINT: &str = "add a warehouse resource and read its id with `valueFrom: sql-warehouse`";
const PATH: &str = "/sql/1.0/warehouses/";

fn check(context: &Context, findings: &mut Findings) {
    if let Some((source, _)) = &context.app_tree {
        for entry in context.app.iter().flat_map(|app| &app.env) {
            let EnvSource::Value(value) = &entry.source else { continue };
            let path = value.split(PATH).nth(1).is_some_and(is_id);
            if path || (entry.name.to_uppercase().contains("WAREHOUSE") && is_id(value)) {
                findings.at(source, entry.span, MESSAGE).hint(HINT);
            }
        }
    }
    for module in context.reached() {
        for (text, span) in &module.strings {
            if text.len() > PATH.len() && text.split(PATH).nth(1).is_some_and(is_id) {
                findings.at(&module.source, *span, MESSAGE).hint(HINT);
            }
        }
        for call in &module.calls {
            if let Some((value, span)) = call.keyword("warehouse_id")
                && let Value::Text(text) = module.follow(value, call.scope)
                && is_id(&text)
            {
                findings.at(&module.source, span, MESSAGE).hint(HINT);
            }
        }
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 16
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.bytes().collect::<std::collections::HashSet<_>>().len() > 3
}
