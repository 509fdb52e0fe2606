use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{Filter, LogLine};
use crate::failure::Failure;
use crate::settings::Settings;

/// How often a followed file is looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// Older files beside the current one: `NAME.1` is the youngest of them.
const OLDER: u32 = 3;

/// The log file of an app: of the background service, else of a `run` in this folder.
pub(super) fn find(settings: &Settings, name: &str) -> Result<PathBuf, Failure> {
    let of = |state: PathBuf| state.join("logs").join(format!("{name}.log"));
    let places =
        [of(settings.service_directory()), of(settings.state_directory(&settings.working_directory))];
    places.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        Failure::user(format!("There is no log of an app `{name}`"))
            .hint("`brickyard list` shows the apps there are; the log of a `brickyard run` is read in the app's folder")
    })
}

/// The last lines, then the later ones without a gap between.
pub(super) async fn read(
    path: &Path,
    lines: usize,
    follow: bool,
    filter: &Filter,
    mut each: impl FnMut(&LogLine),
) -> Result<(), Failure> {
    let (found, cursor) = last(path, lines, filter)?;
    found.iter().for_each(&mut each);
    if !follow {
        return Ok(());
    }
    go_on(path, cursor, filter, &CancellationToken::new(), each).await
}

/// The last lines, and the place behind them.
pub(super) fn last(path: &Path, lines: usize, filter: &Filter) -> Result<(Vec<LogLine>, Cursor), Failure> {
    let mut found: Vec<LogLine> = Vec::new();
    // The file may have been turned over a moment ago.
    let older = numbered(path, 1);
    if let Ok(file) = std::fs::File::open(&older) {
        keep(BufReader::new(file), lines, filter, &mut found)?;
    }
    let mut cursor = Cursor::open(path, false)?;
    let mut taken = Vec::new();
    cursor.more(path, |line| taken.push(line.to_owned()))?;
    for line in taken {
        push(&line, filter, &mut found);
    }
    let start = found.len().saturating_sub(lines);
    found.drain(..start).for_each(drop);
    Ok((found, cursor))
}

/// Every later line, from the moment `caught_up` is told, to those there are when the `end` comes; a file that is not there
/// yet is waited for.
pub(super) async fn follow(
    path: &Path,
    filter: &Filter,
    caught_up: oneshot::Sender<()>,
    end: &CancellationToken,
    each: impl FnMut(&LogLine),
) -> Result<(), Failure> {
    let there = if path.exists() { Some(Cursor::open(path, true)?) } else { None };
    let _ = caught_up.send(());
    let cursor = if let Some(cursor) = there {
        cursor
    } else {
        while !path.exists() {
            if end.is_cancelled() {
                return Ok(());
            }
            pause(end).await;
        }
        Cursor::open(path, false)?
    };
    go_on(path, cursor, filter, end, each).await
}

async fn go_on(
    path: &Path,
    mut cursor: Cursor,
    filter: &Filter,
    end: &CancellationToken,
    mut each: impl FnMut(&LogLine),
) -> Result<(), Failure> {
    loop {
        // Asked before the last look: what was written by then is told.
        let ending = end.is_cancelled();
        cursor.more(path, |line| {
            if let Ok(line) = serde_json::from_str::<LogLine>(line)
                && filter.takes(&line)
            {
                each(&line);
            }
        })?;
        if ending {
            return Ok(());
        }
        pause(end).await;
    }
}

/// Until the next look, or the end.
async fn pause(end: &CancellationToken) {
    let _ = tokio::time::timeout(INTERVAL, end.cancelled()).await;
}

/// A place in a log that is turned over below us: the open file is read to its end before the next one is begun.
pub(super) struct Cursor {
    file: std::fs::File,
    /// The beginning of a line whose end is not written yet.
    rest: Vec<u8>,
}

impl Cursor {
    fn open(path: &Path, from_end: bool) -> Result<Self, Failure> {
        let mut file = std::fs::File::open(path).map_err(unreadable)?;
        if from_end {
            file.seek(SeekFrom::End(0)).map_err(unreadable)?;
        }
        Ok(Self { file, rest: Vec::new() })
    }

