use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds tables made in the schema `public` of a Lakebase database.
    ///
    /// ## Why is this bad?
    /// The app's role may connect and create schemas; it may not create tables in `public`:
    /// `permission denied for schema public`.
    ///
    /// ## Example
    /// ```python
    /// cursor.execute("CREATE TABLE IF NOT EXISTS todo (id int)")
    /// ```
    /// Use instead:
    /// ```python
    /// cursor.execute("CREATE SCHEMA IF NOT EXISTS app")
    /// cursor.execute("CREATE TABLE IF NOT EXISTS app.todo (id int)")
    /// ```
    pub(crate) static RULE = { code: "BY503", name: "public-schema", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        let postgres = module.imports.iter().any(|import| import.module.starts_with("psycopg") || import.module.starts_with("asyncpg"));
        if !postgres {
            continue;
        }
        let text = module.source.text().to_lowercase();
        if text.contains("search_path") || text.contains("create schema") {
            continue;
        }
        for (text, span) in &module.strings {
            let lower = text.trim_start().to_lowercase();
            let Some(rest) = lower.strip_prefix("create table") else { continue };
            let rest = rest.trim_start().strip_prefix("if not exists").unwrap_or(rest).trim_start();
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || "_.\"{}".contains(*c)).collect();
            if !name.is_empty() && (!name.contains('.') || name.starts_with("public.")) && !name.contains('{') {
                findings
                    .at(&module.source, *span, "The app's role may not create tables in `public`")
                    .hint("create a schema of the app's own first");
            }
        }
    }
}
