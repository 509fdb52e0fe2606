use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Level};
use crate::python::Value;

declare_rule! {
    /// ## What it does
    /// Finds code that expects the variable `PGPASSWORD`.
    ///
    /// ## Why is this bad?
    /// The platform sets `PGHOST`, `PGPORT`, `PGDATABASE`, `PGUSER`, `PGSSLMODE` and `PGAPPNAME`, and no password: the
    /// password is an OAuth token that lives for an hour.
    ///
    /// ## Example
    /// ```python
    /// psycopg.connect(password=os.environ["PGPASSWORD"])
    /// ```
    /// Use instead:
    /// ```python
    /// psycopg.connect(password=Config().oauth_token().access_token)
    /// ```
    pub(crate) static RULE = { code: "BY404", name: "postgres-password", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let set = context.app.iter().flat_map(|app| &app.env).any(|entry| entry.name == "PGPASSWORD");
    let hint = "use an OAuth token: `Config().oauth_token().access_token`, or `generate_database_credential`";
    for module in context.reached().filter(|_| !set) {
        let stored = module.subscripts.iter().any(|subscript| subscript.key == "PGPASSWORD" && subscript.stored);
        let mints = module.source.text().contains("generate_database_credential") || module.source.text().contains("oauth_token");
        if stored {
            continue;
        }
        for subscript in &module.subscripts {
            if subscript.key == "PGPASSWORD" && subscript.base == "os.environ" && !subscript.conditional {
                findings.at(&module.source, subscript.span, "`PGPASSWORD` is not set on the platform").hint(hint);
            }
        }
        for call in module.calls.iter().filter(|call| matches!(call.name.as_str(), "os.getenv" | "os.environ.get")) {
            // `… or token()`: where there is no password, something else stands in.
            let otherwise = module.source.text()[call.span.end..].trim_start().starts_with("or ");
            let asked = matches!(call.args.first(), Some((Value::Text(text), _)) if text == "PGPASSWORD");
            if asked && !otherwise && !mints && !call.conditional {
                findings.at(&module.source, call.span, "`PGPASSWORD` is not set on the platform").level(Level::Warning).hint(hint);
            }
        }
    }
}
