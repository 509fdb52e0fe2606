use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Function;
use crate::source::Span;

declare_rule! {
    /// ## What it does
    /// Finds cached functions that act with a user's token.
    ///
    /// ## Why is this bad?
    /// The cache is shared: the second user gets the first user's client or data.
    ///
    /// ## Example
    /// ```python
    /// @st.cache_data
    /// def rows():
    ///     token = st.context.headers["x-forwarded-access-token"]
    /// ```
    /// Use instead a function that takes the user as an argument that is part of the cache key, or no cache.
    pub(crate) static RULE = { code: "BY405", name: "cached-user-token", level: Error, check: check }
}

const HEADER: &str = "x-forwarded-access-token";

fn check(context: &Context, findings: &mut Findings) {
    for module in context.reached() {
        let headers: Vec<Span> = module
            .strings
            .iter()
            .filter(|(text, _)| text.eq_ignore_ascii_case(HEADER))
            .map(|(_, span)| *span)
            .collect();
        let readers: Vec<&str> = module
            .functions
            .iter()
            .skip(1)
            .filter(|function| reads(&headers, function))
            .map(|function| function.name.as_str())
            .collect();
        for (index, function) in module.functions.iter().enumerate().skip(1) {
            let Some((cache, span)) = function.decorators.iter().find(|(name, _)| is_cache(name)) else { continue };
            let streamlit = cache.starts_with("streamlit.");
            let hidden = function.parameters.iter().find(|(name, _)| {
                streamlit && name.starts_with('_') && (name.contains("token") || name.contains("user"))
            });
            let direct = reads(&headers, function);
            let through = module.calls.iter().any(|call| call.scope == index && readers.contains(&call.raw.as_str()));
            if let Some((name, _)) = hidden {
                findings
                    .at(&module.source, *span, format!("`{}` is cached for all users: `{name}` is not part of the key", function.name))
                    .hint(format!("name it `{}`, so that each user has an entry", name.trim_start_matches('_')));
            } else if direct || through {
                findings
                    .at(&module.source, *span, format!("`{}` reads one user's token and is cached for all users", function.name))
                    .hint("pass the token as an argument, or leave out the cache");
            }
        }
    }
}

fn is_cache(name: &str) -> bool {
    let name = name.trim_end_matches("()");
    matches!(name, "streamlit.cache_data" | "streamlit.cache_resource" | "streamlit.cache" | "functools.lru_cache" | "functools.cache" | "cachetools.cached")
        || name.ends_with(".memoize")
}

/// Whether a function names the header, at one of its places.
fn reads(headers: &[Span], function: &Function) -> bool {
    headers.iter().any(|span| function.body.start <= span.start && span.end <= function.body.end)
}
