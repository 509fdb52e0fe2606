use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use crate::app_yaml::{AppYaml, EnvSource};
use crate::bundle::{Bundle, BundleApp};
use crate::framework::Framework;
use crate::manifest::Manifest;
use crate::python::{Module, packages};
use crate::requirements::{Requirements, version};
use crate::settings::Settings;
use crate::source::{ProjectError, Source, Span};
use crate::yaml::Node;

/// Everything the rules look at: one app, read once.
#[derive(Debug)]
pub struct Context {
    /// Directory of the app.
    pub dir: PathBuf,
    /// `app.yaml` as a tree.
    pub app_tree: Option<(Source, Node)>,
    /// `app.yaml` read, where it is valid.
    pub app: Option<AppYaml>,
    /// The file hidden by the one that is read.
    pub shadowed: Option<PathBuf>,
    /// `brickyard.toml`.
    pub settings: Settings,
    /// `brickyard.toml` as text.
    pub settings_source: Option<Source>,
    /// The bundle around the app.
    pub bundle: Option<Bundle>,
    /// Whether what is uploaded is a folder inside this one that is made at deployment.
    pub built: bool,
    /// Key of the app in the bundle.
    pub bundle_key: Option<String>,
    /// `manifest.yaml`.
    pub manifest: Option<Manifest>,
    /// `requirements.txt`.
    pub requirements: Option<Requirements>,
    /// `pyproject.toml`.
    pub pyproject: Option<(Source, toml::Table)>,
    /// Packages in `uv.lock` with their versions.
    pub lock: Option<HashMap<String, String>>,
    /// `package.json`.
    pub package_json: Option<(Source, serde_json::Value)>,
    /// `.streamlit/config.toml`.
    pub streamlit: Option<Source>,
    /// `.gitignore`.
    pub gitignore: Option<Source>,
    /// Python files.
    pub modules: Vec<Module>,
    /// Whether the command reaches each module, by imports and pages.
    pub reached: Vec<bool>,
    /// Names of Python files in the root.
    pub root_python: Vec<String>,
    /// Every file that would be uploaded: path relative to the app and size in bytes.
    pub files: Vec<(String, u64)>,
    /// Directories that should not be uploaded and are not ignored.
    pub junk: Vec<String>,
    /// Top-level names of modules and packages anywhere in the app.
    pub local: HashSet<String>,
    /// What is started.
    pub command: Option<Command>,
    /// What it is written in.
    pub framework: Option<Framework>,
    /// Errors met while reading; the rules report them.
    pub(crate) problems: Vec<ProjectError>,
}

/// What is started and where that is written.
#[derive(Debug, Clone)]
pub struct Command {
    /// The words; those inside `bash -c "…"` one by one.
    pub words: Vec<Word>,
    /// The file; `None` for the default command.
    pub source: Option<Source>,
    /// Whether a shell runs it.
    pub shell: bool,
    /// Whether it stands in a script that the command starts.
    pub script: bool,
}

/// One word of a command.
#[derive(Debug, Clone)]
pub struct Word {
    /// The text.
    pub text: String,
    /// Its place, or that of the shell line it is in.
    pub span: Span,
}

/// Where an app's Python packages come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packages {
    /// The pre-installed set and `requirements.txt`.
    Pip,
    /// `uv.lock` alone.
    Uv,
    /// The pre-installed set alone.
    Preinstalled,
}

impl Command {
    /// The program: `uvicorn` of `/usr/bin/uvicorn`, `uvicorn` of `python -m uvicorn`.
    pub fn program(&self) -> &str {
        let name = |word: &Word| -> usize { word.text.rfind('/').map_or(0, |at| at + 1) };
        let mut words = self.words.iter().skip_while(|word| {
            word.text == "exec"
                || word.text == "env"
                || (word.text.contains('=') && !word.text.starts_with('-'))
        });
        let Some(first) = words.next() else { return "" };
        let base = &first.text[name(first)..];
        if base.starts_with("python") || base == "uv" || base == "poetry" {
            let rest: Vec<&Word> = words.collect();
            if let Some(at) = rest.iter().position(|word| word.text == "-m") {
                return rest.get(at + 1).map_or(base, |word| &word.text);
            }
            if base != "uv" && base != "poetry" {
                return base;
            }
            return rest
                .iter()
                .find(|word| word.text != "run" && !word.text.starts_with('-'))
                .map_or(base, |word| &word.text);
        }
        base
    }

