use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Level, Packages};
use crate::python::packages;

declare_rule! {
    /// ## What it does
    /// Finds parts of the Databricks SDK that the pre-installed version does not have.
    ///
    /// ## Why is this bad?
    /// The pre-installed `databricks-sdk` is 0.33.0. `w.postgres` and `w.database` came later, and a requirement without
    /// a version does not upgrade: the app fails with `'WorkspaceClient' object has no attribute 'postgres'`.
    ///
    /// ## Example
    /// ```python
    /// WorkspaceClient().postgres.generate_database_credential(endpoint=endpoint)
    /// ```
    /// Use instead, in `requirements.txt`:
    /// ```text
    /// databricks-sdk>=0.81.0
    /// ```
    pub(crate) static RULE = { code: "BY302", name: "old-sdk", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let locked = match (context.packages(), &context.lock) {
        (Packages::Uv, Some(lock)) => match lock.get("databricks-sdk") {
            Some(version) => Some(version.as_str()),
            None => return,
        },
        (Packages::Uv, None) => return,
        _ => None,
    };
    let brought = context.requirements.iter().flat_map(|all| &all.items).any(|item| {
        item.name != "databricks-sdk" && packages::preinstalled_version(&item.name).is_none()
            && packages::brings(&item.name, "databricks-sdk") != Some(false)
    });
    let mut seen: Vec<&str> = Vec::new();
    for module in context.reached() {
        let text = module.source.text();
        if !text.contains(".postgres") && !text.contains(".database") {
            continue;
        }
        for (raw, scope, span) in &module.attributes {
            let Some((part, needed)) = part(raw) else { continue };
            let name = module.qualify(raw, *scope);
            if !name.starts_with(&format!("databricks.sdk.WorkspaceClient().{part}")) || seen.contains(&part) {
                continue;
            }
            let enough = context.installs("databricks-sdk", needed);
            if enough {
                continue;
            }
            seen.push(part);
            if let Some(locked) = locked {
                findings
                    .at(&module.source, *span, format!("`databricks-sdk` {locked} of `uv.lock` has no `{part}`"))
                    .hint(format!("run `uv add \"databricks-sdk>={needed}\"`"));
                continue;
            }
            let finding = findings
                .at(&module.source, *span, format!("The pre-installed `databricks-sdk` 0.33.0 has no `{part}`"))
                .hint(format!("write `databricks-sdk>={needed}` in `requirements.txt`"));
            if brought {
                finding.level(Level::Warning);
            }
        }
    }
}

fn part(raw: &str) -> Option<(&'static str, &'static str)> {
    if raw.contains(".postgres") {
        return Some(("postgres", "0.81.0"));
    }
    raw.contains(".database").then_some(("database", "0.57.0"))
}
