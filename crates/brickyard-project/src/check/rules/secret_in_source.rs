use crate::app_yaml::EnvSource;
use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};
use crate::python::Value;
use crate::source::{Source, Span};

declare_rule! {
    /// ## What it does
    /// Finds tokens, client secrets and passwords written in files of the app: Python, settings, scripts and JavaScript.
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
        .filter(|(name, size)| *size < 64 * 1024 && is_text(name))
        .take(500)
        .filter_map(|(name, _)| Source::read(&context.dir.join(name)).ok().flatten())
        .collect();
    let known: Vec<&Source> = python.chain(context.texts()).collect();
    let others = extra.iter().filter(|source| !known.iter().any(|other| other.path == source.path));
    for source in known.iter().copied().chain(others) {
        for span in patterns(source.text()) {
            findings.at(source, span, "A secret stands in the source").hint(HINT);
        }
    }
    if let Some((source, _)) = &context.app_tree {
        for entry in context.app.iter().flat_map(|app| &app.env) {
            let EnvSource::Value(value) = &entry.source else { continue };
            if password_of_url(value).is_some() {
                findings.at(source, entry.span, format!("`{}` holds a password in `app.yaml`", entry.name)).hint(HINT);
                continue;
            }
            let secret = ["TOKEN", "SECRET", "PASSWORD", "API_KEY", "APIKEY"].iter().any(|word| entry.name.to_uppercase().contains(word));
            let size = entry.name.to_uppercase();
            let counts = ["MAX_", "LIMIT", "COUNT", "SCOPE", "_URL", "NAME", "_KEY_ID", "EXPIR", "TTL"].iter().any(|word| size.contains(word));
            if secret && !counts && looks_secret(value) && patterns(source.slice(entry.span)).is_empty() {
                findings.at(source, entry.span, format!("`{}` is a secret written in `app.yaml`", entry.name)).hint(HINT);
            }
        }
    }
    for module in context.reached() {
        for (text, span) in &module.strings {
            if password_of_url(text).is_some() {
                findings.at(&module.source, *span, "A password stands in this address").hint(HINT);
            }
        }
        // `os.environ["X_SECRET"] = "…"`.
        for subscript in module.subscripts.iter().filter(|subscript| subscript.stored && subscript.base == "os.environ") {
            let name = subscript.key.to_uppercase();
            let secret = ["TOKEN", "SECRET", "PASSWORD", "API_KEY"].iter().any(|word| name.ends_with(word));
            let value = module.assigns.iter().find(|assign| {
                assign.span.start <= subscript.span.start && subscript.span.end <= assign.span.end && assign.target.ends_with("[]")
            });
            if let Some(Value::Text(text)) = value.filter(|_| secret).map(|assign| &assign.value)
                && looks_secret(text)
                && patterns(text).is_empty()
            {
                findings.at(&module.source, subscript.span, format!("`{}` is written in the source", subscript.key)).hint(HINT);
            }
        }
        for call in &module.calls {
            let client = matches!(
                call.name.as_str(),
                "databricks.sdk.WorkspaceClient" | "databricks.sdk.core.Config" | "databricks.sdk.AccountClient" | "databricks.sql.connect" | "openai.OpenAI" | "psycopg.connect" | "psycopg2.connect"
            );
            for (name, value, span) in call.keywords.iter().filter(|_| client) {
                let secret = matches!(name.as_str(), "token" | "access_token" | "client_secret" | "password" | "api_key");
                if let Value::Text(text) = module.follow(value, call.scope)
                    && secret
                    && looks_secret(&text)
                    && patterns(&text).is_empty()
                {
                    findings.at(&module.source, *span, format!("`{name}` is written in the source")).hint(HINT);
                }
            }
        }
    }
}

/// Whether a file is one in which people write settings.
fn is_text(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let suffix = file.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    file.starts_with(".env")
        || matches!(suffix, "json" | "yaml" | "yml" | "toml" | "ini" | "cfg" | "conf" | "sh" | "js" | "mjs" | "cjs" | "jsx" | "ts" | "tsx")
}

/// The password in the address of a database, unless it is a made-up one or the database is on the developer's machine.
fn password_of_url(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let kinds = ["postgres", "mysql", "mongodb", "redis", "mssql", "oracle", "amqp"];
    if !kinds.iter().any(|kind| scheme.starts_with(kind)) {
        return None;
    }
    let (user, place) = rest.split('/').next()?.rsplit_once('@')?;
    let (name, password) = user.split_once(':')?;
    let host = place.split(':').next().unwrap_or_default();
    let local = matches!(host, "localhost" | "127.0.0.1" | "db" | "postgres" | "redis" | "host.docker.internal");
    let made_up = ["password", "your", "changeme", "example", "placeholder", "secret", "token", "xxx", "***", "test"];
    let lower = password.to_lowercase();
    let real = password.len() >= 8
        && !local
        && password != name
        && !password.contains(['{', '<', '$', '%', ' '])
        && !made_up.iter().any(|word| lower.contains(word));
    (real && password.bytes().any(|byte| byte.is_ascii_digit())).then_some(password)
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
