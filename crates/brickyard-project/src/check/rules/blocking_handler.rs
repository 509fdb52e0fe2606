use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Module;

declare_rule! {
    /// ## What it does
    /// Finds calls in `async` route handlers that wait for another machine, by themselves or in a function of the module.
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
                call.scope == index && !call.awaited && !call.later && (blocks(&call.name) || through(module, &call.raw))
            });
            if let Some(call) = blocking {
                findings
                    .at(&module.source, call.func, format!("`{}` holds up every other request", call.raw))
                    .hint(format!("write `def {}` instead of `async def`, or `await asyncio.to_thread(…)`", function.name));
            }
        }
    }
}

/// Whether a call waits for another machine, or for the clock, with the whole server.
fn blocks(name: &str) -> bool {
    let waits = matches!(name, "databricks.sql.connect" | "time.sleep" | "psycopg.connect" | "psycopg2.connect")
        || name.strip_prefix("requests.").is_some_and(|method| matches!(method, "get" | "post" | "put" | "patch" | "delete" | "request"))
        || name.strip_prefix("httpx.").is_some_and(|method| matches!(method, "get" | "post" | "put" | "patch" | "delete" | "request"));
    let clients = ["httpx.Client().", "requests.Session().", "openai.OpenAI().", "sqlalchemy.create_engine()."];
    let asks = ["get", "post", "put", "patch", "delete", "request", "create", "connect", "begin", "execute"];
    let client = clients.iter().any(|client| name.starts_with(client))
        && name.rsplit('.').next().is_some_and(|method| asks.contains(&method));
    // `w.jobs.list()`: every method of a part of the SDK asks the workspace.
    let sdk = name.strip_prefix("databricks.sdk.WorkspaceClient().").is_some_and(|rest| {
        let words: Vec<&str> = rest.split('.').collect();
        words.len() == 2 && !matches!(words[0], "config" | "api_client") && !rest.contains('(') || rest == "api_client.do"
    });
    waits || client || sdk || name.ends_with("serving_endpoints.query") || name.ends_with("statement_execution.execute_statement")
}

/// Whether a function of the module that is not `async` blocks.
fn through(module: &Module, name: &str) -> bool {
    let found = module.functions.iter().skip(1).position(|function| function.name == name && function.class.is_none());
    let Some(scope) = found.map(|at| at + 1) else { return false };
    let function = &module.functions[scope];
    // A generator runs when it is iterated, unless `with` runs it up to its `yield`.
    let runs = !function.yields || function.decorators.iter().any(|(name, _)| name.ends_with("contextmanager"));
    runs && !function.is_async && module.calls.iter().any(|call| call.scope == scope && blocks(&call.name))
}
