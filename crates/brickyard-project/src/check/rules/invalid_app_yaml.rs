use crate::app_yaml;
use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, place};
use crate::source::Source;
use crate::yaml::{Node, Value};

declare_rule! {
    /// ## What it does
    /// Checks that `app.yaml` has the shape the platform reads: `command` a list of strings, `env` a list of names.
    ///
    /// ## Why is this bad?
    /// The deployment fails with `error loading app spec from app.yaml`.
    ///
    /// ## Example
    /// ```yaml
    /// command: streamlit run app.py
    /// ```
    /// Use instead:
    /// ```yaml
    /// command: ["streamlit", "run", "app.py"]
    /// ```
    pub(crate) static RULE = { code: "BY101", name: "invalid-app-yaml", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    for problem in &context.problems {
        let (source, span, message, hint) = place(problem);
        let name = source.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if app_yaml::NAMES.contains(&name.as_str()) {
            findings.at(&source, span, message).hint = hint;
        }
    }
    let Some((source, root)) = &context.app_tree else { return };
    match root.value {
        Value::Mapping(_) => {}
        Value::Null => return,
        _ => {
            findings
                .at(source, root.span, format!("`app.yaml` must be a mapping, found {}", root.kind()))
                .hint("write `command:` and `env:` as keys");
            return;
        }
    }
    for (index, (key, _)) in root.pairs().iter().enumerate() {
        let twice = root.pairs()[..index].iter().any(|(before, _)| before.text() == key.text());
        if let Some(name) = key.text().filter(|_| twice) {
            findings.at(source, key.span, format!("`{name}` is written twice")).hint("keep one of them");
        }
    }
    if let Some(command) = root.get("command") {
        self::command(source, command, findings);
    }
    if let Some(env) = root.get("env") {
        self::env(source, env, findings);
    }
}

fn command(source: &Source, node: &Node, findings: &mut Findings) {
    match &node.value {
        Value::Null => {}
        Value::Sequence(items) => {
            for item in items.iter().filter(|item| item.text().is_none()) {
                let message = format!("Each item of `command` must be a string, found {}", item.kind());
                findings.at(source, item.span, message).hint("quote the item");
            }
        }
        Value::Scalar { text, .. } => {
            let words: Vec<String> = text.split_whitespace().map(|word| format!("\"{word}\"")).collect();
            let list = format!("[{}]", words.join(", "));
            let plain = !text.contains(['"', '\'', '\\', '$', '&', '|', ';', '<', '>', '`', '\n']);
            let finding = findings
                .at(source, node.span, "`command` must be a list of strings, found a string")
                .hint(if plain {
                    format!("write `command: {list}`")
                } else {
                    format!("write `command: [\"bash\", \"-c\", \"{}\"]`", text.trim().replace('"', "\\\""))
                });
            if plain && !words.is_empty() {
                finding.safe_fix("Write the command as a list", node.span, list);
            }
        }
        Value::Mapping(_) => {
            findings.at(source, node.span, "`command` must be a list of strings, found a mapping");
        }
    }
}

fn env(source: &Source, node: &Node, findings: &mut Findings) {
    match &node.value {
        Value::Null => {}
        Value::Sequence(items) => {
            for item in items {
                if !matches!(item.value, Value::Mapping(_)) {
                    findings.at(source, item.span, format!("Each item of `env` must be a mapping, found {}", item.kind()));
                } else if item.get("name").and_then(Node::text).is_none() {
                    findings.at(source, item.span, "An item of `env` has no `name`");
                }
            }
        }
        _ => {
            findings
                .at(source, node.span, format!("`env` must be a list of names and values, found {}", node.kind()))
                .hint("write `- name: NAME` and `value: \"…\"` for each variable");
        }
    }
}
