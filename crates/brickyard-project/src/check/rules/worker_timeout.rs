use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Level};

declare_rule! {
    /// ## What it does
    /// Looks at gunicorn's `--timeout`.
    ///
    /// ## Why is this bad?
    /// Without it gunicorn kills a worker after 30 s, in the middle of a slow query. Above 120 s it does not help: the
    /// platform ends every request at 120 s.
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
    let configured = context.modules.iter().any(|module| module.path == "gunicorn.conf.py")
        || command.option(&["-c", "--config"]).is_some();
    match command.option(&["-t", "--timeout"]) {
        Some((text, span)) if text.parse::<u32>().is_ok_and(|seconds| seconds > 120) => {
            {
                findings
                    .at(source, span, format!("A timeout of {text} s does not help: the platform ends requests at 120 s"))
                    .level(Level::Warning)
                    .hint("answer at once and let the page ask again, or use a WebSocket");
            }
        }
        None if !configured => {
            let Some(word) = command.word(&["gunicorn"]) else { return };
            findings.at(source, word.span, "gunicorn kills a worker that is busy for 30 s").hint("add `--timeout 120`");
        }
        _ => {}
    }
}
