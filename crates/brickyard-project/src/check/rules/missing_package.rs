use std::collections::HashSet;

use crate::check::rule::declare_rule;
use crate::check::{Context, Findings, Level, Packages};
use crate::python::{Module, Part, Value, packages};

declare_rule! {
    /// ## What it does
    /// Checks that every import of the running app comes from Python 3.11, from a package that is installed, or from
    /// the app itself; so do the program the command starts and the driver in the address of an engine.
    ///
    /// ## Why is this bad?
    /// The app crashes with `ModuleNotFoundError`. The platform installs some packages by itself for apps with
    /// `requirements.txt`; none for apps with `uv.lock`.
    ///
    /// ## Example
    /// ```python
    /// import psycopg2
    /// ```
    /// with no `psycopg2-binary` in `requirements.txt`.
    pub(crate) static RULE = { code: "BY301", name: "missing-package", level: Error, check: check }
}

fn check(context: &Context, findings: &mut Findings) {
    if context.requirements.as_ref().is_some_and(|all| !all.missing.is_empty()) {
        return;
    }
    program(context, findings);
    let mut reported: HashSet<String> = HashSet::new();
    // An app asks for the same few packages in every file.
    let mut present: HashSet<String> = HashSet::new();
    for module in context.reached() {
        driver(context, module, findings);
        // Behind a syntax error words of a text may look like imports.
        let end = module.errors.iter().map(|(_, span)| span.start).min().unwrap_or(usize::MAX);
        for import in module.imports.iter().filter(|import| import.span.end <= end) {
            let top = import.module.split('.').next().unwrap_or_default();
            let lazy = import.scope != 0;
            if import.level > 0 || import.guarded || top.is_empty() || packages::is_stdlib(top) || context.local.contains(top) {
                continue;
            }
            let full = match &import.name {
                Some(name) if import.module == top => format!("{top}.{name}"),
                _ => import.module.to_string(),
            };
            if present.contains(&full) {
                continue;
            }
            let providers = packages::providers(&full);
            if providers.iter().any(|package| context.has_package(package))
                || context.dir.join(top).exists()
                || context.dir.join("src").join(top).exists()
                || context.names_like(top)
            {
                present.insert(full);
                continue;
            }
            let Some(doubt) = doubt(context, &providers) else { continue };
            if !reported.insert(top.to_owned()) {
                continue;
            }
            if beside(context, top) {
                findings
                    .at(&module.source, import.span, format!("`{top}` lies outside the folder that is uploaded"))
                    .hint("put it into the app's folder when you deploy, or add its wheel to `requirements.txt`")
                    .level(Level::Warning);
                continue;
            }
            let (message, hint) = missing(context, top, &providers[0]);
            let finding = findings.at(&module.source, import.span, message).hint(hint);
            if doubt || lazy {
                finding.level(Level::Warning);
            }
        }
    }
}

/// The program the command starts, where a package brings it and nothing asks for that package.
fn program(context: &Context, findings: &mut Findings) {
    let Some(command) = &context.command else { return };
    let Some(source) = &command.source else { return };
    let program = command.program();
    let package = match program {
        "uvicorn" | "gunicorn" | "hypercorn" | "streamlit" | "flask" | "reflex" | "shiny" | "chainlit" | "panel" | "mlflow" => program,
        "waitress-serve" => "waitress",
        _ => return,
    };
    let Some(word) = command.words.iter().find(|word| word.text.rsplit('/').next() == Some(program)) else { return };
    let imported = context.reached().flat_map(|module| &module.imports).any(|import| import.module.split('.').next() == Some(package));
    // `uv run --with gunicorn`; what is imported is told where it is.
    if imported || context.has_package(package) || command.word(&["--with"]).is_some() {
        return;
    }
    let Some(doubt) = doubt(context, &[package.to_owned()]) else { return };
    let (message, hint) = missing(context, package, package);
    let finding = findings.at(source, word.span, message).hint(hint);
    if doubt {
        finding.level(Level::Warning);
    }
}

