//! Which framework an app is written in, guessed from its command, its imports and its requirements.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::source::Source;

/// The frameworks the platform knows (platform §2.3), Reflex, and Node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Framework {
    /// Dash.
    Dash,
    /// Streamlit.
    Streamlit,
    /// Gradio.
    Gradio,
    /// Flask.
    Flask,
    /// `FastAPI`.
    FastApi,
    /// Reflex.
    Reflex,
    /// Shiny for Python.
    Shiny,
    /// A `package.json` app.
    Node,
}

impl Framework {
    /// Name shown to people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dash => "Dash",
            Self::Streamlit => "Streamlit",
            Self::Gradio => "Gradio",
            Self::Flask => "Flask",
            Self::FastApi => "FastAPI",
            Self::Reflex => "Reflex",
            Self::Shiny => "Shiny",
            Self::Node => "Node",
        }
    }

    /// The framework a Python package belongs to.
    pub fn from_package(package: &str) -> Option<Self> {
        Some(match package {
            "dash" => Self::Dash,
            "streamlit" => Self::Streamlit,
            "gradio" => Self::Gradio,
            "flask" => Self::Flask,
            "fastapi" => Self::FastApi,
            "reflex" => Self::Reflex,
            "shiny" => Self::Shiny,
            _ => return None,
        })
    }

    /// The framework a command names outright.
    pub fn from_command(command: &[String]) -> Option<Self> {
        let words = command.iter().flat_map(|argument| argument.split_whitespace());
        words.into_iter().find_map(|word| match word.rsplit('/').next().unwrap_or(word) {
            "streamlit" => Some(Self::Streamlit),
            "reflex" => Some(Self::Reflex),
            "shiny" => Some(Self::Shiny),
            "gradio" => Some(Self::Gradio),
            "npm" | "node" | "npx" | "pnpm" => Some(Self::Node),
            _ => None,
        })
    }

    /// The framework a file imports; the one nearest to the user wins (a Gradio app mounted in `FastAPI` is Gradio, a
    /// Dash app made on a Flask server is Dash).
    pub fn from_imports(source: &Source) -> Option<Self> {
        let mut found: Vec<Self> = Vec::new();
        for line in source.text().lines().take(5_000) {
            let line = line.trim_start();
            let Some(rest) = line.strip_prefix("import ").or_else(|| line.strip_prefix("from ")) else {
                continue;
            };
            let module = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            found.extend(Self::from_package(module));
        }
        let order = [
            Self::Streamlit,
            Self::Reflex,
            Self::Dash,
            Self::Gradio,
            Self::Shiny,
            Self::FastApi,
            Self::Flask,
        ];
        order.into_iter().find(|framework| found.contains(framework))
    }
}

/// The Python file a command starts, relative to the app's directory.
pub fn entry_file(dir: &Path, command: &[String]) -> Option<String> {
    let words: Vec<&str> = command.iter().flat_map(|argument| argument.split_whitespace()).collect();
    // `gunicorn -c settings.py` names a file that is only read.
    let started = words.iter().enumerate().filter(|(at, _)| {
        !at.checked_sub(1).is_some_and(|before| matches!(words[before], "-c" | "--config"))
    });
    if let Some((_, file)) =
        started.into_iter().find(|(_, word)| has_suffix(word, "py") && dir.join(word).is_file())
    {
        return Some((*file).to_owned());
    }
    if let Some(at) = words.iter().position(|word| *word == "-m") {
        let module = words.get(at + 1)?.split(':').next()?;
        return module_file(dir, module).or_else(|| words.iter().find_map(|word| target(dir, word)));
    }
    words.iter().find_map(|word| target(dir, word))
}

/// The file of `module:object`.
fn target(dir: &Path, word: &str) -> Option<String> {
    let (module, object) = word.split_once(':')?;
    let name = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_.".contains(c));
    if !name(module) || !name(object.trim_end_matches("()")) {
        return None;
    }
    module_file(dir, module)
}

fn module_file(dir: &Path, module: &str) -> Option<String> {
    let path = module.replace('.', "/");
    // A `src` layout is installed or on the path.
    ["", "src/"].into_iter().find_map(|base| {
        [format!("{base}{path}.py"), format!("{base}{path}/__init__.py"), format!("{base}{path}/__main__.py")]
            .into_iter()
            .find(|file| dir.join(file).is_file())
    })
}

fn has_suffix(word: &str, suffix: &str) -> bool {
    Path::new(word).extension().is_some_and(|extension| extension == suffix)
}
