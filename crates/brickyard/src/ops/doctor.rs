//! `doctor`: what of this machine brickyard needs, and what to do where it is missing.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use brickyard_workspace::Provision;
use serde::Serialize;

use super::at_login;
use super::lakebase_errors::{self, Explained};
use super::local::outside_postgres;
use super::logs;
use super::provision::{Programs, Report, tools};
use super::running::Running;
use crate::failure::Failure;
use crate::settings::Settings;

/// Lines at the end of a log that are looked at.
const LINES: usize = 500;

/// How a finding is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// As it should be.
    Fine,
    /// Works, with a difference worth knowing.
    Note,
    /// Keeps something from working.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    pub(crate) what: String,
    pub(crate) found: String,
    pub(crate) hint: Option<String>,
}

/// Looks at everything; with `fetch` what is missing is fetched, else only what is there is told.
pub(crate) async fn examine(
    settings: &Settings,
    fetch: bool,
    report: Report,
) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    let mut tell = |level, what: &str, found: String, hint: Option<&str>| {
        findings.push(Finding { level, what: what.to_owned(), found, hint: hint.map(str::to_owned) });
    };
    tell(
        Level::Fine,
        "brickyard",
        format!("{} ({})", env!("CARGO_PKG_VERSION"), settings.executable.display()),
        None,
    );
    let cache = &settings.cache_directory;
    match writable(cache) {
        Ok(()) => tell(Level::Fine, "cache", cache.display().to_string(), None),
        Err(error) => {
            tell(
                Level::Wrong,
                "cache",
                format!("{}: {error}", cache.display()),
                Some("name a directory you may write with `--cache-directory`"),
            );
        }
    }
    let tools = tools(settings);
    match tools.python("3.11").await {
        Ok(path) => tell(Level::Fine, "Python 3.11", path.display().to_string(), None),
        Err(error) => {
            tell(Level::Wrong, "Python 3.11", error.to_string(), Some("install Python 3.11, the platform's"));
        }
    }
    match tools.uv_at_hand() {
        Some(path) => tell(Level::Fine, "uv", path.display().to_string(), None),
        None => tell(Level::Note, "uv", "fetched at first use".to_owned(), None),
    }
    match tools.find("node") {
        Some(path) => tell(Level::Fine, "Node", path.display().to_string(), None),
        None => tell(
            Level::Note,
            "Node",
            "not found".to_owned(),
            Some("install Node 22 if an app has a `package.json`"),
        ),
    }
    if fetch {
        let programs = Programs::new(settings, Arc::clone(&tools), Arc::clone(&report));
        match programs.engine().await {
            Ok(path) => tell(Level::Fine, "SQL engine", path.display().to_string(), None),
            Err(error) => tell(Level::Wrong, "SQL engine", error.message, error.hint.as_deref()),
        }
    }
    findings.push(postgres(settings, fetch, report).await);
    let mut tell = |level, what: &str, found: String, hint: Option<&str>| {
        findings.push(Finding { level, what: what.to_owned(), found, hint: hint.map(str::to_owned) });
    };
    for (app, explained) in met(settings) {
        tell(
            Level::Note,
            "Lakebase",
            format!("the log of `{app}` holds an error ({}): {}", explained.name, explained.why),
            Some(explained.hint),
        );
    }
    for (port, what) in [(8000, "port of an app"), (8001, "address of an app"), (5432, "Lakebase")] {
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => tell(Level::Fine, &format!("port {port}"), format!("free ({what})"), None),
            Err(_) => tell(
                Level::Note,
                &format!("port {port}"),
                format!("taken ({what})"),
                Some("another one is used where nothing asks for this one"),
            ),
        }
    }
    match Running::find(&settings.service_directory()).await {
        Some(running) => tell(Level::Fine, "local workspace", format!("runs: {}", running.http_url), None),
        None => tell(
            Level::Note,
            "local workspace",
            "does not run in the background".to_owned(),
            Some("`brickyard up` starts it"),
        ),
    }
    findings.push(login(settings));
    Ok(findings)
}

