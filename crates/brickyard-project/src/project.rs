//! One app on disk: everything its files say, put together.

mod folder;

use std::path::{Path, PathBuf};

use crate::app_yaml::{AppYaml, EnvEntry};
use crate::bundle::{Bundle, BundleApp};
use crate::framework::{self, Framework};
use crate::manifest::Manifest;
use crate::requirements::{self, Requirements};
use crate::settings::Settings;
use crate::source::{ProjectError, Source};

pub use folder::{is_app, nearest_bundle, python_files, valid_name};

/// How the platform would install an app's Python packages (platform §2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dependencies {
    /// `requirements.txt`: pip, on top of the pre-installed set.
    Pip(PathBuf),
    /// `pyproject.toml` and `uv.lock`: `uv sync`, without the pre-installed set.
    Uv {
        /// `pyproject.toml`.
        pyproject: PathBuf,
        /// `uv.lock`.
        lock: PathBuf,
    },
    /// Nothing to install; the pre-installed set is there.
    None,
}

/// A `package.json` in the root (platform §2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The file.
    pub path: PathBuf,
    /// Whether `pnpm-lock.yaml` is there, so that pnpm installs.
    pub pnpm: bool,
    /// Whether there is a `build` script.
    pub build: bool,
    /// Whether there is a `start` script.
    pub start: bool,
}

/// An app.
#[derive(Debug, Clone)]
pub struct Project {
    /// Directory of the source.
    pub dir: PathBuf,
    /// Name: `brickyard.toml`, else the bundle's, else the directory's, made to fit the platform's rules.
    pub name: String,
    /// `app.yaml`, if any.
    pub app_yaml: Option<AppYaml>,
    /// How Python packages are installed.
    pub dependencies: Dependencies,
    /// The Node side, if any.
    pub node: Option<Node>,
    /// What it is written in, if that can be told.
    pub framework: Option<Framework>,
    /// `brickyard.toml`.
    pub settings: Settings,
    /// The bundle the app belongs to.
    pub bundle: Option<Bundle>,
    /// Key of the app in the bundle.
    pub bundle_key: Option<String>,
    /// `manifest.yaml`.
    pub manifest: Option<Manifest>,
}

impl Project {
    /// `requirements-dev.txt`, where there is one: packages for tests, which the platform never installs.
    pub fn development_requirements(&self) -> Option<PathBuf> {
        Some(self.dir.join("requirements-dev.txt")).filter(|file| file.is_file())
    }

    /// Reads the app in a directory. A directory that holds only a bundle with one app means that app.
    pub fn load(dir: &Path) -> Result<Self, ProjectError> {
        Self::load_target(dir, None)
    }

    /// The same, with the bundle's target chosen.
    pub fn load_target(dir: &Path, target: Option<&str>) -> Result<Self, ProjectError> {
        let bundle = nearest_bundle(dir).map(|path| Bundle::load(&path, target)).transpose()?;
        let mut dir = dir.to_owned();
        if let Some(bundle) = &bundle
            && bundle.path.parent() == Some(dir.as_path())
            && !is_app(&dir)
        {
            dir = only_app(bundle)?.unwrap_or(dir);
        }
        if !is_app(&dir) {
            return Err(ProjectError::NoApp { dir });
        }
        let bundle_key = bundle.as_ref().and_then(|bundle| bundle.app_at(&dir)).map(|app| app.key.clone());
        let mut project = Self {
            name: String::new(),
            app_yaml: AppYaml::load(&dir)?,
            dependencies: dependencies(&dir),
            node: node(&dir)?,
            framework: None,
            settings: Settings::load(&dir)?,
            bundle: bundle.filter(|_| bundle_key.is_some()),
            bundle_key,
            manifest: Manifest::load(&dir)?,
            dir,
        };
        project.name = project.pick_name();
        project.framework = project.guess_framework();
        Ok(project)
    }

    /// The app's part of the bundle.
    pub fn bundle_app(&self) -> Option<&BundleApp> {
        let key = self.bundle_key.as_ref()?;
        self.bundle.as_ref()?.apps.iter().find(|app| app.key == *key)
    }

    /// What is run: the bundle's `config.command`, else `app.yaml`'s `command`, else `npm run start` where there is a
    /// `package.json`, else `python` with the first Python file of the root by name (platform §1, §2.2).
    pub fn command(&self) -> Result<Vec<String>, ProjectError> {
        if let Some(command) =
            self.bundle_app().and_then(|app| app.command.clone()).filter(|words| !words.is_empty())
        {
            return Ok(command);
        }
        if let Some(app) = &self.app_yaml
            && let Some(command) = &app.command
        {
            if command.is_empty() {
                return Err(ProjectError::NoCommand { path: app.path.clone() });
            }
            return Ok(command.clone());
        }
        if self.node.is_some() {
            return Ok(["npm", "run", "start"].map(ToOwned::to_owned).to_vec());
        }
        match python_files(&self.dir).into_iter().next() {
            Some(file) => Ok(vec!["python".to_owned(), file]),
            None => Err(ProjectError::NoCommand { path: self.dir.join("app.yaml") }),
        }
    }

