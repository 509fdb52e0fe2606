use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds shell syntax in a `command` that no shell reads: `$NAME`, `&&`, `|`, `>`.
    ///
    /// ## Why is this bad?
    /// The platform starts the program directly; it fills in `$DATABRICKS_APP_PORT` and nothing else, so everything
    /// else reaches the program as written.
    ///
    /// ## Example
    /// ```yaml
    /// command: ["python", "setup.py", "&&", "python", "app.py"]
    /// ```
    /// Use instead:
    /// ```yaml
    /// command: ["bash", "-c", "python setup.py && exec python app.py"]
    /// ```
    pub(crate) static RULE = { code: "BY105", name: "shell-syntax", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some(command) = context.command.as_ref().filter(|command| !command.shell) else { return };
    let Some(source) = &command.source else { return };
    for word in &command.words {
        let text = word.text.as_str();
        let what = if matches!(text, "&&" | "||" | "|" | ">" | ">>" | "<" | "2>&1" | "&" | ";") {
            text.to_owned()
        } else if let Some(name) = variable(text) {
            name
        } else {
            continue;
        };
        let whole = command.texts().join(" ").replace('"', "\\\"");
        findings
            .at(source, word.span, format!("No shell reads this `command`, so `{what}` is passed as written"))
            .hint(format!("write `command: [\"bash\", \"-c\", \"{whole}\"]`"));
    }
}

/// `$NAME` or `$(…)`, unless it is the port in any form (another rule) or a bundle's `${var.…}`.
fn variable(text: &str) -> Option<String> {
    let at = text.find('$')?;
    let rest = &text[at + 1..];
    if rest.starts_with("DATABRICKS_APP_PORT") || rest.starts_with("{DATABRICKS_APP_PORT") {
        return None;
    }
    if rest.starts_with("{var.") || rest.starts_with("{resources.") || rest.starts_with("{bundle.") || rest.starts_with("{workspace.") {
        return None;
    }
    let first = rest.chars().next()?;
    if first == '(' {
        return Some("$(…)".to_owned());
    }
    let name: String = rest.trim_start_matches('{').chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then(|| format!("${name}"))
}
