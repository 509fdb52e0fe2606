use std::path::{Path, PathBuf};

use brickyard_project::check::{self, Finding, Fixed, Level, Options, Report};

use crate::failure::Failure;

/// What to check and how.
pub(crate) struct Request<'a> {
    /// An app, or a folder with apps.
    pub(crate) path: &'a Path,
    /// Rules to use alone.
    pub(crate) select: Vec<String>,
    /// Rules to leave out.
    pub(crate) ignore: Vec<String>,
    /// Whether to look also at the five steps of a finished app.
    pub(crate) checklist: bool,
}

/// Fixes are applied again until nothing changes, at most this often: one fix may make room for the next.
const ROUNDS: usize = 5;

/// Checks the apps of a folder.
pub(crate) fn check(request: &Request<'_>) -> Result<Report, Failure> {
    for entry in request.select.iter().chain(&request.ignore) {
        let known = entry == "ALL"
            || check::rules().iter().any(|rule| rule.code.starts_with(entry.as_str()) || rule.name == entry);
        if !known || entry.is_empty() {
            return Err(Failure::user(format!("There is no rule `{entry}`"))
                .hint("run `brickyard rule --all` to see every rule"));
        }
    }
    let options = Options {
        select: request.select.clone(),
        ignore: request.ignore.clone(),
        checklist: request.checklist,
        ..Options::default()
    };
    check::check(request.path, &options).map_err(|error| {
        let hint = error.hint();
        // Not to be able to look at all is a matter of usage, not of the app.
        let failure = Failure::user(error.to_string());
        let failure = match std::error::Error::source(&error) {
            Some(source) => failure.because(source.to_string()),
            None => failure,
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

/// Writes the fixes of findings to disk; returns what is left to find and how many findings were mended.
pub(crate) fn fix(request: &Request<'_>, with_unsafe: bool) -> Result<(Report, usize), Failure> {
    let mut report = check(request)?;
    let mut count = 0;
    for _ in 0..ROUNDS {
        let files = check::apply(&report.findings, with_unsafe);
        if files.is_empty() {
            break;
        }
        for file in &files {
            write(file)?;
            count += file.count;
        }
        report = check(request)?;
    }
    Ok((report, count))
}

/// The file is replaced in one step, so that an interrupted write leaves the old one.
fn write(file: &Fixed) -> Result<(), Failure> {
    let path = &file.before.path;
    // A link is followed: the file behind it is what is replaced.
    let path = path.canonicalize().unwrap_or_else(|_| path.clone());
    let failed = |error| Failure::machine(format!("Cannot write `{}`", path.display())).because(error);
    let folder = path.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let mut fresh = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    std::io::Write::write_all(&mut fresh, file.after.as_bytes()).map_err(failed)?;
    if let Ok(metadata) = std::fs::metadata(&path) {
        fresh.as_file().set_permissions(metadata.permissions()).map_err(failed)?;
    }
    fresh.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Errors, warnings and remarks among findings.
pub(crate) fn counts(findings: &[Finding]) -> (usize, usize, usize) {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    (count(Level::Error), count(Level::Warning), count(Level::Info))
}
