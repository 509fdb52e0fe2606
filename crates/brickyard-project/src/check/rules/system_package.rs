use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Value;

declare_rule! {
    /// ## What it does
    /// Finds requirements that need a compiler or a system library, and commands such as `apt-get` and `sudo`.
    ///
    /// ## Why is this bad?
    /// The container has no root user and no package manager: the build fails.
    ///
    /// ## Example
    /// ```text
    /// psycopg2==2.9.9
    /// ```
    /// Use instead:
    /// ```text
    /// psycopg2-binary==2.9.9
    /// ```
    pub(crate) static RULE = { code: "BY308", name: "system-package", level: Warning, check: check }
}

const NEEDY: [(&str, &str); 12] = [
    ("psycopg2", "psycopg2-binary"),
    ("mysqlclient", "pymysql"),
    ("pyodbc", "databricks-sql-connector"),
    ("pywin32", ""),
    ("pypiwin32", ""),
    ("pygraphviz", "graphviz"),
    ("python-ldap", "ldap3"),
    ("pycairo", ""),
    ("gdal", "rasterio"),
    ("weasyprint", "reportlab"),
    ("pdf2image", "pymupdf"),
    ("pytesseract", ""),
];

fn check(context: &Context, findings: &mut Findings) {
    if let Some(requirements) = &context.requirements {
        for item in &requirements.items {
            let marked = item.marker.as_ref().is_some_and(|marker| marker.contains("win32") || marker.contains("Windows") || marker.contains("darwin"));
            let Some((_, instead)) = NEEDY.iter().find(|(name, _)| *name == item.name && !marked) else { continue };
            let source = &requirements.files[item.file];
            let finding = findings.at(source, item.span, format!("`{}` needs software that the container does not have", item.name));
            if item.name == "psycopg2" {
                let end = item.span.start + "psycopg2".len();
                finding.hint("use `psycopg2-binary`").safe_fix("Use `psycopg2-binary`", (item.span.start..end).into(), "psycopg2-binary");
            } else if !instead.is_empty() {
                finding.hint(format!("use `{instead}`"));
            } else {
                finding.hint("do without it, or call a service");
            }
        }
    }
    if let Some(command) = &context.command
        && let Some(source) = &command.source
        && let Some(word) = command.word(&["apt-get", "apt", "sudo", "yum", "apk"])
    {
        findings.at(source, word.span, format!("`{}` does not work in the container", word.text)).hint("use Python packages alone");
    }
    for module in context.reached() {
        for call in module.calls.iter().filter(|call| call.name.starts_with("subprocess.") || call.name == "os.system") {
            let first = match call.args.first().map(|(value, _)| value) {
                Some(Value::List(items)) => items.first().cloned(),
                Some(value) => Some(value.clone()),
                None => None,
            };
            let Some(Value::Text(text)) = first else { continue };
            if let Some(word) = text.split_whitespace().next().filter(|word| matches!(*word, "apt-get" | "apt" | "sudo" | "yum" | "apk")) {
                findings
                    .at(&module.source, call.span, format!("`{word}` does not work in the container"))
                    .hint("use Python packages alone");
            }
        }
    }
}
