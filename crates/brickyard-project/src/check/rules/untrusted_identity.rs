use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Value;

declare_rule! {
    /// ## What it does
    /// Finds the user's identity read from a header the platform does not set.
    ///
    /// ## Why is this bad?
    /// Any client can send such a header. The platform sets `X-Forwarded-Email`, `X-Forwarded-User` and
    /// `X-Forwarded-Preferred-Username`, and takes away what the client sent under those names.
    ///
    /// ## Example
    /// ```python
    /// email = request.headers.get("X-User-Email")
    /// ```
    /// Use instead:
    /// ```python
    /// email = request.headers.get("X-Forwarded-Email")
    /// ```
    pub(crate) static RULE = { code: "BY410", name: "untrusted-identity", level: Warning, check: check }
}

const HINT: &str = "use `X-Forwarded-Email` or `X-Forwarded-User`";
const NAMES: [&str; 8] = ["x-user", "x-user-email", "x-user-id", "x-user-name", "remote-user", "x-remote-user", "x-auth-user", "x-auth-request-email"];

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        for subscript in module.subscripts.iter().filter(|subscript| !subscript.stored) {
            if subscript.base.to_lowercase().contains("headers") && NAMES.contains(&subscript.key.to_lowercase().as_str()) {
                findings.at(&module.source, subscript.span, format!("Anyone can send `{}`", subscript.key)).hint(HINT);
            }
        }
        // FastAPI makes the header's name from the parameter's: `x_user_email: str = Header()`.
        for function in module.functions.iter().skip(1).filter(|function| !function.routes.is_empty()) {
            let text = module.text(function.body);
            for (name, _) in &function.parameters {
                let header = name.replace('_', "-");
                if NAMES.contains(&header.as_str())
                    && text.split_once(name.as_str()).is_some_and(|(_, rest)| rest.split(',').next().is_some_and(|rest| rest.contains("Header(")))
                {
                    findings.at(&module.source, function.span, format!("Anyone can send `{header}`")).hint(HINT);
                }
            }
        }
        let called = module.calls.iter().filter(|call| call.method() == "get" && call.name.to_lowercase().contains("headers"));
        for call in called {
            if let Some((Value::Text(text), span)) = call.args.first()
                && NAMES.contains(&text.to_lowercase().as_str())
            {
                findings
                    .at(&module.source, *span, format!("Anyone can send `{text}`"))
                    .hint(HINT);
            }
        }
    }
}
