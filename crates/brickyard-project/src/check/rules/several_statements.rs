use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds several SQL statements in one call to a warehouse.
    ///
    /// ## Why is this bad?
    /// A warehouse takes one statement at a time and refuses the text.
    ///
    /// ## Example
    /// ```python
    /// cursor.execute("USE main; SELECT 1")
    /// ```
    /// Use instead two calls.
    pub(crate) static RULE = { code: "BY506", name: "several-statements", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        for call in &module.calls {
            let cursor = call.name.starts_with("databricks.sql.connect()") && call.method() == "execute";
            if !cursor && call.method() != "execute_statement" {
                continue;
            }
            let Some((value, span)) = call.argument(if cursor { "operation" } else { "statement" }, 0) else { continue };
            for text in module.texts(value, call.scope) {
                let mut quoted = false;
                let cut = text.char_indices().find(|(_, character)| {
                    quoted ^= *character == '\'';
                    *character == ';' && !quoted
                });
                let rest = cut.map(|(at, _)| text[at + 1..].trim()).unwrap_or_default();
                if !rest.is_empty() && !rest.starts_with("--") && !text.to_lowercase().contains("begin") {
                    findings.at(&module.source, span, "A warehouse takes one statement in a call").hint("make one call for each");
                    break;
                }
            }
        }
    }
}
