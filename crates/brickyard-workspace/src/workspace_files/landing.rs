use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write};
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::libc::{fsblkcnt_t, fsfilcnt_t};
use nix::sys::stat::{Mode, SFlag, fstatat};
use nix::sys::statvfs::fstatvfs;
use tempfile::NamedTempFile;

use super::path::ObjectPath;

/// Largest file that lands here, in bytes: the journal of a deployment of a thousand files is one.
pub(super) const LARGEST: usize = 256 * 1024;

/// Most files that wait; an app has no more.
const MOST: usize = 20_000;

/// So long the log may get before all is put in its place, in bytes.
const FULL: u64 = 64 * 1024 * 1024;

/// So much has to be free for files to wait, in the usual blocks of 4 KiB: what waits must find room in its place, and a
/// full disk is told to who fills it.
const BLOCKS: fsblkcnt_t = 65_536;

/// So many files must be possible.
const FILES: fsfilcnt_t = 40_000;

/// Most folders that are kept open.
const FOLDERS: usize = 64;

/// Start of every record.
const MARK: [u8; 4] = *b"land";

/// Start of a record whose file was removed while it waited.
const GONE: [u8; 4] = *b"gone";

/// Bytes before a record's path: the mark, the lengths of path and content, milliseconds since the epoch.
const HEAD: usize = 20;

/// Small files that have come and do not lie in their places yet.
///
/// A new file in a folder costs a file system ten to a hundred times what its bytes cost. So they are appended to one
/// log, from where on they survive our death, and go to their places together, before anybody looks at the tree.
pub(super) struct Landing {
    root: PathBuf,
    /// The root itself, opened.
    tree: File,
    log: File,
    end: u64,
    waiting: BTreeMap<ObjectPath, Landed>,
    folders: HashMap<ObjectPath, OwnedFd>,
    /// Which files of the tree are notebooks.
    notebooks: HashSet<String>,
    /// How many have landed since the start.
    count: u64,
}

struct Landed {
    /// Where its content begins in the log.
    start: u64,
    length: usize,
    came: SystemTime,
}

/// A record of the log.
struct Record {
    path: ObjectPath,
    landed: Landed,
    /// Whether its file was removed since.
    gone: bool,
    /// Where the next one begins.
    next: usize,
}

/// What a path is, told without looking into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    File,
    Notebook,
}

impl Landing {
    /// Opens the log of the tree below `root`, beside it; what waits in it still waits.
    pub(super) fn open(root: PathBuf, notebooks: HashSet<String>) -> io::Result<Self> {
        let path = root.with_extension("landing");
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let log = options.open(path)?;
        let mut landing = Self {
            tree: File::open(&root)?,
            root,
            log,
            end: 0,
            waiting: BTreeMap::new(),
            folders: HashMap::new(),
            notebooks,
            count: 0,
        };
        landing.recover()?;
        Ok(landing)
    }

    /// Reads the records that were written whole; what comes after them was never acknowledged.
    fn recover(&mut self) -> io::Result<()> {
        let mut text = vec![0; usize::try_from(self.log.metadata()?.len()).unwrap_or(usize::MAX)];
        self.log.read_exact_at(&mut text, 0)?;
        let mut at = 0;
        while let Some(record) = record(&text, at) {
            if !record.gone {
                self.waiting.insert(record.path, record.landed);
            }
            at = record.next;
        }
        self.end = at as u64;
        self.log.set_len(self.end)
    }

    /// How many have landed since the start, and whether any wait.
    pub(super) fn state(&self) -> (u64, bool) {
        (self.count, !self.waiting.is_empty())
    }

    /// Whether something waits for this place.
    pub(super) fn waits(&self, path: &ObjectPath) -> bool {
        self.waiting.contains_key(path)
    }

    /// Size and time of what waits for this place.
    pub(super) fn waiting(&self, path: &ObjectPath) -> Option<(u64, SystemTime)> {
        self.waiting.get(path).map(|landed| (landed.length as u64, landed.came))
    }

