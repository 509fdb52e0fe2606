use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds shell syntax in a `command` that no shell reads: `$NAME`, `&&`, `|`, `>`, a whole line as one word, a variable
    /// set before the program.
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
    if let Some(first) = command.words.first()
        && let Some((message, hint)) = no_program(context, &first.text)
    {
        findings.at(source, first.span, message).hint(hint);
        return;
    }
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

/// What is wrong with the first word where it is a whole line or sets a variable.
fn no_program(context: &Context, first: &str) -> Option<(String, String)> {
    // A string as the command is another rule's.
    if context.app_tree.as_ref().is_some_and(|(_, tree)| tree.get("command").is_some_and(|list| list.text().is_some())) {
        return None;
    }
    let words: Vec<&str> = first.split_whitespace().collect();
    if words.len() > 1 {
        let shell = words.iter().any(|word| matches!(*word, "&&" | "||" | "|" | ">" | ";" | "&")) || first.contains('$');
        let list: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        return Some((
            format!("No program is called `{first}`: nothing splits this at its blanks"),
            if shell {
                format!("write `command: [\"bash\", \"-c\", \"{}\"]`", first.replace('"', "\\\""))
            } else {
                format!("write `command: [{}]`", list.join(", "))
            },
        ));
    }
    let (name, value) = first.split_once('=')?;
    let variable = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    variable.then(|| {
        (
            format!("No program is called `{first}`: no shell sets this variable"),
            format!("move it to `env`: `- name: {name}` with `value: \"{value}\"`"),
        )
    })
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
