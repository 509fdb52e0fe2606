use crate::check::rule::declare_rule;
use crate::check::{Command, Context, Findings};

declare_rule! {
    /// ## What it does
    /// Looks at gunicorn's `--timeout` where each worker does one request at a time.
    ///
    /// ## Why is this bad?
    /// Such a worker is killed after 30 s, in the middle of a slow query. Workers with threads (`--threads`, `-k gthread`)
    /// and asynchronous ones say that they live while requests are under way, so this rule is silent about them. Far
    /// above 120 s the timeout helps nobody: the platform has ended the request by then. An app may live well with
    /// either, so both are remarks.
    ///
    /// ## Example
    /// ```yaml
    /// command: ["gunicorn", "app:app"]
    /// ```
    /// Use instead:
    /// ```yaml
    /// command: ["gunicorn", "app:app", "--timeout", "120"]
    /// ```
    pub(crate) static RULE = { code: "BY204", name: "worker-timeout", level: Info, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some(command) = context.command.as_ref().filter(|command| command.program() == "gunicorn") else { return };
    let Some(source) = &command.source else { return };
    if !one_at_a_time(command) {
        return;
    }
    let configured = context.modules.iter().any(|module| module.path == "gunicorn.conf.py")
        || command.option(&["-c", "--config"]).is_some()
        || context.app.iter().flat_map(|app| &app.env).any(|entry| entry.name == "GUNICORN_CMD_ARGS");
    match command.option(&["-t", "--timeout"]) {
        Some((text, span)) if text.parse::<u32>().is_ok_and(|seconds| seconds > 120) => {
            findings
                .at(source, span, format!("A timeout of {text} s does not help: the platform ends requests at 120 s"))
                .hint("answer at once and let the page ask again, or use a WebSocket");
        }
        None if !configured => {
            let Some(word) = command.word(&["gunicorn"]) else { return };
            findings.at(source, word.span, "gunicorn kills a worker that is busy for 30 s").hint("add `--timeout 120`");
        }
        _ => {}
    }
}

/// Whether a worker cannot say that it lives while it is busy with a request.
fn one_at_a_time(command: &Command) -> bool {
    let class = command.option(&["-k", "--worker-class"]);
    let threads = command.option(&["--threads"]).and_then(|(text, _)| text.parse::<u32>().ok());
    class.is_none_or(|(class, _)| class == "sync") && threads.is_none_or(|threads| threads < 2)
}
