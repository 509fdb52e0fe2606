use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::framework::Framework;

declare_rule! {
    /// ## What it does
    /// Finds FastAPI apps without pages whose routes all lie outside `/api/`.
    ///
    /// ## Why is this bad?
    /// Programs call an app with a token, and the platform accepts tokens for paths under `/api/` alone, beside those of
    /// agents (`/responses`, `/invocations`) and MCP servers (`/mcp`); on other paths they get the login page.
    ///
    /// ## Example
    /// ```python
    /// @app.get("/items")
    /// ```
    /// Use instead:
    /// ```python
    /// @app.get("/api/items")
    /// ```
    pub(crate) static RULE = { code: "BY604", name: "api-prefix", level: Info, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    if context.framework != Some(Framework::FastApi) {
        return;
    }
    let pages = context.reached().any(|module| {
        module.imports.iter().any(|import| import.module.starts_with("jinja2") || import.module.contains("templating") || import.module == "gradio")
            || module.calls.iter().any(|call| matches!(call.method(), "StaticFiles" | "HTMLResponse" | "FileResponse" | "mount" | "Jinja2Templates" | "include_router"))
            || module.source.text().contains("HTMLResponse")
    });
    let protocol = context.reached().flat_map(|module| &module.imports).any(|import| {
        matches!(import.module.split('.').next(), Some("mcp" | "fastmcp")) || import.module.contains("agent_server")
    });
    if pages || protocol {
        return;
    }
    let mut first = None;
    for module in context.reached() {
        for function in &module.functions {
            for (name, path, span) in &function.routes {
                let method = name.trim_end_matches("()").rsplit('.').next().unwrap_or_default();
                let is_route = name.starts_with("fastapi.") && matches!(method, "get" | "post" | "put" | "delete" | "patch");
                let Some(path) = path.as_ref().filter(|_| is_route) else { continue };
                if ["/api", "/responses", "/invocations", "/mcp"].iter().any(|taken| path.starts_with(taken)) {
                    return;
                }
                if path != "/" {
                    first.get_or_insert((module, *span));
                }
            }
        }
    }
    if let Some((module, span)) = first {
        findings
            .at(&module.source, span, "Programs reach an app with a token under `/api/` alone")
            .hint("put the routes under `/api/`, for example with `APIRouter(prefix=\"/api\")`");
    }
}
