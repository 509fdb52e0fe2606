mod command;
mod reach;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::app_yaml::{self, AppYaml};
use crate::bundle::Bundle;
use crate::check::context::{Command, Context};
use crate::check::{Options, settings, tree};
use crate::framework::{self, Framework};
use crate::manifest::Manifest;
use crate::project::{self, python_files};
use crate::python::{self, Module};
use crate::requirements::{Requirements, normalise};
use crate::source::{ProjectError, Source};
use crate::yaml::{self, Node};
use command::command;
use reach::reach;

/// Reads every app below a directory.
pub(super) fn apps(root: &Path, options: &Options) -> Vec<Context> {
    let dirs = tree::apps(root);
    dirs.iter().map(|dir| Loader { dir, options, problems: Vec::new() }.context(&dirs)).collect()
}

struct Loader<'a> {
    dir: &'a Path,
    options: &'a Options,
    problems: Vec<ProjectError>,
}

impl Loader<'_> {
    fn context(mut self, others: &[PathBuf]) -> Context {
        let dir = self.dir;
        let settings = settings(dir, &mut self.problems);
        let tree = tree::read(dir, others, &settings.check);
        let app_tree = self.app_tree();
        let app = app_tree.as_ref().and_then(|(source, _)| AppYaml::parse(source).ok());
        let shadowed = app_yaml::NAMES.iter().map(|name| dir.join(name)).filter(|path| path.is_file()).nth(1);
        let bundle = self.bundle();
        let bundle_key = bundle.as_ref().and_then(|bundle| bundle.app_at(dir)).map(|app| app.key.clone());
        let manifest = self.keep(Manifest::load(dir)).flatten();
        let requirements = self.text("requirements.txt").map(Requirements::parse);
        let pyproject = self.text("pyproject.toml").and_then(|source| {
            let parsed = toml::from_str::<toml::Table>(source.text());
            match parsed {
                Ok(table) => Some((source, table)),
                Err(error) => {
                    self.problems.push(crate::settings::explain(&source, &error));
                    None
                }
            }
        });
        let lock = self.text("uv.lock").map(|source| lock_packages(&source));
        let package_json = self.text("package.json").and_then(|source| {
            let json = serde_json::from_str(source.text());
            match json {
                Ok(json) => Some((source, json)),
                Err(error) => {
                    let line = source.line_span(error.line().saturating_sub(1));
                    self.problems.push(source.error(line, format!("Invalid JSON: {error}"), None));
                    None
                }
            }
        });
        let streamlit = self.text(".streamlit/config.toml");
        let gitignore = self.text(".gitignore");
        let python: Vec<(&str, u64)> = tree
            .files
            .iter()
            .map(|(name, size)| (name.as_str(), *size))
            .filter(|(name, _)| has_suffix(name, "py"))
            .collect();
        let modules = self.modules(&python);
        let mut context = Context {
            dir: dir.to_owned(),
            app_tree,
            app,
            shadowed,
            settings_source: self.text(crate::settings::NAME),
            settings,
            built: bundle.as_ref().is_some_and(|bundle| builds_inside(bundle, dir)),
            bundle: bundle.filter(|bundle| bundle_key.is_some() || points_nowhere(bundle, dir)),
            bundle_key,
            manifest,
            requirements,
            pyproject,
            lock,
            package_json,
            streamlit,
            gitignore,
            reached: Vec::new(),
            local: local_names(&modules),
            modules,
            root_python: python_files(dir),
            files: tree.files,
            junk: tree.junk,
            command: None,
            framework: None,
            problems: self.problems,
        };
        context.command = command(&context);
        context.reached = reach(&context);
        link(&mut context);
        context.framework = guess(&context);
        context
    }

    fn keep<T>(&mut self, result: Result<T, ProjectError>) -> Option<T> {
        result.map_err(|error| self.problems.push(error)).ok()
    }

    fn text(&mut self, name: &str) -> Option<Source> {
        let path = self.dir.join(name);
        if let Some(text) = self.options.overlay.get(&path) {
            return Some(Source::new(path, text.as_str()));
        }
        self.keep(Source::read(&path)).flatten()
    }

    fn app_tree(&mut self) -> Option<(Source, Node)> {
        let source = app_yaml::NAMES.iter().find_map(|name| self.text(name))?;
        let node = self.keep(yaml::parse(&source))?;
        Some((source, node))
    }

    fn bundle(&mut self) -> Option<Bundle> {
        let path = project::nearest_bundle(self.dir)?;
        let loaded = match self.options.overlay.get(&path) {
            Some(text) => {
                let source = Source::new(path.as_path(), text.as_str());
                yaml::parse(&source).and_then(|node| Bundle::assemble(vec![(source, node)], None))
            }
            None => Bundle::load_with_apps(&path),
        };
        self.keep(loaded)
    }

    /// Reads Python files on several threads, the largest first; each has the stack a deep file needs.
    fn modules(&mut self, files: &[(&str, u64)]) -> Vec<Module> {
        let mut order: Vec<usize> = (0..files.len()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(files[*index].1));
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, Result<Module, ProjectError>)>> =
            Mutex::new(Vec::with_capacity(files.len()));
        let available = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let wanted = if self.options.threads == 0 { available } else { self.options.threads };
        let threads = wanted.min(files.len().div_ceil(4)).max(1);
        let (dir, overlay) = (self.dir, &self.options.overlay);
        let work = || {
            while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                let name = files[index].0;
                let path = dir.join(name);
                let source = match overlay.get(&path) {
                    Some(text) => Ok(Some(Source::new(path, text.as_str()))),
                    None => Source::read(&path),
                };
                let read = match source {
                    Ok(Some(source)) => Ok(Module::read(source, name.to_owned())),
                    Ok(None) => continue,
                    Err(error) => Err(error),
                };
                if let Ok(mut done) = done.lock() {
                    done.push((index, read));
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let started = std::thread::Builder::new().stack_size(python::STACK).spawn_scoped(scope, work);
                if started.is_err() {
                    break;
                }
            }
        });
        let mut done = done.into_inner().unwrap_or_default();
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().filter_map(|(_, result)| self.keep(result)).collect()
    }
}

