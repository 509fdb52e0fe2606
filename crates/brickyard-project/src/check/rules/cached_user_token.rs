use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::check::rules::kept_user_token::is_token;
use crate::check::rules::missing_scope::user_client;
use crate::python::{Module, Part, Value};
use crate::source::Span;

declare_rule! {
    /// ## What it does
    /// Finds cached functions that act with a user's token, by themselves or through functions they call, and tokens kept
    /// in a variable of a module.
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
    // What the functions of other modules are called that read the header.
    let elsewhere: Vec<&str> = context.reached().flat_map(readers).collect();
    for module in context.reached() {
        let headers = headers(module);
        let readers = readers(module);
        let imported = |name: &str| {
            elsewhere.contains(&name)
                && module.imports.iter().any(|import| import.name.as_deref() == Some(name))
        };
        // Variables of the script that hold one user's token.
        let tokens: Vec<&str> = module
            .assigns
            .iter()
            .filter(|assign| assign.scope == 0 && is_token(&module.follow(&assign.value, 0)))
            .map(|assign| assign.target.as_str())
            .collect();
        for (index, function) in module.functions.iter().enumerate().skip(1) {
            let Some((cache, span)) = function.decorators.iter().find(|(name, _)| is_cache(name)) else { continue };
            let streamlit = cache.starts_with("streamlit.");
            let hidden = function.parameters.iter().find(|(name, _)| {
                streamlit && name.starts_with('_') && (name.contains("token") || name.contains("user"))
            });
            // `rows(_w)` with a client made from one user's token: Streamlit leaves `_w` out of the key.
            let handed = function.parameters.iter().enumerate().filter(|(_, (name, _))| streamlit && name.starts_with('_')).find(|(at, (name, _))| {
                let calls = module.calls.iter().filter(|call| call.raw == function.name);
                calls.into_iter().any(|call| match call.argument(name, *at) {
                    Some((Value::Name(given), _)) => user_client(module, given, call.scope),
                    Some((Value::Call(made, ..), _)) => user_client(module, &format!("{made}()"), call.scope),
                    _ => false,
                })
            });
            let hidden = hidden.or(handed.map(|(_, parameter)| parameter));
            let direct = reads(module, &headers, index);
            let through = module.calls.iter().any(|call| {
                call.scope == index && (readers.contains(&call.raw.as_str()) || imported(&call.raw))
            });
            let outside = tokens.iter().any(|token| {
                !function.parameters.iter().any(|(name, _)| name == token)
                    && !module.assigns.iter().any(|assign| assign.scope == index && assign.target == *token)
                    && module.calls.iter().any(|call| {
                        let given = call.args.iter().map(|(value, _)| value).chain(call.keywords.iter().map(|(_, value, _)| value));
                        call.scope == index && given.into_iter().any(|value| mentions(value, token))
                    })
            });
            if let Some((name, _)) = hidden {
                findings
                    .at(&module.source, *span, format!("`{}` is cached for all users: `{name}` is not part of the key", function.name))
                    .hint(if name.contains("token") || name.contains("user") {
                        format!("name it `{}`, so that each user has an entry", name.trim_start_matches('_'))
                    } else {
                        "take the user's token as an argument without `_`, and make the client inside".to_owned()
                    });
            } else if direct || through || outside {
                findings
                    .at(&module.source, *span, format!("`{}` reads one user's token and is cached for all users", function.name))
                    .hint("pass the token as an argument, or leave out the cache");
            }
        }
        for assign in module.assigns.iter().filter(|assign| assign.scope != 0) {
            let kept = module.functions[assign.scope].globals.contains(&assign.target);
            if kept && is_token(&module.follow(&assign.value, assign.scope)) {
                findings
                    .at(&module.source, assign.span, format!("`{}` keeps one user's token for all users", assign.target))
                    .hint("read the header in each request");
            }
        }
    }
}

/// Names of the functions of a module that read the header, or call one that does.
fn readers(module: &Module) -> Vec<&str> {
    let headers = headers(module);
    if headers.is_empty() {
        return Vec::new();
    }
    let functions = || module.functions.iter().enumerate().skip(1);
    let mut found: Vec<&str> = functions()
        .filter(|(index, _)| reads(module, &headers, *index))
        .map(|(_, function)| function.name.as_str())
        .collect();
    for _ in 0..3 {
        let more: Vec<&str> = functions()
            .filter(|(index, function)| {
                !found.contains(&function.name.as_str())
                    && module.calls.iter().any(|call| call.scope == *index && found.contains(&call.raw.as_str()))
            })
            .map(|(_, function)| function.name.as_str())
            .collect();
        if more.is_empty() {
            break;
        }
        found.extend(more);
    }
    found
}

/// Places where the header is named.
fn headers(module: &Module) -> Vec<Span> {
    let strings = module.strings.iter().filter(|(text, _)| text.eq_ignore_ascii_case(HEADER));
    strings.map(|(_, span)| *span).collect()
}

fn is_cache(name: &str) -> bool {
    let name = name.trim_end_matches("()");
    matches!(name, "streamlit.cache_data" | "streamlit.cache_resource" | "streamlit.cache" | "functools.lru_cache" | "functools.cache" | "cachetools.cached")
        || name.ends_with(".memoize")
}

/// Whether a function names the header, or gives a constant with its name to a call.
fn reads(module: &Module, headers: &[Span], index: usize) -> bool {
    let body = module.functions[index].body;
    headers.iter().any(|span| body.start <= span.start && span.end <= body.end)
        || (!headers.is_empty()
            && module.calls.iter().any(|call| {
                let named = |value: &Value| matches!(value, Value::Name(_))
                    && matches!(module.follow(value, call.scope), Value::Text(text) if text.eq_ignore_ascii_case(HEADER));
                call.scope == index && call.method() == "get" && call.args.iter().any(|(value, _)| named(value))
            }))
}

/// Whether a value is made with a name.
fn mentions(value: &Value, name: &str) -> bool {
    match value {
        Value::Name(own) => own == name,
        Value::Call(_, args, keywords) => {
            args.iter().chain(keywords.iter().map(|(_, value)| value)).any(|value| mentions(value, name))
        }
        Value::Format(parts) => {
            parts.iter().any(|part| matches!(part, Part::Value(value) if mentions(value, name)))
        }
        Value::Either(values) | Value::List(values) => values.iter().any(|value| mentions(value, name)),
        Value::Dict(items) => items.iter().any(|(_, value)| mentions(value, name)),
        _ => false,
    }
}