/// Whether the workspace in the background comes back by itself.
fn login(settings: &Settings) -> Finding {
    let tell = |level, found: String, hint: Option<&str>| Finding {
        level,
        what: "at login".to_owned(),
        found,
        hint: hint.map(str::to_owned),
    };
    let Some(found) = at_login::find(settings) else {
        let hint = Some("`brickyard up --at-login` starts it at every login");
        return tell(Level::Note, "the local workspace does not start".to_owned(), hint);
    };
    let file = found.file.display();
    if !found.enabled {
        let hint = Some("run `systemctl --user enable brickyard.service`");
        return tell(Level::Note, format!("{file} is not enabled"), hint);
    }
    if found.state_directory != settings.service_directory() {
        let other = found.state_directory.display();
        return tell(Level::Note, format!("the workspace in {other} starts ({file})"), None);
    }
    tell(Level::Fine, format!("the local workspace starts ({file})"), None)
}

/// The PostgreSQL that this folder's apps get: somebody else's where one is named, else the machine's or a fetched one.
async fn postgres(settings: &Settings, fetch: bool, report: Report) -> Finding {
    let tell = |level, found: String, hint: Option<String>| Finding {
        level,
        what: "PostgreSQL".to_owned(),
        found,
        hint,
    };
    let project = brickyard_project::Project::load(&settings.working_directory).ok();
    match outside_postgres(settings, project.as_ref()) {
        Ok(None) => {}
        Ok(Some(outside)) => {
            let address = outside.address();
            return match outside.version().await {
                Ok(version) => tell(Level::Fine, format!("{version} (somebody else's, at {address})"), None),
                Err(error) => tell(
                    Level::Wrong,
                    match std::error::Error::source(&error) {
                        Some(cause) => format!("{error}: {cause}"),
                        None => error.to_string(),
                    },
                    Some(
                        "start it, or name another one in `BRICKYARD_POSTGRES` or `[lakebase] url`"
                            .to_owned(),
                    ),
                ),
            };
        }
        Err(failure) => {
            let cause = failure.cause.map(|cause| format!(": {cause}")).unwrap_or_default();
            return tell(Level::Wrong, format!("{}{cause}", failure.message), failure.hint);
        }
    }
    if fetch {
        return match Programs::new(settings, tools(settings), report).postgres(None).await {
            Ok(path) => {
                let (_, version) = brickyard_workspace::postgres_version(&path).await.unwrap_or_default();
                tell(Level::Fine, format!("{version} ({})", path.display()), None)
            }
            Err(error) => tell(Level::Wrong, error.message, error.hint),
        };
    }
    match brickyard_workspace::postgres_at_hand(settings.environment.search_path(), None).await {
        Ok((version, path)) => tell(Level::Fine, format!("{version} ({})", path.display()), None),
        Err(passed_over) if passed_over.is_empty() => {
            tell(Level::Note, "fetched at first use".to_owned(), None)
        }
        Err(passed_over) => tell(
            Level::Note,
            format!("fetched at first use: {}", passed_over.join("; ")),
            Some("install PostgreSQL 14 to 18 to use one of this machine".to_owned()),
        ),
    }
}

/// What an error message of Lakebase means.
pub(crate) fn explain(message: &str) -> Result<Vec<Finding>, Failure> {
    let explained = lakebase_errors::explain(message).ok_or_else(|| {
        Failure::user("That error is none of the usual ones of Lakebase")
            .hint("`brickyard logs NAME` shows the whole of it, `brickyard psql --as app` tries what the app may do")
    })?;
    Ok(vec![Finding {
        level: Level::Note,
        what: explained.name.to_owned(),
        found: explained.why.to_owned(),
        hint: Some(explained.hint.to_owned()),
    }])
}

/// Errors of Lakebase in the last lines of this folder's apps, each once.
fn met(settings: &Settings) -> Vec<(String, Explained)> {
    let logs = settings.state_directory(&settings.working_directory).join("logs");
    let mut found: Vec<(String, Explained)> = Vec::new();
    for entry in std::fs::read_dir(logs).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_none_or(|ending| ending != "log") {
            continue;
        }
        for line in logs::tail(&path, LINES, &logs::Filter::default()).unwrap_or_default() {
            if let Some(explained) = lakebase_errors::explain(&line.message)
                && !found.contains(&(name.clone(), explained))
            {
                found.push((name.clone(), explained));
            }
        }
    }
    found
}

fn writable(directory: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    tempfile::NamedTempFile::new_in(directory).map(drop)
}
