use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Packages};

declare_rule! {
    /// ## What it does
    /// Finds dependencies of `pyproject.toml` that are not installed: next to a `requirements.txt`, or without `uv.lock`.
    ///
    /// ## Why is this bad?
    /// `requirements.txt` always wins, and `pyproject.toml` counts only together with `uv.lock`.
    ///
    /// ## Example
    /// `pyproject.toml` with dependencies, and no `uv.lock`.
    pub(crate) static RULE = { code: "BY303", name: "ignored-dependencies", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some((source, table)) = &context.pyproject else { return };
    let dependencies = table.get("project").and_then(|project| project.get("dependencies"));
    if dependencies.and_then(|list| list.as_array()).is_none_or(Vec::is_empty) {
        return;
    }
    let at = source.text().find("dependencies").unwrap_or_default();
    let span = at..at + "dependencies".len();
    match context.packages() {
        Packages::Pip if context.lock.is_some() => {
            findings
                .at(source, span, "`requirements.txt` wins, so `uv.lock` and these dependencies are not installed")
                .hint("delete one of the two");
        }
        Packages::Preinstalled => {
            findings
                .at(source, span, "These dependencies are not installed without `uv.lock`")
                .hint("run `uv lock`, or write a `requirements.txt`");
        }
        _ => {}
    }
}
