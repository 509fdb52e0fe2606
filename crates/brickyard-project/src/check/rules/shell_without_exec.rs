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
        && let Some(first) = command.words.iter().find(|word| !is_assignment(&word.text)).filter(|word| word.text != "exec")
    {
        findings
            .at(source, first.span, format!("The shell stays above `{}` and may keep the stop signal to itself", first.text))
            .hint(format!("write `exec {}`", first.text));
        return;
    }
    let Some(at) = command.words.iter().rposition(|word| matches!(word.text.as_str(), "&&" | ";")) else { return };
    let mut after = command.words[at + 1..].iter().skip_while(|word| is_assignment(&word.text));
    if let Some(last) = after.next().filter(|word| !matches!(word.text.as_str(), "exec" | "exit")) {
        findings
            .at(source, last.span, format!("The shell stays above `{}` and may keep the stop signal to itself", last.text))
            .hint(format!("write `exec {}`", last.text));
    }
}

/// Whether a word sets a variable for the program behind it.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}
