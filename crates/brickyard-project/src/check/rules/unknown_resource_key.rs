use crate::app_yaml::EnvSource;
use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Level};
use crate::resources::{ResourceKind, there_are};
use crate::settings::nearest;
use crate::source::{Source, Span};
use crate::yaml::Node;

declare_rule! {
    /// ## What it does
    /// Checks that each `valueFrom` names a resource of the app.
    ///
    /// ## Why is this bad?
    /// The variable is missing, or the deployment fails; `brickyard run` refuses the app too.
    ///
    /// Where a bundle or a manifest names the app's resources, a key that is not among them is an error. Where neither
    /// does, the resources stand on the app's page in the workspace, which no file shows: such an app may well be
    /// right, so a key is a warning at most, and says only that `brickyard run` cannot know what it is.
    /// `[resources.KEY]` in `brickyard.toml` tells it, unless the key does so itself, such as `sql-warehouse`.
    ///
    /// ## Example
    /// ```yaml
    /// # app.yaml
    /// env:
    ///   - name: WAREHOUSE_ID
    ///     valueFrom: warehouse
    /// ```
    /// with a bundle whose resource is named `sql-warehouse`.
    pub(crate) static RULE = { code: "BY107", name: "unknown-resource-key", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    for Wanted { source, span, key } in wanted(context) {
        judge(context, findings, source, span, key);
    }
}

/// A key that a variable takes its value from.
struct Wanted<'a> {
    source: &'a Source,
    span: Span,
    key: &'a str,
}

/// The keys of `app.yaml` that the bundle leaves in force, and those of the bundle.
fn wanted<'a>(context: &'a Context) -> Vec<Wanted<'a>> {
    let mut wanted = Vec::new();
    let mut collect = |source: &'a Source, env: Option<&'a Node>, spelling: &str, in_force: &dyn Fn(&str, &str) -> bool| {
        for item in env.map(Node::items).unwrap_or_default() {
            let Some(node) = item.get(spelling) else { continue };
            let Some((key, name)) = node.text().zip(item.get("name").and_then(Node::text)) else { continue };
            if in_force(name, key) {
                wanted.push(Wanted { source, span: node.span, key });
            }
        }
    };
    let app = context.bundle_app();
    if let Some((source, root)) = &context.app_tree {
        let in_force = |name: &str, _: &str| !app.is_some_and(|app| app.env.iter().any(|entry| entry.name == name));
        collect(source, root.get("env"), "valueFrom", &in_force);
    }
    if let Some((bundle, app)) = context.bundle.as_ref().zip(app) {
        for (source, node) in bundle.nodes(&app.key) {
            let env = node.path(&["config", "env"]);
            let in_force = |name: &str, key: &str| {
                app.env.iter().any(|entry| entry.name == name && entry.source == EnvSource::Resource(key.to_owned()))
            };
            collect(source, env, "value_from", &in_force);
        }
    }
    wanted
}

fn judge(context: &Context, findings: &mut Findings, source: &Source, span: Span, key: &str) {
    let app = context.bundle_app();
    let bundle = app.map(|app| app.resources.as_slice()).unwrap_or_default();
    let manifest = context.manifest.as_ref().map(|manifest| manifest.resources.as_slice()).unwrap_or_default();
    let declared: Vec<&str> = bundle.iter().chain(manifest).map(|spec| spec.key.as_str()).collect();
    let local: Vec<&str> = context.settings.resources.keys().map(String::as_str).collect();
    if declared.contains(&key) {
        return;
    }
    let file = if app.is_some() { "databricks.yml" } else { "manifest.yaml" };
    let told = app.is_some() || !declared.is_empty();
    if local.contains(&key) {
        if told {
            findings
                .at(source, span, format!("The resource `{key}` is known to `brickyard.toml` alone, not to `{file}`"))
                .level(Level::Warning)
                .hint(format!("add a resource with `name: {key}` to the app in `{file}`"));
        }
        return;
    }
    if told {
        let known: Vec<&str> = declared.iter().chain(&local).copied().collect();
        let text = format!("No resource of the app in `{file}` is named `{key}`; {}", there_are(known.iter().copied()));
        let finding = findings.at(source, span, text);
        match nearest(key, &known) {
            Some(near) => {
                finding.hint(format!("did you mean `{near}`?")).unsafe_fix(format!("Use `{near}`"), span, near)
            }
            None => finding.hint(format!("add a resource with `name: {key}` to the app in `{file}`")),
        };
    } else if ResourceKind::from_key(key).is_none() {
        let meant = wanted(context).into_iter().map(|wanted| wanted.key);
        let known = local.into_iter().chain(meant.filter(|key| ResourceKind::from_key(key).is_some()));
        findings
            .at(source, span, format!("Nothing here says what the resource `{key}` is; {}", there_are(known)))
            // It may be set on the app's page, where no file shows it.
            .level(Level::Warning)
            .hint(format!("add `[resources.{key}]` with a `type` to `brickyard.toml`"));
    }
}
