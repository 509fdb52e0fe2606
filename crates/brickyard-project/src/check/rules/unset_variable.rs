use crate::check::rule::declare_rule;
use crate::check::serving::PORT_VARIABLES;
use crate::check::{Context, Findings, Level};

declare_rule! {
    /// ## What it does
    /// Finds variables read with `os.environ[…]` that neither the platform nor `app.yaml` sets.
    ///
    /// ## Why is this bad?
    /// The app fails with `KeyError`, at the start or when the line is reached.
    ///
    /// ## Example
    /// ```python
    /// warehouse = os.environ["WAREHOUSE_ID"]
    /// ```
    /// with no `WAREHOUSE_ID` in `env` of `app.yaml`.
    pub(crate) static RULE = { code: "BY411", name: "unset-variable", level: Error, check: check }
}

/// What the platform or the operating system sets (platform §3).
const GIVEN: [&str; 26] = [
    "DATABRICKS_APP_NAME",
    "DATABRICKS_WORKSPACE_ID",
    "DATABRICKS_HOST",
    "DATABRICKS_CLIENT_ID",
    "DATABRICKS_CLIENT_SECRET",
    "STREAMLIT_SERVER_ADDRESS",
    "GRADIO_SERVER_NAME",
    "UVICORN_HOST",
    "FLASK_RUN_HOST",
    "PYTHONUNBUFFERED",
    "HOME",
    "PATH",
    "USER",
    "PWD",
    "LANG",
    "SHELL",
    "TMPDIR",
    "HOSTNAME",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SERVICE_NAME",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "USERNAME",
    "TERM",
];
const POSTGRES: [&str; 6] = ["PGAPPNAME", "PGDATABASE", "PGHOST", "PGPORT", "PGSSLMODE", "PGUSER"];

fn check(context: &Context, findings: &mut Findings) {
    if context.app_tree.is_none() || context.app.is_none() || context.framework == Some(crate::framework::Framework::Node) {
        return;
    }
    let mut seen: Vec<&str> = Vec::new();
    for module in context.reached() {
        for subscript in &module.subscripts {
            let name = subscript.key.as_str();
            if subscript.base != "os.environ" || subscript.stored || subscript.conditional || seen.contains(&name) {
                continue;
            }
            let given = GIVEN.contains(&name) || PORT_VARIABLES.contains(&name) || POSTGRES.contains(&name) || name == "PGPASSWORD";
            let declared = context.app.iter().flat_map(|app| &app.env).any(|entry| entry.name == name)
                || context.bundle_app().iter().flat_map(|app| &app.env).any(|entry| entry.name == name)
                || context.command.as_ref().is_some_and(|command| command.words.iter().any(|word| word.text.starts_with(&format!("{name}="))));
            let stored = context.modules.iter().any(|module| {
                module.subscripts.iter().any(|other| other.stored && other.key == name)
                    || module.calls.iter().any(|call| call.name == "os.environ.setdefault" && matches!(call.args.first(), Some((crate::python::Value::Text(text), _)) if text == name))
            });
            // Asked for elsewhere with a default, it may be missing.
            let optional = module.calls.iter().any(|call| {
                matches!(call.name.as_str(), "os.getenv" | "os.environ.get")
                    && matches!(call.args.first(), Some((crate::python::Value::Text(text), _)) if text == name)
            });
            if given || declared || stored || optional {
                continue;
            }
            let loads = context.reached().any(|module| module.calls.iter().any(|call| call.method() == "load_dotenv"));
            seen.push(name);
            let finding = findings.at(&module.source, subscript.span, format!("Nothing sets `{name}` on the platform"));
            if name == "DATABRICKS_TOKEN" {
                finding.hint("use the app's own identity: `Config()` finds it");
            } else {
                finding.hint(format!("add `{name}` to `env` of `app.yaml`"));
            }
            if subscript.scope != 0 || loads {
                finding.level(Level::Warning);
            }
        }
    }
}
