use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Value;

declare_rule! {
    /// ## What it does
    /// Finds Postgres connections that do without TLS.
    ///
    /// ## Why is this bad?
    /// Lakebase refuses connections without TLS.
    ///
    /// ## Example
    /// ```python
    /// psycopg.connect(sslmode="disable")
    /// ```
    /// Use instead:
    /// ```python
    /// psycopg.connect(sslmode="require")
    /// ```
    pub(crate) static RULE = { code: "BY502", name: "weak-tls", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        // `host=h sslmode=disable`, `postgresql://h/d?sslmode=disable`.
        for (_, span) in module.strings.iter().filter(|(text, _)| text.contains("sslmode=disable")) {
            let inside = crate::check::serving::inside(&module.source, *span, "sslmode=disable");
            findings
                .at(&module.source, inside, "Lakebase refuses connections without TLS")
                .hint("write `sslmode=require`")
                .safe_fix("Write `sslmode=require`", inside, "sslmode=require");
        }
        for call in module.calls.iter().filter(|call| call.keyword("sslmode").or_else(|| call.keyword("ssl")).is_some()) {
            if !(call.name.contains("psycopg") || call.name.contains("asyncpg") || call.method().contains("engine")) {
                continue;
            }
            for (name, value, span) in &call.keywords {
                let off = match (name.as_str(), value) {
                    ("sslmode" | "ssl", Value::Text(text)) => matches!(text.as_str(), "disable" | "allow" | "prefer"),
                    ("ssl", Value::Bool(on)) => !on,
                    _ => false,
                };
                if off {
                    let text = format!("{name}=\"require\"");
                    let finding = findings
                        .at(&module.source, *span, "Lakebase refuses connections without TLS")
                        .hint(format!("write `{text}`"));
                    if module.text(*span).starts_with(name.as_str()) {
                        finding.safe_fix(format!("Write `{text}`"), *span, text);
                    }
                }
            }
        }
    }
}
