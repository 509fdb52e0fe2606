//! The log of an app of the local workspace, as its file tells it: also when the app or the workspace has stopped.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::settings::Settings;

/// How often a followed file is looked at.
const INTERVAL: Duration = Duration::from_millis(150);

/// One line of a log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LogLine {
    /// `APP`, `SYSTEM` or `BUILD`.
    pub(crate) source: String,
    /// Seconds since the epoch.
    pub(crate) timestamp: f64,
    pub(crate) message: String,
}

/// Which lines are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Only lines that contain this, in any case.
    pub(crate) search: Option<String>,
    /// Only lines of these sources; all when empty.
    pub(crate) sources: Vec<String>,
}

impl Filter {
    fn takes(&self, line: &LogLine) -> bool {
        let source = self.sources.is_empty()
            || self.sources.iter().any(|source| source.eq_ignore_ascii_case(&line.source));
        let search = self
            .search
            .as_ref()
            .is_none_or(|search| line.message.to_lowercase().contains(&search.to_lowercase()));
        source && search
    }
}

/// The log file of an app: of the background service, else of a `run` in this folder.
pub(crate) fn find(settings: &Settings, name: &str) -> Result<PathBuf, Failure> {
    let of = |state: PathBuf| state.join("logs").join(format!("{name}.log"));
    let places =
        [of(settings.service_directory()), of(settings.state_directory(&settings.working_directory))];
    places.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        Failure::user(format!("There is no log of an app `{name}`"))
            .hint("`brickyard list` shows the apps there are; the log of a `brickyard run` is read in the app's folder")
    })
}

/// The last lines that the filter takes.
pub(crate) fn tail(path: &Path, lines: usize, filter: &Filter) -> Result<Vec<LogLine>, Failure> {
    let mut found: Vec<LogLine> = Vec::new();
    // The file may have been turned over a moment ago.
    for place in [path.with_extension("log.1"), path.to_path_buf()] {
        let Ok(file) = std::fs::File::open(&place) else { continue };
        for line in BufReader::new(file).lines() {
            let line = line.map_err(|error| Failure::machine("Cannot read the log").because(error))?;
            if let Ok(line) = serde_json::from_str::<LogLine>(&line)
                && filter.takes(&line)
            {
                found.push(line);
            }
        }
    }
    let start = found.len().saturating_sub(lines);
    Ok(found.split_off(start))
}

/// Every later line that the filter takes, until the caller drops the future.
pub(crate) async fn follow(
    path: &Path,
    filter: &Filter,
    mut each: impl FnMut(&LogLine),
) -> Result<(), Failure> {
    let unreadable = |error| Failure::machine("Cannot read the log").because(error);
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let mut position = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
    let mut rest = String::new();
    loop {
        let length = std::fs::metadata(path).map_err(unreadable)?.len();
        if length < position {
            // Turned over: the new file is read from its start.
            file = std::fs::File::open(path).map_err(unreadable)?;
            position = 0;
        }
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(position)).map_err(unreadable)?;
        position += file.read_to_end(&mut bytes).map_err(unreadable)? as u64;
        rest.push_str(&String::from_utf8_lossy(&bytes));
        while let Some((line, after)) = rest.split_once('\n') {
            if let Ok(line) = serde_json::from_str::<LogLine>(line)
                && filter.takes(&line)
            {
                each(&line);
            }
            rest = after.to_owned();
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_filtered_by_source_and_text() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        let line = |source: &str, message: &str| {
            format!("{{\"source\":\"{source}\",\"timestamp\":1.5,\"message\":\"{message}\"}}\n")
        };
        std::fs::write(
            &path,
            format!("{}{}{}", line("APP", "One"), line("SYSTEM", "two"), line("APP", "three one")),
        )
        .unwrap();
        let messages = |lines: usize, filter: &Filter| -> Vec<String> {
            tail(&path, lines, filter).unwrap().into_iter().map(|line| line.message).collect()
        };
        assert_eq!(messages(2, &Filter::default()), ["two", "three one"]);
        assert_eq!(
            messages(9, &Filter { search: Some("ONE".into()), sources: vec![] }),
            ["One", "three one"]
        );
        assert_eq!(messages(9, &Filter { search: None, sources: vec!["system".into()] }), ["two"]);
    }
}
