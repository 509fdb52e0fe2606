use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::check::serving::inside;

declare_rule! {
    /// ## What it does
    /// Finds `${DATABRICKS_APP_PORT}` and `${DATABRICKS_APP_PORT:-8000}` in a `command` that no shell reads.
    ///
    /// ## Why is this bad?
    /// The one form that is filled in is `$DATABRICKS_APP_PORT`; the others reach the program as written.
    ///
    /// ## Example
    /// ```yaml
    /// command: ["uvicorn", "app:app", "--port", "${DATABRICKS_APP_PORT:-8000}"]
    /// ```
    /// Use instead:
    /// ```yaml
    /// command: ["uvicorn", "app:app", "--port", "$DATABRICKS_APP_PORT"]
    /// ```
    pub(crate) static RULE = { code: "BY106", name: "port-default-form", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some(command) = context.command.as_ref().filter(|command| !command.shell) else { return };
    let Some(source) = &command.source else { return };
    for word in &command.words {
        let Some(start) = word.text.find("${DATABRICKS_APP_PORT") else { continue };
        let Some(end) = word.text[start..].find('}') else { continue };
        let form = &word.text[start..=start + end];
        let span = inside(source, word.span, form);
        findings
            .at(source, span, format!("`{form}` is not filled in, only `$DATABRICKS_APP_PORT` is"))
            .hint("write `$DATABRICKS_APP_PORT`")
            .safe_fix("Write `$DATABRICKS_APP_PORT`", span, "$DATABRICKS_APP_PORT");
    }
}
