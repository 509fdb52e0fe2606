use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Value;
use crate::source::Span;

declare_rule! {
    /// ## What it does
    /// Finds data kept in local files: SQLite databases, files opened for writing, tables saved to a path.
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
            let name = call.name.as_str();
            let (message, place) = if matches!(name, "sqlite3.connect" | "sqlalchemy.create_engine") {
                ("This database is lost at every restart", call.args.first())
            } else if name == "open" && writes(call.argument("mode", 1)) {
                ("This file is lost at every restart", call.args.first())
            } else if matches!(name, "pathlib.Path().write_text" | "pathlib.Path().write_bytes")
                || (name == "pathlib.Path().open" && writes(call.argument("mode", 0)))
            {
                let inner = module.calls.iter().find(|inner| inner.name == "pathlib.Path" && inner.span.start == call.span.start);
                ("This file is lost at every restart", inner.and_then(|inner| inner.args.first()))
            } else if matches!(call.method(), "to_csv" | "to_parquet" | "to_excel" | "to_json" | "to_pickle") {
                ("This file is lost at every restart", call.args.first())
            } else {
                continue;
            };
            let Some((value, span)) = place else { continue };
            let path = match module.variable(value, call.scope) {
                Some((_, Some(default))) if name != "open" => module.path(&default, call.scope),
                _ => module.path(value, call.scope),
            };
            let Some(path) = path else { continue };
            let passing = path.is_empty()
                || [":memory:", "Volumes/", "dbfs:", "s3://", "abfss://", "gs://", "file:"].iter().any(|word| path.contains(word))
                || ["/tmp", "/dev", "/dbfs"].iter().any(|start| path.starts_with(start));
            let engine = name == "sqlalchemy.create_engine";
            if passing || (engine && !(path.starts_with("sqlite:///") && path.len() > "sqlite:///".len())) {
                continue;
            }
            let whole = name == "open" || name.starts_with("pathlib.");
            findings.at(&module.source, if whole { call.span } else { *span }, message).hint(HINT);
        }
    }
}

fn writes(mode: Option<(&Value, Span)>) -> bool {
    matches!(mode, Some((Value::Text(mode), _)) if mode.starts_with(['w', 'a', 'x']))
}