pub(super) fn has_suffix(name: &str, suffix: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == suffix)
}

/// Whether a bundle uploads a folder of an app's directory that is not there yet, such as `.build`.
fn builds_inside(bundle: &Bundle, dir: &Path) -> bool {
    let Ok(dir) = dir.canonicalize() else { return false };
    bundle.apps.iter().filter_map(|app| app.source_code_path.as_ref()).any(|path| {
        let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
        !path.exists() && parent.is_some_and(|parent| parent == dir)
    })
}

/// Whether a bundle in an app's directory has an app whose source is not there, and does not look as if it were built.
fn points_nowhere(bundle: &Bundle, dir: &Path) -> bool {
    let own = bundle.files.first().is_some_and(|(source, _)| source.path.parent() == Some(dir));
    let missing = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let built = name.starts_with('.') || matches!(name.as_str(), "build" | "dist" | "out" | "target");
        !path.to_string_lossy().contains("${") && !path.exists() && !built
    };
    own && bundle.apps.iter().filter_map(|app| app.source_code_path.as_ref()).any(missing)
}

/// The packages of a lock: each has its name and its version on lines of their own.
fn lock_packages(source: &Source) -> HashMap<String, String> {
    let quoted = |line: &str, key: &str| Some(line.strip_prefix(key)?.strip_suffix('"')?.to_owned());
    let mut packages = HashMap::new();
    let mut last: Option<String> = None;
    for line in source.text().lines() {
        if let Some(name) = quoted(line, "name = \"") {
            let name = normalise(&name);
            packages.entry(name.clone()).or_default();
            last = Some(name);
        } else if let (Some(version), Some(name)) = (quoted(line, "version = \""), &last) {
            packages.insert(name.clone(), version);
        }
    }
    packages
}

/// First words of modules, at any depth: a helper deep in the tree may be put on `sys.path`.
fn local_names(modules: &[Module]) -> HashSet<String> {
    let mut names = HashSet::new();
    for module in modules {
        for part in module.path.split('/') {
            let name = part.strip_suffix(".py").unwrap_or(part);
            if !names.contains(name) {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

/// Tells each module that runs what it imports from the others.
fn link(context: &mut Context) {
    let running: Vec<usize> = (0..context.modules.len()).filter(|index| context.reached[*index]).collect();
    let stems: HashMap<&str, usize> = running
        .iter()
        .map(|&index| {
            let path = context.modules[index].path.as_str();
            let stem = path.strip_suffix(".py").unwrap_or(path);
            (stem.strip_suffix("/__init__").unwrap_or(stem), index)
        })
        .collect();
    let found: Vec<_> = running
        .iter()
        .map(|&index| {
            let module = &context.modules[index];
            let own = Path::new(&module.path).parent().unwrap_or(Path::new(""));
            let links = module.links(|name| {
                let level = name.len() - name.trim_start_matches('.').len();
                let path = name[level..].replace('.', "/");
                let first = path.split('/').next().unwrap_or_default();
                if level == 0 && !context.local.contains(first) {
                    return None;
                }
                let bases = match level {
                    0 => vec![own, Path::new(""), Path::new("src")],
                    _ => own.ancestors().nth(level - 1).into_iter().collect(),
                };
                let mut names =
                    bases.into_iter().map(|base| base.join(&path).to_string_lossy().replace('\\', "/"));
                let other = names.find_map(|name| stems.get(name.as_str()).copied())?;
                (other != index).then(|| &context.modules[other])
            });
            (index, links)
        })
        .collect();
    for (index, links) in found {
        context.modules[index].link(&links);
    }
}

fn guess(context: &Context) -> Option<Framework> {
    let words = context.command.as_ref().map(Command::texts).unwrap_or_default();
    Framework::from_command(&words)
        .or_else(|| {
            let entry = framework::entry_file(&context.dir, &words)?;
            let module =
                context.modules.iter().find(|module| module.path == entry.trim_start_matches("./"))?;
            Framework::from_imports(&module.source)
        })
        .or_else(|| context.reached().find_map(|module| Framework::from_imports(&module.source)))
        .or_else(|| {
            let all = context.requirements.as_ref()?;
            all.items.iter().find_map(|item| Framework::from_package(&item.name))
        })
}
