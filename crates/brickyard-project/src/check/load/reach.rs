//! Which modules of an app run: what the command starts, and what that imports.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};

use ruff_python_ast::name::Name;

use super::has_suffix;
use crate::check::context::{Command, Context};
use crate::framework::{self, Framework};

/// Whether a name looks like something that is not part of the running app.
fn is_aside(path: &str) -> bool {
    let mut parts = path.split('/');
    let file = parts.next_back().unwrap_or_default();
    let aside = [
        "tests",
        "test",
        "scripts",
        "notebooks",
        "docs",
        "examples",
        "migrations",
        "alembic",
        "ci",
        "tools",
        "benchmarks",
    ];
    parts.any(|part| aside.contains(&part) || part.ends_with("_scripts") || part.starts_with('.'))
        || file.starts_with("test_")
        || file.ends_with("_test.py")
        || matches!(file, "conftest.py" | "setup.py" | "noxfile.py" | "tasks.py")
}

/// Which modules the command reaches through imports, and through page folders of the frameworks that read them.
pub(super) fn reach(context: &Context) -> Vec<bool> {
    let index: HashMap<&str, usize> =
        context.modules.iter().enumerate().map(|(index, module)| (module.path.as_str(), index)).collect();
    let words = context.command.as_ref().map(Command::texts).unwrap_or_default();
    let entry = framework::entry_file(&context.dir, &words)
        .and_then(|file| index.get(file.trim_start_matches("./")).copied());
    let node = context
        .command
        .as_ref()
        .is_some_and(|command| Framework::from_command(&command.texts()) == Some(Framework::Node));
    let Some(entry) = entry else {
        if node {
            return vec![false; context.modules.len()];
        }
        return context
            .modules
            .iter()
            .map(|module| !is_aside(&module.path) && !module.is_notebook())
            .collect();
    };
    let mut reached = vec![false; context.modules.len()];
    let mut queue = VecDeque::from([entry]);
    let entry_dir = Path::new(&context.modules[entry].path).parent().unwrap_or(Path::new("")).to_owned();
    for (at, module) in context.modules.iter().enumerate() {
        let inside = module.path.split('/').rev().skip(1).any(|part| part == "pages" || part == "app_pages");
        if inside && !is_aside(&module.path) {
            queue.push_back(at);
        }
        // gunicorn reads this file by itself.
        if module.path == "gunicorn.conf.py"
            || module.path == "gunicorn_config.py"
            || module.path == "rxconfig.py"
        {
            queue.push_back(at);
        }
    }
    let python_path = context.python_path();
    while let Some(at) = queue.pop_front() {
        if std::mem::replace(&mut reached[at], true) {
            continue;
        }
        let module = &context.modules[at];
        let own = Path::new(&module.path).parent().unwrap_or(Path::new(""));
        let mut absolute = vec![PathBuf::new(), entry_dir.clone(), own.to_owned(), PathBuf::from("src")];
        absolute.extend(python_path.iter().cloned());
        absolute.dedup();
        for import in &module.imports {
            let relative;
            let bases = if import.level > 0 {
                relative = own.ancestors().nth(import.level as usize - 1).map(Path::to_owned);
                relative.as_slice()
            } else {
                // The first word is the name of no file or folder of the app.
                let first = import.module.split('.').next().unwrap_or_default();
                if !first.is_empty() && !context.local.contains(first) {
                    continue;
                }
                &absolute
            };
            let member = import.name.as_ref().map(|name| match import.module.as_str() {
                "" => name.clone(),
                module => Name::concat(&[module, ".", name.as_str()]),
            });
            for base in bases {
                for name in std::iter::once(&import.module).chain(&member) {
                    queue.extend(module_at(&index, base, name));
                }
            }
        }
        // Pages named by path: `st.Page("x.py")`, `st.navigation`, `subprocess` of a local file.
        for (text, _) in &module.strings {
            if text.ends_with("py") && has_suffix(text, "py") {
                let local = own.join(text.as_str()).to_string_lossy().replace('\\', "/");
                queue.extend(index.get(text.as_str()).or_else(|| index.get(local.as_str())));
            }
        }
    }
    reached
}

/// The file of a dotted module below a folder.
fn module_at(index: &HashMap<&str, usize>, base: &Path, module: &str) -> Option<usize> {
    let base = base.to_string_lossy().replace('\\', "/");
    let base = if base.is_empty() { base } else { base + "/" };
    let path = module.replace('.', "/");
    let found = index.get(format!("{base}{path}.py").as_str());
    found.or_else(|| index.get(format!("{base}{path}/__init__.py").as_str())).copied()
}