    /// The variables of `app.yaml` with those of the bundle's `config.env` put over them.
    pub fn env(&self) -> Vec<EnvEntry> {
        let mut env = self.app_yaml.as_ref().map(|app| app.env.clone()).unwrap_or_default();
        for entry in self.bundle_app().map(|app| app.env.as_slice()).unwrap_or_default() {
            env.retain(|known| known.name != entry.name);
            env.push(entry.clone());
        }
        env
    }

    /// Scopes of user authorization: `brickyard.toml`, else the bundle's, else the manifest's.
    pub fn user_api_scopes(&self) -> Vec<String> {
        let bundle =
            || self.bundle_app().map(|app| app.user_api_scopes.clone()).filter(|scopes| !scopes.is_empty());
        let manifest = || self.manifest.as_ref().map(|manifest| manifest.user_api_scopes.clone());
        self.settings.app.user_api_scopes.clone().or_else(bundle).or_else(manifest).unwrap_or_default()
    }

    /// Where the app's telemetry goes: `brickyard.toml`, else the bundle.
    pub fn telemetry_export_destinations(&self) -> Vec<serde_json::Value> {
        let local = self.settings.telemetry.destinations();
        let bundle =
            || self.bundle_app().map(|app| app.telemetry_export_destinations.clone()).unwrap_or_default();
        if local.is_empty() { bundle() } else { local }
    }

    /// `compute_size`: `brickyard.toml`, else the bundle's.
    pub fn compute_size(&self) -> Option<&str> {
        let bundle = || self.bundle_app().and_then(|app| app.compute_size.as_deref());
        self.settings.app.compute_size.as_deref().or_else(bundle)
    }

    /// The parsed `requirements.txt`, for apps that pip installs.
    pub fn requirements(&self) -> Result<Option<Requirements>, ProjectError> {
        Requirements::load(&self.dir)
    }

    /// The Python file the command starts, relative to the directory.
    pub fn entry_file(&self) -> Option<String> {
        framework::entry_file(&self.dir, &self.command().ok()?)
    }

    fn pick_name(&self) -> String {
        // Each target of a bundle may have an app of its own name, and `brickyard.toml` knows no targets.
        let bundle = self.bundle_app().and_then(|app| app.name.clone()).filter(|name| !name.contains("${"));
        if let Some(name) = bundle.or_else(|| self.settings.app.name.clone()) {
            return name;
        }
        let full = self.dir.canonicalize().unwrap_or_else(|_| self.dir.clone());
        valid_name(&full.file_name().unwrap_or_default().to_string_lossy())
    }

    fn guess_framework(&self) -> Option<Framework> {
        let command = self.command().ok()?;
        Framework::from_command(&command)
            .or_else(|| {
                let file = framework::entry_file(&self.dir, &command)?;
                let source = Source::read(&self.dir.join(file)).ok()??;
                Framework::from_imports(&source)
            })
            .or_else(|| {
                let requirements = self.requirements().ok()??;
                requirements.items.iter().find_map(|item| Framework::from_package(&item.name))
            })
    }
}

fn only_app(bundle: &Bundle) -> Result<Option<PathBuf>, ProjectError> {
    let dirs: Vec<&PathBuf> = bundle.apps.iter().filter_map(|app| app.source_code_path.as_ref()).collect();
    match dirs.as_slice() {
        [] => Ok(None),
        [dir] => Ok(Some(dir.canonicalize().unwrap_or_else(|_| (*dir).clone()))),
        several => Err(ProjectError::SeveralApps {
            path: bundle.path.clone(),
            names: several.iter().map(|dir| dir.display().to_string()).collect(),
        }),
    }
}

/// Which installer the platform would use.
pub fn dependencies(dir: &Path) -> Dependencies {
    let requirements = dir.join(requirements::NAME);
    let (pyproject, lock) = (dir.join("pyproject.toml"), dir.join("uv.lock"));
    if requirements.is_file() {
        Dependencies::Pip(requirements)
    } else if pyproject.is_file() && lock.is_file() {
        Dependencies::Uv { pyproject, lock }
    } else {
        Dependencies::None
    }
}

