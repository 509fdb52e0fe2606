use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Checks that there is something to start: a `command`, a `package.json` or a Python file in the root.
    ///
    /// ## Why is this bad?
    /// The deployment fails with `No command to run. Please check your app.yaml file`.
    ///
    /// ## Example
    /// ```yaml
    /// command: []
    /// ```
    pub(crate) static RULE = { code: "BY102", name: "no-command", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let hint = "write for example `command: [\"python\", \"app.py\"]`";
    if let Some((source, root)) = &context.app_tree
        && let Some((key, value)) = root.entry("command")
    {
        if value.is_null() || (value.items().is_empty() && value.kind() == "a list") {
            findings.at(source, key.span, "`command` is empty, so there is nothing to run").hint(hint);
        }
        return;
    }
    let overridden = context.bundle_app().is_some_and(|app| app.command.is_some());
    if context.command.is_none() && !overridden && context.app_tree.is_some() {
        findings
            .at(&context.main_source(), 0..0, "There is no `command`, and no Python file or `package.json` in the root")
            .hint(hint);
    }
}
