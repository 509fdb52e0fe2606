use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::yaml::Node;

declare_rule! {
    /// ## What it does
    /// Finds `valueFrom` in the `config.env` of a bundle's app.
    ///
    /// ## Why is this bad?
    /// In `databricks.yml` the key is `value_from`; `valueFrom` is ignored, and the variable is empty.
    ///
    /// ## Example
    /// ```yaml
    /// env:
    ///   - name: WAREHOUSE_ID
    ///     valueFrom: sql-warehouse
    /// ```
    /// Use instead:
    /// ```yaml
    /// env:
    ///   - name: WAREHOUSE_ID
    ///     value_from: sql-warehouse
    /// ```
    pub(crate) static RULE = { code: "BY801", name: "bundle-value-from", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some((bundle, app)) = context.bundle.as_ref().zip(context.bundle_app()) else { return };
    for (source, node) in bundle.nodes(&app.key) {
        let env = node.path(&["config", "env"]);
        for item in env.map(Node::items).unwrap_or_default() {
            if let Some((key, _)) = item.entry("valueFrom") {
                findings
                    .at(source, key.span, "A bundle ignores `valueFrom`: here the key is `value_from`")
                    .hint("write `value_from`")
                    .safe_fix("Write `value_from`", key.span, "value_from");
            }
        }
    }
}
