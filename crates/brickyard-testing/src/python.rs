use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A virtual environment that tests share; it stays for the next run.
#[derive(Debug, Clone)]
pub struct PythonEnvironment {
    root: PathBuf,
}

impl PythonEnvironment {
    /// The virtual environment's directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its interpreter.
    pub fn python(&self) -> PathBuf {
        self.program("python")
    }

    /// A program that one of its packages installed, such as `sail`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.root.join("bin").join(name)
    }
}

/// The virtual environment that holds these requirements (lines of a `requirements.txt`), made once for each distinct
/// list and kept below the cargo target directory.
///
/// Several test processes may ask at once: a file lock lets one build while the others wait. `uv` does the work when
/// it can be had, `pip` otherwise. Blocks; panics, with what the installer said, when the packages cannot be installed.
pub fn python_environment(requirements: &[&str]) -> PythonEnvironment {
    let mut lines: Vec<&str> = requirements.to_vec();
    lines.sort_unstable();
    lines.dedup();
    let mut hasher = DefaultHasher::new();
    lines.hash(&mut hasher);
    let name =
        lines.first().map_or("empty", |line| line.split(['=', '<', '>', '~', '[', '@', ' ']).next().unwrap());
    let home = home();
    fs::create_dir_all(&home).unwrap();
    let root = home.join(format!("{}-{:016x}", name.trim(), hasher.finish()));
    let ready = root.join("requirements.txt");

    let lock = File::create(root.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !ready.exists() {
        if root.exists() {
            fs::remove_dir_all(&root).unwrap(); // left by a build that did not finish
        }
        install(&root, &lines);
        fs::write(&ready, lines.join("\n")).unwrap();
    }
    PythonEnvironment { root }
}

fn install(root: &Path, requirements: &[&str]) {
    let uv = if requirements == ["uv"] { None } else { uv() };
    let interpreter = interpreter();
    if let Some(uv) = uv {
        run(Command::new(&uv).args(["venv", "--quiet", "--python", interpreter]).arg(root));
        let python = root.join("bin/python");
        run(Command::new(&uv)
            .args(["pip", "install", "--quiet", "--python"])
            .arg(python)
            .args(requirements)
            .env("UV_LINK_MODE", "hardlink"));
    } else {
        run(Command::new(interpreter).args(["-m", "venv"]).arg(root));
        run(Command::new(root.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(requirements));
    }
}

/// `uv` from the machine, else from an environment of its own.
fn uv() -> Option<PathBuf> {
    if answers("uv") {
        return Some(PathBuf::from("uv"));
    }
    let program = python_environment(&["uv"]).program("uv");
    program.exists().then_some(program)
}

/// Python 3.11 as on the platform, where the machine has it.
fn interpreter() -> &'static str {
    ["python3.11", "python3"].into_iter().find(|name| answers(name)).expect("Python 3 is on the machine")
}

fn answers(program: &str) -> bool {
    let quiet = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

pub(crate) fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A directory that outlives the test run: below `target/` where the test binary lies there.
pub(crate) fn home() -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    let target = binary.ancestors().find(|directory| directory.join("CACHEDIR.TAG").exists());
    let base = target.map_or_else(std::env::temp_dir, |target| target.join("tmp"));
    base.join("python")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_made_once_and_runs() {
        let first = python_environment(&["iniconfig==2.0.0"]);
        let made = fs::metadata(first.root()).unwrap().modified().unwrap();
        let again = python_environment(&["iniconfig==2.0.0"]);
        assert_eq!(fs::metadata(again.root()).unwrap().modified().unwrap(), made);
        run(Command::new(again.python()).args(["-c", "import iniconfig"]));
    }
}
