//! `brickyard.toml`: what is local to the developer's machine, all of it optional.
//!
//! Keys, types and defaults stand on the structs below; an unknown key is an error with its place and the nearest
//! known key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::source::{ProjectError, Source, Span};

mod check;
mod connection;
mod genie;
mod lab;
mod resource;
mod serving;
mod telemetry;
mod vector_index;

pub use check::CheckSettings;
pub use connection::ConnectionSettings;
pub use genie::{GenieQuestion, GenieSettings};
pub use lab::{ClockSettings, FaultSettings};
pub use resource::ResourceSettings;
pub use serving::ServingSettings;
pub use telemetry::{TelemetryProtocol, TelemetrySettings};
pub use vector_index::VectorIndexSettings;

/// Name of the file, beside `app.yaml`.
pub const NAME: &str = "brickyard.toml";

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Settings {
    /// The app itself.
    pub app: AppSettings,
    /// People of the workspace; the first is the developer and admin.
    pub users: Vec<UserSettings>,
    /// Groups of the workspace.
    pub groups: Vec<GroupSettings>,
    /// Privileges given at start.
    pub grants: Vec<GrantSettings>,
    /// Secret values by scope and key: `[secrets.SCOPE]` with `KEY = "value"` or `KEY = { env = "NAME" }`.
    pub secrets: BTreeMap<String, BTreeMap<String, SecretValue>>,
    /// Model serving endpoints by name.
    pub serving: BTreeMap<String, ServingSettings>,
    /// Genie spaces by id.
    pub genie: BTreeMap<String, GenieSettings>,
    /// Connections of Unity Catalog by name.
    pub connections: BTreeMap<String, ConnectionSettings>,
    /// Vector search indexes by full name.
    pub vector_indexes: BTreeMap<String, VectorIndexSettings>,
    /// What a resource key stands for here, by key.
    pub resources: BTreeMap<String, ResourceSettings>,
    /// SQL for the warehouse, run once when the workspace's data is made.
    pub seed: SeedSettings,
    /// The SQL warehouse.
    pub warehouse: WarehouseSettings,
    /// The Postgres side.
    pub lakebase: LakebaseSettings,
    /// The front door of apps.
    pub ingress: IngressSettings,
    /// Where telemetry of the app goes.
    pub telemetry: TelemetrySettings,
    /// The workspace's clock.
    pub clock: ClockSettings,
    /// What goes wrong on purpose.
    pub faults: Vec<FaultSettings>,
    /// The linter.
    pub check: CheckSettings,
}

/// `[app]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct AppSettings {
    /// Name of the app where no bundle names it; default: the directory's.
    pub name: Option<String>,
    /// Scopes of user authorization, such as `sql`; default: the bundle's.
    pub user_api_scopes: Option<Vec<String>>,
    /// Variables only this machine adds, by name; they win over `app.yaml`.
    pub env: BTreeMap<String, String>,
    /// `medium` (2 vCPU, 6 GB) or `large` (4 vCPU, 12 GB); default: the bundle's, else medium.
    pub compute_size: Option<String>,
    /// Whether the workspace passes user tokens on to apps; default true (platform §4.1).
    pub user_authorization: Option<bool>,
}

/// `[ingress]`: limits of the front door, in place of the platform's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct IngressSettings {
    /// Seconds until an answer has to begin, at least 1; default: the platform's 120 (platform §4.4).
    pub request_timeout: Option<std::num::NonZeroU32>,
    /// Seconds until an answer has to end; default: no such limit. The platform has cut streams after 300.
    pub stream_timeout: Option<std::num::NonZeroU32>,
    /// Bytes a request's body may have; default: no limit, as the platform documents none.
    pub body_limit: Option<u64>,
}

/// `[[users]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UserSettings {
    /// E-mail address, the name in grants and tokens.
    pub email: String,
    /// Name shown to people; default: made from the address.
    #[serde(default)]
    pub name: Option<String>,
    /// Groups the user is in; groups not declared elsewhere are made.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Entitlements; default: workspace and SQL access.
    #[serde(default)]
    pub entitlements: Option<Vec<String>>,
    /// Whether the user administers the workspace; default: the first user does.
    #[serde(default)]
    pub admin: Option<bool>,
}

/// `[[groups]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GroupSettings {
    /// Name used in grants.
    pub name: String,
    /// E-mail addresses, client ids and names of other groups.
    #[serde(default)]
    pub members: Vec<String>,
}

/// `[[grants]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GrantSettings {
    /// E-mail address, group, or `app` for the app's own service principal.
    pub to: String,
    /// Privileges such as `SELECT` or `USE SCHEMA`.
    pub privileges: Vec<String>,
    /// Type and name of the securable, such as `TABLE main.sales.orders`; the type defaults by the number of parts.
    pub on: String,
}

/// A secret's value, or where to find it; never shown.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum SecretValue {
    /// Written in the file.
    Text(String),
    /// Taken from a variable of the caller's environment: `{ env = "NAME" }`.
    Env {
        /// Name of the variable.
        env: String,
    },
    /// Read from a file: `{ file = "path" }`, relative to `brickyard.toml`.
    File {
        /// The file.
        file: PathBuf,
    },
}

