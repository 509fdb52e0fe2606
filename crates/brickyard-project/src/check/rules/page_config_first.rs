use std::collections::BTreeSet;

use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::{Call, Module};

declare_rule! {
    /// ## What it does
    /// Checks that `st.set_page_config` is the first Streamlit call of a script, also after functions and modules that draw.
    ///
    /// ## Why is this bad?
    /// The pre-installed Streamlit 1.38 stops with `StreamlitAPIException`; from 1.46 on the call may stand anywhere.
    ///
    /// ## Example
    /// ```python
    /// st.title("Sales")
    /// st.set_page_config(layout="wide")
    /// ```
    pub(crate) static RULE = { code: "BY601", name: "page-config-first", level: Warning, check: check }
}

const SETS: &str = "streamlit.set_page_config";

/// Parts of Streamlit that draw nothing.
const SILENT: [&str; 17] = [
    "set_page_config", "cache_data", "cache_resource", "cache", "session_state", "secrets", "query_params", "context",
    "navigation", "Page", "fragment", "get_option", "set_option", "connection",
    "dialog", "column_config", "components",
];

fn check(context: &Context, findings: &mut Findings) {
    // Streamlit 1.46 and later take the call anywhere.
    if context.installs("streamlit", "1.46") {
        return;
    }
    for module in context.reached() {
        // The page may be set up at the top of the script or in a function that is called there.
        for scope in module.calls.iter().filter(|call| call.name == SETS).map(|call| call.scope).collect::<BTreeSet<_>>() {
            let mut calls: Vec<_> =
                module.calls.iter().filter(|call| call.scope == scope && !call.main && !call.later).collect();
            calls.sort_by_key(|call| call.span.start);
            let Some(page) = calls.iter().find(|call| call.name == SETS) else { continue };
            // What stands under `if` may end the script before the page begins.
            let first = calls.iter().filter(|call| !call.conditional).find(|call| draws(&call.name) || calls_one(module, call));
            if let Some(first) = first.filter(|first| first.span.start < page.span.start) {
                findings
                    .at(&module.source, page.span, format!("`set_page_config` comes after `{}` and fails", first.raw))
                    .hint("move it to the top, right below the imports");
            } else if let Some(import) = drawing_import(context, module, page).filter(|_| scope == 0) {
                findings
                    .at(&module.source, page.span, format!("`set_page_config` comes after the import of `{import}`, which draws, and fails"))
                    .hint("move it above that import");
            }
        }
    }
}

/// Whether a call surely draws, where it is not the script itself that is looked at.
fn surely_draws(name: &str) -> bool {
    let words = ["title", "header", "subheader", "markdown", "write", "caption", "sidebar", "columns", "image", "info", "error", "warning", "success", "button", "tabs", "container", "expander", "dataframe", "metric"];
    let rest = name.strip_prefix("streamlit.").filter(|_| !name.contains("()"));
    rest.is_some_and(|rest| words.contains(&rest.split('.').next().unwrap_or_default()))
}

fn draws(name: &str) -> bool {
    let rest = name.strip_prefix("streamlit.").filter(|_| !name.contains("()"));
    rest.is_some_and(|rest| !SILENT.iter().any(|name| rest.split(['.', '(']).next() == Some(name)))
}

/// Whether a call runs a function of the module that draws and does not set up the page.
fn calls_one(module: &Module, call: &Call) -> bool {
    let found = module.functions.iter().skip(1).position(|function| function.name == call.raw && function.class.is_none());
    let Some(scope) = found.map(|at| at + 1) else { return false };
    let inside = || module.calls.iter().filter(|inner| inner.scope == scope && !inner.conditional);
    !inside().any(|inner| inner.name == SETS) && inside().any(|inner| surely_draws(&inner.name))
}

/// A module imported above the call that draws as soon as it is read.
fn drawing_import<'a>(context: &'a Context, module: &'a Module, page: &Call) -> Option<&'a str> {
    let above = module.imports.iter().filter(|import| import.scope == 0 && import.span.end < page.span.start);
    above.map(|import| import.module.as_str()).find(|name| {
        let file = format!("{}.py", name.replace('.', "/"));
        let other = context.modules.iter().find(|other| other.path == file && other.path != module.path);
        other.is_some_and(|other| {
            let at_import = other.calls.iter().filter(|call| call.scope == 0 && !call.main && !call.conditional && !call.later);
            let calls: Vec<_> = at_import.collect();
            !calls.iter().any(|call| call.name == SETS) && calls.iter().any(|call| surely_draws(&call.name))
        })
    })
}
