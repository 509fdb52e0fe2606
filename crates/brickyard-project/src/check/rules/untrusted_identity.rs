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

const NAMES: [&str; 8] = ["x-user", "x-user-email", "x-user-id", "x-user-name", "remote-user", "x-remote-user", "x-auth-user", "x-auth-request-email"];

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        let called = module.calls.iter().filter(|call| call.method() == "get" && call.name.to_lowercase().contains("headers"));
        for call in called {
            if let Some((Value::Text(text), span)) = call.args.first()
                && NAMES.contains(&text.to_lowercase().as_str())
            {
                findings
                    .at(&module.source, *span, format!("Anyone can send `{text}`"))
                    .hint("use `X-Forwarded-Email` or `X-Forwarded-User`");
            }
        }
    }
}
