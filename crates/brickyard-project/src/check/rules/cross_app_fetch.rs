use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::source::Source;

declare_rule! {
    /// ## What it does
    /// Finds pages that fetch from another app in the browser.
    ///
    /// ## Why is this bad?
    /// The other app answers with a redirect to the login page, which the browser reports as a CORS error; the platform
    /// has no setting for it.
    ///
    /// ## Example
    /// ```js
    /// fetch("https://other-123.aws.databricksapps.com/api/items")
    /// ```
    /// Call the other app from the server, with a token.
    pub(crate) static RULE = { code: "BY605", name: "cross-app-fetch", level: Warning, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let scripts = context
        .files
        .iter()
        .filter(|(name, size)| {
            *size < 200_000 && [".js", ".html", ".ts", ".jsx", ".tsx"].iter().any(|end| name.ends_with(end)) && !name.contains(".min.")
        })
        .take(200);
    for (name, _) in scripts {
        let Ok(Some(source)) = Source::read(&context.dir.join(name)) else { continue };
        let text = source.text();
        for (at, host) in text.match_indices(".databricksapps.com") {
            let line = source.slice(source.line_span(source.line_index(at)));
            if ["fetch(", "axios", "EventSource(", "XMLHttpRequest"].iter().any(|word| line.contains(word)) {
                findings
                    .at(&source, at..at + host.len(), "A page cannot fetch from another app: it is sent to the login page")
                    .hint("call the other app from the server, with a token");
            }
        }
    }
}
