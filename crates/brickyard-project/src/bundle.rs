//! `databricks.yml`: the apps of a bundle, its includes, variables and targets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::app_yaml::{self, EnvEntry};
use crate::manifest::texts;
use crate::resources::ResourceSpec;
use crate::source::{ProjectError, Source, Span};
use crate::yaml::{self, Node, Value};

mod include;
pub mod init;
mod variables;

pub use variables::interpolate;

/// Names a bundle file may have.
pub const NAMES: [&str; 4] = ["databricks.yml", "databricks.yaml", "bundle.yml", "bundle.yaml"];

/// A bundle with everything its files say, for one target.
#[derive(Debug, Clone, Default)]
pub struct Bundle {
    /// The main file.
    pub path: PathBuf,
    /// `bundle.name`.
    pub name: String,
    /// The target whose overrides were applied: the one asked for, else the default, else the only one.
    pub target: Option<String>,
    /// All targets in the order written.
    pub targets: Vec<String>,
    /// Values of variables for the target; those without a value are absent.
    pub variables: BTreeMap<String, String>,
    /// `resources.apps`.
    pub apps: Vec<BundleApp>,
    /// Every file read, the main file first, with its tree.
    pub files: Vec<(Source, Node)>,
}

/// One app of a bundle.
#[derive(Debug, Clone, Default)]
pub struct BundleApp {
    /// Key under `resources.apps`.
    pub key: String,
    /// `name`, with variables filled in where their value is known.
    pub name: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// Directory of the source, absolute or relative as the bundle's path is; `None` where code comes from git.
    pub source_code_path: Option<PathBuf>,
    /// `config.command`: wins over `app.yaml`.
    pub command: Option<Vec<String>>,
    /// `config.env`: wins over `app.yaml`.
    pub env: Vec<EnvEntry>,
    /// `resources`.
    pub resources: Vec<ResourceSpec>,
    /// `user_api_scopes`.
    pub user_api_scopes: Vec<String>,
    /// `telemetry_export_destinations`, as the Apps API takes them.
    pub telemetry_export_destinations: Vec<serde_json::Value>,
    /// `compute_size`.
    pub compute_size: Option<String>,
    /// `permissions`: level and principal.
    pub permissions: Vec<(String, String)>,
    /// `lifecycle.started`.
    pub started: bool,
    /// Index into [`Bundle::files`] of the file that declares the app.
    pub file: usize,
    /// Bytes of the key in that file.
    pub span: Span,
}

impl Bundle {
    /// The bundle file of a directory.
    pub fn find(dir: &Path) -> Option<PathBuf> {
        NAMES.iter().map(|name| dir.join(name)).find(|path| path.is_file())
    }

    /// Reads a bundle file and its includes.
    pub fn load(path: &Path, target: Option<&str>) -> Result<Self, ProjectError> {
        let Some(source) = Source::read_up_to(path, yaml::LARGEST)? else {
            return Err(ProjectError::Read {
                path: path.to_owned(),
                source: std::io::Error::from(std::io::ErrorKind::NotFound),
            });
        };
        let root = yaml::parse(&source)?;
        let mut files = vec![(source, root)];
        let included = include::files(&files[0].0, &files[0].1)?;
        files.extend(included);
        Self::assemble(files, target)
    }

    /// Reads a bundle for its default target, and where that declares no app for the first target that does.
    pub fn load_with_apps(path: &Path) -> Result<Self, ProjectError> {
        let bundle = Self::load(path, None)?;
        if bundle.apps.is_empty() {
            for target in &bundle.targets {
                let other = Self::assemble(bundle.files.clone(), Some(target))?;
                if !other.apps.is_empty() {
                    return Ok(other);
                }
            }
        }
        Ok(bundle)
    }

    /// Where the files declare an app: under `resources.apps`, then under the target, which wins.
    pub fn nodes(&self, key: &str) -> Vec<(&Source, &Node)> {
        let base = self
            .files
            .iter()
            .filter_map(|(source, tree)| Some((source, tree.path(&["resources", "apps", key])?)));
        let target = self.target.as_deref().unwrap_or_default();
        let over = self.files.iter().filter_map(|(source, tree)| {
            Some((source, tree.path(&["targets", target, "resources", "apps", key])?))
        });
        base.chain(over).collect()
    }

