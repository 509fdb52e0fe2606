use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Packages};
use crate::requirements::parse_line;
use crate::source::Span;

declare_rule! {
    /// ## What it does
    /// Checks that every dependency of `pyproject.toml` is in `uv.lock`.
    ///
    /// ## Why is this bad?
    /// The platform installs what the lock says; a dependency added later is missing.
    ///
    /// ## Example
    /// `dependencies = ["openai"]` with a lock made before that line.
    pub(crate) static RULE = { code: "BY304", name: "stale-lock", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    if context.packages() != Packages::Uv {
        return;
    }
    let (Some((source, table)), Some(lock)) = (&context.pyproject, &context.lock) else { return };
    let list = table.get("project").and_then(|project| project.get("dependencies")).and_then(|list| list.as_array());
    for text in list.into_iter().flatten().filter_map(|item| item.as_str()) {
        let Some(item) = parse_line(text, 0, Span::default()) else { continue };
        if !lock.contains_key(&item.name) {
            let at = source.text().find(text).unwrap_or_default();
            findings
                .at(source, at..at + text.len(), format!("`{}` is not in `uv.lock`", item.name))
                .hint("run `uv lock`");
        }
    }
}
