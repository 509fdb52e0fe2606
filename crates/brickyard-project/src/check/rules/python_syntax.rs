use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Packages};

declare_rule! {
    /// ## What it does
    /// Parses the app with the grammar of Python 3.11, and looks for names its standard library does not have.
    ///
    /// ## Why is this bad?
    /// Apps with `requirements.txt` run on Python 3.11. Newer syntax, such as the same quotes inside an f-string or
    /// `def f[T]()`, works on a newer Python at home and is a `SyntaxError` there.
    ///
    /// ## Example
    /// ```python
    /// print(f"{row["name"]}")
    /// ```
    /// Use instead:
    /// ```python
    /// print(f"{row['name']}")
    /// ```
    pub(crate) static RULE = { code: "BY305", name: "python-syntax", level: Error, check: check }
}

/// What the standard library got after 3.11: module, names, version.
const NEWER: [(&str, &[&str], &str); 7] = [
    ("typing", &["override", "TypeAliasType"], "3.12"),
    ("typing", &["TypeIs", "ReadOnly", "NoDefault"], "3.13"),
    ("itertools", &["batched"], "3.12"),
    ("collections.abc", &["Buffer"], "3.12"),
    ("warnings", &["deprecated"], "3.13"),
    ("copy", &["replace"], "3.13"),
    ("queue", &["ShutDown"], "3.13"),
];

fn check(context: &Context, findings: &mut Findings) {
    let newer_allowed = context.packages() == Packages::Uv;
    for module in context.reached() {
        if let Some((message, span)) = module.errors.first() {
            findings.at(&module.source, *span, format!("Invalid Python: {message}"));
        }
        if newer_allowed {
            continue;
        }
        for import in module.imports.iter().filter(|import| !import.guarded && import.level == 0) {
            let Some(name) = &import.name else { continue };
            let newer = NEWER.iter().find(|(from, names, _)| import.module == *from && names.contains(&name.as_str()));
            if let Some((from, _, since)) = newer {
                findings
                    .at(&module.source, import.span, format!("`{from}` has no `{name}` in Python 3.11: it came with {since}"))
                    .hint(if *from == "typing" { format!("write `from typing_extensions import {name}`") } else { "write it out, or move to `uv.lock` with `requires-python`".to_owned() });
            }
        }
        for (message, span) in module.newer.iter().take(20) {
            findings
                .at(&module.source, *span, format!("Not valid in Python 3.11: {message}"))
                .hint("rewrite it, or move to `pyproject.toml` with `uv.lock` and `requires-python`");
        }
    }
}
