use std::collections::HashMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::action::{Metadata, Protocol};
use super::fault::DeltaError;

/// Tables whose latest state is remembered.
const REMEMBERED: usize = 4096;

/// The log of one table.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// The table's directory.
    pub(crate) table: PathBuf,
}

/// The table's state at a version, without its files.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) version: i64,
    pub(crate) protocol: Protocol,
    pub(crate) metadata: Metadata,
}

impl Log {
    /// The log of the table in this directory; nothing is read yet.
    pub(crate) fn of(table: impl Into<PathBuf>) -> Self {
        Self { table: table.into() }
    }

    pub(super) fn directory(&self) -> PathBuf {
        self.table.join("_delta_log")
    }

    pub(super) fn file(&self, version: i64) -> PathBuf {
        self.directory().join(format!("{version:020}.json"))
    }

    /// The last version; `None` where there is no table.
    pub(crate) fn latest(&self) -> Result<Option<i64>, DeltaError> {
        Ok(self.versions()?.last().copied())
    }

    /// All versions whose commit is there, in order.
    pub(crate) fn versions(&self) -> Result<Vec<i64>, DeltaError> {
        let directory = self.directory();
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(DeltaError::Disk { path: directory, source }),
        };
        let mut versions: Vec<i64> = entries
            .filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?;
                let number = name.strip_suffix(".json")?;
                (number.len() == 20).then(|| number.parse().ok())?
            })
            .collect();
        versions.sort_unstable();
        Ok(versions)
    }

    /// The actions of a commit.
    pub(crate) fn commit(&self, version: i64) -> Result<Vec<Value>, DeltaError> {
        let path = self.file(version);
        let text =
            fs::read_to_string(&path).map_err(|source| DeltaError::Disk { path: path.clone(), source })?;
        let action = |line: &str| {
            serde_json::from_str(line)
                .map_err(|error| DeltaError::Damaged { path: path.clone(), reason: error.to_string() })
        };
        text.lines().filter(|line| !line.trim().is_empty()).map(action).collect()
    }

    /// The table as it is now.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, DeltaError> {
        let versions = self.versions()?;
        let not_a_table = || DeltaError::NotATable { path: self.table.clone() };
        let latest = *versions.last().ok_or_else(not_a_table)?;
        let known = remembered(&self.table).filter(|known| known.version <= latest);
        if let Some(known) = &known
            && known.version == latest
        {
            return Ok((**known).clone());
        }
        let (mut protocol, mut metadata) = (None, None);
        let first_unknown = known.as_ref().map_or(versions[0], |known| known.version + 1);
        for version in versions.iter().rev().take_while(|version| **version >= first_unknown) {
            for action in self.commit(*version)? {
                if metadata.is_none() {
                    metadata = self.read::<Metadata>(*version, &action, "metaData")?;
                }
                if protocol.is_none() {
                    protocol = self.read::<Protocol>(*version, &action, "protocol")?;
                }
            }
            if protocol.is_some() && metadata.is_some() {
                break;
            }
        }
        let incomplete = || DeltaError::Damaged {
            path: self.directory(),
            reason: "commits are missing and checkpoints are not read here".to_owned(),
        };
        let snapshot = Snapshot {
            version: latest,
            protocol: protocol
                .or_else(|| known.as_ref().map(|known| known.protocol.clone()))
                .ok_or_else(incomplete)?,
            metadata: metadata
                .or_else(|| known.as_ref().map(|known| known.metadata.clone()))
                .ok_or_else(incomplete)?,
        };
        remember(&self.table, &snapshot);
        Ok(snapshot)
    }

    fn read<T: serde::de::DeserializeOwned>(
        &self,
        version: i64,
        action: &Value,
        kind: &str,
    ) -> Result<Option<T>, DeltaError> {
        let Some(body) = action.get(kind) else { return Ok(None) };
        let read = serde_json::from_value(body.clone());
        read.map(Some)
            .map_err(|error| DeltaError::Damaged { path: self.file(version), reason: error.to_string() })
    }

    /// Writes a commit; `false` when that version exists. When this returns it is on disk.
    pub(crate) fn write(&self, version: i64, actions: &[Value]) -> Result<bool, DeltaError> {
        let directory = self.directory();
        let failed = |source| DeltaError::Disk { path: directory.clone(), source };
        fs::create_dir_all(&directory).map_err(failed)?;
        let mut file = tempfile::Builder::new().prefix(".commit-").tempfile_in(&directory).map_err(failed)?;
        for action in actions {
            if action.get("metaData").is_some() {
                let mut action = action.clone();
                super::statistics::narrow(&mut action);
                writeln!(file, "{action}").map_err(failed)?;
                continue;
            }
            writeln!(file, "{action}").map_err(failed)?;
        }
        file.as_file().sync_all().map_err(failed)?;
        match file.persist_noclobber(self.file(version)) {
            Ok(file) => {
                use std::os::unix::fs::PermissionsExt;
                file.set_permissions(fs::Permissions::from_mode(0o644)).map_err(failed)?;
                fs::File::open(&directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
                Ok(true)
            }
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(failed(error.error)),
        }
    }
}

/// Latest states, so that a lookup reads only commits that are new. A commit never changes, and a table's directory is
/// not used again for another, so what is remembered stays true.
static STATES: Mutex<Option<HashMap<PathBuf, Arc<Snapshot>>>> = Mutex::new(None);

fn remembered(table: &Path) -> Option<Arc<Snapshot>> {
    STATES.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.get(table).cloned()
}

fn remember(table: &Path, snapshot: &Snapshot) {
    let mut states = STATES.lock().unwrap_or_else(PoisonError::into_inner);
    let states = states.get_or_insert_default();
    if states.len() >= REMEMBERED {
        states.clear();
    }
    states.insert(table.to_path_buf(), Arc::new(snapshot.clone()));
}
