use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds `bash -c "a && b"` whose last command is not started with `exec`.
    ///
    /// ## Why is this bad?
    /// The shell stays between the platform and the app, so the app may not hear that it should stop, and is killed
    /// after 15 s.
    ///
    /// ## Example
    /// ```yaml
    /// command: ["bash", "-c", "python setup.py && python app.py"]
    /// ```
    /// Use instead:
    /// ```yaml
    /// command: ["bash", "-c", "python setup.py && exec python app.py"]
    /// ```
    pub(crate) static RULE = { code: "BY207", name: "shell-without-exec", level: Info, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some(command) = context.command.as_ref().filter(|command| command.shell) else { return };
    let Some(source) = &command.source else { return };
    if command.script
        && let Some(first) = command.words.first().filter(|word| word.text != "exec")
    {
        findings
            .at(source, first.span, format!("The shell stays above `{}` and may keep the stop signal to itself", first.text))
            .hint(format!("write `exec {}`", first.text));
        return;
    }
    let Some(at) = command.words.iter().rposition(|word| matches!(word.text.as_str(), "&&" | ";")) else { return };
    if let Some(last) = command.words.get(at + 1).filter(|word| word.text != "exec") {
        findings
            .at(source, last.span, format!("The shell stays above `{}` and may keep the stop signal to itself", last.text))
            .hint(format!("write `exec {}`", last.text));
    }
}
