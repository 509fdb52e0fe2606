use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::{Module, Part, Value};
use crate::source::Span;

declare_rule! {
    /// ## What it does
    /// Finds `https://` put before `Config().host`.
    ///
    /// ## Why is this bad?
    /// `host` already begins with `https://`, so the address becomes `https://https://…`.
    ///
    /// ## Example
    /// ```python
    /// url = f"https://{cfg.host}/serving-endpoints"
    /// ```
    /// Use instead:
    /// ```python
    /// url = f"{cfg.host}/serving-endpoints"
    /// ```
    pub(crate) static RULE = { code: "BY403", name: "double-scheme", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let message = "`host` already begins with `https://`";
    for module in context.reached() {
        for format in &module.formats {
            for pair in format.parts.windows(2) {
                if let [Part::Text(text), Part::Value(value)] = pair
                    && text.ends_with("https://")
                    && is_host(module, value, format.scope)
                {
                    let finding = findings.at(&module.source, format.span, message).hint("leave out `https://`");
                    if let Some(at) = module.text(format.span).find("https://{") {
                        let start = format.span.start + at;
                        finding.safe_fix("Leave out `https://`", Span::new(start, start + "https://".len()), "");
                    }
                }
            }
        }
        for (left, right, scope, span) in &module.sums {
            if matches!(left, Value::Text(text) if text == "https://") && is_host(module, right, *scope) {
                findings.at(&module.source, *span, message).hint("leave out `https://`");
            }
        }
    }
}

fn is_host(module: &Module, value: &Value, scope: usize) -> bool {
    let full = match module.follow(value, scope) {
        Value::Name(followed) => module.qualify(&followed, scope),
        // What takes a slash off its end leaves the scheme.
        Value::Call(name, ..) => match name.rsplit_once('.') {
            Some((inner, "rstrip" | "strip" | "lower")) => return is_host(module, &Value::Name(inner.into()), scope),
            _ => return false,
        },
        _ => return false,
    };
    matches!(
        full.as_str(),
        "databricks.sdk.core.Config().host" | "databricks.sdk.config.Config().host" | "databricks.sdk.WorkspaceClient().config.host"
    )
}
