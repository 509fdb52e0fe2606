use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds blocking calls in `async` route handlers.
    ///
    /// ## Why is this bad?
    /// While the call waits, the app answers nobody else.
    ///
    /// ## Example
    /// ```python
    /// @app.get("/api/trips")
    /// async def trips():
    ///     connection = sql.connect(...)
    /// ```
    /// Use instead `def`, which FastAPI runs in a thread:
    /// ```python
    /// @app.get("/api/trips")
    /// def trips():
    ///     connection = sql.connect(...)
    /// ```
    pub(crate) static RULE = { code: "BY607", name: "blocking-handler", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        for (index, function) in module.functions.iter().enumerate().skip(1) {
            let route = function.routes.iter().any(|(name, path, _)| name.starts_with("fastapi.") && path.is_some());
            if !function.is_async || !route {
                continue;
            }
            let blocking = module.calls.iter().find(|call| {
                call.scope == index
                    && !call.awaited
                    && (matches!(call.name.as_str(), "databricks.sql.connect" | "time.sleep" | "psycopg.connect" | "psycopg2.connect" | "requests.get" | "requests.post" | "requests.put" | "requests.delete" | "requests.request")
                        || call.name.ends_with("serving_endpoints.query")
                        || call.name.ends_with("statement_execution.execute_statement"))
            });
            if let Some(call) = blocking {
                findings
                    .at(&module.source, call.func, format!("`{}` holds up every other request", call.raw))
                    .hint(format!("write `def {}` instead of `async def`, or `await asyncio.to_thread(…)`", function.name));
            }
        }
    }
}
