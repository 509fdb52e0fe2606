use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::account::Account;
use crate::installation::Installation;
use crate::launch;
use crate::place;
use crate::server::ServerError;
use crate::tree;

/// The bootstrap superuser of every server; nobody logs in as it but brickyard itself.
pub(crate) const SUPERUSER: &str = "cloud_admin";

/// Counts the ways in which templates were made: those of an earlier way are not taken.
const WAY: u32 = 2;

static DRAFTS: AtomicU64 = AtomicU64::new(0);

/// Makes a fresh data directory at `data` as a copy of the cached template, which `initdb` makes once a version.
pub(crate) async fn materialize(
    installation: &Installation,
    programs: &Path,
    cache: &Path,
    account: Option<&Account>,
    data: &Path,
) -> Result<(), ServerError> {
    let (origin, template) = template(installation, programs, cache, account).await?;
    let draft = draft_beside(data);
    let account = account.cloned();
    let target = data.to_path_buf();
    let failed = |source| ServerError::Data { path: data.to_path_buf(), source };
    tokio::task::spawn_blocking(move || {
        tree::copy(&origin, &draft, account.as_ref(), &|_| false)?;
        std::fs::rename(&draft, &target)?;
        if origin == template {
            sync_later(target, || {});
        } else {
            // It becomes the template once it is on disk for sure: a broken one would break every server after it.
            sync_later(target, move || {
                if std::fs::rename(&origin, &template).is_err() {
                    let _ = std::fs::remove_dir_all(&origin); // another process was quicker
                }
            });
        }
        Ok(())
    })
    .await
    .unwrap_or_else(|error| Err(std::io::Error::other(error)))
    .map_err(failed)
}

/// Where to copy from, and where the template is or will be: a fresh draft of `initdb` when there is none yet.
async fn template(
    installation: &Installation,
    programs: &Path,
    cache: &Path,
    account: Option<&Account>,
) -> Result<(PathBuf, PathBuf), ServerError> {
    let owner = account.map_or_else(|| nix::unistd::geteuid().as_raw(), |account| account.uid);
    let name =
        format!("{WAY}-{}-{owner}-{}", installation.version, place::short_hash(&installation.directory));
    let template = place::data(&cache.join("lakebase-templates").join(name), account)?;
    if template.join("PG_VERSION").is_file() {
        return Ok((template.clone(), template));
    }
    sweep_drafts(&template);
    let draft = draft_beside(&template);
    tree::make(&draft, account).map_err(|source| ServerError::Data { path: draft.clone(), source })?;
    // Since 17 the server brings the locale along; the system's is for what asks the system still, where it has one.
    let builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
    let builtin: &[&str] = if installation.major >= 17 { &builtin } else { &[] };
    let variants = ["--locale=C.UTF-8", "--locale=C"].map(|locale| [builtin, &[locale]].concat());
    let mut told = String::new();
    for locale in variants {
        let output = launch::command(&[], account, &programs.join("initdb"))
            .arg("--pgdata")
            .arg(&draft)
            .args(["--encoding=UTF8", "--data-checksums", "--auth=trust", "--no-instructions", "--no-sync"])
            .arg(format!("--username={SUPERUSER}"))
            .args(&locale)
            .stderr(Stdio::piped())
            .output()
            .await
            .map_err(|source| ServerError::Spawn { program: programs.join("initdb"), source })?;
        if output.status.success() {
            return Ok((draft, template));
        }
        String::from_utf8_lossy(&output.stderr).trim().clone_into(&mut told);
    }
    let _ = std::fs::remove_dir_all(&draft);
    Err(ServerError::Initdb { told })
}

/// Removes drafts of processes that are gone.
fn sweep_drafts(template: &Path) {
    let prefix = format!("{}.draft-", template.file_name().unwrap_or_default().to_string_lossy());
    let parent = template.parent().unwrap_or(Path::new("/"));
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(process) = name.strip_prefix(&prefix).and_then(|rest| rest.split('-').next()) else {
            continue;
        };
        let process = process.parse().ok().map(nix::unistd::Pid::from_raw);
        let gone =
            process.is_some_and(|pid| nix::sys::signal::kill(pid, None) == Err(nix::errno::Errno::ESRCH));
        if gone {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// A name in the same directory that nobody else uses.
pub(crate) fn draft_beside(path: &Path) -> PathBuf {
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".draft-{}-{number}", std::process::id()));
    path.with_file_name(name)
}

/// Has the file system write a fresh copy to disk, without anybody waiting: until then only a power failure could harm
/// it, and only while it is seconds old. `then` is called when it is written.
pub(crate) fn sync_later(path: PathBuf, then: impl FnOnce() + Send + 'static) {
    let work = move || {
        #[cfg(target_os = "linux")]
        if let Ok(directory) = std::fs::File::open(&path) {
            let _ = nix::unistd::syncfs(&directory);
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = path;
            nix::unistd::sync();
        }
        then();
    };
    let _ = std::thread::Builder::new().name("lakebase-sync".to_owned()).spawn(work);
}
