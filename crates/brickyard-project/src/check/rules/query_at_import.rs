use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::framework::Framework;
use crate::python::{Call, Module, Value};

declare_rule! {
    /// ## What it does
    /// Finds queries, and reads of remote files, that run while a module is imported.
    ///
    /// ## Why is this bad?
    /// The app does not answer before the query has: a warehouse that has to start takes minutes, and one that is away
    /// keeps the app from starting at all. Every worker asks again and holds its own copy, and the page shows what was true when
    /// the app started. Streamlit runs its script for every user, so there this is no matter of the start and not looked at.
    ///
    /// ## Example
    /// ```python
    /// trips = pandas.read_sql("SELECT * FROM trips", connection)
    /// app.layout = table(trips)
    /// ```
    /// Use instead:
    /// ```python
    /// def layout():
    ///     return table(pandas.read_sql("SELECT * FROM trips", connection()))
    ///
    /// app.layout = layout
    /// ```
    pub(crate) static RULE = { code: "BY214", name: "query-at-import", level: Warning, check: check }
}

/// How many functions of a module are followed from a call to a query.
const STEPS: usize = 4;

fn check(context: &Context, findings: &mut Findings) {
    if context.framework == Some(Framework::Streamlit) {
        return;
    }
    for module in context.reached() {
        // What stands under `if` or `try` has an answer for when the query fails.
        let at_import = module.calls.iter().filter(|call| call.scope == 0 && !call.main && !call.conditional && !call.later);
        let mut last = 0;
        for call in at_import {
            // Of `read(read_sql(…))` the outer one is enough.
            if call.span.end <= last {
                continue;
            }
            let message = if queries(module, call) || through(module, call, STEPS) {
                "This query runs while the app starts, and its answer is kept until the next start"
            } else if reads_remote(module, call) {
                "This file is fetched while the app starts, and kept until the next start"
            } else {
                continue;
            };
            last = call.span.end;
            findings.at(&module.source, call.span, message).hint("ask when a page or a request needs it");
        }
    }
}

/// Whether a call brings rows of a query.
fn queries(module: &Module, call: &Call) -> bool {
    let name = call.name.as_str();
    matches!(name, "pandas.read_sql" | "pandas.read_sql_query" | "pandas.read_sql_table" | "polars.read_database")
        || name.ends_with(".statement_execution.execute_statement")
        || (matches!(call.method(), "fetchall" | "fetchone" | "fetchall_arrow") && speaks_sql(module))
}

/// Whether a module has a client of a warehouse or of a Postgres database.
fn speaks_sql(module: &Module) -> bool {
    module.imports.iter().any(|import| {
        let database = |name: &str| matches!(name, "psycopg" | "psycopg2" | "sqlalchemy" | "asyncpg" | "psycopg_pool");
        let sql = import.module.starts_with("databricks") && import.name.as_deref() == Some("sql");
        sql || import.module.starts_with("databricks.sql") || import.module.split('.').next().is_some_and(database)
    })
}

/// Whether a call of a function of this module comes to a query.
fn through(module: &Module, call: &Call, steps: usize) -> bool {
    let Some(left) = steps.checked_sub(1) else { return false };
    let found = |name: &str| module.functions.iter().skip(1).position(|function| function.name == name && function.class.is_none());
    let Some(scope) = found(&call.raw).map(|at| at + 1) else { return false };
    let inside = module.calls.iter().filter(|inner| inner.scope == scope);
    !module.functions[scope].is_async
        && inside.into_iter().any(|inner| queries(module, inner) || (inner.raw != call.raw && through(module, inner, left)))
}

/// Whether a call reads a table from another machine into memory.
fn reads_remote(module: &Module, call: &Call) -> bool {
    let reads = call.name.starts_with("pandas.read_") || call.name.starts_with("polars.read_");
    let Some((value, _)) = call.args.first().filter(|_| reads) else { return false };
    let text = match module.follow(value, call.scope) {
        Value::Text(text) => text,
        Value::Format(parts) => match parts.into_iter().next() {
            Some(crate::python::Part::Text(text)) => text,
            _ => return false,
        },
        _ => return false,
    };
    ["http://", "https://", "s3://", "abfss://", "gs://", "/Volumes/", "dbfs:/"].iter().any(|start| text.starts_with(start))
}