    /// The value after an option, also as `--option=value` and `-ovalue`, with its place.
    pub fn option(&self, names: &[&str]) -> Option<(String, Span)> {
        for (index, word) in self.words.iter().enumerate() {
            for name in names {
                if word.text == *name {
                    let next = self.words.get(index + 1)?;
                    return Some((next.text.clone(), next.span));
                }
                let rest = word.text.strip_prefix(name).unwrap_or_default();
                if let Some(value) = rest.strip_prefix('=') {
                    return Some((value.to_owned(), word.span));
                }
                // `-w8`: a short option and its value are one word.
                if !rest.is_empty() && name.len() == 2 {
                    return Some((rest.to_owned(), word.span));
                }
            }
        }
        None
    }

    /// A word that is exactly one of these.
    pub fn word(&self, names: &[&str]) -> Option<&Word> {
        self.words.iter().find(|word| names.contains(&word.text.as_str()))
    }

    /// The words as plain text.
    pub fn texts(&self) -> Vec<String> {
        self.words.iter().map(|word| word.text.clone()).collect()
    }
}

impl Context {
    /// The app's part of the bundle.
    pub fn bundle_app(&self) -> Option<&BundleApp> {
        let key = self.bundle_key.as_ref()?;
        self.bundle.as_ref()?.apps.iter().find(|app| app.key == *key)
    }

    /// The modules the command reaches.
    pub fn reached(&self) -> impl Iterator<Item = &Module> {
        self.modules.iter().zip(&self.reached).filter(|(_, reached)| **reached).map(|(module, _)| module)
    }

    /// Whether another module of the running app imports a module.
    pub fn is_imported(&self, module: &Module) -> bool {
        let stem = module.path.trim_end_matches(".py").trim_end_matches("/__init__").replace('/', ".");
        let name = stem.rsplit('.').next().unwrap_or_default();
        self.reached().filter(|other| other.path != module.path).flat_map(|other| &other.imports).any(
            |import| {
                import.module == stem
                    || import.module.ends_with(&format!(".{name}"))
                    || import.module == name
                    || import.name.as_deref() == Some(name)
            },
        )
    }

    /// Folders that `app.yaml` puts on `PYTHONPATH`, relative to the app.
    pub fn python_path(&self) -> Vec<PathBuf> {
        let entries = self.app.iter().flat_map(|app| &app.env).filter(|entry| entry.name == "PYTHONPATH");
        let values = entries.filter_map(|entry| match &entry.source {
            EnvSource::Value(value) => Some(value.as_str()),
            EnvSource::Resource(_) => None,
        });
        let folders = values.flat_map(|value| value.split(':')).filter(|folder| !folder.starts_with('/'));
        folders.map(|folder| PathBuf::from(folder.trim_start_matches("./"))).collect()
    }

    /// Packages `pyproject.toml` asks for, where its project itself is what is installed: `-e .` in `requirements.txt`, or
    /// a wheel that a build tool such as `apx` makes at deployment.
    pub fn own_dependencies(&self) -> Option<Vec<String>> {
        let (_, table) = self.pyproject.as_ref()?;
        let built = table.get("tool").is_some_and(|tool| tool.get("apx").is_some());
        let listed = self.requirements.as_ref().is_some_and(|all| all.installs_project);
        (built || self.built || listed).then(|| {
            let list = table.get("project").and_then(|project| project.get("dependencies"));
            let items = list.and_then(|list| list.as_array()).into_iter().flatten();
            items.filter_map(|item| Some(crate::requirements::name_of(item.as_str()?))).collect()
        })
    }

