use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Value;

declare_rule! {
    /// ## What it does
    /// Finds data kept in local files: SQLite databases, files opened for writing.
    ///
    /// ## Why is this bad?
    /// The disk of an app is empty again after every restart and deployment.
    ///
    /// ## Example
    /// ```python
    /// sqlite3.connect("app.db")
    /// ```
    /// Use instead Lakebase, a table, or a volume.
    pub(crate) static RULE = { code: "BY509", name: "local-storage", level: Warning, check: check }
}

const HINT: &str = "keep it in Lakebase, in a table, or in a volume through `w.files`";

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        for call in &module.calls {
            if !matches!(call.name.as_str(), "sqlite3.connect" | "sqlalchemy.create_engine" | "open") {
                continue;
            }
            let Some((value, span)) = call.args.first() else { continue };
            let Value::Text(path) = module.follow(value, call.scope) else { continue };
            let passing = path.starts_with("/tmp") || path.contains(":memory:") || path.starts_with("/dev") || path.is_empty();
            if passing {
                continue;
            }
            match call.name.as_str() {
                "sqlite3.connect" => {
                    findings.at(&module.source, *span, "This database is lost at every restart").hint(HINT);
                }
                "sqlalchemy.create_engine" if path.starts_with("sqlite:///") && path.len() > "sqlite:///".len() => {
                    findings.at(&module.source, *span, "This database is lost at every restart").hint(HINT);
                }
                "open" => {
                    let mode = call.argument("mode", 1).map(|(value, _)| value.clone());
                    if let Some(Value::Text(mode)) = mode
                        && mode.starts_with(['w', 'a', 'x'])
                    {
                        findings.at(&module.source, call.span, "This file is lost at every restart").hint(HINT);
                    }
                }
                _ => {}
            }
        }
    }
}
