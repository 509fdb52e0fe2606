use crate::bundle::interpolate;
use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::new::check_name;

declare_rule! {
    /// ## What it does
    /// Checks the name of the app in the bundle and in `brickyard.toml`.
    ///
    /// ## Why is this bad?
    /// Names are lower-case letters, digits and hyphens, begin with a letter and have at most 30 characters; the
    /// platform refuses others.
    ///
    /// ## Example
    /// ```yaml
    /// name: My_App
    /// ```
    /// Use instead:
    /// ```yaml
    /// name: my-app
    /// ```
    pub(crate) static RULE = { code: "BY802", name: "app-name", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    if let Some((bundle, app)) = context.bundle.as_ref().zip(context.bundle_app())
        && let Some(name) = app.name.as_ref().filter(|name| !name.contains("${"))
        && let Err(error) = check_name(name)
    {
        for (source, node) in bundle.nodes(&app.key) {
            let named = node.get("name").filter(|node| node.text().is_some_and(|text| interpolate(bundle, text) == *name));
            if let Some(node) = named {
                findings.at(source, node.span, error.to_string()).hint(format!("use `{}`", crate::project::valid_name(name)));
            }
        }
    }
    if let Some(source) = &context.settings_source
        && let Some(name) = &context.settings.app.name
        && let Err(error) = check_name(name)
    {
        let at = source.text().find(name.as_str()).unwrap_or_default();
        findings.at(source, at..at + name.len(), error.to_string()).hint(format!("use `{}`", crate::project::valid_name(name)));
    }
}
