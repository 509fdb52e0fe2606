use crate::app_yaml::EnvSource;
use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::{Module, Part, Value};

declare_rule! {
    /// ## What it does
    /// Finds the id of a SQL warehouse written in code, also as a default or in a class, or in a `value` of `app.yaml`.
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
        named(module, findings);
        // `f"/sql/1.0/warehouses/{ID}"` with the id beside it.
        for format in &module.formats {
            let value = Value::Format(format.parts.clone());
            let starts = matches!(format.parts.first(), Some(Part::Text(text)) if text.ends_with(PATH));
            if starts && module.texts(&value, format.scope).iter().any(|text| text.split(PATH).nth(1).is_some_and(is_id)) {
                findings.at(&module.source, format.span, MESSAGE).hint(HINT);
            }
        }
        for call in &module.calls {
            // A default that stands in where the variable is missing.
            if matches!(call.name.as_str(), "os.getenv" | "os.environ.get")
                && let Some((Value::Text(name), _)) = call.args.first()
                && name.contains("WAREHOUSE")
                && let Some((value, span)) = call.argument("default", 1)
                && let Value::Text(text) = module.follow(value, call.scope)
                && is_id(&text)
            {
                findings.at(&module.source, span, MESSAGE).hint(HINT);
            }
            if let Some((value, span)) = call.keyword("warehouse_id")
                && !matches!(value, Value::Name(name) if name.to_lowercase().contains("warehouse"))
                && let Value::Text(text) = module.follow(value, call.scope)
                && is_id(&text)
            {
                findings.at(&module.source, span, MESSAGE).hint(HINT);
            }
        }
    }
}

/// Ids kept in a variable, an attribute of a class or a dictionary whose name says that they are a warehouse's.
fn named(module: &Module, findings: &mut Findings) {
    for assign in &module.assigns {
        let warehouse = |name: &str| name.to_lowercase().contains("warehouse");
        let held = match &assign.value {
            Value::Text(text) => warehouse(&assign.target) && is_id(text),
            Value::Dict(items) => items.iter().any(|(key, value)| warehouse(key) && matches!(value, Value::Text(text) if is_id(text))),
            _ => false,
        };
        if held {
            findings.at(&module.source, assign.span, MESSAGE).hint(HINT);
        }
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 16
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.bytes().collect::<std::collections::HashSet<_>>().len() > 3
}