    /// Where packages come from.
    pub fn packages(&self) -> Packages {
        // `uv run` makes its own environment from `pyproject.toml`, whatever the platform installed before.
        let own =
            self.command.as_ref().and_then(|command| command.words.iter().find(|word| word.text != "exec"));
        if own.is_some_and(|word| word.text == "uv") && self.pyproject.is_some() {
            return Packages::Uv;
        }
        if self.requirements.is_some() {
            Packages::Pip
        } else if self.pyproject.is_some() && self.lock.is_some() {
            Packages::Uv
        } else {
            Packages::Preinstalled
        }
    }

    /// Whether a package is asked for or there already, by itself.
    pub fn has_package(&self, name: &str) -> bool {
        let asked = self.requirements.as_ref().is_some_and(|all| all.get(name).is_some());
        match self.packages() {
            Packages::Uv => self.lock.as_ref().is_none_or(|lock| lock.contains_key(name)),
            Packages::Pip | Packages::Preinstalled => {
                asked
                    || packages::comes_preinstalled(name)
                    || self.own_dependencies().is_some_and(|own| own.iter().any(|item| item == name))
            }
        }
    }

    /// Whether a version of a package or a later one is what the app gets.
    pub fn installs(&self, name: &str, needed: &str) -> bool {
        if self.packages() == Packages::Uv {
            let locked = self.lock.as_ref().and_then(|lock| lock.get(name));
            return locked.is_some_and(|locked| version(locked) >= version(needed));
        }
        let installed = packages::preinstalled_version(name).unwrap_or_default();
        match self.requirements.as_ref().and_then(|all| all.get(name)) {
            Some(item) => item.installs(needed, installed),
            None => !installed.is_empty() && version(installed) >= version(needed),
        }
    }

    /// Whether a package whose name is made from an import is asked for or locked: `strawberry-graphql`, `python-magic`,
    /// `pygithub`.
    pub fn names_like(&self, import: &str) -> bool {
        let import = crate::requirements::normalise(import);
        let like = |name: &str| {
            name.strip_prefix(&format!("{import}-")).is_some()
                || name.strip_suffix(&format!("-{import}")).is_some()
                || name.strip_prefix("py").is_some_and(|rest| rest == import)
                || name.strip_prefix(import.as_str()).is_some_and(|rest| matches!(rest, "py" | "3" | "2"))
        };
        match self.packages() {
            Packages::Uv => self.lock.iter().flatten().any(|(name, _)| like(name)),
            Packages::Pip | Packages::Preinstalled => {
                self.requirements.iter().flat_map(|all| &all.items).any(|item| like(&item.name))
            }
        }
    }

    /// The file that stands for the whole app in a finding: `app.yaml`, else the first Python file, else the directory.
    pub fn main_source(&self) -> Source {
        if let Some((source, _)) = &self.app_tree {
            return source.clone();
        }
        if let Some(module) = self.reached().next() {
            return module.source.clone();
        }
        Source::new(self.dir.join("app.yaml"), "")
    }

    /// Sources that are not Python and may hold comments.
    pub(crate) fn texts(&self) -> Vec<&Source> {
        let mut all: Vec<&Source> = Vec::new();
        all.extend(self.app_tree.as_ref().map(|(source, _)| source));
        all.extend(self.settings_source.as_ref());
        all.extend(self.pyproject.as_ref().map(|(source, _)| source));
        all.extend(self.streamlit.as_ref());
        all.extend(self.gitignore.as_ref());
        all.extend(self.requirements.iter().flat_map(|all| &all.files));
        all.extend(self.bundle.iter().flat_map(|bundle| bundle.files.iter().map(|(source, _)| source)));
        all
    }

    pub(crate) fn file_count(&self) -> usize {
        self.modules.len() + self.texts().len()
    }

    /// Whether a file of the app exists.
    pub fn has_file(&self, path: &str) -> bool {
        self.dir.join(path).is_file()
    }
}
