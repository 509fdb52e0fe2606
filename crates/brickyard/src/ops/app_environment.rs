use std::collections::BTreeMap;

use brickyard_api::EnvironmentVariable;
use brickyard_project::{EnvEntry, EnvSource};
use serde::Serialize;

use crate::failure::Failure;

/// One variable of an app's environment and where it comes from.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Variable {
    pub(crate) name: String,
    #[serde(serialize_with = "shown")]
    pub(crate) value: Value,
    /// `platform`, `framework`, `local`, `app.yaml`, `brickyard.toml`, `deployment`, `environment`.
    pub(crate) origin: String,
}

/// A value that may be secret; a secret prints as stars.
#[derive(Clone)]
pub(crate) enum Value {
    Plain(String),
    Secret(String),
}

impl Value {
    /// The value itself, for the app's process alone.
    pub(crate) fn reveal(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Secret(text) => text,
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(text) => formatter.write_str(text),
            Self::Secret(_) => formatter.write_str("********"),
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{self}")
    }
}

fn shown<S: serde::Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// What an environment is made from, later parts winning over earlier ones.
pub(crate) struct Parts<'a> {
    /// Variables of the platform (host, credentials, certificates, Lakebase).
    pub(crate) platform: &'a [(String, String)],
    /// The app's environment: `VIRTUAL_ENV`, `PATH`.
    pub(crate) interpreter: &'a [(String, String)],
    /// Port the app has to listen on.
    pub(crate) port: u16,
    /// Where browsers find the app: told as the official command line tells it to apps that run locally. The platform
    /// sets no such variable.
    pub(crate) address: &'a str,
    /// `env` of `app.yaml` and the bundle.
    pub(crate) entries: &'a [EnvEntry],
    /// Variables given with a deployment.
    pub(crate) deployment: &'a [EnvironmentVariable],
    /// Variables of `brickyard.toml`.
    pub(crate) local: &'a BTreeMap<String, String>,
    /// Values of the resources by key, and whether they are secret.
    pub(crate) values: &'a [(String, String, bool)],
}

/// Every variable the app will see, ordered by name (platform §3).
pub(crate) fn compute(parts: &Parts<'_>) -> Result<Vec<Variable>, Failure> {
    let mut found: BTreeMap<String, Variable> = BTreeMap::new();
    let mut set = |name: &str, value: Value, origin: &str| {
        found.insert(name.to_owned(), Variable { name: name.to_owned(), value, origin: origin.to_owned() });
    };
    for (name, value) in parts.interpreter {
        set(name, Value::Plain(value.clone()), "environment");
    }
    for (name, value) in parts.platform {
        let value =
            if name.contains("SECRET") { Value::Secret(value.clone()) } else { Value::Plain(value.clone()) };
        set(name, value, origin(name));
    }
    for (name, value) in framework(parts.port) {
        set(name, Value::Plain(value), "framework");
    }
    set("DATABRICKS_APP_URL", Value::Plain(parts.address.to_owned()), "local");
    let resource = |key: &str, wanted_by: &str| -> Result<Value, Failure> {
        let (_, value, secret) = parts.values.iter().find(|(known, ..)| known == key).ok_or_else(|| {
            let known: Vec<String> = parts.values.iter().map(|(key, ..)| format!("`{key}`")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Failure::app(format!("`{wanted_by}` takes its value from the resource `{key}`, which is not there; there are: {known}"))
                .hint("add the resource to the app, or correct the key in `valueFrom`")
        })?;
        Ok(if *secret { Value::Secret(value.clone()) } else { Value::Plain(value.clone()) })
    };
    for entry in parts.entries {
        let (value, origin) = match &entry.source {
            EnvSource::Value(text) => (Value::Plain(text.clone()), "app.yaml".to_owned()),
            EnvSource::Resource(key) => (resource(key, &entry.name)?, format!("app.yaml, resource `{key}`")),
        };
        set(&entry.name, value, &origin);
    }
    for variable in parts.deployment {
        let value = match (&variable.value, &variable.value_from) {
            (_, Some(key)) => resource(key, &variable.name)?,
            (Some(text), None) => Value::Plain(text.clone()),
            (None, None) => Value::Plain(String::new()),
        };
        set(&variable.name, value, "deployment");
    }
    for (name, value) in parts.local {
        set(name, Value::Plain(value.clone()), "brickyard.toml");
    }
    Ok(found.into_values().collect())
}

/// What the platform sets has one of these beginnings; the rest leads clients to the local workspace and makes them trust it.
fn origin(name: &str) -> &'static str {
    let platform = ["DATABRICKS_", "PG", "OTEL_"].iter().any(|start| name.starts_with(start));
    if platform { "platform" } else { "local" }
}

