use crate::app_yaml::EnvSource;
use crate::check::rule::declare_rule;
use crate::check::serving::{PORT, PORT_VARIABLES, Server, Site, command_port, gunicorn_settings, inside, sites};
use crate::check::{Context, Findings};
use crate::python::Value;

declare_rule! {
    /// ## What it does
    /// Finds a port other than the platform's in the command, in `env`, in code that starts a server, and in
    /// `gunicorn.conf.py`.
    ///
    /// ## Why is this bad?
    /// The platform sends requests to `DATABRICKS_APP_PORT` (8000). The deployment says it succeeded, and the page
    /// says "App Not Available".
    ///
    /// ## Example
    /// ```yaml
    /// command: ["streamlit", "run", "app.py", "--server.port", "8080"]
    /// ```
    /// Use instead:
    /// ```yaml
    /// command: ["streamlit", "run", "app.py"]
    /// ```
    pub(crate) static RULE = { code: "BY201", name: "hard-coded-port", level: Error, check: check }
}

const HINT: &str = "read the port from `DATABRICKS_APP_PORT`";

fn check(context: &Context, findings: &mut Findings) {
    command(context, findings);
    environment(context, findings);
    for site in sites(context) {
        self::site(context, &site, findings);
    }
    for module in context.reached() {
        // `serve(app, listen="0.0.0.0:8080")`, `mcp.settings.port = 8080`.
        for call in module.calls.iter().filter(|call| call.name == "waitress.serve") {
            let Some((value, span)) = call.keyword("listen") else { continue };
            let texts = module.texts(value, call.scope);
            let port = texts.first().and_then(|text| text.rsplit_once(':')?.1.parse::<i64>().ok());
            if let Some(port) = port.filter(|port| *port != PORT) {
                findings.at(&module.source, span, message(port)).hint(HINT);
            }
        }
        for assign in module.assigns.iter().filter(|assign| assign.target.ends_with(".settings.port")) {
            let server = module.qualify(&assign.target, assign.scope).contains("FastMCP()");
            let port = module.numbers(&assign.value, assign.scope).first().copied();
            if let Some(port) = port.filter(|port| server && *port != PORT) {
                findings.at(&module.source, assign.span, message(port)).hint(HINT);
            }
        }
    }
    for (module, assign) in gunicorn_settings(context, "bind") {
        let values = match &assign.value {
            Value::List(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        let texts = values.iter().flat_map(|value| module.texts(value, 0));
        let ports: Vec<i64> = texts.filter_map(|text| text.rsplit_once(':')?.1.parse().ok()).collect();
        if let [port] = ports.as_slice()
            && *port != PORT
        {
            findings.at(&module.source, assign.span, message(*port)).hint(HINT);
        }
    }
}

fn message(port: i64) -> String {
    format!("Port {port} is not the app's port: the platform sends requests to `DATABRICKS_APP_PORT` (8000)")
}

fn command(context: &Context, findings: &mut Findings) {
    let Some(command) = &context.command else { return };
    let Some(source) = &command.source else { return };
    let Some((text, span)) = command_port(command) else { return };
    let Ok(port) = text.parse::<i64>() else { return };
    if port == PORT {
        return;
    }
    let place = inside(source, span, &text);
    let streamlit = command.program() == "streamlit";
    findings
        .at(source, place, message(port))
        .hint(if streamlit { "leave out `--server.port`: the platform sets it" } else { "write `$DATABRICKS_APP_PORT`" })
        .safe_fix("Write `$DATABRICKS_APP_PORT`", place, "$DATABRICKS_APP_PORT");
}

fn environment(context: &Context, findings: &mut Findings) {
    let Some((source, _)) = &context.app_tree else { return };
    for entry in context.app.iter().flat_map(|app| &app.env) {
        let EnvSource::Value(value) = &entry.source else { continue };
        if PORT_VARIABLES.contains(&entry.name.as_str())
            && let Ok(port) = value.parse::<i64>()
            && port != PORT
        {
            findings.at(source, entry.span, message(port)).hint(format!("leave out `{}`: the platform sets it", entry.name));
        }
    }
}

fn site(context: &Context, site: &Site<'_>, findings: &mut Findings) {
    let module = site.module;
    let Some((value, span)) = site.port() else {
        if site.server == Server::Flask && !site.call.open {
            findings
                .at(&module.source, site.call.span, message(5000))
                .hint("start the app with gunicorn, or pass `port=int(os.environ[\"DATABRICKS_APP_PORT\"])`");
        }
        return;
    };
    let port = match module.variable(value, site.call.scope) {
        Some((name, _)) if PORT_VARIABLES.contains(&name.as_str()) => return,
        Some((name, default)) => {
            let set = context.app.iter().flat_map(|app| &app.env).find(|entry| entry.name == name);
            match set.map(|entry| &entry.source) {
                Some(EnvSource::Value(value)) => value.parse::<i64>().ok(),
                Some(EnvSource::Resource(_)) => None,
                None => default.and_then(|default| module.numbers(&default, site.call.scope).first().copied()),
            }
        }
        None => match module.follow(value, site.call.scope) {
            // Several values: one of them is chosen at run time.
            Value::Either(_) => None,
            _ => module.numbers(value, site.call.scope).first().copied(),
        },
    };
    if let Some(port) = port.filter(|port| *port != PORT) {
        let finding = findings.at(&module.source, span, message(port)).hint(HINT);
        let keyword = site.keywords.1;
        if matches!(value, Value::Int(_)) && module.text(span).starts_with(keyword) {
            finding.unsafe_fix(
                "Read the port from `DATABRICKS_APP_PORT`",
                span,
                format!("{keyword}=int(__import__(\"os\").environ.get(\"DATABRICKS_APP_PORT\", {PORT}))"),
            );
        }
    }
}