    /// Puts together a bundle from files already parsed, the main file first.
    pub fn assemble(files: Vec<(Source, Node)>, target: Option<&str>) -> Result<Self, ProjectError> {
        let mut bundle = Self::default();
        let Some((main, root)) = files.first() else { return Ok(bundle) };
        bundle.path.clone_from(&main.path);
        let name = root.path(&["bundle", "name"]).and_then(Node::text);
        name.unwrap_or_default().clone_into(&mut bundle.name);
        variables::read(&mut bundle, &files, target);
        for (index, (source, tree)) in files.iter().enumerate() {
            if let Some(apps) = tree.path(&["resources", "apps"]) {
                bundle.read_apps(source, index, apps)?;
            }
        }
        if let Some(target) = bundle.target.clone() {
            for (index, (source, tree)) in files.iter().enumerate() {
                if let Some(apps) = tree.path(&["targets", &target, "resources", "apps"]) {
                    bundle.read_apps(source, index, apps)?;
                }
            }
        }
        bundle.files = files;
        Ok(bundle)
    }

    /// The app whose source is this directory, both paths compared after resolving links.
    pub fn app_at(&self, dir: &Path) -> Option<&BundleApp> {
        let wanted = dir.canonicalize().ok()?;
        self.apps.iter().find(|app| {
            app.source_code_path
                .as_deref()
                .and_then(|path| path.canonicalize().ok())
                .is_some_and(|path| path == wanted)
        })
    }

    fn read_apps(&mut self, source: &Source, file: usize, apps: &Node) -> Result<(), ProjectError> {
        for (key, node) in apps.pairs() {
            let Some(name) = key.text() else { continue };
            let at = self.apps.iter().position(|app| app.key == name).unwrap_or_else(|| {
                self.apps.push(BundleApp {
                    key: name.to_owned(),
                    file,
                    span: key.span,
                    ..BundleApp::default()
                });
                self.apps.len() - 1
            });
            let mut app = std::mem::take(&mut self.apps[at]);
            let read = self.read_app(source, node, &mut app);
            self.apps[at] = app;
            read?;
        }
        Ok(())
    }

    /// Adds what a node says to an app; a target's override comes second and wins.
    fn read_app(&self, source: &Source, node: &Node, app: &mut BundleApp) -> Result<(), ProjectError> {
        let text = |key: &str| node.get(key).and_then(Node::text).map(|text| interpolate(self, text));
        let replace = |slot: &mut Option<String>, value: Option<String>| {
            if value.is_some() {
                *slot = value;
            }
        };
        replace(&mut app.name, text("name"));
        replace(&mut app.description, text("description"));
        replace(&mut app.compute_size, text("compute_size"));
        if let Some(path) = text("source_code_path") {
            app.source_code_path = Some(source.path.parent().unwrap_or(Path::new("")).join(path));
        }
        if let Some(started) = node.path(&["lifecycle", "started"]).and_then(Node::text) {
            app.started = started == "true";
        }
        if let Some(config) = node.get("config") {
            if let Some((key, command)) = config.entry("command") {
                let command = app_yaml::command(source, key, command)?;
                app.command = Some(command.iter().map(|argument| interpolate(self, argument)).collect());
            }
            if let Some(env) = config.get("env") {
                // Entries with `valueFrom` are dropped, as the platform drops them; a rule of the linter says so.
                let good = |item: &Node| item.get("valueFrom").is_none() || item.get("value_from").is_some();
                let kept = match &env.value {
                    Value::Sequence(items) => {
                        let items = items.iter().filter(|item| good(item)).cloned().collect();
                        Node { value: Value::Sequence(items), span: env.span }
                    }
                    _ => env.clone(),
                };
                for mut entry in app_yaml::entries(source, &kept, "value_from")? {
                    if let app_yaml::EnvSource::Value(value) = &mut entry.source {
                        *value = interpolate(self, value);
                    }
                    app.env.retain(|known| known.name != entry.name);
                    app.env.push(entry);
                }
            }
        }
        for mut spec in
            node.get("resources").map(Node::items).unwrap_or_default().iter().filter_map(ResourceSpec::read)
        {
            for value in spec.fields.values_mut() {
                *value = interpolate(self, value);
            }
            app.resources.retain(|known| known.key != spec.key);
            app.resources.push(spec);
        }
        if let Some(scopes) = node.get("user_api_scopes") {
            app.user_api_scopes = texts(Some(scopes));
        }
        if let Some(destinations) = node.get("telemetry_export_destinations") {
            app.telemetry_export_destinations = destinations
                .items()
                .iter()
                .map(|destination| json(destination, &|text| interpolate(self, text)))
                .collect();
        }
        for permission in node.get("permissions").map(Node::items).unwrap_or_default() {
            let principal = ["user_name", "group_name", "service_principal_name"]
                .iter()
                .find_map(|key| permission.get(key).and_then(Node::text));
            if let (Some(level), Some(principal)) = (permission.get("level").and_then(Node::text), principal)
            {
                app.permissions.push((level.to_owned(), interpolate(self, principal)));
            }
        }
        Ok(())
    }
}