/// The driver in the address of an engine: `postgresql+psycopg://`.
fn driver(context: &Context, module: &Module, findings: &mut Findings) {
    for call in module.calls.iter().filter(|call| matches!(call.method(), "create_engine" | "create_async_engine")) {
        if !call.name.starts_with("sqlalchemy.") {
            continue;
        }
        let Some((value, span)) = call.args.first() else { continue };
        let text = match module.follow(value, call.scope) {
            Value::Text(text) => text,
            Value::Format(parts) => match parts.into_iter().next() {
                Some(Part::Text(text)) => text,
                _ => continue,
            },
            _ => continue,
        };
        let Some((scheme, _)) = text.split_once("://") else { continue };
        let packages: &[&str] = match scheme {
            "postgresql" | "postgresql+psycopg2" => &["psycopg2-binary", "psycopg2"],
            "postgresql+psycopg" => &["psycopg"],
            "postgresql+asyncpg" => &["asyncpg"],
            "postgresql+pg8000" => &["pg8000"],
            _ => continue,
        };
        let names: Vec<String> = packages.iter().map(|&name| name.to_owned()).collect();
        let imported = context.reached().flat_map(|module| &module.imports).any(|import| {
            packages.iter().any(|package| import.module.split('.').next().is_some_and(|top| package.starts_with(top)))
        });
        if imported || packages.iter().any(|package| context.has_package(package)) {
            continue;
        }
        let Some(doubt) = doubt(context, &names) else { continue };
        let (message, hint) = missing(context, packages[0], packages[0]);
        let finding = findings.at(&module.source, *span, message).hint(hint);
        if doubt || call.scope != 0 {
            finding.level(Level::Warning);
        }
    }
}

/// Whether a package lies in the repository around the app: a step of the deployment may bring it.
fn beside(context: &Context, top: &str) -> bool {
    let Ok(dir) = context.dir.canonicalize() else { return false };
    let mut within = true;
    dir.ancestors().take(4).any(|folder| {
        let found = within && folder != dir && [folder.join(top), folder.join("src").join(top)].iter().any(|path| path.is_dir());
        within &= !folder.join(".git").exists();
        found
    })
}

/// What is said of an import or a program whose package is missing.
fn missing(context: &Context, name: &str, package: &str) -> (String, String) {
    match context.packages() {
        Packages::Uv => (
            format!("`{name}` is not in `uv.lock`, and uv apps get no pre-installed packages"),
            format!("run `uv add {package}`"),
        ),
        Packages::Pip | Packages::Preinstalled => {
            let file = if context.own_dependencies().is_some() && context.requirements.is_none() { "pyproject.toml" } else { "requirements.txt" };
            (format!("`{name}` is neither pre-installed nor in `{file}`"), format!("add `{package}` to `{file}`"))
        }
    }
}

/// Whether some asked-for package may bring one of these: `None` if one surely does, `Some(true)` if one might.
fn doubt(context: &Context, providers: &[String]) -> Option<bool> {
    let mut unknown = false;
    let own = context.own_dependencies().unwrap_or_default();
    if own.iter().any(|name| providers.iter().any(|provider| packages::brings(name, provider) == Some(true))) {
        return None;
    }
    unknown |= own.iter().any(|name| packages::brings(name, &providers[0]).is_none() && packages::preinstalled_version(name).is_none());
    for item in context.requirements.iter().flat_map(|all| &all.items) {
        // What these extras bring is in the table already.
        let known = matches!(item.name.as_str(), "uvicorn" | "fastapi" | "psycopg" | "sqlalchemy" | "pydantic" | "httpx" | "databricks-sql-connector");
        if item.extras && !known {
            return None;
        }
        for provider in providers {
            match packages::brings(&item.name, provider) {
                Some(true) => return None,
                Some(false) => {}
                None => unknown |= packages::preinstalled_version(&item.name).is_none(),
            }
        }
    }
    Some(unknown)
}
