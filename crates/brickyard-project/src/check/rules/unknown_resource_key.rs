use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Level};
use crate::resources::ResourceKind;
use crate::settings::nearest;
use crate::yaml::Node;

declare_rule! {
    /// ## What it does
    /// Checks that each `valueFrom` names a resource of the app.
    ///
    /// ## Why is this bad?
    /// The variable is missing, or the deployment fails.
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
    let Some((source, root)) = &context.app_tree else { return };
    let bundle: Vec<&str> =
        context.bundle_app().iter().flat_map(|app| app.resources.iter().map(|spec| spec.key.as_str())).collect();
    let manifest: Vec<&str> =
        context.manifest.iter().flat_map(|manifest| manifest.resources.iter().map(|spec| spec.key.as_str())).collect();
    let declared: Vec<&str> = bundle.iter().chain(&manifest).copied().collect();
    let meant: Vec<&str> = context
        .settings
        .resources
        .keys()
        .map(String::as_str)
        .chain(values(root).filter(|key| ResourceKind::from_key(key).is_some()))
        .collect();
    for item in root.get("env").map(Node::items).unwrap_or_default() {
        let Some(node) = item.get("valueFrom") else { continue };
        let Some(key) = node.text() else { continue };
        let local = context.settings.resources.contains_key(key);
        if declared.contains(&key) {
            continue;
        }
        let overridden = context.bundle_app().is_some_and(|app| {
            app.env.iter().any(|entry| Some(entry.name.as_str()) == item.get("name").and_then(Node::text))
        });
        if overridden {
            continue;
        }
        if !declared.is_empty() || context.bundle_app().is_some() {
            let file = if context.bundle_app().is_some() { "databricks.yml" } else { "manifest.yaml" };
            let text = format!("No resource of the app in `{file}` is named `{key}`; {}", those(&declared));
            let finding = findings.at(source, node.span, text);
            match nearest(key, &declared) {
                Some(near) => finding.hint(format!("did you mean `{near}`?")).unsafe_fix(
                    format!("Use `{near}`"),
                    node.span,
                    near,
                ),
                None => finding.hint(format!("add a resource with `name: {key}` to the app in `{file}`")),
            };
        } else if !local && ResourceKind::from_key(key).is_none() {
            findings
                .at(source, node.span, format!("Nothing here says what the resource `{key}` is; {}", those(&meant)))
                .level(Level::Info)
                .hint(format!("add `[resources.{key}]` with a `type` to `brickyard.toml`"));
        }
    }
}

/// The keys that variables take their values from.
fn values(root: &Node) -> impl Iterator<Item = &str> {
    root.get("env").map(Node::items).unwrap_or_default().iter().filter_map(|item| item.get("valueFrom")?.text())
}

/// Which keys there are, in words.
fn those(keys: &[&str]) -> String {
    let mut keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() { "there are none".to_owned() } else { format!("there are {}", keys.join(", ")) }
}