/// A value of a bundle as JSON; every scalar is text there, with its variables filled in.
fn json(node: &Node, fill: &dyn Fn(&str) -> String) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Scalar { text, .. } => fill(text).into(),
        Value::Sequence(items) => items.iter().map(|item| json(item, fill)).collect(),
        Value::Mapping(pairs) => pairs
            .iter()
            .filter_map(|(key, value)| Some((key.text()?.to_owned(), json(value, fill))))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app_yaml::EnvSource;

    #[test]
    fn includes_variables_and_the_default_target_are_applied() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "databricks.yml",
            "bundle: {name: shop}\ninclude: [resources/*.yml]\nvariables:\n  suffix: {default: x}\ntargets:\n  dev:\n    default: true\n    variables: {suffix: dev}\n    resources:\n      apps:\n        web:\n          config:\n            env:\n              - {name: MODE, value: fast}\n  prod: {}\n",
        );
        write(
            "resources/web.app.yml",
            "resources:\n  apps:\n    web:\n      name: shop-${var.suffix}\n      source_code_path: ../src\n      config:\n        command: [python, app.py]\n        env:\n          - {name: MODE, value: slow}\n          - {name: WH, value_from: sql-warehouse}\n      resources:\n        - name: sql-warehouse\n          sql_warehouse: {id: '${var.wh}', permission: CAN_USE}\n      user_api_scopes: [sql]\n      telemetry_export_destinations:\n        - unity_catalog: {traces_table: 'main.otel.${var.suffix}_spans'}\n",
        );
        write("src/app.py", "");
        let bundle = Bundle::load(&dir.path().join("databricks.yml"), None).unwrap();
        assert_eq!(bundle.target.as_deref(), Some("dev"));
        let app = bundle.app_at(&dir.path().join("src")).unwrap();
        assert_eq!(app.name.as_deref(), Some("shop-dev"));
        assert_eq!(app.command.as_deref().unwrap(), ["python", "app.py"]);
        let mode = app.env.iter().find(|entry| entry.name == "MODE").unwrap();
        assert_eq!(mode.source, EnvSource::Value("fast".into()));
        assert_eq!(app.resources[0].fields["id"], "${var.wh}");
        assert_eq!(app.user_api_scopes, ["sql"]);
        assert_eq!(
            app.telemetry_export_destinations,
            [serde_json::json!({ "unity_catalog": { "traces_table": "main.otel.dev_spans" } })]
        );
        let prod = Bundle::load(&dir.path().join("databricks.yml"), Some("prod")).unwrap();
        assert_eq!(prod.apps[0].name.as_deref(), Some("shop-x"));
    }

    #[test]
    fn an_include_that_includes_itself_ends() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("databricks.yml"), "include: ['*.yml', '../**/*.yml']\n").unwrap();
        std::fs::write(dir.path().join("a.yml"), "include: ['databricks.yml']\n").unwrap();
        let bundle = Bundle::load(&dir.path().join("databricks.yml"), None).unwrap();
        assert_eq!(bundle.files.len(), 2);
    }
}
