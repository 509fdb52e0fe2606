use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Packages};
use crate::python::packages;
use crate::requirements::name_of;

declare_rule! {
    /// ## What it does
    /// Finds dependencies of `pyproject.toml` that are not installed: missing from the `requirements.txt` next to it, or
    /// without `uv.lock`.
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
    let names: Vec<String> = dependencies
        .and_then(|list| list.as_array())
        .into_iter()
        .flatten()
        .filter_map(|item| Some(name_of(item.as_str()?)))
        .collect();
    if names.is_empty() || context.own_dependencies().is_some() {
        return;
    }
    let text = source.text();
    let at = text.find("\ndependencies").map_or_else(|| text.find("dependencies").unwrap_or_default(), |at| at + 1);
    let span = at..at + "dependencies".len();
    match context.packages() {
        Packages::Pip if context.lock.is_some() => {
            let left_out: Vec<&str> = names
                .iter()
                .filter(|name| !context.has_package(name) && !brought(context, name))
                .map(String::as_str)
                .collect();
            let Some(first) = left_out.first() else { return };
            let message = match left_out.len() {
                1 => format!("`requirements.txt` wins, so `{first}` is not installed"),
                many => format!("`requirements.txt` wins, so `{first}` and {} more are not installed", many - 1),
            };
            findings
                .at(source, span, message)
                .hint("delete one of the two, or write one from the other: `uv export --no-hashes -o requirements.txt`");
        }
        Packages::Preinstalled => {
            findings
                .at(source, span, "These dependencies are not installed without `uv.lock`")
                .hint("run `uv lock`, or write a `requirements.txt`");
        }
        _ => {}
    }
}

/// Whether a requirement brings a package.
fn brought(context: &Context, name: &str) -> bool {
    context
        .requirements
        .iter()
        .flat_map(|all| &all.items)
        .any(|item| packages::brings(&item.name, name) == Some(true))
}
