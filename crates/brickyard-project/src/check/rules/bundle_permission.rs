use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::yaml::Node;

declare_rule! {
    /// ## What it does
    /// Finds resources of a bundle that have `permissions` of their own and leave out the app that uses them.
    ///
    /// ## Why is this bad?
    /// The second `bundle deploy` sets the permissions as written and takes away what the app was given.
    ///
    /// ## Example
    /// ```yaml
    /// permissions:
    ///   - level: CAN_USE
    ///     service_principal_name: ${resources.apps.web.service_principal_client_id}
    /// ```
    pub(crate) static RULE = { code: "BY804", name: "bundle-permission", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some((bundle, app)) = context.bundle.as_ref().zip(context.bundle_app()) else { return };
    let principal = format!("${{resources.apps.{}.service_principal_client_id}}", app.key);
    for value in app.resources.iter().flat_map(|spec| spec.fields.values()) {
        let Some(path) = value.strip_prefix("${resources.").and_then(|rest| rest.split('}').next()) else { continue };
        let mut parts = path.split('.');
        let (Some(kind), Some(key)) = (parts.next(), parts.next()) else { continue };
        for (source, tree) in &bundle.files {
            let Some((place, list)) = tree.path(&["resources", kind, key]).and_then(|node| node.entry("permissions")) else { continue };
            let named = list.items().iter().any(|item| item.get("service_principal_name").and_then(Node::text) == Some(&principal));
            if !named {
                findings
                    .at(source, place.span, format!("The next deployment takes `{key}` away from the app `{}`", app.key))
                    .hint(format!("add an entry with `service_principal_name: {principal}`"));
            }
        }
    }
}
