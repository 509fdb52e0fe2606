use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::yaml::{Node, Value};

declare_rule! {
    /// ## What it does
    /// Finds `valueFrom` written as a mapping.
    ///
    /// ## Why is this bad?
    /// The platform takes the key of a resource as a string; a mapping fails the deployment.
    ///
    /// ## Example
    /// ```yaml
    /// - name: DB
    ///   valueFrom: {resource: database}
    /// ```
    /// Use instead:
    /// ```yaml
    /// - name: DB
    ///   valueFrom: database
    /// ```
    pub(crate) static RULE = { code: "BY108", name: "value-from-mapping", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some((source, root)) = &context.app_tree else { return };
    for item in root.get("env").map(Node::items).unwrap_or_default() {
        let Some(node) = item.get("valueFrom") else { continue };
        if !matches!(node.value, Value::Mapping(_) | Value::Sequence(_)) {
            continue;
        }
        let inner = node.pairs().iter().map(|(_, value)| value).chain(node.items()).find_map(Node::text);
        let finding = findings.at(source, node.span, format!("`valueFrom` must be a string, found {}", node.kind()));
        match inner {
            Some(inner) => {
                finding.hint(format!("write `valueFrom: {inner}`"));
                // A block mapping starts on a line of its own; its text would need the line break taken away too.
                if source.line_index(node.span.start) == source.line_index(item.entry("valueFrom").map_or(0, |(key, _)| key.span.start)) {
                    finding.safe_fix(format!("Write `valueFrom: {inner}`"), node.span, inner);
                }
            }
            None => {
                finding.hint("write the key of a resource");
            }
        }
    }
}
