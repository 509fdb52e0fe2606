use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::framework::Framework;
use crate::python::{Call, Module, Value};

declare_rule! {
    /// ## What it does
    /// Finds connections a Streamlit app makes at every rerun.
    ///
    /// ## Why is this bad?
    /// A Streamlit script runs again at every click; connections pile up until new ones are refused or hang.
    ///
    /// ## Example
    /// ```python
    /// conn = sql.connect(...)
    /// ```
    /// Use instead:
    /// ```python
    /// @st.cache_resource(ttl=600)
    /// def connection():
    ///     return sql.connect(...)
    /// ```
    pub(crate) static RULE = { code: "BY504", name: "connection-per-rerun", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    if context.framework != Some(Framework::Streamlit) {
        return;
    }
    let cached_callers: Vec<String> = context.reached().flat_map(cached_calls).collect();
    for module in context.reached() {
        for call in &module.calls {
            // A pool is made by something that keeps it, unless the script itself makes it.
            let pool = matches!(call.name.as_str(), "psycopg_pool.ConnectionPool" | "psycopg2.pool.SimpleConnectionPool" | "psycopg2.pool.ThreadedConnectionPool");
            let by_pool = pool && call.scope == 0;
            if !by_pool && !matches!(call.name.as_str(), "databricks.sql.connect" | "psycopg.connect" | "psycopg2.connect" | "sqlalchemy.create_engine") {
                continue;
            }
            if call.main || module.scopes(call.scope).any(|scope| is_cached(module, scope) || called(&cached_callers, &module.functions[scope].name)) {
                continue;
            }
            // A class keeps its connection; who keeps the class is seen where the script itself makes one.
            let function = &module.functions[call.scope];
            let by_script = function.class.as_ref().is_some_and(|class| {
                function.name == "__init__"
                    && !context.is_imported(module)
                    && module.calls.iter().any(|other| other.raw == *class && other.scope == 0 && !other.main)
            });
            let for_class = module.calls.iter().any(|other| {
                call.scope != 0
                    && other.raw == function.name
                    && module.scopes(other.scope).any(|scope| module.functions[scope].class.is_some())
            });
            // An engine that is made once asks this function for its connections and keeps or closes them.
            let for_engine = module.calls.iter().any(|other| {
                other.keyword("creator").is_some_and(|(value, _)| *value == Value::Name(function.name.clone()))
            });
            if (function.class.is_some() && !by_script) || for_class || for_engine {
                continue;
            }
            // A user's own connection must not be kept for others.
            if call.keyword("access_token").is_some() {
                continue;
            }
            // An imported module runs once; only the script and its pages run again.
            if call.scope == 0 && context.is_imported(module) {
                continue;
            }
            if context.is_imported(module) && is_kept(module, call) {
                continue;
            }
            let finding = findings
                .at(&module.source, call.span, "A new connection is made at every rerun of the script")
                .hint("make it in a function with `@st.cache_resource`");
            // One that is closed again is slow and does no harm.
            let closed = call.managed
                || module.calls.iter().any(|other| {
                    other.raw.rsplit('.').next() == Some("close") || (other.managed && other.raw == function.name)
                });
            if closed {
                finding.level(crate::check::Level::Info);
            }
        }
    }
}

/// Whether a function puts the connection, or what the function around the call returns, into a variable of the module,
/// which lasts as long as the app where the module is imported.
fn is_kept(module: &Module, call: &Call) -> bool {
    let function = &module.functions[call.scope].name;
    let makers = module.calls.iter().filter(|other| call.scope != 0 && other.raw == *function);
    std::iter::once(call).chain(makers).any(|maker| {
        module.assigns.iter().any(|assign| {
            assign.scope == maker.scope
                && assign.span.start <= maker.span.start
                && maker.span.end <= assign.span.end
                && module.functions[assign.scope].globals.contains(&assign.target)
        })
    })
}

fn called(names: &[String], function: &str) -> bool {
    !function.is_empty() && names.iter().any(|name| name == function)
}

fn is_cached(module: &Module, scope: usize) -> bool {
    module.functions[scope].decorators.iter().any(|(name, _)| name.contains("cache"))
}

/// Names of functions that cached functions call.
fn cached_calls(module: &Module) -> Vec<String> {
    module
        .calls
        .iter()
        .filter(|call| module.scopes(call.scope).any(|scope| is_cached(module, scope)))
        .map(|call| call.method().to_owned())
        .collect()
}
