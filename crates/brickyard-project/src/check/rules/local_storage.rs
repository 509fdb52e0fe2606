use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::{Assign, Value};
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
        // `app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///app.db"`.
        for subscript in module.subscripts.iter().filter(|subscript| subscript.stored && subscript.key == "SQLALCHEMY_DATABASE_URI") {
            let inside = |assign: &&Assign| assign.span.start <= subscript.span.start && subscript.span.end <= assign.span.end;
            if let Some(assign) = module.assigns.iter().find(inside)
                && module.texts(&assign.value, assign.scope).iter().any(|text| is_sqlite(text))
            {
                findings.at(&module.source, assign.span, "This database is lost at every restart").hint(HINT);
            }
        }
        for call in &module.calls {
            let name = call.name.as_str();
            let (message, place) = if matches!(name, "sqlite3.connect" | "aiosqlite.connect" | "duckdb.connect" | "sqlalchemy.create_engine" | "sqlalchemy.ext.asyncio.create_async_engine") {
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
            if passing || (name.starts_with("sqlalchemy.") && !is_sqlite(&path)) {
                continue;
            }
            let whole = name == "open" || name.starts_with("pathlib.");
            findings.at(&module.source, if whole { call.span } else { *span }, message).hint(HINT);
        }
    }
}

/// Whether the address of an engine names a file of SQLite.
fn is_sqlite(address: &str) -> bool {
    address.starts_with("sqlite") && address.split_once(":///").is_some_and(|(_, file)| !file.is_empty())
}

fn writes(mode: Option<(&Value, Span)>) -> bool {
    matches!(mode, Some((Value::Text(mode), _)) if mode.starts_with(['w', 'a', 'x']))
}
