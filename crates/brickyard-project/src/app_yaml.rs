//! `app.yaml` as the platform reads it (platform §1).

use std::path::{Path, PathBuf};

use crate::source::{ProjectError, Source, Span};
use crate::yaml::{self, Node, Value};

/// The names an app file may have, in the order in which they are looked for.
pub const NAMES: [&str; 2] = ["app.yml", "app.yaml"];

/// How to start the app and with which variables.
#[derive(Debug, Clone, Default)]
pub struct AppYaml {
    /// The file.
    pub path: PathBuf,
    /// The other of `app.yaml` and `app.yml`, where both are present; it is not read.
    pub shadowed: Option<PathBuf>,
    /// `command`: program and arguments, run without a shell; `Some(vec![])` where the key is there and empty.
    pub command: Option<Vec<String>>,
    /// `env`, in the order written.
    pub env: Vec<EnvEntry>,
}

/// One variable of `env`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvEntry {
    /// Name of the variable.
    pub name: String,
    /// Where its value comes from.
    pub source: EnvSource,
    /// Bytes of the entry in its file.
    pub span: Span,
}

/// Where a variable of `env` gets its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvSource {
    /// `value`: taken as written.
    Value(String),
    /// `valueFrom`: the key of a resource.
    Resource(String),
}

impl AppYaml {
    /// Reads `app.yml` or `app.yaml` of a directory; `None` where there is neither.
    ///
    /// Where both are present the first of [`NAMES`] is read, as the official command line does, and the other is
    /// named in `shadowed`.
    pub fn load(dir: &Path) -> Result<Option<Self>, ProjectError> {
        let Some((source, shadowed)) = find(dir)? else { return Ok(None) };
        Ok(Some(Self { shadowed, ..Self::parse(&source)? }))
    }

    /// Reads the text of an app file; errors name line and column and show the text.
    pub fn parse(source: &Source) -> Result<Self, ProjectError> {
        let root = yaml::parse(source)?;
        let mut app = Self { path: source.path.clone(), ..Self::default() };
        match &root.value {
            Value::Null => return Ok(app),
            Value::Mapping(_) => {}
            _ => {
                return Err(source.error(
                    root.span,
                    format!("`app.yaml` must be a mapping, found {}", root.kind()),
                    Some("write `command:` and `env:` as keys"),
                ));
            }
        }
        if let Some(again) = given_twice(&root) {
            let name = again.text().unwrap_or_default();
            return Err(source.error(
                again.span,
                format!("`{name}` is given twice"),
                Some("remove one of the two: the platform's reader refuses both"),
            ));
        }
        if let Some((key, value)) = root.entry("command") {
            app.command = Some(command(source, key, value)?);
        }
        if let Some(env) = root.get("env") {
            app.env = entries(source, env, "valueFrom")?;
        }
        Ok(app)
    }
}

/// The first key that its mapping has already.
fn given_twice(node: &Node) -> Option<&Node> {
    let pairs = node.pairs();
    let again = pairs.iter().enumerate().find(|(at, (key, _))| {
        key.text().is_some() && pairs[..*at].iter().any(|(before, _)| before.text() == key.text())
    });
    let below = || node.items().iter().chain(pairs.iter().map(|(_, value)| value)).find_map(given_twice);
    again.map(|(_, (key, _))| key).or_else(below)
}

/// The app file of a directory and the one it hides.
pub(crate) fn find(dir: &Path) -> Result<Option<(Source, Option<PathBuf>)>, ProjectError> {
    let mut found: Option<(Source, Option<PathBuf>)> = None;
    for name in NAMES {
        let path = dir.join(name);
        match &mut found {
            Some((_, shadowed)) => *shadowed = path.is_file().then_some(path),
            None => found = Source::read_up_to(&path, yaml::LARGEST)?.map(|source| (source, None)),
        }
    }
    Ok(found)
}

/// A `command`: a list whose items are scalars (platform §1: an unquoted `4` is accepted).
pub(crate) fn command(source: &Source, key: &Node, node: &Node) -> Result<Vec<String>, ProjectError> {
    match &node.value {
        Value::Null => Ok(Vec::new()),
        Value::Sequence(items) => items
            .iter()
            .map(|item| {
                item.text().map(ToOwned::to_owned).ok_or_else(|| {
                    let span = if item.is_null() { key.span } else { item.span };
                    let message = format!("Each item of `command` must be a string, found {}", item.kind());
                    source.error(span, message, Some("quote the item"))
                })
            })
            .collect(),
        Value::Scalar { text, .. } => {
            let words: Vec<String> = text.split_whitespace().map(|word| format!("\"{word}\"")).collect();
            let hint = format!("write `command: [{}]`", words.join(", "));
            Err(source.error(node.span, "`command` must be a list of strings, found a string", Some(&hint)))
        }
        Value::Mapping(_) => {
            Err(source.error(node.span, "`command` must be a list of strings, found a mapping", None))
        }
    }
}

/// The `env` list of `app.yaml` (`valueFrom`) or of a bundle (`value_from`).
pub(crate) fn entries(source: &Source, env: &Node, from: &str) -> Result<Vec<EnvEntry>, ProjectError> {
    match &env.value {
        Value::Null => return Ok(Vec::new()),
        Value::Sequence(_) => {}
        _ => {
            return Err(source.error(
                env.span,
                format!("`env` must be a list of names and values, found {}", env.kind()),
                Some("write `- name: NAME` and `value: \"…\"` for each variable"),
            ));
        }
    }
    env.items().iter().map(|item| entry(source, item, from)).collect()
}