impl std::fmt::Debug for SecretValue {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => formatter.write_str("[redacted]"),
            Self::Env { env } => write!(formatter, "env {env}"),
            Self::File { file } => write!(formatter, "file {}", file.display()),
        }
    }
}

/// `[seed]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct SeedSettings {
    /// SQL files in the order they run, relative to `brickyard.toml`; a pattern such as `seed/*.sql` is sorted by name.
    pub sql: Vec<String>,
}

/// `[warehouse]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct WarehouseSettings {
    /// A Spark Connect server to use as the SQL engine, such as `sc://localhost:15002`.
    pub engine: Option<String>,
}

/// `[lakebase]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct LakebaseSettings {
    /// A PostgreSQL to use instead of a local one, such as `postgres://admin@host/?sslmode=require`; one with a password
    /// is better named by the variable `BRICKYARD_POSTGRES`.
    pub url: Option<String>,
    /// SQL run once per database.
    pub seed: Vec<LakebaseSeed>,
}

/// `[[lakebase.seed]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LakebaseSeed {
    /// The SQL file, relative to `brickyard.toml`.
    pub sql: String,
    /// Database; default `databricks_postgres`.
    #[serde(default)]
    pub database: Option<String>,
    /// Role it runs as: an e-mail address, or `app`; default: the developer.
    #[serde(default)]
    pub role: Option<String>,
}

impl Settings {
    /// Reads `brickyard.toml` of a directory; the defaults where there is none.
    pub fn load(dir: &Path) -> Result<Self, ProjectError> {
        match Source::read_up_to(&dir.join(NAME), 1 << 20)? {
            Some(source) => Self::parse(&source),
            None => Ok(Self::default()),
        }
    }

    /// Reads the text of a `brickyard.toml`.
    pub fn parse(source: &Source) -> Result<Self, ProjectError> {
        toml::from_str(source.text()).map_err(|error| explain(source, &error))
    }
}

/// A TOML error at its place, with the nearest known key for an unknown one.
pub(crate) fn explain(source: &Source, error: &toml::de::Error) -> ProjectError {
    let span = error.span().map_or(Span::new(0, 0), Span::from);
    let message = error.message().lines().next().unwrap_or("Invalid TOML").to_owned();
    let mut names = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field") || message.starts_with("unknown variant") {
        let what = if message.contains("field") { "key" } else { "value" };
        let wrong = names.next().unwrap_or_default().to_owned();
        let known: Vec<&str> = names.collect();
        let hint = match nearest(&wrong, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", known.join(", ")),
        };
        return source.error(span, format!("Unknown {what} `{wrong}`"), Some(&hint));
    }
    let mut message = message;
    if let Some(first) = message.get(..1) {
        message.replace_range(..1, &first.to_uppercase());
    }
    source.error(span, message, None)
}

/// The candidate nearest to a word, if it is near enough to be a slip.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    candidates
        .iter()
        .map(|&candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(word.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, delete, replace, swap of neighbours counted as two) between two words of at most 64 characters.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().take(64).collect();
    let right: Vec<char> = right.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(!a.eq_ignore_ascii_case(b));
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, ProjectError> {
        Settings::parse(&Source::new("brickyard.toml", text))
    }

    #[test]
    fn a_full_file_is_read() {
        let settings = parse(
            r#"
[[users]]
email = "ada@example.com"
groups = ["analysts"]

[[grants]]
to = "analysts"
privileges = ["SELECT"]
on = "main.sales.orders"

[secrets.api]
token = { env = "API_TOKEN" }
plain = "x"

[serving.chat]
url = "http://127.0.0.1:11434/v1"
model = "llama3"

[resources.sql-warehouse]
type = "sql-warehouse"

[seed]
sql = ["seed/*.sql"]

[[lakebase.seed]]
sql = "seed/todo.sql"
role = "app"

[check]
ignore = ["BY401"]
"#,
        )
        .unwrap();
        assert_eq!(settings.users[0].groups, ["analysts"]);
        assert_eq!(settings.secrets["api"]["token"], SecretValue::Env { env: "API_TOKEN".into() });
        assert_eq!(format!("{:?}", settings.secrets["api"]["plain"]), "[redacted]");
        assert_eq!(settings.check.ignore, ["BY401"]);
    }

    #[test]
    fn an_unknown_key_names_its_place_and_the_nearest_key() {
        let error = parse("[seed]\nsqll = []\n").unwrap_err();
        assert!(error.to_string().starts_with("Unknown key `sqll`\n  --> brickyard.toml:2:1"), "{error}");
        assert_eq!(error.hint().unwrap(), "did you mean `sql`?");
        let error = parse("[resources.db]\ntype = \"sql-warehous\"\n").unwrap_err();
        assert_eq!(error.hint().unwrap(), "did you mean `sql-warehouse`?", "{error}");
        assert!(
            parse("[[users]]\nname = \"x\"\n").unwrap_err().to_string().starts_with("Missing field `email`")
        );
        assert!(parse("users = 3\n").is_err());
    }
}
