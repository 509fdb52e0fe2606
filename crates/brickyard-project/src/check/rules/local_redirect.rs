use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Value;

declare_rule! {
    /// ## What it does
    /// Finds redirects to an absolute address on `localhost`.
    ///
    /// ## Why is this bad?
    /// The browser of the user has no app on its own `localhost`.
    ///
    /// ## Example
    /// ```python
    /// return RedirectResponse("http://localhost:8000/home")
    /// ```
    /// Use instead:
    /// ```python
    /// return RedirectResponse("/home")
    /// ```
    pub(crate) static RULE = { code: "BY209", name: "local-redirect", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        for call in &module.calls {
            if !matches!(call.method(), "RedirectResponse" | "redirect") {
                continue;
            }
            let Some((value, span)) = call.argument("url", 0) else { continue };
            let text = match module.follow(value, call.scope) {
                Value::Text(text) => text,
                Value::Format(parts) => match parts.into_iter().next() {
                    Some(crate::python::Part::Text(text)) => text,
                    _ => continue,
                },
                _ => continue,
            };
            if text.starts_with("http://localhost") || text.starts_with("http://127.0.0.1") {
                findings
                    .at(&module.source, span, "The user's browser has no app on its own `localhost`")
                    .hint("redirect to a path, such as `/home`");
            }
        }
    }
}
