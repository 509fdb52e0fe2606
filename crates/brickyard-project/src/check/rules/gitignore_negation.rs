use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::source::Span;

declare_rule! {
    /// ## What it does
    /// Finds lines with `!` in `.gitignore` that keep something a line above them ignores.
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
    let mut above = GitignoreBuilder::new("");
    for index in 0..source.line_count().min(2_000) {
        let span = source.line_span(index);
        let line = source.slice(span).trim_end();
        if let Some(kept) = line.strip_prefix('!')
            && let Ok(above) = above.build()
            && takes_back(context, &above, kept)
        {
            findings
                .at(source, Span::new(span.start, span.end), "An upload may leave out what this line keeps")
                .hint("list the files to ignore one by one");
        }
        let _ = above.add_line(None, line);
    }
}

/// Whether a line keeps a file of the app that a line above ignores, or would if the file were there. Settings of editors
/// and other tools, whose names begin with a point, are not missed.
fn takes_back(context: &Context, above: &Gitignore, kept: &str) -> bool {
    let mut line = GitignoreBuilder::new("");
    let _ = line.add_line(None, kept);
    let Ok(line) = line.build() else { return false };
    let named = kept.trim_matches('/');
    let named = (!named.contains(['*', '?', '['])).then_some((named, kept.ends_with('/')));
    let files = context.files.iter().map(|(name, _)| (name.as_str(), false));
    files
        .filter(|(name, _)| line.matched_path_or_any_parents(name, false).is_ignore())
        .chain(named)
        .any(|(name, is_dir)| {
            !name.split('/').any(|part| part.starts_with('.') || part.is_empty())
                && above.matched_path_or_any_parents(name, is_dir).is_ignore()
        })
}
