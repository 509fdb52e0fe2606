use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Value;

declare_rule! {
    /// ## What it does
    /// Finds logging into files.
    ///
    /// ## Why is this bad?
    /// The platform keeps what the app writes to stdout and stderr; a log file is never seen and fills the disk.
    ///
    /// ## Example
    /// ```python
    /// logging.basicConfig(filename="app.log")
    /// ```
    /// Use instead:
    /// ```python
    /// logging.basicConfig(level=logging.INFO)
    /// ```
    pub(crate) static RULE = { code: "BY510", name: "file-log", level: Warning, check: check }
}

const MESSAGE: &str = "The platform shows what goes to stdout and stderr, not files";
const HINT: &str = "log to the stream: `logging.StreamHandler()`";
const HANDLERS: [&str; 3] =
    ["logging.FileHandler", "logging.handlers.RotatingFileHandler", "logging.handlers.TimedRotatingFileHandler"];

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        // The settings of `logging.config.dictConfig` name the class.
        for (_, span) in module.strings.iter().filter(|(text, _)| HANDLERS.contains(&text.as_str())) {
            findings.at(&module.source, *span, MESSAGE).hint(HINT);
        }
        for call in &module.calls {
            let file = HANDLERS.contains(&call.name.as_str());
            let basic = call.name == "logging.basicConfig" && call.keyword("filename").is_some();
            let loguru = call.name == "loguru.logger.add" && matches!(call.args.first(), Some((Value::Text(_) | Value::Format(_), _)));
            if file || basic || loguru {
                findings
                    .at(&module.source, call.span, MESSAGE)
                    .hint(HINT);
            }
        }
    }
}
