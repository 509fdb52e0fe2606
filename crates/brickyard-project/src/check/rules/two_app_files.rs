use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds `app.yaml` and `app.yml` side by side.
    ///
    /// ## Why is this bad?
    /// Only one of them is read, and which one is not documented.
    ///
    /// ## Example
    /// `app.yaml` and `app.yml` in the root.
    pub(crate) static RULE = { code: "BY112", name: "two-app-files", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    if let Some((source, _)) = context.app_tree.as_ref().filter(|_| context.shadowed.is_some()) {
        findings.at(source, 0..0, "Both `app.yml` and `app.yaml` are present, and one is not read").hint("delete one of them");
    }
}
