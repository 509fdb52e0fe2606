use ruff_python_ast::name::Name;

use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::{Module, Value};

declare_rule! {
    /// ## What it does
    /// Compares what the app does with a user's token to `user_api_scopes` in the bundle.
    ///
    /// ## Why is this bad?
    /// The call is refused: `Provided OAuth token does not have required scopes`.
    ///
    /// ## Example
    /// ```python
    /// sql.connect(access_token=request.headers.get("x-forwarded-access-token"))
    /// ```
    /// with a bundle that has no `user_api_scopes: [sql]`.
    pub(crate) static RULE = { code: "BY408", name: "missing-scope", level: Error, check: check }
}

/// Part of the SDK, and the scopes of which one is needed (platform §6.2).
const NEEDED: [(&str, &[&str]); 9] = [
    ("statement_execution", &["sql", "sql.statement-execution"]),
    ("warehouses", &["sql", "sql.warehouses", "sql.warehouses:read"]),
    ("genie", &["dashboards.genie", "genie"]),
    ("files", &["files.files", "files"]),
    ("serving_endpoints", &["serving.serving-endpoints", "model-serving", "serving.serving-endpoints-data-plane"]),
    ("vector_search_indexes", &["vectorsearch.vector-search-indexes", "vector-search"]),
    ("catalogs", &["catalog.catalogs:read"]),
    ("schemas", &["catalog.schemas:read"]),
    ("tables", &["catalog.tables:read"]),
];

fn check(context: &Context, findings: &mut Findings) {
    let Some(app) = context.bundle_app() else { return };
    let scopes = &app.user_api_scopes;
    for module in context.reached() {
        for call in &module.calls {
            if call.name == "databricks.sql.connect"
                && let Some((token, _)) = call.keyword("access_token")
                && is_forwarded(module, token, call.scope)
                && !scopes.iter().any(|scope| scope == "sql")
            {
                findings
                    .at(&module.source, call.span, "The user's token has no scope `sql`")
                    .hint(format!("add `user_api_scopes: [sql]` to the app `{}` in `databricks.yml`", app.key));
            }
            let Some(rest) = call.name.strip_prefix("databricks.sdk.WorkspaceClient().") else { continue };
            let Some((part, wanted)) = NEEDED.iter().find(|(part, _)| rest.starts_with(&format!("{part}."))) else { continue };
            let made_here = || {
                let inner = module.calls.iter().find(|inner| inner.span.start == call.func.start && inner.span.end < call.func.end && inner.name == "databricks.sdk.WorkspaceClient");
                inner.is_some_and(|inner| inner.keyword("token").is_some_and(|(value, _)| is_forwarded(module, value, call.scope)))
            };
            if !(user_client(module, &call.raw, call.scope) || made_here()) || wanted.iter().any(|scope| scopes.iter().any(|have| have == scope)) {
                continue;
            }
            findings
                .at(&module.source, call.func, format!("`{part}` with a user's token needs the scope `{}`", wanted[0]))
                .hint(format!("add `{}` to `user_api_scopes` of the app `{}` in `databricks.yml`", wanted[0], app.key));
        }
    }
}

/// Whether the client a call goes through was made from a forwarded token, here or by a function of the module.
pub(super) fn user_client(module: &Module, raw: &str, scope: usize) -> bool {
    let first = raw.split(['.', '(']).next().unwrap_or_default();
    let value = if raw[first.len()..].starts_with("()") {
        Value::Call(first.into(), Vec::new(), Vec::new())
    } else {
        module.follow(&Value::Name(first.into()), scope)
    };
    let Value::Call(name, args, keywords) = value else { return false };
    let with_token = |keywords: &[(Name, Value)], scope: usize| {
        keywords.iter().any(|(name, value)| {
            let config = || match module.follow(value, scope) {
                Value::Call(_, _, inner) => {
                    inner.iter().any(|(name, value)| name == "token" && is_forwarded(module, value, scope))
                }
                _ => false,
            };
            (name == "token" && is_forwarded(module, value, scope)) || (name == "config" && config())
        })
    };
    if with_token(&keywords, scope) {
        return true;
    }
    let Some(maker) = module.functions.iter().skip(1).position(|function| function.name == name).map(|at| at + 1) else {
        return false;
    };
    module.functions[maker].returns.iter().any(|returned| {
        let Value::Call(_, _, inner) = module.follow(returned, maker) else { return false };
        let handed = inner.iter().any(|(name, value)| {
            name == "token" && matches!(value, Value::Name(parameter) if module.functions[maker].parameters.iter().any(|(own, _)| own == parameter))
        });
        let given = args.iter().chain(keywords.iter().map(|(_, value)| value)).any(|value| is_forwarded(module, value, scope));
        with_token(&inner, maker) || (handed && given)
    })
}

fn is_forwarded(module: &Module, value: &Value, scope: usize) -> bool {
    is_forwarded_at(module, value, scope, 4)
}

fn is_forwarded_at(module: &Module, value: &Value, scope: usize, steps: usize) -> bool {
    let Some(left) = steps.checked_sub(1) else { return false };
    match module.follow(value, scope) {
        Value::Call(name, args, _) => {
            let returns = || {
                let maker = module.functions.iter().skip(1).position(|function| function.name == name)? + 1;
                let mut returns = module.functions[maker].returns.iter();
                Some(returns.any(|value| is_forwarded_at(module, value, maker, left)))
            };
            args.iter().any(is_header) || returns().unwrap_or_default()
        }
        Value::Index(_, key) => is_header(&key),
        Value::Either(values) => values.iter().any(|value| is_forwarded_at(module, value, scope, left)),
        // A parameter: FastAPI fills one of this name from the header, and callers may hand the token on.
        Value::Name(name) => {
            name.eq_ignore_ascii_case("x_forwarded_access_token")
                || (name.contains("token") && scope != 0 && {
                    let function = &module.functions[scope];
                    function.parameters.iter().any(|(own, _)| *own == name)
                        && module.calls.iter().any(|call| {
                            let mut given = call.args.iter().map(|(value, _)| value).chain(call.keywords.iter().map(|(_, value, _)| value));
                            call.raw == function.name && given.any(|value| is_forwarded_at(module, value, call.scope, left))
                        })
                })
        }
        _ => false,
    }
}

fn is_header(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.eq_ignore_ascii_case("x-forwarded-access-token"))
}
