use crate::app_yaml;
use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, place};

declare_rule! {
    /// ## What it does
    /// Reports files of the app that cannot be read: wrong bytes, wrong syntax, unknown keys of `brickyard.toml`.
    ///
    /// ## Why is this bad?
    /// What such a file says is not used, here or on the platform.
    ///
    /// ## Example
    /// ```toml
    /// # brickyard.toml
    /// [usres]
    /// ```
    pub(crate) static RULE = { code: "BY002", name: "unreadable-file", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    for problem in &context.problems {
        let (source, span, message, hint) = place(problem);
        let name = source.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if app_yaml::NAMES.contains(&name.as_str()) {
            continue;
        }
        findings.at(&source, span, message).hint = hint;
    }
}