    /// Reads what was written since, through every file that was begun meanwhile.
    fn more(&mut self, path: &Path, mut each: impl FnMut(&str)) -> Result<(), Failure> {
        loop {
            // Looked up before the last read: what is written after that is read the next time.
            let next = self.next(path);
            self.drain(&mut each)?;
            match next {
                Some(file) => self.file = file,
                None => return Ok(()),
            }
        }
    }

    /// The file that came after the open one, where the open one is no longer the current one.
    fn next(&self, path: &Path) -> Option<std::fs::File> {
        let ours = self.file.metadata().ok()?.ino();
        let current = std::fs::File::open(path).ok()?;
        if current.metadata().ok()?.ino() == ours {
            return None;
        }
        // Turned over more than once: the successor is the file one younger than ours.
        let mut younger = current;
        for number in 1..=OLDER {
            let Ok(file) = std::fs::File::open(numbered(path, number)) else { break };
            if file.metadata().ok()?.ino() == ours {
                break;
            }
            younger = file;
        }
        Some(younger)
    }

    fn drain(&mut self, each: &mut impl FnMut(&str)) -> Result<(), Failure> {
        let mut bytes = std::mem::take(&mut self.rest);
        self.file.read_to_end(&mut bytes).map_err(unreadable)?;
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for line in bytes[..end].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            each(&String::from_utf8_lossy(line));
        }
        self.rest = bytes.split_off(end);
        Ok(())
    }
}

fn keep(
    reader: impl BufRead,
    lines: usize,
    filter: &Filter,
    found: &mut Vec<LogLine>,
) -> Result<(), Failure> {
    for line in reader.lines() {
        push(&line.map_err(unreadable)?, filter, found);
        if found.len() > 2 * lines + 1000 {
            let start = found.len() - lines;
            found.drain(..start).for_each(drop);
        }
    }
    Ok(())
}

fn push(line: &str, filter: &Filter, found: &mut Vec<LogLine>) {
    if let Ok(line) = serde_json::from_str::<LogLine>(line)
        && filter.takes(&line)
    {
        found.push(line);
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn unreadable(error: std::io::Error) -> Failure {
    Failure::machine("Cannot read the log").because(error)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn line(source: &str, message: &str) -> String {
        format!("{{\"source\":\"{source}\",\"timestamp\":1.5,\"message\":\"{message}\"}}\n")
    }

    #[tokio::test]
    async fn lines_are_filtered_by_source_and_text() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        std::fs::write(
            &path,
            format!("{}{}{}", line("APP", "One"), line("SYSTEM", "two"), line("APP", "three one")),
        )
        .unwrap();
        let messages = async |lines: usize, filter: &Filter| -> Vec<String> {
            let mut found = Vec::new();
            read(&path, lines, false, filter, |line| found.push(line.message.clone())).await.unwrap();
            found
        };
        assert_eq!(messages(2, &Filter::default()).await, ["two", "three one"]);
        let one = Filter { search: Some("ONE".into()), sources: vec![] };
        assert_eq!(messages(9, &one).await, ["One", "three one"]);
        assert_eq!(messages(9, &Filter { search: None, sources: vec!["system".into()] }).await, ["two"]);
    }

    #[test]
    fn nothing_is_lost_when_files_are_turned_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.log");
        let write = |text: &str| {
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        let turn_over = || {
            for number in (1..OLDER).rev() {
                let _ = std::fs::rename(numbered(&path, number), numbered(&path, number + 1));
            }
            std::fs::rename(&path, numbered(&path, 1)).unwrap();
        };
        write("0\n");
        let mut cursor = Cursor::open(&path, false).unwrap();
        let mut seen = Vec::new();
        let mut look = |cursor: &mut Cursor| {
            cursor.more(&path, |line| seen.push(line.to_owned())).unwrap();
            seen.join(" ")
        };
        write("1\n2");
        assert_eq!(look(&mut cursor), "0 1");
        write("\n3\n");
        turn_over();
        write("4\n");
        turn_over();
        write("5\n");
        assert_eq!(look(&mut cursor), "0 1 2 3 4 5");
        write("6\n");
        assert_eq!(look(&mut cursor), "0 1 2 3 4 5 6");
    }
}
