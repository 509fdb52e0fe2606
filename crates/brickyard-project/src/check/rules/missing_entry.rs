use std::path::Path;

use crate::check::rule::declare_rule;
use crate::check::context::Word;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Checks that what the command starts exists: the file, the module and the object in it, the script of `package.json`.
    ///
    /// ## Why is this bad?
    /// The app crashes as soon as it is started.
    ///
    /// ## Example
    /// ```yaml
    /// command: ["uvicorn", "main:app"]
    /// ```
    /// where there is only `app.py`.
    pub(crate) static RULE = { code: "BY114", name: "missing-entry", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    let Some(command) = context.command.as_ref().filter(|command| !command.shell) else { return };
    let Some(source) = &command.source else { return };
    let moves = ["--app-dir", "--chdir", "--directory", "--project", "cd"];
    if command.words.iter().any(|word| moves.iter().any(|option| word.text.starts_with(option))) {
        return;
    }
    let program = command.program();
    let start = command.words.iter().position(|word| word.text.rsplit('/').next() == Some(program)).unwrap_or(0);
    let mut rest = command.words[start..].iter().skip(1).filter(|word| !word.text.starts_with('-'));
    match program {
        "python" | "python3" | "streamlit" => {
            let file = rest.find(|word| word.text.to_ascii_lowercase().ends_with(".py"));
            if let Some(word) = file.filter(|word| !word.text.starts_with('/') && !context.has_file(&word.text)) {
                let finding = findings.at(source, word.span, format!("There is no file `{}`", word.text));
                if let Some(near) = nearest(context, &word.text) {
                    finding.hint(format!("did you mean `{near}`?"));
                }
            }
        }
        "uvicorn" | "gunicorn" | "hypercorn" => {
            let Some(word) = rest.find(|word| word.text.contains(':') && !word.text.contains(['/', ' ']) && is_target(&word.text)) else {
                return;
            };
            let module = word.text.split(':').next().unwrap_or_default();
            let path = module.replace('.', "/");
            let first = path.split('/').next().unwrap_or_default();
            // The package of a `src` layout is installed; `PYTHONPATH` may name any folder.
            let project = context.pyproject.is_some() || context.requirements.as_ref().is_some_and(|all| all.installs_project);
            let layout = project.then(|| "src".into());
            let bases = std::iter::once(std::path::PathBuf::new()).chain(layout).chain(context.python_path());
            let files = bases.flat_map(|base| [base.join(format!("{path}.py")), base.join(format!("{path}/__init__.py"))]);
            let file = files.into_iter().find(|file| context.dir.join(file).is_file());
            let there = file.is_some();
            let installed = !context.local.contains(first) && path.contains('/');
            if let Some(object) = file.and_then(|file| no_object(context, &file, &word.text)) {
                findings
                    .at(source, word.span, format!("`{module}` has no `{object}`"))
                    .hint(format!("name what the module makes, for example `{module}:app`"));
            }
            if !there && !installed {
                let finding = findings.at(source, word.span, format!("There is no module `{module}`"));
                if let Some(near) = nearest(context, &format!("{path}.py")) {
                    finding.hint(format!("did you mean `{}`?", near.trim_end_matches(".py").replace('/', ".")));
                }
            }
        }
        "bash" | "sh" => {
            let file = rest.next().filter(|word| crate::check::load::has_suffix(&word.text, "sh") && !word.text.starts_with('/'));
            if let Some(word) = file.filter(|word| !context.has_file(&word.text)) {
                findings.at(source, word.span, format!("There is no file `{}`", word.text));
            }
        }
        "npm" | "yarn" | "pnpm" => {
            let Some((_, json)) = &context.package_json else { return };
            let words: Vec<&Word> = rest.collect();
            let script = match words.as_slice() {
                [run, script, ..] if run.text == "run" => script,
                [start, ..] if start.text == "start" => start,
                _ => return,
            };
            let default = script.text == "start" && context.has_file("server.js");
            if !default && !json["scripts"][script.text.as_str()].is_string() {
                findings.at(source, script.span, format!("`package.json` has no script `{}`", script.text));
            }
        }
        // `python -m package.module` of the app.
        _ if !program.is_empty() && program.contains('.') && command.word(&["-m"]).is_some() => {
            let first = program.split('.').next().unwrap_or_default();
            let path = program.replace('.', "/");
            let files = [format!("{path}.py"), format!("{path}/__main__.py"), format!("src/{path}.py"), format!("src/{path}/__main__.py")];
            if context.dir.join(first).is_dir()
                && !files.iter().any(|file| context.has_file(file))
                && let Some(word) = command.words.iter().find(|word| word.text == program)
            {
                findings.at(source, word.span, format!("There is no module `{program}`"));
            }
        }
        _ => {}
    }
}

/// The object of `module:object` where the module's file is here and has nothing of that name.
fn no_object(context: &Context, file: &Path, word: &str) -> Option<String> {
    let (_, object) = word.split_once(':')?;
    let object = object.split(['.', '(']).next()?;
    let module = context.modules.iter().find(|module| Path::new(&module.path) == file)?;
    let open = module.imports.iter().any(|import| import.name.as_deref() == Some("*"))
        || !module.errors.is_empty()
        || module.functions.iter().any(|function| function.name == "__getattr__")
        || module.source.text().contains("globals()");
    let bound = module.binds(object);
    (!open && !bound).then(|| object.to_owned())
}

fn is_target(word: &str) -> bool {
    word.split_once(':').is_some_and(|(module, object)| {
        module.starts_with(|c: char| c.is_alphabetic() || c == '_') && object.starts_with(|c: char| c.is_alphabetic() || c == '_')
    })
}

fn nearest<'a>(context: &'a Context, path: &str) -> Option<&'a str> {
    let names: Vec<&str> = context.modules.iter().map(|module| module.path.as_str()).collect();
    crate::settings::nearest(path, &names).or(match context.root_python.as_slice() {
        [only] => Some(only.as_str()),
        _ => None,
    })
}
