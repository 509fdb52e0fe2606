use crate::app_yaml::EnvSource;
use crate::check::rule::declare_rule;
use crate::check::serving::sites;
use crate::check::{Context, Findings};
use crate::python::Value;

declare_rule! {
    /// ## What it does
    /// Finds debug mode and automatic reload in what runs on the platform.
    ///
    /// ## Why is this bad?
    /// The debugger shows code to every user, and the reloader runs the app twice in a small container.
    ///
    /// ## Example
    /// ```python
    /// app.run(debug=True)
    /// ```
    pub(crate) static RULE = { code: "BY203", name: "debug-server", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    if let Some(command) = &context.command
        && let Some(source) = &command.source
        && let Some(word) = command.word(&["--reload", "--debug"])
    {
        findings.at(source, word.span, format!("`{}` is for development", word.text)).hint("leave it out");
    }
    if let Some((source, _)) = &context.app_tree {
        for entry in context.app.iter().flat_map(|app| &app.env) {
            let on = matches!(&entry.source, EnvSource::Value(value) if matches!(value.as_str(), "1" | "true" | "True"));
            if on && matches!(entry.name.as_str(), "FLASK_DEBUG" | "DASH_DEBUG" | "UVICORN_RELOAD") {
                findings.at(source, entry.span, format!("`{}` is for development", entry.name)).hint("leave it out");
            }
        }
    }
    for site in sites(context) {
        for name in ["debug", "reload"] {
            let Some((value, span)) = site.call.keyword(name) else { continue };
            if site.module.follow(value, site.call.scope) == Value::Bool(true) {
                let finding = findings
                    .at(&site.module.source, span, format!("`{name}=True` is for development"))
                    .hint("leave it out, or read it from a variable");
                if *value == Value::Bool(true) && site.module.text(span).starts_with(name) {
                    finding.unsafe_fix(format!("Write `{name}=False`"), span, format!("{name}=False"));
                }
            }
        }
    }
}