    /// Content of what waits for this place.
    pub(super) fn content(&self, path: &ObjectPath) -> io::Result<Option<Vec<u8>>> {
        let Some(landed) = self.waiting.get(path) else { return Ok(None) };
        let mut content = vec![0; landed.length];
        self.log.read_exact_at(&mut content, landed.start)?;
        Ok(Some(content))
    }

    /// The places at this path or below that something waits for.
    pub(super) fn waiting_within(&self, path: &ObjectPath) -> Vec<ObjectPath> {
        self.waiting.keys().filter(|place| place.is_within(path)).cloned().collect()
    }

    /// Forgets what waits at this path or below; the log says so in the room that it has, for there may be no more.
    pub(super) fn forget(&mut self, path: &ObjectPath) -> io::Result<()> {
        if self.waiting_within(path).is_empty() {
            return Ok(());
        }
        let mut text = vec![0; usize::try_from(self.end).map_err(io::Error::other)?];
        self.log.read_exact_at(&mut text, 0)?;
        let mut at = 0;
        while let Some(record) = record(&text, at) {
            if record.path.is_within(path) {
                self.log.write_all_at(&GONE, at as u64)?;
            }
            at = record.next;
        }
        self.waiting.retain(|place, _| !place.is_within(path));
        Ok(())
    }

    /// Whether the disk has room for all that may wait.
    pub(super) fn has_room(&self) -> bool {
        fstatvfs(&self.tree).is_ok_and(|disk| {
            // Some file systems make their inodes as they go, and tell 0 of 0.
            disk.blocks_available() >= BLOCKS && (disk.files() == 0 || disk.files_available() >= FILES)
        })
    }

