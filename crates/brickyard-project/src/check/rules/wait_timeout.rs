use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Value;
use crate::source::Span;

declare_rule! {
    /// ## What it does
    /// Checks `wait_timeout` of the Statement Execution API.
    ///
    /// ## Why is this bad?
    /// The API takes `0s` or 5 to 50 seconds and refuses anything else with `INVALID_PARAMETER_VALUE`.
    ///
    /// ## Example
    /// ```python
    /// w.statement_execution.execute_statement(statement, warehouse_id, wait_timeout="60s")
    /// ```
    /// Use instead:
    /// ```python
    /// w.statement_execution.execute_statement(statement, warehouse_id, wait_timeout="50s")
    /// ```
    pub(crate) static RULE = { code: "BY505", name: "wait-timeout", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        for call in &module.calls {
            let mut found: Vec<(String, Span)> = Vec::new();
            if call.method() == "execute_statement"
                && let Some((value, span)) = call.keyword("wait_timeout")
            {
                found.extend(module.texts(value, call.scope).into_iter().map(|text| (text, span)));
            }
            for (name, value, span) in &call.keywords {
                if matches!(name.as_str(), "json" | "body")
                    && let Value::Dict(items) = module.follow(value, call.scope)
                    && items.iter().any(|(key, _)| key == "statement")
                    && let Some((_, Value::Text(text))) = items.iter().find(|(key, _)| key == "wait_timeout")
                {
                    found.push((text.to_string(), *span));
                }
            }
            for (text, span) in found {
                let seconds = text.trim_end_matches('s').parse::<u32>();
                if seconds.is_ok_and(|seconds| seconds != 0 && !(5..=50).contains(&seconds)) {
                    let finding = findings
                        .at(&module.source, span, format!("`wait_timeout` must be `0s` or from 5 to 50 seconds, not `{text}`"))
                        .hint("write `wait_timeout=\"50s\"` and ask again until the statement is done");
                    let quoted = format!("\"{text}\"");
                    if let Some(at) = module.text(span).find(&quoted) {
                        let start = span.start + at;
                        finding.safe_fix("Write `50s`", Span::new(start, start + quoted.len()), "\"50s\"");
                    }
                }
            }
        }
    }
}
