use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Checks that each app of a bundle has one source: `source_code_path` or `git_source`, and no path twice.
    ///
    /// ## Why is this bad?
    /// The bundle is refused.
    ///
    /// ## Example
    /// ```yaml
    /// apps:
    ///   web:
    ///     name: web
    /// ```
    pub(crate) static RULE = { code: "BY805", name: "bundle-source", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some(bundle) = &context.bundle else { return };
    for app in &bundle.apps {
        let Some((source, _)) = bundle.files.get(app.file) else { continue };
        let git = bundle.nodes(&app.key).iter().any(|(_, node)| node.get("git_source").is_some());
        match &app.source_code_path {
            None if !git => {
                findings
                    .at(source, app.span, format!("The app `{}` has no source", app.key))
                    .hint("add `source_code_path`");
            }
            Some(_) if git => {
                findings
                    .at(source, app.span, format!("The app `{}` has both `source_code_path` and `git_source`", app.key))
                    .hint("keep one");
            }
            Some(path) if !path.to_string_lossy().contains("${") && !path.is_dir() => {
                let base = source.path.parent().unwrap_or(std::path::Path::new(""));
                let shown = path.strip_prefix(base).unwrap_or(path).display();
                findings.at(source, app.span, format!("There is no directory `{shown}`"));
            }
            Some(path) => {
                let twice = bundle.apps.iter().any(|other| other.key < app.key && other.source_code_path.as_ref() == Some(path));
                if twice {
                    findings.at(source, app.span, "Two apps have the same `source_code_path`");
                }
            }
            None => {}
        }
    }
}