    /// What lies or waits at a path.
    pub(super) fn kind(&mut self, path: &ObjectPath) -> io::Result<Option<Kind>> {
        if path.name().is_empty() {
            return Ok(Some(Kind::Directory));
        }
        if self.waiting.contains_key(path) {
            return Ok(Some(Kind::File));
        }
        let Some(folder) = self.folder(&path.parent())? else { return Ok(None) };
        match fstatat(folder, path.name(), AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(found) if SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR => {
                Ok(Some(Kind::Directory))
            }
            Ok(_) if self.notebooks.contains(path.as_str()) => Ok(Some(Kind::Notebook)),
            Ok(_) => Ok(Some(Kind::File)),
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes in a plain file, whose folder has to be there.
    pub(super) fn land(&mut self, path: &ObjectPath, content: &[u8]) -> io::Result<()> {
        if self.end >= FULL || self.waiting.len() >= MOST {
            self.settle()?;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the times of files are the system's, wherever they wait"
        )]
        let came = SystemTime::now();
        let name = path.as_str();
        let mut text = Vec::with_capacity(HEAD + name.len() + content.len());
        text.extend(MARK);
        for length in [name.len(), content.len()] {
            text.extend(u32::try_from(length).map_err(io::Error::other)?.to_le_bytes());
        }
        let age = came.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        text.extend(u64::try_from(age).unwrap_or_default().to_le_bytes());
        text.extend(name.as_bytes());
        text.extend(content);
        if let Err(error) = self.log.write_all_at(&text, self.end) {
            // Half a record takes room that others may need; the next one is written over it.
            let _ = self.log.set_len(self.end);
            return Err(error);
        }
        let start = self.end + (HEAD + name.len()) as u64;
        self.end += text.len() as u64;
        self.waiting.insert(path.clone(), Landed { start, length: content.len(), came });
        self.count += 1;
        Ok(())
    }

    /// Puts all that waits in its place. Where that fails it still waits, and nothing is lost.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        self.folders.clear();
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut content = vec![0; usize::try_from(self.end).map_err(io::Error::other)?];
        self.log.read_exact_at(&mut content, 0)?;
        let waiting: Vec<_> = self.waiting.iter().collect();
        let threads =
            if waiting.len() < 64 { 1 } else { std::thread::available_parallelism().map_or(1, NonZero::get) };
        let (root, content) = (self.root.as_path(), content.as_slice());
        std::thread::scope(|scope| {
            let mut parts = waiting.chunks(waiting.len().div_ceil(threads));
            let own = parts.next().unwrap_or_default();
            let others: Vec<_> =
                parts.map(|part| scope.spawn(move || put_down(root, content, part))).collect();
            let own = put_down(root, content, own);
            others.into_iter().fold(own, |before, other| {
                before.and(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        })?;
        self.log.set_len(0)?;
        self.end = 0;
        self.waiting.clear();
        Ok(())
    }

    /// Says that a file is a notebook now, or is none.
    pub(super) fn note(&mut self, path: &ObjectPath, notebook: bool) {
        if notebook {
            self.notebooks.insert(path.as_str().to_owned());
        } else {
            self.notebooks.remove(path.as_str());
        }
    }

    /// Whether the store has a note about a path.
    pub(super) fn is_noted(&self, path: &ObjectPath) -> bool {
        self.notebooks.contains(path.as_str())
    }

    /// An open folder; `None` where there is none of this name.
    fn folder(&mut self, path: &ObjectPath) -> io::Result<Option<&OwnedFd>> {
        if !self.folders.contains_key(path) {
            let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
            let folder = match open(&path.on_disk(&self.root), flags, Mode::empty()) {
                Ok(folder) => folder,
                Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            if self.folders.len() >= FOLDERS {
                self.folders.clear();
            }
            self.folders.insert(path.clone(), folder);
        }
        Ok(self.folders.get(path))
    }
}

/// The record at a place of the log; nothing where it is not whole.
fn record(text: &[u8], at: usize) -> Option<Record> {
    let head = text.get(at..at + HEAD)?;
    let number = |place: usize| -> Option<usize> {
        usize::try_from(u32::from_le_bytes(head[place..place + 4].try_into().ok()?)).ok()
    };
    let gone = head[..4] == GONE;
    if !gone && head[..4] != MARK {
        return None;
    }
    let start = (at + HEAD).checked_add(number(4)?)?;
    let length = number(8)?;
    let next = start.checked_add(length).filter(|next| *next <= text.len())?;
    let path = ObjectPath::parse(std::str::from_utf8(&text[at + HEAD..start]).ok()?).ok()?;
    let came = UNIX_EPOCH + Duration::from_millis(u64::from_le_bytes(head[12..].try_into().ok()?));
    Some(Record { path, landed: Landed { start: start as u64, length, came }, gone, next })
}

/// Writes files of the log to their places; those of one folder stand together.
fn put_down(root: &Path, log: &[u8], files: &[(&ObjectPath, &Landed)]) -> io::Result<()> {
    let mut open_folder: Option<(ObjectPath, OwnedFd)> = None;
    for (path, landed) in files {
        let start = usize::try_from(landed.start).map_err(io::Error::other)?;
        let content = &log[start..start + landed.length];
        let parent = path.parent();
        let folder = match &open_folder {
            Some((known, folder)) if *known == parent => folder,
            _ => {
                let place = parent.on_disk(root);
                // Somebody may have removed it by hand.
                std::fs::create_dir_all(&place)?;
                let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
                let folder = open(&place, flags, Mode::empty())?;
                &open_folder.insert((parent, folder)).1
            }
        };
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        match openat(folder, path.name(), flags, Mode::S_IRUSR | Mode::S_IWUSR) {
            Ok(file) => {
                let mut file = File::from(file);
                file.write_all(content)?;
                file.set_modified(landed.came)?;
            }
            // What is there is read until the new one has its name.
            Err(Errno::EEXIST) => {
                let mut file = NamedTempFile::new_in(root)?;
                file.write_all(content)?;
                file.as_file().set_modified(landed.came)?;
                file.persist(path.on_disk(root))?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