/// Variables that make the usual frameworks listen where the platform looks (platform §3.2).
fn framework(port: u16) -> Vec<(&'static str, String)> {
    let port = port.to_string();
    let text = str::to_owned;
    vec![
        ("DATABRICKS_APP_PORT", port.clone()),
        ("FLASK_RUN_HOST", text("0.0.0.0")),
        ("FLASK_RUN_PORT", port.clone()),
        ("GRADIO_ANALYTICS_ENABLED", text("false")),
        ("GRADIO_SERVER_NAME", text("0.0.0.0")),
        ("GRADIO_SERVER_PORT", port.clone()),
        ("PORT", port.clone()),
        ("PYTHONUNBUFFERED", text("1")),
        ("STREAMLIT_BROWSER_GATHER_USAGE_STATS", text("false")),
        ("STREAMLIT_SERVER_ADDRESS", text("0.0.0.0")),
        ("STREAMLIT_SERVER_ENABLE_CORS", text("false")),
        ("STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION", text("false")),
        ("STREAMLIT_SERVER_HEADLESS", text("true")),
        ("STREAMLIT_SERVER_PORT", port.clone()),
        ("UVICORN_HOST", text("0.0.0.0")),
        ("UVICORN_PORT", port),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(
        entries: &'a [EnvEntry],
        values: &'a [(String, String, bool)],
        local: &'a BTreeMap<String, String>,
    ) -> Parts<'a> {
        Parts {
            platform: &[],
            interpreter: &[],
            port: 8000,
            address: "",
            entries,
            deployment: &[],
            local,
            values,
        }
    }

    fn entry(name: &str, source: EnvSource) -> EnvEntry {
        EnvEntry { name: name.to_owned(), source, span: brickyard_project::Span::default() }
    }

    #[test]
    fn later_parts_win_and_secrets_are_stars() {
        let entries = [
            entry("PORT", EnvSource::Value("1".to_owned())),
            entry("KEY", EnvSource::Resource("secret".to_owned())),
        ];
        let values = [("secret".to_owned(), "s3cret".to_owned(), true)];
        let local = BTreeMap::from([("PORT".to_owned(), "2".to_owned())]);
        let variables = compute(&parts(&entries, &values, &local)).unwrap();
        let find = |name: &str| variables.iter().find(|variable| variable.name == name).unwrap();
        assert_eq!(
            (find("PORT").value.to_string().as_str(), find("PORT").origin.as_str()),
            ("2", "brickyard.toml")
        );
        assert_eq!(find("KEY").value.to_string(), "********");
        assert_eq!(find("KEY").value.reveal(), "s3cret");
        assert!(!serde_json::to_string(&variables).unwrap().contains("s3cret"));
    }

    #[test]
    fn a_key_without_resource_is_the_apps_fault() {
        let entries = [entry("W", EnvSource::Resource("nope".to_owned()))];
        let failure = compute(&parts(&entries, &[], &BTreeMap::new())).unwrap_err();
        assert_eq!(failure.kind, crate::failure::Kind::App);
        assert!(failure.to_string().contains("`nope`"));
    }
}