fn entry(source: &Source, item: &Node, from: &str) -> Result<EnvEntry, ProjectError> {
    let hint = format!("write `- name: NAME` with `value: \"…\"` or `{from}: RESOURCE_KEY`");
    let wrong = |span, message: String| Err(source.error(span, message, Some(&hint)));
    if !matches!(item.value, Value::Mapping(_)) {
        return wrong(item.span, format!("Each item of `env` must be a mapping, found {}", item.kind()));
    }
    let Some(name) = item.get("name").and_then(Node::text) else {
        return wrong(item.span, "An item of `env` has no `name`".to_owned());
    };
    if name.is_empty() || name.contains(['=', '\0']) {
        return wrong(item.span, format!("`{}` cannot be the name of a variable", name.escape_debug()));
    }
    let scalar = |key: &str| match item.get(key) {
        None => Ok(None),
        Some(node) if node.is_null() => Ok(None),
        Some(node) => {
            if let Some(text) = node.text() {
                return Ok(Some(text.to_owned()));
            }
            let message = format!("`{key}` of `{name}` must be a string, found {}", node.kind());
            let inner = node.pairs().first().and_then(|(_, value)| value.text());
            let hint = inner.map(|inner| format!("write `{key}: {inner}`"));
            Err(source.error(node.span, message, hint.as_deref().or(Some("quote the value"))))
        }
    };
    let origin = match (scalar("value")?, scalar(from)?) {
        (Some(value), None) => EnvSource::Value(value),
        (None, Some(key)) => EnvSource::Resource(key),
        (Some(_), Some(_)) => {
            return wrong(item.span, format!("`{name}` has both `value` and `{from}`"));
        }
        // `value: ` with nothing behind it is an empty string to the platform's reader.
        (None, None) if item.get("value").is_some() => EnvSource::Value(String::new()),
        (None, None) => {
            return wrong(item.span, format!("`{name}` has neither `value` nor `{from}`"));
        }
    };
    Ok(EnvEntry { name: name.to_owned(), source: origin, span: item.span })
}

/// Replaces `$DATABRICKS_APP_PORT` in every argument: the one variable the platform fills in, in this one form
/// (platform §1); `${DATABRICKS_APP_PORT}` stays as written.
pub fn substitute_port(command: &[String], port: u16) -> Vec<String> {
    let port = port.to_string();
    command.iter().map(|argument| argument.replace("$DATABRICKS_APP_PORT", &port)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<AppYaml, ProjectError> {
        AppYaml::parse(&Source::new("app.yaml", text))
    }

    #[test]
    fn scalars_in_the_command_become_strings() {
        let app = parse("command: [gunicorn, app:app, -w, 4, \"--preload\", true]\n").unwrap();
        assert_eq!(app.command.unwrap(), ["gunicorn", "app:app", "-w", "4", "--preload", "true"]);
    }

    #[test]
    fn a_key_that_is_given_twice_is_refused() {
        for (text, place) in [
            ("command: [a]\ncommand: [b]\n", "`command` is given twice\n  --> app.yaml:2:1\n"),
            ("env:\n- {name: A, value: x, value: y}\n", "`value` is given twice\n  --> app.yaml:2:23\n"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(place), "{error}");
        }
        assert!(parse("env:\n- {name: A, value: x}\n- {name: B, value: x}\n").is_ok());
    }

    #[test]
    fn a_string_command_shows_where_and_what_to_write() {
        let error = parse("env: []\ncommand: streamlit run app.py\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`command` must be a list of strings, found a string\n  --> app.yaml:2:10\n  |\n2 | command: streamlit run app.py\n  |          ^^^^^^^^^^^^^^^^^^^^"
        );
        assert_eq!(error.hint().unwrap(), "write `command: [\"streamlit\", \"run\", \"app.py\"]`");
    }

    #[test]
    fn env_takes_a_value_or_a_resource_key() {
        let app =
            parse("env:\n  - name: A\n    value: 8\n  - name: B\n    valueFrom: sql-warehouse\n").unwrap();
        assert_eq!(app.env[0].source, EnvSource::Value("8".into()));
        assert_eq!(app.env[1].source, EnvSource::Resource("sql-warehouse".into()));
        for wrong in [
            "env: {A: b}\n",
            "env:\n  - A\n",
            "env:\n  - value: x\n",
            "env:\n  - name: A\n",
            "env:\n  - {name: A, value: x, valueFrom: y}\n",
            "env:\n  - {name: A=B, value: x}\n",
            "- command\n",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let error = parse("env:\n  - name: DB\n    valueFrom: {resource: database}\n").unwrap_err();
        assert_eq!(error.hint().unwrap(), "write `valueFrom: database`");
    }

    #[test]
    fn empty_is_no_command_and_unknown_keys_are_ignored() {
        assert_eq!(parse("").unwrap().command, None);
        assert_eq!(parse("command:\n").unwrap().command, Some(vec![]));
        assert_eq!(parse("runtime: nodejs20\n").unwrap().command, None);
    }

    #[test]
    fn only_the_bare_port_variable_is_replaced() {
        let command =
            ["-p", "$DATABRICKS_APP_PORT", "0.0.0.0:$DATABRICKS_APP_PORT", "${DATABRICKS_APP_PORT}", "$HOME"]
                .map(ToOwned::to_owned);
        assert_eq!(
            substitute_port(&command, 8000),
            ["-p", "8000", "0.0.0.0:8000", "${DATABRICKS_APP_PORT}", "$HOME"]
        );
    }

    #[test]
    fn the_short_name_is_read_first_and_the_other_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("app.yaml"), "command: [a]\n").unwrap();
        std::fs::write(dir.path().join("app.yml"), "command: [b]\n").unwrap();
        let app = AppYaml::load(dir.path()).unwrap().unwrap();
        assert_eq!(app.command.unwrap(), ["b"]);
        assert_eq!(app.shadowed.unwrap(), dir.path().join("app.yaml"));
    }
}
