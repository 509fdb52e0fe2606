use crate::app_yaml::EnvSource;
use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Level};
use crate::source::Span;

declare_rule! {
    /// ## What it does
    /// Finds Streamlit settings that work against those the platform makes.
    ///
    /// ## Why is this bad?
    /// The platform sets address, port, CORS and XSRF protection through variables. The same in
    /// `.streamlit/config.toml` has no effect there; as an option of the command it wins and breaks uploads or the page.
    ///
    /// ## Example
    /// ```yaml
    /// command: ["streamlit", "run", "app.py", "--server.enableXsrfProtection", "true"]
    /// ```
    pub(crate) static RULE = { code: "BY211", name: "streamlit-settings", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    if let Some(command) = context.command.as_ref().filter(|command| command.program() == "streamlit")
        && let Some(source) = &command.source
    {
        for name in ["--server.enableXsrfProtection", "--server.enableCORS"] {
            if let Some((value, span)) = command.option(&[name])
                && value == "true"
            {
                findings
                    .at(source, span, format!("`{name}` works against the platform's own setting"))
                    .hint("leave the option out");
            }
        }
    }
    if let Some((source, _)) = &context.app_tree {
        for entry in context.app.iter().flat_map(|app| &app.env) {
            let ours = matches!(entry.name.as_str(), "STREAMLIT_SERVER_ENABLE_CORS" | "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION");
            let on = matches!(&entry.source, EnvSource::Value(value) if value.eq_ignore_ascii_case("true"));
            if ours && on {
                findings
                    .at(source, entry.span, format!("`{}` works against the platform's own setting", entry.name))
                    .hint("leave the variable out");
            }
        }
    }
    let Some(source) = &context.streamlit else { return };
    let mut section = "";
    for index in 0..source.line_count() {
        let span = source.line_span(index);
        let line = source.slice(span).trim();
        if line.starts_with('[') {
            section = line;
            continue;
        }
        let key = line.split('=').next().unwrap_or_default().trim();
        let own = ["port", "address", "enableCORS", "enableXsrfProtection", "headless"];
        if section.starts_with("[server]") && own.contains(&key) {
            let start = span.start + source.slice(span).find(key).unwrap_or_default();
            findings
                .at(source, Span::new(start, start + key.len()), format!("`{key}` has no effect on the platform, which sets it by a variable"))
                .level(Level::Info)
                .hint("keep it for local runs, or remove it");
        }
    }
}
