use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::settings::nearest;
use crate::yaml::Node;

declare_rule! {
    /// ## What it does
    /// Checks keys and permissions of an app in a bundle.
    ///
    /// ## Why is this bad?
    /// A permission that does not exist fails the deployment; a misspelt key is ignored.
    ///
    /// ## Example
    /// ```yaml
    /// sql_warehouse:
    ///   id: ${var.warehouse_id}
    ///   permission: CAN_READ
    /// ```
    pub(crate) static RULE = { code: "BY806", name: "bundle-resource", level: Error, check: check }
}

const KEYS: [&str; 18] = [
    "name", "description", "source_code_path", "git_source", "git_repository", "config", "resources", "permissions",
    "user_api_scopes", "compute_size", "compute_min_instances", "compute_max_instances", "budget_policy_id",
    "usage_policy_id", "telemetry_export_destinations", "forward_user_access_token", "space", "lifecycle",
];

fn check(context: &Context, findings: &mut Findings) {
    let Some((bundle, app)) = context.bundle.as_ref().zip(context.bundle_app()) else { return };
    for (source, node) in bundle.nodes(&app.key) {
        for (key, _) in node.pairs() {
            let Some(name) = key.text().filter(|name| !KEYS.contains(name)) else { continue };
            let finding = findings.at(source, key.span, format!("`{name}` is no key of an app")).level(crate::check::Level::Warning);
            if let Some(near) = nearest(name, &KEYS) {
                finding.hint(format!("did you mean `{near}`?"));
            }
        }
        for item in node.get("resources").map(Node::items).unwrap_or_default() {
            let Some(spec) = crate::resources::ResourceSpec::read(item) else {
                findings.at(source, item.span, "A resource has no `name`").hint("add `name`, the key `valueFrom` uses");
                continue;
            };
            let Some(kind) = spec.kind else {
                findings.at(source, item.span, format!("The resource `{}` has no known type", spec.key)).level(crate::check::Level::Warning);
                continue;
            };
            let place = item.pairs().iter().find_map(|(_, value)| value.get("permission"));
            match (&spec.permission, place) {
                (Some(permission), Some(place)) if !permission.contains("${") && !kind.permissions().contains(&permission.as_str()) => {
                    findings
                        .at(source, place.span, format!("A {} has no permission `{permission}`", kind.key()))
                        .hint(format!("use one of {}", kind.permissions().join(", ")));
                }
                (None, _) => {
                    findings
                        .at(source, item.span, format!("The resource `{}` gives the app no permission", spec.key))
                        .hint(format!("add `permission: {}`", kind.permissions()[0]));
                }
                _ => {}
            }
        }
    }
}
