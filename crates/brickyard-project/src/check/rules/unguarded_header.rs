use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Value;

declare_rule! {
    /// ## What it does
    /// Finds headers of the platform read with `[…]`.
    ///
    /// ## Why is this bad?
    /// `X-Forwarded-Access-Token` comes only where user authorization is switched on; without it the page fails with
    /// `KeyError`.
    ///
    /// ## Example
    /// ```python
    /// token = request.headers["x-forwarded-access-token"]
    /// ```
    /// Use instead:
    /// ```python
    /// token = request.headers.get("x-forwarded-access-token")
    /// if not token:
    ///     abort(401)
    /// ```
    pub(crate) static RULE = { code: "BY407", name: "unguarded-header", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        for call in module.calls.iter().filter(|call| call.method() == "get" && call.args.len() == 1) {
            let header = matches!(&call.args[0].0, Value::Text(text) if text.eq_ignore_ascii_case("x-forwarded-access-token"));
            // `….get("…").strip()`: `None` has no method.
            if header && !call.conditional && module.source.text()[call.span.end..].starts_with('.') {
                findings
                    .at(&module.source, call.span, "This header is missing where user authorization is off")
                    .hint("keep what `.get(…)` returns, and say what is missing where it is `None`");
            }
        }
        for subscript in &module.subscripts {
            let header = subscript.key.eq_ignore_ascii_case("x-forwarded-access-token");
            if header && subscript.base.to_lowercase().contains("headers") && !subscript.stored && !subscript.conditional {
                findings
                    .at(&module.source, subscript.span, "This header is missing where user authorization is off")
                    .hint("use `.get(…)` and say what is missing");
            }
        }
    }
}
