use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Points out that deploying a bundle does not start its app.
    ///
    /// ## Why is this bad?
    /// `bundle deploy` succeeds and the app stays stopped until `bundle run`, unless `lifecycle.started` is true.
    ///
    /// ## Example
    /// ```yaml
    /// lifecycle:
    ///   started: true
    /// ```
    pub(crate) static RULE = { code: "BY803", name: "bundle-started", level: Info, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some((bundle, app)) = context.bundle.as_ref().zip(context.bundle_app()) else { return };
    if let Some((source, _)) = bundle.files.get(app.file).filter(|_| !app.started) {
        findings
            .at(source, app.span, format!("`bundle deploy` leaves the app `{}` stopped", app.key))
            .hint(format!("run `databricks bundle run {}` after it, or set `lifecycle: {{started: true}}`", app.key));
    }
}
