use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::{Part, Value};

declare_rule! {
    /// ## What it does
    /// Finds addresses built straight from the variable `DATABRICKS_HOST`.
    ///
    /// ## Why is this bad?
    /// The variable holds the host with `https://` on some workspaces and without it on others.
    ///
    /// ## Example
    /// ```python
    /// url = f"{os.environ['DATABRICKS_HOST']}/api/2.0/jobs/list"
    /// ```
    /// Use instead:
    /// ```python
    /// url = f"{Config().host}/api/2.0/jobs/list"
    /// ```
    pub(crate) static RULE = { code: "BY409", name: "raw-host", level: Warning, check: check }
}

const MESSAGE: &str = "`DATABRICKS_HOST` may come with or without `https://`";
const HINT: &str = "use `databricks.sdk.core.Config().host`";

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        let text = module.source.text();
        if !text.contains("DATABRICKS_HOST") {
            continue;
        }
        // Code that strips or adds the scheme knows about it.
        let careful = ["startswith(\"http", "startswith('http", "removeprefix(\"http", "removeprefix('http", "replace(\"https://", "replace('https://", "urlparse", "ensure_https"]
            .iter()
            .any(|word| text.contains(word));
        if careful {
            continue;
        }
        for (left, right, scope, span) in &module.sums {
            let is_host = module.variable(left, *scope).is_some_and(|(name, _)| name == "DATABRICKS_HOST");
            if is_host && matches!(right, Value::Text(text) if text.starts_with('/')) {
                findings.at(&module.source, *span, MESSAGE).hint(HINT);
            }
        }
        for format in &module.formats {
            for (index, part) in format.parts.iter().enumerate() {
                let Part::Value(value) = part else { continue };
                let is_host = module.variable(value, format.scope).is_some_and(|(name, _)| name == "DATABRICKS_HOST");
                // A call on one of the ways may put the scheme right.
                let mended = match module.follow(value, format.scope) {
                    Value::Either(values) => values.iter().any(|value| {
                        matches!(value, Value::Call(name, ..) if !matches!(module.qualify(name, format.scope).as_str(), "os.getenv" | "os.environ.get"))
                    }),
                    _ => false,
                };
                let is_host = is_host && !mended;
                let after = format.parts.get(index + 1);
                let url = matches!(after, Some(Part::Text(text)) if text.starts_with('/'));
                if is_host && url {
                    findings
                        .at(&module.source, format.span, MESSAGE)
                        .hint(HINT);
                }
            }
        }
    }
}
