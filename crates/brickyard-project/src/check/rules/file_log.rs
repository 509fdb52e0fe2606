use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

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

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        for call in &module.calls {
            let file = matches!(
                call.name.as_str(),
                "logging.FileHandler" | "logging.handlers.RotatingFileHandler" | "logging.handlers.TimedRotatingFileHandler"
            );
            let basic = call.name == "logging.basicConfig" && call.keyword("filename").is_some();
            if file || basic {
                findings
                    .at(&module.source, call.span, "The platform shows what goes to stdout and stderr, not files")
                    .hint("log to the stream: `logging.StreamHandler()`");
            }
        }
    }
}
