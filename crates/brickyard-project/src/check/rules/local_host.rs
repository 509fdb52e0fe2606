use crate::check::rule::declare_rule;
use crate::check::serving::{Server, command_host, gunicorn_settings, inside, is_local, sites};
use crate::check::{Context, Findings};
use crate::python::Value;
use crate::source::{Source, Span};

declare_rule! {
    /// ## What it does
    /// Finds servers that listen on `127.0.0.1` or `localhost` alone.
    ///
    /// ## Why is this bad?
    /// The platform asks apps to listen on `0.0.0.0`; a server bound to the loopback address may not be reached.
    ///
    /// ## Example
    /// ```python
    /// uvicorn.run(app, host="127.0.0.1")
    /// ```
    /// Use instead:
    /// ```python
    /// uvicorn.run(app, host="0.0.0.0")
    /// ```
    pub(crate) static RULE = { code: "BY202", name: "local-host", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    if let Some(command) = &context.command
        && let Some(source) = &command.source
        && let Some((host, span)) = command_host(command)
        && is_local(&host)
    {
        let place = inside(source, span, &host);
        local(findings, source, place, &host);
    }
    for (module, assign) in gunicorn_settings(context, "bind") {
        let Value::Text(text) = &assign.value else { continue };
        let Some((host, _)) = text.rsplit_once(':').filter(|(host, _)| is_local(host)) else { continue };
        let place = inside(&module.source, assign.span, host);
        local(findings, &module.source, place, host);
    }
    for site in sites(context) {
        let module = site.module;
        match site.host() {
            Some((value, span)) => {
                let texts = module.texts(value, site.call.scope);
                let fixed = module.variable(value, site.call.scope).is_none();
                if let [host] = texts.as_slice()
                    && is_local(host)
                    && fixed
                {
                    let place = inside(&module.source, span, host);
                    local(findings, &module.source, place, host);
                }
            }
            None if site.server == Server::Uvicorn && !site.call.open => {
                findings
                    .at(&module.source, site.call.span, "`uvicorn.run` listens on `127.0.0.1` unless it is told otherwise")
                    .hint("pass `host=\"0.0.0.0\"`, or start the app with the `uvicorn` command");
            }
            None => {}
        }
    }
}

/// The finding, with a fix where the host itself stands at its place and not a name for it.
fn local(findings: &mut Findings, source: &Source, place: Span, host: &str) {
    let finding = findings
        .at(source, place, format!("`{host}` is reached from inside the container alone"))
        .hint("listen on `0.0.0.0`");
    if source.slice(place) == host {
        finding.safe_fix("Listen on `0.0.0.0`", place, "0.0.0.0");
    }
}
