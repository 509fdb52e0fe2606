use ruff_python_ast::name::Name;

use crate::check::rule::declare_rule;
use crate::check::serving::gunicorn_settings;
use crate::check::{Context, Findings};
use crate::python::{Module, Value};

declare_rule! {
    /// ## What it does
    /// Finds apps that ignore `SIGTERM`, and servers that wait longer than 15 s for their last requests.
    ///
    /// ## Why is this bad?
    /// At every deployment and stop the platform sends `SIGTERM` and kills what is still there 15 s later: requests
    /// are cut off, and what the app does at its end is not done.
    ///
    /// ## Example
    /// ```yaml
    /// command: ["gunicorn", "app:app", "--graceful-timeout", "60"]
    /// ```
    /// Use instead:
    /// ```yaml
    /// command: ["gunicorn", "app:app", "--graceful-timeout", "10"]
    /// ```
    pub(crate) static RULE = { code: "BY213", name: "slow-shutdown", level: Warning, check: check }
}

/// Seconds between `SIGTERM` and `SIGKILL` (platform §2.1).
const GRACE: i64 = 15;
const HINT: &str = "wait 10 s at most";

fn check(context: &Context, findings: &mut Findings) {
    if let Some(command) = &context.command
        && let Some(source) = &command.source
        && let Some((text, span)) = command.option(&["--graceful-timeout", "--timeout-graceful-shutdown"])
        && let Some(seconds) = text.parse::<i64>().ok().filter(|seconds| *seconds > GRACE)
    {
        findings.at(source, span, message(seconds)).hint(HINT);
    }
    for (module, assign) in gunicorn_settings(context, "graceful_timeout") {
        if let Some(seconds) = too_long(module, &assign.value, 0) {
            findings.at(&module.source, assign.span, message(seconds)).hint(HINT);
        }
    }
    for module in context.reached() {
        for call in &module.calls {
            match call.name.as_str() {
                "uvicorn.run" => {
                    let Some((value, span)) = call.keyword("timeout_graceful_shutdown") else { continue };
                    if let Some(seconds) = too_long(module, value, call.scope) {
                        findings.at(&module.source, span, message(seconds)).hint(HINT);
                    }
                }
                "signal.signal" => {
                    let named = |at: usize| match call.args.get(at) {
                        Some((Value::Name(name), _)) => module.qualify(name, call.scope),
                        _ => Name::default(),
                    };
                    if named(0) == "signal.SIGTERM" && named(1) == "signal.SIG_IGN" {
                        findings
                            .at(&module.source, call.span, "The app ignores that it should end, and is killed 15 s later")
                            .hint("leave `SIGTERM` to the server, or end in time");
                    }
                }
                _ => {}
            }
        }
    }
}

fn too_long(module: &Module, value: &Value, scope: usize) -> Option<i64> {
    let least = module.numbers(value, scope).into_iter().min()?;
    (least > GRACE).then_some(least)
}

fn message(seconds: i64) -> String {
    format!("The server waits {seconds} s for its last requests; the platform kills it after 15 s")
}