fn node(dir: &Path) -> Result<Option<Node>, ProjectError> {
    let Some(source) = Source::read_up_to(&dir.join("package.json"), 1 << 20)? else { return Ok(None) };
    let json: serde_json::Value = serde_json::from_str(source.text()).map_err(|error| {
        let line = source.line_span(error.line().saturating_sub(1));
        let at = (line.start + error.column().saturating_sub(1)).min(line.end);
        source.error((at..at).into(), format!("Invalid JSON: {error}"), None)
    })?;
    let script = |name: &str| json["scripts"][name].is_string();
    Ok(Some(Node {
        pnpm: dir.join("pnpm-lock.yaml").is_file(),
        build: script("build"),
        start: script("start"),
        path: source.path,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources;

    fn app(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn the_first_python_file_is_the_default_and_package_json_wins_over_it() {
        let dir = app(&[("main.py", "import dash\n"), ("zoo.py", "")]);
        let project = Project::load(dir.path()).unwrap();
        assert_eq!(project.command().unwrap(), ["python", "main.py"]);
        assert_eq!(project.framework, Some(Framework::Dash));
        assert_eq!(project.dependencies, Dependencies::None);
        std::fs::write(dir.path().join("package.json"), r#"{"scripts": {"build": "x"}}"#).unwrap();
        let project = Project::load(dir.path()).unwrap();
        assert_eq!(project.command().unwrap(), ["npm", "run", "start"]);
        assert!(project.node.unwrap().build);
    }

    #[test]
    fn an_empty_command_is_the_platforms_error() {
        let dir = app(&[("app.yaml", "command: []\n"), ("app.py", "")]);
        let error = Project::load(dir.path()).unwrap().command().unwrap_err();
        assert!(error.to_string().starts_with("No command to run. Please check your `"), "{error}");
    }

    #[test]
    fn requirements_win_over_a_lock() {
        let dir = app(&[("app.py", ""), ("pyproject.toml", ""), ("uv.lock", "")]);
        assert!(matches!(dependencies(dir.path()), Dependencies::Uv { .. }));
        std::fs::write(dir.path().join("requirements.txt"), "").unwrap();
        assert!(matches!(dependencies(dir.path()), Dependencies::Pip(_)));
    }

    #[test]
    fn each_target_of_a_bundle_names_its_own_app() {
        let dir = app(&[("app.py", ""), ("brickyard.toml", "[app]\nname = \"shop\"\n")]);
        let name = |target| Project::load_target(dir.path(), target).unwrap().name;
        assert_eq!(name(None), "shop");
        let text = crate::bundle::init::text(&Project::load(dir.path()).unwrap());
        std::fs::write(dir.path().join("databricks.yml"), text).unwrap();
        let names = [name(None), name(Some("dev")), name(Some("staging")), name(Some("prod"))];
        assert_eq!(names, ["shop-dev", "shop-dev", "shop-staging", "shop"]);
    }

    #[test]
    fn a_bundle_above_declares_resources_command_and_name() {
        let dir = app(&[
            (
                "databricks.yml",
                "bundle: {name: b}\nresources:\n  apps:\n    a:\n      name: shop\n      source_code_path: ./src\n      config: {command: [streamlit, run, x.py]}\n      resources:\n        - {name: wh, sql_warehouse: {id: abc, permission: CAN_USE}}\n",
            ),
            (
                "src/app.yaml",
                "command: [python, x.py]\nenv:\n  - {name: W, valueFrom: wh}\n  - {name: V, valueFrom: my-volume}\n  - {name: X, valueFrom: banana}\n",
            ),
            ("src/x.py", ""),
        ]);
        for start in [dir.path().to_owned(), dir.path().join("src")] {
            let project = Project::load(&start).unwrap();
            assert_eq!(project.name, "shop");
            assert_eq!(project.command().unwrap(), ["streamlit", "run", "x.py"]);
            assert_eq!(project.framework, Some(Framework::Streamlit));
            let found = resources::resolve(&project);
            assert_eq!(
                found.len(),
                1,
                "where the bundle says what there is, a well-known key stands for nothing"
            );
            assert_eq!(found[0].fields["id"], "abc");
            assert_eq!(found[0].origin, resources::Origin::Bundle);
            let unresolved =
                [("my-volume".to_owned(), "V".to_owned()), ("banana".to_owned(), "X".to_owned())];
            assert_eq!(resources::unresolved(&project, &found), unresolved);
        }
    }

    #[test]
    fn nothing_is_an_error_and_names_are_made_to_fit() {
        let dir = app(&[]);
        assert!(matches!(Project::load(dir.path()), Err(ProjectError::NoApp { .. })));
        assert_eq!(valid_name("My App_2!"), "my-app-2");
        assert_eq!(valid_name("123"), "app");
        assert_eq!(valid_name("X"), "x-app");
        assert_eq!(valid_name(&"x".repeat(50)).len(), 30);
    }
}
