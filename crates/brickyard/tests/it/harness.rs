//! An empty home to run the binary in; fetched programs are shared between tests and kept for the next run.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// How long anything may take: environments are built at first use, on machines that do other things too.
const PATIENCE: Duration = Duration::from_secs(600);

/// A home directory with nothing in it; what runs in the background is stopped when it is dropped.
pub(crate) struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// State of the background service.
    pub(crate) fn service(&self) -> PathBuf {
        self.path().join("state")
    }

    /// Makes an app's folder of these files.
    pub(crate) fn app(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.path().join(name);
        for (file, text) in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    /// The binary with these arguments, in this home.
    pub(crate) fn brickyard(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_brickyard"));
        command
            .args(arguments)
            .env_clear()
            .envs(
                ["PATH", "SSL_CERT_FILE", "PIP_CERT", "PIP_FIND_LINKS", "UV_CACHE_DIR"]
                    .iter()
                    .filter_map(|name| Some((*name, std::env::var_os(name)?))),
            )
            .env("HOME", self.path())
            .env("XDG_STATE_HOME", self.path().join("xdg-state"))
            .env("BRICKYARD_CACHE_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.brickyard(arguments).output().unwrap()
    }

    /// Runs it to its end and gives what it printed; fails where it does.
    pub(crate) fn stdout(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// The same as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["-o", "json"]).collect();
        serde_json::from_str(&self.stdout(&arguments)).unwrap()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.brickyard(&["down", "--state-directory", self.service().to_str().unwrap()]).output();
        let _ = self.brickyard(&["down"]).output();
    }
}

/// `brickyard run` in the foreground of a test.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) url: String,
    /// What it had said on stderr until it was ready.
    pub(crate) said: String,
}

impl Running {
    /// Starts it and waits until it says that it runs.
    pub(crate) fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut command = home.brickyard(&["run"]);
        let mut child = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut said, mut url) = (String::new(), String::new());
        loop {
            let Some(Ok(line)) = lines.next() else { panic!("it ended: {said}") };
            said.push_str(&line);
            said.push('\n');
            if let Some((_, address)) = line.split_once("App        ") {
                address.trim().clone_into(&mut url);
            }
            if line.starts_with("Press Ctrl-C") {
                break;
            }
        }
        // Whatever it says later has to be read, or it would block.
        std::thread::spawn(move || for _ in lines {});
        Self { child, url, said }
    }

    /// Sends a signal and waits for the end; its exit code.
    pub(crate) fn end(mut self, signal: nix::sys::signal::Signal) -> Option<i32> {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(pid, signal).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// GET with cookies and redirects, as a browser without scripts; status and body.
pub(crate) fn get(url: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let mut command = Command::new("curl");
    command.args([
        "--silent",
        "--show-error",
        "--location",
        "--cookie",
        "",
        "--max-time",
        "120",
        "--write-out",
        "\n%{http_code}",
    ]);
    for (name, value) in headers {
        command.args(["--header", &format!("{name}: {value}")]);
    }
    let output = command.arg(url).output().unwrap();
    let all = text(&output.stdout);
    let (body, code) = all.rsplit_once('\n').unwrap();
    (code.parse().unwrap(), body.to_owned())
}

/// Waits for a condition.
pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    const PAUSE: Duration = Duration::from_millis(50);
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        if condition() {
            return;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("{what} did not come");
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
