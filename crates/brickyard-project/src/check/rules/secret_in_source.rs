use crate::app_yaml::EnvSource;
use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Value;
use crate::source::{Source, Span};

declare_rule! {
    /// ## What it does
    /// Finds tokens, client secrets and passwords written in files of the app.
    ///
    /// ## Why is this bad?
    /// Everyone who can read the code or the workspace folder can use them. The app has an identity of its own:
    /// `Config()` finds it.
    ///
    /// ## Example
    /// ```python
    /// WorkspaceClient(host=host, token="dapi0123456789abcdef0123456789abcdef")
    /// ```
    /// Use instead:
    /// ```python
    /// WorkspaceClient()
    /// ```
    pub(crate) static RULE = { code: "BY401", name: "secret-in-source", level: Error, check: check }
}

/// How a private key in PEM form begins.
const PRIVATE_KEY: &str = "PRIVATE KEY-----\nMII";
const HINT: &str = "use the app's own identity, or a secret resource with `valueFrom`; then revoke this one";

fn check(context: &Context, findings: &mut Findings) {
    let python = context.modules.iter().map(|module| &module.source);
    let extra: Vec<Source> = context
        .files
        .iter()
        .filter(|(name, size)| *size < 64 * 1024 && name.rsplit('/').next().is_some_and(|file| file.starts_with(".env")))
        .filter_map(|(name, _)| Source::read(&context.dir.join(name)).ok().flatten())
        .collect();
    for source in python.chain(context.texts()).chain(&extra) {
        for span in patterns(source.text()) {
            findings.at(source, span, "A secret stands in the source").hint(HINT);
        }
    }
    if let Some((source, _)) = &context.app_tree {
        for entry in context.app.iter().flat_map(|app| &app.env) {
            let EnvSource::Value(value) = &entry.source else { continue };
            let secret = ["TOKEN", "SECRET", "PASSWORD", "API_KEY", "APIKEY"].iter().any(|word| entry.name.to_uppercase().contains(word));
            let size = entry.name.to_uppercase();
            let counts = ["MAX_", "LIMIT", "COUNT", "SCOPE", "_URL", "NAME", "_KEY_ID", "EXPIR", "TTL"].iter().any(|word| size.contains(word));
            if secret && !counts && looks_secret(value) && patterns(source.slice(entry.span)).is_empty() {
                findings.at(source, entry.span, format!("`{}` is a secret written in `app.yaml`", entry.name)).hint(HINT);
            }
        }
    }
    for module in context.reached() {
        for call in &module.calls {
            let client = matches!(
                call.name.as_str(),
                "databricks.sdk.WorkspaceClient" | "databricks.sdk.core.Config" | "databricks.sdk.AccountClient" | "databricks.sql.connect" | "openai.OpenAI" | "psycopg.connect" | "psycopg2.connect"
            );
            for (name, value, span) in call.keywords.iter().filter(|_| client) {
                let secret = matches!(name.as_str(), "token" | "access_token" | "client_secret" | "password" | "api_key");
                if let Value::Text(text) = value
                    && secret
                    && looks_secret(text)
                    && patterns(text).is_empty()
                {
                    findings.at(&module.source, *span, format!("`{name}` is written in the source")).hint(HINT);
                }
            }
        }
    }
}

fn looks_secret(text: &str) -> bool {
    let lower = text.to_lowercase();
    let placeholder = ["your", "xxx", "***", "<", "changeme", "example", "placeholder", "dummy", "${", "{{", "not-used", "unused", "ollama", "test"]
        .iter()
        .any(|word| lower.contains(word));
    text.len() >= 12 && !placeholder && !text.contains(' ') && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Places of known shapes: Databricks tokens and secrets, AWS, `GitHub` and `OpenAI` keys, private keys.
fn patterns(text: &str) -> Vec<Span> {
    type Shape<'a> = (&'a str, &'a dyn Fn(u8) -> bool, usize);
    let mut found = Vec::new();
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let shapes: [Shape<'_>; 6] = [
        ("dapi", &hex, 32),
        ("dose", &hex, 32),
        ("AKIA", &upper, 16),
        ("ghp_", &word, 36),
        ("github_pat_", &word, 60),
        ("sk-proj-", &word, 40),
    ];
    for (prefix, allowed, length) in shapes {
        // To find that there is none is much faster than to look for each.
        if !text.contains(prefix) {
            continue;
        }
        for (at, _) in text.match_indices(prefix) {
            let before = text[..at].bytes().next_back();
            let rest = &text.as_bytes()[at + prefix.len()..];
            let run = rest.iter().take_while(|byte| allowed(**byte)).count();
            let body = &rest[..run];
            let kinds = body.iter().collect::<std::collections::HashSet<_>>().len();
            let inside_word = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let counting = body.starts_with(b"0123456789abcdef") || body.starts_with(b"1234567890abcdef");
            if run >= length && kinds > 4 && !inside_word && !counting {
                found.push(Span::new(at, at + prefix.len() + run));
            }
        }
    }
    if text.contains(PRIVATE_KEY) {
        for (at, marker) in text.match_indices(PRIVATE_KEY) {
            found.push(Span::new(at, at + marker.len()));
        }
    }
    found
}
