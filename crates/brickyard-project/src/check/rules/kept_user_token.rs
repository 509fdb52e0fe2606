use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::{Module, Value};

declare_rule! {
    /// ## What it does
    /// Finds a user's token kept in Streamlit's session state.
    ///
    /// ## Why is this bad?
    /// The token lives for about an hour and the session much longer; after that every call fails until the page is
    /// loaded again.
    ///
    /// ## Example
    /// ```python
    /// st.session_state.token = st.context.headers["x-forwarded-access-token"]
    /// ```
    /// Use instead:
    /// ```python
    /// token = st.context.headers["x-forwarded-access-token"]  # where it is needed
    /// ```
    pub(crate) static RULE = { code: "BY406", name: "kept-user-token", level: Warning, check: check }
}

const MESSAGE: &str = "The token grows old in the session state";
const HINT: &str = "read the header where the token is needed";
const HEADER: &str = "x-forwarded-access-token";

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        if !module.strings.iter().any(|(text, _)| text.eq_ignore_ascii_case(HEADER)) {
            continue;
        }
        for call in module.calls.iter().filter(|call| call.name == "streamlit.session_state.setdefault") {
            if call.args.get(1).is_some_and(|(value, _)| is_token(&module.follow(value, call.scope))) {
                findings.at(&module.source, call.span, MESSAGE).hint(HINT);
            }
        }
        for call in module.calls.iter().filter(|call| call.name == "streamlit.session_state.update") {
            if call.keywords.iter().any(|(_, value, _)| is_token(&module.follow(value, call.scope))) {
                findings.at(&module.source, call.span, MESSAGE).hint(HINT);
            }
        }
        for assign in &module.assigns {
            let target = module.qualify(&assign.target, assign.scope);
            if target.starts_with("streamlit.session_state") && (is_token(&module.follow(&assign.value, assign.scope)) || gives_token(module, &assign.value)) {
                findings
                    .at(&module.source, assign.span, MESSAGE)
                    .hint(HINT);
            }
        }
    }
}

pub(super) fn is_token(value: &Value) -> bool {
    let header = |value: &Value| matches!(value, Value::Text(text) if text.eq_ignore_ascii_case(HEADER));
    match value {
        Value::Call(_, args, _) => args.iter().any(header),
        Value::Index(_, key) => header(key),
        Value::Either(values) => values.iter().any(is_token),
        _ => false,
    }
}

/// Whether a value is a call of a function of the module that returns the token.
fn gives_token(module: &Module, value: &Value) -> bool {
    let Value::Call(name, ..) = value else { return false };
    module.functions.iter().enumerate().skip(1).any(|(index, function)| {
        function.name == *name && function.returns.iter().any(|value| is_token(&module.follow(value, index)))
    })
}
