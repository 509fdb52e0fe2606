use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Packages};

declare_rule! {
    /// ## What it does
    /// Parses the app with the grammar of Python 3.11.
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

fn check(context: &Context, findings: &mut Findings) {
    let newer_allowed = context.packages() == Packages::Uv;
    for module in context.reached() {
        if let Some((message, span)) = module.errors.first() {
            findings.at(&module.source, *span, format!("Invalid Python: {message}"));
        }
        if newer_allowed {
            continue;
        }
        for (message, span) in module.newer.iter().take(20) {
            findings
                .at(&module.source, *span, format!("Not valid in Python 3.11: {message}"))
                .hint("rewrite it, or move to `pyproject.toml` with `uv.lock` and `requires-python`");
        }
    }
}
