use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Checks that `st.set_page_config` is the first Streamlit call of a script.
    ///
    /// ## Why is this bad?
    /// The pre-installed Streamlit 1.38 stops with `StreamlitAPIException`.
    ///
    /// ## Example
    /// ```python
    /// st.title("Sales")
    /// st.set_page_config(layout="wide")
    /// ```
    pub(crate) static RULE = { code: "BY601", name: "page-config-first", level: Warning, check: check }
}

/// Parts of Streamlit that draw nothing.
const SILENT: [&str; 14] = [
    "set_page_config", "cache_data", "cache_resource", "cache", "session_state", "secrets", "query_params", "context",
    "navigation", "Page", "fragment", "get_option", "set_option", "connection",
];

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        let mut calls: Vec<_> = module.calls.iter().filter(|call| call.scope == 0 && !call.main).collect();
        calls.sort_by_key(|call| call.span.start);
        let Some(page) = calls.iter().find(|call| call.name == "streamlit.set_page_config") else { continue };
        // What stands under `if` may end the script before the page begins.
        let first = calls.iter().filter(|call| !call.conditional).find(|call| {
            call.name
                .strip_prefix("streamlit.")
                .is_some_and(|rest| !SILENT.iter().any(|name| rest.split(['.', '(']).next() == Some(name)))
                && !call.name.contains("()")
        });
        if let Some(first) = first.filter(|first| first.span.start < page.span.start) {
            findings
                .at(&module.source, page.span, format!("`set_page_config` comes after `{}` and fails", first.raw))
                .hint("move it to the top, right below the imports");
        }
    }
}
