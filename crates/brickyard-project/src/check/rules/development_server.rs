use crate::check::rule::declare_rule;
use crate::check::serving::{Server, entry, sites};
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Finds Flask apps run by Flask's own development server.
    ///
    /// ## Why is this bad?
    /// It is made for one developer: one slow request can hold up the others, and it does not restart after a fault.
    ///
    /// ## Example
    /// ```yaml
    /// command: ["python", "app.py"]
    /// ```
    /// Use instead:
    /// ```yaml
    /// command: ["gunicorn", "app:app", "--timeout", "120"]
    /// ```
    pub(crate) static RULE = { code: "BY210", name: "development-server", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let stem = entry(context).unwrap_or("app.py").trim_end_matches(".py").replace('/', ".");
    let hint = format!("write `command: [\"gunicorn\", \"{stem}:app\", \"--timeout\", \"120\"]`");
    if let Some(command) = &context.command
        && let Some(source) = &command.source
        && command.program() == "flask"
        && let Some(word) = command.word(&["flask"])
    {
        findings.at(source, word.span, "`flask run` is a development server").hint(hint.clone());
    }
    if let Some(command) = &context.command
        && let Some(source) = &command.source
        && command.program() == "fastapi"
        && let Some(word) = command.word(&["dev"])
    {
        findings.at(source, word.span, "`fastapi dev` is a development server").hint("write `fastapi run`, or start it with `uvicorn`");
    }
    for site in sites(context).iter().filter(|site| site.server == Server::Flask) {
        findings.at(&site.module.source, site.call.span, "`Flask.run` is a development server").hint(hint.clone());
    }
}
