use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// File for the requests of the test that runs on this thread, below the folder that cargo gives to tests
/// (`CARGO_TARGET_TMPDIR`); `cargo xtask witnesses` reads it. A test begins with no file; none for threads without a name.
pub fn request_log(directory: &str) -> Option<PathBuf> {
    static BEGUN: Mutex<Option<HashSet<String>>> = Mutex::new(None);
    let thread = std::thread::current();
    let test = thread.name().filter(|name| name.contains("::"))?;
    let directory = Path::new(directory).join("witnesses");
    let path = directory.join(test.replace("::", "."));
    let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
    if begun.get_or_insert_default().insert(test.to_owned()) {
        std::fs::create_dir_all(&directory).unwrap();
        let _there_was_none = std::fs::remove_file(&path);
    }
    Some(path)
}
