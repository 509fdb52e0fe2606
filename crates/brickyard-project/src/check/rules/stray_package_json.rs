use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds a `package.json` in the root of a Python app that has no `command`.
    ///
    /// ## Why is this bad?
    /// Without `command` the platform runs `npm run start` as soon as there is a `package.json`.
    ///
    /// ## Example
    /// `app.py` and `package.json` side by side, and no `app.yaml`.
    pub(crate) static RULE = { code: "BY104", name: "stray-package-json", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some((source, json)) = &context.package_json else { return };
    let default = context.command.as_ref().is_some_and(|command| command.source.is_none());
    if default && !context.root_python.is_empty() {
        let finding = findings
            .at(source, 0..1, "Without `command` the platform runs `npm run start` instead of the Python app")
            .hint("name the command in `app.yaml`, or move `package.json` to a directory of its own");
        if !json["scripts"]["start"].is_string() {
            finding.level(crate::check::Level::Error);
        }
    }
}
