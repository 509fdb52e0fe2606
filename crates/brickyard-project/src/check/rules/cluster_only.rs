use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Module;

declare_rule! {
    /// ## What it does
    /// Finds `spark`, `dbutils` and `display` used as if the app ran in a notebook.
    ///
    /// ## Why is this bad?
    /// An app is no cluster: these names do not exist there.
    ///
    /// ## Example
    /// ```python
    /// token = dbutils.secrets.get("api", "key")
    /// ```
    /// Use instead a secret resource and its variable.
    pub(crate) static RULE = { code: "BY310", name: "cluster-only", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        let star = module.imports.iter().any(|import| import.name.as_deref() == Some("*"));
        for import in &module.imports {
            if (import.module.starts_with("dbruntime") || import.module == "pyspark.dbutils") && !import.guarded {
                findings
                    .at(&module.source, import.span, format!("`{}` is there on clusters alone", import.module))
                    .hint("use `databricks.sdk.WorkspaceClient`");
            }
        }
        let connect = context.has_package("databricks-connect");
        for call in module.calls.iter().filter(|call| !connect && !call.conditional && call.method() == "getOrCreate") {
            if call.name.starts_with("pyspark.sql.SparkSession.") {
                findings
                    .at(&module.source, call.func, "There is no Spark in an app, and no Java to start one")
                    .hint("query a SQL warehouse with `databricks.sql.connect`, or add `databricks-connect`");
            }
        }
        if star {
            continue;
        }
        let shown = module.calls.iter().find(|call| call.raw == "display" && !call.conditional);
        if let Some(call) = shown.filter(|_| !is_bound(module, "display")) {
            findings.at(&module.source, call.func, "`display` does not exist in an app").hint("show it with the app's framework");
        }
        for name in ["dbutils", "spark"] {
            let prefix = format!("{name}.");
            // A call inside `try` is a way to find out where the code runs.
            let used = module.calls.iter().find(|call| call.raw.starts_with(&prefix) && !call.conditional);
            let Some(call) = used else { continue };
            if !is_bound(module, name) {
                let hint = match name {
                    "dbutils" => "use a resource with `valueFrom`, or `WorkspaceClient().dbutils`",
                    _ => "query a SQL warehouse with `databricks.sql.connect`",
                };
                findings.at(&module.source, call.func, format!("`{name}` does not exist in an app")).hint(hint);
            }
        }
    }
}

/// Whether a module gives a name a meaning of its own, anywhere.
fn is_bound(module: &Module, name: &str) -> bool {
    module.assigns.iter().any(|assign| assign.target == name)
        || module.imports.iter().any(|import| import.name.as_deref() == Some(name) || import.module == name)
        || module.functions.iter().any(|function| {
            function.name == name || function.parameters.iter().any(|(parameter, _)| parameter == name)
        })
}
