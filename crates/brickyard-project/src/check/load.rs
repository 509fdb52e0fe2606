mod reach;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::app_yaml::{self, AppYaml};
use crate::bundle::Bundle;
use crate::check::context::{Command, Context, Word};
use crate::check::{Options, settings, tree};
use crate::framework::{self, Framework};
use crate::manifest::Manifest;
use crate::project::{self, python_files};
use crate::python::{self, Module};
use crate::requirements::{Requirements, normalise};
use crate::source::{ProjectError, Source, Span};
use crate::yaml::{self, Node, Value};
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
        let lock = self.text("uv.lock").map(|source| lock_names(&source));
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
            bundle: bundle.filter(|_| bundle_key.is_some()),
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

fn lock_names(source: &Source) -> HashSet<String> {
    source
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("name = \""))
        .filter_map(|line| line.strip_suffix('"'))
        .map(normalise)
        .collect()
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

/// The command: the bundle's, else `app.yaml`'s, else the platform's default.
fn command(context: &Context) -> Option<Command> {
    if let (Some(bundle), Some(app)) = (&context.bundle, context.bundle_app()) {
        let nodes = bundle.nodes(&app.key).into_iter().rev();
        let mut lists = nodes.filter_map(|(source, node)| Some((source, node.path(&["config", "command"])?)));
        if let Some(command) = lists.find_map(|(source, list)| from_list(source, list)) {
            return Some(command);
        }
    }
    if let Some((source, tree)) = &context.app_tree
        && let Some(list) = tree.get("command")
    {
        if let Some(command) = from_list(source, list) {
            return Some(command);
        }
        // A string is wrong but says what was meant, so the other rules can still look at it.
        let text = list.text()?;
        let words = split(text, list.span);
        return Some(Command { words, source: Some(source.clone()), shell: false });
    }
    let word = |text: &str| Word { text: text.to_owned(), span: Span::default() };
    if context.package_json.is_some() {
        return Some(Command {
            words: ["npm", "run", "start"].map(word).to_vec(),
            source: None,
            shell: false,
        });
    }
    let first = context.root_python.first()?;
    Some(Command { words: vec![word("python"), word(first)], source: None, shell: false })
}

fn from_list(source: &Source, list: &Node) -> Option<Command> {
    if !matches!(list.value, Value::Sequence(_)) || list.items().is_empty() {
        return None;
    }
    let mut words: Vec<Word> = list
        .items()
        .iter()
        .filter_map(|item| Some(Word { text: item.text()?.to_owned(), span: item.span }))
        .collect();
    let base = words.first()?.text.rsplit('/').next().unwrap_or_default().to_owned();
    let shell = matches!(base.as_str(), "bash" | "sh" | "dash" | "zsh")
        && words.get(1).is_some_and(|word| word.text.starts_with('-') && word.text.ends_with('c'));
    if shell {
        words = words.get(2).map(|line| split(&line.text, line.span)).unwrap_or_default();
    }
    Some(Command { words, source: Some(source.clone()), shell })
}

fn split(text: &str, span: Span) -> Vec<Word> {
    text.split_whitespace()
        .map(|word| Word { text: word.trim_matches(['"', '\'', ';']).to_owned(), span })
        // A backslash at the end of a line only continues it.
        .filter(|word| !word.text.is_empty() && word.text != "\\")
        .collect()
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
