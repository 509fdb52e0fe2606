use crate::check::rule::declare_rule;
use crate::check::{Context, Findings};

declare_rule! {
    /// ## What it does
    /// Checks that the file or module the command starts exists.
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
            let there = std::iter::once("".into()).chain(layout).chain(context.python_path()).any(|base: std::path::PathBuf| {
                [format!("{path}.py"), format!("{path}/__init__.py")].iter().any(|file| context.dir.join(&base).join(file).is_file())
            });
            let installed = !context.local.contains(first) && path.contains('/');
            if !there && !installed {
                let finding = findings.at(source, word.span, format!("There is no module `{module}`"));
                if let Some(near) = nearest(context, &format!("{path}.py")) {
                    finding.hint(format!("did you mean `{}`?", near.trim_end_matches(".py").replace('/', ".")));
                }
            }
        }
        _ => {}
    }
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
