use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::source::Span;

declare_rule! {
    /// ## What it does
    /// Finds lines with `!` in `.gitignore`.
    ///
    /// ## Why is this bad?
    /// The upload is reported to ignore them: files that git keeps are not uploaded.
    ///
    /// ## Example
    /// ```text
    /// *.csv
    /// !data/seed.csv
    /// ```
    pub(crate) static RULE = { code: "BY705", name: "gitignore-negation", level: Info, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some(source) = &context.gitignore else { return };
    for index in 0..source.line_count().min(2_000) {
        let span = source.line_span(index);
        let line = source.slice(span);
        if line.starts_with('!') && !line.contains(".env") && !line.contains("gitkeep") {
            findings
                .at(source, Span::new(span.start, span.end), "An upload may leave out what this line keeps")
                .hint("list the files to ignore one by one");
        }
    }
}
